"""What a score is: of which split, by which metric, and of which items."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Split: TypeAlias = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")

ScoredSplit: TypeAlias = Literal["validation", "test"]
SCORED: tuple[ScoredSplit, ...] = ("validation", "test")
"""The splits that models are scored on: the first chooses, the second confirms."""

Direction: TypeAlias = Literal["lower", "higher"]


@dataclass(frozen=True)
class Metric:
    """How the quality of a model is measured.

    Attributes:
        name: A word for keys and columns, such as "accuracy".
        unit: What one of it is, for a person.
        direction: Which values are better.
        definition: How exactly it is computed where its name leaves that open, such as
            the signature of sacreBLEU.
    """

    name: str
    unit: str
    direction: Direction
    definition: str = ""

    def loss(self, score: float) -> float:
        """A score as something that should be small."""
        return score if self.direction == "lower" else -score


def best_seed(scores: Mapping[int, float], metric: Metric) -> int:
    """The random seed with the best score, the lowest of equals."""
    return min(scores, key=lambda seed: (metric.loss(scores[seed]), seed))
