"""The rounds of tuning as the planner asks for them, and sizes that are tuned again."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.trainings.planner import (
    Asked,
    DatasetPlan,
    Ended,
    Look,
    Sizing,
    Tunes,
    look,
    rounds_of,
)
from rnn_core.comparison.at_most import most_trainings
from rnn_core.comparison.race import Trained
from rnn_core.metric import Metric
from rnn_core.study import TUNING_SEED, Seeds, Tuning
from rnn_core.training.item_scores import ItemScores
from rnn_core.training.search_space import Dimension

SPACE = {
    "learning_rate": Dimension(own=0.01, low=0.001, high=0.1, logarithmic=True),
    "dropout": Dimension(own=0.1, low=0.0, high=0.5, logarithmic=False),
}
TUNING = Tuning(trials=4, share=0.25, finalists=1, learning_rate=(0.1, 10), dropout=(0, 0.5))
OWN = (("dropout", 0.1), ("learning_rate", 0.01))
ITEMS = 40
LOWER = Metric("mse", "", "lower")

Score = Callable[[Asked], float | None]


def drawn(asked: Asked, salt: object = 0) -> float:
    """A number from 0 to 1 that belongs to a training."""
    what = (*asked.sizing, asked.seed, asked.values, asked.share)
    digest = hashlib.sha256(f"{what} {salt}".encode()).digest()
    return int.from_bytes(digest[:6]) / 256**6


def end_of(asked: Asked, score: float | None) -> Ended:
    """End of a training with a given score, where lower is better."""
    trained = None
    if not asked.is_trial:
        items = None
        if score is not None:
            apart = np.linspace(-0.01, 0.01, ITEMS) * (1 + drawn(asked, "items"))
            items = ItemScores(values=score + apart, weights=np.ones(ITEMS))
        trained = Trained(loss=score, items=items)
    return Ended(score, epochs=3, steps=7, cost=asked.hidden_size, trained=trained)


@dataclass
class Run:
    """A run of a plan, in a world that says how every training ends."""

    plan: DatasetPlan
    score: Score
    ended: dict[Asked, Ended] = field(default_factory=dict)
    begun: list[Asked] = field(default_factory=list)

    def go(self, choose=lambda running: 0, kill=lambda: False) -> Look:
        """Begin what is asked for and let one end at a time; a kill loses all that runs."""
        running: list[Asked] = []
        while (found := look(self.plan, self.ended)).wanted:
            assert len(set(found.wanted)) == len(found.wanted)
            assert not self.ended.keys() & set(found.wanted)
            new = [asked for asked in found.wanted if asked not in running]
            self.begun += new
            running += new
            if kill():
                running = []
            else:
                asked = running.pop(choose(running))
                self.ended[asked] = end_of(asked, self.score(asked))
        assert not running
        return found

    def of(self, name: str) -> list[Asked]:
        """Trainings of a candidate that have begun."""
        return [one for one in self.begun if one.sizing.name == name]


def plan_of(*candidates: tuple[str, int, int], tuning=TUNING, **changes) -> DatasetPlan:
    plan = DatasetPlan(
        candidates=tuple(Sizing(*each) for each in candidates),
        seeds=Seeds(first=3, most=4),
        margin=0.02,
        members=1,
        metric=LOWER,
        tunes=Tunes(dataset="sales", tuning=tuning, space=SPACE, epochs=8),
    )
    return replace(plan, **changes)


def by_chance(salt: int) -> Score:
    """Scores of any kind; one in eight diverges."""

    def score(asked: Asked) -> float | None:
        return None if drawn(asked, salt) < 0.125 else drawn(asked, f"{salt} score")

    return score


def badly(size: int, until: float = math.inf, low: float = 0.001) -> Score:
    """Larger is better, except for one size that wants learning rates from `low` to `until`."""

    def score(asked: Asked) -> float:
        rate = dict(asked.values).get("learning_rate", 0.01)
        well = 1 / asked.hidden_size + 0.004 * drawn(asked)
        bad = asked.hidden_size == size and not low <= rate <= until
        return well + 1.0 * bad

    return score


PLANS = st.builds(
    plan_of,
    st.just(("gru", 4)),
    st.sampled_from([("gru", 8), ("gru", 4, 2), ("lstm", 4)]),
    st.sampled_from([("gru", 16), ("mgu", 8)]),
    tuning=st.builds(
        lambda trials, share, eta, finalists: replace(
            TUNING, trials=trials, share=share, eta=eta, finalists=min(finalists, trials)
        ),
        st.integers(1, 5),
        st.sampled_from([0.1, 0.25, 0.5, 1.0]),
        st.integers(2, 3),
        st.integers(1, 3),
    ),
    metric=st.just(LOWER),
    seeds=st.sampled_from([Seeds(first=1, most=1), Seeds(first=2, most=3)]),
    members=st.sampled_from([1, 3]),
)
WORLDS = st.builds(by_chance, st.integers(0, 10**6)) | st.sampled_from(
    [badly(8, until=0.004), badly(16, until=0.0), badly(8, until=0.002)]
)


def others():
    """Trainings that the plan may not want."""
    return st.builds(
        Asked,
        cell=st.sampled_from(["gru", "lstm", "mgu"]),
        hidden_size=st.sampled_from([4, 8, 16]),
        num_layers=st.sampled_from([1, 2]),
        seed=st.sampled_from([0, 1, 7, TUNING_SEED, TUNING_SEED + 1, TUNING_SEED + 2]),
        values=st.sampled_from([(), OWN, (("dropout", 0.25), ("learning_rate", 0.002))]),
        share=st.sampled_from([0.25, 0.5, 1.0]),
    )


@settings(max_examples=20, deadline=None, derandomize=True, database=None)
@given(PLANS, WORLDS, st.lists(others(), max_size=8), st.data())
def test_order_of_ends_kills_and_what_else_is_there_change_nothing(plan, world, extras, data):
    alone = Run(plan, world)
    expected = alone.go()
    assert len(set(alone.begun)) == len(alone.begun), "without a kill nothing is begun twice"
    run = Run(plan, world, {asked: end_of(asked, world(asked)) for asked in extras})
    kills = data.draw(st.lists(st.booleans(), max_size=12))
    order = data.draw(st.randoms(use_true_random=False))
    found = run.go(
        choose=lambda running: order.randrange(len(running)),
        kill=lambda: bool(kills) and kills.pop(),
    )
    assert as_told(found) == as_told(expected)
    there = {asked for asked in extras if asked in alone.ended}
    assert set(run.begun) == set(alone.begun) - there


def as_told(found: Look) -> tuple[object, ...]:
    """All that the stage makes of it."""
    return found.results, found.members, found.searches, found.failed


@settings(max_examples=15, deadline=None, derandomize=True, database=None)
@given(PLANS, WORLDS, st.data())
def test_all_that_was_trained_is_asked_for_again_if_it_is_lost(plan, world, data):
    """Trainings that led to tuning a size again count too: none may be thrown away."""
    whole = Run(plan, world)
    found = whole.go()
    missing = data.draw(st.sampled_from(whole.begun))
    left = {asked: end for asked, end in whole.ended.items() if asked != missing}
    assert missing in look(plan, left).wanted
    used = {(one.fixed, one.share, one.seed) for each in trials_of(found) for one in each}
    kept = set(found.results) | set(found.members)
    kept |= {one for each in found.failed.values() for one in each}
    diverged = {one for one in whole.begun if world(one) is None}
    assert {one for one in whole.begun if not one.is_trial} - diverged == kept - diverged
    assert {(o.values, o.share, o.seed) for o in whole.begun if o.is_trial} == used


def trials_of(found: Look):
    return [each for searches in found.searches.values() for s in searches for each in s.trials]


@settings(max_examples=20, deadline=None, derandomize=True, database=None)
@given(PLANS, WORLDS)
def test_every_candidate_has_the_same_budget_and_no_more_than_is_foreseen(plan, world):
    run = Run(plan, world)
    found = run.go()
    short, last = {}, {}
    for candidate in plan.candidates:
        name = candidate.name
        first, *second = found.searches[name]
        assert len(second) == (name in found.failed)
        short[name] = [len(each) for each in first.trials[:-1]]
        last[name] = len(first.trials[-1])
    assert len({tuple(each) for each in short.values()}) == 1
    assert len(set(last.values())) == 1
    assert len([one for one in run.begun if one not in found.members]) <= plan.most


def test_two_layers_are_not_tuned_again_where_one_layer_is_better():
    plan = plan_of(("gru", 16), ("gru", 8, 2), ("gru", 20, 2))
    run = Run(plan, lambda a: 1.0 * (a.num_layers == 2) + 0.002 * drawn(a))
    assert not run.go().failed
    run = Run(plan, lambda a: 1.0 * ((a.hidden_size, a.num_layers) == (20, 2)) + 0.002 * drawn(a))
    assert set(run.go().failed) == {"gru-2x20"}


def test_most_trainings_are_those_of_a_size_that_fails_and_finds_something_else():
    plan = plan_of(("gru", 4), ("gru", 8), seeds=Seeds(first=2, most=2))

    def begun(dataset):
        """Slow is best, and the larger size is far worse even so."""
        of_it = replace(plan, tunes=replace(plan.tunes, dataset=dataset))
        run = Run(of_it, lambda a: 2 * (a.hidden_size == 8) + dict(a.values)["learning_rate"])
        run.go()
        return len(run.begun)

    # 4 of 2 epochs, 2 of 4 epochs, 2 finalists of 8 epochs with 2 seeds; for gru-8 once more
    assert plan.most == 3 * (4 + 2 + 4) + 3 * 2
    assert max(map(begun, "abcdef")) == plan.most
    found = [
        most_trainings(
            smallest=1, candidates=2, references=0, seeds=plan.seeds, rounds=rounds, refit=None
        )
        for rounds in (rounds_of(TUNING), ())
    ]
    assert found == [plan.most, 4]


def test_a_round_is_asked_for_at_once_and_candidates_do_not_wait_for_one_another():
    plan = plan_of(("gru", 4), ("lstm", 4))
    wanted = look(plan, {}).wanted
    assert [one.cell for one in wanted] == ["gru"] * 4 + ["lstm"] * 4
    assert {(one.share, one.seed) for one in wanted} == {(0.25, TUNING_SEED)}
    ended = {one: end_of(one, drawn(one)) for one in wanted if one.cell == "gru"}
    second = look(plan, ended).wanted
    assert [(one.cell, one.share) for one in second] == [("gru", 0.5)] * 2 + [("lstm", 0.25)] * 4
    best = sorted(ended, key=lambda one: ended[one].score)[:2]
    assert [one.values for one in second[:2]] == [one.values for one in best]


def test_no_candidate_draws_what_it_or_another_draws_elsewhere():
    """A point that is lucky everywhere would look as if it had won again and again."""
    seen = []
    for dataset in ("sales", "prices"):
        plan = plan_of(("gru", 4), ("gru", 8), ("lstm", 4))
        plan = replace(plan, tunes=replace(plan.tunes, dataset=dataset))
        seen += [one.values for one in look(plan, {}).wanted]
    assert len(set(seen)) == len(seen) == 24


def test_finalists_have_the_full_length_with_seeds_that_no_study_has():
    run = Run(plan_of(("gru", 4)), by_chance(1))
    found = run.go()
    last = [one for one in run.begun if one.is_trial and one.share == 1]
    assert [one.seed for one in last] == [TUNING_SEED, TUNING_SEED + 1] * 2
    assert [one.values for one in last[:2]] == [OWN, OWN]
    assert {one.values for one in found.results} == {
        tuple(sorted(found.searches["gru-4"][0].chosen.items()))
    }


def test_size_that_fails_is_tuned_again_once_and_the_race_goes_on_with_what_was_found():
    """The own rate is too high for gru-8, and all that the first search drew: the second helps."""
    plan = plan_of(("gru", 4), ("gru", 8), ("lstm", 8))
    run = Run(plan, badly(8, until=0.0012))
    run.score = lambda asked, bad=run.score: (
        1 / asked.hidden_size if asked.cell == "lstm" else bad(asked)
    )
    found = run.go()
    assert set(found.failed) == {"gru-8"}
    first, second = found.searches["gru-8"]
    assert [one.seed for one in found.failed["gru-8"]] == [0, 1, 2]
    assert {one.values for one in found.failed["gru-8"]} == {tuple(sorted(first.chosen.items()))}
    smaller = found.searches["gru-4"][0].chosen
    assert second.search.certain[0] == first.chosen
    assert smaller in second.search.certain
    assert second.search.space["learning_rate"].high == max(
        first.chosen["learning_rate"], smaller["learning_rate"]
    )
    again = [one for one in found.results if (one.cell, one.hidden_size) == ("gru", 8)]
    assert {one.values for one in again} == {tuple(sorted(second.chosen.items()))}
    assert len(found.searches["gru-4"]) == len(found.searches["lstm-8"]) == 1


def test_second_search_mends_what_the_first_missed():
    """Where lower learning rates are wanted than the first has tried; and it never does worse."""
    failed, mended = 0, 0
    for wanted in np.geomspace(0.0011, 0.004, 8):

        def score(asked, wanted=wanted):
            rate = dict(asked.values)["learning_rate"]
            far = abs(math.log(rate / wanted)) if asked.hidden_size == 8 else 0.0
            return 1 / asked.hidden_size + far + 0.004 * drawn(asked)

        found = Run(plan_of(("gru", 4), ("gru", 8)), score).go()
        for first, second in [found.searches["gru-8"]] if found.failed else []:
            failed += 1
            mended += second.score < first.score - 0.1
            assert second.score <= first.score
    assert mended > failed / 2 > 2


def test_without_tuning_nothing_is_tuned_again():
    plan = plan_of(("gru", 4), ("gru", 8), tunes=None)
    run = Run(plan, lambda asked: asked.hidden_size + 0.001 * drawn(asked))
    found = run.go()
    assert (found.searches, found.failed) == ({}, {})
    assert len(run.begun) <= plan.most == 8


@pytest.mark.parametrize(("by", "again"), [(0.0, False), (0.015, False), (0.03, True)])
def test_what_does_not_matter_is_not_tuned_again(by, again):
    plan = plan_of(("gru", 4), ("gru", 8))
    run = Run(plan, lambda a: 1 + by * (a.hidden_size == 8) + 0.002 * drawn(a))
    assert bool(run.go().failed) == again


def test_size_of_another_cell_and_a_smaller_one_are_not_failures():
    plan = plan_of(("gru", 4), ("lstm", 8), ("lstm", 16))
    run = Run(plan, lambda a: {4: 0.0, 8: 2.0, 16: 1.0}[a.hidden_size] + 0.002 * drawn(a))
    assert not run.go().failed


def test_size_that_diverges_where_a_smaller_one_does_not_is_tuned_again():
    plan = plan_of(("gru", 4), ("gru", 8))
    score = badly(0)
    run = Run(plan, lambda a: None if a.hidden_size == 8 and not a.is_trial else score(a))
    assert set(run.go().failed) == {"gru-8"}


def test_with_one_random_seed_the_finalists_tell():
    plan = plan_of(("gru", 4), ("gru", 8), seeds=Seeds(first=1, most=1))
    assert set(Run(plan, badly(8, until=0.0)).go().failed) == {"gru-8"}
    assert not Run(plan, badly(0)).go().failed
