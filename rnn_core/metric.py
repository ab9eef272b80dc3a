"""Meaning of a score: its split, its metric and its items."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from rnn_core.wording import in_words

Split: TypeAlias = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")

ScoredSplit: TypeAlias = Literal["validation", "test"]
SCORED: tuple[ScoredSplit, ...] = ("validation", "test")
"""The splits that models are scored on: the first chooses, the second confirms."""

Division: TypeAlias = Literal["prepared", "moved_back", "moved_back_refit", "refit"]
"""Division of items into splits: as `prepare` divides them, or one of the three that
`rnn_core.tasks.base.divides` makes of that."""
DIVISIONS: tuple[Division, ...] = get_args(Division)

Direction: TypeAlias = Literal["lower", "higher"]


ClassMetric: TypeAlias = Literal["accuracy", "balanced_accuracy"]
"""Metric that chooses classifiers: the share of items that are right, or the mean of that share of
each class."""


@dataclass(frozen=True)
class Reached:
    """Scores of a model on the validation set.

    Attributes:
        score: The metric.
        loss: What training lowers; None where the metric is that.
    """

    score: float
    loss: float | None = None


@dataclass(frozen=True)
class Metric:
    """Measure of the quality of a model.

    Attributes:
        name: A word for keys and columns, such as "accuracy".
        unit: Unit of the values, for display.
        direction: Which values are better.
        definition: How exactly it is computed where its name leaves that open, such as
            the signature of sacreBLEU.
    """

    name: str
    unit: str
    direction: Direction
    definition: str = ""

    @property
    def in_words(self) -> str:
        """Its name for people, such as "nats per token"."""
        return in_words(self.name)

    def loss(self, score: float) -> float:
        """A score as something that should be small."""
        return score if self.direction == "lower" else -score

    def rank(self, reached: Reached) -> tuple[float, float]:
        """Sort key of a validation result, smaller is better: metric first, then the loss.

        A metric that counts items takes few values. Of two models that recognise all of 60
        recordings, the loss still says which is surer of them.
        """
        loss = 0.0 if reached.loss is None else reached.loss
        return self.loss(reached.score), loss


def best_seed(reached: Mapping[int, Reached], metric: Metric) -> int:
    """The random seed that reached the best, the lowest of equals."""
    return min(reached, key=lambda seed: (metric.rank(reached[seed]), seed))
