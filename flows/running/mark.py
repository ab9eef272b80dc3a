"""The mark that a run leaves in its study's folder for as long as it lives. Imports no Prefect."""

import json
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from flows.layout import Layout


@dataclass(frozen=True)
class Mark:
    """What a run leaves in its study's folder for as long as it lives.

    Attributes:
        run: Prefect's id of the run.
        host: Name of its machine.
        process: Id of its process.
        started: When it began, in seconds since 1970.
    """

    run: str
    host: str
    process: int
    started: float


def mark_file(layout: Layout) -> Path:
    """Where the mark is."""
    return layout.state / "run.json"


def read_mark(layout: Layout) -> Mark | None:
    """The mark of a run that goes on, or that was killed."""
    with suppress(FileNotFoundError, ValueError, TypeError):
        return Mark(**json.loads(mark_file(layout).read_text()))
    return None


def going_on(layout: Layout) -> str:
    """Words for a run that goes on, as whoever holds the lock of the study's runs left its mark."""
    mark = read_mark(layout)
    if mark is None:
        return "another run of this study is starting or ending"
    since = time.strftime("%H:%M:%S", time.localtime(mark.started))
    where = f"process {mark.process} on {mark.host}"
    return f"a run of this study has been going since {since} ({where})"
