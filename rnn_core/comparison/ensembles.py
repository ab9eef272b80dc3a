"""Ensembles: are several random seeds of the chosen candidate better together than one?"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rnn_core.records import NO_OTHER_KEYS, read_record, write_record
from rnn_core.training.run_folder import candidate_name, size_name

ENSEMBLE = "ensemble.json"
"""Scores of an ensemble, or of a training on another division of the data."""

ITEMS = "items.safetensors"
"""Score of every item, of them and of a training, each beside the file of its scores."""

BETTER = 0.05
"""An ensemble counts as better below this p value, which is the share of false positives."""


@dataclass(frozen=True, kw_only=True)
class EnsembleScores:
    """The scores of an ensemble, or of one training that is scored as one.

    Attributes:
        cell: Name of the cell.
        hidden_size: Features of its state, in each layer.
        num_layers: Layers.
        seeds: Random seeds of its members.
        validation: Score on the validation set; None if it is no number, or was trained on.
        test: Score on the test set; None if it is no number, or has no part in what is asked.
        others: Further metrics of the test set.
    """

    __pydantic_config__: ClassVar = NO_OTHER_KEYS

    cell: str
    hidden_size: int
    num_layers: int = 1
    seeds: tuple[int, ...]
    validation: float | None
    test: float | None
    others: dict[str, float]

    @property
    def name(self) -> str:
        """Name of the candidate."""
        return candidate_name(self.cell, self.hidden_size, self.num_layers)

    @property
    def size(self) -> str:
        """Name of its size."""
        return size_name(self.hidden_size, self.num_layers)


@dataclass(frozen=True, kw_only=True)
class EnsembleResult:
    """Random seeds of a candidate that answer together, beside the one that is best alone.

    Attributes:
        scores: Of all together.
        better_by: By how much it is better than that seed on the validation set, in units of
            the metric; negative if it is worse.
        p_value: Of that by chance alone.
        trainings: Those of its members that the race did not ask for: they are cost, and no
            evidence.
        registered: Whether the ensemble is what is registered, and not the seed.
    """

    scores: EnsembleScores
    better_by: float
    p_value: float
    trainings: int
    registered: bool


def write_ensemble(folder: Path, scores: EnsembleScores) -> None:
    """Write the scores of an ensemble into its folder."""
    write_record(folder / ENSEMBLE, scores)


def read_ensemble(folder: Path) -> EnsembleScores | None:
    """Read the scores of an ensemble; None if there is none.

    Raises:
        DataError: If they have another form.
    """
    return read_record(folder / ENSEMBLE, EnsembleScores) if (folder / ENSEMBLE).exists() else None
