"""Texts with their translations: two aligned files, or one table with both on each line."""

import re
import unicodedata
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from rnn_core.errors import DataError, ParameterError
from rnn_core.readers.faults import Faults
from rnn_core.readers.folders import visible_in
from rnn_core.readers.plain_text import one_line, read_file_lines
from rnn_core.readers.table_files import TableForm, read_table_file

OTHER_TABLES = frozenset(("csv", "json", "jsonl", "ndjson", "parquet", "xlsx"))
"""Endings of tables that are read as those of other tasks, without the point."""

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
    there = [path.name for path in visible_in(raw) if path.is_file()]
    if source_file is not None and source_file == target_file:
        raise ParameterError(
            f"source_file and target_file are both {source_file!r}; name two different files"
        )
    for parameter, name in (("source_file", source_file), ("target_file", target_file)):
        if name is not None and name not in there:
            raise DataError(f"{parameter}: no file {name!r} in the data; {hint(name, there)}")
    if source_file and target_file:
        return Files(raw / source_file, raw / target_file)
    if target_file is None and (len(there) == 1 or is_table(source_file)):
        return Files(raw / (source_file or there[0]), None)
    if len(there) != 2:
        raise DataError(
            f"the data holds {len(there)} file{'s' * (len(there) != 1)}, not two aligned ones; put "
            "both there, or name them as source_file and target_file"
        )
    if source_file is None and target_file is None:
        raise ParameterError(
            f"source_file is not given: which is to be translated, {there[0]!r} or {there[1]!r}?"
        )
    (other,) = set(there) - {source_file, target_file}
    return Files(raw / (source_file or other), raw / (target_file or other))


def is_table(name: str | None) -> bool:
    """Return whether the name of a file is that of a table."""
    return name is not None and (has_tabs(name) or is_other_table(name))


def has_tabs(name: str) -> bool:
    """Return whether a file is called as tables with tabs are, whose quotation marks are text."""
    return name.lower().removesuffix(".gz").endswith(".tsv")


def is_other_table(name: str) -> bool:
    """Return whether a file is called as tables with names, quotation marks or types are."""
    words = name.lower().removesuffix(".gz").removesuffix(".zip").rpartition(".")
    return words[2] in OTHER_TABLES


def hint(name: str, there: list[str]) -> str:
    """Suggest a file with a similar name."""
    close = get_close_matches(name, there, n=1)
    return f"did you mean {close[0]!r}?" if close else f"there: {', '.join(there)}"


def read_lines(file: Path, encoding: str) -> list[str]:
    """Read a text file line by line, each cleaned as `clean` does.

    Raises:
        DataError: If it is not a text file, is blank, or a line is too long.
    """
    lines = read_file_lines(file, encoding)
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
    """Read a table with a text and its translation on each line, with tabs between columns.

    A first line of names of columns, such as of languages, is left out.

    Raises:
        DataError: If a line has no such columns; names all of them.
    """
    rows = table_rows(file, encoding)
    alone = all(len(fields) == 1 for _, fields in rows)
    if alone and is_other_table(file.name):
        raise DataError(f"{file.name} has one column alone; put the translations into a second one")
    if alone:
        raise DataError(
            f"{file.name} has a tab on none of its {len(rows)} lines; a file of pairs has on each "
            "line a text, a tab, and its translation: save it so, with a name such as pairs.tsv"
        )
    pairs, faults = [], Faults()
    for number, fields in rows:
        where = f"{file.name}, line {number}"
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
            faults.add(f"{where} lacks a text", "complete the line, or remove it")
        elif number > 1 or not is_header(pair):
            pairs.append(pair)
    faults.check()
    if not pairs:
        raise DataError(f"{file.name} holds no pairs")
    return pairs


def table_rows(file: Path, encoding: str) -> list[tuple[int, list[str]]]:
    """The rows of a table by number; lines of text are cut at tabs, and blank ones are left out."""
    if is_other_table(file.name):
        return other_rows(file, encoding)
    lines = enumerate(read_file_lines(file, encoding), start=1)
    return [(number, line.split("\t")) for number, line in lines if line.strip()]


def other_rows(file: Path, encoding: str) -> list[tuple[int, list[str]]]:
    """The rows of a table in CSV, JSON, Excel or Parquet, with names of columns as the first.

    Raises:
        FaultsError: If it cannot be read.
    """
    faults = Faults()
    form = TableForm(encoding=None if encoding == "utf-8" else encoding, header=False)
    typed = not file.name.lower().removesuffix(".gz").removesuffix(".zip").endswith(".csv")
    frame = read_table_file(file, replace(form, header=None) if typed else form, faults).frame
    faults.check()
    texts = frame.astype(object).where(frame.notna(), "").astype(str)
    return [(row, list(fields)) for row, *fields in texts.itertuples(name=None)]


HEADER = re.compile(
    "source|target|src|tgt|text|translation|english|german|french|spanish|italian|"
    "ar|bg|bn|ca|cs|da|de|el|en|es|et|fa|fi|fr|he|hi|hr|hu|id|it|ja|ko|lt|lv|ms|nl|no|pl|pt|ro|ru|"
    "sk|sl|sr|sv|th|tr|uk|ur|vi|zh|eng|deu|fra|spa|ita|por|rus|jpn|cmn",
    re.IGNORECASE,
)
"""Usual names of columns of texts: plain words, or codes of languages."""

NAMES_MORE = re.compile(
    r"(source|target|english|german|french|spanish|italian|portuguese|russian|chinese|japanese)"
    r"[ _](words?|sentences?|texts?)(/(words?|sentences?))?",
    re.IGNORECASE,
)
"""Such names of two words."""


def is_header(pair: Pair) -> bool:
    """Return whether a first line names columns."""
    return all(HEADER.fullmatch(text) or NAMES_MORE.fullmatch(text) for text in pair)


def usual_columns(file: Path, encoding: str) -> tuple[int, int]:
    """The columns of a text and its translation: the first two that are no numbers.

    Sentence pairs of Tatoeba have the number of each sentence before it, and tables of databases
    begin with a number of the row.
    """
    rows = [fields for _, fields in table_rows(file, encoding)]
    width = min(map(len, rows), default=0)
    texts = [
        column
        for column in range(width)
        if not all(row[column].strip().isdigit() for row in rows[1:] or rows)
    ]
    return (texts[0] + 1, texts[1] + 1) if len(texts) > 1 else (1, 2)
