"""Possible faults of a text."""

import re
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from rnn_core.features.passages import passage_hashes
from rnn_core.readers.formats.first_bytes import MARKUP, SUBTITLES, kind_of
from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.text_generation.parameters import TextData

PASSAGE = {"char": 200, "word": 40, "subword": 60}
"""Tokens of a passage that no text has twice by chance."""

LOOKED_AT = 1 << 20
"""Passages that are looked at, more or less: of more, some by their content (Schleimer et al.,
SIGMOD 2003)."""

CHUNK = 1 << 18
"""Passages that are looked at together; a bound on memory only."""

MOST_REPEATED = 0.05
"""Share of repeated passages from which on they are reported."""

LEAST_LINES = 50
"""Lines that a list has at least, whose order is looked at."""

NO_LETTERS = re.compile(r"^[\W\d_]+(?=[^\W\d_])")
"""The start of a line before its first letter, such as a time, by which logs are in order."""

SORTED = 0.95
"""Share of lines of a sorted list that come after the one before them; half of others do."""


def repeated_passages(data: Data, parameters: TextData) -> Iterator[str]:
    """Warn of a validation or test set that shares long passages with the training set."""
    length = PASSAGE[parameters.tokens]
    one_of = 1 + len(data["train"]) // LOOKED_AT
    seen = np.unique(passages(data["train"].numpy(), length, one_of))
    for split in ("validation", "test"):
        marks = passages(data[split].numpy(), length, one_of)
        share = float(np.isin(marks, seen).mean()) if len(marks) else 0.0
        if share > MOST_REPEATED:
            yield (
                f"{share:.0%} of the {split} set is in the training set too, in passages of "
                f"{length} tokens and more: was a text pasted several times? Remove the copies, "
                "or scores tell how well a model remembers"
            )


def passages(tokens: npt.NDArray[np.integer], length: int, one_of: int) -> npt.NDArray[np.uint64]:
    """Hashes of every `one_of`-th passage of tokens (N,), the same for the same passage."""
    kept = []
    for start in range(0, max(len(tokens) - length + 1, 0), CHUNK):
        part = tokens[start : start + CHUNK + length - 1].astype(np.uint64)
        marks = passage_hashes(part + np.uint64(1), length)
        kept.append(marks[marks % np.uint64(one_of) == 0])
    return np.concatenate(kept) if kept else np.zeros(0, np.uint64)


def markup(name: str, pieces: Iterator[str]) -> Iterator[str]:
    """Warn of a file that is written in a language of markup, or has times between texts."""
    kind = kind_of(next(pieces, ""))
    if kind == SUBTITLES:
        yield (
            f"{name} is {kind}, so that its numbers and times are learned as text; if that is not "
            "wanted, save its text alone"
        )
    if kind in MARKUP:
        yield (
            f"{name} begins as XML, SGML or HTML does, so that its tags are learned as text; if "
            "that is not wanted, save its text alone"
        )


def sorted_lines(pieces: Iterable[str]) -> Iterator[str]:
    """Warn of lines in alphabetical order, where each split would have other letters."""
    before, number, rising, differing = "", 0, 0, 0
    for line in lines_of(pieces):
        folded = NO_LETTERS.sub("", line).casefold()
        if before and folded != before:
            differing += 1
            rising += folded > before
        before, number = folded, number + 1
    most = max(rising, differing - rising)
    if differing >= LEAST_LINES and most >= SORTED * number:
        yield (
            f"the {number:,} lines are in alphabetical order, so that the test set begins with "
            "other letters than the training set; --set split=lines draws whole lines for it"
        )


def lines_of(pieces: Iterable[str]) -> Iterator[str]:
    """The lines of a text in pieces that are not blank."""
    rest = ""
    for piece in pieces:
        *lines, rest = (rest + piece).split("\n")
        yield from filter(None, map(str.strip, lines))
    if rest.strip():
        yield rest.strip()
