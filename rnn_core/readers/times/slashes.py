"""Days written as numbers with a mark between: 31/01/2024, 01/31/2024, 31.1.24."""

import re
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
    return Times(refuse_unread(values, read_slashes(values, first_day), name), first_day)


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
    fit = []
    for day_first in (True, False):
        times = read_slashes(values, day_first)
        index = pd.DatetimeIndex(times)
        fit.append(bool(times.notna().all()) and increasing(index) and regular(index))
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
    fits = [parse(values.iloc[:100], form + clock).notna().sum() for clock in CLOCKS]
    return parse(values, form + CLOCKS[int(np.argmax(fits))])
