"""What trainings, evaluations and answers took on this machine: a line each, outside of results."""

import json
from dataclasses import asdict, dataclass, fields

from flows.layout import Layout
from rnn_core.files import read_json_lines


@dataclass(frozen=True, kw_only=True)
class Record:
    """What a piece of work took.

    Attributes:
        what: "train" or "evaluate"; with the division of the data, where that is a new one.
        dataset: Name of the dataset.
        cell: Name of the cell.
        hidden_size: Features of its state.
        seed: Random seed.
        seconds: Wall time.
        peak_megabytes: The most memory that its process had held by then, or since it last
            measured an answer.
        processor: Kind of processor, as PyTorch names it.
        time: When it ended, in seconds since 1970.
    """

    what: str
    dataset: str
    cell: str
    hidden_size: int
    seed: int
    seconds: float
    peak_megabytes: int
    processor: str = ""
    time: int


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an answer of a model took; see `rnn_core.diagnostics.measured_cost`.

    Attributes:
        what: "answer".
        dataset: Name of the dataset.
        cell: Name of the cell, or of the reference network.
        hidden_size: Features of its state.
        seed: Random seed of the model.
        median_ms: The median time of an answer, in milliseconds.
        p95_ms: The time that 95 % of answers kept within.
        peak_megabytes: By how much the memory of its process rose meanwhile; None: not told.
        seconds: What it took to measure that.
        processor: Kind of processor, as PyTorch names it.
        time: When it ended, in seconds since 1970.
    """

    dataset: str
    cell: str
    hidden_size: int
    seed: int
    median_ms: float
    p95_ms: float
    peak_megabytes: float | None
    seconds: float
    processor: str
    time: int
    what: str = "answer"


def append(layout: Layout, record: Record | Answer) -> None:
    """Write a record down; lines of several processes do not mix."""
    layout.timings.parent.mkdir(parents=True, exist_ok=True)
    with layout.timings.open("a") as file:
        file.write(json.dumps(asdict(record)) + "\n")


def read_records(layout: Layout) -> list[Record]:
    """All records of trainings and evaluations."""
    known = {field.name for field in fields(Record)}
    lines = read_json_lines(layout.timings)
    return [Record(**line) for line in lines if line.keys() == known]


def read_answers(layout: Layout) -> list[Answer]:
    """All records of answers."""
    known = {field.name for field in fields(Answer)}
    lines = read_json_lines(layout.timings)
    return [Answer(**line) for line in lines if line.keys() == known]
