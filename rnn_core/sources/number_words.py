"""Sums in English and German words, such as "twenty-one plus six" and its translation.

German says units before tens and writes a number as one word, so that a translation has to
hold on to what comes first in English until it is its turn.
"""

import random
from pathlib import Path

from rnn_core.files import write_text
from rnn_core.sources.base import Source

OPERATORS = (("plus", "plus"), ("minus", "minus"), ("times", "mal"))
"""English and German."""

NUMBERS = 3
"""Numbers of a sum."""


def draw_sum(draw: random.Random, largest: int) -> tuple[str, str]:
    """A sum at random in English and German; numbers of each length are equally likely."""
    from num2words import num2words  # noqa: PLC0415 - only this source needs it

    english, german = [], []
    for index in range(NUMBERS):
        if index:
            operator = draw.choice(OPERATORS)
            english.append(operator[0])
            german.append(operator[1])
        digits = draw.randint(1, len(str(largest)))
        number = draw.randint(10 ** (digits - 1), min(10**digits - 1, largest))
        english.append(num2words(number, lang="en"))
        german.append(num2words(number, lang="de"))
    return " ".join(english), " ".join(german)


class NumberWords(Source):
    """`sums.en` and `sums.de`, aligned line by line; no sum comes twice."""

    def __init__(self, num_sums: int, largest: int, seed: int) -> None:
        self.num_sums = num_sums
        self.largest = largest
        self.seed = seed

    def fetch(self, folder: Path) -> None:
        draw = random.Random(self.seed)
        sums: dict[str, str] = {}
        while len(sums) < self.num_sums:
            english, german = draw_sum(draw, self.largest)
            sums[english] = german
        write_text(folder / "sums.en", "".join(f"{line}\n" for line in sums))
        write_text(folder / "sums.de", "".join(f"{line}\n" for line in sums.values()))


SOURCE = NumberWords(num_sums=3000, largest=99, seed=2026)
