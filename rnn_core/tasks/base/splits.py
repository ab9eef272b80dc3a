"""The training, validation and test sets, by name."""

from collections import Counter
from typing import TYPE_CHECKING

from rnn_core.errors import ParameterError
from rnn_core.metric import SPLITS, Split

if TYPE_CHECKING:
    from torch import Tensor  # what only compares scores does without

LEFT_OUT = len(SPLITS)
"""The split of an item that is in no split."""


def items_of(splits: "Tensor", split: Split) -> "Tensor":
    """Indices of the items of a split, int64 (N,).

    Args:
        splits: The split of every item, as an index of `SPLITS`.
        split: The split.
    """
    return (splits == SPLITS.index(split)).nonzero().flatten()


def counts_of(splits: "Tensor") -> dict[Split, int]:
    """Number of items of each split."""
    return {split: len(items_of(splits, split)) for split in SPLITS}


def mean_counts_of(splits: "Tensor") -> dict[Split, int]:
    """Number of items of each split, the mean over folds, rounded.

    Args:
        splits: The split of every item in every fold, (F, N).
    """
    counts = {split: int((splits == i).sum()) for i, split in enumerate(SPLITS)}
    return {split: round(count / len(splits)) for split, count in counts.items()}


def joined(splits: "Tensor") -> "Tensor":
    """Splits with the validation items on the training set."""
    return splits.masked_fill(splits == SPLITS.index("validation"), SPLITS.index("train"))


def moved_back(splits: "Tensor", held: "Tensor") -> "Tensor":
    """Splits one validation set earlier.

    Args:
        splits: The split of every item, (N,).
        held: Training items that are to choose, int64 (H,).

    Raises:
        ParameterError: If nothing is left to train on.
    """
    found = splits.clone()
    found[items_of(splits, "test")] = LEFT_OUT
    found[items_of(splits, "validation")] = SPLITS.index("test")
    found[held] = SPLITS.index("validation")
    check_left(len(items_of(found, "train")), len(items_of(splits, "train")))
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


def last_of_each(splits: "Tensor", strata: "Tensor") -> "Tensor":
    """Training items that are to choose, where splits were drawn: int64, sorted.

    There are as many as validation items. Of each stratum there are as many as the validation
    set has, the last ones, but half of what the training set has at most; what is then missing
    are the last ones of any.

    Args:
        splits: The split of every item, (N,).
        strata: Stratum of each item, such as its class, int64 (N,).
    """
    train, groups = items_of(splits, "train"), strata.tolist()
    chosen = items_of(splits, "validation").tolist()
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


def last_groups(splits: "Tensor", groups: "Tensor") -> "Tensor":
    """Training items that are to choose, where whole groups are in a split: int64, sorted.

    They are the last groups by number, as many as the validation set has.

    Args:
        splits: The split of every item, (N,).
        groups: The group of every item, such as its speaker, int64 (N,).
    """
    train = items_of(splits, "train")
    number = len(groups[items_of(splits, "validation")].unique())
    there = groups[train].unique()
    last = there[max(len(there) - number, 0) :]
    return train[(groups[train, None] == last).any(dim=1)]
