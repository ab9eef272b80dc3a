"""Words of scripts that are written without spaces, found in texts alone.

A word is a string whose characters are followed by much the same as each other inside of it, and
by many things at its ends (Harris, "From phoneme to morpheme", Language 31, 1955). That is measured
as by Magistry and Sagot, "Unsupervized word segmentation: the case for Mandarin Chinese", ACL 2012,
P12-2075. So it needs no dictionary, and holds for all such scripts.

With h(x) the entropy of what follows the string x, the variation of branching entropy of a string
w is h(w) - h(w without its last unit), less the mean of that over all strings as long that come
more than once; the same is computed for the preceding units. The sum of both is a(w), and a run of
units is cut where the sum of a(w) times the length of w is largest.

What is rare is left in its units, which a model knows from elsewhere: models of rare words alone do
worse than those of characters (Li et al., arXiv:1905.05526v2).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

import numpy as np
import numpy.typing as npt
import regex

from rnn_core.readers.writing_systems import KATAKANA, UNSPACED

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LONGEST = 8
"""Most units of a word."""

LEARNED_FROM = 300_000
"""Most units that words are found in; a bound on time and memory only."""

FEWEST = 2
"""Smallest number of occurrences of a string from which on its neighbours count as evidence."""

OFTEN = 5
"""Smallest number of occurrences of a word of several units."""

NEVER = -1e9
"""Standing-alone score of a string that is no word."""

UNIT = regex.compile(rf"(?V1)[{UNSPACED}]")

# Vowels that are written before, and those after, the letter that they are spoken after; marks that
# repeat a word.
LEFT = r"\p{Logical_Order_Exception}"
RIGHT = r"[\p{InSC=Vowel_Dependent}--\p{Logical_Order_Exception}]|[\u3005\u0e46\u0ec6]"
CLUSTER = regex.compile(
    rf"(?V1)[{KATAKANA}][{KATAKANA}\p{{M}}]*"
    rf"|{LEFT}*\X\p{{M}}*(?:(?<=\p{{InSC=Invisible_Stacker}})\X\p{{M}}*|(?:{RIGHT})\p{{M}}*)*"
)


def is_unspaced(unit: str) -> bool:
    """Return whether a unit belongs to a script that is written without spaces."""
    return UNIT.match(unit) is not None


def clusters(units: Iterable[str]) -> list[str]:
    """Split into parts that are never cut: a letter with its vowel signs, and stacked letters."""
    return list(CLUSTER.findall("".join(units)))


def find_words(texts: Iterable[Sequence[str]]) -> dict[str, float]:
    """The words that runs of units are made of, and how much each stands alone.

    Args:
        texts: The units of each text, as `cut_words` cuts it.

    Returns:
        Words that these texts are often cut into, and all single units; nothing, if there is no
        run of two.
    """
    runs: list[list[str]] = []
    number = 0
    for text in texts:
        found = [clusters(run) for unspaced, run in groupby(text, is_unspaced) if unspaced]
        runs += found
        number += sum(map(len, found))
        if number >= LEARNED_FROM:
            break
    if max(map(len, runs), default=0) < 2:
        return {}
    alone = standing_alone(runs)
    used = Counter(word for run in runs for word in cut_run(run, alone))
    single = {unit for run in runs for unit in run}
    kept = single | {word for word, count in used.items() if count >= OFTEN}
    return {word: round(alone[word], 4) for word in sorted(kept)}


def join_units(units: Sequence[str], words: Mapping[str, float]) -> list[str]:
    """Units of a text, those of scripts without spaces joined into words."""
    if not words:
        return list(units)
    joined: list[str] = []
    for unspaced, run in groupby(units, is_unspaced):
        there = list(run)
        joined += cut_run(clusters(there), words) if unspaced else there
    return joined


def cut_run(run: Sequence[str], alone: Mapping[str, float]) -> list[str]:
    """The words of a run of units, for which the sum of a(w) times its length is largest."""
    best, begins = [0.0], [0]
    for end in range(1, len(run) + 1):
        value, start = max(
            (best[start] + worth(run[start:end], alone), start)
            for start in range(max(0, end - LONGEST), end)
        )
        best.append(value)
        begins.append(start)
    words, end = [], len(run)
    while end:
        words.append("".join(run[begins[end] : end]))
        end = begins[end]
    return words[::-1]


def worth(units: Sequence[str], alone: Mapping[str, float]) -> float:
    """Score of taking units as a word."""
    unheard = NEVER if len(units) > 1 else 0.0
    return alone.get("".join(units), unheard) * len(units)


def standing_alone(runs: Sequence[Sequence[str]]) -> dict[str, float]:
    """Score a(w) of each frequent string of runs, by the variety of its neighbours on both ends."""
    kinds = {unit: i for i, unit in enumerate(dict.fromkeys(u for run in runs for u in run))}
    # each run ends, and the next begins, with something that is there but once
    symbols = [len(kinds)]
    for end, run in enumerate(runs, start=len(kinds) + 1):
        symbols += [*map(kinds.__getitem__, run), end]
    names, row = list(kinds), np.array(symbols, np.int64)
    starts = np.arange(1, len(row))
    ids, values = np.zeros(len(row), np.int64), dict[str, float]()
    before, after = entropies(ids, starts, row, 0)
    for length in range(1, LONGEST + 1):
        starts = starts[starts + length <= len(row)]
        starts = starts[row[starts + length - 1] < len(kinds)]
        if len(starts) == 0:
            break
        keys = ids[starts] * (len(kinds) + len(runs) + 1) + row[starts + length - 1]
        _, first, number, counts = np.unique(
            keys, return_index=True, return_inverse=True, return_counts=True
        )
        shorter, ids = ids, np.full(len(row), -1)
        ids[starts] = number
        left, right = entropies(ids, starts, row, length)
        place: Ids = starts[first]
        gained_right = right - after[shorter[place]]
        gained_left = left - before[shorter[place + 1] if length > 1 else shorter[place]]
        often = counts >= FEWEST if (counts >= FEWEST).any() else counts > 0
        alone = gained_right - gained_right[often].mean() + gained_left - gained_left[often].mean()
        for at, value, count in zip(place.tolist(), alone.tolist(), counts.tolist(), strict=True):
            if length == 1 or count >= FEWEST:
                values["".join(names[i] for i in row[at : at + length])] = value
        before, after = left, right
    return values


def entropies(ids: Ids, starts: Ids, row: Ids, length: int) -> tuple[Floats, Floats]:
    """The entropy of what precedes, and of what follows, each string that begins at `starts`."""
    there = starts[starts + length < len(row)]
    return (
        entropy(ids[there], row[there - 1]),
        entropy(ids[there], row[there + length]),
    )


def entropy(ids: Ids, beside: Ids) -> Floats:
    """The entropy of what is beside each string, by its number, nats (S,)."""
    pairs, counts = np.unique(ids * (int(beside.max()) + 1) + beside, return_counts=True)
    owner = pairs // (int(beside.max()) + 1)
    totals = np.bincount(owner, counts)
    shares = counts / totals[owner]
    return np.asarray(np.bincount(owner, -shares * np.log(shares)))
