"""How much of the data is on which side, where one file holds all sides."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def check_shares(validation_share: float, test_share: float) -> None:
    """Refuse shares of the data that leave a side nothing.

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
    """Cut items into training, validation and test side, in their order; one may be empty.

    Args:
        items: All of them.
        validation_share: Share kept for choosing.
        test_share: Share kept for the final score, at the end.
    """
    test = len(items) - round(len(items) * test_share)
    validation = test - round(len(items) * validation_share)
    return items[:validation], items[validation:test], items[test:]
