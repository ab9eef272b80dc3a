"""Characters that tell that a text was not what it is now."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from rnn_core.readers.plain_text import text_pieces

REPLACED = "\ufffd"
"""Stands where a program could not read a character."""

LOST, SHIFTED, TWICE, ENTITY = "lost", "shifted", "twice", "entity"

ODD = re.compile(
    f"(?P<{LOST}>{REPLACED})"
    f"|(?P<{TWICE}>[\u00c2\u00c3][\x80-\xbf]|\u00e2\u20ac)"
    f"|(?P<{SHIFTED}>[\x80-\x84\x86-\x9f])"
    rf"|(?P<{ENTITY}>&(?:[a-z]{{2,8}}|#\d{{2,5}});)"
)
"""Such characters: lost ones, those of UTF-8 that was read as windows-1252, control characters of
Latin-1 except for its line break, and entities of HTML."""

LEAST = {LOST: 1, SHIFTED: 1, TWICE: 3, ENTITY: 3}
"""Places from which on they are reported; a few of some are in proper texts too."""

CAUSES = {
    LOST: (
        "characters in all are U+FFFD: a program that did not know the encoding lost the original "
        "ones; export it again"
    ),
    SHIFTED: (
        "characters in all are control characters such as U+0092, by which windows-1252 writes "
        "quotes: it was read as Latin-1; read it as windows-1252, and save it as UTF-8"
    ),
    TWICE: (
        "places in all have characters such as {such}, which are one in UTF-8: it was read as "
        "windows-1252; read the original as UTF-8, and export it again"
    ),
    ENTITY: (
        "places in all have entities of HTML such as {such}, which are learned as they are "
        "written; write the characters that they mean"
    ),
}


def odd_characters(files: Sequence[Path], encoding: str | None = None) -> list[str]:
    """Describe such characters in files, a line each, with what to do.

    Args:
        files: Text files that can be read.
        encoding: As in `text_pieces`.
    """
    found = []
    for file in files:
        counts, first = places(text_pieces(file, encoding))
        for kind, cause in CAUSES.items():
            if counts[kind] >= LEAST[kind]:
                line, such = first[kind]
                told = cause.format(such=repr(such))
                found.append(f"{file.name}, line {line}, and {counts[kind]:,} {told}")
    return found


def places(pieces: Iterable[str]) -> tuple[Counter[str], dict[str, tuple[int, str]]]:
    """Number of odd characters of each kind, and the line and text of the first."""
    counts: Counter[str] = Counter()
    first: dict[str, tuple[int, str]] = {}
    line = 1
    for piece in pieces:
        if not piece.isascii() or "&" in piece:
            for match in ODD.finditer(piece):
                kind = str(match.lastgroup)
                counts[kind] += 1
                if kind not in first:
                    first[kind] = line + piece.count("\n", 0, match.start()), match.group()
        line += piece.count("\n")
    return counts, first
