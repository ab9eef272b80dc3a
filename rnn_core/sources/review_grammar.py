"""Reviews of films from a grammar in which single words say little, and their best label.

An adjective counts for the opposite after a negation, and for itself again after two ("no
one says the plot is not dull" is blame). A review has one verdict, or two opposite ones;
the clause after "but", or the one without "although", counts. Asides come before and after
them. A share of the reviewers gives the wrong label, so that no classifier can be
right about them.
"""

import csv
import random
from pathlib import Path

import numpy as np

from rnn_core.sources.base import Source

ASPECTS = ("acting", "plot", "music", "ending", "dialogue", "camera")
ADJECTIVES = {
    True: ("good", "great", "clever", "warm", "fresh", "moving"),
    False: ("bad", "awful", "dull", "cold", "stale", "clumsy"),
}
INTENSIFIERS = ("", "", "very", "really", "rather", "truly")
DENIALS = ("no one says", "i would not say", "it is not true that")
NEGATIONS = ("not", "never", "hardly")
NEGATED = {(False, False): 0.6, (False, True): 0.15, (True, False): 0.15, (True, True): 0.1}
"""Probabilities that a clause is negated, and that its adjective is."""

ASIDES = (
    "we saw it on a rainy evening in a small town",
    "it runs for about two hours with a short break",
    "my sister had bought the tickets weeks ago",
    "the seats at the back were all taken",
    "it is the third film of that studio this year",
    "they shot most of it on an island in the north",
)


def verdict(draw: random.Random, aspect: str, praise: bool) -> str:
    """A clause that praises or blames an aspect, with up to two negations."""
    denied, negated = draw.choices(list(NEGATED), list(NEGATED.values()))[0]
    words = [
        draw.choice(DENIALS) if denied else "",
        f"the {aspect} is",
        draw.choice(NEGATIONS) if negated else "",
        draw.choice(INTENSIFIERS),
        draw.choice(ADJECTIVES[praise ^ denied ^ negated]),
    ]
    return " ".join(filter(None, words))


def contrast(draw: random.Random, praise: bool) -> str:
    """Two opposite verdicts; the one after "but", or without "although", is `praise`."""
    first, second = draw.sample(ASPECTS, 2)
    counts, other = verdict(draw, first, praise), verdict(draw, second, not praise)
    return draw.choice(
        (f"{other} but {counts}", f"although {other} , {counts}", f"{counts} although {other}")
    )


def review(draw: random.Random, praise: bool) -> str:
    """A review that praises or blames a film."""
    single = draw.random() < 0.4
    core = verdict(draw, draw.choice(ASPECTS), praise) if single else contrast(draw, praise)
    before, after = (a if draw.random() < 0.6 else "" for a in draw.sample(ASIDES, 2))
    return " . ".join(filter(None, (before, core, after))) + " ."


class ReviewGrammar(Source):
    """`reviews.csv`, and `likeliest.npy`, float64 (reviews,).

    The second is 1 for a review with the label that its text makes likeliest, 0 for one
    whose reviewer gave the wrong label.
    """

    def __init__(self, num_reviews: int, wrong_share: float, seed: int) -> None:
        self.num_reviews = num_reviews
        self.wrong_share = wrong_share
        self.seed = seed

    def fetch(self, folder: Path) -> None:
        draw = random.Random(self.seed)
        praises = [draw.random() < 0.5 for _ in range(self.num_reviews)]
        texts = [review(draw, praise) for praise in praises]
        wrong = [draw.random() < self.wrong_share for _ in praises]
        labels = ["praise" if p ^ w else "blame" for p, w in zip(praises, wrong, strict=True)]
        with (folder / "reviews.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["text", "label"])
            writer.writerows(zip(texts, labels, strict=True))
        np.save(folder / "likeliest.npy", 1.0 - np.array(wrong, np.float64))


SOURCE = ReviewGrammar(num_reviews=9000, wrong_share=0.05, seed=2026)
