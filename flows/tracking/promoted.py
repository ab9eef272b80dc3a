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
        version: The version that the alias points to now.
        action: "promoted", "unchanged" if it was there already, or "kept" if the champion
            that was there is better.
        reason: Why, in a sentence.
        test_score: Of that version, as it was when it was registered; None if its metric is
            not that of the comparison.
    """

    dataset: str
    model: str
    version: str
    action: Action
    reason: str
    test_score: float | None
