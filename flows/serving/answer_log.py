"""A log of answers of a champion and its challenger, in files of bounded size."""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from flows.layout import Layout
from flows.system.home import home
from flows.system.log_lines import read_log
from flows.tracking.rows import Row

MOST_BYTES = 64 << 20
"""Most bytes of a model's log; older answers are removed."""


@dataclass(frozen=True, kw_only=True)
class LoggedAnswer:
    """A row that both models answered.

    Attributes:
        time: Time of the answer, in seconds since 1970.
        request: Id of the request, which all its rows share.
        key: The key to find its truth by; see `rnn_core.truth.matching`.
        champion: Version of the champion.
        challenger: Version of the challenger.
        answers: The rows of both answers, the champion's first.
        seconds: Time of the request, for the champion and for the challenger.
        given: The row of the input; None unless inputs are logged too.
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
    """The file with the answers of a model."""
    return Layout(home()).state / "shadow" / f"{model}.jsonl"


def older(file: Path) -> Path:
    """The file with earlier answers."""
    return file.with_suffix(".old.jsonl")


def write_answers(file: Path, answers: Iterable[LoggedAnswer]) -> None:
    """Add answers; when the file reaches half of the limit, it replaces the older file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.exists() and file.stat().st_size > MOST_BYTES // 2:
        file.replace(older(file))
    lines = "".join(f"{json.dumps(asdict(one))}\n" for one in answers)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as target:
        target.write(lines)


def read_answers(model: str) -> Iterator[LoggedAnswer]:
    """All logged answers of a model, from the oldest."""
    for file in (older(log_file(model)), log_file(model)):
        for row in read_log(file):
            pairs = {name: tuple(row[name]) for name in ("answers", "seconds")}
            yield LoggedAnswer(**{**row, **pairs})
