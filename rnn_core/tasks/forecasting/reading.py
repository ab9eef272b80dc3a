"""The user's own table, as the task reads it: numbers in time, without blank ends."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnn_core.errors import DataError, unknown
from rnn_core.readers.faults import Faults
from rnn_core.readers.formats.memory import give_back
from rnn_core.readers.indicators import SIGN
from rnn_core.tasks.forecasting.long_table import (
    Places,
    called,
    grouped,
    series_of,
    slices_of,
    stacked,
)
from rnn_core.tasks.forecasting.parameters import ForecastingData

if TYPE_CHECKING:
    import pandas as pd

    from rnn_core.readers.table_files import TableFile, TableForm
    from rnn_core.readers.times.parsing import DayFirst, Times

NAME = "the table"
"""Name of raw input in errors."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table that was read.

    Attributes:
        name: Of the file.
        others: Columns that are neither read nor the timestamps or the names of series, without
            the rows that are cut off.
        numbers: Those that the model reads, targets first, float64, NaN where there is a gap.
        times: Their timestamps; None if there are none.
        form: How the file is written, as it was found.
        day_first: Whether days are written before months, or years before both.
        cut: Rows without a target at the start, and at the end, that are left out.
        notes: What was decided in reading it.
        units: Units of columns whose values have one, such as kg or %.
        series: The rows of each series, which stand together; its name is empty where the table
            is one.
        filled_ahead: Columns that are not said to be known ahead, and have a value in every row
            that is cut off at the end.
    """

    name: str
    others: "pd.DataFrame"
    numbers: "pd.DataFrame"
    times: "pd.DatetimeIndex | None"
    form: "TableForm"
    day_first: "DayFirst"
    cut: tuple[int, int]
    notes: tuple[str, ...]
    units: dict[str, str]
    series: dict[str, slice]
    filled_ahead: tuple[str, ...] = ()

    @property
    def parts(self) -> dict[str, "Table"]:
        """Each series as a table of its own, which errors call by the name of both."""
        return {
            series: replace(
                self,
                name=called(self.name, series),
                others=self.others.iloc[rows],
                numbers=self.numbers.iloc[rows],
                times=None if self.times is None else self.times[rows],
                series={"": slice(0, rows.stop - rows.start)},
            )
            for series, rows in self.series.items()
        }

    @property
    def longest(self) -> str:
        """The name of the series of the most rows."""
        return max(self.series, key=lambda name: self.series[name].stop - self.series[name].start)


def read_table(raw: Path, parameters: ForecastingData) -> Table:
    """Read the one table of a folder.

    Raises:
        DataError: If it cannot be read; names all that is wrong.
    """
    from rnn_core.readers import tables  # noqa: PLC0415 - training does without

    files = tables.table_files(raw)
    return table_of(tables.load_table(files, parameters.form), tables.name_of(files), parameters)


def table_of(loaded: "TableFile", name: str, parameters: ForecastingData) -> Table:
    """Make a table of a file.

    Args:
        loaded: What was read. Columns leave it once numbers and timestamps are made of them,
            since texts take more memory than these.
        name: Of the file.
        parameters: What is asked for.

    Raises:
        DataError: If it cannot be used; names all that is wrong.
    """
    from rnn_core.readers import tables  # noqa: PLC0415 - training does without

    frame, faults = loaded.frame, Faults()
    units: dict[str, str] = {}
    columns, series = list(parameters.columns), parameters.series
    check_columns(frame, parameters, name, faults)
    times, notes = take_times(frame, parameters, name, faults), loaded.notes
    if times is not None:
        frame, times, turned = turned_oldest_first(frame, times, series)
        notes = (*notes, *turned)
    with faults.noted():
        numbers = tables.select_columns(
            frame,
            columns,
            name,
            loaded.form.decimal,
            flags=parameters.given,
            take=True,
            units=units,
        )
    faults.check()
    blank = np.logical_and.reduce([np.isnan(numbers[target]) for target in parameters.targets])
    names, codes = series_of(frame, series, name)
    if series is not None:
        del frame[series]
        give_back()
    places = dict(zip(names, grouped(codes), strict=True))
    kept, cut = without_blank_ends(places, blank, parameters.targets, name)
    order = stacked(kept)
    ahead = rows_after(places, kept)
    return Table(
        name=name,
        others=frame.iloc[order],
        numbers=numbers.iloc[order],
        times=times.times[order] if times else None,
        form=loaded.form,
        day_first=times.day_first if times else None,
        cut=cut,
        notes=notes,
        units=units,
        series=slices_of(kept),
        filled_ahead=(
            *filled(numbers.iloc[ahead][list(parameters.features)]),
            *filled(frame.iloc[ahead].drop(columns=str(series), errors="ignore")),
        ),
    )


def turned_oldest_first(
    frame: "pd.DataFrame", times: "Times", series: str | None
) -> "tuple[pd.DataFrame, Times, tuple[str, ...]]":
    """A table and its timestamps with the oldest rows first, and a note where they were not."""
    from rnn_core.readers.times.order import (  # noqa: PLC0415 - training does without
        AS_IT_IS,
        NEWEST_FIRST,
        oldest_first,
    )

    places = oldest_first(times.times, frame.get(series))
    if places is AS_IT_IS:
        return frame, times, ()
    turned = times._replace(times=times.times[places])
    return frame.iloc[places], turned, (NEWEST_FIRST,)


def take_times(
    frame: "pd.DataFrame", parameters: ForecastingData, name: str, faults: Faults
) -> "Times | None":
    """Read the timestamps, and take their columns out; None if there are none to be read."""
    if parameters.date is None or not are_there(frame, parameters):
        return None
    with faults.noted():
        times = times_in(frame, parameters, name, parameters.day_first)
        for column in {parameters.date, *parameters.time_parts} & set(frame.columns):
            del frame[column]
        give_back()
        return times
    return None


def check_columns(
    frame: "pd.DataFrame", parameters: ForecastingData, name: str, faults: Faults
) -> None:
    """Note names of columns that cannot be read, and timestamps that are needed."""
    for column in parameters.given:
        if SIGN in column and column in frame.columns:
            what = f"{name}: the name of column {column!r} has {SIGN!r} in it"
            faults.add(what, f"rename it: {SIGN!r} parts a column of texts from one of its texts")
    if not are_there(frame, parameters):
        what = unknown("column", str(parameters.date), map(str, frame.columns))
        cure = "set data.date to null, or name the column of timestamps there"
        faults.add(f"{name}: {what}", cure)
    if parameters.calendar and parameters.date is None:
        faults.add(f"{name}: data.calendar needs a column of timestamps", "name it as data.date")


def are_there(frame: "pd.DataFrame", parameters: ForecastingData) -> bool:
    """Return whether a table has the column of timestamps, or is said to have them in several."""
    return parameters.date in {None, *frame.columns} or bool(parameters.time_parts)


def times_in(
    table: "pd.DataFrame", parameters: ForecastingData, name: str, day_first: "DayFirst"
) -> "Times":
    """The timestamps of a table, which has a column of them, or columns that make them together.

    Raises:
        DataError: If they are not there, or cannot be read.
    """
    from rnn_core.readers.times.columns import read_times  # noqa: PLC0415 - as above
    from rnn_core.readers.times.parts import read_parts  # noqa: PLC0415 - as above

    date, parts = parameters.date, parameters.time_parts
    assert date is not None
    if parts and date not in table.columns:
        return read_parts(table, parts, name, day_first)
    return read_times(table, date, name, day_first)


def times_of_each(
    table: "pd.DataFrame",
    series: Mapping[str, slice],
    parameters: ForecastingData,
    name: str,
    day_first: "DayFirst",
    faults: Faults,
    times: "pd.DatetimeIndex | None" = None,
) -> "dict[str, pd.DatetimeIndex | None]":
    """The timestamps of each series that has some which can be read; None without a column of them.

    The whole table is read first, since the rows of one series may tell day from month in others.

    Args:
        table: The table.
        series: The rows of each.
        parameters: What the model was trained with.
        name: What to call the table in errors.
        day_first: See `DayFirst`.
        faults: Where it is noted why a series is left out.
        times: Those of the table, if they are read already.

    Raises:
        DataError: If none can be read, or they have day and month in different orders.
    """
    if parameters.date is None:
        return dict.fromkeys(series)
    try:
        if times is None:
            times = times_in(table, parameters, name, day_first).times
    except DataError:
        found, apart = {}, Faults()
        for one, rows in series.items():
            with apart.noted():
                found[one] = times_in(table.iloc[rows], parameters, name, day_first)
        if len({own.day_first for own in found.values()}) != 1:
            raise
        with faults.noted():
            apart.check()
        return {one: own.times for one, own in found.items()}
    return {one: times[rows] for one, rows in series.items()}


def rows_after(places: Mapping[str, Places], kept: Mapping[str, Places]) -> Places:
    """The rows of all series after those that are kept."""
    ends = {series: np.searchsorted(places[series], rows[-1]) for series, rows in kept.items()}
    return np.concatenate([rows[ends[series] + 1 :] for series, rows in places.items()])


def filled(rows: "pd.DataFrame") -> Iterator[str]:
    """The columns that have a number, or true or false, in every row; none if there is no row."""
    import pandas as pd  # noqa: PLC0415 - as above

    from rnn_core.readers import tables  # noqa: PLC0415 - as above

    for column in rows if len(rows) else ():
        numbers = pd.to_numeric(rows[column], errors="coerce")
        if numbers.notna().all() or (rows[column].notna().all() and tables.are_flags(rows[column])):
            yield str(column)


def is_blank(values: "pd.Series[Any]") -> NDArray[np.bool_]:
    """Find the missing values of a column, (N,)."""
    from rnn_core.readers.formats.written_numbers import are_gaps  # noqa: PLC0415 - as above

    blank = values.isna()
    if values.dtype.kind not in "biuf":
        blank |= are_gaps(values.astype("str"))
    return blank.to_numpy()


def without_blank_ends(
    places: Mapping[str, Places], blank: NDArray[np.bool_], targets: Sequence[str], name: str
) -> tuple[dict[str, Places], tuple[int, int]]:
    """The rows of each series that are measured, and how many are left out at starts and at ends.

    Raises:
        DataError: If there is none in a series; names all such series.
    """
    kept, faults, start, end = {}, Faults(), 0, 0
    for series, rows in places.items():
        with faults.noted():
            own = measured(blank[rows], targets, name, series)
            kept[series] = rows[own]
            start, end = start + own.start, end + len(rows) - own.stop
    faults.check()
    return kept, (start, end)


def last_values(
    table: "pd.DataFrame",
    places: Mapping[str, Places],
    targets: Sequence[str],
    faults: Faults,
) -> dict[str, int]:
    """Number of rows of each series up to the last one that has a value of a target.

    Args:
        table: Raw input.
        places: The rows of each series.
        targets: What the targets are called.
        faults: Where it is noted which series have no such row; they are left out.
    """
    if not set(targets) <= set(table.columns):  # reported when the numbers are read
        return {series: len(rows) for series, rows in places.items()}
    blank = np.logical_and.reduce([is_blank(table[target]) for target in targets])
    found = {}
    for series, rows in places.items():
        with faults.noted():
            found[series] = measured(blank[rows], targets, NAME, series).stop
    return found


def measured(blank: NDArray[np.bool_], targets: Sequence[str], name: str, series: str) -> slice:
    """The rows from the first with a value of a target to the last.

    Args:
        blank: Whether rows have none, (N,).
        targets: What the targets are called.
        name: What to call the table in errors.
        series: The name of the series; empty where the table is one.

    Raises:
        DataError: If all are blank.
    """
    if blank.all():
        cure = "; leave it out" if series else ""
        raise DataError(f"{called(name, series)}: no row has a value of {', '.join(targets)}{cure}")
    return slice(int(blank.argmin()), len(blank) - int(blank[::-1].argmin()))
