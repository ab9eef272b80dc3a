"""Words and other tokens of texts: cut, counted and numbered."""

import re
from collections import Counter
from collections.abc import Iterable

import torch
from torch import Tensor

UNKNOWN = "<unknown>"
"""Stands for every word that the vocabulary does not hold; its number is 0."""

WORD = re.compile(r"\w+?(?=n't\b)|n't\b|'(?:s|re|ve|ll|d|m)\b|\w+|[^\w\s]")


def cut_words(text: str, *, lowercase: bool) -> list[str]:
    """Cut a text into words and punctuation marks.

    English contractions are cut as in the Penn Treebank ("do", "n't"), so that texts that
    were cut so before and texts as people write them give the same words.
    """
    text = text.replace("\u2019", "'")
    return WORD.findall(text.lower() if lowercase else text)


def build_vocabulary(words: Iterable[str], max_vocabulary: int, min_count: int = 1) -> list[str]:
    """The most frequent words, ties in alphabetical order, after the unknown one.

    Args:
        words: All words of the training side.
        max_vocabulary: Most different words, the unknown one included.
        min_count: Occurrences that a word must have.
    """
    counts = Counter(words)
    frequent = [word for word, count in counts.items() if count >= min_count and word != UNKNOWN]
    by_frequency = sorted(frequent, key=lambda word: (-counts[word], word))
    return [UNKNOWN, *by_frequency[: max_vocabulary - 1]]


def encode(words: Iterable[str], index: dict[str, int]) -> Tensor:
    """Numbers of words, int32 (N,); 0 for unknown ones."""
    return torch.tensor([index.get(word, 0) for word in words], dtype=torch.int32)
