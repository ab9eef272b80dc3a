"""The training, validation and test sets, by name."""

from collections import Counter
from typing import TYPE_CHECKING

from rnn_core.errors import ParameterError
from rnn_core.metric import SPLITS, Split

if TYPE_CHECKING:
    from torch import Tensor  # what only compares scores does without

LEFT_OUT = len(SPLITS)
"""The split of an item that is in no split."""


def items_of(sides: "Tensor", split: Split) -> "Tensor":
    """Indices of the items of a split, int64 (N,).

    Args:
        sides: The split of every item, as an index of `SPLITS`.
        split: The split.
    """
    return (sides == SPLITS.index(split)).nonzero().flatten()


def counts_of(sides: "Tensor") -> dict[Split, int]:
    """Number of items of each split."""
    return {split: len(items_of(sides, split)) for split in SPLITS}


def mean_counts_of(sides: "Tensor") -> dict[Split, int]:
    """Number of items of each split, the mean over folds, rounded.

    Args:
        sides: The split of every item in every fold, (F, N).
    """
    counts = {split: int((sides == i).sum()) for i, split in enumerate(SPLITS)}
    return {split: round(count / len(sides)) for split, count in counts.items()}


def joined(sides: "Tensor") -> "Tensor":
    """Splits with the validation items on the training set."""
    return sides.masked_fill(sides == SPLITS.index("validation"), SPLITS.index("train"))


def moved_back(sides: "Tensor", held: "Tensor") -> "Tensor":
    """Splits one validation set earlier.

    Args:
        sides: The split of every item, (N,).
        held: Training items that are to choose, int64 (H,).

    Raises:
        ParameterError: If nothing is left to train on.
    """
    found = sides.clone()
    found[items_of(sides, "test")] = LEFT_OUT
    found[items_of(sides, "validation")] = SPLITS.index("test")
    found[held] = SPLITS.index("validation")
    check_left(len(items_of(found, "train")), len(items_of(sides, "train")))
    return found


def check_left(left: int, before: int) -> None:
    """Refuse a rolling origin that leaves nothing to train on.

    Args:
        left: Items of the training set that are left.
        before: Items that it had.

    Raises:
        ParameterError: If there is none.
    """
    if left < 1:
        raise ParameterError(
            f"the training set has {before} items, and a part of it of the size of the validation "
            "set is needed to choose the epoch, which leaves nothing to train on"
        )


def last_of_each(sides: "Tensor", strata: "Tensor") -> "Tensor":
    """Training items that are to choose, where splits were drawn: int64, sorted.

    There are as many as validation items. Of each stratum there are as many as the validation
    set has, the last ones, but half of what the training set has at most; what is then missing
    are the last ones of any.

    Args:
        sides: The split of every item, (N,).
        strata: Stratum of each item, such as its class, int64 (N,).
    """
    train, groups = items_of(sides, "train"), strata.tolist()
    chosen = items_of(sides, "validation").tolist()
    there = Counter(groups[i] for i in train.tolist())
    wanted = Counter(groups[i] for i in chosen)
    quota = {group: min(number, there[group] // 2) for group, number in wanted.items()}
    held, others = [], []
    for item in reversed(train.tolist()):
        if quota.get(groups[item], 0) > 0:
            quota[groups[item]] -= 1
            held.append(item)
        else:
            others.append(item)
    held += others[: len(chosen) - len(held)]
    return train.new_tensor(sorted(held))


def last_groups(sides: "Tensor", groups: "Tensor") -> "Tensor":
    """Training items that are to choose, where whole groups are in a split: int64, sorted.

    They are the last groups by number, as many as the validation set has.

    Args:
        sides: The split of every item, (N,).
        groups: The group of every item, such as its speaker, int64 (N,).
    """
    train = items_of(sides, "train")
    number = len(groups[items_of(sides, "validation")].unique())
    there = groups[train].unique()
    last = there[max(len(there) - number, 0) :]
    return train[(groups[train, None] == last).any(dim=1)]
