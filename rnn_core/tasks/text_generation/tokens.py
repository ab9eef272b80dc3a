"""Texts, and the tokens that they are cut into."""

import re
from pathlib import Path

from rnn_core.readers.plain_text import only_text_file, read_plain_text


def read_text(raw: Path) -> str:
    """Read the one text file of a raw folder.

    Raises:
        DataError: If there is not exactly one, or it cannot be used.
    """
    return read_plain_text(only_text_file(raw, "text generation"))


def tokenize(text: str, tokens: str) -> list[str]:
    """Cut a text into characters, or words and marks; joined, they are the text again.

    A word or punctuation mark keeps the one space before it; other white space is a
    token for each character.
    """
    return list(text) if tokens == "char" else re.findall(r" ?\w+| ?[^\w\s]|\s", text)
