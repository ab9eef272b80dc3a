"""Tables whose values have kinds: parquet, spreadsheets of Excel, JSON lines."""

import re
import warnings
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from datetime import MAXYEAR, MINYEAR
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, TypeAlias

import numpy as np

from rnn_core.readers.faults import Faults
from rnn_core.readers.formats.odd_rows import UNNAMED
from rnn_core.readers.formats.text_layout import is_header

if TYPE_CHECKING:
    import pandas as pd


LEFT_OUT = "left out, since further values are inside"
"""Why columns are not read."""


class Typed(NamedTuple):
    """A table that was read.

    Attributes:
        frame: Its index, "row", counts from 1 as in the file.
        header: Whether its first row has the names of columns.
        blank: Rows between others that are blank.
        notes: What was decided in reading it.
    """

    frame: "pd.DataFrame"
    header: bool | None = None
    blank: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


def read_parquet(stream: BinaryIO, name: str, header: bool | None, faults: Faults) -> Typed:
    """Read parquet; an index with a name, or of timestamps, becomes the first column."""
    import pandas as pd  # noqa: PLC0415 - takes long

    try:
        frame = pd.read_parquet(stream)
    except (ValueError, OSError) as error:
        faults.add(f"{name} is not a readable parquet file: {str(error).splitlines()[0]}", "")
        faults.check()
        raise
    frame = with_values_inside(frame)
    inside = [holds_values_inside(frame.iloc[:, p]) for p in range(frame.shape[1])]
    nested = [str(column) for column in frame.columns[inside]]
    frame = frame.loc[:, np.logical_not(inside)]
    return Typed(numbered(with_writable_times(with_index(frame))), notes=left_out(nested))


def with_values_inside(frame: "pd.DataFrame") -> "pd.DataFrame":
    """A table whose values by names are columns, called as in data.text, as those of JSON are."""
    import pandas as pd  # noqa: PLC0415 - as above

    for place, column in reversed([*enumerate(frame.columns)]):
        values = frame.iloc[:, place]
        if isinstance(first_in(values), dict):
            inner = pd.DataFrame([value or {} for value in values], index=frame.index)
            before, after = frame.iloc[:, :place], frame.iloc[:, place + 1 :]
            frame = pd.concat([before, inner.add_prefix(f"{column}."), after], axis=1)
    return frame


def first_in(values: "pd.Series[Any]") -> object:
    """The first value of a column of objects that is there."""
    return next(iter(values.dropna()), None) if values.dtype == object else None


def holds_values_inside(values: "pd.Series[Any]") -> bool:
    """Return whether a column holds lists, or values by names."""
    return isinstance(first_in(values), dict | list | np.ndarray)


def left_out(nested: Sequence[str]) -> tuple[str, ...]:
    """Report columns that are left out since they are no column of a table."""
    return (f"{LEFT_OUT}: {', '.join(map(repr, nested))}",) if nested else ()


def with_index(frame: "pd.DataFrame") -> "pd.DataFrame":
    """A table whose index is a column, if it has a name or is one of timestamps."""
    import pandas as pd  # noqa: PLC0415 - as above

    index = frame.index
    if isinstance(index, pd.DatetimeIndex | pd.PeriodIndex) and index.name is None:
        taken = "date" in frame.columns
        frame = frame.rename_axis("index" if taken else "date")
    return frame.reset_index(drop=frame.index.names == [None])


def with_writable_times(frame: "pd.DataFrame") -> "pd.DataFrame":
    """A table whose columns of timestamps in years that Python does not have are texts.

    Broken files have such. pandas cannot write all of them, and no text of them is a timestamp.
    """
    import pandas as pd  # noqa: PLC0415 - as above

    for column in frame.select_dtypes(["datetime", "datetimetz"]):
        times = pd.to_datetime(frame[column], utc=True).dt.tz_convert(None)
        if not times.dt.year.dropna().between(MINYEAR, MAXYEAR).all():
            frame[column] = np.datetime_as_string(times.to_numpy())
    return frame


def numbered(frame: "pd.DataFrame", start: int = 1) -> "pd.DataFrame":
    """A table whose rows are numbered, and whose columns have texts for names."""
    import pandas as pd  # noqa: PLC0415 - as above

    rows = pd.RangeIndex(start, len(frame) + start, name="row")
    names = [in_words(name) for name in frame.columns]
    return frame.set_axis(rows, axis="index").set_axis(names, axis="columns")


def in_words(name: object) -> str:
    """The name of a column as a text on one line; of several levels, with a blank between."""
    whole = " ".join(map(str, name)) if isinstance(name, tuple) else str(name)
    return re.sub(r"\s*[\r\n]\s*", " ", whole.strip().strip("\ufeff"))


def read_spreadsheet(stream: BinaryIO, name: str, header: bool | None, faults: Faults) -> Typed:
    """Read the first sheet of a file of Excel that has a table; sheets that are hidden go last."""
    try:
        sheets = sheets_of(stream, values=True)
    except Exception as error:
        cause = str(error).strip().partition("\n")[0]
        faults.add(f"{name} is not a readable file of Excel: {cause}", "save it again, or as CSV")
        faults.check()
        raise
    full = [title for title, rows in sheets.items() if rows]
    if not full:
        faults.add(f"{name} is not a readable table: it is empty", "")
        faults.check()
    title = next((title for title in full if has_rows(sheets[title])), full[0])
    notes = [f"of its sheets ({', '.join(full)}), {title} alone"] if len(full) > 1 else []
    formulas = dict(columns_of_formulas(stream, title, sheets[title]))
    notes += [
        f"column {called!r} left out: its formulas have no values in the file; open it in Excel or "
        "LibreOffice and save it, if they have values there"
        for called in formulas.values()
    ]
    return of_cells(sheets[title], header, tuple(notes), formulas)


MANY = 0.1
"""Share of the rows that a column of a sheet fills at least; notes beside a table fill less."""

Sheet: TypeAlias = list[tuple[int, list[Any]]]
"""The rows of a sheet that are not blank, with their numbers."""


def sheets_of(stream: BinaryIO, *, values: bool) -> dict[str, Sheet]:
    """The sheets of a file by their titles, those that are hidden last.

    Args:
        stream: The file.
        values: Whether to read the values that formulas had when the file was saved.
    """
    import openpyxl  # noqa: PLC0415 - takes long

    with warnings.catch_warnings(action="ignore"):  # of styles, which are not read
        book = openpyxl.load_workbook(stream, read_only=True, data_only=values)
        shown = sorted(book.worksheets, key=lambda sheet: sheet.sheet_state != "visible")
        return {sheet.title: cells_of(sheet) for sheet in shown}


def has_rows(rows: Sheet) -> bool:
    """Return whether a sheet may be a table: it has two cells side by side, twice or more."""
    return sum(sum(not is_blank(cell) for cell in cells) > 1 for _, cells in rows) > 1


def columns_of_formulas(stream: BinaryIO, title: str, rows: Sheet) -> Iterator[tuple[int, str]]:
    """Find columns that are left out since none of their formulas has a value in the file.

    Programs that are not Excel write none; Excel itself writes an empty one where a formula gives
    an empty text.
    """
    filled = filled_places(rows)
    counts = Counter(chain.from_iterable(filled))
    used = {place for place in later_places(filled) if counts[place] > 1}
    width = max((len(cells) for _, cells in rows), default=0)
    if len(used) == width:
        return
    values = dict(rows)
    stream.seek(0)
    written = sheets_of(stream, values=False)[title]
    for place in sorted({*range(width)} - used):
        own = [(row, cells[place]) for row, cells in written if place < len(cells)]
        formulas = [row for row, cell in own if str(cell).startswith("=")]
        there = [row for row in formulas if not is_blank_at(values.get(row, ()), place)]
        name = name_above(rows, place, formulas[0]) if formulas and not there else ""
        if name:
            yield place, name


def name_above(rows: Sheet, place: int, below: int) -> str:
    """The name of a column: what it has in the fullest row above some row; empty if nothing."""
    above = [cells for row, cells in rows if row < below]
    if not above:
        return ""
    fullest = max(above, key=lambda cells: sum(not is_blank(cell) for cell in cells))
    return "" if is_blank_at(fullest, place) else in_words(fullest[place])


def is_blank_at(cells: Sequence[object], place: int) -> bool:
    """Return whether a row has nothing in a place."""
    return place >= len(cells) or is_blank(cells[place])


def cells_of(sheet: Any) -> Sheet:
    """The rows of a sheet that are not blank, with their numbers."""
    rows = enumerate(sheet.iter_rows(values_only=True), 1)
    return [(row, list(cells)) for row, cells in rows if any(not is_blank(c) for c in cells)]


def is_blank(cell: object) -> bool:
    """Return whether a cell holds nothing, or blanks."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def filled_places(rows: Sequence[tuple[int, list[Any]]]) -> list[list[int]]:
    """The places of each row that are not blank."""
    return [[place for place, cell in enumerate(cells) if not is_blank(cell)] for _, cells in rows]


def later_places(filled: Sequence[Sequence[int]]) -> set[int]:
    """The places that have something in the later half of the rows."""
    return {*chain.from_iterable(filled[-len(filled) // 2 :])}


def used_places(filled: Sequence[Sequence[int]], formulas: Container[int]) -> list[int]:
    """The places that have something in the later half of the rows, or in many of them.

    Args:
        filled: The places of each row that are not blank.
        formulas: Places with formulas that have no values, which are none.
    """
    counts = Counter(chain.from_iterable(filled))
    many = {place for place, count in counts.items() if count > MANY * len(filled)}
    return sorted(place for place in many | later_places(filled) if place not in formulas)


def of_cells(
    rows: Sheet,
    header: bool | None,
    notes: tuple[str, ...],
    formulas: Container[int],
) -> Typed:
    """A table of rows of cells; a title above it has fewer cells.

    A column with few values is one of it if it has a name.
    """
    import pandas as pd  # noqa: PLC0415 - as above

    filled = filled_places(rows)
    used = used_places(filled, formulas)
    first = next(i for i, places in enumerate(filled) if 2 * len(places) > len(used))
    if len(used) == 1:
        first = row_of_names(rows, filled, used[0]) or first
    named = {*filled[first]} & {*chain.from_iterable(filled[first + 1 :])}
    used = sorted({*used, *(place for place in named if place not in formulas)})
    written = [[str(cells[p]) if cells[p] is not None else "" for p in used] for _, cells in rows]
    if first and (header is False or not is_header(written[first], written[first + 1 :])):
        first = 0
    headed = is_header(written[first], written[first + 1 :]) if header is None else header
    names = written[first] if headed else [str(place + 1) for place in range(len(used))]
    table = rows[first + headed :]
    numbers = [row for row, _ in table]
    blank = sorted(set(range(numbers[0], numbers[-1])) - set(numbers)) if table else []
    frame = pd.DataFrame(
        [[cells[place] for place in used] for _, cells in table],
        columns=named_columns(names),
        index=pd.Index(numbers, name="row"),
    )
    return Typed(frame, headed, tuple(blank), notes)


def row_of_names(rows: Sheet, filled: Sequence[Sequence[int]], place: int) -> int | None:
    """The first row of several cells, if it has the names of a column of numbers and of others.

    Above it there may be titles, which are one cell each, as most rows below it are.
    """
    first = next((i for i, places in enumerate(filled) if len(places) > 1), len(rows))
    below = [cells[place] for _, cells in rows[first + 1 :]]
    numbers = bool(below) and all(is_blank(c) or isinstance(c, int | float) for c in below)
    texts = all(isinstance(rows[first][1][p], str) for p in filled[first]) if below else False
    return first if numbers and texts and place in filled[first] else None


def named_columns(names: Sequence[str]) -> list[str]:
    """Names of columns, each on one line; a missing name is replaced by the place."""
    stripped = [in_words(name) for name in names]
    return [name or f"{UNNAMED}{place}" for place, name in enumerate(stripped)]
