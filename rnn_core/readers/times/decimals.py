"""Times as years with decimals: 1958.2027, or 1958.01 for the first month."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

YEARS = (1500, 2500)
"""Least and next too large year."""

ROUNDED = 0.06
"""Months by which one that begins may be missed, since few decimals are written: 0.08 years are
0.96 months."""

STEPS_OF_MONTHS = (1, 2, 3, 4, 6)


def times_of_decimals(years: NDArray[np.float64]) -> pd.DatetimeIndex | None:
    """The timestamps of years with decimals, in order, where they are certain.

    They are where rows are a fixed number of months or of days apart: then each is the month, or
    the day, that it lies in.

    Args:
        years: (N,), at least 3.

    Returns:
        None where nothing is certain.
    """
    if len(years) < 3 or not (years.min() >= YEARS[0] and years.max() < YEARS[1]):
        return None
    whole = np.floor(years + 1e-9).astype(np.int64)
    rest = np.clip(years - whole, 0, None)
    counted = np.round(rest * 100, 6)
    if (counted % 1 == 0).all() and ((counted >= 1) & (counted <= 12)).all():
        return months_as_timestamps(whole, counted.astype(np.int64) - 1)
    months = np.floor(rest * 12 + ROUNDED).astype(np.int64)
    if one_step(whole * 12 + months, STEPS_OF_MONTHS):
        return months_as_timestamps(whole, months)
    return days_as_timestamps(whole, rest)


def months_as_timestamps(
    years: NDArray[np.int64], months: NDArray[np.int64]
) -> pd.DatetimeIndex | None:
    """The first days of months, counted from 0; None where they are not a fixed number apart."""
    numbers = years * 12 + months
    if not one_step(numbers, STEPS_OF_MONTHS):
        return None
    return pd.DatetimeIndex((numbers - 1970 * 12).astype("datetime64[M]").astype("datetime64[ms]"))


def days_as_timestamps(
    years: NDArray[np.int64], rest: NDArray[np.float64]
) -> pd.DatetimeIndex | None:
    """The days that parts of years lie in; None where they are not a fixed number apart."""
    first = (years - 1970).astype("datetime64[Y]").astype("datetime64[D]")
    after = (years - 1969).astype("datetime64[Y]").astype("datetime64[D]")
    days = first + np.floor(rest * (after - first).astype(np.float64) + ROUNDED).astype(np.int64)
    if not one_step(days.astype(np.int64), (1, 7)):
        return None
    return pd.DatetimeIndex(days.astype("datetime64[ms]"))


def one_step(numbers: NDArray[np.int64], steps: tuple[int, ...]) -> bool:
    """Return whether numbers count up by one of some steps."""
    apart = np.diff(numbers)
    return bool((apart == apart[0]).all()) and int(apart[0]) in steps
