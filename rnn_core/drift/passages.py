"""Traits of the passages of a long text."""

from collections import Counter
from collections.abc import Container, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rnn_core.drift.traits import Traits
from rnn_core.errors import DataError
from rnn_core.tasks.base.serves import required_column
from rnn_core.tasks.text_generation.splits import read_splits
from rnn_core.tasks.text_generation.task import TextGeneration
from rnn_core.tasks.text_generation.tokens import tokenize

if TYPE_CHECKING:
    import pandas as pd

PASSAGE = 400
"""Number of characters of a passage."""

MATTERS = 0.05
"""The smallest change of a share that matters."""


class Passages:
    """Consecutive passages of a text."""

    items = f"passages of {PASSAGE} characters"
    in_time = True

    def of_input(self, task: TextGeneration, table: "pd.DataFrame") -> Traits:
        text = "\n".join(str(prompt) for prompt in required_column(table, "prompt"))
        if len(text) < PASSAGE:
            raise DataError(
                f"the input has {len(text)} characters in all; {PASSAGE} are needed to compare "
                "them with the training set"
            )
        return traits_of(task, passages_of(text), Counter())

    def of_training(self, task: TextGeneration, raw: Path) -> Traits:
        text = read_splits(raw, task.meta.parameters)
        whole = text.written("train", 0, len(text.splits["train"]))
        counts = Counter(tokenize(whole, task.meta.parameters.tokens))
        return traits_of(task, passages_of(whole), counts)


def passages_of(text: str) -> list[str]:
    """The passages of a text; a rest at its start is left out."""
    first = len(text) % PASSAGE if len(text) >= PASSAGE else 0
    return [text[i : i + PASSAGE] for i in range(first, len(text), PASSAGE)]


def traits_of(task: TextGeneration, passages: Sequence[str], counts: Counter[str]) -> Traits:
    """Shares of the characters of passages, and of tokens that the model does not know.

    Args:
        task: The task of the model.
        passages: The passages.
        counts: If they are the training set, the count of each token in it: a token that is in
            only one passage would be unknown without that passage. Empty for other passages.
    """
    kinds = {
        "capitals": str.isupper,
        "digits": str.isdigit,
        "white space": str.isspace,
        "marks": lambda c: not (c.isalnum() or c.isspace()),
        "letters that are not Latin": lambda c: c.isalpha() and c > "\u024f",
    }
    numbers = {
        name: np.array([sum(map(is_one, each)) / len(each) for each in passages])
        for name, is_one in kinds.items()
    }
    if task.subwords is None:
        how = task.meta.parameters.tokens
        cut = (tokenize(each, how) for each in passages)
        shares = [unknown_share(tokens, task.index, counts) for tokens in cut]
        numbers["unknown tokens"] = np.array(shares)
    return Traits(num_items=len(passages), numbers=numbers, matters=dict.fromkeys(numbers, MATTERS))


def unknown_share(tokens: Sequence[str], known: Container[str], counts: Counter[str]) -> float:
    """The share of a passage's tokens that are unknown, or would be unknown without the passage."""
    own = Counter(tokens)
    unknown = [n for t, n in own.items() if t not in known or counts[t] == n]
    return sum(unknown) / max(len(tokens), 1)
