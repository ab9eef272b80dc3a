"""Hashes of passages (runs of tokens), by which two texts are found to share some."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

FACTOR = 0x9E3779B97F4A7C15
"""An odd number with no pattern in its bits, by which hashes are mixed."""


def passage_hashes(tokens: npt.NDArray[np.uint64], length: int) -> npt.NDArray[np.uint64]:
    """Hashes of all passages of a length, the same for the same passage wherever it stands.

    Each is the sum of its tokens times powers of a factor, mod 2^64, mixed so that its low bits
    depend on all.

    Args:
        tokens: Numbers of tokens, none of them 0, uint64 (N,).
        length: Tokens of a passage, at most N.

    Returns:
        uint64 (N - length + 1,).
    """
    up, down = powers(FACTOR, len(tokens)), powers(pow(FACTOR, -1, 2**64), len(tokens))
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(tokens * up, dtype=np.uint64)])
    found = (sums[length:] - sums[:-length]) * down[: len(tokens) - length + 1]
    return np.asarray(found ^ (found >> np.uint64(32)))


@lru_cache(maxsize=2)
def powers(factor: int, number: int) -> npt.NDArray[np.uint64]:
    """The first powers of a factor, mod 2^64."""
    factors = np.full(number, factor, np.uint64)
    factors[0] = 1
    return np.cumprod(factors, dtype=np.uint64)
