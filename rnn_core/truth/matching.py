"""What matches answers with the truth, by the name of the task."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from rnn_core.metric import Metric

if TYPE_CHECKING:
    import pandas as pd

REGISTRY = {
    "speech_recognition": ("recordings", "Words"),
    "speech_transcription": ("recordings", "Transcripts"),
    "forecasting": ("tables", "Forecasts"),
    "sentiment": ("texts", "Labels"),
    "translation": ("texts", "Translations"),
}
"""The module and the class for each task whose answers can be right or wrong.

A text that is written on from a prompt has no truth, and lines to recall are their own.
"""


class Matcher(Protocol):
    """Knows inputs again, and says how far answers are from the truth.

    Inputs are known by a key, from which they cannot be read.
    """

    metric: Metric
    """Of the scores."""

    def keys(self, task: Any, table: "pd.DataFrame", answer: "pd.DataFrame") -> list[str]:
        """The key of what each row of an answer is about.

        Args:
            task: Of the model.
            table: Its input.
            answer: The answer.
        """

    def truths(self, task: Any, raw: Path) -> dict[str, Any]:
        """What is true of each input, by its key.

        Args:
            task: Of the model.
            raw: Data such as the dataset's source is.

        Raises:
            DataError: If a file cannot be used.
        """

    def score(self, task: Any, row: Mapping[str, Any], truth: Any) -> float:
        """How far a row of an answer, as JSON has it, is from the truth."""


def matcher_of(task: str) -> Matcher | None:
    """What matches the answers of a task with the truth; None if they have none."""
    if task not in REGISTRY:
        return None
    module, name = REGISTRY[task]
    found: Matcher = getattr(import_module(f"rnn_core.truth.{module}"), name)()
    return found
