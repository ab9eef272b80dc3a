"""Training, validation and test set: what they are called, and how much of the data each has."""

import re
from collections.abc import Collection, Iterable, Sequence
from typing import TypeVar

from rnn_core.metric import SPLITS, Split

T = TypeVar("T")

TRAIN, VALIDATION, TEST = range(len(SPLITS))
"""Indexes of `SPLITS`; data has the split of each item as one."""

NO_SPLIT = -1
"""In their place where nothing says the split of an item."""

SETS: dict[Split, str] = {
    "train": "training set",
    "validation": "validation set",
    "test": "test set",
}
"""Names of splits in messages."""

SPLIT_NAMES: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "development": "validation",
    "test": "test",
    "testing": "test",
    "eval": "test",
    "evaluation": "test",
}
"""Usual names of files, folders and rows of each split, in lower case, the most usual first."""

EITHER = frozenset({"eval", "evaluation"})
"""Names of the test set, but of the validation set beside a file or folder called test."""


def splits_named(names: Iterable[str]) -> dict[str, Split]:
    """The split that each of some names stands for that belong together, in any capitals.

    Args:
        names: Of files, folders or rows of the same data; others than those of splits are passed
            over.
    """
    found = {name: SPLIT_NAMES[name.lower()] for name in names if name.lower() in SPLIT_NAMES}
    either = [name for name in found if name.lower() in EITHER]
    others = {split for name, split in found.items() if name not in either}
    if "test" in others and "validation" not in others:
        found |= dict.fromkeys(either, "validation")
    return found


def says_splits(name: str, values: Collection[str]) -> bool:
    """Return whether a column says the split of each row.

    All of its values are usual names of splits, and there are rows for the training set and others.
    Where it is called so, it may lack some, which reading it reports.
    """
    named = splits_named(values)
    whole = len(named) == len(values) or (calls_splits(name) and {*values} - {*named} == {""})
    return whole and "train" in named.values() and len({*named.values()}) > 1


def calls_splits(name: str) -> bool:
    """Return whether a column is called as one of splits."""
    return name.strip().lower() in {"split", "subset", "partition", "set", "fold"}


def split_word(name: str) -> str | None:
    """The word in the name of a file that says its split; None if none does, or two differ."""
    words = {word for word in re.split(r"[^a-z]+", name.lower()) if word in SPLIT_NAMES}
    one = len({SPLIT_NAMES[word] for word in words}) == 1
    return min(words, key=lambda word: (word in EITHER, word)) if one else None


def check_shares(validation_share: float, test_share: float) -> None:
    """Refuse shares of the data that leave a split nothing.

    Args:
        validation_share: Share kept for choosing.
        test_share: Share kept for the final score.

    Raises:
        ValueError: If one is not above 0, or no share is left to train on.
    """
    if min(validation_share, test_share) <= 0:
        raise ValueError("validation_share and test_share must be above 0")
    if validation_share + test_share >= 1:
        raise ValueError("validation_share and test_share leave nothing to train on")


def cut_in_order(
    items: Sequence[T], validation_share: float, test_share: float
) -> tuple[Sequence[T], Sequence[T], Sequence[T]]:
    """Cut items into training, validation and test set, in their order; one may be empty.

    Args:
        items: All of them.
        validation_share: Share kept for choosing.
        test_share: Share kept for the final score, at the end.
    """
    test = len(items) - round(len(items) * test_share)
    validation = test - round(len(items) * validation_share)
    return items[:validation], items[validation:test], items[test:]
