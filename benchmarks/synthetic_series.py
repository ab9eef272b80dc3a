"""Eight kinds of series that people forecast, drawn from a random seed."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray


class Kind(NamedTuple):
    """A kind of series.

    Attributes:
        draw: Makes its table, with the columns `date` and `y`.
        asked: The user's settings besides the target.
    """

    draw: Callable[[Generator], pd.DataFrame]
    asked: Mapping[str, Any] = MappingProxyType({})


def autoregressive(draw: Generator, rows: int, kept: float, std: float) -> NDArray[np.float64]:
    """Noise that keeps a share of its value from row to row."""
    values = draw.normal(0, std, rows)
    for row in range(1, rows):
        values[row] += kept * values[row - 1]
    return values


def wave(rows: int, period: float, shift: float = 0) -> NDArray[np.float64]:
    return np.sin(2 * np.pi * (np.arange(rows) - shift) / period)


def table(times: pd.DatetimeIndex, y: NDArray[Any], **others: Any) -> pd.DataFrame:
    return pd.DataFrame({"date": times, **others, "y": y.round(3)})


def trend_and_season(draw: Generator) -> pd.DataFrame:
    """50 years of months."""
    rows = 600
    season = 12 * wave(rows, 12) + 5 * wave(rows, 6, 1.5)
    y = 100 + 0.3 * np.arange(rows) + season + autoregressive(draw, rows, 0.5, 3)
    return table(pd.date_range("1970-01-01", periods=rows, freq="MS"), y)


def random_walk(draw: Generator) -> pd.DataFrame:
    """1,500 days."""
    y = 50 + draw.normal(size=1500).cumsum()
    return table(pd.date_range("2019-01-01", periods=1500, freq="D"), y)


def counts(draw: Generator) -> pd.DataFrame:
    """1,500 days, of three a day, more on some days of the week and in summer."""
    rows = 1500
    rate = 3 * np.exp(0.5 * wave(rows, 7) + 0.3 * wave(rows, 365.25))
    return table(pd.date_range("2019-01-01", periods=rows, freq="D"), draw.poisson(rate))


def business_days(draw: Generator) -> pd.DataFrame:
    """1,500 days without weekends."""
    rows = 1500
    week = np.array([8.0, 3, 0, -2, -6])[np.arange(rows) % 5]
    y = 200 + week + autoregressive(draw, rows, 0.8, 2)
    return table(pd.bdate_range("2018-01-01", periods=rows), y)


def daylight_saving(draw: Generator) -> pd.DataFrame:
    """120 days of hours by the local clock, which is put forward on day 77."""
    rows = 24 * 120
    times = pd.date_range("2024-01-15", periods=rows, freq="h", tz="Europe/Berlin")
    hour = times.hour.to_numpy()
    day = 20 * np.sin(2 * np.pi * (hour - 7) / 24) + 6 * np.cos(4 * np.pi * (hour - 9) / 24)
    y = 60 + day - 10 * (times.dayofweek >= 5) + autoregressive(draw, rows, 0.7, 2)
    return table(times, y).assign(date=[time.isoformat() for time in times])


def many_series(draw: Generator) -> pd.DataFrame:
    """200 days of each of 30 shops, of sizes that differ by up to 40 times."""
    parts, rows = [], 200
    for shop in range(30):
        size = draw.uniform(5, 200)
        trend = 1 + 0.001 * draw.normal() * np.arange(rows)
        week = 0.3 * wave(rows, 7, draw.integers(7))
        y = size * (trend + week + 0.1 * autoregressive(draw, rows, 0.6, 1))
        times = pd.date_range("2023-01-01", periods=rows, freq="D")
        parts.append(table(times, y, shop=f"shop {shop}"))
    return pd.concat(parts)


def with_covariate(draw: Generator) -> pd.DataFrame:
    """1,500 days of sales that fall with a price, which changes now and then."""
    rows = 1500
    price = np.repeat(draw.uniform(5, 15, 300), 5)
    y = 100 - 5 * price + 6 * wave(rows, 7) + autoregressive(draw, rows, 0.5, 2)
    return table(pd.date_range("2019-01-01", periods=rows, freq="D"), y, price=price.round(2))


def with_gaps(draw: Generator) -> pd.DataFrame:
    """1,500 days, with about 100 missing, up to four in a row."""
    rows = 1500
    season = 5 * wave(rows, 7) + 3 * wave(rows, 365.25)
    y = 30 + season + autoregressive(draw, rows, 0.6, 1.5)
    for first in draw.integers(10, rows - 10, 40):
        y[first : first + draw.integers(1, 5)] = np.nan
    return table(pd.date_range("2019-01-01", periods=rows, freq="D"), y)


KINDS = {
    "trend and season": Kind(trend_and_season),
    "random walk": Kind(random_walk),
    "counts": Kind(counts),
    "business days": Kind(business_days),
    "daylight saving": Kind(daylight_saving),
    "many series": Kind(many_series, {"series": "shop"}),
    "covariate": Kind(with_covariate, {"known": ["price"]}),
    "gaps": Kind(with_gaps),
}
