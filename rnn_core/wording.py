"""Wording of messages."""

import shlex
import unicodedata
from collections.abc import Iterable

BEGINNING, END = 500, 250
"""Characters that are shown of a line that is longer."""


def in_part(line: str) -> str:
    """A line of a message, without its middle if it is long: it may quote a whole file."""
    return line if len(line) <= BEGINNING + END else f"{line[:BEGINNING]} … {line[-END:]}"


def amount(count: int, noun: str) -> str:
    """A number of things in words: `1 gap`, `2,000 gaps`.

    Args:
        count: The number of things.
        noun: The singular of a noun whose plural ends in s.
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def option(name: str, value: str) -> str:
    """An option of a command and its value, as a shell reads them, for example `--future 'a b'`."""
    return shlex.join([f"--{name}", value])


def in_words(name: str) -> str:
    """A name of params.yaml or of a metric, for people, such as "nats per token"."""
    return name.replace("_", " ")


def alike_names(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Names that differ in capitals or blanks alone, together."""
    groups: dict[str, list[str]] = {}
    for name in names:
        plain = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
        groups.setdefault(plain, []).append(name)
    return [tuple(group) for group in groups.values() if len(group) > 1]
