"""Texts, and the tokens that they are cut into."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import regex

from rnn_core.metric import Split
from rnn_core.readers.writing_systems import WORD_OR_MARK

Numbers: TypeAlias = npt.NDArray[np.unsignedinteger[Any]]
"""Numbers of tokens, of the smallest type that has room for them."""

CODE_POINTS = 0x110000
"""Characters that Unicode has room for."""

COUNTED = 1 << 20
"""Tokens that are counted at once; a bound on memory only."""

TOKEN = regex.compile(rf"(?V1) ?(?:{WORD_OR_MARK})|\s")


def tokenize(text: str, tokens: str) -> list[str]:
    """Cut a text into characters, or words and marks; joined, they are the text again.

    A word or punctuation mark keeps the one space before it; other white space is a
    token for each character. What becomes subwords is cut into characters first.
    """
    return TOKEN.findall(text) if tokens == "word" else list(text)


class Numbered(NamedTuple):
    """The tokens of a text's splits as numbers.

    Attributes:
        kinds: The different tokens, by number.
        splits: The numbers of each split, (N,).
    """

    kinds: list[str]
    splits: Mapping[Split, Numbers]

    def written(self, split: Split, start: int, end: int) -> str:
        """The text of some of a split's tokens."""
        numbers = self.splits[split][start:end].tolist()
        return "".join(map(self.kinds.__getitem__, numbers))

    def counts(self, split: Split) -> npt.NDArray[np.int64]:
        """Number of occurrences of each token in a split, (kinds,)."""
        counts = np.zeros(len(self.kinds), np.int64)
        numbers = self.splits[split]
        for start in range(0, len(numbers), COUNTED):  # which takes 8 bytes for each
            part = numbers[start : start + COUNTED]
            counts += np.bincount(part, minlength=len(self.kinds))
        return counts


class Numbering:
    """Gives each different token a number when it first comes.

    Args:
        tokens: What these are; see `tokenize`.
    """

    def __init__(self, tokens: str) -> None:
        self.tokens = tokens
        self.by_words = tokens == "word"
        self.kinds: list[str] = []
        self.of_word: dict[str, int] = {}
        self.of_character = np.full(0 if self.by_words else CODE_POINTS, -1, np.int32)

    def add(self, pieces: Iterable[str]) -> Numbers:
        """The numbers of the tokens of a text that comes in pieces, (N,)."""
        number = self.words if self.by_words else self.characters
        parts = [number(piece) for piece in pieces]
        return np.concatenate(parts) if parts else np.zeros(0, np.uint8)

    def characters(self, piece: str) -> Numbers:
        """The numbers of characters."""
        codes = np.frombuffer(piece.encode("utf-32-le"), np.uint32)
        numbers = self.of_character[codes]
        if len(new := np.unique(codes[numbers < 0])):
            self.of_character[new] = np.arange(len(self.kinds), len(self.kinds) + len(new))
            self.kinds += map(chr, new.tolist())
            numbers = self.of_character[codes]
        return self.small(numbers)

    def words(self, piece: str) -> Numbers:
        """The numbers of words and marks."""
        found = tokenize(piece, self.tokens)
        for word in dict.fromkeys(found):
            if word not in self.of_word:
                self.of_word[word] = len(self.kinds)
                self.kinds.append(word)
        return self.small(np.fromiter(map(self.of_word.__getitem__, found), np.uint32, len(found)))

    def small(self, numbers: npt.NDArray[Any]) -> Numbers:
        """Numbers of the smallest type."""
        return numbers.astype(smallest(len(self.kinds)))


def smallest(number: int) -> type[np.uint8] | type[np.uint16] | type[np.uint32]:
    """The smallest type for the numbers from 0 to `number` - 1."""
    if number <= np.iinfo(np.uint8).max + 1:
        return np.uint8
    return np.uint16 if number <= np.iinfo(np.uint16).max + 1 else np.uint32
