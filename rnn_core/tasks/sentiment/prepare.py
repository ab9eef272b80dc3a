"""Labelled texts become numbers of words and splits."""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from rnn_core.features.word_finding import find_words, join_units
from rnn_core.features.words import build_vocabulary, encode
from rnn_core.metric import SPLITS
from rnn_core.readers.faults import Faults
from rnn_core.readers.splits import TEST, TRAIN
from rnn_core.tasks.base.splits import items_of
from rnn_core.tasks.sentiment.evidence import sentence_counts
from rnn_core.tasks.sentiment.files import read_splits
from rnn_core.tasks.sentiment.parameters import SentimentData, SentimentMeta

if TYPE_CHECKING:
    import pandas as pd


OPTIMUM = "likeliest.npy"
"""Where a source says of each row whether its label is the likeliest one for its text."""


def prepare(raw: Path, parameters: SentimentData) -> tuple[dict[str, Tensor], SentimentMeta]:
    """Number the words of each text by the vocabulary of the training set."""
    read = read_splits(raw, parameters)
    table = read.table
    del table["text"]  # takes as much memory as its words, which alone are read from here on
    splits, classes = table["split"].tolist(), sorted(set(table["label"]))
    check_training_set(table)
    words = find_words(words_in(table, TRAIN)) if parameters.find_words else {}
    if words:
        table["words"] = [" ".join(join_units(text.split(" "), words)) for text in table["words"]]
    vocabulary = build_vocabulary(
        chain.from_iterable(words_in(table, TRAIN)), parameters.max_vocabulary, parameters.min_count
    )
    data = to_tensors(table, vocabulary, classes)
    counts = sentence_counts(data, items_of(data["splits"], "train"), len(vocabulary), len(classes))
    meta = SentimentMeta(
        parameters=parameters,
        classes=classes,
        vocabulary=vocabulary,
        sentence_counts=counts.tolist(),
        longest=int(data["lengths"][items_of(data["splits"], "train")].max()),
        items={split: splits.count(i) for i, split in enumerate(SPLITS)},
        left_out=read.left_out,
        optimum=label_optimum(raw, splits),
        found=read.found,
        words=words,
    )
    return data, meta


def words_in(table: "pd.DataFrame", split: int) -> Iterator[list[str]]:
    """The words of each text of a split."""
    return (text.split(" ") for text in table["words"][table["split"] == split])


def to_tensors(
    table: "pd.DataFrame", vocabulary: Sequence[str], classes: Sequence[str]
) -> dict[str, Tensor]:
    """Numbers of the words and classes of all rows, as `read_splits` reads them."""
    index = {word: i for i, word in enumerate(vocabulary)}
    words = (word for text in table["words"] for word in text.split(" "))
    return {
        "words": encode(words, index),
        "lengths": torch.tensor([t.count(" ") + 1 for t in table["words"]], dtype=torch.int32),
        "labels": torch.tensor([classes.index(c) for c in table["label"]], dtype=torch.int32),
        "splits": torch.tensor(table["split"].tolist(), dtype=torch.uint8),
    }


def check_training_set(table: "pd.DataFrame") -> None:
    """Refuse classes that the training set does not hold."""
    known, faults = set(table["label"][table["split"] == TRAIN]), Faults()
    for label in sorted(set(table["label"]) - known):
        faults.add(
            f"the training set has no row of the class {label!r}",
            "add rows of it, or leave it out of the other files",
        )
    faults.check()


def label_optimum(raw: Path, splits: list[int]) -> float | None:
    """Accuracy on the test set of always giving the likeliest label, where it is known."""
    file = raw / OPTIMUM
    if not file.exists():
        return None
    return float(np.load(file)[np.array(splits) == TEST].mean())
