"""Diagnostics of a candidate, in a file next to its scores.

Shares and norms are None where there is no number.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, TypeAlias

from rnn_core.records import NO_OTHER_KEYS, read_record, write_record

FILE = "diagnostics.json"

When: TypeAlias = Literal["before", "after"]
"""With the initial weights, or with the trained ones."""


@dataclass(frozen=True)
class SaturatedShare:
    """Shares, in [0, 1], of activations that are saturated; None if a cell has no such.

    Attributes:
        left: Of results of sigmoid, those below 0.1: gates that are shut.
        right: Of results of sigmoid, those above 0.9: gates that are open.
        tanh: Of results of tanh, those beyond +-0.9.
    """

    left: float | None
    right: float | None
    tanh: float | None


@dataclass(frozen=True, kw_only=True)
class GradientByLag:
    """Norms of the gradient of the loss by the state, 0, 1, ... steps back.

    Attributes:
        norm: The norms.
        relative: The same relative to that of lag 0.
    """

    norm: tuple[float | None, ...]
    relative: tuple[float | None, ...]


@dataclass(frozen=True, kw_only=True)
class LayerFindings:
    """Diagnostics of a recurrent layer.

    Attributes:
        gradient_by_lag: How the gradient fades with the distance from the loss.
        spectral_radius: Of each recurrent matrix, by its name in the cell.
        saturated_share: Activations that are saturated.
    """

    gradient_by_lag: GradientByLag
    spectral_radius: dict[str, float | None]
    saturated_share: SaturatedShare


@dataclass(frozen=True, kw_only=True)
class SeedFindings:
    """Diagnostics of one random seed.

    Attributes:
        before: With its initial weights, by the name of the layer.
        after: With its trained weights; None if the training diverged.
        clipped_share: Of each epoch, the share of steps whose gradient was scaled down.
    """

    before: dict[str, LayerFindings]
    after: dict[str, LayerFindings] | None
    clipped_share: tuple[float | None, ...]

    def at(self, when: When) -> dict[str, LayerFindings]:
        """Its layers before or after training; none if it diverged."""
        return self.before if when == "before" else self.after or {}


@dataclass(frozen=True, kw_only=True)
class Findings:
    """Diagnostics of a candidate.

    Attributes:
        cell: Name of its cell.
        most_steps: Steps of a sequence that were looked at, counted back from its last one.
        seeds: By random seed.
    """

    __pydantic_config__: ClassVar = NO_OTHER_KEYS

    cell: str
    most_steps: int
    seeds: dict[int, SeedFindings]


def write_findings(folder: Path, findings: Findings) -> None:
    """Write what was found into the folder of an evaluation."""
    write_record(folder / FILE, findings)


def read_findings(folder: Path) -> Findings | None:
    """Read what was found; None if there is no file.

    Raises:
        DataError: If the file is not of this form.
    """
    file = folder / FILE
    return read_record(file, Findings) if file.exists() else None
