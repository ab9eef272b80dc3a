"""Two text files of which line i of one is the translation of line i of the other."""

import unicodedata
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from rnn_core.errors import DataError, ParameterError
from rnn_core.readers.plain_text import read_plain_text

LONGEST_LINE = 10_000
"""Most characters of a line; a longer one is no sentence."""


class Pair(NamedTuple):
    """A text and its translation."""

    source: str
    target: str


class Files(NamedTuple):
    """Two aligned files."""

    source: Path
    target: Path


def aligned_files(raw: Path, source_file: str | None, target_file: str | None) -> Files:
    """Find two aligned files in a folder.

    Args:
        raw: The folder.
        source_file: Name of the file of texts to translate; None: the other file of two.
        target_file: Likewise that of the translations.

    Raises:
        ParameterError: If both names are the same, or both are left open.
        DataError: If a file is missing, or it is not clear which is meant.
    """
    there = sorted(p.name for p in raw.iterdir() if p.is_file() and not p.name.startswith("."))
    if source_file is not None and source_file == target_file:
        raise ParameterError(
            f"source_file and target_file are both {source_file!r}; name two different files"
        )
    for parameter, name in (("source_file", source_file), ("target_file", target_file)):
        if name is not None and name not in there:
            raise DataError(f"{parameter}: no file {name!r} in {raw}; {hint(name, there)}")
    if source_file and target_file:
        return Files(raw / source_file, raw / target_file)
    if len(there) != 2:
        raise DataError(
            f"{raw} holds {len(there)} file{'s' * (len(there) != 1)}, not two aligned ones; put "
            "both there, or name them as source_file and target_file"
        )
    if source_file is None and target_file is None:
        raise ParameterError(
            f"source_file is not given: which is to be translated, {there[0]!r} or {there[1]!r}?"
        )
    (other,) = set(there) - {source_file, target_file}
    return Files(raw / (source_file or other), raw / (target_file or other))


def hint(name: str, there: list[str]) -> str:
    """Which file may have been meant."""
    close = get_close_matches(name, there, n=1)
    return f"did you mean {close[0]!r}?" if close else f"there: {', '.join(there)}"


def read_lines(file: Path) -> list[str]:
    """Read a text file line by line, each cleaned as `clean` does.

    Raises:
        DataError: If it is not a text file in UTF-8, is blank, or a line is too long.
    """
    lines = read_plain_text(file).removesuffix("\n").split("\n")
    for number, line in enumerate(lines, start=1):
        check_length(line, f"{file.name}, line {number}")
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
    """Compose characters (NFC), and make each run of blanks one; in lower case if wanted."""
    text = " ".join(unicodedata.normalize("NFC", text).split())
    return text.lower() if lower_case else text


def read_pairs(files: Files) -> list[Pair]:
    """Read two aligned files; lines that are empty in both are left out.

    Raises:
        DataError: If they are not aligned, or not two languages.
    """
    source, target = read_lines(files.source), read_lines(files.target)
    names = f"{files.source.name} and {files.target.name}"
    if len(source) != len(target):
        raise DataError(
            f"{names} are not aligned: they have {len(source)} and {len(target)} lines; line i "
            "of one must translate line i of the other"
        )
    pairs = list(map(Pair, source, target))
    for number, pair in enumerate(pairs, start=1):
        if bool(pair.source) != bool(pair.target):
            empty, other = files if pair.target else reversed(files)
            raise DataError(
                f"{empty.name}, line {number} is empty, but that of {other.name} is not; remove "
                "the line from both"
            )
    pairs = [pair for pair in pairs if pair.source]
    same = sum(pair.source == pair.target for pair in pairs)
    if 2 * same > len(pairs):
        raise DataError(
            f"{names} have the same text on {same} of {len(pairs)} lines; is one of them "
            "untranslated?"
        )
    return pairs
