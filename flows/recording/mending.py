"""What kills leave half-written, of which DVC itself says no more than that it cannot be read."""

import fcntl
import json
from pathlib import Path

from flows.layout import Layout
from flows.recording.lock_file import STAGE, lock_file, parsed, put_back
from rnn_core.files import write_bytes

HEAD = b"schema: '2.0'\nstages:\n"
"""How a dvc.lock begins, before the first stage."""


def mend(layout: Layout) -> list[str]:
    """Mend what is cut off; returns what that was, for a person.

    Its caller holds the lock of the study's runs.
    """
    told = []
    if put_back(layout):
        told.append("dvc.lock was cut off by a kill; the last whole one is back")
    elif shorten(lock_file(layout)):
        told.append("dvc.lock was cut off by a kill; its whole stages are kept")
    if drop_table(layout.folder):
        told.append("DVC's table of locks was cut off by a kill; it is made anew")
    return told


def shorten(file: Path) -> bool:
    """Keep the whole stages of a dvc.lock that is cut off; says whether it was.

    A file that is broken in another way, as by the merge of a branch, is left for a person.
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
    """Remove DVC's table of who reads and writes what, if it is cut off and nobody is at it.

    DVC rewrites it in place, under a lock of the kernel that ends with the process.
    """
    whole = folder.resolve()
    root = next((path for path in (whole, *whole.parents) if (path / ".dvc").is_dir()), whole)
    table = root / ".dvc/tmp/rwlock"
    if not table.exists() or is_json(table):
        return False
    with table.with_name("rwlock.lock").open("a") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if is_json(table):
            return False
        table.unlink()
    return True


def is_json(file: Path) -> bool:
    """Whether a file is there and can be read as JSON."""
    try:
        json.loads(file.read_bytes())
    except (FileNotFoundError, ValueError):
        return False
    return True
