"""The run folder of one training: what is in it. Imports no PyTorch.

config.json         everything that determines the seed, and its counted cost
metrics.jsonl       a line per epoch; grows while training
model.safetensors   weights of the best epoch, or where none is chosen the last; absent if the
                    training diverged
summary.json        how it ended; written last, so its presence means "finished"

The runs of a dataset have a folder for each cell, in it one for each size, with rung.json, which
names its rung, and in that one for each seed.
"""

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, Literal

from rnn_core.metric import Division
from rnn_core.records import NO_OTHER_KEYS, read_record, write_record

CONFIG = "config.json"
METRICS = "metrics.jsonl"
MODEL = "model.safetensors"
SUMMARY = "summary.json"

SIZE = re.compile(r"(?:([0-9]+)x)?([0-9]+)")
"""Pattern of the name of a size's folder: its layers, if there are several, and units of each."""

SEEDS = "seed-*"
"""Pattern of the names of the folders of seeds; see `seed_name`."""


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Settings that determine the training of one seed.

    Attributes:
        dataset: Name of the dataset in the study.
        task: Name of the task.
        cell: Name of the cell.
        seed: Seed of initial weights, order and dropout.
        device: Kind of device, "cpu" or "cuda".
        data: Digest of the prepared data.
        model: Parameters of the model.
        training: Parameters of the training.
        environment: What else decides the bits: the fingerprint of the code that trains,
            PyTorch's version, the number of threads and the dtype.
        division: Which items of the prepared data were in which split.
    """

    dataset: str
    task: str
    cell: str
    seed: int
    device: str
    data: str
    model: dict[str, Any]
    training: dict[str, Any]
    environment: dict[str, str] = field(default_factory=dict)
    division: Division = "prepared"

    @property
    def identity(self) -> str:
        """SHA-256 over all of it, in hexadecimal."""
        content = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Counted cost of a model; the same on every machine.

    Attributes:
        parameters: Trained numbers of the whole model.
        recurrent_parameters: Of these, recurrent weights.
        multiply_accumulates: Of the recurrent layers, for one step of one sequence.
    """

    parameters: int
    recurrent_parameters: int
    multiply_accumulates: int


@dataclass(frozen=True, kw_only=True)
class WrittenConfig(RunConfig):
    """The content of config.json."""

    __pydantic_config__: ClassVar = NO_OTHER_KEYS

    cost: Cost

    @property
    def config(self) -> RunConfig:
        """Without the cost, which determines nothing."""
        return RunConfig(**{one.name: getattr(self, one.name) for one in fields(RunConfig)})


@dataclass(frozen=True, kw_only=True)
class Summary:
    """End of the training of a seed.

    Attributes:
        status: "diverged" if its loss or its score was no number.
        epochs: Epochs that it trained.
        steps: Optimiser steps that it took.
        best_epoch: Epoch whose weights are kept; None if it diverged.
        best_score: Score of these weights on the validation set, and best_loss what training
            lowers, where that is not the score; None if they were not computed.
    """

    __pydantic_config__: ClassVar = NO_OTHER_KEYS

    status: Literal["finished", "diverged"]
    epochs: int
    steps: int
    best_epoch: int | None = None
    best_score: float | None = None
    best_loss: float | None = None


def size_name(hidden_size: int, num_layers: int) -> str:
    """Name of a size: `64`, or `2x45` for two layers of 45 units each."""
    return str(hidden_size) if num_layers == 1 else f"{num_layers}x{hidden_size}"


def size_of(config: RunConfig) -> str:
    """Name of the size of a model in training."""
    return size_name(config.model["hidden_size"], config.model["num_layers"])


def candidate_name(cell: str, hidden_size: int, num_layers: int) -> str:
    """Name of a cell at a size: `gru-64`, `gru-2x45`."""
    return f"{cell}-{size_name(hidden_size, num_layers)}"


def seed_name(seed: int) -> str:
    """Name of the folder of a seed."""
    return f"seed-{seed}"


def seed_folder(run: Path, size: str, seed: int) -> Path:
    """Where the run of a cell keeps one seed of one size; see `size_name`."""
    return run / size / seed_name(seed)


def sizes_in(folder: Path) -> list[str]:
    """The sizes that the run, or the evaluation, of a cell has; fewer layers first."""
    found = (SIZE.fullmatch(path.name) for path in folder.iterdir())
    sizes = (one for one in found if one is not None)
    return [one[0] for one in sorted(sizes, key=lambda one: (int(one[1] or 1), int(one[2])))]


def write_config(folder: Path, config: RunConfig, cost: Cost) -> None:
    """Write what a seed is, before it trains."""
    write_record(folder / CONFIG, WrittenConfig(**vars(config), cost=cost))


def read_config(folder: Path) -> tuple[RunConfig, Cost]:
    """Read what a seed is.

    Raises:
        DataError: If the folder does not say, or the file is damaged.
    """
    written = read_record(folder / CONFIG, WrittenConfig)
    return written.config, written.cost


def read_summary(folder: Path) -> Summary:
    """Read how a finished seed ended.

    Raises:
        DataError: If it is not finished, or the file is damaged.
    """
    return read_record(folder / SUMMARY, Summary)
