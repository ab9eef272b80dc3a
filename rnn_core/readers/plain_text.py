"""Plain text files as people have them."""

import re
from pathlib import Path

from rnn_core.errors import DataError

BYTE_ORDER_MARKS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
"""First bytes of a file, the longer ones first, and the encoding that they tell."""

CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
"""What no text holds; tabulators, line breaks and page breaks are let through."""


def only_text_file(raw: Path, reader: str) -> Path:
    """The one text file of a raw folder.

    Args:
        raw: The folder.
        reader: What reads it, for errors.

    Raises:
        DataError: If there is not exactly one.
    """
    files = sorted(raw.glob("*.txt"))
    if not files:
        raise DataError(f"{raw} holds no .txt file; {reader} reads one")
    if len(files) > 1:
        raise DataError(
            f"{raw} holds {len(files)} .txt files, {files[0].name} and {files[1].name} among "
            f"them; {reader} reads one, so join them"
        )
    return files[0]


def read_plain_text(file: Path) -> str:
    r"""Read a text file in UTF-8.

    A byte order mark of UTF-8 is taken off; line breaks of Windows (\r\n) and of old
    Macs (\r) become line feeds.

    Raises:
        DataError: If there is no such file, or it is not text in UTF-8, or is blank.
    """
    if not file.is_file():
        raise DataError(f"there is no file {file}")
    content = file.read_bytes()
    if not content:
        raise DataError(f"{file.name} is empty")
    text = decode(content, file.name).removeprefix("\ufeff")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if found := CONTROL.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise DataError(
            f"{file.name}, line {line} holds the control character "
            f"U+{ord(found.group()):04X}; is this a text file?"
        )
    if not text.strip():
        raise DataError(f"{file.name} holds nothing but white space")
    return text


def decode(content: bytes, name: str) -> str:
    """Decode UTF-8.

    Raises:
        DataError: If it is not; names the file, the line and the byte.
    """
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if content.startswith(mark):
            raise DataError(f"{name} is {encoding}, not UTF-8; save it as UTF-8")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = len(re.findall(rb"\r\n|\r|\n", content[: error.start])) + 1
        raise DataError(
            f"{name}, line {line} is not UTF-8 (byte {error.start + 1} of the file); "
            "save the file as UTF-8"
        ) from None
