"""Texts with their translations: two aligned files, or one table with both on each line."""

import unicodedata
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from rnn_core.errors import DataError, ParameterError
from rnn_core.readers.faults import Faults
from rnn_core.readers.folders import visible_files
from rnn_core.readers.pair_tables import (
    PairTable,
    has_tabs,
    is_header,
    is_other_table,
    read_other_table,
    read_text_table,
    refuse_markup,
    text_columns,
)
from rnn_core.readers.plain_text import one_line, read_file_lines
from rnn_core.readers.text_files import is_note
from rnn_core.readers.translation_units import is_units, is_xml, read_units

LONGEST_LINE = 10_000
"""Most characters of a line; a longer one is no sentence."""


class Pair(NamedTuple):
    """A text and its translation."""

    source: str
    target: str


class Files(NamedTuple):
    """Two aligned files, or a table of pairs, which has no `target`."""

    source: Path
    target: Path | None


def pair_files(raw: Path, source_file: str | None, target_file: str | None) -> Files:
    """Find two aligned files in a folder, or the one table of pairs in it.

    Args:
        raw: The folder.
        source_file: Name of the file of texts to translate, or of the table; None: the only
            one, or the other file of two.
        target_file: That of the translations; None: the other file of two.

    Raises:
        ParameterError: If both names are the same, or both are left open.
        DataError: If a file is missing, or it is not clear which is meant.
    """
    there = files_in(raw)
    if source_file is not None and source_file == target_file:
        raise ParameterError(
            f"source_file and target_file are both {source_file!r}; name two different files"
        )
    check_there(there, source_file, target_file)
    if source_file and target_file:
        return Files(raw / source_file, raw / target_file)
    given = (source_file, target_file)
    there = [name for name in there if not is_note(name) or name in given] or there
    if target_file is None and (len(there) == 1 or is_table(source_file)):
        return Files(raw / (source_file or there[0]), None)
    if len(there) != 2:
        table = ", or a table of pairs as source_file alone" * any(map(is_table, there))
        raise DataError(
            f"the data holds {len(there)} file{'s' * (len(there) != 1)}, not two aligned ones; put "
            f"both there, or name them as source_file and target_file{table}"
        )
    if source_file is None and target_file is None:
        raise ParameterError(
            f"source_file is not given: which is to be translated, {there[0]!r} or {there[1]!r}?"
        )
    (other,) = set(there) - {source_file, target_file}
    return Files(raw / (source_file or other), raw / (target_file or other))


def files_called(raw: Path, source_file: str, target_file: str | None) -> Files:
    """Two aligned files, or the table of pairs, of these names.

    Raises:
        ParameterError: If both names are the same.
        DataError: If a file is missing.
    """
    if target_file is not None:
        return pair_files(raw, source_file, target_file)
    check_there(files_in(raw), source_file, None)
    return Files(raw / source_file, None)


def check_there(there: list[str], source_file: str | None, target_file: str | None) -> None:
    """Refuse names of files that there are not.

    Raises:
        DataError: If one is missing.
    """
    for parameter, name in (("source_file", source_file), ("target_file", target_file)):
        if name is not None and name not in there:
            raise DataError(f"{parameter}: no file {name!r} in the data; {hint(name, there)}")


def files_in(raw: Path) -> list[str]:
    """The names of all files below a folder, with the folders that they are in."""
    return [path.relative_to(raw).as_posix() for path in visible_files(raw) if path.is_file()]


def is_table(name: str | None) -> bool:
    """Return whether the name of a file is that of a table."""
    return name is not None and (has_tabs(name) or is_other_table(name) or is_units(name))


def is_lines(name: str) -> bool:
    """Return whether a file is called as one of lines of text in an encoding."""
    return not is_other_table(name) and not is_xml(name)


def hint(name: str, there: list[str]) -> str:
    """Suggest a file with a similar name."""
    close = get_close_matches(name, there, n=1)
    return f"did you mean {close[0]!r}?" if close else f"there: {', '.join(there)}"


def read_lines(file: Path, encoding: str) -> list[str]:
    """Read a text file line by line, each cleaned as `clean` does.

    Raises:
        DataError: If it is not a text file, is blank or markup, or a line is too long.
    """
    lines = read_file_lines(file, encoding)
    refuse_markup(lines, file.name)
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
    same = sum(pair.source == pair.target for pair in pairs)
    if 2 * same > len(pairs):
        raise DataError(
            f"{names} have the same text on {same} of {len(pairs)} lines; is one of them "
            "untranslated?"
        )
    return pairs


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
    """Read a table with a text and its translation in each row.

    A first line of names of columns, such as of languages, is left out. So is a row that lacks a
    text, in a file of a program for translators.

    Raises:
        DataError: If a line has no such columns; names all of them.
    """
    table = pair_table(file, encoding)
    check_columns(table, file.name)
    pairs, faults = [], Faults()
    for number, fields in table.rows:
        where = f"{file.name}, {table.row} {number}"
        if len(fields) < max(columns):
            faults.add(
                f"{where} has {len(fields)} column{'s' * (len(fields) != 1)}",
                "a file of pairs has on each line a text, a tab, and its translation; "
                "data.columns says which columns these are",
            )
            continue
        pair = Pair(*(clean(fields[column - 1]) for column in columns))
        with faults.noted():
            for text in pair:
                check_length(text, where)
        if not (pair.source and pair.target):
            if not table.gaps:
                faults.add(f"{where} lacks a text", "complete the line, or remove it")
        elif number > 1 or table.names is not None or not is_header(pair):
            pairs.append(pair)
    faults.check()
    if not pairs:
        raise DataError(f"{file.name} holds no pairs")
    return pairs


def check_columns(table: PairTable, name: str) -> None:
    """Refuse a table with one column.

    Raises:
        DataError: If it has no more.
    """
    if not all(len(fields) == 1 for _, fields in table.rows):
        return
    if is_other_table(name):
        raise DataError(f"{name} has one column alone; put the translations into a second one")
    raise DataError(
        f"{name} has a tab on none of its {len(table.rows)} lines; a file of pairs has on each "
        "line a text, a tab, and its translation: save it so, with a name such as pairs.tsv"
    )


def pair_table(file: Path, encoding: str) -> PairTable:
    """Read a table of pairs, whatever its format.

    Raises:
        DataError: If it cannot be read.
    """
    if is_units(file.name):
        return read_units(file, encoding)
    if is_other_table(file.name):
        return read_other_table(file, encoding)
    return read_text_table(file, encoding)


def usual_columns(file: Path, encoding: str) -> tuple[int, int]:
    """The columns of a text and its translation, from 1; see `text_columns`."""
    return text_columns(pair_table(file, encoding))


class Columns(NamedTuple):
    """Columns of a table, as messages describe them.

    Attributes:
        names: Those of the text and of its translation, where it has names.
        notes: What is left out, and other columns, a line each.
    """

    names: tuple[str, str] | None
    notes: tuple[str, ...]


def told_columns(file: Path, columns: tuple[int, int], encoding: str) -> Columns:
    """Describe the columns of a table that can be read."""
    table = pair_table(file, encoding)
    notes = [*table.notes]
    at = [column - 1 for column in columns]
    if table.gaps and (gaps := sum(not all(clean(row[i]) for i in at) for _, row in table.rows)):
        notes.append(f"{gaps:,} {table.row}s of {file.name} that lack a text are left out")
    if table.gaps and table.names and len(table.names) > 2:
        there = ", ".join(f"{name} ({place})" for place, name in enumerate(table.names, 1))
        notes.append(f"{file.name} has texts in {there}; --set columns=[2,1] takes others")
    names = table.names
    if names is None and table.rows and is_header([table.rows[0][1][i] for i in at]):
        names = tuple(table.rows[0][1])
    return Columns((names[at[0]], names[at[1]]) if names else None, tuple(notes))


def read_sources(
    file: Path, columns: tuple[int, int], encoding: str, *, of_pairs: bool
) -> list[tuple[int, str]]:
    """Read texts to translate: the lines of a text file, or the column of them in a table.

    Args:
        file: The file.
        columns: Of a table, those of a text and its translation, from 1.
        encoding: See `rnn_core.readers.plain_text.text_pieces`.
        of_pairs: Whether a text file whose lines have several columns is a table.

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
    for number, fields in without_header(table, columns):
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
    if not (is_table(file.name) or of_pairs):
        return None
    table = pair_table(file, encoding)
    several = sum(len(fields) > 1 for _, fields in table.rows)
    return table if is_table(file.name) or 2 * several > len(table.rows) else None


def without_header(table: PairTable, columns: tuple[int, int]) -> list[tuple[int, list[str]]]:
    """The rows of a table without one of names of columns."""
    if table.names is not None or not table.rows:
        return table.rows
    first = table.rows[0][1]
    told = [first[column - 1] for column in columns if column <= len(first)] or first[:1]
    return table.rows[1:] if is_header(told) else table.rows
