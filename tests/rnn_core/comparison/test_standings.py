"""Standing of candidates with unequal numbers of seeds: as they were when they left."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_core.comparison.outcome import Standing
from rnn_core.comparison.race import Trained
from rnn_core.comparison.standings import standings
from rnn_core.training.item_scores import ItemScores

NUM_ITEMS = 20


def study(number, counts, lost=()):
    """Trainings of candidates with these numbers of seeds; `lost` are (candidate, seed)."""
    generator = np.random.default_rng(number)
    shape = (len(counts), max(counts, default=1))
    models = generator.normal(0, 2, (len(counts), 1)) + generator.normal(size=shape)
    items = generator.normal(size=(len(counts), NUM_ITEMS))
    found = {}
    for c, count in enumerate(counts):
        found[f"candidate{c}"] = [ended(model + items[c]) for model in models[c, :count]]
    for c, seed in lost:
        found[f"candidate{c}"][seed] = Trained(loss=None, items=None)
    return found


def ended(values):
    scores = ItemScores(values=values, weights=np.ones(len(values)))
    return Trained(loss=float(values.mean()), items=scores)


def near(found, expected):
    """Return whether two standings say the same."""
    pairs = ((getattr(found, name), getattr(expected, name)) for name in vars(expected))
    return all(one == pytest.approx(other) for one, other in pairs)


def test_mean_and_effect_of_two_are_those_of_the_paired_t_test():
    trained = study(0, [6, 6])
    losses = [[one.loss for one in each] for each in trained.values()]
    outside = scipy.stats.ttest_rel(*losses)
    found = standings(trained)
    assert found["candidate0"].worse_by == pytest.approx(np.mean(losses[0]) - np.mean(losses[1]))
    assert found["candidate0"].effect == pytest.approx(outside.statistic / 6**0.5)
    assert found["candidate1"].effect == pytest.approx(-outside.statistic / 6**0.5)


def test_upper_limit_without_items_is_that_of_a_one_sided_t_test():
    trained = study(1, [8, 8])
    alike = {
        name: [Trained(loss=one.loss, items=ended(np.zeros(5)).items) for one in each]
        for name, each in trained.items()
    }
    losses = [[one.loss for one in each] for each in alike.values()]
    outside = scipy.stats.ttest_rel(*losses, alternative="less").confidence_interval(0.95)
    found = standings(alike)["candidate0"]
    assert found.at_most == pytest.approx(max(0.0, outside.high))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 9999), st.lists(st.integers(1, 7), min_size=1, max_size=5))
def test_each_stands_as_if_the_study_had_ended_with_its_last_seed(number, counts):
    trained = study(number, counts)
    found = standings(trained)
    assert found.keys() == trained.keys()
    for name, each in trained.items():
        then = {n: other[: len(each)] for n, other in trained.items() if len(other) >= len(each)}
        assert near(found[name], standings(then)[name])


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 9999), st.lists(st.integers(2, 6), min_size=2, max_size=5), st.data())
def test_candidate_of_which_a_seed_diverged_has_none_and_changes_none(number, counts, data):
    place = data.draw(st.integers(0, len(counts) - 1))
    seed = data.draw(st.integers(0, counts[place] - 1))
    whole, lost = study(number, counts), study(number, counts, [(place, seed)])
    name = f"candidate{place}"
    found = standings(lost)
    assert found.keys() == whole.keys() - {name}
    for other, each in whole.items():
        if len(each) > seed and other != name:
            without = {n: one for n, one in whole.items() if n != name}
            assert near(found[other], standings(without)[other])


def test_one_that_lost_a_seed_later_counts_where_others_left_before_that():
    trained = study(3, [3, 6, 6], [(1, 5)])
    found = standings(trained)
    assert found.keys() == {"candidate0", "candidate2"}
    cut = {name: each[:3] for name, each in trained.items()}
    assert near(found["candidate0"], standings(cut)["candidate0"])


@pytest.mark.parametrize("counts", [[5], [1, 1, 1]])
def test_a_single_candidate_and_a_single_seed_have_no_limits(counts):
    for standing in standings(study(4, counts)).values():
        assert (standing.at_least, standing.at_most, standing.effect) == (None, None, None)
        assert not standing.inferior


def test_only_candidate_is_worse_than_none():
    assert standings(study(5, [4])) == {
        "candidate0": Standing(
            worse_by=0.0, at_least=None, at_most=None, inferior=False, effect=None
        )
    }


def test_candidate_that_is_far_behind_is_called_worse_and_the_best_is_not():
    far = study(6, [3, 6, 6])
    far["candidate0"] = [Trained(loss=one.loss + 50, items=one.items) for one in far["candidate0"]]
    found = standings(far)
    assert found["candidate0"].inferior
    assert found["candidate0"].at_least > 0
    assert not min(found.values(), key=lambda one: one.worse_by).inferior
