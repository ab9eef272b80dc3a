"""Pairs the wrong way round, each text in the language of the other column.

The words of both columns tell, and their scripts: many belong to one column alone where the
languages differ. A pair is certainly the wrong way round if both of its texts have several words
of the other column, and none of their own.
"""

import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice

from rnn_core.features.words import cut_words
from rnn_core.readers.parallel_text import Pair

MOST_PAIRS = 100_000
"""Pairs that are looked at, the first ones."""

LEAST_SEEN = 5
"""Other texts of a column that have a word which belongs to it."""

RATIO = 5
"""Least ratio of the texts of its column that have such a word to those of the other."""

SEVERAL = 2
"""Words of one column from which on a text is in its language; its script counts as several."""

USUAL_SHARE = 0.5
"""Share of pairs certainly the right way round from which on the columns have two languages."""

LETTERS = 20
"""Letters of a text that tell its script, the first ones."""


def swapped(pairs: Sequence[Pair]) -> Iterator[str]:
    """Warn of pairs that are certainly the wrong way round."""
    looked_at = pairs[:MOST_PAIRS]
    marks = [(marks_of(pair.source), marks_of(pair.target)) for pair in looked_at]
    counts = [Counter(mark for own in marks for mark in own[side]) for side in (0, 1)]
    ways = [(column_of(own[0], 0, counts), column_of(own[1], 1, counts)) for own in marks]
    wrong = [place for place, way in enumerate(ways) if way == (1, 0)]
    if wrong and ways.count((0, 1)) > USUAL_SHARE * len(ways):
        first = looked_at[wrong[0]]
        yield (
            f"pair {wrong[0] + 1:,} ({first.source[:40]!r} -> {first.target[:40]!r}), and "
            f"{len(wrong):,} in all seem to be the wrong way round: each text is in the language "
            "of the other column; swap their texts, or remove them"
        )


def marks_of(text: str) -> tuple[str, ...]:
    """The words of a text, each once, and its script as if it were several; kept once for all."""
    words = {word for word in cut_words(text, lowercase=True) if word.isalpha()}
    letters = islice(filter(str.isalpha, text), LETTERS)
    scripts = Counter(map(script_of, letters)).most_common(1)
    of_script = (f"{script} {i}" for script, _ in scripts for i in range(SEVERAL))
    return tuple(map(sys.intern, words.union(of_script)))


@lru_cache(maxsize=1 << 16)
def script_of(letter: str) -> str:
    """The script of a letter, as its name in Unicode begins."""
    return unicodedata.name(letter, "").partition(" ")[0]


def column_of(marks: Sequence[str], own: int, counts: Sequence[Counter[str]]) -> int | None:
    """The column whose language a text is in by its words and script; None if that is not certain.

    Args:
        marks: Those of the text.
        own: The column that it is in, 0 or 1.
        counts: How many texts of each column have each mark.
    """
    told = [sum(belongs(mark, side, own, counts) for mark in marks) for side in (0, 1)]
    side = int(told[1] > told[0])
    return side if told[side] >= SEVERAL and not told[1 - side] else None


def belongs(mark: str, side: int, own: int, counts: Sequence[Counter[str]]) -> bool:
    """Return whether other texts say that a mark of one belongs to a column."""
    here = counts[side][mark] - (own == side)
    there = counts[1 - side][mark] - (own != side)
    return here >= LEAST_SEEN and here >= RATIO * there
