"""The race against a second, naive implementation of it, and what must hold in every race."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from second_race import End, Split, raced

from rnn_core.comparison.race import HOPELESS, SAFE, Race, Runner, Trained, looks_of, race, trained
from rnn_core.metric import Metric
from rnn_core.study import Seeds
from rnn_core.training.item_scores import ItemScores

ERROR = Metric("mse", "", "lower")


def random_study(number):
    """Trainings of some candidates with all seeds, the numbers of seeds, and the margin."""
    generator = np.random.default_rng(number)
    count = int(generator.choice([1, 2, 3, 4, 6]))
    first = int(generator.choice([1, 2, 3, 3, 4]))
    seeds = Seeds(first=first, most=int(generator.integers(first, 11)))
    deviations = generator.choice([0.3, 1.0, 3.0]) * np.exp(generator.normal(0, 0.5, count))
    means = np.abs(generator.normal(0, 3, count))
    losses = means[:, None] + deviations[:, None] * generator.normal(size=(count, seeds.most))
    losses += generator.normal(size=seeds.most)
    diverged = generator.uniform(size=losses.shape) < generator.choice([0.0, 0.15, 0.45])
    how = generator.choice(["none", "own", "items", "clusters", "weighted"])
    groups = generator.integers(2, 7) if how in ("clusters", "weighted") else 24
    clusters = np.sort(generator.integers(0, groups, 24)) if groups < 24 else np.arange(24)
    weights = generator.uniform(0.5, 3, 24) if how == "weighted" else np.ones(24)
    own = 0.5 * generator.normal(size=(count, 24)) + generator.normal(size=24)
    ends = {}
    for c in range(count):
        each = [own[c] + loss + 0.1 * generator.normal(size=24) for loss in losses[c]]
        ends[f"candidate{c}"] = [
            End(None) if lost else End(float(np.average(values, weights=weights)), values)
            for values, lost in zip(each, diverged[c], strict=True)
        ]
    if how in ("none", "own"):
        for each in ends.values():
            for end in each:
                end.items = end.items if how == "own" else None
        return Split(ends=ends), seeds, how
    return Split(ends=ends, weights=weights, clusters=clusters), seeds, how


def runners_of(split, how):
    """The same trainings for the race; without items of their own, seeds have a single one."""

    def scores(end):
        if end.loss is None:
            return None
        if split.weights is None:
            values = np.zeros(1) if end.items is None else end.items
            return ItemScores(values=values, weights=np.ones(len(values)), own_to_seed=True)
        clusters = None if how == "items" else split.clusters
        return ItemScores(values=end.items, weights=split.weights, clusters=clusters)

    return [
        Runner(name=name, trained=[trained(end.loss, scores(end), ERROR) for end in ends])
        for name, ends in split.ends.items()
    ]


@pytest.mark.thorough
def test_race_is_that_of_a_second_implementation_on_200_studies():
    """Requests, dropped candidates, chances and the end agree."""
    kinds, winners, dropped, lost = set(), 0, 0, 0
    for number in range(200):
        split, seeds, how = random_study(number)
        found = race(runners_of(split, how), seeds, 1.0)
        expected = raced(split, seeds.first, seeds.most, 1.0)
        assert found.over
        assert found.asked == expected.asked, number
        assert found.winner == expected.winner, number
        assert found.recommended == expected.recommended, number
        assert [look.seeds for look in found.looks] == [look[0] for look in expected.looks]
        for look, (_, chances, losses) in zip(found.looks, expected.looks, strict=True):
            known = {name: look.chances[name] for name in chances}
            assert known == pytest.approx(chances, abs=1e-9), number
            assert dict(look.expected) == pytest.approx(losses, rel=1e-6, abs=1e-9), number
            assert not any(chance for name, chance in look.chances.items() if name not in chances)
        kinds.add(how)
        winners += found.winner is not None
        dropped += len(set(found.asked.values())) > 1
        lost += found.recommended is None
    assert len(kinds) == 5
    assert min(winners, 200 - winners, dropped) >= 40, "studies of every kind are among them"
    assert lost >= 1


def plain(means, deviation=0.3, num_seeds=10, seed=0, lost=()):
    """Candidates with these means whose losses vary by chance; `lost` are (candidate, seed)."""
    noise = deviation * np.random.default_rng(seed).normal(size=(len(means), num_seeds))
    return [
        Runner(
            name=f"candidate{c}",
            trained=[
                Trained(loss=None, items=None)
                if (c, s) in lost
                else Trained(
                    loss=mean + noise[c, s],
                    items=ItemScores(values=np.zeros(1), weights=np.ones(1), own_to_seed=True),
                )
                for s in range(num_seeds)
            ],
        )
        for c, mean in enumerate(means)
    ]


def cut(runners, numbers):
    """Only the first trainings of each."""
    pairs = zip(runners, numbers, strict=True)
    return [replace(runner, trained=runner.trained[:number]) for runner, number in pairs]


STUDIES = st.integers(0, 5000)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(STUDIES, st.integers(0, 2**32 - 1))
def test_other_trainings_than_those_asked_for_change_nothing(number, noise):
    """Those that are there besides may have ended in whatever way."""
    split, seeds, how = random_study(number)
    runners = runners_of(split, how)
    whole = race(runners, seeds, 1.0)
    asked = [whole.asked[runner.name] for runner in runners]
    alone = cut(runners, asked)
    assert race(alone, seeds, 1.0) == whole
    generator = np.random.default_rng(noise)
    wild = [
        replace(
            runner,
            trained=[
                *runner.trained,
                *(
                    Trained(loss=float(generator.normal(-9, 9)), items=None)
                    for _ in range(generator.integers(0, 4))
                ),
            ],
        )
        for runner in alone
    ]
    assert race(wild, seeds, 1.0) == whole


@settings(max_examples=25, deadline=None, derandomize=True)
@given(STUDIES, st.data())
def test_in_whatever_order_trainings_end_the_same_are_asked_for(number, data):
    """Requests are never taken back, and nothing is requested that the end does not need."""
    split, seeds, how = random_study(number)
    runners = runners_of(split, how)
    whole = race(runners, seeds, 1.0)
    there = [0] * len(runners)
    before = dict.fromkeys((runner.name for runner in runners), 0)
    while not (found := race(cut(runners, there), seeds, 1.0)).over:
        assert found.recommended is found.winner is None
        for runner in runners:
            asked = found.asked.get(runner.name, 0)
            assert before[runner.name] <= asked <= whole.asked[runner.name]
        before = dict(found.asked)
        open_ones = [i for i, r in enumerate(runners) if there[i] < found.asked.get(r.name, 0)]
        assert open_ones, "it waits for nothing"
        there[data.draw(st.sampled_from(open_ones))] += 1
    assert found == whole


@settings(max_examples=25, deadline=None, derandomize=True)
@given(STUDIES, st.integers(-30, 30))
def test_units_and_zero_of_the_loss_do_not_matter(number, power):
    """The margin is in the same units; powers of two, so that there is no rounding."""
    split, seeds, how = random_study(number)
    whole = race(runners_of(split, how), seeds, 1.0)
    for ends in split.ends.values():
        for end in ends:
            if end.loss is not None:
                end.loss *= 2.0**power
                end.items = None if end.items is None else end.items * 2.0**power
    other = race(runners_of(split, how), seeds, 2.0**power)
    assert (other.asked, other.winner) == (whole.asked, whole.winner)
    for look, same in zip(other.looks, whole.looks, strict=True):
        assert dict(look.chances) == pytest.approx(dict(same.chances), abs=2e-4)


def test_hopeless_candidate_gets_no_more_seeds():
    """And the others go on until there is an answer."""
    found = race(plain([60.0, 0.2, 0.0], deviation=1.0), Seeds(first=3, most=10), 1.0)
    assert found.asked["candidate0"] == 3
    assert found.asked["candidate1"] == found.asked["candidate2"] > 3
    assert found.looks[0].chances["candidate0"] < HOPELESS
    assert found.looks[-1].chances[found.winner] >= SAFE


def test_cheapest_of_the_safe_ones_is_chosen():
    found = race(plain([0.5, 0.0, 0.1], deviation=0.05), Seeds(first=3, most=10), 1.0)
    assert all(chance >= SAFE for chance in found.looks[0].chances.values())
    assert found.winner == found.recommended == "candidate0"
    assert set(found.asked.values()) == {3}


def test_least_expected_loss_is_recommended_where_none_is_safe():
    found = race(plain([0.0, 0.3, 0.1], deviation=3.0, seed=1), Seeds(first=3, most=7), 1.0)
    last = found.looks[-1]
    assert (found.winner, last.seeds) == (None, 7)
    assert found.recommended == min(last.expected, key=last.expected.get)


@pytest.mark.parametrize("lost", [[], [(2, 0)], [(2, 1), (3, 0)]])
def test_cheapest_of_equals_is_recommended_though_seeds_of_others_diverged(lost):
    """Draws alone differ by rounding between candidates whose losses are the same."""
    runners = plain([0.9, 0.7, 0.7, 0.7], deviation=0.0, num_seeds=5, lost=lost)
    found = race(runners, Seeds(first=5, most=5), 0.01)
    assert (found.winner, found.recommended) == (None, "candidate1")


def test_looks_are_at_the_usual_numbers_between_first_and_most():
    assert looks_of(Seeds(first=3, most=10)) == (3, 4, 5, 7, 10)
    assert looks_of(Seeds(first=6, most=12)) == (6, 7, 10, 12)
    assert looks_of(Seeds(first=1, most=4)) == (1, 3, 4)
    assert looks_of(Seeds(first=2, most=300))[-2:] == (112, 300)


def test_race_with_as_many_seeds_first_as_at_most_looks_once():
    found = race(plain([0.0, 0.1], deviation=3.0, num_seeds=5), Seeds(first=5, most=5), 1.0)
    assert [look.seeds for look in found.looks] == [5]
    assert (found.over, found.winner) == (True, None)
    assert set(found.asked.values()) == {5}


def test_one_seed_tells_nothing_and_the_lowest_loss_is_recommended():
    found = race(plain([0.3, 0.0, 0.2], deviation=0.0), Seeds(first=1, most=1), 1.0)
    assert found.over
    assert found.looks[0].chances == {}
    assert (found.winner, found.recommended) == (None, "candidate1")


def test_after_one_seed_that_tells_nothing_all_go_on():
    found = race(cut(plain([9.0, 0.0], num_seeds=3), [1, 1]), Seeds(first=1, most=3), 1.0)
    assert not found.over
    assert found.asked == {"candidate0": 3, "candidate1": 3}


def test_only_candidate_needs_no_more_than_its_first_seeds():
    found = race(plain([0.0]), Seeds(first=3, most=10), 1.0)
    assert (found.winner, found.asked) == ("candidate0", {"candidate0": 3})


def test_candidate_of_which_half_the_seeds_diverged_is_out():
    """Though what finished of it is far the best."""
    lost = [(1, 0), (1, 3)]
    found = race(plain([0.0, -50.0], lost=lost), Seeds(first=4, most=10), 1.0)
    assert found.winner == "candidate0"
    assert found.asked == {"candidate0": 4, "candidate1": 4}
    assert found.looks[0].chances["candidate1"] == 0


def test_candidate_of_which_fewer_diverged_stays_in():
    found = race(plain([0.0, -50.0], lost=[(1, 0)]), Seeds(first=4, most=10), 1.0)
    assert found.winner == "candidate1"


@pytest.mark.parametrize(("number", "sure"), [(10, False), (100, True)])
def test_seeds_that_agree_on_few_items_of_their_own_decide_nothing(number, sure):
    """As where each leaves out a speaker, and all recordings are recognised."""
    items = ItemScores(values=np.ones(number), weights=np.ones(number), own_to_seed=True)
    each = [trained(1.0, items, Metric("accuracy", "", "higher"))] * 3
    runners = [Runner(name=f"candidate{c}", trained=each) for c in range(2)]
    found = race(runners, Seeds(first=3, most=3), 0.01)
    assert found.recommended == "candidate0"
    assert (found.winner == "candidate0") == sure
    chance = scipy.stats.norm.cdf(0.01, scale=1 / (3 * number))
    assert list(found.looks[0].chances.values()) == pytest.approx([chance] * 2, abs=0.015)


def test_nothing_is_recommended_where_most_trainings_of_all_diverged():
    lost = [(c, s) for c in range(2) for s in range(4)]
    found = race(plain([0.0, 1.0], lost=lost), Seeds(first=3, most=10), 1.0)
    assert (found.over, found.winner, found.recommended) == (True, None, None)
    assert found.asked == {"candidate0": 3, "candidate1": 3}
    assert found.running == ()


def test_candidate_that_was_hopeless_is_taken_where_the_better_ones_diverge():
    """It is the only one that is left, and there is nothing more to be found out."""
    runners = plain(
        [9.0, 0.0, 0.3], deviation=0.9, lost=[(c, s) for c in (1, 2) for s in (3, 4, 5)]
    )
    found = race(runners, Seeds(first=3, most=6), 0.1)
    assert found.looks[0].chances["candidate0"] < HOPELESS
    assert found.asked["candidate0"] == 3
    assert found.winner == found.recommended == "candidate0"


def test_nothing_is_looked_at_before_all_first_trainings_have_ended():
    found = race(cut(plain([0.0, 9.0]), [10, 2]), Seeds(first=3, most=10), 1.0)
    assert found == Race(
        asked={"candidate0": 3, "candidate1": 3}, looks=(), running=("candidate0", "candidate1")
    )
