"""English sentences from a grammar with long agreement, and their exact probability.

The noun that opens a sentence decides which verb closes it, and whether that verb is
singular or plural: "the dogs near the old mill past the tiny lake bark." Between the two lie
up to two phrases of 16 to 19 characters each. The probability of the text is known, so the
best possible cross-entropy of a language model is too.
"""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import log
from pathlib import Path
from typing import TypeAlias

import numpy as np

from rnn_core.files import write_text
from rnn_core.sources.base import Source

Position: TypeAlias = tuple[str, ...]
"""A place in the grammar, with what it must remember to go on."""

VERBS = {
    "dog": "bark",
    "cat": "purr",
    "duck": "quack",
    "wolf": "howl",
}
PLACES = ("barn", "lake", "mill", "road")
PREPOSITIONS = ("near", "by", "past", "in")
ADJECTIVES = ("old", "red", "tiny", "dark")
NUMBERS = ("one", "many")
PHRASES = {"no": (0.6, "one"), "one": (0.2, "two"), "two": (0.0, "")}
"""By number of phrases so far: the probability of another, and the number then."""

START: Position = ("subject",)


def choices(position: Position) -> list[tuple[float, str, Position]]:
    """Continuations of a position: probability, text and the position after it."""
    kind, *memory = position
    match kind:
        case "subject":
            subjects = [(noun, number) for noun in VERBS for number in NUMBERS]
            texts = [(f"the {inflect(*s)}", ("phrase", "no", *s)) for s in subjects]
            return equally(texts)
        case "phrase":
            return phrase_or_verb(*memory)
        case "adjective":
            return equally([(f" {a}", ("noun", *memory)) for a in ADJECTIVES])
        case _:
            return equally([(f" {place}", ("phrase", *memory)) for place in PLACES])


def inflect(noun: str, number: str) -> str:
    """The form of a noun; number is "one" or "many"."""
    if number == "one":
        return noun
    return "wolves" if noun == "wolf" else f"{noun}s"


def phrase_or_verb(count: str, noun: str, number: str) -> list[tuple[float, str, Position]]:
    """Another phrase, after `count` so far, or the verb of the subject."""
    verb = f" {VERBS[noun]}" + ("s.\n" if number == "one" else ".\n")
    again, following = PHRASES[count]
    after: Position = ("adjective", following, noun, number)
    phrases = [(again / len(PREPOSITIONS), f" {p} the", after) for p in PREPOSITIONS]
    return [*(phrases if again else []), (1 - again, verb, START)]


def equally(options: Sequence[tuple[str, Position]]) -> list[tuple[float, str, Position]]:
    """Give all options the same probability."""
    return [(1 / len(options), text, after) for text, after in options]


def sample(num_characters: int, seed: int) -> str:
    """Draw whole sentences until there are at least `num_characters`."""
    draw = random.Random(seed)
    pieces: list[str] = []
    length, position = 0, START
    while length < num_characters or position != START:
        options = choices(position)
        weights = [probability for probability, _, _ in options]
        _, text, position = draw.choices(options, weights)[0]
        pieces.append(text)
        length += len(text)
    return "".join(pieces)


def log_probabilities(text: str) -> Iterator[float]:
    """Natural logarithm of each character's probability given all before it, exactly.

    The forward algorithm: the weight of every way to have derived the text so far is
    carried along, as (rest of the word being spelled, position after it).
    """
    ways = {("", START): 1.0}
    for character in text:
        total, new = 0.0, defaultdict[tuple[str, Position], float](float)
        for (rest, position), weight in ways.items():
            options = [(1.0, rest, position)] if rest else choices(position)
            for probability, word, after in options:
                if word[0] == character:
                    new[word[1:], after] += weight * probability
                    total += weight * probability
        yield log(total)
        ways = {way: weight / total for way, weight in new.items()}


class AgreementText(Source):
    """`text.txt`, and `log_probability.npy` with one float64 for each character."""

    def __init__(self, num_characters: int, seed: int) -> None:
        self.num_characters = num_characters
        self.seed = seed

    def fetch(self, folder: Path) -> None:
        text = sample(self.num_characters, self.seed)
        write_text(folder / "text.txt", text)
        np.save(folder / "log_probability.npy", np.fromiter(log_probabilities(text), np.float64))


SOURCE = AgreementText(num_characters=110_000, seed=2026)
