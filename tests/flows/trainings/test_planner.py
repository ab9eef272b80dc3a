"""The planner: in whatever order trainings end, the same are done, with the same results.

Rounds of tuning are tested in `test_tuning_rounds`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import get_type_hints

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.trainings.planner import Asked, DatasetPlan, Ended, Look, Sizing, Tunes, look
from rnn_core.comparison.race import Runner, Trained, race
from rnn_core.metric import Metric, Reached
from rnn_core.study import TUNING_SEED, Seeds, Tuning
from rnn_core.training.item_scores import ItemScores
from rnn_core.training.search_space import Dimension

LOWER = Metric("loss", "", "lower")
COSTS = {"gru": 30, "lstm": 40, "mgu": 20, "rnn_tanh": 10}
NETWORK_COST = 1
MEANS = {"gru-4": 8.0, "gru-8": 5.0, "lstm-4": 5.5, "mgu-8": 14.0, "gru-2x4": 14.0}
"""Of validation losses, which vary by chance from 0 to 8 around them."""


def end_of(asked, salt=0, own=False):
    """Random end of a training, but always the same one; one in eight diverges."""
    drawn = hashlib.sha256(f"{asked} {salt}".encode()).digest()
    score = None if drawn[0] < 32 else drawn[1] / 32
    cost = COSTS.get(asked.cell, NETWORK_COST) * asked.hidden_size * asked.num_layers
    kept = None if score is None else 1 + drawn[2] // 2
    trained = Trained(loss=None, items=None)
    if score is not None:
        score += MEANS.get(asked.sizing.name, 0.0)
        values = score + np.frombuffer(drawn, np.uint8)[4:16] / 64
        items = ItemScores(values=values, weights=np.ones(12), own_to_seed=own)
        trained = Trained(loss=score, items=items)
    if asked.division == "refit":
        score, trained = None, None
    elif score is not None and asked.division == "moved_back_refit" and drawn[4] < 200:
        trained = replace(trained, loss=score - 50)
    return Ended(
        score,
        epochs=drawn[2],
        steps=drawn[3],
        cost=cost,
        trained=trained,
        reached=None if score is None else Reached(score),
        kept=kept,
    )


def asked_for(candidate, seeds):
    """The trainings of a candidate with its first seeds."""
    return [Asked(**candidate._asdict(), seed=seed) for seed in range(seeds)]


@dataclass
class Run:
    """A run of a plan.

    Attributes:
        plan: Of what.
        own: Whether each random seed has items of its own.
        ended: Trainings that have ended, and others that were there.
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
        """Nothing is asked for that has ended, nor twice."""
        assert len(set(found.wanted)) == len(found.wanted)
        assert not self.ended.keys() & set(found.wanted)


@st.composite
def plans(draw):
    known = [Sizing("gru", 4), Sizing("gru", 8), Sizing("lstm", 4), Sizing("mgu", 8)]
    known += [Sizing("gru", 4, 2)]
    candidates = draw(st.lists(st.sampled_from(known), min_size=1, max_size=3, unique=True))
    first = draw(st.integers(1, 3))
    return DatasetPlan(
        candidates=tuple(candidates),
        seeds=Seeds(first=first, most=draw(st.integers(first, 6))),
        margin=draw(st.sampled_from([0.5, 2.0, 4.0])),
        members=draw(st.sampled_from([1, 2, 5])),
        metric=Metric("loss", "", draw(st.sampled_from(["lower", "higher"]))),
        refit=draw(st.sampled_from([None, "seed", "ensemble", "auto"])),
    )


def others():
    """Trainings that the plan may not want: other cells, seeds, values and shares."""
    values = st.sampled_from([(), (("dropout", 0.1),), (("dropout", 0.25),)])
    return st.builds(
        Asked,
        cell=st.sampled_from(["gru", "lstm", "mgu", "rnn_tanh"]),
        hidden_size=st.sampled_from([4, 8, 16]),
        num_layers=st.sampled_from([1, 2]),
        seed=st.sampled_from([0, 1, 2, 3, 4, 5, 9, TUNING_SEED]),
        values=values,
        share=st.sampled_from([0.25, 0.5, 1.0]),
        division=st.sampled_from(["prepared", "prepared", "moved_back", "refit"]),
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


@settings(max_examples=40, deadline=None, derandomize=True)
@given(plans(), st.booleans())
def test_trainings_are_those_that_the_race_asks_for(plan, own):
    """Among candidates from the cheapest to the dearest, and for the one that is chosen."""
    run = Run(plan, own)
    found = run.go()
    ordered = sorted(
        plan.candidates,
        key=lambda c: (COSTS[c.cell] * c.hidden_size * c.num_layers, c.name),
    )
    runners = [
        Runner(name=c.name, trained=[end_of(one, own=own).trained for one in asked_for(c, 6)])
        for c in ordered
    ]
    expected = race(runners, plan.seeds, plan.margin)
    assert found.results == [one for c in ordered for one in asked_for(c, expected.asked[c.name])]
    chosen = [c for c in ordered if c.name == expected.recommended]
    several = [one for each in chosen for one in asked_for(each, plan.members)]
    if plan.members == 1 or own:
        several = []
    finished = [one for one in several if end_of(one).score is not None]
    refits = [one for one in run.begun if one.division != "prepared"]
    assert set(run.begun) - set(refits) == set(found.results) | set(several)
    assert found.refits == refits
    assert found.members == (finished if len(finished) > 1 else [])


@settings(max_examples=40, deadline=None, derandomize=True)
@given(plans(), st.booleans(), st.sampled_from(["seed", "ensemble", "auto"]))
def test_race_knows_nothing_of_a_refit(plan, own, champion):
    """Nor does the ensemble; and only the chosen candidate is refitted."""
    without = Run(replace(plan, refit=None), own)
    with_it = Run(replace(plan, refit=champion), own)
    alone, found = without.go(), with_it.go()
    assert (alone.results, alone.members) == (found.results, found.members)
    assert (alone.refits, alone.refit) == ([], None)
    new = set(with_it.begun) - set(without.begun)
    assert new == set(found.refits)
    assert {one.division for one in without.begun} == {"prepared"}
    assert len({(one.cell, one.hidden_size) for one in new}) <= 1
    if found.refit is not None:
        assert {(one.cell, one.hidden_size) for one in new} == {
            (found.refit.cell, found.refit.hidden_size)
        }
        assert found.refit.trainings == len(new)


def test_refits_are_counted_in_what_there_may_be_at_most():
    plan = DatasetPlan(
        candidates=(Sizing("gru", 4),),
        seeds=Seeds(first=3, most=3),
        margin=1.0,
        members=4,
        metric=LOWER,
    )
    assert [replace(plan, refit=kind).most for kind in (None, "auto")] == [3, 3 + 6 + 5]
    assert replace(plan, members=1, refit="seed").most == 3 + 6 + 1


def test_refit_has_the_layers_of_what_was_chosen():
    plan = DatasetPlan(
        candidates=(Sizing("gru", 4, 2),),
        seeds=Seeds(first=3, most=3),
        margin=1.0,
        members=1,
        metric=LOWER,
        refit="seed",
    )
    found = Run(plan).go()
    assert {one.division for one in found.refits} >= {"moved_back", "moved_back_refit"}
    assert {one.sizing for one in found.refits} == {Sizing("gru", 4, 2)}
    assert (found.refit.name, found.refit.size) == ("gru-2x4", "2x4")


def test_values_that_were_tuned_are_those_of_the_refit():
    """As of all other trainings of the candidate."""
    plan = DatasetPlan(
        candidates=(Sizing("gru", 4),),
        seeds=Seeds(first=2, most=2),
        margin=1.0,
        members=1,
        metric=LOWER,
        tunes=Tunes(
            dataset="d",
            tuning=Tuning(trials=2, learning_rate=(0.5, 2.0)),
            space={"learning_rate": Dimension(own=0.1, low=0.05, high=0.2, logarithmic=True)},
            epochs=4,
        ),
        refit="seed",
    )
    found = Run(plan).go()
    (values,) = {one.values for one in found.results}
    assert {one.values for one in found.refits} == {values}


def test_candidate_that_is_out_of_the_race_is_trained_no_further():
    """And the one that is chosen up to as many seeds as may answer together, and no other."""
    plan = DatasetPlan(
        candidates=(Sizing("gru", 4), Sizing("lstm", 3)),
        seeds=Seeds(first=3, most=10),
        margin=1.0,
        members=5,
        metric=LOWER,
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
        candidates=(Sizing("gru", 8), Sizing("lstm", 4)),
        seeds=Seeds(first=2, most=6),
        margin=0.001,
        members=1,
        metric=LOWER,
    )
    items = ItemScores(values=np.zeros(4), weights=np.ones(4))
    gru, lstm = (asked_for(candidate, 3) for candidate in plan.candidates)
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
    assert get_type_hints(Ended, localns={"Trained": Trained}) == {
        "score": float | None,
        "epochs": int,
        "steps": int,
        "cost": int,
        "trained": Trained | None,
        "reached": Reached | None,
        "kept": int | None,
    }
    assert get_type_hints(Reached) == {"score": float, "loss": float | None}
    assert get_type_hints(Trained) == {"loss": float | None, "items": ItemScores | None}


@settings(max_examples=30, deadline=None, derandomize=True)
@given(plans(), st.integers(1, 3), st.data())
def test_race_is_the_same_with_and_without_reference_networks(plan, number, data):
    """However they end; and of each there are two trainings, or as many as there may be."""
    networks = tuple(Sizing(name, 7) for name in ("linear", "tcn", "transformer")[:number])
    seeds = range(min(2, plan.seeds.most))
    own = [Asked(one.cell, one.hidden_size, seed) for one in networks for seed in seeds]
    alone, beside = Run(plan), Run(replace(plan, references=networks))
    ends = st.none() | st.floats(-1e9, 1e9)
    beside.ended = {
        one: Ended(score, 1, 1, cost=0, trained=Trained(loss=score, items=None))
        for one in data.draw(st.lists(st.sampled_from(own), unique=True))
        for score in [data.draw(ends)]
    }
    before = set(beside.ended)
    expected = alone.go()
    found = beside.go(choose=lambda running: data.draw(st.integers(0, len(running) - 1)))
    assert found == replace(expected, references=own)
    assert set(beside.begun) == set(alone.begun) | (set(own) - before)
    assert beside.plan.most == plan.most + len(own)
