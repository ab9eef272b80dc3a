"""Texts with their translations: two aligned files, or one table with both on each line."""

import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from rnn_core.errors import DataError
from rnn_core.metric import SPLITS, Split
from rnn_core.readers.faults import Faults, then
from rnn_core.readers.formats.packed import name_inside
from rnn_core.readers.pair_files import Files, is_table
from rnn_core.readers.pair_tables import (
    PairTable,
    has_header,
    is_other_table,
    read_other_table,
    read_text_table,
    refuse_markup,
    split_column,
    splits_not_read,
    text_columns,
    wider_rows,
)
from rnn_core.readers.plain_text import one_line, read_file_lines
from rnn_core.readers.splits import splits_named
from rnn_core.readers.translation_units import is_units, read_units

LONGEST_LINE = 10_000
"""Most characters of a line; a longer one is no sentence."""


class Pair(NamedTuple):
    """A text and its translation."""

    source: str
    target: str


def read_lines(file: Path, encoding: str) -> list[str]:
    """Read a text file line by line, each cleaned as `clean` does.

    Raises:
        DataError: If it is not a text file, is blank or markup, or a line is too long.
    """
    lines = read_file_lines(file, encoding)
    refuse_markup(lines, file.name, name_inside(file))
    faults = Faults()
    for number, line in enumerate(lines, start=1):
        with faults.noted():
            check_length(line, f"{file.name}, line {number}")
    faults.check()
    return [clean(line) for line in lines]


def check_length(text: str, where: str) -> None:
    """Refuse a text that cannot be a sentence.

    Raises:
        DataError: If it has more characters than `LONGEST_LINE`.
    """
    if len(text) > LONGEST_LINE:
        raise DataError(
            f"{where} has {len(text)} characters, more than {LONGEST_LINE}; put one sentence on "
            "each line"
        )


def clean(text: str, lower_case: bool = False) -> str:
    """A text as it is seen, each run of blanks as one; in lower case if wanted."""
    text = one_line(text)
    return unicodedata.normalize("NFC", text.lower()) if lower_case else text


def read_pairs(files: Files, columns: tuple[int, int], encoding: str) -> list[Pair]:
    """Read two aligned files, or a table of pairs; lines that are empty in both are left out.

    Args:
        files: As `pair_files` finds them.
        columns: Of a table, those of a text and its translation, from 1.
        encoding: See `rnn_core.readers.plain_text.text_pieces`.

    Raises:
        DataError: If they are not aligned, or not two languages.
    """
    if files.target is None:
        pairs = read_table(files.source, columns, encoding)
        names = f"columns {columns[0]} and {columns[1]} of {files.source.name}"
    else:
        pairs = read_aligned(files.source, files.target, encoding)
        names = f"{files.source.name} and {files.target.name}"
    check_translated(pairs, names)
    return pairs


def check_translated(pairs: Sequence[Pair], names: str) -> None:
    """Refuse texts whose translations are mostly the same.

    Raises:
        DataError: If they are.
    """
    same = sum(pair.source == pair.target for pair in pairs)
    if 2 * same > len(pairs):
        raise DataError(
            f"{names} have the same text on {same} of {len(pairs)} lines; is one of them "
            "untranslated?"
        )


def read_aligned(source_file: Path, target_file: Path, encoding: str) -> list[Pair]:
    """Read two aligned files; blank lines that only one has at its end are no lines of it.

    Raises:
        DataError: If they are not aligned.
    """
    source, target = read_lines(source_file, encoding), read_lines(target_file, encoding)
    counts = len(source), len(target)
    for lines, other in ((source, counts[1]), (target, counts[0])):
        while len(lines) > other and not lines[-1]:
            lines.pop()
    if len(source) != len(target):
        raise DataError(
            f"{source_file.name} and {target_file.name} are not aligned: they have {counts[0]} "
            f"and {counts[1]} lines; line i of one must translate line i of the other"
        )
    pairs = list(map(Pair, source, target))
    faults = Faults()
    for number, pair in enumerate(pairs, start=1):
        if bool(pair.source) != bool(pair.target):
            order = (source_file, target_file) if pair.target else (target_file, source_file)
            faults.add(
                f"{order[0].name}, line {number} is empty, but that of {order[1].name} is not",
                "remove the line from both",
            )
    faults.check()
    return [pair for pair in pairs if pair.source]


def read_table(file: Path, columns: tuple[int, int], encoding: str) -> list[Pair]:
    """Read a table with a text and its translation in each row; see `rows_of`."""
    return [row.pair for row in rows_of(file, columns, encoding)]


def read_by_split(
    file: Path, columns: tuple[int, int], split: int, encoding: str
) -> dict[Split, list[Pair]]:
    """Read a table with the split of each row in a column; splits without a row are left out.

    Args:
        file: The table.
        columns: Those of a text and its translation, from 1.
        split: That of the split.
        encoding: See `rnn_core.readers.plain_text.text_pieces`.

    Raises:
        DataError: If a row has no split, or none belongs to the training set.
    """
    rows, faults = list(rows_of(file, columns, encoding, split)), Faults()
    named = splits_named(row.fields[split - 1].strip() for row in rows)
    found: dict[Split, list[Pair]] = {one: [] for one in SPLITS}
    for row in rows:
        value = row.fields[split - 1].strip()
        if value in named:
            found[named[value]].append(row.pair)
        else:
            what = f"{row.where}: {value!r} in column {split} is no split"
            faults.add(what, "write train, validation or test, or set data.split_column to null")
    faults.check()
    if not found["train"]:
        raise DataError(
            f"{file.name}: no row has 'train' in column {split}; write it in those to train on"
        )
    return {one: pairs for one, pairs in found.items() if pairs}


class PairRow(NamedTuple):
    """A row of a table of pairs.

    Attributes:
        where: The table and the row, for messages.
        fields: All of its fields.
        pair: The text and its translation.
    """

    where: str
    fields: list[str]
    pair: Pair


def rows_of(
    file: Path, columns: tuple[int, int], encoding: str, split: int | None = None
) -> Iterator[PairRow]:
    """Read the rows of a table that have a text and its translation.

    Lines of names of columns are left out; see `has_header`. So is a row that lacks a text,
    in a file of a program for translators.

    Args:
        file: The table.
        columns: Those of a text and its translation, from 1.
        encoding: See `rnn_core.readers.plain_text.text_pieces`.
        split: The column of splits, which each row has to have too; None if there is none.

    Raises:
        DataError: If a line has no such columns; names all of them, after the last row.
    """
    table = pair_table(file, encoding)
    check_columns(table, file)
    header = [fields for _, fields in table.rows[:1] if has_header(table, columns, split)]
    found, faults = False, Faults()
    for number, fields in table.rows:
        where = f"{file.name}, {table.row} {number}"
        if len(fields) < max(*columns, split or 1):
            faults.add(
                f"{where} has {len(fields)} column{'s' * (len(fields) != 1)}",
                "a file of pairs has on each line a text, a tab, and its translation; "
                "data.columns says which columns these are",
            )
            continue
        if fields in header:  # again in each part of joined files
            continue
        pair = Pair(*(clean(fields[column - 1]) for column in columns))
        with faults.noted():
            for text in pair:
                check_length(text, where)
        if not (pair.source and pair.target):
            if not table.gaps:
                faults.add(f"{where} lacks a text", "complete the line, or remove it")
        else:
            found = True
            yield PairRow(where, fields, pair)
    faults.check()
    if not found:
        raise DataError(f"{file.name} holds no pairs")


def check_columns(table: PairTable, file: Path) -> None:
    """Refuse a table with one column.

    Raises:
        DataError: If it has no more.
    """
    if not all(len(fields) == 1 for _, fields in table.rows):
        return
    name = file.name
    if is_other_table(name_inside(file)):
        raise DataError(
            f"{name} has one column alone; put the translations into a second one"
            f"{then(table.notes)}"
        )
    raise DataError(
        f"{name} has a tab on none of its {len(table.rows)} lines; a file of pairs has on each "
        "line a text, a tab, and its translation: save it so, with a name such as pairs.tsv"
    )


def pair_table(file: Path, encoding: str) -> PairTable:
    """Read a table of pairs, whatever its format.

    Raises:
        DataError: If it cannot be read.
    """
    name = name_inside(file)
    if is_units(name):
        return read_units(file, encoding)
    if is_other_table(name):
        return read_other_table(file, encoding, name)
    return read_text_table(file, encoding, name)


class UsualColumns(NamedTuple):
    """Columns of a table, counted from 1.

    Attributes:
        texts: Those of a text and its translation.
        split: That of the split of each row; None if there is none.
    """

    texts: tuple[int, int]
    split: int | None


def usual_columns(file: Path, encoding: str) -> UsualColumns:
    """Columns by their names and contents; see `text_columns` and `split_column`."""
    table = pair_table(file, encoding)
    return UsualColumns(text_columns(table), split_column(table))


class Columns(NamedTuple):
    """Columns of a table, as messages describe them.

    Attributes:
        names: Those of the text and of its translation, where it has names.
        notes: What is left out, and other columns, a line each.
    """

    names: tuple[str, str] | None
    notes: tuple[str, ...]


def told_columns(
    file: Path,
    columns: tuple[int, int],
    encoding: str,
    split: int | None = None,
    num_files: int = 1,
) -> Columns:
    """Describe the columns of a table that can be read.

    Args:
        file: The table.
        columns: Those of a text and its translation, from 1.
        encoding: See `rnn_core.readers.plain_text.text_pieces`.
        split: That of the splits; None if it is not read.
        num_files: How many tables there are, each for a split; 1: the only one.
    """
    table = pair_table(file, encoding)
    notes = [*table.notes]
    at = [column - 1 for column in columns]
    notes += wider_rows(table, file.name)
    if split is None:
        notes += splits_not_read(table, file.name, columns, num_files)
    if table.gaps and (gaps := sum(not all(clean(row[i]) for i in at) for _, row in table.rows)):
        notes.append(f"{gaps:,} {table.row}s of {file.name} that lack a text are left out")
    if table.gaps and table.names and len(table.names) > 2:
        there = ", ".join(f"{name} ({place})" for place, name in enumerate(table.names, 1))
        notes.append(f"{file.name} has texts in {there}; --set columns=[2,1] takes others")
    names = table.names
    if has_header(table, columns, split):
        names = tuple(table.rows[0][1])
    return Columns((names[at[0]], names[at[1]]) if names else None, tuple(notes))


def read_sources(
    file: Path,
    columns: tuple[int, int],
    encoding: str,
    *,
    of_pairs: bool,
    split: int | None = None,
) -> list[tuple[int, str]]:
    """Read texts to translate: the lines of a text file, or the column of them in a table.

    Args:
        file: The file.
        columns: Of a table, those of a text and its translation, from 1.
        encoding: See `rnn_core.readers.plain_text.text_pieces`.
        of_pairs: Whether a text file whose lines have several columns is a table.
        split: That of the splits, in the table that the model learned from; None if there is none.

    Returns:
        The number of each line or row, and its text.

    Raises:
        DataError: If it cannot be read.
    """
    table = source_table(file, encoding, of_pairs)
    if table is None:
        return list(enumerate(read_lines(file, encoding), 1))
    if not of_pairs:
        columns = text_columns(table)
    rows, faults = [], Faults()
    for number, fields in table.rows[has_header(table, columns, split) :]:
        text = clean(fields[columns[0] - 1 if len(fields) >= columns[0] else 0])
        if 1 < len(fields) < columns[0]:
            faults.add(
                f"{file.name}, {table.row} {number} has {len(fields)} columns",
                f"give texts in column {columns[0]}, as in the table that the model learned from, "
                "or in a file of texts alone",
            )
        with faults.noted():
            check_length(text, f"{file.name}, {table.row} {number}")
        rows.append((number, text))
    faults.check()
    if not rows:
        raise DataError(f"{file.name} holds no texts")
    return rows


def source_table(file: Path, encoding: str, of_pairs: bool) -> PairTable | None:
    """A file as a table; None if it is one text on each line."""
    called_so = is_table(file)
    if not (called_so or of_pairs):
        return None
    table = pair_table(file, encoding)
    several = sum(len(fields) > 1 for _, fields in table.rows)
    return table if called_so or 2 * several > len(table.rows) else None
