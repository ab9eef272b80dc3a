"""Probabilities of tokens by how often they occur."""

import torch
from torch import Tensor


def unigram_probabilities(train: Tensor, vocabulary_size: int) -> Tensor:
    """Relative frequency of each token with one added, float64 (V,)."""
    counts = torch.bincount(train, minlength=vocabulary_size).double() + 1
    return counts / counts.sum()


def bigram_probabilities(train: Tensor, test: Tensor, unigram: Tensor) -> Tensor:
    """Probability of each test token after the first, given the one before.

    Relative frequencies, drawn to the unigram ones as by one earlier observation.
    """
    size = len(unigram)
    pairs, pair_counts = torch.unique(train[:-1] * size + train[1:], return_counts=True)
    wanted = test[:-1] * size + test[1:]
    place = torch.searchsorted(pairs, wanted).clamp(max=len(pairs) - 1)
    count = torch.where(pairs[place] == wanted, pair_counts[place], 0)
    before = torch.bincount(train[:-1], minlength=size)[test[:-1]]
    return (count + unigram[test[1:]]) / (before + 1)
