"""Repair files that a kill has left half-written. DVC itself only says that it cannot read them."""

import fcntl
import json
from pathlib import Path

from flows.layout import Layout
from flows.recording.command import dvc_folder
from flows.recording.lock_file import HEAD, STAGE, lock_file, parsed, put_back
from rnn_core.files import write_bytes


def repair(layout: Layout) -> list[str]:
    """Repair files that are cut off; returns a line for the user about each.

    The caller must hold the lock for runs of the study.
    """
    told = []
    if put_back(layout):
        told.append("dvc.lock was cut off by a kill; the last complete one is restored")
    elif shorten(lock_file(layout)):
        told.append("dvc.lock was cut off by a kill; its complete stages are kept")
    if drop_table(layout.folder):
        told.append("DVC's table of locks was cut off by a kill; DVC will make a new one")
    return told


def shorten(file: Path) -> bool:
    """Keep the complete stages of a dvc.lock that is cut off; returns whether it was.

    A file that is broken in another way, for example by merging a branch, is left to the user.
    """
    content = file.read_bytes() if file.exists() else None
    if content is None or parsed(content) is not None:
        return False
    lines = content[: content.rfind(b"\n") + 1]
    stages = list(STAGE.finditer(lines))
    whole = lines if parsed(lines) is not None or not stages else lines[: stages[-1].start()]
    if HEAD.startswith(whole):
        file.unlink()
    elif parsed(whole) is not None:
        write_bytes(file, whole)
    return HEAD.startswith(whole) or parsed(whole) is not None


def drop_table(folder: Path) -> bool:
    """Remove DVC's table of locks on files, if it is cut off and no process is writing it.

    DVC rewrites it in place, while it holds a file lock that the kernel ends with the process.
    """
    table = dvc_folder(folder) / "tmp/rwlock"
    if not table.exists() or is_json(table):
        return False
    with table.with_name("rwlock.lock").open("a") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if is_json(table):
            return False
        table.unlink()
    return True


def is_json(file: Path) -> bool:
    """Return whether a file exists and can be read as JSON."""
    try:
        json.loads(file.read_bytes())
    except (FileNotFoundError, ValueError):
        return False
    return True
