"""Timestamps whose parts are in several columns, such as a day and a time of day.

Which part a column holds, its name tells. The parts are read together, and make one timestamp.
"""

import itertools
import re
from collections.abc import Callable, Container, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnn_core.errors import DataError, unknown
from rnn_core.readers.faults import Faults
from rnn_core.readers.times.column_names import PARTS, words_of
from rnn_core.readers.times.columns import read_times, refuse_empty
from rnn_core.readers.times.parsing import AT_ONCE, DayFirst, Times

WAYS = (
    ("date", "time"),
    ("year", "month", "day", "time"),
    ("date", "hour", "minute", "second"),
    ("year", "month", "day", "hour", "minute", "second"),
    ("year", "day of year", "hour", "minute", "second"),
    ("year", "week"),
    ("year", "quarter"),
)
"""Parts that make a timestamp, the larger ones first; those after the second may be absent."""

UNNAMED = (WAYS[0], WAYS[1], WAYS[3])
"""Ways to read columns that the user names in the order of their parts, and whose names have no
meaning: a number below 13 beside a year is a month."""

RANGES = {
    "year": (1500, 2500),
    "quarter": (1, 4),
    "month": (1, 12),
    "week": (1, 53),
    "day of year": (1, 366),
    "day": (1, 31),
    "hour": (0, 24),
    "minute": (0, 59),
    "second": (0, 59),
}
"""Least and largest number of each part that is one."""

CURES = {
    "time": "write 13:00 or 13:00:00",
    "month": "write 1 to 12 or a name such as Jan, and leave out rows of whole years",
    "quarter": "write 1 to 4",
    "hour": "write 0 to 23",
}

LETTERS = {"quarter": "Q", "month": "M", "week": "W", "hour": "HE?"}
"""Patterns of letters that may be written before the number of a part, as in Q1 and HE24."""

MOSTLY = 0.5
"""Share of the values of a column that show what it holds if the user names it."""

LOOKED_AT = 200
"""Rows at the start that show which part of a timestamp a column holds."""

CLOCK = re.compile(
    r"(?:0 days )?(\d{1,2})[:.h](\d\d)(?:[:.](\d\d(?:\.\d+)?))?(?:\s?([ap])\.?m\.?)?"
    r"(?:\s?[-\u2013]\s?\d{1,2}:\d\d(?::\d\d)?)?|(\d\d)(\d\d)",
    re.IGNORECASE,
)
"""A time of day as people write it, also 18.00.00 and 1800, or from one such to another."""

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
"""First letters of the English names of months."""

MILLISECONDS = {"hour": 3_600_000, "minute": 60_000, "second": 1_000}


def joined_name(columns: Sequence[str]) -> str:
    """Name of the column that joins the parts."""
    return " ".join(columns)


def find_parts(table: pd.DataFrame, others: Container[str]) -> list[tuple[str, ...]]:
    """The columns that may make a timestamp together, those of the most parts first.

    Args:
        table: The table.
        others: Columns that are something else.
    """
    columns = [str(column) for column in table.columns if column not in others]
    found = []
    for way in WAYS:
        parts: list[str] = []
        for part in way:
            free = [column for column in columns if column not in parts]
            column = column_of(part, free, table)
            if column is None:
                break
            parts.append(column)
        if len(parts) > 1 and tuple(parts) not in found:
            found.append(tuple(parts))
    return sorted(found, key=len, reverse=True)


def column_of(
    part: str, columns: Sequence[str], table: pd.DataFrame, least: float = 1
) -> str | None:
    """The column of a part, if there is one: of those called so, the shortest name goes first."""
    named = [column for column in columns if words_of(column) & PARTS[part]]
    return next((c for c in sorted(named, key=len) if may_hold(part, table[c], least)), None)


def may_hold(part: str, values: "pd.Series[Any]", least: float = 1) -> bool:
    """Return whether all of the first values can be such a part, or at least a share of them."""
    head = values.iloc[:LOOKED_AT]
    if part == "date":
        counts = np.isfinite(each(head, partial(count_of, part="year")))
        return not counts.any() and bool(head.notna().all())
    return bool(np.isfinite(each(head, partial(read_part, part=part))).mean() >= least)


def read_parts(
    table: pd.DataFrame, columns: Sequence[str], name: str, day_first: DayFirst = None
) -> Times:
    """The timestamps that columns make together, in the order of the rows.

    Args:
        table: Its index says what a row is called.
        columns: Of a day and a time of day, or of the parts of one of `WAYS`.
        name: What to call the table in errors.
        day_first: Whether 01/02/2024 is the first of February, if it is known; see `DayFirst`.

    Raises:
        DataError: If a column is not there, a value cannot be read, or they make no timestamp.
    """
    faults = Faults()
    for column in columns:
        if column in table.columns:
            with faults.noted():
                refuse_empty(table[column], name)
        else:
            known = map(str, table.columns)
            faults.add(f"{name}: {unknown('column', column, known)}", "see data.time_parts")
    faults.check()
    roles = roles_of(table, columns, name)
    numbers = {
        part: numbers_of(part, table[column], name)
        for part, column in roles.items()
        if part != "date"
    }
    if "date" in roles:
        days = read_days(table[roles["date"]], name, day_first)
    else:
        days = Times(days_of(numbers, table, columns, name))
    clock = np.zeros(len(table))
    for part, size in {"time": 1, **MILLISECONDS}.items():
        clock += numbers.get(part, 0.0) * size
    later = pd.to_timedelta(clock.round().astype(np.int64), unit="ms")
    return Times(pd.DatetimeIndex(days.times.as_unit("ms") + later), days.day_first)


def roles_of(table: pd.DataFrame, columns: Sequence[str], name: str) -> dict[str, str]:
    """Part of a timestamp in each column, from its name, or from the order of columns.

    Raises:
        DataError: If nothing tells.
    """
    for least, way in itertools.product((1, MOSTLY), WAYS):  # so that faults are named
        free, roles = list(columns), dict[str, str]()
        for part in way:
            if (column := column_of(part, free, table, least)) is None:
                break
            free.remove(column)
            roles[part] = column
        if not free and len(roles) > 1:
            return roles
    for way in UNNAMED:
        values = [table[column] for column in columns]
        pairs = zip(way, values, strict=False)
        if len(columns) <= len(way) and all(itertools.starmap(may_hold, pairs)):
            return dict(zip(way, columns, strict=False))
    if len(columns) == 2:
        return {"date": columns[0], "time": columns[1]}
    raise DataError(
        f"{name}: {', '.join(columns)} make no timestamp together; call such columns date and "
        "time, or year, month, day, hour, minute and second"
    )


def numbers_of(part: str, values: "pd.Series[Any]", name: str) -> NDArray[np.float64]:
    """A part of each row as a number; a time of day in milliseconds.

    Raises:
        DataError: If one cannot be read; names all.
    """
    numbers, faults = each(values, partial(read_part, part=part)), Faults()
    for place in np.flatnonzero(np.isnan(numbers)).tolist():
        where = f"{name}, row {values.index[place]}, column {values.name!r}"
        faults.add(f"{where}: {str(values.iloc[place])!r} is no {part}", CURES.get(part, ""))
    faults.check()
    return numbers


def each(values: "pd.Series[Any]", read: Callable[[str], float]) -> NDArray[np.float64]:
    """Read each of some values, many of which are alike."""
    found = np.empty(len(values))
    for start in range(0, len(values), AT_ONCE):
        codes, kinds = pd.factorize(values.iloc[start : start + AT_ONCE])
        numbers = [read(str(kind).strip()) for kind in kinds]
        found[start : start + AT_ONCE] = np.array([*numbers, np.nan])[codes]
    return found


def read_part(text: str, part: str) -> float:
    """A part of a timestamp as a number; NaN where a text is none."""
    if part == "time":
        return clock_of(text)
    if part == "month" and text[:3].lower() in MONTHS and text.rstrip(".").isalpha():
        return float(MONTHS.index(text[:3].lower()) + 1)
    return count_of(text, part)


def count_of(text: str, part: str) -> float:
    """A whole number in the range of a part, if written with decimals; else NaN."""
    letter = LETTERS.get(part, "")
    match = re.fullmatch(rf"(?:{letter})?(\d{{1,4}})(?:\.0*)?", text, re.IGNORECASE)
    least, most = RANGES[part]
    return float(match[1]) if match and least <= int(match[1]) <= most else np.nan


def clock_of(text: str) -> float:
    """Milliseconds since midnight; NaN where a text is no time of day."""
    match = CLOCK.fullmatch(text)
    if match is None:
        return np.nan
    hour, minute = int(match[1] or match[5]), int(match[2] or match[6])
    second, half = float(match[3] or 0), (match[4] or "").lower()
    if half:
        hour = hour % 12 + 12 * (half == "p") if 1 <= hour <= 12 else 99
    clock = (hour * 60 + minute) * 60 + second
    return clock * 1_000 if minute < 60 and second < 60 and clock <= 86_400 else np.nan


def read_days(values: "pd.Series[Any]", name: str, day_first: DayFirst) -> Times:
    """Days, which may be repeated: each is read once, since repeated rows do not show the order of
    day and month.
    """  # noqa: D205
    text = values.astype("str") if values.dtype == object else values
    new = np.ones(len(text), np.bool_)
    new[1:] = (text.iloc[1:].to_numpy() != text.iloc[:-1].to_numpy()).astype(np.bool_)
    days = read_times(values[new].to_frame(), str(values.name), name, day_first)
    return days._replace(times=days.times[np.cumsum(new) - 1])


def days_of(
    numbers: Mapping[str, NDArray[np.float64]],
    table: pd.DataFrame,
    columns: Sequence[str],
    name: str,
) -> pd.DatetimeIndex:
    """The days of years with a month, quarter, week or day.

    Raises:
        DataError: If there is no such day; names the first row.
    """
    parts = {part: values.astype(np.int64) for part, values in numbers.items()}
    year, day = parts["year"], parts.get("day", np.int64(1))
    if "month" in parts or "quarter" in parts:
        month = parts["month"] if "month" in parts else parts["quarter"] * 3 - 2
        start = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
        found = start.astype("datetime64[D]") + (day - 1)
        wrong = found.astype("datetime64[M]") != start
    else:
        start = (year - 1970).astype("datetime64[Y]")
        first = start.astype("datetime64[D]")
        if "week" in parts:  # the first ISO week has the fourth of January; day 0 was a Thursday
            monday = first + 3 - (first.astype(np.int64) + 6) % 7
            found = monday + 7 * (parts["week"] - 1)
            wrong = (found + 3).astype("datetime64[Y]") != start
        else:
            found = first + (parts["day of year"] - 1)
            wrong = found.astype("datetime64[Y]") != start
    if wrong.any():
        place = int(np.argmax(wrong))
        told = ", ".join(f"{column} {table[column].iloc[place]}" for column in columns)
        raise DataError(f"{name}, row {table.index[place]}: there is no such day: {told}")
    return pd.DatetimeIndex(found.astype("datetime64[ms]"))
