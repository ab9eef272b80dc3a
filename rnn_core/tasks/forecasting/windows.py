"""Which windows of a table have their horizon on which side."""

from typing import TypeAlias

import torch
from torch import Tensor

from rnn_core.metric import Split

Borders: TypeAlias = dict[Split, tuple[int, int]]
"""First row and row after the last of each side."""


def first_rows(borders: Borders, split: Split, lookback: int, horizon: int) -> Tensor:
    """First row of the lookback of every window whose horizon lies in a side."""
    start, end = borders[split]
    first = max(start - lookback, 0)
    return torch.arange(first, max(end - lookback - horizon + 1, first))
