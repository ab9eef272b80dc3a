"""Characters that tell that a text was not what it is now."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from html.entities import html5
from pathlib import Path

from rnn_core.readers.plain_text import text_pieces

REPLACED = "\ufffd"
"""Stands where a program could not read a character."""

LOST, SHIFTED, TWICE, ENTITY, TAG = "lost", "shifted", "twice", "entity", "tag"

TAIL = "".join(bytes([b]).decode("cp1252", "ignore") or chr(b) for b in range(0x80, 0xC0))
"""Characters that windows-1252 has for the later bytes of a character in UTF-8."""

LATER = f"[{re.escape(TAIL)}\x80-\x9f]"
"""Such a character, or one that Latin-1 has for it."""

UNUSUAL = (
    "[\u20ac\u02c6\u02dc\u2020\u2021\u2030\u0192\u0152\u0153\u0160\u0161\u0178\u017d\u017e"
    "\u00a2\u00a4-\u00a6\u00a8\u00aa\u00ac\u00af\u00b4\u00b6\u00b8-\u00ba\u00bc-\u00be"
    "\x80-\x84\x86-\x90\x98-\x9f]"
)
"""Those of them that hardly come after a capital letter: neither quotes nor other marks."""

CAPITAL = r"[^\W\d_a-z\u00df-\u00ff]"
"""A letter after which a word may end in one of the capital ones below, before a quote."""

AS_WESTERN = (
    f"[\u00c2\u00c3\u00d0\u00d1]{UNUSUAL}"  # Latin letters and signs, and Cyrillic
    f"|(?<!{CAPITAL})[\u00c2\u00c3\u00d0][\u00a0-\u00bf]"
    f"|(?<!{CAPITAL})[\u00c3\u00d0\u00d1]{LATER}(?=\\w)|(?<=[a-z])[\u00c3\u00d0\u00d1]{LATER}"
    f"|\u00e2[\u20ac\x80]{LATER}?"  # quotes and dashes
    f"|[\u00e3-\u00ef]{LATER}{{2}}(?=[\u00e3-\u00ef]{LATER}{{2}})"  # Chinese, Japanese and Korean
    f"|\u00f0[\u0178\x9f]{LATER}{{1,2}}"  # emoji
)
"""Characters of UTF-8 that was read as windows-1252, or as Latin-1."""

WIDE = f"[\u00c2-\u00de]{LATER}|[\u00e0-\u00ef]{LATER}{{2}}|[\u00f0-\u00f4]{LATER}{{3}}"
CHARACTER = re.compile(WIDE)
"""A whole character of UTF-8, of any script, that was read so; a few are in proper texts too."""

CERTAIN = re.compile(
    rf"(?<=[a-z])[\u00c2-\u00de]{LATER}|(?:{WIDE}){{2}}|[\u00f0-\u00f4]{LATER}{{3}}"
)
"""Such a character that is in no proper text: after a small letter, or next to another one."""

MOST = 0.75
"""Share of a file's characters beyond ASCII that make up such, if it was read so."""

ENTITY_OF_HTML = r"&(?:[A-Za-z][A-Za-z0-9]{1,7}|#\d{2,5}|#[xX][0-9a-fA-F]{2,5});"
"""An entity, by its name or number."""

TAG_OF_HTML = (
    r"(?i:</?(?:a|b|br|blockquote|code|div|em|font|h[1-6]|hr|i|img|li|ol|p|pre|span|strong|table|td"
    r"|tr|u|ul)(?:\s[^<>]*)?/?>)"
)
"""A tag that web pages have inside their texts."""

ODD = re.compile(
    f"(?P<{LOST}>{REPLACED})"
    f"|(?P<{TWICE}>{AS_WESTERN})"
    f"|(?P<{SHIFTED}>[\x80-\x84\x86-\x9f])"
    f"|(?P<{ENTITY}>{ENTITY_OF_HTML})"
    f"|(?P<{TAG}>{TAG_OF_HTML})"
)
"""Such characters: lost ones, those of UTF-8 that was read as another encoding, control characters
of Latin-1 except for its line break, and entities and tags of HTML."""

LEAST = {LOST: 1, SHIFTED: 1, TWICE: 3, ENTITY: 3, TAG: 3}
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
        "windows-1252 or Latin-1; read the original as UTF-8, and export it again"
    ),
    ENTITY: (
        "places in all have entities of HTML such as {such}, which are learned as they are "
        "written; write the characters that they mean"
    ),
    TAG: (
        "places in all have tags of HTML such as {such}, which are learned as they are written; "
        "remove them, unless they are meant"
    ),
}


def odd_characters(files: Sequence[Path], encoding: str | None = None) -> list[str]:
    """Describe such characters in files, a line each, with what to do.

    Args:
        files: Text files that can be read.
        encoding: As in `text_pieces`.
    """
    return [
        f"{file.name}, line {line}, and {told}"
        for file in files
        for line, told in odd_places(partial(text_pieces, file, encoding))
    ]


def odd_texts(texts: Sequence[str], names: Sequence[str]) -> list[str]:
    """Describe such characters in texts of a table, a line each, with what to do.

    Args:
        texts: The texts.
        names: The row of each, for messages.
    """

    def lines() -> Iterator[str]:
        return (text.replace("\n", " ") + "\n" for text in texts)

    return [f"{names[line - 1]}, and {told}" for line, told in odd_places(lines)]


def odd_places(pieces: Callable[[], Iterable[str]]) -> Iterator[tuple[int, str]]:
    """The line of the first such character of each kind, with how many there are and what to do."""
    counts, first = places(pieces())
    wide = wide_places(pieces())
    if wide is not None:
        counts[TWICE], first[TWICE] = wide
    kinds = [kind for kind in CAUSES if counts[kind] >= LEAST[kind]]
    if {TWICE, SHIFTED} <= {*kinds}:  # a file was read in one wrong way
        wrong = max(TWICE, SHIFTED, key=counts.__getitem__) if wide is None else TWICE
        kinds.remove(SHIFTED if wrong == TWICE else TWICE)
    for kind in kinds:
        line, such = first[kind]
        yield line, f"{counts[kind]:,} {CAUSES[kind].format(such=repr(such))}"


def places(pieces: Iterable[str]) -> tuple[Counter[str], dict[str, tuple[int, str]]]:
    """Number of odd characters of each kind, and the line and text of the first."""
    counts: Counter[str] = Counter()
    first: dict[str, tuple[int, str]] = {}
    line = 1
    for piece in pieces:
        if not piece.isascii() or "&" in piece or "<" in piece:
            for match in ODD.finditer(piece):
                kind = str(match.lastgroup)
                if kind == ENTITY and not is_entity(match.group()):
                    continue
                counts[kind] += 1
                if kind not in first:
                    first[kind] = line + piece.count("\n", 0, match.start()), match.group()
        line += piece.count("\n")
    return counts, first


def is_entity(text: str) -> bool:
    """Return whether a text that is written as an entity of HTML is one."""
    return text.startswith("&#") or text[1:] in html5


def wide_places(pieces: Iterable[str]) -> tuple[int, tuple[int, str]] | None:
    """The number of characters of UTF-8 that were read as several, and the first with its line.

    None if most characters beyond ASCII are no part of such, or none is certain, as in proper
    texts.
    """
    count = covered = beyond = 0
    certain = False
    first, line = None, 1
    for piece in pieces:
        if not piece.isascii():
            beyond += len(piece) - len(piece.encode("ascii", "ignore"))
            for match in CHARACTER.finditer(piece):
                first = first or (line + piece.count("\n", 0, match.start()), match.group())
                count, covered = count + 1, covered + len(match.group())
            certain = certain or CERTAIN.search(piece) is not None
        line += piece.count("\n")
    return (count, first) if first and certain and covered > MOST * beyond else None
