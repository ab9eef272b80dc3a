"""Tables with a text and its translation in each row, and which columns these are."""

import html
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from rnn_core.errors import DataError
from rnn_core.readers.faults import Faults
from rnn_core.readers.formats.packed import name_inside, without_packing
from rnn_core.readers.languages import CODES, NAMES
from rnn_core.readers.plain_text import read_file_lines
from rnn_core.readers.splits import says_splits
from rnn_core.readers.table_files import TableForm, read_table_file

OTHER_TABLES = frozenset(("csv", "json", "jsonl", "ndjson", "parquet", "xlsx"))
"""Endings of tables that are read as those of other tasks, without the point."""

BARS = "|||"
"""Stands between a text and its translation in files of programs that align words."""


class PairTable(NamedTuple):
    """Rows with texts in several languages.

    Attributes:
        names: Names of the columns; None where the file has none, or they are its first row.
        rows: The number of each row in the file, and its fields.
        row: What a row is called.
        gaps: Whether a row may lack a text, and is left out then.
        notes: What was left out in reading it, a line each.
    """

    names: tuple[str, ...] | None
    rows: list[tuple[int, list[str]]]
    row: str = "line"
    gaps: bool = False
    notes: tuple[str, ...] = ()


def has_tabs(name: str) -> bool:
    """Return whether a file is called as tables with tabs are, whose quotation marks are text."""
    return without_packing(name).lower().endswith(".tsv")


def is_other_table(name: str) -> bool:
    """Return whether a file is called as tables with names, quotation marks or types are."""
    return without_packing(name).lower().rpartition(".")[2] in OTHER_TABLES


MARKUP = re.compile(
    r"\s*<(\?xml|!doctype|!--|srcset|refset|tstset|dataset|mteval|doc|url|tmx|xliff|html|mediawiki)\b",
    re.IGNORECASE,
)
"""The start of a file of markup, also of those of the evaluations of WMT and IWSLT."""

CATALOGUE = re.compile(r'(#.*\n|\s)*msg(id|ctxt)\s+"')
"""The start of a catalogue of gettext."""


def refuse_markup(lines: Sequence[str], name: str) -> None:
    """Refuse a file whose lines are not sentences but those of another format.

    Raises:
        DataError: If it is XML, SGML, HTML, or a catalogue of gettext.
    """
    start = "\n".join(lines[:200])
    cure = "save its texts alone, one sentence on each line"
    if MARKUP.match(start):
        raise DataError(f"{name} is XML, SGML or HTML, and its tags are no text; {cure}")
    if CATALOGUE.match(start):
        raise DataError(f"{name} is a catalogue of gettext; call it {name}.po, or {cure}")


def read_text_table(file: Path, encoding: str) -> PairTable:
    """Read lines of text, cut at tabs, or else at three bars; blank ones are left out.

    What Anki writes above its notes is no row; if it says that they are HTML, they are read so.
    """
    lines = read_file_lines(file, encoding)
    refuse_markup(lines, file.name)
    about = [line for line in lines[:10] if ANKI.match(line)]
    rows = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    rows = [(number, line) for number, line in rows if line not in about]
    bars = sum(BARS in line and "\t" not in line for _, line in rows)
    separator = BARS if 2 * bars > len(rows) else "\t"
    if any(line.strip().lower() == "#html:true" for line in about):
        rows = [(number, without_tags(line)) for number, line in rows]
    return PairTable(None, [(number, line.split(separator)) for number, line in rows])


ANKI = re.compile(r"#(separator|html|columns|tags|deck|notetype|guid)\b.*:", re.IGNORECASE)
"""A line that Anki writes above notes."""

TAG = re.compile(r"</?[a-zA-Z][^<>\t]*>")
BREAK = re.compile(r"<(br|div|p|li)\b[^<>\t]*>", re.IGNORECASE)


def without_tags(line: str) -> str:
    """A line of HTML as it is seen; a line break in it is a blank."""
    seen = html.unescape(TAG.sub("", BREAK.sub(" ", line)))
    return " ".join(seen.split("\n"))


def read_other_table(file: Path, encoding: str) -> PairTable:
    """Read a table in CSV, JSON, Excel or Parquet; names of columns of CSV are its first row.

    Raises:
        FaultsError: If it cannot be read.
    """
    faults = Faults()
    form = TableForm(encoding=None if encoding == "utf-8" else encoding, header=False)
    typed = not name_inside(file).lower().endswith(".csv")
    read = read_table_file(file, replace(form, header=None) if typed else form, faults)
    if not typed and read.form.character == " ":  # of one column of texts, and cut into words
        faults = Faults()
        read = read_table_file(file, replace(form, separator="comma"), faults)
    faults.check()
    frame = read.frame
    texts = frame.astype(object).where(frame.notna(), "").astype(str)
    rows = [(row, list(fields)) for row, *fields in texts.itertuples(name=None)]
    named = typed and read.form.header is not False
    return PairTable(tuple(map(str, frame.columns)) if named else None, rows)


WORDS = frozenset(
    """
    source target src tgt trg text texts sentence sentences word words translation translations
    """.split()  # noqa: SIM905 - one a line is longer than it is clear
)
"""Usual words in names of columns of texts."""

NAME = re.compile(r"\w+([ ./:-]\w+){0,3}")
"""A name of a column: a few words."""

REGION = re.compile(r"\b([a-z]{2,3})[-_]([A-Z]{2}|[A-Z][a-z]{3})\b")
"""A code of a language with its country, or its script."""


def is_name(text: str) -> bool:
    """Return whether a field is a usual name of a column of texts."""
    words = re.split(r"[ ./:_-]", REGION.sub(r"\1", text).lower())
    return bool(NAME.fullmatch(text)) and all(word in CODES | NAMES | WORDS for word in words)


def is_header(fields: Sequence[str]) -> bool:
    """Return whether a first row names columns."""
    return all(map(is_name, fields))


NO_TEXT = re.compile(r"\S*\d\S*|https?://\S+|")
"""A number, a mark such as `s-12`, an address, or nothing."""


def text_columns(table: PairTable) -> tuple[int, int]:
    """The columns of a text and its translation, from 1.

    They are the only two with usual names, or else the first two of texts. Files of programs for
    translators have their languages in the likeliest order. Sentence pairs of Tatoeba have the
    number of each sentence before it, and tables of databases begin with a number or mark of the
    row.
    """
    rows = [fields for _, fields in table.rows]
    width = min(map(len, rows), default=0)
    names = [name.strip() for name in table.names or (rows[0] if rows else ())][:width]
    below = rows if table.names else rows[1:] or rows
    texts = [column for column in range(width) if holds_texts([row[column] for row in below])]
    texts = [column for column in texts if column + 1 != split_column(table)]
    named = [column for column in texts if is_name(names[column])]
    named = [column for column in named if not has_few_texts([row[column] for row in below])]
    chosen = named if len(named) == 2 and not table.gaps else texts
    return (chosen[0] + 1, chosen[1] + 1) if len(chosen) > 1 else (1, 2)


def split_column(table: PairTable) -> int | None:
    """The column that says the split of each row, from 1; None if none does for certain."""
    rows = [fields for _, fields in table.rows]
    names = table.names or (rows[0] if rows else ())
    below = rows if table.names else rows[1:]
    for column in range(min(map(len, rows), default=0)):
        if says_splits(names[column], {row[column].strip() for row in below}):
            return column + 1
    return None


def has_few_texts(values: Sequence[str]) -> bool:
    """Return whether a column repeats a few texts, such as where each pair comes from."""
    return len(values) > 20 and len(set(values)) < len(values) / 10


def holds_texts(values: Sequence[str]) -> bool:
    """Return whether a column may be one of texts: it holds no marks, nor always the same."""
    if len(values) > 2 and len(set(values)) == 1:
        return False
    return not all(NO_TEXT.fullmatch(value.strip()) for value in values)
