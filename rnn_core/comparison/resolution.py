"""What differences a number of items can tell, before anything is trained."""

from math import ceil, sqrt

CRITICAL = 2.5
"""Standard errors of a difference that chance seldom exceeds, among a handful of candidates."""

DIFFERING = 0.1
"""The share of items on which one of two good models is right and the other wrong: one in ten is
usual, and the standard deviation of a difference is its square root."""


def smallest_share(items: int) -> float:
    """The smallest difference of two shares, such as accuracies, that so many items can tell."""
    return CRITICAL * sqrt(DIFFERING / items)


def items_for_share(margin: float) -> int:
    """How many items can tell shares apart that differ by a margin."""
    return ceil(DIFFERING * (CRITICAL / margin) ** 2)
