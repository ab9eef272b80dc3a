"""Inputs of a forecast: the last rows of a series, and known values of the next."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnn_core.tasks.base.prepared import Data

if TYPE_CHECKING:
    import pandas as pd


class Newest(NamedTuple):
    """The lookback of a series, and what is known of the rows after it.

    Attributes:
        series: Its name; empty where the table is one series.
        past: Its rows as a model reads them, but with their gaps, float32 (L, F).
        ahead: What is known of the rows that follow, float32 (N, K).
        times: Timestamps of these; None if the model was trained without any.
        mean: Where its columns are 0 for a model, (C,).
        std: How far from there they are 1, (C,).
        before: Prepared data of the rows whose forecasts the intervals follow, the lookback
            included; empty where there are none.
    """

    series: str
    past: Tensor
    ahead: Tensor
    times: "pd.DatetimeIndex | None"
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    before: Data

    def scaled(self, value: float) -> Tensor:
        """Scale a number for each column of a model, float32 (C,)."""
        return torch.from_numpy((value - self.mean) / self.std).float()
