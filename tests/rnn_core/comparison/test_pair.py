"""Two fixed models over the same items, against scipy, a matrix oracle, and what chance does."""

import numpy as np
import pytest
import scipy.linalg
import scipy.signal
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_core.comparison.statistics.pair import compare_pair
from rnn_core.errors import StudyError
from rnn_core.metric import Metric
from rnn_core.tasks.forecasting.learn import CLUSTER_HORIZONS, ForecastingModel
from rnn_core.tasks.forecasting.parameters import ForecastingData
from rnn_core.tasks.forecasting.task import Forecasting
from rnn_core.training.item_scores import ItemScores

ERROR = Metric("mse", "", "lower")
SHARE = Metric("accuracy", "", "higher")

LEVEL = 0.05
HORIZON = 24


def scores(values, clusters=None, weights=None):
    values = np.asarray(values, np.float64)
    weights = np.ones(len(values)) if weights is None else np.asarray(weights, np.float64)
    return ItemScores(values=values, weights=weights, clusters=clusters)


@pytest.mark.parametrize(("metric", "worse"), [(ERROR, "greater"), (SHARE, "less")])
def test_items_that_vary_by_themselves_are_a_paired_t_test(metric, worse):
    generator = np.random.default_rng(0)
    second = generator.normal(size=40)
    for shift in (-0.3, 0.0, 0.3):
        first = second + generator.normal(shift, 1.0, size=40)
        found = compare_pair(scores(first), scores(second), metric)
        outside = scipy.stats.ttest_rel(first, second, alternative=worse).pvalue
        assert found.p_worse == pytest.approx(outside)
        assert found.p_better == pytest.approx(1 - outside)
        assert (found.num_items, found.num_clusters) == (40, 40)


def test_equal_clusters_are_a_t_test_over_their_means():
    generator = np.random.default_rng(1)
    speakers = generator.permutation(np.repeat(np.arange(7), 9))
    first, second = generator.normal(size=(2, 63)) + generator.normal(size=7)[speakers]
    found = compare_pair(scores(first, speakers), scores(second, speakers), ERROR)
    means = [(first - second)[speakers == one].mean() for one in range(7)]
    outside = scipy.stats.ttest_1samp(means, 0.0, alternative="greater").pvalue
    assert found.p_worse == pytest.approx(outside)
    assert (found.num_items, found.num_clusters) == (63, 7)


def oracle(apart, clusters, weights):
    """p value by the bias-reduced variance of least squares, written down for any regression.

    As of Bell and McCaffrey, with matrices; weights multiply both sides by their roots.
    """
    known = np.sqrt(weights)[:, None]
    inverse = np.linalg.inv(known.T @ known)
    rest = np.eye(len(apart)) - known @ inverse @ known.T
    rows = []
    for one in np.unique(clusters):
        own = clusters == one
        adjust = np.linalg.inv(scipy.linalg.sqrtm(rest[np.ix_(own, own)]).real)
        rows.append((inverse @ known[own].T @ adjust @ rest[own])[0])
    forms, seen = np.stack(rows), apart * known[:, 0]
    df = np.trace(forms @ forms.T) ** 2 / ((forms @ forms.T) ** 2).sum()
    estimate = float((inverse @ known.T @ seen)[0])
    return scipy.stats.t.sf(estimate / ((forms @ seen) ** 2).sum() ** 0.5, df)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), sizes=st.lists(st.integers(1, 9), min_size=2, max_size=6))
def test_unequal_clusters_and_weights_agree_with_an_oracle_of_matrices(seed, sizes):
    generator = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(len(sizes)), sizes)
    weights = generator.uniform(0.5, 4, len(clusters))
    first, second = generator.normal(size=(2, len(clusters)))
    found = compare_pair(scores(first, clusters, weights), scores(second, clusters, weights), ERROR)
    assert found.p_worse == pytest.approx(oracle(first - second, clusters, weights), rel=1e-4)


@pytest.fixture(scope="module")
def windows(tmp_path_factory):
    """Clusters and weights of the windows of a test set, as the task scores them."""
    folder = tmp_path_factory.mktemp("table")
    values = np.random.default_rng(0).normal(size=900)
    (folder / "a.csv").write_text("y\n" + "".join(f"{value}\n" for value in values))
    parameters = ForecastingData(
        targets=("y",), date=None, lookback=24, horizon=HORIZON, split=(200, 50, 620)
    )
    data, meta = Forecasting.prepare(folder, parameters)
    task = Forecasting(meta, ForecastingModel(hidden_size=1))
    found = task.scores(lambda past: torch.zeros(len(past), HORIZON, 1), data, "test")
    return found.clusters.numpy(), found.weights.numpy()


def window_losses(generator, num):
    """Mean losses of overlapping windows of a model, whose steps' losses are AR(1)."""
    steps = generator.normal(size=num + HORIZON - 1 + 200)
    losses = scipy.signal.lfilter([1.0], [1.0, -0.9], steps)[200:]
    return np.convolve(losses, np.full(HORIZON, 1 / HORIZON), "valid")


def share_worse(windows, shift, studies):
    """In which share of studies a model is called worse: over clusters, and over single items."""
    clusters, weights = windows
    generator = np.random.default_rng(7)
    found = np.zeros(2)
    for _ in range(studies):
        first, second = (window_losses(generator, len(weights)) for _ in range(2))
        pair = compare_pair(
            scores(first + shift, clusters, weights), scores(second, clusters, weights), ERROR
        )
        plain = scipy.stats.ttest_rel(first + shift, second, alternative="greater").pvalue
        found += pair.p_worse < LEVEL, plain < LEVEL
    return found / studies


def test_equal_models_are_called_worse_at_the_level_though_windows_overlap(windows):
    wrong, over_items = share_worse(windows, 0.0, 1000)
    assert len(windows[1]) % (CLUSTER_HORIZONS * HORIZON), "the last cluster must be an unequal one"
    assert wrong <= 0.07
    assert over_items > 0.3


def test_real_difference_is_found_though_windows_overlap(windows):
    found, _ = share_worse(windows, 2.0, 200)
    assert found >= 0.8


def test_equal_items_are_no_evidence():
    equal = scores(np.linspace(0, 1, 7))
    found = compare_pair(equal, equal, ERROR)
    assert found.p_worse == found.p_better == 1.0


@pytest.mark.parametrize("num_items", [1, 7])
@pytest.mark.parametrize("metric", [ERROR, SHARE])
def test_constant_difference_is_judged_by_its_sign(num_items, metric):
    """The t-test has no p value where nothing varies; a single item proves nothing."""
    good, bad = scores(np.zeros(num_items)), scores(np.ones(num_items))
    if metric is SHARE:
        good, bad = bad, good
    found = compare_pair(bad, good, metric)
    assert (found.p_worse < LEVEL) == (num_items > 1)
    assert found.p_better > LEVEL


def test_scores_of_other_items_are_refused():
    with pytest.raises(StudyError, match="not tested on the same items"):
        compare_pair(scores(np.zeros(3)), scores(np.zeros(4)), ERROR)
    own = ItemScores(values=np.zeros(3), weights=np.ones(3), own_to_seed=True)
    with pytest.raises(StudyError, match="items of their own"):
        compare_pair(own, own, ERROR)
