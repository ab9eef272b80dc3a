"""Posterior of true means, against t tests, least squares with dummies, and integration."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
import statsmodels.api as sm
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from second_race import fitted, regression

from rnn_core.comparison.statistics.items import Items, item_covariance
from rnn_core.comparison.statistics.posterior import (
    DRAWS,
    Uncertain,
    degrees_of_freedom,
    fit,
    posterior,
    risk_of,
    scatter,
    weighted_means,
)

NUMBERS = st.integers(0, 2**32 - 1)


def of_pair(uncertain, i=0, j=1):
    """Difference of two means, and its variance."""
    own = np.diag(uncertain.covariance)
    variance = own[i] + own[j] - 2 * uncertain.covariance[i, j]
    return uncertain.means[i] - uncertain.means[j], variance


@settings(max_examples=50, deadline=None, derandomize=True)
@given(NUMBERS, st.integers(2, 12))
def test_two_candidates_are_the_paired_t_test(number, num_seeds):
    generator = np.random.default_rng(number)
    losses = (
        generator.normal(size=(2, num_seeds)) * [[1.0], [9.0]] + generator.normal(size=2)[:, None]
    )
    found = fit(losses)
    outside = scipy.stats.ttest_rel(*losses)
    difference, variance = of_pair(found)
    apart = losses[0] - losses[1]
    assert difference == pytest.approx(apart.mean(), abs=1e-12)
    assert variance**0.5 == pytest.approx(scipy.stats.sem(apart))
    assert difference / variance**0.5 == pytest.approx(outside.statistic)
    assert found.df == pytest.approx(outside.df)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(NUMBERS, st.integers(2, 6))
def test_two_candidates_are_the_paired_t_test_of_the_seeds_that_both_have(number, shared):
    """Whatever else one of them has: trainings of its own, and others that diverged."""
    generator = np.random.default_rng(number)
    losses = generator.normal(size=(2, shared + 5))
    losses[0, 1:4] = losses[1, 4:6] = np.nan
    losses = losses[:, generator.permutation(shared + 5)]
    both = losses[:, np.isfinite(losses).all(axis=0)]
    found = fit(losses)
    difference, variance = of_pair(found)
    outside = scipy.stats.ttest_rel(*both)
    assert difference == pytest.approx((both[0] - both[1]).mean(), abs=1e-12)
    assert difference / variance**0.5 == pytest.approx(outside.statistic)
    assert found.df == pytest.approx(outside.df)


def test_candidates_that_vary_alike_are_the_two_way_layout():
    """statsmodels' least squares with candidates and seeds as columns."""
    losses = np.random.default_rng(3).normal(size=(4, 6))
    losses -= losses.mean(0)
    losses /= losses.std(1, keepdims=True)  # no variance is larger than another
    columns = np.hstack([np.kron(np.eye(4), np.ones((6, 1))), np.tile(np.eye(6)[:, 1:], (4, 1))])
    outside = sm.OLS(losses.reshape(-1), columns).fit()
    found = fit(losses)
    for j in (1, 2, 3):
        test = outside.t_test(np.eye(9)[0] - np.eye(9)[j])
        difference, variance = of_pair(found, 0, j)
        assert difference == pytest.approx(float(test.effect[0]), abs=1e-12)
        assert variance**0.5 == pytest.approx(float(test.sd[0, 0]), rel=1e-6)
    assert found.df == pytest.approx(outside.df_resid)


@st.composite
def gapped(draw):
    """Losses of candidates that dropped out, or whose seeds diverged."""
    generator = np.random.default_rng(draw(NUMBERS))
    count, num_seeds = draw(st.integers(2, 6)), draw(st.integers(1, 9))
    deviations = np.exp(generator.normal(0, draw(st.sampled_from([0.0, 1.5])), (count, 1)))
    losses = generator.normal(size=(count, num_seeds)) * deviations + generator.normal(
        size=num_seeds
    )
    for row in losses:
        row[draw(st.integers(1, num_seeds)) :] = np.nan
    losses[generator.uniform(size=losses.shape) < draw(st.sampled_from([0.0, 0.3]))] = np.nan
    assume(np.isfinite(losses).any(axis=1).all())
    return losses


def listed(losses):
    return [[None if np.isnan(one) else float(one) for one in row] for row in losses]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(gapped(), NUMBERS)
def test_means_and_leverages_are_those_of_least_squares_with_dummies(losses, number):
    """For whatever weights candidates have."""
    assume(fitted(listed(losses)) is not None)
    variances = np.exp(np.random.default_rng(number).normal(size=len(losses)))
    there = np.isfinite(losses)
    weights = there / variances[:, None]
    means, covariance, shares = weighted_means(np.where(there, losses, 0.0), weights)
    expected, of_means, places, _, leverages = regression(listed(losses), variances)
    assert means - means.mean() == pytest.approx(expected, abs=1e-8)
    assert covariance == pytest.approx(of_means, abs=1e-8)
    left = np.zeros(len(losses))
    for (c, _), leverage in zip(places, leverages, strict=True):
        left[c] += 1 - leverage
    assert degrees_of_freedom(weights, shares, covariance) == pytest.approx(left, abs=1e-8)
    assert left.sum() == pytest.approx(  # what is left over, less what is fitted
        there.sum() - len(losses) - there.any(axis=0).sum() + 1
    )


@settings(max_examples=150, deadline=None, derandomize=True)
@given(gapped())
def test_moderated_fit_is_that_of_a_second_implementation(losses):
    found, expected = fit(losses), fitted(listed(losses))
    if expected is None:
        assert found is None
        return
    means, covariance, df = expected
    assert found.means - found.means.mean() == pytest.approx(means, abs=1e-6)
    assert found.covariance == pytest.approx(covariance, rel=1e-6, abs=1e-8)
    assert found.df == pytest.approx(df, rel=1e-6)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(gapped(), NUMBERS, st.floats(-50, 50))
def test_what_a_seed_does_to_all_alike_changes_nothing(losses, number, shift):
    """Nor do another zero, and trainings that share their seed with no other."""
    effects = 5 * np.random.default_rng(number).normal(size=losses.shape[1])
    alone = np.full((len(losses), 1), np.nan)
    alone[0] = 77.0
    found, other = fit(losses), fit(np.hstack([losses + effects + shift, alone]))
    if found is None:
        assert other is None
        return
    assert other.means - other.means.mean() == pytest.approx(
        found.means - found.means.mean(), abs=1e-6
    )
    assert other.covariance == pytest.approx(found.covariance, rel=1e-5, abs=1e-8)
    assert other.df == pytest.approx(found.df, rel=1e-5)


def test_one_seed_tells_nothing():
    assert fit(np.ones((3, 1))) is None


def test_one_common_seed_tells_nothing_of_chance():
    """Two candidates, of each of which another seed diverged: the pair has no variance."""
    assert fit(np.array([[0.1, 0.2, np.nan], [np.nan, 0.5, 0.3]])) is None


def test_candidates_that_no_seeds_link_tell_nothing_of_each_other():
    """Two pairs, each of which has seeds in common; a fifth candidate may link them."""
    losses = np.random.default_rng(5).normal(size=(5, 6))
    losses[:2, 3:] = losses[2:4, :3] = np.nan
    assert fit(losses[:2]) is not None
    assert fit(losses[2:4]) is not None
    assert fit(losses[:4]) is None
    assert fit(losses) is not None


def test_losses_that_repeat_exactly_are_certain():
    losses = np.repeat([[0.1], [0.3], [0.1]], 4, axis=1)
    risk = risk_of(posterior(losses, None).draws(), 0.1)
    assert risk.chance.tolist() == [1.0, 0.0, 1.0]
    assert risk.expected_loss == pytest.approx([0.0, 2.0, 0.0])


def test_candidate_that_varies_keeps_its_variance_beside_others_that_do_not():
    """Three that repeat exactly show what seeds do, so that it is the error of a plain mean."""
    varied = np.array([[0.8, 1.0, 0.7, 0.9, 0.6], [0.5, 0.7, 0.9, 0.6, 0.6]])
    found = fit(np.vstack([np.ones((3, 5)), varied]))
    for i, one in enumerate(varied, start=3):
        difference, variance = of_pair(found, 0, i)
        assert difference == pytest.approx(1 - one.mean(), abs=1e-3)
        assert variance**0.5 == pytest.approx(scipy.stats.sem(one), rel=0.05)


def items_of(generator, count, sizes, weighted):
    clusters = np.repeat(np.arange(len(sizes)), sizes)
    values = (
        generator.normal(size=(count, len(clusters)))
        + generator.normal(size=(count, len(sizes)))[:, clusters]
    )
    weights = generator.uniform(0.5, 3, len(clusters)) if weighted else np.ones(len(clusters))
    return Items(losses=values, weights=weights, clusters=clusters)


def test_items_that_vary_by_themselves_have_the_error_of_pair_differences():
    items = items_of(np.random.default_rng(1), 4, [1] * 40, weighted=False)
    covariance, df = item_covariance(items)
    assert df == 39
    for i, j in ((0, 1), (2, 3), (0, 3)):
        variance = covariance[i, i] + covariance[j, j] - 2 * covariance[i, j]
        outside = scipy.stats.sem(items.losses[i] - items.losses[j]) ** 2
        assert variance == pytest.approx(outside)


@pytest.mark.parametrize(("number", "chance"), [(1, 0.504), (30, 0.617), (1000, 1.0)])
def test_right_answers_of_all_candidates_on_few_items_are_no_certainty(number, chance):
    """All answer all items: of 30 others one may tell them apart, which is 3 %."""
    items = Items(losses=-np.ones((2, number)), weights=np.ones(number), clusters=np.arange(number))
    known = posterior(np.full((2, 3), -1.0), items)
    variance = of_pair(known.items)[1]
    assert variance == pytest.approx(1 / number**2)
    assert risk_of(known.draws(), 0.01).chance == pytest.approx([chance, chance], abs=0.015)


def test_two_that_are_alike_on_every_item_differ_no_more_from_a_third_than_by_half_an_item():
    losses = np.array([[0.0, 0, 1, 1, 0], [0.0, 0, 1, 1, 0], [1.0, 0, 0, 1, 0]])
    covariance, _ = item_covariance(Items(losses=losses, weights=np.ones(5), clusters=np.arange(5)))
    outside = scipy.stats.sem(losses[0] - losses[2]) ** 2
    for i, j, variance in ((0, 1, 1 / 25), (0, 2, outside + 1 / 50), (1, 2, outside + 1 / 50)):
        found = covariance[i, i] + covariance[j, j] - 2 * covariance[i, j]
        assert found == pytest.approx(variance)


CONSTANT = {
    "alike": ([0, 1, 1, 0, 1, 0], [0, 1, 1, 0, 1, 0]),
    "right and wrong": ([0] * 6, [1] * 6),
    "shifted": ([0.1, 0.2, 0.7, 0.3, 0.2, 0.5], [0.4, 0.5, 1.0, 0.6, 0.5, 0.8]),
    "cancelling": ([0, 1, 1, 0, 0, 1], [1, 0, 0, 1, 1, 0]),
}


@pytest.mark.parametrize("name", CONSTANT)
@pytest.mark.parametrize("num_seeds", [2, 3])
def test_difference_that_does_not_vary_has_the_variance_of_one_item(name, num_seeds):
    """Between clusters of two items; beside a third candidate that does vary."""
    losses = np.array([*CONSTANT[name], [0, 0, 1, 0, 1, 1]], np.float64)
    items = Items(losses=losses, weights=np.ones(6), clusters=np.repeat(np.arange(3), 2))
    known = posterior(np.repeat(losses.mean(1, keepdims=True), num_seeds, axis=1), items)
    assert of_pair(known.seeds)[1] == 0
    assert of_pair(known.items)[1] == pytest.approx(1 / 36)
    alone, _ = item_covariance(replace(items, losses=np.full((1, 6), 0.3)))
    assert alone.item() == pytest.approx(1 / 36), "neither is a constant score certain"


@pytest.mark.parametrize("worse", [0.0, 1 / 30])
def test_seeds_that_agree_on_items_of_their_own_vary_by_one_item(worse):
    """A difference that is the same in each of three seeds, with ten items each."""
    losses = np.add([0.1, 0.2, 0.7], [[0.0], [worse]])
    risk = risk_of(posterior(losses, None, own_share=1 / 30).draws(), 0.01)
    expected = scipy.stats.norm.cdf([0.01 + worse, 0.01 - worse], scale=1 / 30)
    assert risk.chance == pytest.approx(expected, abs=0.015)


def test_seeds_that_agree_vary_by_one_item_at_least_beside_others_that_vary():
    """Shrinking gives these two a variance, but next to none."""
    others = np.random.default_rng(0).normal(0, 0.02, size=(2, 6))
    losses = np.linspace(0.1, 0.7, 6) + np.vstack([np.zeros(6), np.full(6, 0.05), others])

    def variance(share):
        return of_pair(posterior(losses, None, own_share=share).seeds)[1]

    assert variance(1 / 40) == pytest.approx(1 / 40**2)
    little = variance(0.0)
    assert 0 < little < 1e-9
    assert variance(little**0.5 / 2) == pytest.approx(little), "no more than is missing is added"


def test_single_item_does_not_tell_how_much_others_differ():
    items = Items(losses=np.array([[0.2], [0.9]]), weights=np.ones(1), clusters=np.arange(1))
    known = posterior(np.array([[0.2, 0.2, 0.2], [0.9, 0.9, 0.9]]), items)
    assert risk_of(known.draws(), 0.1).chance[0] == pytest.approx(
        scipy.stats.norm.cdf(0.8), abs=0.01
    )


@settings(max_examples=40, deadline=None, derandomize=True)
@given(NUMBERS, st.integers(2, 9), st.integers(1, 12))
def test_equal_clusters_are_the_cluster_robust_errors_of_statsmodels(number, num_clusters, size):
    """Of the mean of a difference, as a regression on a constant."""
    items = items_of(np.random.default_rng(number), 3, [size] * num_clusters, weighted=False)
    covariance, df = item_covariance(items)
    for i, j in ((0, 1), (1, 2)):
        apart = items.losses[i] - items.losses[j]
        robust = sm.OLS(apart, np.ones(len(apart))).fit(
            cov_type="cluster",
            cov_kwds={"groups": items.clusters, "use_correction": False, "df_correction": True},
        )
        corrected = float(robust.cov_params()[0, 0]) * num_clusters / (num_clusters - 1)
        variance = covariance[i, i] + covariance[j, j] - 2 * covariance[i, j]
        assert variance == pytest.approx(corrected)
    assert df == pytest.approx(num_clusters - 1)


def within(margin, difference, error, df):
    """Chance that the first of two is within the margin, by integration of a t density."""
    law = scipy.stats.t(df, loc=difference, scale=error)
    return quad(law.pdf, -np.inf, margin, epsabs=1e-10)[0]


@pytest.mark.parametrize("shift", [-0.5, 0.0, 0.4, 1.5])
def test_chances_of_two_candidates_are_integrals_of_a_t_density(shift):
    generator = np.random.default_rng(8)
    losses = generator.normal([[shift], [0.0]], 1.0, size=(2, 5))
    known = posterior(losses, None)
    difference, variance = of_pair(known.seeds)
    risk = risk_of(known.draws(), 0.3)
    expected = [within(0.3, sign * difference, variance**0.5, 4) for sign in (1, -1)]
    assert risk.chance == pytest.approx(expected, abs=3 * (0.25 / DRAWS) ** 0.5)


def test_chance_with_items_is_that_of_a_sum_of_two_t_variables():
    """By integrating one out: the difference by seeds and that by items are independent."""
    generator = np.random.default_rng(9)
    losses = generator.normal(size=(2, 4)) * 0.5 + [[0.3], [0.0]]
    items = items_of(generator, 2, [3] * 6, weighted=True)
    known = posterior(losses, items)
    (difference, seeds), (_, of_items) = of_pair(known.seeds), of_pair(known.items)
    law = scipy.stats.t(known.items.df, scale=of_items**0.5)
    expected = quad(
        lambda by: law.pdf(by) * scipy.stats.t.cdf((0.5 - difference - by) / seeds**0.5, 3),
        -np.inf,
        np.inf,
    )[0]
    assert risk_of(known.draws(), 0.5).chance[0] == pytest.approx(expected, abs=0.01)


def test_expected_loss_of_two_candidates_is_an_integral():
    generator = np.random.default_rng(10)
    losses = generator.normal([[0.5], [0.0]], 1.0, size=(2, 8))
    known = posterior(losses, None)
    difference, variance = of_pair(known.seeds)
    law = scipy.stats.t(7, loc=difference, scale=variance**0.5)
    expected = quad(lambda by: by * law.pdf(by), 0, np.inf)[0] / 0.2
    found = risk_of(known.draws(), 0.2).expected_loss[0]
    assert found == pytest.approx(expected, rel=0.03)


def test_draws_have_the_covariance_that_they_are_drawn_from():
    generator = np.random.default_rng(11)
    losses = generator.normal(size=(5, 40)) * [[1.0], [1.0], [2.0], [4.0], [1.0]]
    known = posterior(losses, None)
    exact = known.seeds.covariance * known.seeds.df / (known.seeds.df - 2)
    assert np.cov(known.draws().T) == pytest.approx(exact, abs=0.04 * exact.max())


@settings(max_examples=20, deadline=None, derandomize=True)
@given(NUMBERS, st.integers(1, 40), st.sampled_from([0.5, 3.0, np.inf]))
def test_fewer_draws_are_the_first_of_all(number, num_draws, df):
    root = np.random.default_rng(number).normal(size=(3, 3))
    one = Uncertain(means=np.zeros(3), covariance=root @ root.T, df=df)
    found, expected = scatter(one, 0, num_draws), scatter(one, 0)[:num_draws]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(NUMBERS, st.integers(2, 4))
def test_better_mean_of_two_has_the_smaller_expected_loss(number, num_seeds):
    """By as much as means differ, though two seeds leave one degree of freedom: no t has a mean."""
    generator = np.random.default_rng(number)
    losses = generator.normal(size=(2, num_seeds))
    items = items_of(generator, 2, [1] * 3, weighted=False)
    for shared in (None, items):
        known = posterior(losses, shared)
        risk = risk_of(known.draws(), 1.0)
        apart = losses[0].mean() - losses[1].mean()
        assert risk.expected_loss[0] - risk.expected_loss[1] == pytest.approx(apart, rel=1e-6)


def test_rounding_of_another_machine_changes_draws_by_rounding_alone():
    """Though all variances, and so the eigenvalues of their covariance, are the same."""
    losses = np.random.default_rng(12).normal(size=(6, 3))
    losses -= losses.mean(0)
    known = posterior(losses, None)
    assert known.seeds.df == pytest.approx(10)
    noise = 1e-15 * np.random.default_rng(0).normal(size=(6, 6))
    rounded = replace(known.seeds, covariance=known.seeds.covariance + noise + noise.T)
    other = replace(known, seeds=rounded)
    assert other.draws() == pytest.approx(known.draws(), abs=1e-6)
