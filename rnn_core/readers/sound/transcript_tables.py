"""Tables of recordings and their texts, as people and public collections have them."""

import csv
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from rnn_core.metric import Split
from rnn_core.readers.faults import Faults, FaultsError
from rnn_core.readers.sound.name_tokens import SPLIT_NAMES

ENDINGS = frozenset({".tsv", ".csv", ".txt"})

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
"""What columns are called in tables that people have, the usual name first."""

OWN = "transcripts"
"""What a table is called that lists every recording of its folder."""

ONE_OF = ("validated", "metadata")
"""What public collections call the table of all good recordings: Common Voice, and LJSpeech."""

SEPARATORS = "\t|;,"

REPLACED = "\N{REPLACEMENT CHARACTER}"

INVISIBLE = str.maketrans("", "", "\ufeff\u200b\u2060")
"""Characters that nobody sees and hears, left by editors and joined files."""


class Row(NamedTuple):
    """A row of a table of transcripts.

    Attributes:
        where: The table and the line in it, for a person.
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
    tables = [path for path in others if path.suffix.lower() in ENDINGS]
    if own := [path for path in tables if path.stem.lower() == OWN]:
        return own
    of_splits = [path for path in tables if path.stem.lower() in SPLIT_NAMES]
    kinds = {SPLIT_NAMES[path.stem.lower()] for path in of_splits}
    folders = {path.parent for path in of_splits}
    if "train" in kinds and len(kinds) == len(of_splits) > 1 and len(folders) == 1:
        return of_splits
    for stem in ONE_OF:
        if named := [path for path in tables if path.stem.lower() == stem]:
            return named
    tables = [path for path in tables if path.suffix.lower() != ".txt"]
    return tables if len(tables) == 1 else []


def read_tables(tables: Sequence[Path], faults: Faults) -> list[Row]:
    """The rows of tables of transcripts; what is wrong with them is noted.

    Raises:
        FaultsError: If there are none.
    """
    rows: list[Row] = []
    for table in tables:
        with faults.noted():
            rows += read_table(table, faults, several=len(tables) > 1)
    if not rows:
        faults.check()
    return rows


def read_table(table: Path, faults: Faults, several: bool) -> list[Row]:
    """The rows of a table.

    Args:
        table: The file.
        faults: Where it is noted what is wrong with rows.
        several: Whether there is a table for each split, which it is called by.

    Raises:
        FaultsError: If it cannot be read, or lacks a column.
    """
    lines = list(fields_of(table, decoded(table)))
    if not lines:
        raise FaultsError({"write a row for each recording": [f"{table.name} is empty"]})
    header, body, columns = columns_of(table, lines)
    if not body:
        raise FaultsError({"write one for each recording": [f"{table.name} has no rows"]})
    rows = []
    of_all: Split | None = SPLIT_NAMES[table.stem.lower()] if several else None
    for line, fields in body:
        where = f"{table.name}, row {line}"
        while len(fields) > len(header) and not fields[-1].strip():
            fields.pop()
        if len(fields) > len(header):
            what = f"{where} has {len(fields)} fields, and the first row {len(header)}"
            faults.add(what, "put texts that hold what separates the fields into quotation marks")
        values = [*fields, *[""] * (len(header) - len(fields))]
        file, text, speaker, take, split = (
            "" if place is None else values[place].strip() for place in columns
        )
        given = SPLIT_NAMES.get(split.lower(), of_all)
        row = Row(
            where,
            table,
            file.translate(INVISIBLE),
            clean(text),
            clean(speaker) or None,
            take or None,
            given,
        )
        check_row(row, faults)
        rows.append(row)
    return rows


def check_row(row: Row, faults: Faults) -> None:
    """Note a row that names no recording or has no text that can be read."""
    odd = [
        c for c in row.text if unicodedata.category(c) == "Cc" or c == "\N{REPLACEMENT CHARACTER}"
    ]
    if not row.file:
        faults.add(f"{row.where} names no recording", "name it or drop the row")
    elif not row.text:
        faults.add(f"{row.where}: {row.file} has no text", "write it or drop the row")
    elif odd:
        faults.add(
            f"{row.where} holds U+{ord(odd[0]):04X}, which is no character of a text",
            "save the table as UTF-8, from a program that shows its texts rightly",
        )


def clean(text: str) -> str:
    """A text with single spaces between words, in one Unicode form, without what is invisible."""
    return unicodedata.normalize("NFC", " ".join(text.translate(INVISIBLE).split()))


def decoded(table: Path) -> str:
    """The text of a table.

    Raises:
        FaultsError: If it is not UTF-8.
    """
    content = table.read_bytes()
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        what = f"{table.name}, line {line} is not UTF-8"
        raise FaultsError({"save it as UTF-8": [what]}) from None


def fields_of(table: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """The lines of a table that are not blank, with their numbers, in fields.

    Between tabs and bars a quotation mark is a part of the text, as public collections have it.
    """
    separator = "\t" if table.suffix.lower() == ".tsv" else separator_of(text)
    if separator in "\t|":
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                yield number, line.split(separator)
        return
    lines = iter(text.splitlines(keepends=True))
    reader = csv.reader(lines, delimiter=separator, strict=True)
    start = 1
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            what = f"{table.name}, row {start}: {error} (a quotation mark is opened there)"
            cure = "close it; inside a text write two of them"
            raise FaultsError({cure: [what]}) from None
        if any(field.strip() for field in fields):
            yield start, fields
        start = reader.line_num + 1


def separator_of(text: str) -> str:
    """What separates fields: what is in every line, or else most often in the first."""
    lines = [line for line in text.split("\n") if line.strip()]
    for separator in SEPARATORS:
        if lines and all(separator in line for line in lines):
            return separator
    return max(SEPARATORS, key=lines[0].count) if lines else ","


def columns_of(
    table: Path, lines: list[tuple[int, list[str]]]
) -> tuple[list[str], list[tuple[int, list[str]]], tuple[int | None, ...]]:
    """The names of columns, the rows below, and the places of file, text, speaker, take and split.

    Without names the first column is of files, and the last of texts, as in LJSpeech.

    Raises:
        FaultsError: If a column is missing.
    """
    header = [name.strip() for name in lines[0][1]]
    while header and not header[-1]:
        header.pop()
    names = [name.lower() for name in header]
    found = tuple(
        next((names.index(name) for name in known if name in names), None)
        for known in (FILES, TEXTS, SPEAKERS, TAKES, SPLITS_OF_ROWS)
    )
    if found[0] is not None and found[1] is not None:
        return header, lines[1:], found
    if table.stem.lower() == "metadata" and found[0] is None and len(header) > 1:
        return header, lines, (0, len(header) - 1, None, None, None)
    column = "file" if found[0] is None else "text"
    cure = f"name its columns in the first row: {FILES[0]} and {TEXTS[0]}, with tabs between"
    raise FaultsError({cure: [f"{table.name} has no column {column!r}, only {header}"]})
