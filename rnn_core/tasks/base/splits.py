"""The training, validation and test sets, by name."""

from typing import TYPE_CHECKING

from rnn_core.metric import SPLITS, Split

if TYPE_CHECKING:
    from torch import Tensor  # what only compares scores does without


def items_of(sides: "Tensor", split: Split) -> "Tensor":
    """Indices of the items of a side, int64 (N,).

    Args:
        sides: The side of every item, as an index of `SPLITS`.
        split: The side.
    """
    return (sides == SPLITS.index(split)).nonzero().flatten()
