"""Exponential smoothing with a trend and a season, for comparison with recurrent forecasts."""

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

if TYPE_CHECKING:
    from statsmodels.tsa.holtwinters import HoltWintersResults

MOST_ROWS = 2_000
"""Rows of the training set, its last, that smoothing is fitted to."""

FEWEST_ROWS = 10
"""Rows of the training set that smoothing needs; in shorter series the last value is repeated."""

MOST_FITS = 8
"""Series to which it is fitted; others have the median of what was found for these."""

SMOOTHING = ("smoothing_level", "smoothing_trend", "smoothing_seasonal", "damping_trend")


def holt_winters_forecast(
    series: Sequence[Tensor],
    train: Sequence[int],
    origins: Sequence[Tensor],
    season: int,
    horizon: int,
) -> list[Tensor]:
    """The additive method of Holt and Winters, with a damped trend, of each series by itself.

    See Gardner & McKenzie, "Forecasting trends in time series", Management Science 31, 1985. What
    smooths is fitted to the training set alone; level, trend and season then go on with the rows
    up to where a forecast is made. A gap is taken for the value one season before.

    Args:
        series: Each (T,), NaN where there is a gap; its first row belongs to its training set.
        train: Rows of the training set of each.
        origins: The rows at which forecasts of each begin, int64 (B,); above 0.
        season: Its rows; 1 if there is none. Series with fewer than two on the training set are
            smoothed without one.
        horizon: Rows to predict, N.

    Returns:
        float64 (B, N) each.
    """
    filled = [fill_by_season(one.double().numpy(), season) for one in series]
    enough = [i for i, rows in enumerate(train) if rows >= FEWEST_ROWS]
    places = np.linspace(0, len(enough) - 1, min(MOST_FITS, len(enough))).round().astype(int)
    found = {enough[i]: smoothing_of(filled[enough[i]][: train[enough[i]]], season) for i in places}
    usual = {
        name: float(np.median([one[name] for one in found.values() if name in one]))
        for name in SMOOTHING
        if any(name in one for one in found.values())
    }
    forecasts = []
    for i, (values, rows) in enumerate(zip(filled, train, strict=True)):
        begun = origins[i].numpy()
        if rows < FEWEST_ROWS:
            forecast = np.repeat(values[begun - 1, None], horizon, axis=1)
        else:
            forecast = continued(values, rows, season, horizon, found.get(i, usual), begun)
        forecasts.append(torch.from_numpy(forecast))
    return forecasts


def fill_by_season(values: NDArray[np.float64], season: int) -> NDArray[np.float64]:
    """Values (T,) with each gap filled by the value one season before, or else the last one.

    Gaps at the start have the first value.
    """
    values = values.copy()
    gaps = np.flatnonzero(np.isnan(values))
    if len(gaps) == len(values):
        return np.zeros_like(values)
    for row in gaps.tolist():
        before = row - season if row >= season else row - 1
        values[row] = values[before] if row else values[np.argmin(np.isnan(values))]
    return values


def has_season(rows: int, season: int) -> bool:
    """Return whether there are enough rows to find a season."""
    return season > 1 and rows >= max(2 * season, FEWEST_ROWS + season)


def smoothed(
    values: NDArray[np.float64], season: int, smoothing: Mapping[str, float] | None
) -> "HoltWintersResults":
    """Values (T,) smoothed, by what is given or is best for the forecast of the next row."""
    from statsmodels.tsa.holtwinters import ExponentialSmoothing  # noqa: PLC0415 - seldom needed

    seasonal: dict[str, Any] = {"seasonal": "add", "seasonal_periods": season} if season > 1 else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the search ended early, or a bound was reached
        model = ExponentialSmoothing(
            values, trend="add", damped_trend=True, initialization_method="heuristic", **seasonal
        )
        return model.fit(optimized=smoothing is None, **(smoothing or {}))


def smoothing_of(train: NDArray[np.float64], season: int) -> dict[str, float]:
    """Find the smoothing that fits the training set (T,) best; a short set has no season."""
    season = season if has_season(len(train), season) else 1
    found = smoothed(train[-MOST_ROWS:], season, None).params
    return {name: float(found[name]) for name in SMOOTHING if np.isfinite(found[name])}


def continued(
    values: NDArray[np.float64],
    train: int,
    season: int,
    horizon: int,
    smoothing: Mapping[str, float],
    origins: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Forecasts from rows on, float64 (B, N).

    The level, trend and season at which smoothing begins come from the first rows, which belong to
    the training set. Forecasts are those of statsmodels, but that these take the season at the
    end of its length as it was one season before its last change.
    """
    season = season if has_season(train, season) else 1
    kept = {k: v for k, v in smoothing.items() if season > 1 or k != "smoothing_seasonal"}
    first = max(train - MOST_ROWS, 0)
    found, last = smoothed(values[first:], season, kept), origins - 1 - first
    ahead = np.arange(1, horizon + 1)
    damped = np.cumsum(smoothing["damping_trend"] ** ahead)
    forecast = found.level[last, None] + damped * found.trend[last, None]
    if season > 1:
        same = last[:, None] + ahead - season * (1 + (ahead - 1) // season)
        forecast = forecast + np.where(same >= 0, found.season[np.maximum(same, 0)], 0)
    return np.asarray(forecast, np.float64)
