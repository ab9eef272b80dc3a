"""Timestamps as numbers: parts of a day in their digits, or counts of a unit of time."""

from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from rnn_core.errors import DataError
from rnn_core.readers.times.column_names import WEEKS, words_of
from rnn_core.readers.times.decimals import times_of_decimals
from rnn_core.readers.times.parsing import parse, refuse_unread
from rnn_core.readers.times.written import NUMERIC_WEEK, days_of_years, weeks_of

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
UNITS: dict[Unit, int] = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
"""Units that are counted since 1970, and how many of them a second has."""

SINCE_1970 = (100_000_000, 7_258_118_400)
"""Seconds to 1973 and 2200: in this span, no count of a unit is one of another."""

EARLIEST, ELAPSED = -2_208_988_800, 31_536_000
"""Seconds to 1900, and to 1971: counts from about 0 on are times since some start."""

EXCEL = (20_000, 80_000)
"""Days since the end of 1899, as Excel counts them: from 1954 to 2119."""


def times_of_numbers(values: "pd.Series[Any]", name: str) -> pd.DatetimeIndex:
    """Years, with decimals too, months, days, counts since 1970, or what Excel counts.

    Raises:
        DataError: If they are none of these.
    """
    least, most = values.min(), values.max()
    if form := form_of_digits(values):
        written = values.astype("int64").astype(str)
        if form == "%Y%m" and words_of(str(values.name)) & WEEKS:
            return refuse_unread(written, weeks_of(written, NUMERIC_WEEK), name)
        read = days_of_years(written) if form == "%Y%j" else parse(written, form)
        return refuse_unread(written, read, name)
    if unit := unit_since_1970(values):
        return pd.DatetimeIndex(pd.to_datetime(values, unit=unit))
    if EXCEL[0] <= least and most < EXCEL[1]:
        days = pd.to_datetime(values, unit="D", origin="1899-12-30")
        return pd.DatetimeIndex(days).round("s")
    decimals = times_of_decimals(values.to_numpy(np.float64))
    if decimals is not None and (values % 1 != 0).any():
        return decimals
    row, value = values.index[0], values.iloc[0]
    raise DataError(
        f"{name}, row {row}, column {values.name!r}: the number {value} is not a timestamp; "
        "write 2024-01-31 or 2024-01-31 13:00"
    )


def unit_since_1970(values: "pd.Series[Any]") -> Unit | None:
    """The unit that numbers count since 1970; None if that is not certain.

    Before 1973, they are whole minutes of it.
    """
    least, most = values.min(), values.max()
    for unit, second in UNITS.items():
        if SINCE_1970[0] * second <= least and most < SINCE_1970[1] * second:
            return unit
    for unit, second in reversed(UNITS.items()):
        early = EARLIEST * second <= least < 0 or least >= ELAPSED * second
        if early and most < SINCE_1970[1] * second and (values % (60 * second) == 0).all():
            return unit
    return None


def form_of_digits(values: "pd.Series[Any]") -> str | None:
    """The form of numbers that are years, months, days or hours; None if they are others."""
    if (values % 1 != 0).any():
        return None
    least, most = values.min(), values.max()
    for start, end, form in NUMBERS:
        if start <= least and most < end:
            return form
    return form_with_clock(values) if most < MOST_DIGITS else None


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
