"""Where the timestamps of a table are: in a column, or in columns that make them together."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnn_core.errors import DataError
from rnn_core.readers.faults import Faults
from rnn_core.readers.times.columns import find_dates, may_be_dates, read_times
from rnn_core.readers.times.parsing import DayFirst, Times
from rnn_core.readers.times.parts import find_parts, joined_name, read_parts
from rnn_core.readers.times.steps import changes_within

MOST_DISORDER = 0.05
"""Share of the rows that may not come after the row before where no column says when they are:
several series one below the other begin again."""


def find_times(
    table: pd.DataFrame,
    others: Sequence[str],
    name: str,
    day_first: DayFirst,
    series: NDArray[np.int32],
) -> tuple[str | None, tuple[str, ...]]:
    """The column of timestamps of a table, and the columns that make it together, if any do.

    Another column than the likeliest by its name, or several together, are taken where they put
    more rows in order, as a day and a time of day do.

    Args:
        table: Its index says what a row is called.
        others: Columns that are something else.
        name: What to call the table in errors.
        day_first: Whether 01/02/2024 is the first of February, if it is known; see `DayFirst`.
        series: Series of each row, (N,).

    Raises:
        DataError: If the one column of timestamps cannot be read.
    """
    faults, date = Faults(), None
    with faults.noted():
        date = find_dates(table, list(others), name, day_first, series)
    left = [str(column) for column in table.columns if column not in (date, *others)]
    together = [c for c in find_parts(table, others) if joined_name(c) not in table.columns]
    alone = [(column,) for column in left if date and may_be_dates(table[column], column, series)]
    parts: tuple[str, ...] = () if date is None else (date,)
    least = MOST_DISORDER
    if date is not None and (alone or together):
        least = disorder(read_times(table, date, name, day_first).times, series)
    for columns in [*alone, *together]:
        if least == 0:
            break
        try:
            times = read_any(table, columns, name, day_first).times
        except DataError:
            continue  # they are something else
        if (found := disorder(times, series)) < least:
            parts, least = columns, found
    if len(parts) > 1:
        return joined_name(parts), parts
    if not parts:
        faults.check()
    return (parts[0] if parts else None), ()


def read_any(
    table: pd.DataFrame, columns: tuple[str, ...], name: str, day_first: DayFirst
) -> Times:
    """The timestamps that a column holds, or that several make together."""
    if len(columns) == 1:
        return read_times(table, columns[0], name, day_first)
    return read_parts(table, columns, name, day_first)


def disorder(times: pd.DatetimeIndex, series: NDArray[np.int32]) -> float:
    """Share of the rows that do not come after the previous row of their series.

    Or before it, if there are fewer of these: a table may begin with its newest row.
    """
    changes = changes_within(times.asi8, series)
    return float(min((changes <= 0).mean(), (changes >= 0).mean())) if len(changes) else 0.0


def named_parts(table: pd.DataFrame, date: str) -> tuple[str, ...]:
    """The columns that the user names with commas between; none where it is the name of one."""
    parts = tuple(part.strip() for part in date.split(","))
    several = len(parts) > 1 and date not in table.columns
    return parts if several and set(parts) <= set(table.columns) else ()
