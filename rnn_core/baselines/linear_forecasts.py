"""Linear forecasts in closed form, for comparison with recurrent ones.

Both are fitted by least squares with a ridge, one map for all series.
"""

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

RIDGE = 1e-3
"""Weight of the squared weights, for each window of the training set."""

KERNEL = 25
"""Steps of DLinear's moving average."""

Features: TypeAlias = Callable[[Tensor], Tensor]
"""Maps series (M, L) to what the regression reads, (M, P)."""


def linear_forecast(train_past: Tensor, train_future: Tensor, past: Tensor) -> Tensor:
    """A map from past to future, after the last value is taken off: NLinear.

    See arXiv:2205.13504v3.

    Args:
        train_past: Windows of the training set, (M, L, C).
        train_future: What follows them, (M, N, C); NaN where it is not known.
        past: Windows to continue, (B, L, C).

    Returns:
        float64 (B, N, C).
    """
    last = train_past[:, -1:]
    weight = fit(changes, train_past, train_future - last)
    return apply(changes, past, weight) + past[:, -1:]


def dlinear_forecast(train_past: Tensor, train_future: Tensor, past: Tensor) -> Tensor:
    """A map from the trend, one from what remains, and a constant: DLinear.

    See arXiv:2205.13504v3; the trend is a moving average over 25 steps, with the first
    and last value repeated beyond the ends. There the maps are trained step by step;
    here they are the least squares.

    Args:
        train_past: Windows of the training set, (M, L, C).
        train_future: What follows them, (M, N, C); NaN where it is not known.
        past: Windows to continue, (B, L, C).

    Returns:
        float64 (B, N, C).
    """
    return apply(decomposed, past, fit(decomposed, train_past, train_future))


def linear_forecast_with_known(
    targets: int, train: tuple[Tensor, ...], given: tuple[Tensor, ...]
) -> Tensor:
    """Forecast from columns that are known ahead, and apply `linear_forecast` to the remainder.

    A dynamic regression (Hyndman & Athanasopoulos, "Forecasting: principles and practice", 3rd
    edition, chapter 10): least squares from the K columns of a row to the targets of it, over the
    horizons of the training set.

    Args:
        targets: C; the first C columns of the past are predicted.
        train: Windows of the training set, (M, L, F), the known columns last; these over what
            follows, (M, N, K); and what follows, (M, N, C), NaN where it is not known.
        given: Windows to continue, (B, L, F), and the known columns over what follows, (B, N, K).

    Returns:
        float64 (B, N, C).
    """
    (train_past, train_ahead, train_future), (past, ahead) = train, given
    known = ahead.shape[2]
    rows, truth = with_constant(train_ahead).flatten(0, 1), train_future.flatten(0, 1).double()
    weight = torch.cat([effects(rows, column) for column in truth.unbind(1)], dim=1)

    def remaining(window: Tensor) -> Tensor:
        return window[..., :targets].double() - with_constant(window[..., -known:]) @ weight

    remains = train_future.double() - with_constant(train_ahead) @ weight
    found = linear_forecast(remaining(train_past), remains, remaining(past))
    return found + with_constant(ahead) @ weight


def with_constant(rows: Tensor) -> Tensor:
    """Rows (..., K) with a 1 at the end of each, float64 (..., K + 1)."""
    return functional.pad(rows.double(), (0, 1), value=1.0)


def effects(rows: Tensor, truth: Tensor) -> Tensor:
    """Weights (K, 1) of least squares from rows (R, K) to numbers (R,), without those not known."""
    rows, truth = rows[~truth.isnan()], truth[~truth.isnan()]
    gram = rows.T @ rows + RIDGE * len(rows) * torch.eye(rows.shape[1], dtype=rows.dtype)
    weight: Tensor = torch.linalg.solve(gram, rows.T @ truth[:, None])
    return weight


def changes(rows: Tensor) -> Tensor:
    """Distance of the values of series (M, L) from their last."""
    return rows - rows[:, -1:]


def decomposed(rows: Tensor) -> Tensor:
    """Trend, remainder and a 1 of series (M, L), as (M, 2 L + 1)."""
    half = KERNEL // 2
    padded = functional.pad(rows[:, None], (half, half), mode="replicate")
    trend = functional.avg_pool1d(padded, KERNEL, stride=1)[:, 0]
    return torch.cat([trend, rows - trend, torch.ones_like(rows[:, :1])], dim=1)


def fit(features: Features, past: Tensor, future: Tensor) -> Tensor:
    """Weights (P, N) of least squares from features of all series to their future.

    Where some of the future is not known, each step of it is fitted to the windows where it is.
    """
    if future.isnan().any():
        steps = future.split(1, dim=1)
        return torch.cat([solve(features, past, step) for step in steps], dim=1)
    return solve(features, past, future)


def solve(features: Features, past: Tensor, future: Tensor) -> Tensor:
    """Weights (P, N) of least squares over the series (M, C) whose whole future is known.

    Series are added up one by one, since their features together may not fit in memory.
    """
    gram = moment = torch.zeros(())
    known = ~future.isnan().any(dim=1)
    for rows, outputs, there in zip(past.unbind(2), future.unbind(2), known.unbind(1), strict=True):
        inputs = features(rows[there].double())
        gram = gram + inputs.T @ inputs
        moment = moment + inputs.T @ outputs[there].double()
    ridge = RIDGE * int(known.sum())
    weight: Tensor = torch.linalg.solve(gram + ridge * torch.eye(len(gram)), moment)
    return weight


def apply(features: Features, past: Tensor, weight: Tensor) -> Tensor:
    """Forecasts (B, N, C) of windows (B, L, C)."""
    return torch.stack([features(rows.double()) @ weight for rows in past.unbind(2)], dim=2)
