"""Text with fields between separators, read into columns of Arrow.

The fields are read by Python's own parser, piece by piece, into columns of Arrow, which
take as many bytes as the text has and 8 for each field.
"""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from rnn_core.readers.formats.encodings import PIECE, Opener, pieces
from rnn_core.readers.formats.text_layout import Layout, fits
from rnn_core.readers.formats.text_records import (
    BrokenQuoteError,
    long_fields,
    open_text,
    records,
)

if TYPE_CHECKING:
    import pyarrow as pa


ROWS_AT_ONCE = 5_000
"""Rows that are held as Python's own texts while they are read."""

MOST_FAULTS = 1_000
"""Wrong rows after which a file is not read on."""


IN_MARKS = '^"([^"]|"")*"$'
"""A field in quotation marks, where these are read as any other character."""

DOUBLED = r'[^",\s]""|""[^",\s]'
"""Two quotation marks at a word, as a quoted field has in place of one."""


@dataclass
class Fields:
    """Fields of a text.

    Attributes:
        names: Of the columns; none where there is no row of them.
        first: Line of the names, or of the first row.
        columns: Pieces of each column.
        lines: The line of each row.
        blank: Lines between rows that are blank.
        wrong: Lines of rows with another number of fields, and how many these are.
        broken: The first quotation mark that does not fit.
    """

    names: list[str] = field(default_factory=list)
    first: int = 0
    columns: "list[list[pa.Array]]" = field(default_factory=list)
    lines: "array[int] | range" = field(default_factory=lambda: array("q"))
    blank: list[int] = field(default_factory=list)
    wrong: list[tuple[int, int]] = field(default_factory=list)
    broken: BrokenQuoteError | None = None

    @property
    def fit(self) -> bool:
        """Return whether all rows could be read."""
        return not self.wrong and self.broken is None

    def note(self, line: int) -> None:
        """Note the line of the next row."""
        assert isinstance(self.lines, array)
        self.lines.append(line)

    def take(self, empty: list[tuple[int, list[str]]], width: int) -> list[list[str]]:
        """Of rows without a value between others, those that have fields; others are blank."""
        rows = []
        for line, fields in empty:
            if fits(fields, width):
                self.note(line)
                rows.append(fields)
            else:
                self.blank.append(line)
        empty.clear()
        return rows

    def keep(self, rows: Sequence[Sequence[str]], width: int) -> None:
        """Add rows to the columns."""
        self.columns = self.columns or [[] for _ in range(width)]
        for column, values in zip(self.columns, zip(*rows, strict=False), strict=False):
            column.append(packed(values))


def packed(values: Sequence[str]) -> "pa.Array":
    """Texts side by side in memory of just their size."""
    import numpy as np  # noqa: PLC0415 - as below
    import pyarrow as pa  # noqa: PLC0415 - reading of tables alone needs it

    text = "".join(values)
    joined = text.encode()
    parts = values if len(joined) == len(text) else [value.encode() for value in values]
    ends = np.zeros(len(values) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, parts), np.int64, len(values)), out=ends[1:])
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(joined)]
    return pa.Array.from_buffers(pa.large_string(), len(values), buffers)


def read_fields(opened: Opener, encoding: str, layout: Layout) -> Fields:
    """Read all rows of a text.

    Returns:
        Those that fit the layout, and which do not.
    """
    found = Fields()
    with open_text(opened, encoding) as text, long_fields():
        for _ in range(layout.above):
            text.readline()
        lines = chain([text.readline().lstrip("#")] if layout.commented else [], text)
        rows = records(lines, layout.separator, layout.quoting, layout.above + 1)
        try:
            read_rows(rows, layout, found)
        except BrokenQuoteError as error:
            found.broken = error
    return found


def read_rows(rows: Iterator[tuple[int, list[str]]], layout: Layout, found: Fields) -> None:
    """Put rows into columns, some thousands at once; rows of empty fields at the end are left out.

    Raises:
        BrokenQuoteError: If a quotation mark does not fit.
    """
    pending: list[list[str]] = []
    empty: list[tuple[int, list[str]]] = []
    width = layout.width
    try:
        for line, fields in rows:
            if not any(fields) or not any(map(str.strip, fields)):
                empty.append((line, fields))
            elif layout.header and not found.names:
                found.names, found.first = named_all(fields, width), line
                empty.clear()
            elif len(fields) != width and not fits(fields, width):
                found.wrong.append((line, len(fields)))
                if len(found.wrong) == MOST_FAULTS:
                    return
            else:
                found.first = found.first or line
                pending += found.take(empty, width)
                found.note(line)
                pending.append(fields)
                if len(pending) >= ROWS_AT_ONCE:
                    found.keep(pending, width)
                    pending.clear()
    finally:
        found.keep(pending, width)


def read_plain(opened: Opener, encoding: str, layout: Layout) -> Fields | None:
    """Read a large text at once in which nothing is unusual; None where anything is.

    That is a text without quotation marks, in which all rows have as many fields as others, none
    is blank, and no field begins with a blank. `read_fields` reads it alike, but more slowly.
    """
    import pyarrow as pa  # noqa: PLC0415 - as above
    from pyarrow import csv as arrow  # noqa: PLC0415

    usual = encoding in {"utf-8", "utf-8-sig"} and layout.width > 1 and layout.separator != " "
    if not usual or not is_plain(opened, layout.separator.encode()):
        return None
    before = layout.above + layout.header
    with opened() as file:
        names = [file.readline() for _ in range(before)][-1:] if layout.header else []
        try:
            table = arrow.read_csv(
                file,
                arrow.ReadOptions(
                    use_threads=False,
                    block_size=PIECE,
                    column_names=[str(place) for place in range(layout.width)],
                ),
                arrow.ParseOptions(
                    delimiter=layout.separator,
                    quote_char=False,
                    double_quote=False,
                    ignore_empty_lines=False,
                ),
                arrow.ConvertOptions(
                    check_utf8=False,
                    column_types={str(p): pa.large_string() for p in range(layout.width)},
                ),
            )
        except pa.ArrowInvalid:
            return None
    if not table.num_rows or not any(column[-1].as_py().strip() for column in table.columns):
        return None
    return Fields(
        names=[name for line in names for name in names_of(line.decode(encoding), layout)],
        first=before if layout.header else before + 1,
        columns=[column.chunks for column in table.columns],
        lines=range(before + 1, before + 1 + table.num_rows),
    )


def names_of(line: str, layout: Layout) -> list[str]:
    """The names of columns that a line holds."""
    bare = line.lstrip("#") if layout.commented else line
    return named_all(bare.rstrip("\r\n").split(layout.separator), layout.width)


def named_all(names: list[str], width: int) -> list[str]:
    """Names of all columns; the first may have none, see `has_row_names`."""
    return [""] * (width - len(names)) + names[:width]


def is_plain(opened: Opener, separator: bytes) -> bool:
    """Return whether a text has no quotation mark, no carriage return within a line, no filling at
    its end, and no field that begins with a blank.
    """  # noqa: D205
    unusual = (b'"', separator + b" ", b"\n ", b"\n\n", b"\n\r", b"\x00", b"\x1a")
    last = b"\n"  # a text does not begin with a blank line either
    for piece in pieces(opened):
        joined = last + piece
        if any(mark in joined for mark in unusual):
            return False
        if joined.count(b"\r") - joined.endswith(b"\r") != joined.count(b"\r\n"):
            return False
        last = joined[-1:]
    return last != b"\r"


def choose_reading(
    opened: Opener, encoding: str, layouts: Sequence[Layout]
) -> tuple[Layout, Fields]:
    """Read a text by the first of some layouts that all its rows fit; else by the first.

    The layouts differ in whether quotation marks quote. Where a field in quotation marks goes
    on over lines and the text fits without quoting too, no field was meant to, unless marks
    are written twice.
    """
    first, *others = layouts
    if (plain := read_plain(opened, encoding, first)) is not None:
        return first, plain
    found = read_fields(opened, encoding, first)
    if found.fit and not (others and first.quoting == "double" and any_has(found, "\n")):
        return first, found
    for other in others:
        again = read_fields(opened, encoding, other)
        marks = DOUBLED if found.fit else IN_MARKS
        quoted = other.separator != "\t" and any_has(again, marks)
        if again.fit and not quoted:
            return other, again
    return first, found


def any_has(found: Fields, pattern: str) -> bool:
    """Return whether a part of any field has a form."""
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    return any(
        pc.any(pc.match_substring_regex(piece, pattern)).as_py()
        for pieces in found.columns
        for piece in pieces
    )
