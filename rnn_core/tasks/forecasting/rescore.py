"""A table that came later, forecast by a model that was trained before."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from rnn_core.errors import DataError
from rnn_core.metric import SPLITS, Split
from rnn_core.tasks.base.prepared import Meta
from rnn_core.tasks.base.rescores import Marks, Rescores, one_mark_each
from rnn_core.tasks.base.scores import Scores
from rnn_core.tasks.forecasting.learn import ForecastingModel, Learning
from rnn_core.tasks.forecasting.parameters import ForecastingData, ForecastingMeta
from rnn_core.tasks.forecasting.prepare import prepare
from rnn_core.tasks.forecasting.reading import Table, read_table

MARKED_ROWS = 8
"""A row without a date is known by its targets and those of the rows before it, so many in all."""


class Rescoring(Learning, Rescores):
    """Scores a model on a later table, in the standard deviations of that."""

    @staticmethod
    def marks(raw: Path, parameters: ForecastingData, seed: int) -> dict[Split, Marks]:
        """A mark for each row of the horizon of each window."""
        data, meta = prepare(raw, parameters)
        rows = row_marks(read_table(raw, parameters), list(parameters.targets))
        task = Learning(meta, ForecastingModel())
        future = np.arange(parameters.lookback, parameters.lookback + parameters.horizon)
        return {split: rows[task.rows(data, split).numpy()[:, None] + future] for split in SPLITS}

    def rescore(
        self, model: nn.Module, raw: Path, parameters: ForecastingData, seed: int, other: Meta
    ) -> Scores:
        own = self.meta.parameters
        if (own.targets, own.horizon) != (parameters.targets, parameters.horizon):
            raise DataError(f"it predicts {own.horizon} rows of {', '.join(own.targets)}")
        asked = replace(parameters, features=own.features, lookback=own.lookback)
        data, meta = prepare(raw, asked)
        if self.meta.step_seconds and meta.step_seconds:
            ratio = meta.step_seconds / self.meta.step_seconds
            if not 0.5 < ratio < 2:
                raise DataError(f"it was trained on rows {self.meta.step_seconds:g} seconds apart")
        task = type(self)(meta, self.model)
        return task.scores(Rescaled(model, self.meta, meta), data, "test")


class Rescaled(nn.Module):
    """A model asked in another scale than its own.

    Args:
        model: Reads the past (B, L, F), and answers the future (B, N, C), or quantiles of it
            (B, N, C, Q), in its own scale.
        own: Has the scale that it was trained in.
        asked: Has that in which it is asked and answers here.
    """

    def __init__(self, model: nn.Module, own: ForecastingMeta, asked: ForecastingMeta) -> None:
        super().__init__()
        self.model = model
        (mean, std), (its_mean, its_std) = (
            torch.tensor([meta.mean, meta.std], dtype=torch.float64) for meta in (asked, own)
        )
        self.factor = (std / its_std).float()
        self.shift = ((mean - its_mean) / its_std).float()

    def forward(self, past: Tensor) -> Tensor:
        future: Tensor = self.model(past * self.factor + self.shift)
        width = future.shape[2]
        back = (width, *[1] * (future.ndim - 3))
        shift, factor = self.shift[:width].reshape(back), self.factor[:width].reshape(back)
        asked: Tensor = (future - shift) / factor
        return asked


def row_marks(table: Table, targets: list[str]) -> Marks:
    """A mark for each row: its time, or where there is none what the targets were there, (R,)."""
    if table.times is not None:
        times = table.times.as_unit("s").asi8
        return one_mark_each(time.tobytes() for time in times)[:, 0]
    values = table.numbers[targets].to_numpy(np.float64)
    padded = np.pad(values, ((MARKED_ROWS - 1, 0), (0, 0)))
    runs = np.lib.stride_tricks.sliding_window_view(padded, MARKED_ROWS, axis=0)
    return one_mark_each(np.ascontiguousarray(run).tobytes() for run in runs)[:, 0]
