"""Evidence of words for classes, from their counts in sentences of each class."""

import torch
from torch import Tensor

from rnn_core.tasks.base.prepared import Data


def sentence_counts(data: Data, items: Tensor, vocabulary_size: int, num_classes: int) -> Tensor:
    """In how many of the given sentences of each class each word occurs, int64 (V, C)."""
    labels, lengths = data["labels"].long(), data["lengths"].long()
    wanted = torch.zeros_like(lengths, dtype=torch.bool).index_fill(0, items, value=True)
    owners = torch.arange(len(lengths), device=lengths.device).repeat_interleave(lengths)
    pairs = (owners * vocabulary_size + data["words"])[wanted[owners]].unique()
    cells = pairs % vocabulary_size * num_classes + labels[pairs // vocabulary_size]
    counts: Tensor = cells.bincount(minlength=vocabulary_size * num_classes)
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
