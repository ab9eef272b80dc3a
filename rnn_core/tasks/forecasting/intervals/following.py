"""Intervals of an answer that follow the errors of the windows before it."""

import torch
from torch import Tensor, nn

from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.forecasting.intervals.widening import followed_widening, widened
from rnn_core.tasks.forecasting.learn import Learning
from rnn_core.tasks.forecasting.windows import with_values


def following(task: Learning, model: nn.Module, before: Data, output: Tensor) -> Tensor:
    """Output of a model, with its intervals as wide as recent errors require, (N, C, Q).

    Args:
        task: Of the model.
        model: A forecaster with quantiles.
        before: Prepared data of the rows before the forecast, its lookback included; empty where
            nothing is to be followed.
        output: What it puts out for the rows that follow; beyond its horizon the median alone.
    """
    length, horizon, targets = task.meta.lookback, task.meta.horizon, len(task.targets)
    values = before.get("values", torch.zeros(0, targets))
    rows = torch.arange(max(len(values) - length - horizon + 1, 0))
    rows = with_values(values, rows, length, horizon, targets)
    if not len(rows):
        return output
    with torch.inference_mode():
        found, future = task.forecasts(model, before, rows)
    last = torch.tensor([len(rows)])
    factors = followed_widening(found, future, torch.zeros_like(last), last, task.model.levels)
    return torch.cat([widened(output[:horizon], factors), output[horizon:]])
