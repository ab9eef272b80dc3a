"""A size of a cell, and what it was tuned to there."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

from rnn_core.records import NO_OTHER_KEYS, read_record, write_record
from rnn_core.training.run_folder import size_name
from rnn_core.training.tuning import Tuned

FILE = "rung.json"


@dataclass(frozen=True, kw_only=True)
class Rung:
    """A size of a cell.

    Attributes:
        hidden_size: Features of its state, in each layer.
        num_layers: Layers.
        sizes: The names in params.yaml that led there.
        deviations: Difference of its number of weights from each budget, as a share of it.
    """

    hidden_size: int
    num_layers: int = 1
    sizes: tuple[str, ...]
    deviations: dict[str, float]

    @property
    def size(self) -> str:
        """Its name."""
        return size_name(self.hidden_size, self.num_layers)


@dataclass(frozen=True, kw_only=True)
class TrainedRung(Rung):
    """A size that a cell is trained at.

    Attributes:
        tuning: What it was tuned to, and at what cost; None if it was not.
    """

    __pydantic_config__: ClassVar = NO_OTHER_KEYS

    tuning: Tuned | None


def write_rung(folder: Path, rung: Rung, tuning: Tuned | None) -> None:
    """Say in the folder of a size what it is."""
    write_record(folder / FILE, TrainedRung(**asdict(rung), tuning=tuning))


def read_rung(folder: Path) -> TrainedRung:
    """Read what the folder of a size is.

    Raises:
        DataError: If its file is missing, or not of this form.
    """
    return read_record(folder / FILE, TrainedRung)
