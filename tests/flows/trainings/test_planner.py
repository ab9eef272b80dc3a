"""The planner: in whatever order trainings end, the same are done, with the same results."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import get_type_hints

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.trainings.planner import Asked, DatasetPlan, Ended, Look, Search, look
from rnn_core.study import TUNING_SEED
from rnn_core.training.tuning import Dimension, Trial

SPACE = {
    "learning_rate": Dimension(own=0.01, low=0.001, high=0.1, logarithmic=True),
    "dropout": Dimension(own=0.1, low=0.0, high=0.5, logarithmic=False),
}


def end_of(asked, salt=0):
    """How a training ends: by chance, but always the same; one in eight diverges."""
    drawn = hashlib.sha256(f"{asked} {salt}".encode()).digest()
    score = None if drawn[0] < 32 else drawn[1] / 16
    return Ended(score, epochs=drawn[2], steps=drawn[3])


@dataclass
class Run:
    """A run of a plan.

    Attributes:
        plan: Of what.
        ended: Trainings that have ended, and what else was there.
        begun: Every training in the order in which it was begun.
    """

    plan: DatasetPlan
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
                self.ended[asked] = end_of(asked)
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
    search = Search(
        space={name: SPACE[name] for name in draw(st.sampled_from([list(SPACE), ["dropout"]]))},
        trials=draw(st.integers(1, 4)),
        share=0.5,
    )
    return DatasetPlan(
        candidates=tuple(candidates),
        seeds=tuple(range(draw(st.integers(1, 3)))),
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
        seed=st.sampled_from([0, 1, 2, 9, TUNING_SEED]),
        values=values,
        share=st.sampled_from([0.25, 0.5, 1.0]),
    )


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.data())
def test_order_of_ends_kills_and_what_else_is_there_change_nothing(data):
    plan = data.draw(plans())
    alone = Run(plan)
    expected = alone.go()
    assert len(set(alone.begun)) == len(alone.begun), "without a kill nothing is begun twice"
    run = Run(plan)
    extras = data.draw(st.lists(others(), max_size=8))
    run.ended = {asked: end_of(asked) for asked in extras}
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
    """And with any one of them missing it asks for that, and for what follows from it."""
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
    seeds=(0, 1),
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


def test_planner_can_know_no_test_score():
    """By the type of what it is given; and it has no way to look for one."""
    assert get_type_hints(look)["ended"] == Mapping[Asked, Ended]
    assert [one.name for one in fields(Ended)] == ["score", "epochs", "steps"]
    assert get_type_hints(Ended) == {"score": float | None, "epochs": int, "steps": int}
