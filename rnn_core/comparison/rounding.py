"""Differences and limits of computed numbers, without what rounding alone makes of them.

0.9 - 0.89 is a little more than 0.01, and the mean of 0.8 and 0.9 a little more than 0.85.
"""

from math import isclose

ROUNDING = 1e-12
"""A smaller share of a loss, or of a variance, is rounding, and none at all."""

DIGITS = 10
"""More digits of a difference are rounding."""


def apart(one: float, other: float) -> float:
    """By how much a number is larger than another; 0 where rounding alone sets them apart."""
    return 0.0 if isclose(one, other, rel_tol=ROUNDING) else one - other


def exceeds(value: float, limit: float) -> bool:
    """Return whether a difference is above a limit, by more than rounding."""
    return value > limit and not isclose(value, limit, rel_tol=10.0**-DIGITS)
