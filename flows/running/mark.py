"""The file that marks a study as running while a run of it lives. Imports no Prefect."""

import json
import time
from contextlib import suppress
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from uuid import UUID

from flows.layout import Layout

LATEST = 1e11
"""A time after that of any run, in seconds since 1970; the calendar of a system ends later."""


@dataclass(frozen=True)
class Mark:
    """The content of the file that marks a study as running.

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
    """The file with the mark."""
    return layout.state / "run.json"


def read_mark(layout: Layout) -> Mark | None:
    """The mark of a run that is going on or was killed; None if there is none that can be read."""
    with suppress(FileNotFoundError, ValueError, TypeError, RecursionError):
        mark = Mark(**json.loads(mark_file(layout).read_text(encoding="utf-8")))
        return mark if is_whole(mark) else None
    return None


def is_whole(mark: Mark) -> bool:
    """Return whether all parts of a mark have the kinds that Gatewise writes.

    Raises:
        ValueError: If the run has no id of Prefect.
    """
    if not isinstance(mark.run, str) or not isinstance(mark.host, str):
        return False
    if mark.run:
        UUID(mark.run)
    is_process = isinstance(mark.process, int) and mark.process > 0
    is_time = isinstance(mark.started, int | float) and isfinite(mark.started)
    return is_process and is_time and 0 <= mark.started < LATEST


def going_on(layout: Layout) -> str:
    """Describe the run that holds the lock for runs of the study."""
    mark = read_mark(layout)
    if mark is None:
        return "another run of this study is starting or ending"
    since = time.strftime("%H:%M:%S", time.localtime(mark.started))
    where = f"process {mark.process} on {mark.host}"
    return f"a run of this study has been going since {since} ({where})"
