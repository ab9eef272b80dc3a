"""Tables of recordings and their texts, as people and public collections have them."""

import unicodedata
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from rnn_core.errors import DataError
from rnn_core.metric import Split
from rnn_core.readers.faults import Faults, FaultsError, then
from rnn_core.readers.odd_characters import REPLACED
from rnn_core.readers.plain_text import INVISIBLE, one_line
from rnn_core.readers.sound.recording_columns import (
    FILES,
    Columns,
    Wanted,
    column_of_files,
    with_columns,
)
from rnn_core.readers.splits import split_word, splits_named
from rnn_core.readers.table_files import TableFile, is_table_file

OWN = "transcripts"
"""Name of the user's table that lists every recording of its folder."""

CERTAIN = frozenset({".csv", ".tsv", ".parquet", ".xlsx", ".jsonl", ".gz", ".zip"})
"""Endings that other files than tables hardly have."""

MOST_FILES = 50
"""Files that are opened to see whether they are tables of recordings."""

LARGEST = 200 * 2**20
"""Bytes of a file that is opened to see whether it is a table or list of recordings."""

ONE_OF = ("validated", "metadata")
"""Names of the table of all good recordings in public collections: Common Voice, and LJSpeech."""


class Row(NamedTuple):
    """A row of a table of transcripts.

    Attributes:
        where: The table and the line in it, for messages.
        table: The table.
        file: What it calls the recording.
        text: What is said, in Unicode's composed form (NFC).
        speaker: Who says it; None if nothing tells.
        take: Which try it is; None if nothing tells.
        split: What it is for; None if nothing tells.
    """

    where: str
    table: Path
    file: str
    text: str
    speaker: str | None = None
    take: str | None = None
    split: Split | None = None


def usual_tables(others: Sequence[Path]) -> list[Path]:
    """The tables that are called as those of transcripts are; empty if there are none.

    They are called transcripts.tsv or .csv; or train, dev and test; or validated or metadata,
    as public collections have them.
    """
    tables = called_tables(others)
    if own := [path for path in tables if path.stem.lower() == OWN]:
        return own
    if of_splits := tables_of_splits(tables):
        return of_splits
    for stem in ONE_OF:
        if of_all := [path for path in tables if path.stem.lower() == stem]:
            return of_all
    return []


def called_tables(others: Sequence[Path]) -> list[Path]:
    """The files that are called as tables are."""
    return [path for path in others if is_table_file(path) and path.is_file()]


def tables_of_recordings(others: Sequence[Path], wanted: Wanted) -> list[Path]:
    """The tables that have the columns that are needed, whatever they are called."""
    called = called_tables(others)
    certain = [path for path in called if path.suffix.lower() in CERTAIN]
    further = [path for path in called if path not in certain]
    looked_at = [*certain, *further][:MOST_FILES]
    small = [path for path in looked_at if path.stat().st_size <= LARGEST]
    return [path for path in called if path in small and lists(path, wanted)]


def only_table(others: Sequence[Path]) -> list[Path]:
    """The only file that is certainly meant as a table; empty if there is none."""
    called = called_tables(others)
    tables = [path for path in called if path.suffix.lower() in CERTAIN]
    return tables if len(tables) == 1 else []


def tables_of_splits(tables: Sequence[Path]) -> list[Path]:
    """Those called train, dev and test in one folder, or alike in folders called so; or none."""
    named = splits_of(tables)
    found = [path for path in tables if path in named]
    kinds = set(named.values())
    together = len({path.parent for path in found}) in {1, len(found)}
    return found if "train" in kinds and len(kinds) == len(found) > 1 and together else []


def splits_of(tables: Sequence[Path]) -> dict[Path, Split]:
    """The splits of tables by their names, a word in these such as train_manifest, or folders."""
    names: tuple[Callable[[Path], str], ...] = (
        lambda path: path.stem,
        lambda path: split_word(path.stem) or "",
        lambda path: path.parent.name,
    )
    for name_of in names:
        named = splits_named(map(name_of, tables))
        if found := {path: named[name_of(path)] for path in tables if name_of(path) in named}:
            return found
    return {}


def lists(table: Path, wanted: Wanted) -> bool:
    """Return whether a file is a table that has recordings, and what is said in them.

    One whose encoding is not certain may be one too: reading it tells what is wrong.
    """
    for encoding in (None, "latin-1"):
        with suppress(DataError):
            read, columns = with_columns(table, wanted, Faults(), encoding)
            return columns.said is not None and column_of_files(read.frame, wanted) is not None
    return False


def read_tables(
    tables: Sequence[Path], wanted: Wanted, faults: Faults
) -> tuple[list[Row], list[str]]:
    """The rows of tables of transcripts; what is wrong with them is noted.

    Returns:
        The rows, and messages about decisions in reading them.

    Raises:
        FaultsError: If there are none.
    """
    rows: list[Row] = []
    notes: list[str] = []
    named = splits_of(tables) if len(tables) > 1 else {}
    for table in tables:
        own = Faults(lacking=("encoding", "quoting"))
        with faults.noted():
            found, told = read_table(table, wanted, own, named.get(table))
            rows += found
            notes += told
            own.check()
    if not rows:
        faults.check()
    return rows, notes


def read_table(
    table: Path, wanted: Wanted, faults: Faults, split: Split | None
) -> tuple[list[Row], list[str]]:
    """The rows of a table, and what was decided in reading it.

    Args:
        table: The file.
        wanted: Its columns.
        faults: Where it is noted what is wrong with rows.
        split: Split of the whole table, unless a column says another; None: any.

    Raises:
        FaultsError: If it cannot be read, or lacks a column.
    """
    read, columns = with_columns(table, wanted, faults)
    check_columns(table, read, columns, wanted)
    of_rows = [] if columns.split is None else list(read.frame.iloc[:, columns.split].astype(str))
    splits = splits_named({value.strip() for value in of_rows})
    rows = []
    for line, *values in read.frame.astype(str).itertuples(name=None):
        if not any(value.strip() for value in values):
            continue
        file, text, speaker, take, said = (
            "" if place is None else values[place].strip() for place in columns
        )
        named = INVISIBLE.sub("", file), one_line(text), one_line(speaker) or None, take or None
        row = Row(f"{table.name}, row {line}", table, *named, splits.get(said, split))
        check_row(row, faults)
        rows.append(row)
    notes = [f"{table.name}: {note}" for note in read.notes]
    if read.form.encoding and not read.form.encoding.startswith(("utf-8", "ascii")):
        notes.append(f"{table.name} is read as {read.form.encoding}, since it is not UTF-8")
    return rows, notes


def check_columns(table: Path, read: TableFile, columns: Columns, wanted: Wanted) -> None:
    """Refuse a table without the columns that are needed.

    Raises:
        FaultsError: If one is missing.
    """
    needed = (FILES[0], columns.file), (wanted.said[0], columns.said)
    for column, place in needed:
        if place is None:
            there = f"only {list(read.frame.columns)}{then(read.notes)}"
            what = f"{table.name} has no column {column!r}, {there}"
            cure = f"name its columns in the first row: file and {wanted.said[0]}"
            raise FaultsError.one(what, f"{cure}, with tabs between")


def check_row(row: Row, faults: Faults) -> None:
    """Note a row that names no recording or has no text that can be read."""
    odd = [c for c in row.text if unicodedata.category(c) == "Cc" or c == REPLACED]
    if not row.file:
        faults.add(f"{row.where} names no recording", "name it or drop the row")
    elif not row.text:
        faults.add(f"{row.where}: {row.file} has no text", "write it or drop the row")
    elif odd:
        faults.add(
            f"{row.where} holds U+{ord(odd[0]):04X}, which is no character of a text",
            "save the table as UTF-8, from a program that shows its texts rightly",
        )
