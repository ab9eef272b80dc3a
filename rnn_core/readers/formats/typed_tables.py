"""Tables whose values have kinds: parquet, spreadsheets of Excel, JSON lines."""

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from rnn_core.readers.faults import Faults
from rnn_core.readers.formats.text_layout import is_header

if TYPE_CHECKING:
    import pandas as pd


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
    return Typed(numbered(with_index(frame)))


def with_index(frame: "pd.DataFrame") -> "pd.DataFrame":
    """A table whose index is a column, if it has a name or is one of timestamps."""
    import pandas as pd  # noqa: PLC0415 - as above

    index = frame.index
    if isinstance(index, pd.DatetimeIndex | pd.PeriodIndex) and index.name is None:
        taken = "date" in frame.columns
        frame = frame.rename_axis("index" if taken else "date")
    return frame.reset_index(drop=frame.index.names == [None])


def numbered(frame: "pd.DataFrame", start: int = 1) -> "pd.DataFrame":
    """A table whose rows are numbered, and whose columns have texts for names."""
    import pandas as pd  # noqa: PLC0415 - as above

    rows = pd.RangeIndex(start, len(frame) + start, name="row")
    return frame.set_axis(rows, axis="index").rename(columns=lambda name: str(name).strip())


def read_spreadsheet(stream: BinaryIO, name: str, header: bool | None, faults: Faults) -> Typed:
    """Read the first sheet of a file of Excel that has any value."""
    import openpyxl  # noqa: PLC0415 - takes long

    try:
        with warnings.catch_warnings(action="ignore"):  # of styles, which are not read
            book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
            sheets = {sheet.title: cells_of(sheet) for sheet in book.worksheets}
    except Exception as error:
        cause = str(error).strip().partition("\n")[0]
        faults.add(f"{name} is not a readable file of Excel: {cause}", "save it again, or as CSV")
        faults.check()
        raise
    full = [title for title, rows in sheets.items() if rows]
    if not full:
        faults.add(f"{name} is not a readable table: it is empty", "")
        faults.check()
    notes = (f"of its sheets ({', '.join(full)}), the first, {full[0]}",) if len(full) > 1 else ()
    return of_cells(sheets[full[0]], header, notes)


def cells_of(sheet: Any) -> list[tuple[int, list[Any]]]:
    """The rows of a sheet that are not blank, with their numbers."""
    rows = enumerate(sheet.iter_rows(values_only=True), 1)
    return [(row, list(cells)) for row, cells in rows if any(not is_blank(c) for c in cells)]


def is_blank(cell: object) -> bool:
    """Return whether a cell holds nothing, or blanks."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def of_cells(
    rows: Sequence[tuple[int, list[Any]]], header: bool | None, notes: tuple[str, ...]
) -> Typed:
    """A table of rows of cells; a title above it has fewer cells."""
    import pandas as pd  # noqa: PLC0415 - as above

    filled = [
        [place for place, cell in enumerate(cells) if not is_blank(cell)] for _, cells in rows
    ]
    used = sorted({place for places in filled[-len(filled) // 2 :] for place in places})
    first = next(i for i, places in enumerate(filled) if 2 * len(places) > len(used))
    written = [[str(cells[p]) if cells[p] is not None else "" for p in used] for _, cells in rows]
    if first and (header is False or not is_header(written[first], written[first + 1 :])):
        first = 0
    named = is_header(written[first], written[first + 1 :]) if header is None else header
    names = written[first] if named else [str(place + 1) for place in range(len(used))]
    table = rows[first + named :]
    numbers = [row for row, _ in table]
    blank = sorted(set(range(numbers[0], numbers[-1])) - set(numbers)) if table else []
    frame = pd.DataFrame(
        [[cells[place] for place in used] for _, cells in table],
        columns=named_columns(names),
        index=pd.Index(numbers, name="row"),
    )
    return Typed(frame, named, tuple(blank), notes)


def named_columns(names: Sequence[str]) -> list[str]:
    """Names of columns without blanks around; a missing name is replaced by the place."""
    stripped = [name.strip().strip("\ufeff") for name in names]
    return [name or f"Unnamed: {place}" for place, name in enumerate(stripped)]
