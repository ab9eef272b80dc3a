"""Text with fields between separators: its layout found by what fits, and its fields read.

The fields are read by Python's own parser, piece by piece, into columns of Arrow, which
take as many bytes as the text has and 8 for each field.
"""

import csv
import io
import re
import sys
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from rnn_core.readers.formats.encodings import PIECE, Opener, pieces

if TYPE_CHECKING:
    import pyarrow as pa

Quoting: TypeAlias = Literal["double", "none"]
"""Whether fields may stand in quotation marks, or these are characters as any other."""

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
"""What is looked for, the likeliest first."""

SAMPLE = 1 << 16
"""Characters that the layout is told by."""

ROWS_AT_ONCE = 20_000
"""Rows that are held as Python's own texts while they are read."""

MOST_FAULTS = 1_000
"""Wrong rows after which a file is not read on."""

SAID = re.compile(r"^sep=(.)\s*$", re.IGNORECASE)
"""The line by which Excel is told what separates fields."""

NUMERIC = re.compile(r"^[^\w]{0,3}\d[\d.,:/TZ%\s+-]*$")
"""What holds digits and no words: numbers, dates, times."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a text is laid out.

    Attributes:
        separator: One character.
        quoting: See `Quoting`.
        above: Lines above the table: a title, comments.
        header: Whether its first row has the names of columns.
        width: Fields of a row.
        share: Of the first rows, how many have so many fields.
    """

    separator: str
    quoting: Quoting
    above: int
    header: bool
    width: int
    share: float


class BrokenQuoteError(ValueError):
    """A quotation mark that does not fit.

    Args:
        line: Where the row starts.
        inside: Whether text follows a closing quotation mark; else one is not closed.
    """

    def __init__(self, line: int, inside: bool) -> None:
        super().__init__(line, inside)
        self.line = line
        self.inside = inside


@dataclass
class Fields:
    """What was read of a text.

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
        """Whether all rows could be read."""
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


def open_text(opened: Opener, encoding: str) -> io.TextIOWrapper:
    """A text whose lines end as most of them do; line ends are kept."""
    with io.TextIOWrapper(opened(), encoding, newline="") as text:
        end = "\n" if "\n" in text.read(SAMPLE) else "\r"
    return io.TextIOWrapper(opened(), encoding, newline=end)


def cleaned(lines: Iterator[str]) -> Iterator[str]:
    """Lines of which a carriage return within is a blank: it ends no row."""
    for line in lines:
        if line.find("\r", 0, -2) < 0:
            yield line
        else:
            body = line.rstrip("\r\n")
            yield body.replace("\r", " ") + line[len(body) :]


@contextmanager
def long_fields() -> Iterator[None]:
    """Let a field be as long as it is; the parser of Python refuses long ones by itself."""
    before = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def records(
    lines: Iterator[str], separator: str, quoting: Quoting, line: int = 1
) -> Iterator[tuple[int, list[str]]]:
    """The fields of each row, with its first line."""
    reader = csv.reader(
        cleaned(lines),
        delimiter=separator,
        quoting=csv.QUOTE_MINIMAL if quoting == "double" else csv.QUOTE_NONE,
        skipinitialspace=separator != " ",
        strict=True,
    )
    start = line
    while True:
        try:
            for fields in reader:
                yield start, fields
                start = line + reader.line_num
        except csv.Error as error:
            raise BrokenQuoteError(start, "expected after" in str(error)) from None
        return


def first_lines(opened: Opener, encoding: str) -> list[str]:
    """The first lines of a text, whole ones, with their ends."""
    with open_text(opened, encoding) as text:
        sample = text.read(SAMPLE)
        sample += text.readline() if len(sample) == SAMPLE else ""
    end = "\n" if "\n" in sample else "\r"
    return io.StringIO(sample, newline=end).readlines()


def find_layouts(
    lines: Sequence[str],
    *,
    separator: str | None,
    quoting: Quoting | None,
    header: bool | None,
    own: str,
) -> list[Layout]:
    """The layouts by the separator that most of the first lines fit, the likelier first.

    Args:
        lines: See `first_lines`.
        separator: Where it is known.
        quoting: Where it is known.
        header: Where it is known.
        own: The separator that the file's ending stands for.
    """
    above = comments(lines)
    if above < len(lines) and (said := SAID.match(lines[above])):
        separator, above = separator or said[1], above + 1
    candidates = [separator] if separator else [own, *(s for s in SEPARATORS if s != own)]
    kinds: tuple[Quoting, ...] = (quoting,) if quoting else ("double", "none")
    layouts = [lay_out(lines, above, mark, kind, header) for mark in candidates for kind in kinds]
    several = [layout for layout in layouts if layout.width > 1]
    best = max(several or layouts, key=lambda layout: layout.share)
    found = [layout for layout in layouts if layout.separator == best.separator]
    return sorted(found, key=lambda one: -one.share) if best.separator == "\t" else found


def comments(lines: Sequence[str]) -> int:
    """How many lines at the start are comments, or blank before these."""
    last = 0
    for place, line in enumerate(lines):
        if line.startswith("#"):
            last = place + 1
        elif line.strip():
            break
    return last


def lay_out(
    lines: Sequence[str], above: int, separator: str, quoting: Quoting, header: bool | None
) -> Layout:
    """The layout that lines have by a separator."""
    rows, unread = sample_of(lines, above, separator, quoting)
    widths = Counter(len(fields) for _, fields in rows[1:] or rows)
    usual = max(widths, key=lambda width: (widths[width], width), default=1)
    first = first_of_table(rows, usual, header)
    table = [fields for _, fields in rows[first:]]
    named = header if header is not None else bool(table) and is_header(table[0], table[1:])
    if named and table:
        usual = len(table[0])
    fitting = sum(fits(fields, usual) for fields in table)
    return Layout(
        separator=separator,
        quoting=quoting,
        above=rows[first][0] - 1 if first else above,
        header=named,
        width=usual,
        share=fitting / max(len(rows) + unread, 1),
    )


def sample_of(
    lines: Sequence[str], above: int, separator: str, quoting: Quoting
) -> tuple[list[tuple[int, list[str]]], int]:
    """The first rows that are not blank, and how many lines after them cannot be read.

    A quoted field may be cut by the end of the sample: a few lines are left out.
    """
    rows: list[tuple[int, list[str]]] = []
    try:
        for line, fields in records(iter(lines[above:]), separator, quoting, above + 1):
            if any(map(str.strip, fields)):
                rows.append((line, fields))
    except BrokenQuoteError as error:
        left = len(lines) - error.line + 1
        return rows, left if left > 0.1 * len(lines) or error.inside else 0
    return rows, 0


def first_of_table(rows: Sequence[tuple[int, list[str]]], width: int, header: bool | None) -> int:
    """The place of the first row of the table: a title above it has fewer fields."""
    place = next((place for place, (_, fields) in enumerate(rows) if len(fields) >= width), 0)
    if place == 0 or header is False:
        return place
    below = [fields for _, fields in rows[place + 1 :]]
    return place if below and is_header(rows[place][1], below) else 0


def fits(fields: Sequence[str], width: int) -> bool:
    """Whether a row has so many fields; a separator may follow the last one."""
    return len(fields) == width or (len(fields) == width + 1 and not fields[-1].strip())


def is_header(first: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether a row has the names of columns, not values as the rows below it.

    Names have no digits alone where values have; and are none of a column's few values.
    """
    if is_count([value.strip() for value in first]):
        return True
    values = False
    for place, name in enumerate(first):
        column = [fields[place].strip() for fields in below if place < len(fields)]
        column = [value for value in column if value]
        numeric = sum(bool(NUMERIC.match(value)) for value in column)
        if column and numeric >= 0.9 * len(column):
            if name.strip() and not NUMERIC.match(name.strip()):
                return True
            values = values or bool(name.strip())
        elif len(set(column)) < len(column):
            values = values or name.strip() in column
    return not values


def is_count(names: Sequence[str]) -> bool:
    """Whether names count: 0, 1, 2 as pandas writes them, or years side by side."""
    numbers = [int(name) for name in names if name.isdecimal() and len(name) < 9]
    others = [name for name in names if name and not name.isdecimal()]
    if len(numbers) < 2 or any(map(NUMERIC.match, others)):
        return False
    counted = numbers == [*range(numbers[0], numbers[0] + len(numbers))]
    years = 1900 <= numbers[0] <= 2100 and (bool(others) or len(numbers) > 2)
    return counted and (years or (numbers[0] == 0 and not others))


def read_fields(opened: Opener, encoding: str, layout: Layout) -> Fields:
    """Read all rows of a text.

    Returns:
        Those that fit the layout, and which do not.
    """
    found = Fields()
    with open_text(opened, encoding) as text, long_fields():
        for _ in range(layout.above):
            text.readline()
        rows = records(text, layout.separator, layout.quoting, layout.above + 1)
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
            elif len(fields) != width and not fits(fields, width):
                found.wrong.append((line, len(fields)))
                if len(found.wrong) == MOST_FAULTS:
                    return
            elif layout.header and not found.names:
                found.names, found.first = fields[:width], line
                empty.clear()
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
                memory_pool=pa.system_memory_pool(),  # which gives back what is not used
            )
        except pa.ArrowInvalid:
            return None
    if not table.num_rows or not any(column[-1].as_py().strip() for column in table.columns):
        return None
    return Fields(
        names=names[0].decode(encoding).rstrip("\r\n").split(layout.separator) if names else [],
        first=before if layout.header else before + 1,
        columns=[column.chunks for column in table.columns],
        lines=range(before + 1, before + 1 + table.num_rows),
    )


def is_plain(opened: Opener, separator: bytes) -> bool:
    """Whether a text has no quotation mark, no carriage return within a line, and no field
    that begins with a blank.
    """  # noqa: D205
    unusual = (b'"', separator + b" ", b"\n ", b"\n\n", b"\n\r", b"\x00")
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
    on over lines and the text fits without quoting too, no field was meant to.
    """
    first, *others = layouts
    if (plain := read_plain(opened, encoding, first)) is not None:
        return first, plain
    found = read_fields(opened, encoding, first)
    if found.fit and not (others and first.quoting == "double" and spans_lines(found)):
        return first, found
    for other in others:
        again = read_fields(opened, encoding, other)
        quoted = other.separator != "\t" and not found.fit and has_quoted(again)
        if again.fit and not quoted:
            return other, again
    return first, found


def spans_lines(found: Fields) -> bool:
    """Whether a field goes on over lines."""
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    return any(
        pc.any(pc.match_substring(piece, "\n")).as_py()
        for pieces in found.columns
        for piece in pieces
    )


def has_quoted(found: Fields) -> bool:
    """Whether a field, read without quoting, stands in quotation marks."""
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    return any(
        pc.any(pc.match_substring_regex(piece, '^"([^"]|"")*"$')).as_py()
        for pieces in found.columns
        for piece in pieces
    )
