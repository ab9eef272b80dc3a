"""The result of promoting a champion to the model registry."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

ALIAS = "champion"
"""The alias of the version of a registered model that answers."""

Action: TypeAlias = Literal["promoted", "unchanged", "kept"]


@dataclass(frozen=True, kw_only=True)
class Promotion:
    """The result of promoting the champion of a comparison.

    Attributes:
        dataset: Name of the dataset.
        model: Name of the registered model.
        version: The version that the alias points to now; None: a user took the alias away.
        action: "promoted", "unchanged" if it was the champion already, or "kept" if the earlier
            version stays.
        reason: The reason, in a sentence.
        test_score: Score of that version on the current test set of the study, or the one at its
            registration if it was not scored on that; None if it has none of this metric.
    """

    dataset: str
    model: str
    version: str | None
    action: Action
    reason: str
    test_score: float | None
