"""The planner: in whatever order trainings end, the same are done, with the same results."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_type_hints

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.trainings.planner import Asked, DatasetPlan, Ended, Look, Search, look
from rnn_core.comparison.race import Runner, Trained, race
from rnn_core.study import TUNING_SEED, Seeds
from rnn_core.training.item_scores import ItemScores
from rnn_core.training.tuning import Dimension, Trial

SPACE = {
    "learning_rate": Dimension(own=0.01, low=0.001, high=0.1, logarithmic=True),
    "dropout": Dimension(own=0.1, low=0.0, high=0.5, logarithmic=False),
}


COSTS = {"gru": 30, "lstm": 40, "mgu": 20, "rnn_tanh": 10}
MEANS = {("gru", 4): 8.0, ("gru", 8): 5.0, ("lstm", 4): 5.5, ("mgu", 8): 14.0}
"""Of validation losses, which vary by chance from 0 to 8 around them."""


def end_of(asked, salt=0, own=False):
    """How a training ends: by chance, but always the same; one in eight diverges."""
    drawn = hashlib.sha256(f"{asked} {salt}".encode()).digest()
    score = None if drawn[0] < 32 else drawn[1] / 32
    cost = COSTS[asked.cell] * asked.hidden_size
    if asked.is_trial:
        return Ended(score, epochs=drawn[2], steps=drawn[3], cost=cost)
    trained = Trained(loss=None, items=None)
    if score is not None:
        score += MEANS.get((asked.cell, asked.hidden_size), 0.0)
        values = score + np.frombuffer(drawn, np.uint8)[4:16] / 64
        items = ItemScores(values=values, weights=np.ones(12), own_to_seed=own)
        trained = Trained(loss=score, items=items)
    return Ended(score, epochs=drawn[2], steps=drawn[3], cost=cost, trained=trained)


@dataclass
class Run:
    """A run of a plan.

    Attributes:
        plan: Of what.
        own: Whether each random seed has items of its own.
        ended: Trainings that have ended, and what else was there.
        begun: Every training in the order in which it was begun.
    """

    plan: DatasetPlan
    own: bool = False
    ended: dict[Asked, Ended] = field(default_factory=dict)
    begun: list[Asked] = field(default_factory=list)

    def go(self, choose=lambda running: 0, kill=lambda: False) -> Look:
        """Begin what is asked for and let one end at a time; a kill loses all that runs."""
        running: list[Asked] = []
        while (found := look(self.plan, self.ended)).wanted:
            self.check(found)
            new = [asked for asked in found.wanted if asked not in running]
            self.begun += new
            running += new
            if kill():
                running = []
            else:
                asked = running.pop(choose(running))
                self.ended[asked] = end_of(asked, own=self.own)
        assert not running
        return found

    def check(self, found: Look) -> None:
        """Nothing is asked for that has ended, nor twice; a candidate has one trial at a time."""
        assert len(set(found.wanted)) == len(found.wanted)
        assert not self.ended.keys() & set(found.wanted)
        for candidate in self.plan.candidates:
            of_it = [a for a in found.wanted if (a.cell, a.hidden_size) == candidate]
            trials = [asked for asked in of_it if asked.is_trial]
            assert not trials or of_it == trials[:1]


@st.composite
def plans(draw):
    known = [("gru", 4), ("gru", 8), ("lstm", 4), ("mgu", 8)]
    candidates = draw(st.lists(st.sampled_from(known), min_size=1, max_size=3, unique=True))
    first = draw(st.integers(1, 3))
    search = Search(
        space={name: SPACE[name] for name in draw(st.sampled_from([list(SPACE), ["dropout"]]))},
        trials=draw(st.integers(1, 4)),
        share=0.5,
    )
    return DatasetPlan(
        candidates=tuple(candidates),
        seeds=Seeds(first=first, most=draw(st.integers(first, 6))),
        margin=draw(st.sampled_from([0.5, 2.0, 4.0])),
        members=draw(st.sampled_from([1, 2, 5])),
        direction=draw(st.sampled_from(["lower", "higher"])),
        search=draw(st.sampled_from([search, search, None])),
    )


def others():
    """Trainings that the plan may not want: other cells, seeds, values and shares."""
    values = st.sampled_from([(), (("dropout", 0.1),), (("dropout", 0.25),)])
    return st.builds(
        Asked,
        cell=st.sampled_from(["gru", "lstm", "mgu", "rnn_tanh"]),
        hidden_size=st.sampled_from([4, 8, 16]),
        seed=st.sampled_from([0, 1, 2, 3, 4, 5, 9, TUNING_SEED]),
        values=values,
        share=st.sampled_from([0.25, 0.5, 1.0]),
    )


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.data())
def test_order_of_ends_kills_and_what_else_is_there_change_nothing(data):
    plan, own = data.draw(plans()), data.draw(st.booleans())
    alone = Run(plan, own)
    expected = alone.go()
    assert len(set(alone.begun)) == len(alone.begun), "without a kill nothing is begun twice"
    run = Run(plan, own)
    extras = data.draw(st.lists(others(), max_size=8))
    run.ended = {asked: end_of(asked, own=own) for asked in extras}
    kills = data.draw(st.lists(st.booleans(), max_size=12))
    found = run.go(
        choose=lambda running: data.draw(st.integers(0, len(running) - 1)),
        kill=lambda: bool(kills) and kills.pop(),
    )
    assert found == expected
    there = {asked for asked in extras if asked in alone.ended}
    assert set(run.begun) == set(alone.begun) - there


@settings(max_examples=30, deadline=None, derandomize=True)
@given(plans(), st.data())
def test_study_is_done_if_exactly_what_it_wants_has_ended(plan, data):
    """And with any one of them missing it asks for that, since all that follows has ended."""
    whole = Run(plan)
    whole.go()
    missing = data.draw(st.sampled_from(whole.begun))
    left = {asked: end for asked, end in whole.ended.items() if asked != missing}
    assert look(plan, left).wanted == [missing]
    assert not look(plan, whole.ended).wanted


@settings(max_examples=15, deadline=None, derandomize=True)
@given(plans().filter(lambda plan: plan.search is not None))
def test_trials_of_a_candidate_are_those_that_optuna_proposes_by_itself(plan):
    run = Run(plan)
    found = run.go()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    for cell, size in plan.candidates:
        study = optuna.create_study(
            direction="minimize" if plan.direction == "lower" else "maximize",
            sampler=optuna.samplers.TPESampler(
                n_startup_trials=math.ceil(plan.search.trials / 2), seed=0
            ),
        )
        study.enqueue_trial({name: one.own for name, one in plan.search.space.items()})
        worst = math.inf if plan.direction == "lower" else -math.inf
        proposed = []

        def objective(trial, cell=cell, size=size, worst=worst, proposed=proposed):
            values = {
                name: trial.suggest_float(name, one.low, one.high, log=one.logarithmic)
                for name, one in plan.search.space.items()
            }
            asked = Asked(cell, size, TUNING_SEED, tuple(sorted(values.items())), 0.5)
            end = end_of(asked)
            proposed.append(
                Trial(values=values, score=end.score, epochs=end.epochs, steps=end.steps)
            )
            return worst if end.score is None else end.score

        study.optimize(objective, n_trials=plan.search.trials)
        assert found.trials[cell, size] == proposed
        begun = [a for a in run.begun if a.is_trial and (a.cell, a.hidden_size) == (cell, size)]
        assert [dict(asked.values) for asked in begun] == [trial.values for trial in proposed]


PLAN = DatasetPlan(
    candidates=(("gru", 4), ("lstm", 3)),
    seeds=Seeds(first=2, most=2),
    margin=1.0,
    members=1,
    direction="lower",
    search=Search(space=SPACE, trials=3, share=0.5),
)


@pytest.mark.parametrize("direction", ["lower", "higher"])
def test_seeds_are_trained_with_the_values_of_the_best_trial(direction):
    plan = DatasetPlan(**{**vars(PLAN), "direction": direction})
    run = Run(plan)
    never = Asked("gru", 4, TUNING_SEED, (("dropout", 0.25), ("learning_rate", 0.02)), 0.5)
    run.ended[never] = Ended(-99.0 if direction == "lower" else 99.0, 1, 1)
    for asked in run.go().results:
        trials = [
            (run.ended[other].score, other)
            for other in run.begun
            if other.is_trial and other.cell == asked.cell and run.ended[other].score is not None
        ]
        best = (min if direction == "lower" else max)(trials, key=lambda trial: trial[0])
        assert asked.values == best[1].values
        assert (asked.share, best[1].share) == (1.0, 0.5)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(plans().filter(lambda plan: plan.search is None), st.booleans())
def test_trainings_are_those_that_the_race_asks_for(plan, own):
    """Among candidates from the cheapest to the dearest, and for the one that is chosen."""
    run = Run(plan, own)
    found = run.go()
    ordered = sorted(plan.candidates, key=lambda c: (COSTS[c[0]] * c[1], f"{c[0]}-{c[1]}"))
    runners = [
        Runner(
            name=f"{cell}-{size}",
            trained=[end_of(Asked(cell, size, seed), own=own).trained for seed in range(6)],
        )
        for cell, size in ordered
    ]
    expected = race(runners, plan.seeds, plan.margin)
    assert found.results == [
        Asked(cell, size, seed)
        for cell, size in ordered
        for seed in range(expected.asked[f"{cell}-{size}"])
    ]
    chosen = [c for c in ordered if f"{c[0]}-{c[1]}" == expected.recommended]
    several = [Asked(*each, seed) for each in chosen for seed in range(plan.members)]
    if plan.members == 1 or own:
        several = []
    finished = [one for one in several if end_of(one).score is not None]
    assert set(run.begun) == set(found.results) | set(several)
    assert found.members == (finished if len(finished) > 1 else [])


def test_candidate_that_is_out_of_the_race_is_trained_no_further():
    """And the one that is chosen up to as many seeds as may answer together, and no other."""
    plan = DatasetPlan(
        candidates=(("gru", 4), ("lstm", 3)),
        seeds=Seeds(first=3, most=10),
        margin=1.0,
        members=5,
        direction="lower",
    )
    items = ItemScores(values=np.zeros(4), weights=np.ones(4))
    ended: dict[Asked, Ended] = {}
    while (found := look(plan, ended)).wanted:
        for asked in found.wanted:
            loss = (
                0.01 * asked.seed + (9.0 if asked.cell == "gru" else 0.0) + 0.003 * (asked.seed % 2)
            )
            trained = Trained(loss=loss, items=items)
            ended[asked] = Ended(loss, 1, 1, cost=COSTS[asked.cell], trained=trained)
    assert [asked.seed for asked in found.results if asked.cell == "gru"] == [0, 1, 2]
    assert [asked.seed for asked in found.results if asked.cell == "lstm"] == [0, 1, 2]
    assert found.members == [Asked("lstm", 3, seed) for seed in range(5)]
    assert len(ended) == 8


def test_candidates_wait_for_each_other_from_the_first_look_on():
    """More seeds are asked for once all have their first ones, not before."""
    plan = DatasetPlan(
        candidates=(("gru", 8), ("lstm", 4)),
        seeds=Seeds(first=2, most=6),
        margin=0.001,
        members=1,
        direction="lower",
    )
    items = ItemScores(values=np.zeros(4), weights=np.ones(4))
    gru, lstm = ([Asked(*candidate, seed) for seed in range(3)] for candidate in plan.candidates)
    ends = {
        asked: Ended(loss, 1, 1, cost=7, trained=Trained(loss=loss, items=items))
        for asked, loss in zip(gru[:2] + lstm[:2], (0.5, 0.7, 0.6, 0.3), strict=True)
    }
    ended = {asked: ends[asked] for asked in gru[:2]}
    assert look(plan, ended).wanted == lstm[:2]
    ended[lstm[1]] = ends[lstm[1]]
    assert look(plan, ended).wanted == lstm[:1]
    ended[lstm[0]] = ends[lstm[0]]
    assert look(plan, ended).wanted == [gru[2], lstm[2]]


def test_planner_can_know_no_test_score():
    """By the type of what it is given; and it has no way to look for one."""
    assert get_type_hints(look)["ended"] == Mapping[Asked, Ended]
    assert get_type_hints(Ended) == {
        "score": float | None,
        "epochs": int,
        "steps": int,
        "cost": int,
        "trained": Trained | None,
    }
    assert get_type_hints(Trained) == {"loss": float | None, "items": ItemScores | None}
