"""Moderated variances against Smyth's formulas, solved by another way, and what must hold."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import polygamma
from second_race import moderated, prior_of

from rnn_core.comparison.statistics import moderation
from rnn_core.comparison.statistics.moderation import moderate, trigamma_inverse

VARIANCES = st.floats(-9, 9).map(lambda power: 10**power)
DFS = st.floats(0.05, 60)
KNOWN = st.lists(st.tuples(VARIANCES, DFS), min_size=1, max_size=12)


def arrays(pairs):
    variances, df = zip(*pairs, strict=True)
    return np.array(variances), np.array(df)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(KNOWN)
def test_prior_solves_the_equations_of_smyth(pairs):
    variances, df = arrays(pairs)
    prior, prior_df = moderation.prior_of(variances, df)
    expected, expected_df = prior_of(variances.tolist(), df.tolist())
    assert prior == pytest.approx(expected, rel=1e-6)
    assert prior_df == pytest.approx(expected_df, rel=1e-6)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.just(0.0) | VARIANCES, st.just(0.0) | DFS), min_size=1, max_size=9))
def test_shrunk_variances_are_those_of_the_formula_with_gaps_too(pairs):
    """Also where one has no variance, or nothing is known of it."""
    variances, df = arrays(pairs)
    found = moderate(variances, df)
    expected, expected_df = moderated(variances.tolist(), df.tolist())
    assert found.variances == pytest.approx(expected, rel=1e-6)
    assert found.df == pytest.approx(expected_df, rel=1e-6)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(KNOWN, st.integers(-60, 60))
def test_other_units_change_the_variances_alone(pairs, power):
    variances, df = arrays(pairs)
    one, other = moderate(variances, df), moderate(variances * 2.0**power, df)
    assert other.variances == pytest.approx(one.variances * 2.0**power, rel=1e-6)
    assert other.df == pytest.approx(one.df, rel=1e-6)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(KNOWN)
def test_each_is_drawn_towards_the_prior_and_not_past_it(pairs):
    variances, df = arrays(pairs)
    prior, _ = prior_of(variances.tolist(), df.tolist())
    found = moderate(variances, df).variances
    slack = 1 + 1e-6
    assert (found >= np.minimum(variances, prior) / slack).all()
    assert (found <= np.maximum(variances, prior) * slack).all()


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(VARIANCES, min_size=2, max_size=9), DFS)
def test_order_stays_and_variances_come_nearer(variances, df):
    """Where all have the same degrees of freedom."""
    own = np.sort(np.array(variances))
    found = moderate(own, np.full(len(own), df)).variances
    assert (np.diff(found) >= -1e-9 * found[1:]).all()
    assert found[-1] / found[0] <= own[-1] / own[0] * (1 + 1e-9)


def test_no_variance_at_all_is_certainty():
    found = moderate(np.zeros(3), np.array([2.0, 2.0, 0.0]))
    assert (found.variances.tolist(), found.df) == ([0.0, 0.0, 0.0], np.inf)


def test_one_variance_is_taken_for_all_where_they_differ_as_by_chance():
    df = np.array([4.0, 4.0, 8.0])
    found = moderate(np.array([1.0, 1.2, 0.9]), df)
    assert found.variances == pytest.approx(np.full(3, (4 * 1.0 + 4 * 1.2 + 8 * 0.9) / 16))
    assert found.df == 16


def test_prior_that_variances_were_drawn_from_is_found():
    """Of 4,000 variances, whose truth is a scaled inverse chi-squared variable of 6 df."""
    generator = np.random.default_rng(0)
    truth = 2.0 * 6 / scipy.stats.chi2.rvs(6, size=4000, random_state=generator)
    variances = truth * scipy.stats.chi2.rvs(3, size=4000, random_state=generator) / 3
    prior, prior_df = moderation.prior_of(variances, np.full(4000, 3.0))
    assert prior == pytest.approx(2.0, rel=0.1)
    assert prior_df == pytest.approx(6.0, rel=0.2)
    shrunk = moderate(variances, np.full(4000, 3.0)).variances
    off, off_before = (np.log(each / truth).std() for each in (shrunk, variances))
    assert off < 0.65 * off_before


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.floats(-10, 12))
def test_trigamma_is_inverted(power):
    assert polygamma(1, trigamma_inverse(10**power)) == pytest.approx(10**power, rel=1e-6)
