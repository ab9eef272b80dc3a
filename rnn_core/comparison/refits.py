"""Result of a refit: the chosen candidate trained on the validation set too.

How it is measured is said in `rnn_core.comparison.rolling_origin`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rnn_core.comparison.ensembles import EnsembleScores
from rnn_core.records import NO_OTHER_KEYS, read_record, write_record
from rnn_core.training.run_folder import candidate_name, size_name

BELIEVED = 0.95
"""A refit is believed if it is better with such a chance."""

MEASURED_SEEDS = 3
"""Random seeds by which a refit is measured: 0 and the next."""

FILE = "refit.json"
TOGETHER = "together"
ALONE = "alone"
"""The record of a refit, and the folders of the scores of an ensemble and of one random seed."""


@dataclass(frozen=True, kw_only=True)
class Gain:
    """Gain of training on more data, in units of the metric; above 0 where it is better.

    Attributes:
        mean: Over random seeds and items.
        error: Its standard error, by random seeds and by items.
        at_least: The lower limit at 90 %.
        at_most: The upper one.
        chance: That the true gain is above 0.
    """

    mean: float
    error: float
    at_least: float
    at_most: float
    chance: float

    @property
    def believed(self) -> bool:
        """Return whether it is a gain beyond chance."""
        return self.chance >= BELIEVED


@dataclass(frozen=True, kw_only=True)
class Refit:
    """Result of the trainings on a new division of the data.

    Attributes:
        cell: Name of the cell.
        hidden_size: Features of its state, in each layer.
        num_layers: Layers.
        measured: Random seeds that measured the gain: none of their trainings diverged.
        moved_back_epochs: Epochs that were chosen one validation set earlier; None if fewer than
            two trainings finished there.
        gain: What a refit was worth there; None where too few random seeds can tell.
        epochs: Those of a refit; None if it is not believed.
        members: Random seeds that were trained on the training and validation set to answer
            together; none of them diverged.
        alone: The one that was trained to answer alone; None if that is not wanted, or it
            diverged.
        trainings: All that it took.
    """

    __pydantic_config__: ClassVar = NO_OTHER_KEYS

    cell: str
    hidden_size: int
    num_layers: int = 1
    measured: tuple[int, ...]
    moved_back_epochs: int | None
    gain: Gain | None
    epochs: int | None
    members: tuple[int, ...]
    alone: int | None
    trainings: int

    @property
    def name(self) -> str:
        """Name of the candidate."""
        return candidate_name(self.cell, self.hidden_size, self.num_layers)

    @property
    def size(self) -> str:
        """Name of its size."""
        return size_name(self.hidden_size, self.num_layers)


@dataclass(frozen=True, kw_only=True)
class RefitResult:
    """A refit, and what it scores.

    Attributes:
        refit: What came of it.
        scores: On the test set; None if it is not believed, or its trainings diverged.
    """

    refit: Refit
    scores: EnsembleScores | None

    @property
    def registered(self) -> bool:
        """Return whether it is what is registered: wherever it came to a score."""
        return self.scores is not None and self.scores.test is not None


def write_refit(path: Path, refit: Refit) -> None:
    """Write the record of a refit."""
    write_record(path, refit)


def read_refit(path: Path) -> Refit | None:
    """Read the record of a refit; None if there is none.

    Raises:
        DataError: If it has another form.
    """
    return read_record(path, Refit) if path.exists() else None
