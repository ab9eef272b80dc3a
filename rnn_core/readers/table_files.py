"""Any file that holds one table: read as it is, and how it was read.

Of text, every column is text, untouched; of a spreadsheet, parquet and JSON lines, columns
have the kinds that they have there. What a file is follows from its content.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, BinaryIO

from rnn_core.readers.faults import Faults, then
from rnn_core.readers.formats.encodings import Opener, check_encoding, find_encoding
from rnn_core.readers.formats.first_bytes import POINTER, TAGGED, kind_of
from rnn_core.readers.formats.json_tables import read_json
from rnn_core.readers.formats.memory import give_back
from rnn_core.readers.formats.odd_rows import names_below, without_repeated_names
from rnn_core.readers.formats.packed import unpacked, without_packing
from rnn_core.readers.formats.separated_text import MOST_FAULTS, Fields, choose_reading
from rnn_core.readers.formats.text_layout import SEPARATORS, Layout, find_layouts
from rnn_core.readers.formats.text_records import Quoting, first_lines
from rnn_core.readers.formats.typed_tables import (
    Typed,
    in_words,
    named_columns,
    read_parquet,
    read_spreadsheet,
)
from rnn_core.readers.formats.written_numbers import THOUSANDS, Decimal

if TYPE_CHECKING:
    from array import array

    import pandas as pd
    import pyarrow as pa

ENDINGS = (
    *(".csv", ".tsv", ".txt", ".tab", ".dat", ".data", ".parquet", ".xlsx"),
    *(".jsonl", ".ndjson", ".json", ".geojson"),
)
"""Endings of tables, in lower case; those of packed files may follow."""

WITH_COMMA = re.compile(r"[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+")
"""A number with a decimal comma, or with a comma between thousands."""

CERTAIN_COMMA = re.compile(r"[+-]?(0|\d{4,}|\d{1,3}(\.\d{3})+),\d+|[+-]?\d+,(\d{1,2}|\d{4,})")
"""A number whose comma cannot stand between thousands."""

WITH_POINT = re.compile(r"[+-]?(0|[1-9]\d*)\.(\d{1,2}|\d{4,})|[+-]?(0|\d{4,})\.\d+")
"""A number whose point cannot stand between thousands."""

WITH_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}((,\d{3})+|(,\d\d)*,\d{3})(\.\d+)?")
"""A number whose commas may all stand between thousands, or as in 12,34,567 in India."""

MORE_THOUSANDS = re.compile(r".*(,\d{3}\.\d+|,\d{2,3},\d{3}.*)")
"""Such a number whose commas can stand nowhere else."""

POINTS = re.compile(r"[+-]?(\d{1,3}|[1-9]\d{0,2}(\.\d{3})+)")
MORE_POINTS = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3}){2,}")
"""A number whose points may be between thousands, and one whose points can be nowhere else."""

AROUND_DIGITS = r"^[^\d.,+-]+(\.\s?)?|[^\d.,]*[a-zA-Z^][23]$|[^\d.,]+$"
DIGITS = r"[+-]?[\d.,]*"
"""Patterns of all that is before and after the digits of a number, and of these."""

BETWEEN_DIGITS = f"[{THOUSANDS}]"
WITH_BLANKS = rf"[+-]?\d{{1,3}}({BETWEEN_DIGITS}\d{{3}})+([.,]\d*)?|{DIGITS}"
"""Patterns of what may be between thousands, and of numbers that may have it."""

LOOKED_AT = 2_000
"""Rows at the start, and at the end, in which decimals are looked for."""

SEPARATOR_NAMES = {**SEPARATORS, " ": "space"}
NAMED_SEPARATORS = {name: one for one, name in SEPARATOR_NAMES.items()} | {"\\t": "\t"}
"""Names of separators that a shell or YAML makes hard to write."""

JSON_START = re.compile(rb"(\xef\xbb\xbf)?\s*(\[\s*)?\{\s*\"")
"""First bytes of objects of JSON, alone or in a list."""


@dataclass(frozen=True, kw_only=True)
class TableForm:
    """Form of a table; None is detected.

    Attributes:
        separator: What separates fields: one character, or `comma`, `semicolon`, `tab`, `bar`
            or `space`.
        decimal: `.` or `,` before the decimals of a number.
        encoding: Of the text, as Python calls it.
        header: Whether the first row has the names of columns; else these are 1, 2, 3 ...
        quoting: Whether fields may be in quotation marks (`double`), or these are characters
            as any other (`none`).
    """

    separator: str | None = None
    decimal: Decimal | None = None
    encoding: str | None = None
    header: bool | None = None
    quoting: Quoting | None = None

    def __post_init__(self) -> None:
        character = self.character
        if character is not None and (len(character) != 1 or character in '"\r\n'):
            raise ValueError(
                f"separator {self.separator!r} is not one character; comma, semicolon, tab, bar "
                "and space can be named so"
            )
        if self.encoding is not None:
            check_encoding(self.encoding)

    @property
    def character(self) -> str | None:
        """The separator itself."""
        if self.separator is None:
            return None
        return NAMED_SEPARATORS.get(self.separator, self.separator)

    @property
    def separated_by(self) -> str:
        """The separator in words, such as "commas"; in quotes if it has no name."""
        name = SEPARATOR_NAMES.get(self.character or "")
        return f"{name}s" if name else repr(self.separator)


@dataclass(frozen=True, kw_only=True)
class TableFile:
    """A table as it was read.

    Attributes:
        frame: The table; its index, "row", has the line of each row in the file, from 1, or the
            row of the spreadsheet; of parquet the place from 1.
        form: How it is written, as it was found.
        blank: Lines between rows that are blank.
        notes: Decisions in reading it that the user may want to know, a line each.
    """

    frame: "pd.DataFrame"
    form: TableForm
    blank: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


def is_table_file(file: PurePath | str) -> bool:
    """Return whether a file, or one in a packed one, is called as tables are, in any capitals."""
    own = PurePath(file).name
    name = without_packing(own)
    suffix = PurePath(name).suffix.lower()
    return suffix in ENDINGS or (not suffix and name != own)


def read_table_file(file: Path, form: TableForm, faults: Faults) -> TableFile:
    """Read a file that holds one table.

    Args:
        file: The file, packed or not.
        form: What is known of how it is written.
        faults: Where it is noted what is wrong with rows.

    Returns:
        The rows that could be read.

    Raises:
        FaultsError: If none can be.
    """
    give_back()
    opened, name = unpacked(file, faults, is_table_file)
    with opened() as stream:
        start = stream.read(512)
    if read := typed_reader(start, name):
        with opened() as stream:
            frame, header, blank, notes = read(stream, file.name, form.header, faults)
        found = TableFile(frame=frame, form=replace(form, header=header), blank=blank, notes=notes)
    else:
        refuse_other_kinds(start, file.name, faults)
        found = read_text(opened, name, file.name, form, faults)
    found = below_groups(found)
    check_columns(found, file.name, faults)
    if found.frame.empty and not faults.found:
        told = f"{file.name} has column names and no rows below them{then(found.notes)}"
        faults.add(told, "")
        faults.check()
    return found


def typed_reader(
    start: bytes, name: str
) -> Callable[[BinaryIO, str, bool | None, Faults], Typed] | None:
    """Find the reader of a file that is no text in fields, by its first bytes."""
    suffix = PurePath(name).suffix.lower()
    if start.startswith(b"PAR1") or suffix == ".parquet":
        return read_parquet
    if start.startswith(b"PK\x03\x04"):
        return read_spreadsheet
    if suffix in {".jsonl", ".ndjson", ".json"} or JSON_START.match(start):
        return read_json
    return None


def refuse_other_kinds(start: bytes, name: str, faults: Faults) -> None:
    """Refuse what is no table, or empty; the first field of one may be a tag."""
    kind = kind_of(start)
    if kind == POINTER:
        faults.add(f"{name} is {kind} in place of the table", "run `git lfs pull`")
    elif kind not in {None, TAGGED}:
        faults.add(f"{name} is {kind}, no table", "export it as CSV")
    if not start.strip():
        faults.add(f"{name} is not a readable table: it is empty", "")
    faults.check()


def read_text(opened: Opener, inner: str, name: str, form: TableForm, faults: Faults) -> TableFile:
    """Read text with fields between separators."""
    encoding = form.encoding or find_encoding(opened, name, faults)
    own = "\t" if PurePath(inner).suffix.lower() in {".tsv", ".tab"} else ","
    try:
        layouts = find_layouts(
            first_lines(opened, encoding),
            separator=form.character,
            quoting=form.quoting,
            header=form.header,
            own=own,
        )
        layout, fields = choose_reading(opened, encoding, layouts)
    except UnicodeError as error:
        faults.add(f"{name} is not in {encoding}: {error}", "name its encoding: --set encoding=...")
        faults.check()
        raise
    note_faults(fields, layout, name, faults)
    frame, repeated = without_repeated_names(frame_of(fields, layout), fields.names)
    if frame.empty:
        faults.check()
    found = TableForm(
        separator=layout.separator,
        decimal=form.decimal or find_decimal(frame, layout),
        encoding=encoding,
        header=layout.header,
        quoting=layout.quoting,
    )
    notes = [above_in_words(layout.above)] if layout.above else []
    notes += [f"line {layout.above + 1}, a comment, has the column names"] * layout.commented
    notes += [f"left out, since it has the column names again: row {row}" for row in repeated]
    return TableFile(frame=frame, form=found, blank=tuple(fields.blank), notes=tuple(notes))


def above_in_words(lines: int) -> str:
    """Describe the lines above a table that are no part of it."""
    return f"lines 1 to {lines} are above the table" if lines > 1 else "line 1 is above the table"


def note_faults(fields: Fields, layout: Layout, name: str, faults: Faults) -> None:
    """Note the rows that do not fit the others."""
    word = SEPARATOR_NAMES.get(layout.separator, layout.separator)
    names = f"row {fields.first} has {layout.width} column names"
    wanted = names if layout.header else f"most rows have {layout.width}"
    decimals = ", and write decimals with a point" if layout.separator == "," else ""
    for line, width in fields.wrong:
        where = f"{name}, row {line} has {width} field{'s' * (width > 1)}"
        if width > layout.width:
            cure = f"put values that hold a {word} into quotation marks{decimals}"
            faults.add(f"{where}, and {wanted}", cure)
        else:
            faults.add(
                f"{where}, fewer than the {layout.width} columns",
                "complete it, or remove it (the last one may be cut off)",
            )
    if len(fields.wrong) == MOST_FAULTS:
        faults.add(f"{name} was not read on from row {fields.wrong[-1][0]}", "")
    if fields.broken and fields.broken.inside:
        faults.add(
            f"{name}, row {fields.broken.line}: text follows a closing quotation mark",
            'write a quotation mark inside a quoted value twice ("")',
            quoting="set quoting to none",
        )
    elif fields.broken:
        faults.add(
            f"{name}, row {fields.broken.line}: a quotation mark is opened and not closed",
            "close it",
            quoting="set quoting to none",
        )


def frame_of(fields: Fields, layout: Layout) -> "pd.DataFrame":
    """Columns of text as a table; columns at the end without name and value are left out."""
    import numpy as np  # noqa: PLC0415 - as below
    import pandas as pd  # noqa: PLC0415 - takes long
    import pyarrow as pa  # noqa: PLC0415 - as above

    columns = fields.columns or [[] for _ in range(layout.width)]
    names = [in_words(name.strip()) for name in fields.names]
    while names and not names[-1] and not any(map(any_value, columns[len(names) - 1])):
        names.pop()
    names = named_columns(names) if layout.header else [str(i + 1) for i in range(len(columns))]
    text: Any = pd.StringDtype("pyarrow", na_value=np.nan)
    index = pd.Index(compact(fields.lines), name="row")
    series = []
    for pieces in columns[: len(names)]:
        chunks = pa.chunked_array(pieces, pa.large_string())
        series.append(pd.Series(pd.array(chunks, dtype=text), index=index))
    return pd.concat(series, axis=1).set_axis(names, axis="columns") if series else pd.DataFrame()


def compact(lines: "range | array[int]") -> "range | array[int]":
    """Lines of rows; where they count up, as a range, which takes no memory."""
    if len(lines) and lines[-1] - lines[0] == len(lines) - 1:
        return range(lines[0], lines[-1] + 1)
    return lines


def any_value(piece: "pa.Array") -> bool:
    """Return whether a piece of a column has any value but blanks."""
    return any(value.strip() for value in piece.to_pylist())


def below_groups(found: TableFile) -> TableFile:
    """A table whose columns have their names from the row below those of groups of columns."""
    names = names_below(found.frame) if found.form.header else None
    if names is None:
        return found
    told = f"row {found.frame.index[0]} has the names of columns, below those of groups of them"
    frame = found.frame.iloc[1:].infer_objects().set_axis(names, axis="columns")
    return replace(found, frame=frame, notes=(*found.notes, told))


def check_columns(found: TableFile, name: str, faults: Faults) -> None:
    """Note column names that are given more than once."""
    names = list(found.frame.columns)
    for column in sorted({column for column in names if names.count(column) > 1}):
        faults.add(f"{name} has more than one column {column!r}", "rename one")


def without_units(values: "pd.Series[Any]") -> "pd.Series[Any]":
    """The digits of numbers such as 1.234,50 EUR, where all texts of a column are numbers."""
    alone = values.str.replace(AROUND_DIGITS, "", regex=True)
    if alone.str.fullmatch(WITH_BLANKS).all():
        alone = alone.str.replace(BETWEEN_DIGITS, "", regex=True)
    return alone if alone.str.fullmatch(DIGITS).all() else values


def find_decimal(frame: "pd.DataFrame", layout: Layout) -> Decimal | None:
    """Find the decimal sign of a table; None where it is not certain.

    A comma that may stand between thousands is one before decimals where semicolons separate
    the fields, since commas are taken then.
    """
    import pandas as pd  # noqa: PLC0415 - as above

    rows = pd.concat([frame.iloc[:LOOKED_AT], frame.iloc[-LOOKED_AT:]])
    found: set[Decimal] = set()
    pointed = False
    for place in range(rows.shape[1]):
        values = without_units(rows.iloc[:, place].str.strip())
        pointed = pointed or bool(values.str.fullmatch(WITH_POINT.pattern).any())
        if values.str.fullmatch(MORE_POINTS.pattern).any():
            found |= {","} if values.str.fullmatch(POINTS.pattern).all() else set()
        values = values[values.str.contains(",", regex=False)]
        if values.empty:
            continue
        commas = values.str.fullmatch(WITH_COMMA.pattern)
        certain = layout.separator == ";" and layout.width > 1
        if commas.all() and (certain or values.str.fullmatch(CERTAIN_COMMA.pattern).any()):
            found.add(",")
        elif values.str.fullmatch(WITH_THOUSANDS.pattern).all():
            found |= {"."} if values.str.fullmatch(MORE_THOUSANDS.pattern).any() else set()
    return None if len(found) != 1 or (pointed and "," in found) else found.pop()
