"""Baselines that candidates are compared with, in a file next to their evaluations."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rnn_core.metric import Metric, Split
from rnn_core.records import NO_OTHER_KEYS, read_record, write_record


@dataclass(frozen=True, kw_only=True)
class Reference:
    """Baselines that the candidates of a dataset are compared with.

    Attributes:
        metric: Of all scores.
        margin: The task's own margin: the largest difference that does not matter.
        items: Items of each split.
        baselines: Test scores of simple predictors without a recurrent cell.
        optimum: The best test score that is possible, where it is known.
    """

    __pydantic_config__: ClassVar = NO_OTHER_KEYS

    metric: Metric
    margin: float
    items: dict[Split, int]
    baselines: dict[str, float]
    optimum: float | None


def write_reference(file: Path, reference: Reference) -> None:
    """Write it."""
    write_record(file, reference)


def read_reference(file: Path) -> Reference:
    """Read it.

    Raises:
        DataError: If the file is missing, or not of this form.
    """
    return read_record(file, Reference)
