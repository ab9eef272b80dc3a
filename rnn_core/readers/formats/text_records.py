"""Lines of a text, and the fields between their separators."""

import csv
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, TypeAlias

from rnn_core.readers.formats.encodings import Opener

Quoting: TypeAlias = Literal["double", "none"]
"""True if fields may be in quotation marks; False if these are ordinary characters."""

SAMPLE = 1 << 16
"""Characters that are read to find the layout."""


FILLING = "\x00\x1a"
"""Characters with which old programs fill the end of a file."""


class BrokenQuoteError(ValueError):
    """A quotation mark that does not fit.

    Args:
        line: Where the row starts.
        inside: Whether text follows a closing quotation mark; else one is not closed.
    """

    def __init__(self, line: int, inside: bool) -> None:
        super().__init__(line, inside)
        self.line = line
        self.inside = inside


def open_text(opened: Opener, encoding: str) -> io.TextIOWrapper:
    """A text whose lines end as most of them do; line ends are kept."""
    with io.TextIOWrapper(opened(), encoding, newline="") as text:
        end = "\n" if "\n" in text.read(SAMPLE) else "\r"
    return io.TextIOWrapper(opened(), encoding, newline=end)


def ended(lines: Iterator[str]) -> Iterator[str]:
    """Lines without the characters with which old programs fill the end of a file."""
    for line in lines:
        yield line if line.endswith(("\n", "\r")) else line.rstrip(FILLING)


def squeezed(lines: Iterator[str]) -> Iterator[str]:
    """Lines of fields that blanks align, with one blank between any two."""
    for line in lines:
        body = line.rstrip("\r\n")
        yield " ".join(body.split()) + line[len(body) :]


def cleaned(lines: Iterator[str]) -> Iterator[str]:
    """Replace a carriage return within a line by a blank: it ends no row."""
    for line in lines:
        if line.find("\r", 0, -2) < 0:
            yield line
        else:
            body = line.rstrip("\r\n")
            yield body.replace("\r", " ") + line[len(body) :]


@contextmanager
def long_fields() -> Iterator[None]:
    """Let a field be as long as it is; the parser of Python refuses long ones by itself."""
    before = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def records(
    lines: Iterator[str], separator: str, quoting: Quoting, line: int = 1
) -> Iterator[tuple[int, list[str]]]:
    """The fields of each row, with its first line."""
    reader = csv.reader(
        squeezed(ended(lines)) if separator == " " else cleaned(ended(lines)),
        delimiter=separator,
        quoting=csv.QUOTE_MINIMAL if quoting == "double" else csv.QUOTE_NONE,
        skipinitialspace=True,
        strict=True,
    )
    start = line
    while True:
        try:
            for fields in reader:
                yield start, fields
                start = line + reader.line_num
        except csv.Error as error:
            raise BrokenQuoteError(start, "expected after" in str(error)) from None
        return


def first_lines(opened: Opener, encoding: str) -> list[str]:
    """The first lines of a text, whole ones, with their ends."""
    with open_text(opened, encoding) as text:
        sample = text.read(SAMPLE)
        sample += text.readline() if len(sample) == SAMPLE else ""
    end = "\n" if "\n" in sample else "\r"
    return [*ended(io.StringIO(sample, newline=end))]
