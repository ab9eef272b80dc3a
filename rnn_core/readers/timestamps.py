"""Columns of timestamps: read, checked, and continued.

A step is what lies between two rows: an hour, a business day, a month whatever its days.
"""

import re
import warnings
from collections import Counter
from typing import Any, Literal, TypeAlias, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import BaseOffset

from rnn_core.errors import DataError, unknown

WINDOW = 8
"""Rows that a step is read from where not all rows are regular: more than a week of
business days, so that they are not taken for days."""

MOST_WINDOWS = 200
"""Such windows that are looked at, spread over the table."""

SLASHED = re.compile(
    r"^(?P<first>\d{1,2})(?P<mark>[/.-])(?P<second>\d{1,2})[/.-](?P<year>\d{4}|\d\d)\b"
)
CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
ZONE = re.compile(r"\d{2}:\d{2}\S*?(?P<zone>Z|[+-]\d{2}:?\d{2})$")

WORDS = {
    "ms": "millisecond",
    "s": "second",
    "min": "minute",
    "h": "hour",
    "D": "day",
    "B": "business day",
    "W": "week",
    "MS": "month",
    "ME": "month",
    "QS": "quarter",
    "QE": "quarter",
    "YS": "year",
    "YE": "year",
}
"""Steps of pandas for a person."""

USUAL_NAMES = ("timestamp", "datetime", "date", "time", "ds", "day", "week", "month", "year")
"""Names of columns of timestamps, in lower case."""

NUMBERS = (
    (1_000, 3_000, "%Y"),
    (100_001, 300_013, "%Y%m"),
    (10_000_101, 30_001_232, "%Y%m%d"),
)
"""Least and next too large number that is read in a form."""

Unit: TypeAlias = Literal["s", "ms"]
SINCE_1970: tuple[tuple[float, float, Unit], ...] = ((1e8, 1e11, "s"), (1e11, 1e14, "ms"))
"""Least and next too large number that counts a unit since 1970."""


def read_times(table: pd.DataFrame, date: str, name: str) -> pd.DatetimeIndex:
    """The timestamps of a table, in the order of its rows.

    Text is read as ISO 8601, or as day, month and year in the one order that all rows
    allow; numbers as years, days (20240131) or seconds or milliseconds since 1970.

    Args:
        table: Its index says what a row is called.
        date: The column of timestamps.
        name: What to call the table in errors.

    Raises:
        DataError: If the column is not there or a value cannot be read.
    """
    if date not in table.columns:
        raise DataError(
            f"{name}: {unknown('column', date, map(str, table.columns))} "
            "(set data.date to the column of timestamps, or to null)"
        )
    values = table[date]
    empty = values.isna()
    if empty.any():
        row = values.index[int(np.argmax(empty))]
        raise DataError(
            f"{name}, row {row}, column {date!r} has no timestamp ({int(empty.sum())} such rows)"
        )
    if pd.api.types.is_datetime64_any_dtype(values):
        return pd.DatetimeIndex(values)
    if pd.api.types.is_numeric_dtype(values):
        return times_of_numbers(values, name)
    return times_of_text(values.astype(str).str.strip(), name)


def find_dates(table: pd.DataFrame, others: list[str], name: str) -> str | None:
    """The column of timestamps, if there is one.

    A column with a usual name goes before others, and one of text that is named so and
    cannot be read is an error, since it would otherwise be passed over in silence.

    Args:
        table: Its index says what a row is called.
        others: Columns that are something else.
        name: What to call the table in errors.

    Raises:
        DataError: If the column with a usual name cannot be read.
    """
    columns = [column for column in table.columns if column not in others]
    for column in sorted(columns, key=lambda column: str(column).lower() not in USUAL_NAMES):
        usual = str(column).lower() in USUAL_NAMES
        number = pd.api.types.is_numeric_dtype(table[column])
        if number and not usual:
            continue
        try:
            read_times(table, column, name)
        except DataError:
            if usual and not number:
                raise
        else:
            return str(column)
    return None


def times_of_numbers(values: "pd.Series[Any]", name: str) -> pd.DatetimeIndex:
    """Years, months, days, or seconds or milliseconds since 1970."""
    least, most = values.min(), values.max()
    for start, end, form in NUMBERS:
        if start <= least and most < end and (values % 1 == 0).all():
            written = values.astype("int64").astype(str)
            return refuse_unread(written, parse(written, form), name)
    for low, high, unit in SINCE_1970:
        if low <= least and most < high:
            return pd.DatetimeIndex(pd.to_datetime(values, unit=unit))
    row, value = values.index[0], values.iloc[0]
    raise DataError(
        f"{name}, row {row}, column {values.name!r}: the number {value} is not a timestamp; "
        "write 2024-01-31 or 2024-01-31 13:00"
    )


def times_of_text(values: "pd.Series[Any]", name: str) -> pd.DatetimeIndex:
    """Timestamps that are written out."""
    check_zones(values, name)
    parts = values.str.extract(SLASHED)
    if parts["mark"].notna().iloc[0]:
        form = day_month_form(values, parts, name)
        tries = [parse(values, form + clock) for clock in CLOCKS]
        return refuse_unread(values, max(tries, key=lambda times: times.notna().sum()), name)
    times = parse(values, "ISO8601")
    if times.isna().iloc[0]:
        times = parse(values, None)
    return refuse_unread(values, times, name)


def parse(values: "pd.Series[Any]", form: str | None) -> "pd.Series[pd.Timestamp]":
    """Read text of one form, the first value's where none is given; NaT where it differs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that no form could be guessed
        times: pd.Series[pd.Timestamp] = pd.to_datetime(values, format=form, errors="coerce")
    return times


def check_zones(values: "pd.Series[Any]", name: str) -> None:
    """Refuse timestamps of which some have another time zone, or none."""
    zones = values.str.extract(ZONE)["zone"]
    other = (zones != zones.iloc[0]) & ~(zones.isna() & pd.isna(zones.iloc[0]))
    if not other.any():
        return
    place = int(np.argmax(other))
    where = f"{name}, row {values.index[place]}: {values.iloc[place]}"
    if zones.isna().any():
        raise DataError(f"{where} and {values.iloc[0]} mix timestamps with and without a time zone")
    raise DataError(
        f"{where} has another offset from UTC than {values.iloc[0]}; write all of them in UTC"
    )


def day_month_form(values: "pd.Series[Any]", parts: pd.DataFrame, name: str) -> str:
    """The one form of 31/01/2024 or 01/31/2024 that all rows allow."""
    first, second = (pd.to_numeric(parts[key]) > 12 for key in ("first", "second"))
    mark = parts["mark"].iloc[0]
    year = "%Y" if len(parts["year"].iloc[0]) == 4 else "%y"
    if first.any() and second.any():
        places = sorted([int(np.argmax(first)), int(np.argmax(second))])
        one, other = (values.iloc[place] for place in places)
        raise DataError(
            f"{name}, row {values.index[places[1]]}: {other} and {one} do not have day and "
            "month in the same order; write 2024-01-31"
        )
    if not first.any() and not second.any():
        raise DataError(
            f"{name}, row {values.index[0]}: {values.iloc[0]} can be day and month or month and "
            "day, and no other row tells; write 2024-01-31"
        )
    return f"%d{mark}%m{mark}{year}" if first.any() else f"%m{mark}%d{mark}{year}"


def refuse_unread(
    values: "pd.Series[Any]", times: "pd.Series[pd.Timestamp]", name: str
) -> pd.DatetimeIndex:
    """The timestamps, if all of them could be read."""
    unread = times.isna()
    if not unread.any():
        return pd.DatetimeIndex(times)
    place = int(np.argmax(unread))
    value = values.iloc[place]
    where = f"{name}, row {values.index[place]}, column {values.name!r}: {value!r}"
    if place > 0 and parse(values.iloc[[place]], "mixed").notna().all():
        raise DataError(f"{where} is not written as the timestamps before it ({values.iloc[0]!r})")
    raise DataError(f"{where} is not a timestamp")


def check_order(times: pd.DatetimeIndex, rows: "pd.Index[Any]", name: str) -> None:
    """Refuse timestamps that do not increase from row to row."""
    change = np.diff(times.asi8)
    if (change > 0).all():
        return
    place = int(np.argmax(change <= 0)) + 1
    where = f"{name}, row {rows[place]}: {shown(times[place])}"
    if (change < 0).all():
        raise DataError(f"{where} comes before the row above; reverse the rows, newest last")
    if change[place - 1] == 0:
        raise DataError(
            f"{where} is the timestamp of the row above too; keep one of them, and give each "
            "series a column of its own"
        )
    if times[place] == times[0] and times.duplicated().mean() >= 0.5:
        raise DataError(
            f"{where} starts again from the first timestamp; give each series a column of its own"
        )
    raise DataError(
        f"{where} does not come after the row before; sort the table and drop duplicates"
    )


def check_steps(times: pd.DatetimeIndex, rows: "pd.Index[Any]", name: str) -> None:
    """Refuse timestamps that are not one step apart."""
    if regular(times):
        return
    step = find_step(times)
    odd = ~follows(times, step)
    place = int(np.argmax(odd)) + 1
    apart = times[place] - times[place - 1]
    raise DataError(
        f"{name}, row {rows[place]}: {shown(times[place])} comes {shown(apart)} after the row "
        f"before, where the usual step is {step_in_words(step)} ({int(odd.sum())} such rows); "
        "add the missing rows, or set data.irregular to allow"
    )


def regular(times: pd.DatetimeIndex) -> bool:
    """Whether all rows are one step apart."""
    return len(times) < 3 or bool(follows(times, find_step(times)).all())


def shown(time: pd.Timestamp | pd.Timedelta) -> str:
    """A time, without a clock at midnight."""
    return str(time).removesuffix(" 00:00:00")


def step_in_words(step: BaseOffset) -> str:
    """A step for a person, such as 15 minutes or 1 business day."""
    word = WORDS.get(step.rule_code.partition("-")[0]) if step.n > 0 else None
    return f"{step.n} {word}{'s' if step.n > 1 else ''}" if word else str(step.freqstr)


def follows(times: pd.DatetimeIndex, step: BaseOffset) -> NDArray[np.bool_]:
    """Whether each row but the first is a step after the row before."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pd.errors.PerformanceWarning)  # of rare calendars
        expected = times[:-1] + step
    equal: NDArray[np.bool_] = np.asarray(times[1:] == expected)
    return equal


def find_step(times: pd.DatetimeIndex) -> BaseOffset:
    """What most rows are apart.

    A step of the calendar, such as a business day or the end of a month, is found where
    all rows have it, or most windows of some rows; else it is the median time.

    Args:
        times: At least 2, increasing.
    """
    if step := infer_step(times):
        return step
    starts = np.linspace(0, max(len(times) - WINDOW, 0), MOST_WINDOWS).astype(int)
    windows = [infer_step(times[start : start + WINDOW]) for start in np.unique(starts)]
    found = Counter(step for step in windows if step is not None)
    if found:
        return found.most_common(1)[0][0]
    apart = pd.Timedelta(np.median(np.diff(times)))
    whole_days = apart % pd.Timedelta(days=1) == pd.Timedelta(0)
    return pd.offsets.Day(apart.days) if whole_days else to_offset(apart)


def infer_step(times: pd.DatetimeIndex) -> BaseOffset | None:
    """The step that all rows have, if they have one."""
    if len(times) < 3:
        return None
    with pd.option_context("future.infer_freq_returns_offset", True):
        step = cast("BaseOffset | None", pd.infer_freq(times))
    if step is None:
        months = np.diff(times.year * 12 + times.month)
        same = (times.day == times.day[0]).all() and (times.time == times[0].time()).all()
        if same and (months == months[0]).all() and months[0] > 0:
            return pd.DateOffset(months=int(months[0]))
    return step


def median_seconds(times: pd.DatetimeIndex) -> float:
    """Median time between rows."""
    return float(np.median(np.diff(times.to_numpy()) / np.timedelta64(1, "s")))


def step_code(times: pd.DatetimeIndex) -> str | None:
    """What pandas calls the step between rows; None where it has no name for it."""
    step = find_step(times)
    try:
        named = to_offset(step.freqstr)
    except ValueError:
        return None
    return str(step.freqstr) if named == step else None


def following(times: pd.DatetimeIndex, count: int, code: str | None) -> pd.DatetimeIndex:
    """The timestamps after the last.

    Args:
        times: The last ones, at least 2 if there is no code.
        count: How many follow.
        code: The step as `step_code` calls it; it is read from the timestamps where
            there is none, or where most of them do not follow it.
    """
    step = to_offset(code) if code else None
    if step is None or (len(times) > 1 and follows(times, step).mean() < 0.5):
        step = find_step(times)
    dates = pd.date_range(times[-1], periods=count + 2, freq=step)
    return dates[dates > times[-1]][:count]
