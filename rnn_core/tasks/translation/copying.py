"""What a translation takes over from its source as it is."""

import re
from collections import Counter
from collections.abc import Iterable

import regex

from rnn_core.readers.parallel_text import Pair

NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
"""A number in digits."""

SAYS = regex.compile(r"[\p{L}\p{N}]")
"""What a text has that says something: letters and digits."""

KEPT = 0.9
"""Share of training pairs from which on numbers of a source are taken to be in its translation."""


def says_nothing(text: str) -> bool:
    """Whether a text is of marks alone, which are the same in all languages."""
    return SAYS.search(text) is None


def digits(number: str) -> str:
    """A number without its marks, which languages put differently."""
    return "".join(filter(str.isdigit, number))


def numbers_are_kept(pairs: Iterable[Pair]) -> bool:
    """Whether translations have the numbers in digits that their sources have.

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
