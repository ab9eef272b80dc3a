"""A horizon other than the one that a model was trained for."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from rnn_core.tasks.base.serves import AnswerParameters

LONGEST_HORIZON = 10_000
"""Rows that may be asked for, so that one request does not keep a server busy for hours."""


@dataclass(frozen=True, kw_only=True)
class ForecastAnswer(AnswerParameters):
    """Options of a forecast.

    Attributes:
        horizon: Rows to predict; 0: as many as the model was trained for. Of fewer, they are the
            first of these. For more, its forecasts are fed back to it as if they had been
            measured; they have no intervals, since nothing says how wide these would have to be.
    """

    horizon: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.horizon <= LONGEST_HORIZON:
            raise ValueError(f"horizon must be from 0 to {LONGEST_HORIZON:,}, not {self.horizon:,}")


def forecast(
    model: nn.Module,
    past: Tensor,
    ahead: Tensor,
    lowest: Tensor,
    levels: Sequence[float],
    horizon: int,
    count: int,
) -> Tensor:
    """So many rows that follow, block by block of the horizon that a model has.

    A block is predicted from the forecasts of those before it (recursive multi-step forecasting;
    Taieb et al., arXiv:1108.3259v1).

    Args:
        model: A forecaster.
        past: The lookback, (B, L, F), without gaps.
        ahead: What is known of the rows, (B, count, K).
        lowest: Below what no target is, (B, C).
        levels: Probabilities of the quantiles that it predicts, Q; none if it predicts a value.
        horizon: Rows that it predicts at once, N.
        count: How many rows.

    Returns:
        (B, count, C), or quantiles (B, count, C, Q): the median alone after the first N rows, and
        NaN for the others.
    """
    blocks = padded(ahead, -(-count // horizon) * horizon).split(horizon, dim=1)
    found = [predicted(model, past, blocks[0])]
    for before, now in pairwise(blocks):
        point = found[-1][..., len(levels) // 2] if levels else found[-1]
        rows = torch.cat([torch.maximum(point, lowest[:, None]), before], dim=2)
        past = torch.cat([past, rows], dim=1)[:, -past.shape[1] :]
        found.append(predicted(model, past, now))
    later = map(median_alone, found[1:]) if levels else found[1:]
    return torch.cat([found[0], *later], dim=1)[:, :count]


def predicted(model: nn.Module, past: Tensor, ahead: Tensor) -> Tensor:
    """The rows that follow; some of their columns may be known."""
    output: Tensor = model(past, ahead) if ahead.shape[2] else model(past)
    return output


def median_alone(output: Tensor) -> Tensor:
    """Quantiles (..., Q) with NaN for all but the median."""
    places = torch.arange(output.shape[-1], device=output.device)
    return output.masked_fill(places != output.shape[-1] // 2, torch.nan)


def padded(rows: Tensor, length: int) -> Tensor:
    """Rows (B, T, K) cut or padded to a length: the first ones, or with the last repeated.

    A model's step sees what is known of itself alone, so the others do not matter.
    """
    places = torch.arange(length, device=rows.device).clamp(max=rows.shape[1] - 1)
    return rows[:, places]
