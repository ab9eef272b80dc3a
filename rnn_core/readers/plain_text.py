"""Plain text files as people have them: their encoding, their line ends, what the eye misses."""

import codecs
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from rnn_core.errors import DataError
from rnn_core.readers.faults import Faults
from rnn_core.readers.formats.encodings import encoding_by_mark
from rnn_core.readers.formats.first_bytes import (
    BINARIES,
    DOCUMENTS,
    LOOKED_AT,
    POINTER,
    kind_of,
)
from rnn_core.readers.formats.packed import ZIP, unpacked
from rnn_core.readers.formats.text_records import FILLING

CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
"""Characters that no text holds, except tabulators, line breaks and page breaks."""

INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff]")
"""Soft hyphens, places where a line may break or not, and byte order marks inside of a text."""

OFFICE = (ZIP, b"\xd0\xcf\x11\xe0")
"""First bytes of documents of Office, the newer ones first; other zip files are unpacked."""

PIECE_BYTES = 1 << 20
"""Texts are decoded in pieces of about this size; a bound on memory only."""


def as_seen(text: str) -> str:
    """A text without what the eye does not see, its characters composed (NFC).

    Texts that look alike are alike after it.
    """
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", INVISIBLE.sub("", text))


def one_line(text: str) -> str:
    """A text as it is seen, each run of blanks and line breaks as one blank.

    One that is so already is returned itself: many texts take much memory if they are held twice.
    """
    found = " ".join(as_seen(text).split())
    return text if found == text else found


def read_plain_text(file: Path, encoding: str | None = None, name: str | None = None) -> str:
    """Read a text file whole; see `text_pieces`.

    Raises:
        DataError: If there is no such file, or it is not text in its encoding, or is blank.
    """
    text = "".join(text_pieces(file, encoding, name))
    if not text.strip():
        raise DataError(f"{name or file.name} holds nothing but white space")
    return text


def text_pieces(file: Path, encoding: str | None = None, name: str | None = None) -> Iterator[str]:
    r"""Read a text file in pieces, each `as_seen`; a piece begins a line, or with a space.

    A byte order mark is taken off, and tells the encoding. A line ends at \n, before which any \r
    is no part of it; so lines are those that `wc -l` counts. Elsewhere in a line \r is a space.
    In a file without any \n, as of old Macs, \r ends a line. Packed files are unpacked.

    Args:
        file: The file.
        encoding: Of the file where no byte order mark tells it. None: UTF-8, and the user cannot
            choose another.
        name: What to call it in errors.

    Raises:
        DataError: If there is no such file, or it is not text in its encoding, or is empty.
    """
    name = name or file.name
    content = in_utf8(content_of(file, name), name, encoding).rstrip(FILLING.encode())
    if b"\n" not in content:
        content = content.replace(b"\r", b"\n")
    start, line = 0, 1
    while start < len(content):
        end = end_of_piece(content, start)
        piece = clean_piece(decoded(content, start, end, name, encoding))
        check_controls(piece, name, line)
        yield piece
        start, line = end, line + piece.count("\n")


def content_of(file: Path, name: str) -> bytes:
    """The bytes of a file, unpacked.

    Raises:
        DataError: If there is no such file, it is empty or no plain text, or cannot be unpacked.
    """
    if not file.is_file():
        told = f"{name} is a folder; give a file" if file.is_dir() else f"there is no file {name}"
        raise DataError(told)
    opened, _ = unpacked(file, Faults(), called=name)
    with opened() as stream:
        content = stream.read()
    if not content:
        raise DataError(f"{name} is empty")
    refuse_documents(content[:LOOKED_AT], name)
    return content


def refuse_documents(start: bytes, name: str) -> None:
    """Refuse a file that is no plain text, by its first bytes.

    Raises:
        DataError: If it is none.
    """
    office = start.startswith(OFFICE)
    kind = "a document of Office" if office else kind_of(start)
    if kind == POINTER:
        raise DataError(f"{name} is {kind} in place of the file; run `git lfs pull`")
    if office or kind in {*DOCUMENTS, *BINARIES.values()}:
        raise DataError(f"{name} is {kind}; save its text alone")


def in_utf8(content: bytes, name: str, encoding: str | None) -> bytes:
    """A file of another encoding in UTF-8; one that should be in UTF-8 as it is.

    Raises:
        DataError: If it is not in the encoding that its first bytes or the user name.
    """
    known = encoding_by_mark(content) or encoding or "utf-8"
    if known == "utf-8-sig":
        return content[len(codecs.BOM_UTF8) :]
    if codecs.lookup(known).name == "utf-8":
        return content
    try:
        return content.decode(known).encode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{name}, line {line} is not {known.upper()} (byte {error.start + 1} of the file); "
            "save the file as UTF-8"
        ) from None


def end_of_piece(content: bytes, start: int) -> int:
    """The place before which a piece ends that begins at `start`."""
    most = start + PIECE_BYTES
    if len(content) <= most:
        return len(content)
    after_line = content.rfind(b"\n", start, most) + 1
    before_space = content.rfind(b" ", start + 1, most)
    if after_line > 0:
        return after_line
    if before_space > 0:
        return before_space
    return content.find(b"\n", most) + 1 or len(content)


def decoded(content: bytes, start: int, end: int, name: str, encoding: str | None) -> str:
    """A part of a file in UTF-8.

    Raises:
        DataError: If it is not; names the line and the byte.
    """
    try:
        return content[start:end].decode()
    except UnicodeDecodeError as error:
        place = start + error.start
        line = content.count(b"\n", 0, place) + 1
        hint = "" if encoding is None else ", or name its encoding: --set encoding=windows-1252"
        raise DataError(
            f"{name}, line {line} is not UTF-8 (byte {place + 1} of the file); "
            f"save the file as UTF-8{hint}"
        ) from None


def clean_piece(text: str) -> str:
    """A piece with lines that end in line feeds alone, as it is seen."""
    if "\r" in text:
        text = re.sub(r"\r+\n", "\n", text).replace("\r", " ")
    return as_seen(text)


def check_controls(text: str, name: str, line: int) -> None:
    """Refuse a text with characters that no text holds; `line` is that of its start.

    Raises:
        DataError: If it has such.
    """
    if found := CONTROL.search(text):
        line += text.count("\n", 0, found.start())
        raise DataError(
            f"{name}, line {line} holds the control character "
            f"U+{ord(found.group()):04X}; is this a text file?"
        )


def read_file_lines(file: Path, encoding: str | None = None, name: str | None = None) -> list[str]:
    """The lines of a text file; see `text_pieces` for what ends a line.

    Raises:
        DataError: As `read_plain_text`.
    """
    return read_plain_text(file, encoding, name).removesuffix("\n").split("\n")
