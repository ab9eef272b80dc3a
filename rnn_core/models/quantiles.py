"""Quantiles of a forecast, in their order and as far apart as they have to be."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Quantiles(nn.Module):
    """Makes quantiles of the outputs of a forecaster.

    Outputs are sorted, so that no quantile lies beyond a higher one. Sorted ones are never
    further from the true quantiles than they were before, for any measure of distance that an
    expected value of powers is (Chernozhukov, Fernandez-Val & Galichon, "Quantile and probability
    curves without crossing", arXiv:0704.3649v3). Sums of positive steps would not cross either,
    but an error of one of them moves all further out.

    Then each is moved to or from the median by a factor of its own, `widening`. Factors are 1
    while the model trains; see `rnn_core.tasks.forecasting.intervals.widening`.

    Args:
        levels: Probabilities of the quantiles, in rising order; 0.5 is one.
        num_targets: Columns that are predicted, C.
    """

    widening: Tensor

    def __init__(self, levels: Sequence[float], num_targets: int) -> None:
        super().__init__()
        self.levels = tuple(levels)
        self.median = self.levels.index(0.5)
        self.register_buffer("widening", torch.ones(num_targets, len(self.levels)))

    def forward(self, outputs: Tensor) -> Tensor:
        """Outputs (B, N, C, Q) as quantiles, lowest first."""
        ordered = outputs.sort(dim=-1).values
        median = ordered[..., self.median, None]
        return (median + self.widening * (ordered - median)).sort(dim=-1).values
