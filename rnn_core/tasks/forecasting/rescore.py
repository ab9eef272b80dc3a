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
from rnn_core.tasks.forecasting.reading import read_table
from rnn_core.tasks.forecasting.steps import alike

MARKED_ROWS = 8
"""Number of rows, up to a row without a date, whose targets identify it."""


class Rescoring(Learning, Rescores):
    """Scores a model on a later table, in the standard deviations of that."""

    @staticmethod
    def marks(raw: Path, parameters: ForecastingData, seed: int) -> dict[Split, Marks]:
        """A mark for each row of the horizon of each window."""
        data, meta = prepare(raw, parameters)
        rows = row_marks(raw, meta)
        task = Learning(meta, ForecastingModel())
        future = np.arange(parameters.lookback, parameters.lookback + parameters.horizon)
        return {split: rows[task.rows(data, split).numpy()[:, None] + future] for split in SPLITS}

    def rescore(
        self, model: nn.Module, raw: Path, parameters: ForecastingData, seed: int, other: Meta
    ) -> Scores:
        own = self.meta.parameters
        if (own.targets, own.horizon) != (parameters.targets, parameters.horizon):
            raise DataError(f"it predicts {own.horizon} rows of {', '.join(own.targets)}")
        if (own.series is None) != (parameters.series is None):
            raise DataError("only one of the two models was trained on a table of several series")
        asked = replace(
            parameters,
            features=own.features,
            known=own.known,
            calendar=own.calendar,
            lookback=own.lookback,
        )
        data, meta = prepare(raw, asked)
        if not alike(meta.step_seconds, self.meta.step_seconds):
            raise DataError(f"it was trained on rows {self.meta.step_seconds:g} seconds apart")
        task = type(self)(meta, self.model)
        factor, shift = self.changes_of_scale(meta)
        series = task.series_of(torch.arange(len(data["values"])))
        own_scale = {**data, "values": data["values"] * factor[series] + shift[series]}
        output, _ = task.answers(model, own_scale, "test")
        rows, width = task.rows(data, "test"), len(own.targets)
        shape = (len(rows), 1, width, *[1] * (output.ndim - 3))
        factor, shift = (
            each[task.series_of(rows), :width].reshape(shape) for each in (factor, shift)
        )
        *_, future = task.windows(data, rows)
        return task.scored((output - shift) / factor, future, data, "test")

    def changes_of_scale(self, asked: ForecastingMeta) -> tuple[Tensor, Tensor]:
        """Factors that convert each requested series to the scale that the model was trained on.

        A series that it was not trained on is given to it in the scale that it has where it is
        asked for.

        Returns:
            By what columns are multiplied, and what is added then, float32 (S, C) each.
        """
        own = [self.meta.by_name.get(one.name, one) for one in asked.series]
        means, stds, own_means, own_stds = (
            torch.tensor([getattr(one, name) for one in series], dtype=torch.float64)
            for series in (asked.series, own)
            for name in ("mean", "std")
        )
        return (stds / own_stds).float(), ((means - own_means) / own_stds).float()


def row_marks(raw: Path, meta: ForecastingMeta) -> Marks:
    """A mark for each row of the prepared table, (R,).

    It is its time, with its series if there are several; or where there is none, what the targets
    were there and in the rows before.
    """
    found, targets = [], list(meta.parameters.targets)
    parts = read_table(raw, meta.parameters).parts.items()
    for (series, part), borders in zip(parts, meta.series_borders, strict=True):
        length = borders["test"][1] - borders["train"][0]
        if part.times is not None:
            times = part.times[:length].as_unit("s").asi8
            found.append(one_mark_each(series.encode() + time.tobytes() for time in times))
            continue
        values = part.numbers[targets].to_numpy(np.float64)[:length]
        padded = np.pad(values, ((MARKED_ROWS - 1, 0), (0, 0)))
        runs = np.lib.stride_tricks.sliding_window_view(padded, MARKED_ROWS, axis=0)
        found.append(one_mark_each(np.ascontiguousarray(run).tobytes() for run in runs))
    return np.concatenate(found)[:, 0]
