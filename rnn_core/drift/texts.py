"""Traits of single texts."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rnn_core.drift.traits import Traits
from rnn_core.features.word_finding import join_units
from rnn_core.readers.parallel_text import clean
from rnn_core.readers.splits import TRAIN
from rnn_core.tasks.base.serves import required_column
from rnn_core.tasks.copy_memory.prepare import raw_lines, split_lines
from rnn_core.tasks.copy_memory.task import CopyMemory
from rnn_core.tasks.sentiment.files import read_splits as read_labelled
from rnn_core.tasks.sentiment.files import words_of
from rnn_core.tasks.sentiment.raw_input import texts_in_table
from rnn_core.tasks.sentiment.task import Sentiment
from rnn_core.tasks.translation.pairs import read_splits as read_pairs
from rnn_core.tasks.translation.pairs import without_repeated
from rnn_core.tasks.translation.task import Translation

if TYPE_CHECKING:
    import pandas as pd

NO_SCRIPT = "no letters"
"""The script of a text without a letter."""

MIXED = 0.5
"""A script is that of a text if at least this share of the letters belong to it."""


class Opinions:
    """Texts to classify."""

    items = "texts"
    in_time = False

    def of_input(self, task: Sentiment, table: "pd.DataFrame") -> Traits:
        texts = texts_in_table(table, task.column)
        cut = [self.cut(task, text) for text in texts]
        return traits_of(texts, cut, [share_outside(words, task.index) for words in cut])

    def of_training(self, task: Sentiment, raw: Path) -> Traits:
        table = read_labelled(raw, task.meta.parameters).table
        texts = table["text"][table["split"] == TRAIN].tolist()
        cut = [self.cut(task, text) for text in texts]
        fewest = task.meta.parameters.min_count
        return traits_of(texts, cut, shares_outside_others(cut, task.index, fewest))

    def cut(self, task: Sentiment, text: str) -> list[str]:
        """The words of a text, before rare ones are left out."""
        return join_units(words_of(text, task.meta.parameters.lowercase, LONGEST), task.meta.words)


class Sentences:
    """Texts to translate."""

    items = "texts"
    in_time = False

    def of_input(self, task: Translation, table: "pd.DataFrame") -> Traits:
        return self.of_texts(task, [str(text) for text in required_column(table, "text")])

    def of_training(self, task: Translation, raw: Path) -> Traits:
        asked = task.meta.parameters
        pairs = without_repeated(read_pairs(raw, asked), asked)["train"]
        return self.of_texts(task, [pair.source for pair in pairs])

    def of_texts(self, task: Translation, texts: Sequence[str]) -> Traits:
        """The traits of texts, with the share of unknown characters and subwords per word."""
        read = [clean(text, task.meta.parameters.lower_case) for text in texts]
        cut = [text.split() for text in read]
        known = task.subwords.characters
        unknown = [share_outside("".join(words), known) for words in cut]
        pieces = task.subwords.encode(read)
        each = [len(p) / max(len(w), 1) for p, w in zip(pieces, cut, strict=True)]
        found = traits_of(read, cut, unknown, "unknown characters")
        numbers = {**found.numbers, "subwords per word": np.array(each)}
        return Traits(num_items=len(read), numbers=numbers, categories=found.categories)


class Lines:
    """Lines of symbols to recall."""

    items = "lines"
    in_time = False

    def of_input(self, task: CopyMemory, table: "pd.DataFrame") -> Traits:
        lines = [str(line) for line in required_column(table, "symbols")]
        return self.of_lines(task, lines)

    def of_training(self, task: CopyMemory, raw: Path) -> Traits:
        return self.of_lines(task, split_lines(raw_lines(raw), task.meta.parameters)["train"])

    def of_lines(self, task: CopyMemory, lines: Sequence[str]) -> Traits:
        """Lengths of lines, their numbers of symbols, and their first symbols."""
        known = set(task.meta.symbols)
        return Traits(
            num_items=len(lines),
            numbers={
                "length": np.array([len(line) for line in lines], np.float64),
                "different symbols": np.array([len(set(line)) for line in lines], np.float64),
                "unknown symbols": np.array([share_outside(line, known) for line in lines]),
            },
            categories={"first symbol": Counter(line[:1] for line in lines)},
        )


LONGEST = 1_000_000
"""Most words of a text that are counted."""


def traits_of(
    texts: Sequence[str],
    cut: Sequence[Sequence[str]],
    unknown: Sequence[float],
    what: str = "unknown words",
) -> Traits:
    """The traits that all kinds of texts have.

    Args:
        texts: The texts.
        cut: The words of each text.
        unknown: The share of unknown parts of each text.
        what: Name of these parts, such as "unknown words".
    """
    return Traits(
        num_items=len(texts),
        numbers={
            "characters": np.array([len(text) for text in texts], np.float64),
            "words": np.array([len(words) for words in cut], np.float64),
            what: np.array(unknown, np.float64),
        },
        categories={"script": Counter(map(script_of, texts))},
    )


def share_outside(parts: Iterable[str], known: Iterable[str] | Mapping[str, int]) -> float:
    """The share of words or characters that are not among the known ones; 0 if there are none."""
    outside = [part not in known for part in parts]
    return sum(outside) / max(len(outside), 1)


def shares_outside_others(
    cut: Sequence[Sequence[str]], index: Mapping[str, int], fewest: int
) -> list[float]:
    """The share of the words of each training text that would be unknown without that text.

    A model knows nearly all words that it was trained on. New texts of the same kind have unknown
    words: about as many as a training text has words that occur in no other one.

    Args:
        cut: The words of each training text.
        index: The words that the model knows.
        fewest: How often a word must occur to be known.
    """
    counts = Counter(word for words in cut for word in words)
    shares = []
    for words in cut:
        own = Counter(words)
        known = {w for w in own if w in index and counts[w] - own[w] >= max(fewest, 1)}
        shares.append(share_outside(words, known))
    return shares


def script_of(text: str) -> str:
    """The script that half of the letters of a text belong to, such as Latin, or `mixed`."""
    counts = Counter(script_of_letter(c) for c in text if c.isalpha())
    if not counts:
        return NO_SCRIPT
    ((script, count),) = counts.most_common(1)
    return script if count >= MIXED * counts.total() else "mixed"


def script_of_letter(letter: str) -> str:
    """The script of a letter: the first word of its name in Unicode."""
    return unicodedata.name(letter, "OTHER").partition(" ")[0].capitalize()
