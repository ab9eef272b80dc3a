"""Time and memory of trainings, evaluations and answers on this machine, apart from results."""

import json
from collections.abc import Iterable
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any

from flows.layout import Layout
from flows.system.log_lines import read_log
from rnn_core.metric import Division
from rnn_core.study import is_for_tuning
from rnn_core.training.run_folder import candidate_name, read_summary

ANSWERS = 100
"""Answers that are timed; the same as in `rnn_core.diagnostics.measured_cost`, without PyTorch."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """Time and memory of a training or an evaluation.

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
            that went on from the checkpoint of a lost worker.
        peak_megabytes: The most memory that its process had used by then, or since it last
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
        """True for a trial of tuning."""
        return is_for_tuning(self.seed)

    @property
    def is_compared(self) -> bool:
        """True if the training is compared: it is neither a trial nor a refit."""
        return self.division == "prepared" and not self.is_trial


def epochs_in(folder: Path) -> int:
    """Number of epochs of a finished training.

    It is in this module because fingerprints leave it out: counting is not a part of training.
    """
    return read_summary(folder).epochs


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Time and memory of an answer of a model; see `rnn_core.diagnostics.measured_cost`.

    Attributes:
        what: "answer".
        dataset: Name of the dataset.
        cell: Name of the cell, or of the reference network.
        hidden_size: Features of its state, in each layer.
        num_layers: Layers.
        seed: Random seed of the model.
        median_ms: The median time of an answer, in milliseconds.
        p95_ms: The 95th percentile of the time of an answer, in milliseconds.
        peak_megabytes: Increase of its process's peak memory meanwhile; None: not known.
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
    """Append a record to the file; lines of several processes do not mix."""
    layout.timings.parent.mkdir(parents=True, exist_ok=True)
    with layout.timings.open("a") as file:
        file.write(json.dumps(asdict(record)) + "\n")


def read_records(layout: Layout) -> list[Record]:
    """All records of trainings and evaluations."""
    return [Record(**line) for line in lines_of(layout, Record)]


def last_records(records: Iterable[Record]) -> list[Record]:
    """The last record of each piece of work; all records of trials, since trials share seeds."""
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
    """The lines that fit a kind of record: no unknown keys, and all those without a default."""
    known = {field.name for field in fields(kind)}
    needed = {field.name for field in fields(kind) if field.default is MISSING}
    return [line for line in read_log(layout.timings) if needed <= line.keys() <= known]
