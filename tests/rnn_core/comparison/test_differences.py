"""Intervals and errors against scipy and textbook formulas, and what chance alone does."""

import numpy as np
import pytest
import scipy.stats

from rnn_core.comparison.statistics.critical_values import (
    best_critical,
    pair_critical,
    range_critical,
)
from rnn_core.comparison.statistics.differences import compare_with_best, paired_differences
from rnn_core.comparison.statistics.items import Items


@pytest.mark.parametrize(("candidates", "df"), [(3, 4), (4, 10), (6, 20), (10, 80)])
def test_best_critical_is_the_quantile_of_the_multivariate_t(candidates, df):
    others = candidates - 1
    critical = best_critical(candidates, df)
    shape = np.full((others, others), 0.5) + 0.5 * np.eye(others)
    law = scipy.stats.multivariate_t(shape=shape, df=df, seed=0)
    assert law.cdf(np.full(others, critical), maxpts=200_000) == pytest.approx(0.95, abs=1e-3)


@pytest.mark.parametrize("df", [1, 2, 5, 30, 1000])
@pytest.mark.parametrize("candidates", [2, 3, 6, 24])
def test_range_critical_is_that_of_the_studentised_range(candidates, df):
    outside = scipy.stats.studentized_range.ppf(0.95, candidates, df) / 2**0.5
    assert range_critical(candidates, df) == pytest.approx(outside, rel=2e-5)


def test_critical_values_of_two_candidates_are_those_of_student():
    assert best_critical(2, 9) == pytest.approx(scipy.stats.t.ppf(0.95, 9))
    assert range_critical(2, 9) == pytest.approx(scipy.stats.t.ppf(0.975, 9), rel=2e-5)
    assert pair_critical(4, 9) == pytest.approx(scipy.stats.t.ppf(1 - 0.05 / 4, 9))


def test_two_candidates_are_compared_as_by_the_paired_t_test():
    rng = np.random.default_rng(0)
    losses = rng.normal(size=(2, 7)) + rng.normal(size=7)
    found = paired_differences(losses, None)
    outside = scipy.stats.ttest_rel(*losses)
    assert found.means[0, 1] / found.seed_variances[0, 1] ** 0.5 == pytest.approx(outside.statistic)
    assert found.seed_df == outside.df


def test_pooled_spread_is_that_of_tukey_on_what_seeds_leave():
    """Without seed effects scipy's Tukey test has the same largest difference."""
    rng = np.random.default_rng(1)
    losses = rng.normal(size=(4, 6))
    found = paired_differences(losses, None)
    assert found.shared_variance
    rest = losses - losses.mean(1, keepdims=True) - losses.mean(0) + losses.mean()
    expected = 2 * (rest**2).sum() / (3 * 5) / 6
    assert found.seed_variances[0, 1] == pytest.approx(expected)
    assert found.seed_df == 15


def test_pairs_have_spreads_of_their_own_where_these_differ():
    rng = np.random.default_rng(2)
    losses = rng.normal(size=(4, 10)) * np.array([[0.01], [1.0], [1.0], [30.0]])
    found = paired_differences(losses, None)
    assert not found.shared_variance
    for i, j in ((0, 1), (1, 3)):
        outside = scipy.stats.ttest_rel(losses[i], losses[j])
        assert found.means[i, j] / found.seed_variances[i, j] ** 0.5 == pytest.approx(
            outside.statistic
        )


def test_items_that_vary_by_themselves_have_the_error_of_a_mean():
    rng = np.random.default_rng(3)
    values = rng.normal(size=(2, 50))
    items = Items(losses=values, weights=np.ones(50), clusters=np.arange(50))
    found = paired_differences(values.mean(1, keepdims=True) + np.zeros((2, 3)), items)
    outside = scipy.stats.sem(values[0] - values[1]) ** 2
    assert found.item_variances[0, 1] == pytest.approx(outside)
    assert found.item_df == 49


def test_six_speakers_are_six_and_not_six_hundred():
    rng = np.random.default_rng(4)
    speakers = np.repeat(np.arange(6), 100)
    values = np.stack([rng.normal(size=6)[speakers], np.zeros(600)])
    items = Items(losses=values, weights=np.ones(600), clusters=speakers)
    found = paired_differences(values.mean(1, keepdims=True) + np.zeros((2, 3)), items)
    by_speaker = values[0].reshape(6, 100).mean(1)
    assert found.item_variances[0, 1] == pytest.approx(scipy.stats.sem(by_speaker) ** 2)
    assert found.item_df == 5


@pytest.mark.parametrize(("number", "inferior"), [(10, False), (1000, True)])
def test_difference_of_all_seeds_alike_is_judged_by_an_item_of_theirs(number, inferior):
    """By 0.1 in each of three seeds, which is three or 300 items of theirs."""
    losses = np.array([[0.2, 0.3, 0.5], [0.3, 0.4, 0.6]])
    found = paired_differences(losses, None, own_share=1 / (3 * number))
    assert found.seed_variances[0, 1] == pytest.approx((1 / (3 * number)) ** 2)
    assert compare_with_best(found).inferior.tolist() == [False, inferior]


def test_difference_that_varies_keeps_its_variance_beside_one_that_does_not():
    """Two that differ alike in each seed, and a third, whose seeds differ by less than an item."""
    losses = np.array([[0.2, 0.3, 0.5], [0.3, 0.4, 0.6], [0.2, 0.3001, 0.5]])
    none, one = (paired_differences(losses, None, own_share=s) for s in (0, 0.03))
    assert one.seed_variances[0, 1] == pytest.approx(0.03**2)
    assert one.seed_variances[0, 2] == pytest.approx(none.seed_variances[0, 2] + 0.03**2 / 2)


def test_best_candidate_is_clear_of_the_others_where_it_is_far_ahead():
    rng = np.random.default_rng(5)
    losses = rng.normal(size=(4, 10)) + np.array([[0.0], [9.0], [9.1], [20.0]])
    found = compare_with_best(paired_differences(losses, None))
    assert found.upper[0] == 0
    assert found.inferior.tolist() == [False, True, True, True]
    assert (found.lower[1:] > 0).all()


@pytest.mark.parametrize("num_seeds", [3, 5, 10])
def test_of_equal_candidates_one_is_called_worse_in_five_percent_of_studies(num_seeds):
    """At most the 99 % bound of a share of 5 % in 300 studies."""
    rng = np.random.default_rng(num_seeds)
    wrong = 0
    for _ in range(300):
        losses = rng.normal(size=(6, num_seeds)) + rng.normal(size=num_seeds)
        wrong += compare_with_best(paired_differences(losses, None)).inferior.any()
    assert wrong <= scipy.stats.binom.ppf(0.99, 300, 0.05)


def test_true_difference_is_found():
    """Twice the margin behind, with a standard deviation of 1.5 margins and ten seeds: in 80 %."""
    rng = np.random.default_rng(6)
    found = 0
    for _ in range(200):
        losses = 1.5 * rng.normal(size=(6, 10)) + rng.normal(size=10)
        losses[0] += 2
        found += compare_with_best(paired_differences(losses, None)).inferior[0]
    assert found >= 200 * 0.75


def test_items_do_not_make_few_seeds_look_like_many():
    """Six equal candidates, three seeds, and items whose variance is small beside that of seeds."""
    rng = np.random.default_rng(5)
    wrong = 0
    for _ in range(300):
        items = Items(
            losses=0.3 * rng.normal(size=(6, 30)), weights=np.ones(30), clusters=np.arange(30)
        )
        losses = rng.normal(size=(6, 3)) * rng.choice([0.5, 2.0], size=(6, 1))
        found = paired_differences(losses + items.losses.mean(1, keepdims=True), items)
        wrong += bool(compare_with_best(found).inferior.any())
    assert wrong <= scipy.stats.binom.ppf(0.999, 300, 0.05)
