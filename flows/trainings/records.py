"""What trainings, evaluations and answers took on this machine: a line each, outside of results."""

import json
from collections.abc import Iterable
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any

from flows.layout import Layout
from rnn_core.files import read_json_lines
from rnn_core.metric import Division
from rnn_core.study import is_for_tuning
from rnn_core.training.run_folder import candidate_name, read_summary

ANSWERS = 100
"""Answers that are timed; `rnn_core.diagnostics.measured_cost` has the number too, with PyTorch."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """What a piece of work took.

    Attributes:
        what: "train" or "evaluate".
        dataset: Name of the dataset.
        cell: Name of the cell.
        hidden_size: Features of its state, in each layer.
        num_layers: Layers.
        seed: Random seed.
        division: Which items of the prepared data were on which split.
        seconds: Wall time.
        epochs: Epochs that were trained in that time; None for an evaluation, and for a training
            that went on where a worker that was lost had left it.
        peak_megabytes: The most memory that its process had held by then, or since it last
            measured an answer.
        processor: Kind of processor, as PyTorch names it.
        time: When it ended, in seconds since 1970.
    """

    what: str
    dataset: str
    cell: str
    hidden_size: int
    num_layers: int = 1
    seed: int
    division: Division = "prepared"
    seconds: float
    epochs: int | None = None
    peak_megabytes: int
    processor: str = ""
    time: int

    @property
    def candidate(self) -> str:
        """Name of the cell at its size."""
        return candidate_name(self.cell, self.hidden_size, self.num_layers)

    @property
    def is_trial(self) -> bool:
        """Whether it is of a trial of tuning."""
        return is_for_tuning(self.seed)

    @property
    def is_compared(self) -> bool:
        """Whether it is of a seed that is compared, and of neither a trial nor a refit."""
        return self.division == "prepared" and not self.is_trial


def epochs_in(folder: Path) -> int:
    """Epochs that a finished training has in its folder.

    It is here since no fingerprint follows this file: to count them is no part of a training.
    """
    return read_summary(folder).epochs


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an answer of a model took; see `rnn_core.diagnostics.measured_cost`.

    Attributes:
        what: "answer".
        dataset: Name of the dataset.
        cell: Name of the cell, or of the reference network.
        hidden_size: Features of its state, in each layer.
        num_layers: Layers.
        seed: Random seed of the model.
        median_ms: The median time of an answer, in milliseconds.
        p95_ms: The time that 95 % of answers kept within.
        peak_megabytes: By how much the memory of its process rose meanwhile; None: not told.
        processor: Kind of processor, as PyTorch names it.
        time: When it ended, in seconds since 1970.
    """

    dataset: str
    cell: str
    hidden_size: int
    num_layers: int = 1
    seed: int
    median_ms: float
    p95_ms: float
    peak_megabytes: float | None
    processor: str
    time: int
    what: str = "answer"

    @property
    def candidate(self) -> str:
        """Name of the cell, or of the reference network, at its size."""
        return candidate_name(self.cell, self.hidden_size, self.num_layers)


def append(layout: Layout, record: Record | Answer) -> None:
    """Write a record down; lines of several processes do not mix."""
    layout.timings.parent.mkdir(parents=True, exist_ok=True)
    with layout.timings.open("a") as file:
        file.write(json.dumps(asdict(record)) + "\n")


def read_records(layout: Layout) -> list[Record]:
    """All records of trainings and evaluations."""
    return [Record(**line) for line in lines_of(layout, Record)]


def last_records(records: Iterable[Record]) -> list[Record]:
    """The last record of each piece of work; all of the trials, which share seeds."""
    trials, last = [], {}
    for one in records:
        if one.is_trial:
            trials.append(one)
        else:
            last[one.what, one.dataset, one.candidate, one.seed, one.division] = one
    return [*trials, *last.values()]


def read_answers(layout: Layout) -> list[Answer]:
    """All records of answers."""
    return [Answer(**line) for line in lines_of(layout, Answer)]


def lines_of(layout: Layout, kind: type[Record] | type[Answer]) -> list[dict[str, Any]]:
    """The lines that have all keys of a record but those with a default, and no others."""
    known = {field.name for field in fields(kind)}
    needed = {field.name for field in fields(kind) if field.default is MISSING}
    return [line for line in read_json_lines(layout.timings) if needed <= line.keys() <= known]
