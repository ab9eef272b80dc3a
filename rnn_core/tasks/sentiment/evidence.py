"""Evidence of words for classes, from their counts in sentences of each class."""

import torch
from torch import Tensor

from rnn_core.tasks.base.prepared import Data

AT_ONCE = 2_000
"""Sentences that are counted at once; a bound on memory only."""


def sentence_counts(data: Data, items: Tensor, vocabulary_size: int, num_classes: int) -> Tensor:
    """In how many of the given sentences of each class each word occurs, int64 (V, C)."""
    labels, lengths = data["labels"].long(), data["lengths"].long()
    wanted = torch.zeros_like(lengths, dtype=torch.bool).index_fill(0, items, value=True)
    counts = lengths.new_zeros(vocabulary_size * num_classes)
    parts = lengths.split(AT_ONCE)
    words = data["words"].split([int(part.sum()) for part in parts])
    for part, own, labelled, used in zip(
        parts, words, labels.split(AT_ONCE), wanted.split(AT_ONCE), strict=True
    ):
        owners = torch.arange(len(part), device=part.device).repeat_interleave(part)
        pairs = (owners * vocabulary_size + own)[used[owners]].unique()
        cells = pairs % vocabulary_size * num_classes + labelled[pairs // vocabulary_size]
        counts += cells.bincount(minlength=len(counts))
    return counts.view(vocabulary_size, num_classes)


def evidence(counts: Tensor) -> Tensor:
    """For which classes words speak, float32 (V, C), from their `sentence_counts`.

    The logarithm of a word's share in a class, with one occurrence added, less its mean
    over the classes: for two classes half the log-count ratio of Wang and Manning (2012),
    "Baselines and bigrams", ACL P12-2018, one with each sign.
    """
    smoothed = counts.double() + 1
    logarithms = (smoothed / smoothed.sum(dim=0)).log()
    return (logarithms - logarithms.mean(dim=1, keepdim=True)).float()
