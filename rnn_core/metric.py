"""What a score is: of which split, by which metric, and of which items."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

Split: TypeAlias = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")

ScoredSplit: TypeAlias = Literal["validation", "test"]
SCORED: tuple[ScoredSplit, ...] = ("validation", "test")
"""The splits that models are scored on: the first chooses, the second confirms."""

Division: TypeAlias = Literal["prepared", "moved_back", "moved_back_refit", "refit"]
"""Which items are on which split: as `prepare` divides them, or one of the three that
`rnn_core.tasks.base.divides` makes of that."""
DIVISIONS: tuple[Division, ...] = get_args(Division)

Direction: TypeAlias = Literal["lower", "higher"]


ClassMetric: TypeAlias = Literal["accuracy", "balanced_accuracy"]
"""What classifiers are chosen by: the share of items that are right, or the mean of that share of
each class."""


@dataclass(frozen=True)
class Reached:
    """How well a model did on the validation set.

    Attributes:
        score: The metric.
        loss: What training lowers; None where the metric is that.
    """

    score: float
    loss: float | None = None


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

    def rank(self, reached: Reached) -> tuple[float, float]:
        """What a model reached as something that should be small: the loss tells equals apart.

        A metric that counts items takes few values. Of two models that recognise all of 60
        recordings, the loss still says which is surer of them.
        """
        loss = 0.0 if reached.loss is None else reached.loss
        return self.loss(reached.score), loss


def best_seed(reached: Mapping[int, Reached], metric: Metric) -> int:
    """The random seed that reached the best, the lowest of equals."""
    return min(reached, key=lambda seed: (metric.rank(reached[seed]), seed))
