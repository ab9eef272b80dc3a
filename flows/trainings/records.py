"""What trainings and evaluations took on this machine: a line each, outside of every result."""

import json
from dataclasses import asdict, dataclass, fields

from flows.layout import Layout
from rnn_core.files import read_json_lines


@dataclass(frozen=True, kw_only=True)
class Record:
    """What a piece of work took.

    Attributes:
        what: "train" or "evaluate".
        dataset: Name of the dataset.
        cell: Name of the cell.
        hidden_size: Features of its state.
        seed: Random seed.
        seconds: Wall time.
        peak_megabytes: The most memory that its process had held by then.
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


def append(layout: Layout, record: Record) -> None:
    """Write a record down; lines of several processes do not mix."""
    layout.timings.parent.mkdir(parents=True, exist_ok=True)
    with layout.timings.open("a") as file:
        file.write(json.dumps(asdict(record)) + "\n")


def read_records(layout: Layout) -> list[Record]:
    """All records, but for lines of another form."""
    known = {field.name for field in fields(Record)}
    lines = read_json_lines(layout.timings)
    return [Record(**line) for line in lines if line.keys() == known]
