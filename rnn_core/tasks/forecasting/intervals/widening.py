"""Distances of the ends of intervals from the median."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from rnn_core.tasks.forecasting.intervals.levels import Interval, intervals_of

NARROWEST = 1e-6
"""Standard deviations from the median that an interval is taken to reach at least."""

FOLLOWED = 200
"""Windows by whose errors the intervals of a later one are widened, at most."""

STEP = 0.1
"""By how much the logarithm of a factor rises when a window is missed altogether. Of series of
300 to 3,000 rows, 0.05 left single ones outside of what is asked for, and with 0.3 the intervals
were 3 % worse by their pinball loss."""


def fitted_widening(quantiles: Tensor, truth: Tensor, levels: Sequence[float]) -> Tensor:
    """Factors with which intervals hold as often as they say, (Q,).

    By split-conformal quantile regression: of values that nothing was trained on, it is taken how
    much further from the median than each end of the interval they lie, and of that the quantile
    of the interval's share (Romano, Patterson & Candes, arXiv:1905.03222v1; in units of the
    distance to the median as by Kivaranovic, Johnson & Leeb, arXiv:1905.10634v3, so that steps
    of all widths have the one factor). A factor may be below 1 too.

    The guarantee of these papers is for values whose order does not matter. The
    order of a series matters, and the values of neighbouring windows are not independent.

    Args:
        quantiles: Of K values that are known, (K, Q); K is 1 at least.
        truth: The values, (K,).
        levels: Probabilities of the quantiles.
    """
    factors = torch.ones(len(levels))
    for interval in intervals_of(levels):
        needed = factors_needed(quantiles, truth, interval).sort().values
        rank = min(math.ceil((len(needed) + 1) * interval.share), len(needed))
        factors[[interval.low, interval.high]] = needed[rank - 1]
    return factors


def factors_needed(quantiles: Tensor, truth: Tensor, interval: Interval) -> Tensor:
    """By what an interval has to be widened to reach to the truth, (...), NaN without a truth.

    Args:
        quantiles: (..., Q), in their order.
        truth: (...).
        interval: One of theirs.
    """
    median = quantiles[..., quantiles.shape[-1] // 2]
    below = (median - quantiles[..., interval.low]).clamp(min=NARROWEST)
    above = (quantiles[..., interval.high] - median).clamp(min=NARROWEST)
    away = truth - median
    return torch.maximum(-away / below, away / above)


def followed_widening(
    quantiles: Tensor, truth: Tensor, first: Tensor, ended: Tensor, levels: Sequence[float]
) -> Tensor:
    """Factors by which intervals follow the errors of the windows before them, (M, C, Q).

    Of each window that has ended, an interval gets wider by the share of values that it missed,
    and narrower by the share that it may miss. So in the long run it holds as often as it says,
    whatever the series does: adaptive conformal inference (Gibbs & Candes, arXiv:2106.00170v3),
    here of the width itself instead of the level, as in quantile tracking (Angelopoulos, Candes
    & Tibshirani, arXiv:2307.16895v1), and on a logarithmic scale. It starts again `FOLLOWED`
    windows back, so that it is a function of what comes just before a forecast.

    Args:
        quantiles: Of W windows in the order of time, series after series, (W, N, C, Q).
        truth: What came, (W, N, C), NaN where it is not known.
        first: For each of M forecasts the place of the first window of its series, int64 (M,).
        ended: The place after the last window that was known completely when it is made, (M,).
        levels: Probabilities of the quantiles.
    """
    factors = quantiles.new_ones(len(ended), *quantiles.shape[2:])
    known = (~truth.isnan()).sum(dim=1)
    for interval in intervals_of(levels):
        needed = factors_needed(quantiles, truth, interval)
        logs = quantiles.new_zeros(len(ended), truth.shape[2])
        for back in range(min(FOLLOWED, len(needed)), 0, -1):
            place = (ended - back).clamp(min=0)
            missed = (needed[place] > logs.exp()[:, None]).sum(dim=1) / known[place].clamp(min=1)
            told = (ended - back >= first)[:, None] & (known[place] > 0)
            logs += torch.where(told, STEP * (missed - (1 - interval.share)), 0)
        factors[..., [interval.low, interval.high]] = logs.exp()[..., None]
    return factors


def widened(quantiles: Tensor, factors: Tensor) -> Tensor:
    """Quantiles (..., Q) moved to or from their median by factors, in their order."""
    median = quantiles.shape[-1] // 2
    middle = quantiles[..., median, None]
    return (middle + factors * (quantiles - middle)).sort(dim=-1).values
