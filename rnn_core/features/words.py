"""Words and other tokens of texts: cut, counted and numbered."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
import regex
import torch
from torch import Tensor

from rnn_core.readers.writing_systems import GOES_ON, SPACED, WORD_OR_MARK

UNKNOWN = "<unknown>"
"""Stands for every word that the vocabulary does not hold; its number is 0."""

CONTRACTION = rf"n't(?!{GOES_ON})|'(?:s|re|ve|ll|d|m)(?!{GOES_ON})"

WORD = regex.compile(rf"(?V1){SPACED}{GOES_ON}*?(?=n't(?!{GOES_ON}))|{CONTRACTION}|{WORD_OR_MARK}")


def cut_words(text: str, *, lowercase: bool) -> list[str]:
    """Cut a text into words and punctuation marks.

    English contractions are cut as in the Penn Treebank ("do", "n't"), so that texts that
    were cut so before and texts as people write them give the same words. Where a script has no
    spaces between words, each character is a word; a text that looks the same has the same
    words (NFC).
    """
    text = unicodedata.normalize("NFC", text.lower() if lowercase else text)
    return list(WORD.findall(text.replace("\u2019", "'")))


def build_vocabulary(words: Iterable[str], max_vocabulary: int, min_count: int = 1) -> list[str]:
    """The most frequent words, ties in alphabetical order, after the unknown one.

    Args:
        words: All words of the training set.
        max_vocabulary: Most different words, the unknown one included.
        min_count: Occurrences that a word must have.
    """
    return most_frequent(Counter(words), max_vocabulary, min_count)


def most_frequent(counts: Mapping[str, int], max_vocabulary: int, min_count: int = 1) -> list[str]:
    """As `build_vocabulary`, from how often each word occurs."""
    frequent = [word for word, count in counts.items() if count >= min_count and word != UNKNOWN]
    by_frequency = sorted(frequent, key=lambda word: (-counts[word], word))
    return [UNKNOWN, *by_frequency[: max_vocabulary - 1]]


def encode(words: Iterable[str], index: dict[str, int]) -> Tensor:
    """Numbers of words, int32 (N,); 0 for unknown ones."""
    return torch.from_numpy(np.fromiter((index.get(word, 0) for word in words), np.int32))
