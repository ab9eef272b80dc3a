"""The trainings of one candidate that answer together. Imports no PyTorch.

`runs/<dataset>/ensemble/members.json` names them. Those that the race has asked for lie with
their candidate; those that were trained for the ensemble alone lie beside that file, in a folder
for the size and one for each seed.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rnn_core.metric import DIVISIONS
from rnn_core.records import NO_OTHER_KEYS, read_record, write_record
from rnn_core.training.run_folder import seed_folder, size_name

FOLDER = "ensemble"
"""Stands where else the name of a cell stands; no cell is called so."""

APART = (FOLDER, *(division for division in DIVISIONS if division != "prepared"))
"""Names there that are no cell. Trainings on another division of the data than `prepare`'s are
under the division's name, whatever their cell."""

MEMBERS = "members.json"


@dataclass(frozen=True, kw_only=True)
class Members:
    """The trainings that answer together.

    Attributes:
        cell: Name of the cell.
        hidden_size: Features of its state, in each layer.
        num_layers: Layers.
        seeds: Random seeds.
    """

    __pydantic_config__: ClassVar = NO_OTHER_KEYS

    cell: str
    hidden_size: int
    num_layers: int = 1
    seeds: tuple[int, ...]


def write_members(folder: Path, members: Members) -> None:
    """Write them into the folder of an ensemble."""
    folder.mkdir(parents=True, exist_ok=True)
    write_record(folder / MEMBERS, members)


def read_members(folder: Path) -> Members | None:
    """Read them from the folder of an ensemble; None if there is none.

    Raises:
        DataError: If it has another form.
    """
    return read_record(folder / MEMBERS, Members) if (folder / MEMBERS).exists() else None


def member_folders(runs: Path, members: Members) -> list[Path]:
    """Where each member lies.

    Args:
        runs: The runs of the dataset.
        members: Of its ensemble.
    """
    size = size_name(members.hidden_size, members.num_layers)
    return [
        own
        if (own := seed_folder(runs / members.cell, size, seed)).exists()
        else seed_folder(runs / FOLDER, size, seed)
        for seed in members.seeds
    ]
