"""Timestamps that do not increase: why, and what to do."""

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnn_core.errors import DataError
from rnn_core.readers.times.column_names import PARTS, words_of
from rnn_core.readers.times.parts import MOSTLY, may_hold
from rnn_core.readers.times.steps import changes_within, increasing, shown
from rnn_core.wording import option

PARTS_OF_DAY = ("time", "hour", "minute")
PARTS_OF_YEAR = ("month", "week", "quarter", "day")
"""Parts that may be the rest of a timestamp."""

MINIMUM = PARTS["minute"] - {"minute"}
"""Words that name minutes, and other things too, such as a minimum."""

COUNTED_PARTS = frozenset(("period", "interval", "slot"))
"""Words of names of columns that may count parts of a day."""

MOST_SERIES = 0.25
"""Share of the rows that the names of series in one table may be, at most."""

MOST_PAIRED = 8
"""Columns that are tried two together, at most."""

HEAD = 2_000
"""Rows at the start that show that a column has many values."""


NEWEST_FIRST = "rows go from the newest to the oldest; they are read from the last"
"""Note on a table that is turned round."""


AS_IT_IS = slice(None)
"""Index of a table that is not turned round."""


def oldest_first(
    times: pd.DatetimeIndex, series: "pd.Series[Any] | None"
) -> slice | NDArray[np.int64]:
    """Index that turns rows round, if more are before the one above than after it.

    Exports of prices are so. The rows of each series are turned among the places that they have, so
    that series stay in the order of the table.

    Args:
        times: The timestamps.
        series: The column that says the series of a row, if there are several.
    """
    codes = np.zeros(len(times)) if series is None else pd.factorize(series)[0]
    changes = changes_within(times.asi8, codes.astype(np.int32))
    if (changes < 0).sum() <= (changes > 0).sum():
        return AS_IT_IS
    if series is None:
        return slice(None, None, -1)
    order = np.empty(len(codes), np.int64)
    order[np.argsort(codes, kind="stable")] = (
        len(codes) - 1 - np.argsort(codes[::-1], kind="stable")
    )
    return order


def check_order(
    times: pd.DatetimeIndex,
    table: pd.DataFrame,
    date: str | None,
    name: str,
    series: str | None = None,
) -> None:
    """Refuse timestamps that do not increase from row to row.

    Args:
        times: The timestamps.
        table: Its further columns, which may tell the cause; its index says what a row is called.
        date: Their column.
        name: What to call the table in errors.
        series: The column that says the series of a row, if one is named already.

    Raises:
        DataError: If they do not; says the likeliest cause.
    """
    if increasing(times):
        return
    change = np.diff(times.asi8)
    place = int(np.argmax(change <= 0)) + 1
    where = f"{name}, row {table.index[place]}: {shown(times[place])}"
    if (change < 0).all():
        raise DataError(f"{where} comes before the row above; reverse the rows, newest last")
    if part := other_part(times, table):
        raise DataError(
            f"{where} is the timestamp of the row above too, and column {part!r} tells more of the "
            f"time; take both: {option('set', f'date={date},{part}')}"
        )
    if column := parts_of_days(times, table):
        raise DataError(
            f"{where} is the timestamp of the row above too, and column {column!r} counts parts of "
            "the day; write the time at which each begins into a column, such as 00:30, and name "
            "both with commas between, as --set date='DATE,TIME'"
        )
    if columns := series_columns(times, table):
        count = len(table[list(columns)].drop_duplicates())
        told = " and ".join(map(repr, columns))
        every = [column for column in (series, *columns) if column is not None]
        cure = f"set data.series to {told}"
        if len(every) > 1:
            both = " and ".join(map(repr, every))
            cure = f"join {both} into one column, and name it as data.series"
        raise DataError(
            f"{where} does not come after the row before: the table has {count} series one below "
            f"the other, told apart by column{'s' * (len(columns) > 1)} {told}; {cure}"
        )
    if clock_set_back(times, change):
        raise DataError(
            f"{where} is repeated since the clock was set back; write all times in UTC, or with "
            "their offset from it, such as +02:00"
        )
    refuse_disorder(times, change, place, where)


def refuse_disorder(
    times: pd.DatetimeIndex, change: NDArray[np.int64], place: int, where: str
) -> None:
    """Say that rows are double, or not sorted.

    Raises:
        DataError: Always.
    """
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


def other_part(times: pd.DatetimeIndex, table: pd.DataFrame) -> str | None:
    """A column that tells the rest of repeated timestamps, by its name and its values.

    The name alone may be a unit: kW is a week in German too, and mm a month.
    """
    change = np.diff(times.asi8)
    if (change < 0).any() or (change == 0).mean() < 0.3:
        return None
    parts = (*PARTS_OF_DAY, *(PARTS_OF_YEAR if times.is_year_start.all() else ()))
    words = frozenset().union(*(PARTS[part] for part in parts)) - MINIMUM
    for column in table.columns:
        if words_of(str(column)) & words and any(
            may_hold(part, table[column], MOSTLY) for part in parts
        ):
            return str(column)
    return None


def parts_of_days(times: pd.DatetimeIndex, table: pd.DataFrame) -> str | None:
    """A column that counts parts of each day from 0 or 1 on, by its name and its numbers."""
    for column in table.columns:
        if words_of(str(column)) & COUNTED_PARTS and is_whole(table[column]):
            counts = pd.Series(pd.to_numeric(table[column]).to_numpy()).groupby(times.asi8)
            first, last, size = counts.min(), counts.max(), counts.size()
            if first.isin([0, 1]).all() and (last - first + 1 == size).all() and size.max() > 1:
                return str(column)
    return None


def series_columns(times: pd.DatetimeIndex, table: pd.DataFrame) -> tuple[str, ...]:
    """A column of few values, or two, for each of which the timestamps increase; texts go first.

    Rows go back in time at least once for each further series.
    """
    back = int((np.diff(times.asi8) <= 0).sum())
    columns = sorted(map(str, table.columns), key=lambda c: not is_text(table[str(c)]))
    few: dict[str, NDArray[np.int64]] = {}
    for column in columns:
        codes, names = pd.factorize(table[column])
        if 2 <= len(names) <= back + 1:
            few[column] = codes.astype(np.int64)
    for column, codes in few.items():
        if are_series(codes, times, back):
            return (column,)
    for one, other in combinations(list(few)[:MOST_PAIRED], 2):
        if are_series(few[one] * (few[other].max() + 1) + few[other], times, back):
            return one, other
    return ()


def are_series(codes: NDArray[np.int64], times: pd.DatetimeIndex, back: int) -> bool:
    """Return whether there are few numbers, and the timestamps of each increase.

    Args:
        codes: The number of each row, (N,).
        times: The timestamps.
        back: How often these go back.
    """
    if not 2 <= len(np.unique(codes)) <= min(max(MOST_SERIES * len(codes), 2), back + 1):
        return False
    order = np.argsort(codes, kind="stable")
    same = np.diff(codes[order]) == 0
    return bool((np.diff(times.asi8[order])[same] > 0).all())


def is_whole(values: "pd.Series[Any]") -> bool:
    """Return whether a column holds whole numbers, as names of series may be."""
    return bool(values.iloc[:HEAD].astype(str).str.fullmatch(r"\d+").all())


def is_text(values: "pd.Series[Any]") -> bool:
    """Return whether a column holds texts that are no numbers."""
    return bool(pd.to_numeric(values.iloc[:100], errors="coerce").isna().any())


def series_in_blocks(table: pd.DataFrame) -> str | None:
    """A column of texts whose equal values are in one block each, one below the other."""
    for column in map(str, table.columns):
        values = table[column]
        if values.iloc[:HEAD].nunique() > MOST_SERIES * HEAD:
            continue
        codes, names = pd.factorize(values)
        if any(not str(name).strip() for name in names):
            continue  # such as flags, which some rows have
        blocks = 1 + int((np.diff(codes) != 0).sum())
        few = 2 <= len(names) == blocks <= MOST_SERIES * len(codes)
        if few and is_text(values):
            return column
    return None


def clock_set_back(times: pd.DatetimeIndex, change: NDArray[np.int64]) -> bool:
    """Return whether rows go back where clocks are, by an hour at most on few nights of Sunday."""
    back = times[1:][change <= 0]
    if times.tz is not None or len(back) > 3 * max(times.year.nunique(), 1) * 60:
        return False
    hour = pd.Timedelta(hours=1) // pd.Timedelta(1, unit=times.unit)
    nights = (back.day_of_week == 6) & (back.hour <= 3) & back.month.isin([3, 4, 9, 10, 11])
    return bool(nights.all() and (change[change <= 0] > -hour).all())


def clock_set_forward(times: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """The rows after a missing hour at night on a Sunday on which clocks are set forward."""
    if times.tz is not None or len(times) < 3:
        return times[:0]
    apart = np.diff(times.asi8)
    hour = pd.Timedelta(hours=1) // pd.Timedelta(1, unit=times.unit)
    after = times[1:][(apart == np.median(apart) + hour) & (np.median(apart) <= hour)]
    nights = (after.day_of_week == 6) & (after.hour <= 4) & after.month.isin([3, 4, 9, 10, 11])
    return pd.DatetimeIndex(after[nights])
