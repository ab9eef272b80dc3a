"""Parts that a translation copies from its source."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import regex
import torch
from torch import Tensor

from rnn_core.readers.parallel_text import Pair

NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
"""A number in digits."""

SAYS = regex.compile(r"[\p{L}\p{N}]")
"""Characters with meaning in a text: letters and digits."""

KEPT = 0.9
"""Share of training pairs from which on numbers of a source are taken to be in its translation."""


NAME = regex.compile(r"\b\p{Lu}[\p{L}\p{M}\p{N}]+")
"""A word that may be a name."""

NAMES_KEPT = 0.5
"""Share of names from which on those that nobody saw are taken to stay as they are."""

FEWEST_NAMES = 10
"""Fewest names that show it."""


SAID = regex.compile(r"[\p{L}\p{N}][\p{L}\p{M}\p{N}]*")
"""A word."""


class CutText(NamedTuple):
    """A text, and where each of its pieces begins and ends."""

    text: str
    spans: Sequence[tuple[int, int]]

    def pieces_of(self, word: "regex.Match[str]") -> list[int]:
        """The pieces that a word is in, or a part of it."""
        return [i for i, (a, b) in enumerate(self.spans) if a < word.end() and b > word.start()]


def says_nothing(text: str) -> bool:
    """Return whether a text has only marks, which are the same in all languages."""
    return SAYS.search(text) is None


def digits(number: str) -> str:
    """A number without its marks, which languages put differently."""
    return "".join(filter(str.isdigit, number))


def numbers_are_kept(pairs: Iterable[Pair]) -> bool:
    """Return whether translations have the numbers in digits that their sources have.

    It takes pairs with numbers to say so.
    """
    found = [
        {*map(digits, NUMBER.findall(pair.source))} <= {*map(digits, NUMBER.findall(pair.target))}
        for pair in pairs
        if NUMBER.search(pair.source)
    ]
    return bool(found) and sum(found) >= KEPT * len(found)


def with_numbers(source: str, translation: str) -> str:
    """A translation whose numbers that its source has not are those that it lacks, in order.

    Where these are not as many, it is left as it is.
    """
    asked, written = NUMBER.findall(source), NUMBER.findall(translation)
    lacking = left(asked, written)
    wrong = left(written, asked)
    if not wrong or len(lacking) != len(wrong):
        return translation
    unwanted, instead = Counter(wrong), iter(lacking)

    def number(match: re.Match[str]) -> str:
        if unwanted[match.group()] == 0:
            return match.group()
        unwanted[match.group()] -= 1
        return next(instead)

    return NUMBER.sub(number, translation)


def left(numbers: list[str], others: list[str]) -> list[str]:
    """The numbers that others do not have, each as often as it is missing."""
    there = Counter(map(digits, others))
    found = []
    for number in numbers:
        if there[digits(number)] > 0:
            there[digits(number)] -= 1
        else:
            found.append(number)
    return found


def known_words(pairs: Sequence[Pair]) -> list[str]:
    """The words of all sources in lower case, if most names stay as they are; else none.

    Each counts once, so that it is the rare ones that tell. First words have a capital anyway.
    """
    stays: dict[str, list[bool]] = {}
    for pair in pairs:
        there = {*NAME.findall(pair.target)}
        for match in NAME.finditer(pair.source):
            if match.start() > 0:
                stays.setdefault(match.group(), []).append(match.group() in there)
    kept = sum(2 * sum(each) > len(each) for each in stays.values())
    if len(stays) < FEWEST_NAMES or kept < NAMES_KEPT * len(stays):
        return []
    return sorted({word.casefold() for pair in pairs for word in SAID.findall(pair.source)})


def lacking_names(source: str, translation: str, known: Collection[str]) -> bool:
    """Return whether a source has unseen names that its translation lacks."""
    there = {*SAID.findall(translation)}
    return any(is_strange(word, known) and word not in there for word in SAID.findall(source))


def is_strange(word: str, known: Collection[str]) -> bool:
    """Return whether a word may be a name, and nobody saw it, with a capital or without."""
    return NAME.fullmatch(word) is not None and word.casefold() not in known


def with_names(source: CutText, ours: CutText, known: Collection[str], weights: Tensor) -> str:
    """A translation with the names of its source that nobody saw, where attention says so.

    A name takes the place of the word, of those that are none of the source's, that looks at it
    most, and at no other word as much (Luong et al., arXiv:1410.8206v4, and Jean et al.,
    arXiv:1412.2007v2, who replace unknown words by what they are aligned with).

    Args:
        source: The text that is translated.
        ours: Its translation.
        known: See `known_words`.
        weights: How much each piece of the translation looks at each of the source, (T, S).
    """
    words, there = {*SAID.findall(source.text)}, {*SAID.findall(ours.text)}
    asked = [*SAID.finditer(source.text)]
    wrong = [word for word in SAID.finditer(ours.text) if word.group() not in words]
    if not wrong:
        return ours.text
    looks = torch.stack([word_weights(source, asked, weights[ours.pieces_of(w)]) for w in wrong])
    put: dict[int, str] = {}
    for place, word in enumerate(asked):
        name = word.group()
        if is_strange(name, known) and name not in there:
            best = int(looks[:, place].argmax())
            if int(looks[best].argmax()) == place and best not in put:
                put[best] = name
    text = ours.text
    for index in sorted(put, reverse=True):
        text = text[: wrong[index].start()] + put[index] + text[wrong[index].end() :]
    return text


def word_weights(source: CutText, words: Sequence["regex.Match[str]"], rows: Tensor) -> Tensor:
    """Attention of the pieces of a word to each word of the source, averaged (W,)."""
    each = rows.mean(dim=0)
    return torch.stack([each[source.pieces_of(word)].sum() for word in words])
