"""Answers of a champion and of its challenger to what was asked, in a file of bounded size."""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from flows.layout import Layout
from flows.system.home import home
from flows.tracking.rows import Row
from rnn_core.files import read_json_lines

MOST_BYTES = 64 << 20
"""Of the answers of a model: what is older goes."""


@dataclass(frozen=True, kw_only=True)
class LoggedAnswer:
    """A row that both answered.

    Attributes:
        time: When, in seconds since 1970.
        request: Of which request; its rows have the same.
        key: What it is about; see `rnn_core.truth.matching`.
        champion: Version of the champion.
        challenger: Version of the challenger.
        answers: The rows that they answered, the champion's first.
        seconds: How long the request took each.
        given: The row of the input; None unless inputs are to be kept.
    """

    time: float
    request: str
    key: str
    champion: str
    challenger: str
    answers: tuple[Row, Row]
    seconds: tuple[float, float]
    given: Row | None = None


def log_file(model: str) -> Path:
    """Where the answers of a model are."""
    return Layout(home()).state / "shadow" / f"{model}.jsonl"


def older(file: Path) -> Path:
    """Where those before them are."""
    return file.with_suffix(".old.jsonl")


def write_answers(file: Path, answers: Iterable[LoggedAnswer]) -> None:
    """Add answers; once a half of what is kept is full, the older half goes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.exists() and file.stat().st_size > MOST_BYTES // 2:
        file.replace(older(file))
    lines = "".join(f"{json.dumps(asdict(one))}\n" for one in answers)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as target:
        target.write(lines)


def read_answers(model: str) -> Iterator[LoggedAnswer]:
    """All answers of a model, from the oldest on."""
    for file in (older(log_file(model)), log_file(model)):
        if file.exists():
            for row in read_json_lines(file):
                pairs = {name: tuple(row[name]) for name in ("answers", "seconds")}
                yield LoggedAnswer(**{**row, **pairs})
