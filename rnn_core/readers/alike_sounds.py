"""Recordings that are others at another loudness, or in another encoding.

Of each recording the one before it is looked for whose loudness over time is most alike; and of
these two it is looked whether their waves fit. Those of one word that is said twice do not, even
by one voice: of 600 takes of synthetic voices the nearest two have a correlation of 0.29, and
copies as MP3 of the lowest quality have 0.86.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

POINTS = 64
"""Moments at which the loudness of a recording is taken, from where it begins to where it ends."""

PIECES_A_SECOND = 100

QUIET = 0.05
"""Share of the loudest moment below which a recording has not begun."""

ALIKE = 0.8
"""Correlation of loudness, and of waves, from which on two recordings are one."""

AT_ONCE = 1_000
"""Recordings that are compared with the others at once; a bound on memory only."""

Samples = NDArray[np.float32]


def alike_ones(
    samples: Sequence[Samples], said: Sequence[str], rate_hz: int
) -> list[tuple[int, int]]:
    """Places of recordings that are one before at another loudness, or in another encoding.

    Args:
        samples: Of each recording, (N,), at one rate, in none of which all are the same.
        said: What is said in each; those of another text are not compared.
        rate_hz: Samples a second.

    Returns:
        The place of each, and of the one before.
    """
    groups: dict[str, list[int]] = {}
    for place, text in enumerate(said):
        groups.setdefault(text, []).append(place)
    found = []
    for places in groups.values():
        loudness = np.stack([loudness_of(samples[place], rate_hz) for place in places])
        for start in range(0, len(places), AT_ONCE):
            likeness = loudness[start : start + AT_ONCE] @ loudness.T
            likeness[
                np.tri(len(likeness), len(places), k=start - 1) == 0
            ] = -1  # with those before alone
            for own, nearest in enumerate(likeness.argmax(axis=1).tolist(), start):
                one, other = places[own], places[nearest]
                if likeness[own - start, nearest] < ALIKE:
                    continue
                if correlation(samples[one], samples[other]) >= ALIKE:
                    found.append((one, other))
    return sorted(found)


def loudness_of(samples: Samples, rate_hz: int) -> NDArray[np.float32]:
    """Loudness of a recording from its beginning to its end, standardised, (POINTS,)."""
    starts = np.arange(0, len(samples), max(rate_hz // PIECES_A_SECOND, 1))
    level = np.sqrt(np.add.reduceat((samples - samples.mean()).astype(np.float64) ** 2, starts))
    loud = np.flatnonzero(level >= QUIET * level.max())
    inside = level[loud[0] : loud[-1] + 1]
    points = np.interp(np.linspace(0, len(inside) - 1, POINTS), np.arange(len(inside)), inside)
    away = points - points.mean()
    return np.asarray(away / max(float(np.linalg.norm(away)), 1e-12), np.float32)


def correlation(one: Samples, other: Samples) -> float:
    """The largest correlation of two waves, whichever begins later and wherever up is."""
    one, other = one - one.mean(), other - other.mean()
    size = 1 << (len(one) + len(other)).bit_length()
    product = np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size))
    energy = float(np.linalg.norm(one)) * float(np.linalg.norm(other))
    return float(np.abs(np.fft.irfft(product, size)).max()) / max(energy, 1e-12)
