"""Characters that tell that a text was not what it is now."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from rnn_core.readers.plain_text import text_pieces

REPLACED = "\ufffd"
"""Stands where a program could not read a character."""

ODD = re.compile(f"[\x80-\x84\x86-\x9f{REPLACED}]")
"""This, and control characters of Latin-1 except for its line break, which no text holds."""


def odd_characters(files: Sequence[Path], encoding: str | None = None) -> list[str]:
    """Describe such characters in files, a line each, with what to do.

    Args:
        files: Text files that can be read.
        encoding: As in `text_pieces`.
    """
    found = []
    for file in files:
        lost, shifted = places(text_pieces(file, encoding))
        if lost:
            found.append(
                f"{file.name}, line {lost[0]}, and {len(lost):,} characters in all are U+FFFD: a "
                "program that did not know the encoding lost the original ones; export it again"
            )
        if shifted:
            found.append(
                f"{file.name}, line {shifted[0]}, and {len(shifted):,} characters in all are "
                "control characters such as U+0092, by which windows-1252 writes quotes: it was "
                "read as Latin-1; read it as windows-1252, and save it as UTF-8"
            )
    return found


def places(pieces: Iterable[str]) -> tuple[list[int], list[int]]:
    """The lines of characters that were lost, and of those of another encoding."""
    lost: list[int] = []
    shifted: list[int] = []
    line = 1
    for piece in pieces:
        if not piece.isascii():
            for match in ODD.finditer(piece):
                where = lost if match.group() == REPLACED else shifted
                where.append(line + piece.count("\n", 0, match.start()))
        line += piece.count("\n")
    return lost, shifted
