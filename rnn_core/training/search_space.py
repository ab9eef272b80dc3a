"""The values that are searched for each candidate, and their ranges."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from rnn_core.errors import ParameterError
from rnn_core.study import Tuning

Values: TypeAlias = dict[str, float]
"""Values that a trial changes, by their names in params.yaml."""

DIGITS = 4
"""Significant digits of what is drawn: more make no difference, and cannot be read."""


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """A value that is searched.

    Attributes:
        own: The dataset's own.
        low: The lowest that may be tried.
        high: The highest.
        logarithmic: Whether it is searched on a logarithmic scale.
    """

    own: float
    low: float
    high: float
    logarithmic: bool

    def at(self, point: float) -> float:
        """The value at a point from 0 to 1, with few digits."""
        if self.logarithmic:
            value = self.low * (self.high / self.low) ** point
        else:
            value = self.low + (self.high - self.low) * point
        return min(max(float(f"{value:.{DIGITS}g}"), self.low), self.high)


def search_space(tuning: Tuning, own: Values) -> dict[str, Dimension]:
    """The values to search, with their ranges.

    Args:
        tuning: As in params.yaml.
        own: The dataset's own `learning_rate`, `clip_norm` and `dropout`.

    Raises:
        ParameterError: If the dataset's own dropout is not in its range.
    """
    space = {}
    for name in ("learning_rate", "clip_norm"):
        if multiples := getattr(tuning, name):
            low, high = (multiple * own[name] for multiple in multiples)
            space[name] = Dimension(own=own[name], low=low, high=high, logarithmic=True)
    if tuning.dropout:
        low, high = tuning.dropout
        if not low <= own["dropout"] <= high:
            raise ParameterError(
                f"params.yaml: tuning: dropout [{low}, {high}] does not hold the dataset's own, "
                f"{own['dropout']}, which is always tried"
            )
        space["dropout"] = Dimension(own=own["dropout"], low=low, high=high, logarithmic=False)
    return space


def own_values(model: Mapping[str, Any], training: Mapping[str, Any]) -> Values:
    """Values that may be tuned, from the study.

    Args:
        model: Parameters of the model.
        training: Parameters of the training.
    """
    return {
        "learning_rate": training["learning_rate"],
        "clip_norm": training["clip_norm"],
        "dropout": model["dropout"],
    }
