"""Tables with a text and its translation in each row, and which columns these are."""

import html
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from rnn_core.errors import DataError
from rnn_core.readers.faults import Faults
from rnn_core.readers.formats.first_bytes import MARKUP, SUBTITLES, kind_of
from rnn_core.readers.formats.packed import without_packing
from rnn_core.readers.languages import CODES, NAMES
from rnn_core.readers.plain_text import one_line, read_file_lines
from rnn_core.readers.splits import SPLIT_NAMES, calls_splits, says_splits
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


CATALOGUE = re.compile(r'(#.*\n|\s)*msg(id|ctxt)\s+"')
"""The start of a catalogue of gettext."""


def refuse_markup(lines: Sequence[str], name: str, inside: str) -> None:
    """Refuse a file whose lines are not sentences but those of another format.

    Args:
        lines: The lines.
        name: The name of the file.
        inside: That of the one in it if it is packed, or else the same.

    Raises:
        DataError: If it is XML, SGML, HTML, JSON, subtitles, or a catalogue of gettext.
    """
    start = "\n".join(lines[:200])
    cure = "save its texts alone, one sentence on each line"
    kind = kind_of(start)
    if kind in MARKUP:
        raise DataError(f"{name} is XML, SGML or HTML, and its tags are no text; {cure}")
    if kind == SUBTITLES:
        raise DataError(f"{name} is {kind}, and its times are no text; {cure}")
    if start.lstrip().startswith(("{", "[")) and (
        is_json("\n".join(lines)) or all(is_json(line) for line in lines if line.strip())
    ):
        raise DataError(f"{name} is JSON, and its keys are no text; {cure}")
    if CATALOGUE.match(start):
        what = "it" if inside == name else "what is in it"
        raise DataError(f"{name} is a catalogue of gettext; call {what} {inside}.po, or {cure}")


def is_json(text: str) -> bool:
    """Return whether a text is JSON."""
    with suppress(ValueError):
        json.loads(text)
        return True
    return False


def read_text_table(file: Path, encoding: str, inside: str) -> PairTable:
    """Read lines of text, cut at tabs, or else at three bars; blank ones are left out.

    What Anki writes above its notes is no row; if it says that they are HTML, they are read so.

    Args:
        file: The file, packed or not.
        encoding: See `rnn_core.readers.plain_text.text_pieces`.
        inside: The name of the file, or of the one in a packed one.
    """
    lines = read_file_lines(file, encoding)
    refuse_markup(lines, file.name, inside)
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


def read_other_table(file: Path, encoding: str, inside: str) -> PairTable:
    """Read a table in CSV, JSON, Excel or Parquet; names of columns of CSV are its first row.

    Args:
        file: The file, packed or not.
        encoding: Of a text; that of one in UTF-8 is found.
        inside: The name of the file, or of the one in a packed one.

    Raises:
        FaultsError: If it cannot be read.
    """
    faults = Faults(lacking=("quoting",))
    form = TableForm(encoding=None if encoding == "utf-8" else encoding, header=False)
    typed = not inside.lower().endswith(".csv")
    read = read_table_file(file, replace(form, header=None) if typed else form, faults)
    if not typed and read.form.character == " ":  # of one column of texts, and cut into words
        faults = Faults(lacking=("quoting",))
        read = read_table_file(file, replace(form, separator="comma"), faults)
    faults.check()
    frame = read.frame
    columns = [
        map(str, values.astype(object).where(values.notna(), "").tolist())
        for _, values in frame.items()
    ]
    fields = map(list, zip(*columns, strict=True))
    rows = list(zip(frame.index.tolist(), fields, strict=True))
    named = typed and read.form.header is not False
    return PairTable(tuple(map(str, frame.columns)) if named else None, rows, notes=read.notes)


WORDS = frozenset(
    """
    source target src tgt trg text texts sentence sentences word words translation translations
    original input output question answer prompt response
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


def has_header(table: PairTable, columns: tuple[int, int], split: int | None = None) -> bool:
    """Return whether the first row of a table names its columns, and is no pair.

    Its texts are usual names then. Or else the column of splits has a word in it that is none, and
    a split below it.

    Args:
        table: The table.
        columns: Those of a text and its translation, from 1.
        split: That of the splits; None if there is none.
    """
    if table.names is not None or not table.rows:
        return False
    first = table.rows[0][1]
    told = [one_line(first[place - 1]) for place in columns if place <= len(first)]
    if is_header(told or first[:1]):
        return True
    wide = [fields for _, fields in table.rows[:2] if split and len(fields) >= max(*columns, split)]
    words = [fields[split - 1].strip().lower() for fields in wide if split]
    return len(words) > 1 and words[0] not in {"", *SPLIT_NAMES} and words[1] in SPLIT_NAMES


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


def splits_not_read(
    table: PairTable, name: str, columns: tuple[int, int], num_files: int
) -> Iterator[str]:
    """Report a column that is called as one of splits, and is not read."""
    first = table.names or (table.rows[0][1] if table.rows else ())
    others = [title for place, title in enumerate(first, 1) if place not in columns]
    called = next(filter(calls_splits, others), None)
    if called is not None and (num_files > 1 or split_column(table) is None):
        why = "its values are no names of splits, such as train and test"
        why = "files tell the splits" if num_files > 1 else why
        yield f"column {called!r} of {name} is not read, since {why}"


def wider_rows(table: PairTable, name: str) -> Iterator[str]:
    """Report rows with more columns than most, where a text may hold a separator."""
    widths = Counter(len(fields) for _, fields in table.rows)
    usual = widths.most_common(1)[0][0] if widths else 0
    wider = [number for number, fields in table.rows if len(fields) > usual]
    if wider:
        yield (
            f"{name}, {table.row} {wider[0]}, and {len(wider):,} in all have more columns than "
            f"the {usual} of most {table.row}s: if a text holds a separator, its rest is taken for "
            "another one"
        )
