"""The registry of matchers of answers and truth, by the name of the task."""

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

A text that continues a prompt has no truth, and lines to recall are their own truth.
"""


class Matcher(Protocol):
    """Recognises inputs, and scores answers against the truth.

    An input is recognised by a key, from which it cannot be reconstructed.
    """

    metric: Metric
    """The metric of the scores."""

    def keys(self, task: Any, table: "pd.DataFrame", answer: "pd.DataFrame") -> list[str]:
        """The key of the input that each row of an answer belongs to.

        Args:
            task: The task of the model.
            table: The input.
            answer: The answer.
        """

    def truths(self, task: Any, raw: Path) -> dict[str, Any]:
        """The truth of each input, by its key.

        Args:
            task: The task of the model.
            raw: Data in the form of the dataset's source.

        Raises:
            DataError: If a file cannot be used.
        """

    def score(self, task: Any, row: Mapping[str, Any], truth: Any) -> float:
        """The score of a row of an answer, in JSON values, against the truth."""


def matcher_of(task: str) -> Matcher | None:
    """Make the matcher of a task; None if its answers have no truth."""
    if task not in REGISTRY:
        return None
    module, name = REGISTRY[task]
    found: Matcher = getattr(import_module(f"rnn_core.truth.{module}"), name)()
    return found
