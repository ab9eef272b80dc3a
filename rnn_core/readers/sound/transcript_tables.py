"""Tables of recordings and their texts, as people and public collections have them."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rnn_core.metric import Split
from rnn_core.readers.faults import Faults
from rnn_core.readers.odd_characters import REPLACED
from rnn_core.readers.plain_text import INVISIBLE, one_line
from rnn_core.readers.splits import splits_named
from rnn_core.readers.table_files import TableFile, TableForm, is_table_file, read_table_file

FILES = (
    "file",
    "path",
    "filename",
    "file_name",
    "audio",
    "audio_path",
    "audio_filepath",
    "wav_filename",
    "wav",
    "id",
)
TEXTS = ("text", "sentence", "transcript", "transcription", "normalized_text")
SPEAKERS = ("speaker", "speaker_id", "client_id")
TAKES = ("take",)
SPLITS_OF_ROWS = ("split", "set", "subset")
"""Usual names of the columns of a table of recordings, the most usual first."""

OWN = "transcripts"
"""Name of the user's table that lists every recording of its folder."""

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
    speaker: str | None
    take: str | None
    split: Split | None


def find_tables(others: Sequence[Path]) -> list[Path]:
    """The tables of transcripts among the files that are no recordings; empty if there are none.

    They are called transcripts.tsv or .csv; or train, dev and test; or validated or metadata,
    as public collections have them; or there is but one table.
    """
    tables = [path for path in others if is_table_file(path)]
    if own := [path for path in tables if path.stem.lower() == OWN]:
        return own
    named = splits_named(path.stem for path in tables)
    of_splits = [path for path in tables if path.stem in named]
    kinds = {named[path.stem] for path in of_splits}
    folders = {path.parent for path in of_splits}
    if "train" in kinds and len(kinds) == len(of_splits) > 1 and len(folders) == 1:
        return of_splits
    for stem in ONE_OF:
        if of_all := [path for path in tables if path.stem.lower() == stem]:
            return of_all
    tables = [path for path in tables if path.suffix.lower() not in {".txt", ".json"}]
    return tables if len(tables) == 1 else []


def read_tables(tables: Sequence[Path], faults: Faults) -> tuple[list[Row], list[str]]:
    """The rows of tables of transcripts; what is wrong with them is noted.

    Returns:
        The rows, and messages about decisions in reading them.

    Raises:
        FaultsError: If there are none.
    """
    rows: list[Row] = []
    notes: list[str] = []
    named = splits_named(table.stem for table in tables) if len(tables) > 1 else {}
    for table in tables:
        own = Faults()
        with faults.noted():
            found, told = read_table(table, own, named.get(table.stem))
            rows += found
            notes += told
            own.check()
    if not rows:
        faults.check()
    return rows, notes


def read_table(table: Path, faults: Faults, split: Split | None) -> tuple[list[Row], list[str]]:
    """The rows of a table, and what was decided in reading it.

    Args:
        table: The file.
        faults: Where it is noted what is wrong with rows.
        split: Split of the whole table, unless a column says another; None: any.

    Raises:
        FaultsError: If it cannot be read, or lacks a column.
    """
    read, columns = table_with_columns(table, faults)
    of_rows = [] if columns[-1] is None else list(read.frame.iloc[:, columns[-1]].astype(str))
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


def table_with_columns(table: Path, faults: Faults) -> tuple[TableFile, tuple[int | None, ...]]:
    """A table, and the places of its columns of files, texts, speakers, takes and splits.

    Between tabs and bars a quotation mark is a part of the text, as public collections have it.
    Without names of columns the first has files, and the last texts, as in LJSpeech.

    Raises:
        FaultsError: If it cannot be read, or lacks a column.
    """
    if is_nameless(table):
        bars = TableForm(separator="bar", quoting="none", header=False)
        read = read_table_file(table, bars, faults)
        return read, (0, len(read.frame.columns) - 1, None, None, None)
    tabs = TableForm(separator="tab", quoting="none", header=True)
    other = TableForm(quoting="double" if table.suffix.lower() == ".csv" else None, header=True)
    read = read_table_file(table, tabs if table.suffix.lower() == ".tsv" else other, faults)
    names = [str(name).strip().lower() for name in read.frame.columns]
    places = tuple(
        next((names.index(name) for name in known if name in names), None)
        for known in (FILES, TEXTS, SPEAKERS, TAKES, SPLITS_OF_ROWS)
    )
    for place, column in zip(places, ("file", "text"), strict=False):
        if place is None:
            faults.add(
                f"{table.name} has no column {column!r}, only {list(read.frame.columns)}",
                "name its columns in the first row: file and text, with tabs between",
            )
            faults.check()
    return read, places


def is_nameless(table: Path) -> bool:
    """Return whether a table is like LJSpeech's: fields between bars, no names of columns."""
    if table.stem.lower() != "metadata":
        return False
    with table.open(encoding="utf-8-sig", errors="replace") as file:
        fields = file.readline().strip().lower().split("|")
    return len(fields) > 1 and not set(fields) & {*FILES, *TEXTS}


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
