"""Lines that begin with the name of a recording, and the encoding of the texts of recordings."""

import re
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from rnn_core.readers.faults import FaultsError, some
from rnn_core.readers.formats.encodings import SINGLED_OUT
from rnn_core.readers.plain_text import read_file_lines
from rnn_core.readers.text_files import usual_encoding

FESTIVAL = re.compile(r'\(\s*(?P<name>\S+)\s+"(?P<text>.*)"\s*\)')
"""A line of a list of CMU Arctic."""

AT_END = (".transcription", ".trn")
"""Endings of lists that have the name after the text: those of CMU Sphinx, such as of AN4."""

SPHINX = re.compile(r"(<s>)?\s*(?P<text>.*?)\s*(</s>)?\s*\((?P<name>[^\s()]+)\)")
"""A line of such a list."""


class Line(NamedTuple):
    """A line of a list.

    Attributes:
        number: Its place in the file, from 1.
        name: What it calls the recording.
        text: The rest.
    """

    number: int
    name: str
    text: str


def lines_of(file: Path) -> list[Line]:
    """The lines of a file that are not blank; it may be empty.

    Raises:
        DataError: If it is no text, or its encoding is not certain.
    """
    if not file.stat().st_size:
        return []
    texts = read_file_lines(file, shared_encoding([file]))
    at_end = file.suffix.lower() in AT_END
    return [line_of(number, text, at_end) for number, text in enumerate(texts, 1) if text.strip()]


def line_of(number: int, text: str, at_end: bool = False) -> Line:
    """A line of a list: a name, and the rest; `at_end`: the name comes after the rest."""
    form = SPHINX if at_end else FESTIVAL
    if match := form.fullmatch(text.strip()):
        return Line(number, match["name"], match["text"])
    name, *rest = text.split(maxsplit=1) or [""]
    return Line(number, name, " ".join(rest))


def told_encodings(files: Collection[Path]) -> list[str]:
    """Say which files of names and texts are not read as UTF-8, a line for each encoding."""
    names: dict[str, list[str]] = {}
    for file in sorted(files):
        if encoding := shared_encoding([file]):
            names.setdefault(encoding, []).append(file.name)
    return [
        f"read as {encoding}, since not UTF-8: {some(found)}" for encoding, found in names.items()
    ]


def shared_encoding(files: Collection[Path]) -> str | None:
    """The encoding of texts in one language that are not in UTF-8; None if none is certain.

    Reading them as UTF-8 then tells where they are not.

    Raises:
        DataError: If some have another than others.
    """
    try:
        found = usual_encoding(files).get("encoding")
    except FaultsError:
        return None
    holds = SINGLED_OUT.get(found or "")
    if holds and not holds(b"\n".join(file.read_bytes() for file in files)):
        return None
    return found
