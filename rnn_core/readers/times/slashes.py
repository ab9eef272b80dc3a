"""Days written as numbers with a mark between: 31/01/2024, 01/31/2024, 31.1.24."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnn_core.errors import DataError
from rnn_core.readers.formats.memory import give_back
from rnn_core.readers.times.parsing import AT_ONCE, Times, parse, refuse_unread
from rnn_core.readers.times.steps import increasing, regular

SLASHED = re.compile(
    r"^(?P<first>\d{1,2})(?P<mark>[/.-])(?P<second>\d{1,2})[/.-](?P<year>\d{4}|\d\d)\b"
)
WITH_MONTH = re.compile(r"^\d{1,2}(?P<mark>[ /-]?)(?P<month>[A-Za-z]{3,})(?P=mark)\d\d(?=$|[ T:])")
"""A day with the name of its month, and a year of two digits."""

SHORT = re.compile(r"^\d\d(?P<mark>[/.-])\d\d(?P=mark)\d\d\b")
CENTURY = 50
"""Years from one row to the next that show that years of two digits are in two centuries."""

CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")


class Parts(NamedTuple):
    """The numbers before the year, of each row.

    Attributes:
        first: The first, (N,); 0 where a text is not of the form.
        second: The second, (N,).
    """

    first: NDArray[np.int8]
    second: NDArray[np.int8]


def times_of_slashes(values: "pd.Series[Any]", name: str, day_first: bool | None) -> Times:
    """Timestamps such as 31/01/2024 or 01/31/2024, in the one order that all rows allow."""
    if WITH_MONTH.match(values.iloc[0]):
        return Times(times_of_named_months(values, name))
    if SHORT.match(values.iloc[0]) and (found := years_first(values, name)) is not None:
        return Times(found)
    parts = parts_of(values)
    first_day = order_of(values, parts, name)
    if first_day is None:
        first_day = day_first
    elif day_first is not None and first_day != day_first:
        place = int(np.argmax((parts.first if first_day else parts.second) > 12))
        order = "day" if day_first else "month"
        raise DataError(
            f"{name}, row {values.index[place]}: {values.iloc[place]} does not have the {order} "
            "first, as the dates that the model was trained on or data.day_first says"
        )
    if first_day is None:
        first_day = order_by_steps(values, name)
    times = refuse_unread(values, read_slashes(values, first_day), name)
    if len(shape_of(values)["year"]) == 2:
        refuse_two_centuries(values, times, name)
    return Times(times, first_day)


def years_first(values: "pd.Series[Any]", name: str) -> pd.DatetimeIndex | None:
    """Timestamps such as 24-01-31, where the year is written first; None where it is not."""
    mark = shape_of(values)["mark"]
    if mark == ".":
        return None
    others = [read_slashes(values, day_first) for day_first in (True, False)]
    return if_certain(values, with_clock(values, f"%y{mark}%m{mark}%d"), others, name)


def if_certain(
    values: "pd.Series[Any]",
    times: "pd.Series[pd.Timestamp]",
    others: "Sequence[pd.Series[pd.Timestamp]]",
    name: str,
) -> pd.DatetimeIndex | None:
    """The timestamps of texts with the year first; None where it is last.

    It is first where the rows are in order then, and would not be if it were last.

    Args:
        values: The texts.
        times: As they are with the year first.
        others: As they may be with the year last.
        name: What to call the table in errors.

    Raises:
        DataError: If both may be, as in 24-01-01, 24-01-02, which are days, or first days of years.
    """
    if not in_order(times):
        return None
    if not any(map(in_order, others)) or (steady(times) and not any(map(steady, others))):
        return pd.DatetimeIndex(times)
    if len({text[:2] for text in values}) == 1:
        raise DataError(
            f"{name}, row {values.index[0]}, column {values.name!r}: {values.iloc[0]!r} can have "
            "the year first or last; write it with four digits, such as 2024-01-31"
        )
    return None


def times_of_named_months(values: "pd.Series[Any]", name: str) -> pd.DatetimeIndex:
    """Timestamps such as 31-Jan-24, or 24-Jan-31 where the year is certain to be first."""
    match = WITH_MONTH.match(values.iloc[0])
    assert match is not None
    mark, month = match["mark"], "%b" if len(match["month"]) == 3 else "%B"
    last = with_clock(values, f"%d{mark}{month}{mark}%y")
    found = if_certain(values, with_clock(values, f"%y{mark}{month}{mark}%d"), [last], name)
    times = refuse_unread(values, last, name) if found is None else found
    refuse_two_centuries(values, times, name)
    return times


def in_order(times: "pd.Series[pd.Timestamp]") -> bool:
    """Return whether all texts are timestamps that increase, or all decrease."""
    index = pd.DatetimeIndex(times)
    return bool(times.notna().all()) and (increasing(index) or increasing(index[::-1]))


def steady(times: "pd.Series[pd.Timestamp]") -> bool:
    """Return whether all texts are timestamps that are one step apart."""
    index = pd.DatetimeIndex(times)
    return bool(times.notna().all()) and increasing(index) and regular(index)


def refuse_two_centuries(values: "pd.Series[Any]", times: pd.DatetimeIndex, name: str) -> None:
    """Refuse years of two digits that were read as years of two centuries.

    Raises:
        DataError: Names the first row of the other century.
    """
    apart = np.abs(np.diff(times.year))
    if (apart >= CENTURY).any():
        place = int(np.argmax(apart >= CENTURY)) + 1
        raise DataError(
            f"{name}, row {values.index[place]}: {values.iloc[place]} after "
            f"{values.iloc[place - 1]} does not tell the century; write years with four digits"
        )


def parts_of(values: "pd.Series[Any]") -> Parts:
    """The first two numbers of each text; many of them have the same day."""
    found = np.zeros((2, len(values)), np.int8)
    for start in range(0, len(values), AT_ONCE):
        days = values.iloc[start : start + AT_ONCE].str.slice(0, len("31/12/2024"))
        codes, kinds = pd.factorize(days)
        matches = [SLASHED.match(kind) for kind in kinds]
        numbers = [(int(m["first"]), int(m["second"])) if m else (0, 0) for m in matches]
        found[:, start : start + AT_ONCE] = np.array(numbers, np.int8)[codes].T
    give_back()
    return Parts(*found)


def order_of(values: "pd.Series[Any]", parts: Parts, name: str) -> bool | None:
    """Return whether the day comes first by what cannot be a month; None where nothing tells.

    With points between, it does everywhere.

    Raises:
        DataError: If some rows have another order than others.
    """
    first, second = parts.first > 12, parts.second > 12
    if first.any() and second.any():
        places = sorted([int(np.argmax(first)), int(np.argmax(second))])
        one, other = (values.iloc[place] for place in places)
        raise DataError(
            f"{name}, row {values.index[places[1]]}: {other} and {one} do not have day and "
            "month in the same order; write 2024-01-31"
        )
    if first.any() or second.any():
        return bool(first.any())
    return True if shape_of(values)["mark"] == "." else None


def shape_of(values: "pd.Series[Any]") -> re.Match[str]:
    """The first text in its parts."""
    match = SLASHED.match(values.iloc[0])
    assert match is not None
    return match


def order_by_steps(values: "pd.Series[Any]", name: str) -> bool:
    """Return whether the day comes first: where one order alone makes rows that are one step apart.

    Raises:
        DataError: If both do, or neither.
    """
    fit = [steady(read_slashes(values, day_first)) for day_first in (True, False)]
    if fit[0] == fit[1] or len(values) < 3:
        raise DataError(
            f"{name}, row {values.index[0]}: {values.iloc[0]} can be day and month or month and "
            "day, and no other row tells; say which: --set day_first=true, or day_first=false"
        )
    return fit[0]


def read_slashes(values: "pd.Series[Any]", day_first: bool) -> "pd.Series[pd.Timestamp]":
    """Read dates in an order, with the clock that most of them have."""
    shape = shape_of(values)
    mark, year = shape["mark"], "%Y" if len(shape["year"]) == 4 else "%y"
    form = f"%d{mark}%m{mark}{year}" if day_first else f"%m{mark}%d{mark}{year}"
    return with_clock(values, form)


def with_clock(values: "pd.Series[Any]", form: str) -> "pd.Series[pd.Timestamp]":
    """Read days in a form, with the clock that most of the first have."""
    fits = [parse(values.iloc[:100], form + clock).notna().sum() for clock in CLOCKS]
    return parse(values, form + CLOCKS[int(np.argmax(fits))])
