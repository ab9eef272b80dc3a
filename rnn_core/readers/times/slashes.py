"""Days written as numbers with a mark between: 31/01/2024, 01/31/2024, 31.1.24."""

import re
from typing import Any, NamedTuple, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnn_core.errors import DataError
from rnn_core.readers.formats.memory import give_back
from rnn_core.readers.times.parsing import (
    AT_ONCE,
    YEAR_FIRST,
    DayFirst,
    Times,
    parse,
    refuse_unread,
)
from rnn_core.readers.times.steps import increasing, regular

SLASHED = re.compile(
    r"^(?P<first>\d{1,2})(?P<mark>[/.-])(?P<second>\d{1,2})[/.-](?P<year>\d{4}|\d\d)\b"
)
WITH_MONTH = re.compile(r"^\d{1,2}(?P<mark>[ /-]?)(?P<month>[A-Za-z]{3,})(?P=mark)\d\d(?=$|[ T:])")
"""A day with the name of its month, and a year of two digits."""

REST_OF_MONTH = (
    r"(?i)^(\d{1,2}[ /-]?[a-z]{3})(?:uary|ruary|ch|il|e|y|ust|t|tember|ober|ember)(?![a-z])"
)
"""A day with more of the name of its month than three letters, such as 01-Sept."""

SHORT = re.compile(r"^\d\d(?P<mark>[/.-])\d\d(?P=mark)\d\d\b")
NO_DAY = r"3[2-9]|[4-9]\d"
"""The first two digits of a year that are no day."""

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


def times_of_slashes(values: "pd.Series[Any]", name: str, day_first: DayFirst) -> Times:
    """Timestamps such as 31/01/2024 or 01/31/2024, in the one order that all rows allow."""
    if WITH_MONTH.match(values.iloc[0]):
        return times_of_named_months(values, name, day_first)
    if SHORT.match(values.iloc[0]) and (found := years_first(values, name, day_first)):
        return found
    known = None if day_first == YEAR_FIRST else day_first
    parts = parts_of(values)
    first_day = order_of(values, parts, name)
    if first_day is None:
        first_day = known
    elif known is not None and first_day != known:
        place = int(np.argmax((parts.first if first_day else parts.second) > 12))
        order = "day" if known else "month"
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


def years_first(values: "pd.Series[Any]", name: str, day_first: DayFirst) -> Times | None:
    """Timestamps such as 24-01-31, where the year is written first; None where it is not.

    It is first where no row begins with a day, or the rows are in order then, and would not be if
    it were last. Where both or neither may be, what is known decides.

    Raises:
        DataError: If nothing does, as in 24-01-01, 24-01-02, which are days, or first days of
            years.
    """
    mark = shape_of(values)["mark"]
    times = with_clock(values, f"%y{mark}%m{mark}%d")
    if values.str.match(NO_DAY).all():
        found = refuse_unread(values, times, name)
        refuse_two_centuries(values, found, name)
        return Times(found, YEAR_FIRST)
    first = in_order(times)
    if not first and day_first != YEAR_FIRST:
        return None
    others = [read_slashes(values, order) for order in ((True,) if mark == "." else (True, False))]
    last = any(map(in_order, others))
    if (first and not last) or (day_first == YEAR_FIRST and first == last):
        return Times(refuse_unread(values, times, name), YEAR_FIRST)
    if day_first is not None:
        return None
    if steady(times) and not any(map(steady, others)):
        return Times(pd.DatetimeIndex(times), YEAR_FIRST)
    if mark == ".":
        refuse_unclear_year(values, others[0], name)
    elif len({text[:2] for text in values}) == 1:
        refuse_year(values, name)
    return None


def refuse_unclear_year(
    values: "pd.Series[Any]", last: "pd.Series[pd.Timestamp]", name: str
) -> None:
    """Refuse the same day of years such as 24-Jan-01, 24-Jan-02, which may be days of one month.

    The first and the last day of a month are those of years.

    Args:
        values: The texts, in order whether the year is first or last.
        last: What they are if it is last.
        name: What to call the table in errors.

    Raises:
        DataError: Names the first row.
    """
    days = pd.DatetimeIndex(last)
    same = days.year.nunique() > 1 == len({*zip(days.month, days.day, strict=True)})
    if same and not (days.is_month_start.all() or days.is_month_end.all()):
        refuse_year(values, name)


def refuse_year(values: "pd.Series[Any]", name: str) -> NoReturn:
    """Refuse years of two digits that may be first or last.

    Raises:
        DataError: Names the first row.
    """
    raise DataError(
        f"{name}, row {values.index[0]}, column {values.name!r}: {values.iloc[0]!r} can have "
        "the year first or last; write it with four digits, such as 2024-01-31, or if it is "
        "last, say what is first when the study is made: --set day_first=true, or "
        "day_first=false"
    )


def times_of_named_months(values: "pd.Series[Any]", name: str, day_first: DayFirst) -> Times:
    """Timestamps such as 31-Jan-24, or 24-Jan-31 where the year cannot be last.

    The year is first if the rows are in order only then. If they are in order both ways, it is
    first if `day_first` says so, or if they are one step apart only then.
    """
    values = values.str.replace(REST_OF_MONTH, r"\1", regex=True)
    match = WITH_MONTH.match(values.iloc[0])
    assert match is not None
    mark = match["mark"]
    last = with_clock(values, f"%d{mark}%b{mark}%y")
    first = with_clock(values, f"%y{mark}%b{mark}%d")
    orders = in_order(first), in_order(last)
    year_first = orders == (True, False) or (day_first == YEAR_FIRST and orders != (False, True))
    if orders == (True, True) and day_first is None:
        year_first = steady(first) and not steady(last)
        if not year_first:
            refuse_unclear_year(values, last, name)
    times = refuse_unread(values, first if year_first else last, name)
    refuse_two_centuries(values, times, name)
    same_day = not year_first and times.day.nunique() == 1 < times.year.nunique()
    return Times(times, YEAR_FIRST if year_first else same_day or None)


def in_order(times: "pd.Series[pd.Timestamp]") -> bool:
    """Return whether all texts are timestamps that increase, or all decrease; repeated ones aside.

    Each of several series may have the same.
    """
    index = pd.DatetimeIndex(times).unique()
    return bool(times.notna().all()) and (increasing(index) or increasing(index[::-1]))


def steady(times: "pd.Series[pd.Timestamp]") -> bool:
    """Return whether all texts are timestamps that are one step apart; repeated ones aside."""
    index = pd.DatetimeIndex(times).unique()
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
        if len(shape_of(values)["year"]) == 2:
            refuse_two_centuries(values, pd.DatetimeIndex(read_slashes(values, True)), name)
        raise DataError(
            f"{name}, row {values.index[0]}: {values.iloc[0]} can be day and month or month and "
            "day, and no other row tells; write 2024-01-31, or say which when the study is made: "
            "--set day_first=true, or day_first=false"
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
