"""The column of timestamps of a table: found, and read whatever kind it has."""

from collections.abc import Iterator
from datetime import date as Day
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnn_core.errors import DataError, unknown
from rnn_core.readers.faults import Faults
from rnn_core.readers.times.column_names import USUAL_NAMES, USUAL_WORDS, YEARS, words_of
from rnn_core.readers.times.numbered import (
    EXCEL,
    SINCE_1970,
    form_of_digits,
    times_of_numbers,
    unit_since_1970,
)
from rnn_core.readers.times.parsing import AT_ONCE, SUMS_UP, DayFirst, Times
from rnn_core.readers.times.steps import changes_within
from rnn_core.readers.times.written import times_of_text
from rnn_core.wording import option

NUMBER = r"^-?\d+(?:\.\d+)?$"
"""A number as a timestamp may be."""

MOST_DIGITS = 30
"""Characters of a number that may be a timestamp; much longer ones are no floats."""

EMPTY = ("", "NaT", "nan", "None")
"""Signs for a missing timestamp."""


def read_times(table: pd.DataFrame, date: str, name: str, day_first: DayFirst = None) -> Times:
    """The timestamps of a table, in the order of its rows.

    Text is read as ISO 8601, as parts of a year such as 2024-Q1, or as day, month and year in
    the one order that all rows allow; numbers as years, months, days (20240131), what Excel
    counts, or a count since 1970.

    Args:
        table: Its index says what a row is called.
        date: The column of timestamps.
        name: What to call the table in errors.
        day_first: Whether 01/02/2024 is the first of February, if it is known; see `DayFirst`.

    Raises:
        DataError: If the column is not there or a value cannot be read.
    """
    if date not in table.columns:
        raise DataError(f"{name}: {unknown('column', date, map(str, table.columns))}")
    values = table[date]
    refuse_empty(values, name)
    if isinstance(values.dtype, pd.PeriodDtype):
        return Times(pd.DatetimeIndex(values.dt.to_timestamp()))
    if pd.api.types.is_datetime64_any_dtype(values):
        return Times(pd.DatetimeIndex(values))
    if pd.api.types.is_timedelta64_dtype(values):
        raise DataError(f"{name}: column {date!r} holds durations, not timestamps")
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return Times(times_of_numbers(values, name))
    if values.dtype == object and values.map(lambda value: isinstance(value, Day)).all():
        aware = values.map(lambda value: getattr(value, "tzinfo", None) is not None).all()
        return Times(pd.DatetimeIndex(pd.to_datetime(values, utc=bool(aware))))
    text = stripped(values)
    if are_numbers(text.iloc[:1]) and are_numbers(text) and text.str.len().max() <= MOST_DIGITS:
        return Times(times_of_numbers(pd.to_numeric(text), name))
    return times_of_text(text, name, day_first)


def in_zone(times: pd.DatetimeIndex, zone: str | None, name: str) -> pd.DatetimeIndex:
    """Timestamps in a time zone; those without one are taken to be in it.

    Raises:
        DataError: If there is no such time, or two of it, since the clock was set there.
    """
    if times.tz is not None:
        return times.tz_convert(zone) if zone else times.tz_localize(None)
    if zone is None:
        return times
    try:
        return times.tz_localize(zone)
    except ValueError as error:
        raise DataError(
            f"{name}: {error}, in {zone}; write the times with their offset from UTC, as +02:00"
        ) from None


def count_since_1970(table: pd.DataFrame, date: str | None) -> bool:
    """Return whether the timestamps of a table are counts since 1970, which are in UTC."""
    if date not in table.columns or not is_number(table[date]):
        return False
    numbers = pd.to_numeric(table[date], errors="coerce")
    return form_of_digits(numbers) is None and unit_since_1970(numbers) is not None


def stripped(values: "pd.Series[Any]") -> "pd.Series[Any]":
    """A column as texts without blanks around; not copied where it has none."""
    text = values.astype("str")
    blanks = any((piece.str.strip() != piece).any() for piece in pieces(text))
    return text.str.strip() if blanks else text


def pieces(values: "pd.Series[Any]") -> "Iterator[pd.Series[Any]]":
    """A column as texts, a part of them at a time."""
    for start in range(0, len(values), AT_ONCE):
        yield values.iloc[start : start + AT_ONCE].astype("str")


def are_numbers(values: "pd.Series[Any]") -> bool:
    """Return whether all of some texts are numbers, as timestamps may be."""
    return all(piece.str.contains(NUMBER, regex=True).all() for piece in pieces(values))


def refuse_empty(values: "pd.Series[Any]", name: str) -> None:
    """Refuse rows without a timestamp.

    Raises:
        DataError: Names all.
    """
    empty = values.isna().to_numpy()
    if values.dtype.kind not in "biufmM":
        blank = [piece.str.strip().isin(EMPTY).to_numpy() for piece in pieces(values)]
        empty = empty | np.concatenate([empty[:0], *blank])
    faults = Faults()
    cure = f", or {SUMS_UP}" if empty[-1:].any() and empty.sum() == 1 else ""
    for row in values.index[empty]:
        faults.add(f"{name}, row {row}, column {values.name!r} has no timestamp", f"write it{cure}")
    faults.check()


def find_dates(
    table: pd.DataFrame,
    others: list[str],
    name: str,
    day_first: DayFirst = None,
    series: NDArray[np.int32] | None = None,
) -> str | None:
    """The column of timestamps, if there is one.

    A column with a usual name goes before others. One that is written as timestamps and cannot
    be read is an error, unless another one with as usual a name can: it would be passed over in
    silence.

    Args:
        table: Its index says what a row is called.
        others: Columns that are something else.
        name: What to call the table in errors.
        day_first: Whether 01/02/2024 is the first of February, if it is known; see `DayFirst`.
        series: Series of each row, (N,); None: the table is one.

    Raises:
        DataError: If the one column of timestamps cannot be read.
    """
    failed: tuple[int, DataError] | None = None
    said = ""
    columns = [str(column) for column in table.columns if column not in others]
    for column in sorted(columns, key=rank):
        if not may_be_dates(table[column], column, series):
            continue
        try:
            read_times(table, column, name, day_first)
        except DataError as error:
            if failed is None and (is_written(table[column]) or lacks_some(table, column, name)):
                failed, said = (rank(column), error), column
        else:
            if failed is None or failed[0] or not rank(column):
                return column
            break
    if failed is not None:
        raise failed[1] if failed[0] < 2 else no_dates(table[said], failed[1], name)
    return None


def no_dates(values: "pd.Series[Any]", error: DataError, name: str) -> DataError:
    """The error that a column whose name tells no timestamps has none, as that of series."""
    column, first = str(values.name), str(values.iloc[0])
    ways = (
        f"if it tells series, give {option('series', column)}; if no column has timestamps, "
        "--set date=null"
    )
    if first[:1].isalpha() and values.nunique() <= len(values) / 2:
        what = f"{name}: no column of timestamps was found; {column!r} has texts such as {first!r}"
        return DataError(f"{what}: {ways}")
    return DataError(f"{error}; {ways}")


def rank(column: str) -> int:
    """Rank of a column's name among names of timestamps, 0 for the most usual ones."""
    if column.lower() in USUAL_NAMES:
        return 0
    return 1 if words_of(column) & USUAL_WORDS else 2


def is_number(values: "pd.Series[Any]") -> bool:
    """Return whether a column holds numbers, if only as texts."""
    if pd.api.types.is_numeric_dtype(values):
        return True
    head = values.dropna().iloc[:100].astype(str).str.strip()
    head = head[head != ""]
    return len(head) > 0 and bool(pd.to_numeric(head, errors="coerce").notna().all())


def is_written(values: "pd.Series[Any]") -> bool:
    """Return whether a column holds texts with digits: without digits it is no date."""
    head = values.dropna().iloc[:100]
    if is_number(values) or pd.api.types.is_timedelta64_dtype(values):
        return False
    return bool(head.astype(str).str.contains(r"\d").mean() > 0.5)


def may_be_dates(
    values: "pd.Series[Any]", column: str, series: NDArray[np.int32] | None = None
) -> bool:
    """Return whether a column may hold timestamps, by its name and the kind of its values.

    Args:
        values: The column.
        column: Its name.
        series: Series of each row, (N,), in which numbers do not fall, or do not
            rise; None: the table is one.
    """
    if pd.api.types.is_datetime64_any_dtype(values) or isinstance(values.dtype, pd.PeriodDtype):
        return True
    if not is_number(values):
        return is_written(values) or rank(column) < 2
    if rank(column) == 2:
        return False
    numbers = pd.to_numeric(values, errors="coerce")
    if numbers.abs().max() < 3_000 and rank(column) and not words_of(column) & YEARS:
        return False
    if rank(column) == 0:
        return True
    codes = np.zeros(len(numbers), np.int32) if series is None else series
    changes = changes_within(numbers.to_numpy(np.float64), codes)
    return bool(numbers.notna().all() and ((changes >= 0).all() or (changes <= 0).all()))


def lacks_some(table: pd.DataFrame, column: str, name: str) -> bool:
    """Return whether a column of a usual name has numbers that are timestamps, and gaps."""
    there = table[pd.to_numeric(table[column], errors="coerce").notna()]
    if rank(column) or not len(table) / 2 < len(there) < len(table):
        return False
    try:
        read_times(there, column, name)
    except DataError:
        return False
    return True


def look_like_dates(table: pd.DataFrame) -> list[str]:
    """Columns that may be timestamps in a form that is not read, by name or increasing numbers."""
    found = []
    for column in table.columns:
        values = table[column]
        if pd.api.types.is_timedelta64_dtype(values):
            continue
        if rank(str(column)) < 2:
            found.append(str(column))
        elif is_number(values):
            numbers = pd.to_numeric(values, errors="coerce")
            low, high = numbers.min(), numbers.max()
            counted = EXCEL[0] <= low <= high < EXCEL[1] or SINCE_1970[0] <= low
            rising = len(numbers) > 2 and bool((np.diff(numbers) > 0).all())
            if rising and (counted or 1700 < low < high < 2200):
                found.append(str(column))
    return found
