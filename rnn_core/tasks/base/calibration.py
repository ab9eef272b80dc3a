"""Whether a classifier is right as often as it says."""

import torch
from torch import Tensor

BINS = 15
"""Intervals of equal width, as the paper takes them."""


def calibration_error(logits: Tensor, labels: Tensor, bins: int = BINS) -> float:
    """The expected calibration error of a classifier, in [0, 1]; 0 is best.

    Items are sorted into intervals of equal width by the probability of the class that each is
    taken for. The result is the mean difference, over the items, between an interval's accuracy
    and its mean probability.

    Args:
        logits: Of the classes, up to a constant for each item, (N, C).
        labels: The right classes, int64 (N,).
        bins: How many intervals.

    Reference:
        Guo et al., "On calibration of modern neural networks", arXiv:1706.04599v2, section 2.
    """
    confidences, guesses = logits.double().softmax(dim=1).max(dim=1)
    edges = torch.linspace(0, 1, bins + 1, dtype=torch.float64, device=logits.device)[1:-1]
    intervals = torch.bucketize(confidences, edges)
    surplus = confidences - (guesses == labels).double()
    sums = torch.zeros(bins, dtype=torch.float64, device=logits.device)
    return float(sums.index_add(0, intervals, surplus).abs().sum() / len(labels))
