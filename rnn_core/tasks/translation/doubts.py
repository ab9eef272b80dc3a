"""Possible faults of aligned texts.

Translations go with what they translate: long texts have long ones (Gale and Church, 1993,
Computational Linguistics 19(1)), and words that are frequent in one language come where some in
the other do. So each text has features, its length and which frequent words it has, and the
correlations of those of the sources with those of the targets tell whether they are aligned.
"""

import math
from array import array
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rnn_core.features.words import cut_words
from rnn_core.readers.parallel_text import Pair

Floats = npt.NDArray[np.float64]

LEAST_PAIRS = 100
"""Pairs from which on features tell anything."""

MOST_PAIRS = 100_000
"""Pairs that are looked at, the first ones."""

SHIFTS = (-3, -2, -1, 1, 2, 3)
"""By how many lines one file may be ahead of the other."""

WORDS = 40
"""Frequent words of each language that are looked at."""

FREQUENT = (0.02, 0.6)
"""Share of the texts that a frequent word is in."""

SURE = 12.0
"""Log-odds against mere chance from which on a doubt is reported."""

MOST_SAME = 0.05
"""Share of pairs of the same text up to which these may be names and numbers."""

DEVIATIONS = 5.0
"""Standard deviations that a correlation is away from 0 which is taken for one."""


class Shifted(NamedTuple):
    """A stretch of lines that fit those some lines away; `gain` is how much better."""

    first: int
    last: int
    shift: int
    gain: float


def untranslated(pairs: Sequence[Pair]) -> Iterator[str]:
    """Warn of pairs whose text is its own translation."""
    same = [pair.source for pair in pairs if pair.source == pair.target]
    if len(same) > MOST_SAME * len(pairs):
        yield (
            f"{len(same):,} of {len(pairs):,} pairs have the same text twice, such as "
            f"{same[0][:40]!r}, and teach to leave a text as it is; translate them, or remove them"
        )


def misaligned(pairs: Sequence[Pair]) -> Iterator[str]:
    """Warn of pairs that do not seem to be translations of each other.

    Where features of a stretch of lines fit those of other lines better, it is shifted, and where
    none fit at all, lines are out of order.
    """
    looked_at = pairs[:MOST_PAIRS]
    if len(looked_at) < LEAST_PAIRS:
        return
    source, target = (features([pair[side] for pair in looked_at]) for side in (0, 1))
    stretches = [shifted_stretch(source, target, shift) for shift in SHIFTS]
    found = max((s for s in stretches if s is not None), key=lambda s: s.gain, default=None)
    if found is not None:
        away = abs(found.shift)
        yield (
            f"pairs {found.first:,} to {found.last:,} seem to be shifted by {away} "
            f"line{'s' * (away > 1)}: the lengths and words of their texts fit those of the "
            f"translations {'after' if found.shift > 0 else 'before'} theirs; is a line missing in "
            "one file there, and another elsewhere in the other?"
        )
    elif min(source.shape[1], target.shape[1]) > 1 and not links(source, target).any():
        yield (
            "the lengths and words of texts have nothing to do with those of their translations: "
            "are the lines of both files in the same order?"
        )


def features(texts: Sequence[str]) -> Floats:
    """Features that distinguish texts (N), (N, F), each with mean 0 and variance 1.

    The first is the logarithm of the length; the others are frequent words, and whether a text
    has them.
    """
    index: dict[str, int] = {}
    words, lengths = array("i"), array("i")
    for text in texts:
        own = dict.fromkeys(cut_words(text, lowercase=True))
        words.extend(index.setdefault(word, len(index)) for word in own)
        lengths.append(len(own))
    there, owners = np.array(words), np.repeat(np.arange(len(texts)), lengths)
    counts = np.bincount(there)
    few, most = (share * len(texts) for share in FREQUENT)
    order = np.argsort(-counts, kind="stable")
    frequent = order[(few <= counts[order]) & (counts[order] <= most)][:WORDS]
    columns = [np.log1p([len(text) for text in texts])]
    columns += [np.bincount(owners[there == word], minlength=len(texts)) for word in frequent]
    table = np.stack(columns, axis=1)
    return np.asarray((table - table.mean(axis=0)) / np.maximum(table.std(axis=0), 0.01))


def links(source: Floats, target: Floats) -> Floats:
    """Correlations of features of texts with those of translations, (F, G), that are no chance."""
    found = source.T @ target / len(source)
    return np.where(np.abs(found) > DEVIATIONS / math.sqrt(len(source)), found, 0.0)


def shifted_stretch(source: Floats, target: Floats, shift: int) -> Shifted | None:
    """The stretch of lines that fit those `shift` lines on best; None: no such.

    The gain of a line is how well the features of the pair fit that it would be, less how well
    those of the pair that it is. Its sums over stretches are those of a random walk, which falls
    where pairs are as they should be; the largest rise of such a walk is rarely above the bound
    (Karlin and Dembo, 1992, Advances in Applied Probability 24(1)).
    """
    start, end = max(0, -shift), len(source) - max(0, shift)
    own, there, away = source[start:end], target[start:end], target[start + shift : end + shift]
    gains = fit(own, away) - fit(own, there)
    sums = np.concatenate([[0.0], np.cumsum(gains)])
    lowest = np.minimum.accumulate(sums)
    last = int((sums - lowest).argmax())
    first = int(sums[: last + 1].argmin())
    gain = float(sums[last] - sums[first])
    return None if gain <= bound(gains) else Shifted(start + first + 1, start + last, shift, gain)


def fit(source: Floats, target: Floats) -> Floats:
    """Score of how well the features of each pair match, (N,)."""
    return np.asarray(((source @ links(source, target)) * target).sum(axis=1))


def bound(gains: Floats) -> float:
    """Bound that the largest rise of a random walk with such steps rarely exceeds."""
    number, variance = len(gains), float(gains.var())
    typical = float(np.median(block_means(gains)))
    walking = 5 * math.sqrt(variance * number)
    if typical >= 0:
        return walking
    return min(walking, variance / (-2 * typical) * (math.log(number) + SURE))


def block_means(gains: Floats) -> Floats:
    """The mean of each of 20 stretches of equal length."""
    return np.array([part.mean() for part in np.array_split(gains, 20)])
