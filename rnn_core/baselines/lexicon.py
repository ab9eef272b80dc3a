"""Translations of single words, learned from aligned sentences."""

from collections.abc import Iterable

import numpy as np
import regex

from rnn_core.readers.parallel_text import Pair
from rnn_core.readers.writing_systems import WORD_OR_MARK

WORD = regex.compile(rf"(?V1){WORD_OR_MARK}")

ROUNDS = 5
"""Rounds of expectation maximisation."""


def words(text: str) -> list[str]:
    """Words and punctuation marks of a text in lower case."""
    return list(WORD.findall(text.lower()))


def word_lexicon(pairs: Iterable[Pair]) -> dict[str, str]:
    """The likeliest translation of each source word by model 1 of Brown et al. (1993).

    "The Mathematics of Statistical Machine Translation", Computational Linguistics 19(2),
    without its empty word.
    """
    sources: dict[str, int] = {}
    targets: dict[str, int] = {}
    rows, columns, places, num_places = [], [], [], 0
    for pair in pairs:
        left = [sources.setdefault(word, len(sources)) for word in words(pair.source)]
        right = [targets.setdefault(word, len(targets)) for word in words(pair.target)]
        rows.append(np.tile(left, len(right)))
        columns.append(np.repeat(right, len(left)))
        places.append(num_places + np.repeat(np.arange(len(right)), len(left)))
        num_places += len(right)
    links = np.concatenate(rows) * len(targets) + np.concatenate(columns)
    links, link = np.unique(links.astype(np.int64), return_inverse=True)
    source, place = links // len(targets), np.concatenate(places).astype(np.int64)
    chance = np.ones(len(links))
    for _ in range(ROUNDS):
        weight = chance[link]
        weight /= np.bincount(place, weight)[place]
        counts = np.bincount(link, weight)
        chance = counts / np.bincount(source, counts)[source]
    # Of several with the same source word, the last in this order is kept: the likeliest.
    names = list(targets), list(sources)
    order = np.argsort(chance, kind="stable")
    return {names[1][source[i]]: names[0][links[i] % len(targets)] for i in order}


def word_for_word(text: str, lexicon: dict[str, str]) -> str:
    """Each word replaced by its translation, where there is one."""
    return " ".join(lexicon.get(word, word) for word in words(text))
