"""What became of the champion of a comparison in the model registry."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Action: TypeAlias = Literal["promoted", "unchanged", "kept"]


@dataclass(frozen=True, kw_only=True)
class Promotion:
    """What became of the champion of a comparison.

    Attributes:
        dataset: Name of the dataset.
        model: Name of the registered model.
        version: The version that the alias points to now; None: a person took it away.
        action: "promoted", "unchanged" if it was there already, or "kept" if what was there
            stays.
        reason: Why, in a sentence.
        test_score: Of that version: on the test set that the study has now, or where it was not
            scored on that, when it was registered; None if there is none of this metric.
    """

    dataset: str
    model: str
    version: str | None
    action: Action
    reason: str
    test_score: float | None
