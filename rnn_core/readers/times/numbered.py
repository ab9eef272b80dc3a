"""Timestamps as numbers: parts of a day in their digits, or counts of a unit of time."""

from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from rnn_core.errors import DataError
from rnn_core.readers.times.decimals import times_of_decimals
from rnn_core.readers.times.parsing import parse, refuse_unread
from rnn_core.readers.times.written import (
    NUMERIC_WEEK,
    WEEKS,
    days_of_years,
    weeks_of,
    words_of,
)

NUMBERS = (
    (1_000, 3_000, "%Y"),
    (100_001, 220_001, "%Y%m"),  # 240131 is a day with a short year, in no certain order
    (1_000_001, 3_000_367, "%Y%j"),
    (10_000_101, 30_001_232, "%Y%m%d"),
)
"""Least and next too large number that is read in a form."""

CLOCKS = (
    ((24,), "%Y%m%d%H"),
    ((24, 60), "%Y%m%d%H%M"),
    ((24, 60, 60), "%Y%m%d%H%M%S"),
)
"""Numbers of hours, minutes and seconds in the digits after a day, and the form."""

MOST_DIGITS = 1e14
"""Next too large number of these forms: 14 digits."""

CLOCKS_OF = (1900, 2200)
"""First and next too large year of days with a clock, so that no count since 1970 is one."""

Unit: TypeAlias = Literal["s", "ms", "us", "ns"]
SINCE_1970: tuple[tuple[float, float, Unit], ...] = (
    (1e8, 1e11, "s"),
    (1e11, 1e14, "ms"),
    (1e14, 1e17, "us"),
    (1e17, 9.2e18, "ns"),
)
"""Least and next too large number that counts a unit since 1970."""

EXCEL = (20_000, 80_000)
"""Days since the end of 1899, as Excel counts them: from 1954 to 2119."""


def times_of_numbers(values: "pd.Series[Any]", name: str) -> pd.DatetimeIndex:
    """Years, with decimals too, months, days, counts since 1970, or what Excel counts.

    Raises:
        DataError: If they are none of these.
    """
    least, most = values.min(), values.max()
    whole = bool((values % 1 == 0).all())
    for start, end, form in NUMBERS:
        if start <= least and most < end and whole:
            written = values.astype("int64").astype(str)
            if form == "%Y%m" and words_of(str(values.name)) & WEEKS:
                return refuse_unread(written, weeks_of(written, NUMERIC_WEEK), name)
            read = days_of_years(written) if form == "%Y%j" else parse(written, form)
            return refuse_unread(written, read, name)
    if whole and most < MOST_DIGITS and (form_found := form_with_clock(values)):
        written = values.astype("int64").astype(str)
        return refuse_unread(written, parse(written, form_found), name)
    for low, high, unit in SINCE_1970:
        if low <= least and most < high:
            return pd.DatetimeIndex(pd.to_datetime(values, unit=unit))
    if EXCEL[0] <= least and most < EXCEL[1]:
        days = pd.to_datetime(values, unit="D", origin="1899-12-30")
        return pd.DatetimeIndex(days).round("s")
    decimals = times_of_decimals(values.to_numpy(np.float64))
    if decimals is not None and not whole:
        return decimals
    row, value = values.index[0], values.iloc[0]
    raise DataError(
        f"{name}, row {row}, column {values.name!r}: the number {value} is not a timestamp; "
        "write 2024-01-31 or 2024-01-31 13:00"
    )


def form_with_clock(values: "pd.Series[Any]") -> str | None:
    """The form of whole numbers such as 2024013118, a day and its hour; None if they are others."""
    for units, form in CLOCKS:
        day, is_one = values.astype("int64"), True
        for count in reversed(units):
            is_one &= bool((day % 100 < count).all())
            day //= 100
        year, month = day // 10_000, day // 100 % 100
        is_one &= bool(year.between(CLOCKS_OF[0], CLOCKS_OF[1] - 1).all())
        if is_one and month.between(1, 12).all() and (day % 100).between(1, 31).all():
            return form
    return None
