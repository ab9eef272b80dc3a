"""Exponential smoothing, against statsmodels and the definition."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.tsa.holtwinters import ExponentialSmoothing

from rnn_core.baselines.holt_winters import fill_by_season, holt_winters_forecast, smoothing_of

SEASON = 7


def weekly(seed, rows):
    draw, row = np.random.default_rng(seed), np.arange(rows)
    values = 20 + 0.05 * row + 4 * np.sin(2 * np.pi * row / SEASON) + draw.normal(size=rows)
    return torch.from_numpy(values)


def forecast(values, train, origins, season=SEASON, horizon=9):
    return holt_winters_forecast([values], [train], [torch.tensor(origins)], season, horizon)[0]


def by_definition(values, smoothing, season, horizon, start):
    """Gardner & McKenzie's equations, row by row, from a level, a trend and a season."""
    level, trend, seasons = start
    seasons = list(seasons)
    alpha, beta, gamma, phi = smoothing
    for row, value in enumerate(values):
        before, level = level, alpha * (value - seasons[row]) + (1 - alpha) * (level + phi * trend)
        seasons.append(gamma * (value - before - phi * trend) + (1 - gamma) * seasons[row])
        trend = beta * (level - before) + (1 - beta) * phi * trend
    ahead = np.arange(1, horizon + 1)
    last = [seasons[len(values) + (step - 1) % season] for step in ahead]
    return level + np.cumsum(phi**ahead) * trend + last


@pytest.mark.parametrize("origin", [60, 61, 83, 100])
def test_forecasts_are_those_of_the_definition_and_of_statsmodels(origin):
    values = weekly(0, 100)
    found = forecast(values, 60, [origin])[0].numpy()
    given, known = smoothing_of(values[:60].numpy(), SEASON), values[:origin].numpy()
    model = ExponentialSmoothing(
        known,
        trend="add",
        damped_trend=True,
        seasonal="add",
        seasonal_periods=SEASON,
        initialization_method="heuristic",
    ).fit(optimized=False, **given)
    expected = np.asarray(model.forecast(9))
    different = SEASON - 1  # see `continued`
    kept = [step for step in range(9) if step != different]
    np.testing.assert_allclose(found[kept], expected[kept], rtol=1e-9)
    names = ("smoothing_level", "smoothing_trend", "smoothing_seasonal", "damping_trend")
    start = (model.params[f"initial_{name}"] for name in ("level", "trend", "seasons"))
    smoothing = [given[name] for name in names]
    expected = by_definition(known, smoothing, SEASON, 9, tuple(start))
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_nothing_after_a_forecast_begins_changes_it():
    """Nor do the rows after the training set change what smooths."""
    values, changed = weekly(1, 90), weekly(1, 90)
    changed[75:] += 100
    torch.testing.assert_close(forecast(values, 60, [60, 75]), forecast(changed, 60, [60, 75]))
    assert not torch.equal(forecast(values, 60, [76]), forecast(changed, 60, [76]))


def test_it_continues_a_trend_and_a_season():
    row = torch.arange(120.0)
    pattern = torch.tensor([3.0, 0, -1, 4, -5, -2, 1]).repeat(18)[:120]
    values = 5 + 0.5 * row + pattern
    found = forecast(values, 84, [90, 105], horizon=7)
    expected = torch.stack([values[90:97], values[105:112]]).double()
    torch.testing.assert_close(found, expected, atol=0.3, rtol=0)


def test_gaps_have_the_value_one_season_before():
    values = np.array([np.nan, 1, 2, 3, np.nan, 5, np.nan, np.nan])
    np.testing.assert_array_equal(fill_by_season(values, 3), [1, 1, 2, 3, 1, 5, 3, 1])
    np.testing.assert_array_equal(fill_by_season(values, 1), [1, 1, 2, 3, 3, 5, 5, 5])


def test_many_series_have_what_smooths_a_few_of_them():
    """All but some are not fitted; each has its own level, trend and season."""
    series = [weekly(seed, 100) * 10**seed for seed in range(12)]
    origins = [torch.tensor([80])] * 12
    together = holt_winters_forecast(series, [70] * 12, origins, SEASON, SEASON)
    for one, found in zip(series, together, strict=True):
        alone = forecast(one, 70, [80], horizon=SEASON)
        truth = one[80 : 80 + SEASON]
        assert (found[0] - truth).abs().mean() < 1.5 * (alone[0] - truth).abs().mean()


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**31), st.integers(1, 40), st.sampled_from([1, 7, 52]), st.booleans())
def test_every_series_has_a_forecast_without_a_warning(seed, train, season, constant):
    """Short ones, and those that never change, too."""
    draw = np.random.default_rng(seed)
    values = np.where(
        draw.random(train + 5) < 0.2, np.nan, 0 if constant else draw.normal(size=train + 5)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = forecast(torch.from_numpy(values), train, [train, train + 5], season, 4)
    assert found.shape == (2, 4)
    assert found.isfinite().all()
