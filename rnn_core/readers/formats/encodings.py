"""Encoding of a text, where it can be found with certainty.

A byte order mark tells; text that is UTF-8 by its bytes is nothing else. Of the encodings
without a mark, one is certain where the bytes make the usual letters of its languages and
of no other.
"""

import codecs
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO, TypeAlias

from rnn_core.readers.faults import Faults

Opener: TypeAlias = Callable[[], BinaryIO]
"""Opens the bytes of a file from their start, whatever they are packed in."""

PIECE = 1 << 20
"""Bytes that are looked at at once."""

LOOKED_AT = 1 << 22
"""Bytes that are read to find an encoding other than UTF-8."""

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""First bytes of a file, the longer ones first, and the encoding that they tell."""

HIGH = re.compile(rb"[\x80-\xff]+")
"""Bytes beyond ASCII, side by side."""

LETTERS = ("äöüß", "éèàâçùêëîïôûœæ", "áéíóúüñ", "ãõáâàçéêíóôú", "àèéìòù", "åäöæøé")
"""Letters beyond ASCII of German, French, Spanish, Portuguese, Italian, and the Nordic ones."""

SIGNS = frozenset("€£°µ§²³½„—…«»¿¡ºª·®©™\xa0\xd7\u2013\u2018\u2019\u201c\u201d")
"""Signs beyond ASCII that texts of all of them have."""

FRENCH_OE = re.compile(r"^([^\u0153]|\u0153[uidt])*$", re.IGNORECASE)
"""A text in which this letter stands as it does in French; its byte is common in Polish."""

LONGEST_RUN = 3
"""Bytes beyond ASCII side by side in text of Western Europe, at most; of two letters and a sign."""


def check_encoding(encoding: str) -> None:
    """Refuse what is no name of an encoding of texts.

    Raises:
        ValueError: If it is none.
    """
    try:
        "a".encode(encoding)
    except (LookupError, UnicodeError):
        raise ValueError(
            f"there is no encoding {encoding!r}; write one such as utf-8, windows-1252 or gb18030"
        ) from None


def encoding_by_mark(start: bytes) -> str | None:
    """The encoding that a byte order mark at the start of a text tells."""
    return next((encoding for mark, encoding in MARKS if start.startswith(mark)), None)


def find_encoding(opened: Opener, name: str, faults: Faults) -> str:
    """The encoding of a text, as Python calls it.

    Args:
        opened: Opens the bytes.
        name: What to call the file in errors.
        faults: Where it is noted that no encoding is certain.

    Raises:
        FaultsError: If none is.
    """
    with opened() as file:
        start = file.read(LOOKED_AT)
    if marked := encoding_by_mark(start):
        return marked
    if wide := utf_16_by_zeros(start):
        return wide
    place = first_that_is_not(opened, "utf-8")
    if place is None:
        return "utf-8"
    sample = start if place < len(start) else read_near(opened, place)
    found = [encoding for encoding, fits in SINGLED_OUT.items() if fits(sample)]
    if len(found) == 1 and first_that_is_not(opened, found[0]) is None:
        return found[0]
    row, byte = line_and_byte(opened, place)
    guesses = ", ".join(found) or "cp1252, cp1250, cp1251, gb18030, shift_jis"
    faults.add(
        f"{name}, row {row}: byte {byte:#04x} is not UTF-8, and no other encoding is certain",
        "save the file in UTF-8",
        encoding=f"name its encoding: --set encoding=... (such as {guesses})",
    )
    faults.check()
    raise AssertionError("there is a fault")


def utf_16_by_zeros(start: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of what is written with ASCII is 0."""
    pairs = start[: 2 * (min(len(start), 4096) // 2)]
    if len(pairs) < 16:
        return None
    even, odd = pairs[::2].count(0), pairs[1::2].count(0)
    most = len(pairs) * 0.35
    if odd > most and even == 0:
        return "utf-16-le"
    return "utf-16-be" if even > most and odd == 0 else None


def pieces(opened: Opener) -> Iterator[bytes]:
    """The bytes of a file, piece by piece."""
    with opened() as file:
        while piece := file.read(PIECE):
            yield piece


def first_that_is_not(opened: Opener, encoding: str) -> int | None:
    """The place of the first byte that is not of an encoding; None if all are."""
    decoder = codecs.getincrementaldecoder(encoding)()
    read = 0
    try:
        for piece in pieces(opened):
            waiting = len(decoder.getstate()[0])
            decoder.decode(piece)
            read += len(piece)
        waiting, piece = len(decoder.getstate()[0]), b""
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        return max(read - waiting + error.start, 0)
    return None


def line_and_byte(opened: Opener, place: int) -> tuple[int, int]:
    """The line of a byte, from 1, and the byte."""
    line, read = 1, 0
    for piece in pieces(opened):
        if read + len(piece) > place:
            return line + piece.count(b"\n", 0, place - read), piece[place - read]
        line += piece.count(b"\n")
        read += len(piece)
    raise ValueError(f"the file has {read} bytes, and byte {place} was asked for")


def read_near(opened: Opener, place: int) -> bytes:
    """The lines of a file from shortly before a byte."""
    with opened() as file:
        left = max(place - PIECE, 0)
        while left:
            left -= len(file.read(min(left, PIECE)))
        near = file.read(LOOKED_AT)
    return near.partition(b"\n")[2] if place > PIECE else near


def decoded(sample: bytes, encoding: str) -> str | None:
    """The text of a sample, whose last letter may be cut; None if it is no such text."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(sample)
    except UnicodeDecodeError:
        return None


def is_western(sample: bytes) -> bool:
    """Return whether bytes are text of a language of Western Europe in cp1252, Latin-1 mostly."""
    text = decoded(sample, "cp1252")
    if text is None or max(map(len, HIGH.findall(sample)), default=0) > LONGEST_RUN:
        return False
    beyond = {letter.lower() for letter in text if ord(letter) > 127} - SIGNS
    if "\u0153" in beyond and not FRENCH_OE.search(text):
        return False
    return any(beyond <= set(letters) for letters in LETTERS)


def is_chinese(sample: bytes) -> bool:
    """Return whether bytes are Chinese: most characters belong to GB 2312's 3755 most usual.

    Korean has the first half of their places for its syllables, and none of the second.
    """
    text = decoded(sample, "gb18030")
    firsts = [letter.encode("gb18030")[0] for letter in text or "" if ord(letter) > 127]
    usual = [first for first in firsts if 0xB0 <= first <= 0xD7]
    signs = sum(first in {0xA1, 0xA3} for first in firsts)
    later = sum(first > 0xC8 for first in usual)
    return bool(usual) and len(usual) + signs >= 0.95 * len(firsts) and later >= 0.2 * len(usual)


def is_japanese(sample: bytes) -> bool:
    """Return whether bytes are Shift-JIS: at least a fifth of the characters are kana."""
    text = decoded(sample, "cp932")
    beyond = [letter for letter in text or "" if ord(letter) > 127]
    kana = sum("\u3041" <= letter <= "\u30fc" for letter in beyond)
    other = sum(not ("\u3000" <= letter <= "\u9fff" or letter >= "\uff00") for letter in beyond)
    return kana >= max(0.2 * len(beyond), 1) and other <= 0.02 * len(beyond)


SINGLED_OUT = {"cp1252": is_western, "gb18030": is_chinese, "cp932": is_japanese}
"""Encodings without a mark, and what tells that a text is in one."""
