"""Windows of a table: which have their horizon on which split, and what stands for a gap in one."""

from collections.abc import Iterable
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from rnn_core.metric import SPLITS, Split

Borders: TypeAlias = dict[Split, tuple[int, int]]
"""First row and row after the last of each split of a series; the training set is its first."""


AT_ONCE = 1 << 18
"""Windows that are looked through at once; a bound on memory only."""


def first_rows(series: Iterable[Borders], split: Split, lookback: int, horizon: int) -> Tensor:
    """First row of the lookback of every window whose horizon lies in a split, int64 (N,).

    No window has rows of two series.
    """
    found = [torch.zeros(0, dtype=torch.int64)]
    for borders in series:
        start, end = borders[split]
        first = max(start - lookback, borders["train"][0])
        found.append(torch.arange(first, max(end - lookback - horizon + 1, first)))
    return torch.cat(found)


def closed_up(series: Iterable[Borders]) -> list[Borders]:
    """Borders of series, each of which begins where the one before it ends."""
    found: list[Borders] = []
    end = 0
    for borders in series:
        by = end - borders["train"][0]
        found.append({split: (first + by, after + by) for split, (first, after) in borders.items()})
        end = found[-1]["test"][1]
    return found


def by_split(series: Iterable[Borders]) -> dict[Split, list[tuple[int, int]]]:
    """Borders of series, those of each split together."""
    listed = list(series)
    return {split: [borders[split] for borders in listed] for split in SPLITS}


def with_values(values: Tensor, rows: Tensor, lookback: int, horizon: int, targets: int) -> Tensor:
    """Those windows that can be forecast and scored, int64 (M,).

    A window is left out if a column has no value at all in its lookback, which no forecast can be
    asked for either; or if none of the values that it predicts is there.

    Args:
        values: The table, NaN where there is a gap, (T, F).
        rows: First row of each window, int64 (N,).
        lookback: Rows of the past.
        horizon: Rows that follow.
        targets: Number of columns that are predicted, the first ones.
    """
    known = functional.pad((~values.isnan()).cumsum(dim=0, dtype=torch.int32), (0, 0, 1, 0))
    found = []
    for some in rows.to(values.device).split(AT_ONCE):
        now, end = known[some + lookback], known[some + lookback + horizon]
        seen = (now > known[some]).all(dim=1)
        scored = (end > now)[:, :targets].any(dim=1)
        found.append(some[seen & scored])
    return torch.cat(found)


def fill(past: Tensor) -> Tensor:
    """Lookbacks (B, L, F) with their gaps, which are NaN, filled from what is in the same one.

    A gap has the last value before it; at the start of a lookback, where none is, the first
    after it. So nothing from after the forecast is made is in it, nor from before the rows that
    it is asked for with: who has these alone fills them alike.
    """
    known = ~past.isnan()
    if known.all():
        return past
    steps = torch.arange(past.shape[1], device=past.device)[None, :, None]
    last = torch.where(known, steps, -1).cummax(dim=1).values
    first = known.int().argmax(dim=1, keepdim=True)
    return past.gather(1, torch.where(last < 0, first, last))
