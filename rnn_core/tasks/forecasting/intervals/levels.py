"""Quantiles and the intervals between them: what trains them, how often they hold."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor


class Interval(NamedTuple):
    """Two quantiles with the same probability beyond each.

    Attributes:
        low: Index of the lower one.
        high: Index of the higher one.
        share: Of the values that should be between them.
    """

    low: int
    high: int
    share: float

    @property
    def percent(self) -> str:
        """The share for a name, such as 80 or 97.5."""
        return f"{100 * self.share:.6g}"

    def names(self, target: str) -> tuple[str, str]:
        """Names of the lower and higher end of a column's interval in an answer."""
        return f"{target}_lo_{self.percent}", f"{target}_hi_{self.percent}"


def intervals_of(levels: Sequence[float]) -> list[Interval]:
    """The intervals that quantiles make, the narrowest first.

    Args:
        levels: Probabilities in rising order, symmetric about 0.5, which is one.
    """
    middle = len(levels) // 2
    return [
        Interval(middle - i, middle + i, levels[middle + i] - levels[middle - i])
        for i in range(1, middle + 1)
    ]


def check_levels(levels: Sequence[float]) -> None:
    """Refuse probabilities that make no median with intervals around it.

    Raises:
        ValueError: If they do not.
    """
    listed = list(levels)
    mirrored = [1 - level for level in reversed(listed)]
    paired = all(math.isclose(a, b, abs_tol=1e-9) for a, b in zip(listed, mirrored, strict=True))
    rising = all(a < b for a, b in pairwise(listed))
    inside = all(0 < level < 1 for level in listed)
    if len(listed) < 3 or 0.5 not in listed or not (paired and rising and inside):
        raise ValueError(
            "quantiles must rise from above 0 to below 1, with 0.5 and pairs about it such as "
            f"0.1 and 0.9, not {listed}"
        )


def pinball(quantiles: Tensor, truth: Tensor, levels: Sequence[float]) -> Tensor:
    """The pinball loss of each quantile of each value, (K, Q).

    It is `level` for each unit that the truth is above the quantile, and `1 - level` for each
    that it is below (Koenker & Bassett, "Regression quantiles", Econometrica 46, 1978).

    Args:
        quantiles: Of K values, (K, Q).
        truth: The values, (K,).
        levels: Probabilities of the quantiles.
    """
    above = truth[:, None] - quantiles
    level = above.new_tensor(levels)
    return torch.maximum(level * above, (level - 1) * above)


def covered(quantiles: Tensor, truth: Tensor, interval: Interval) -> Tensor:
    """Find the values that lie in an interval, its ends included, bool (K,)."""
    return (quantiles[:, interval.low] <= truth) & (truth <= quantiles[:, interval.high])
