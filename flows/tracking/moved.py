"""Notes on this machine of the versions that aliases were moved to after the last run.

They let `gatewise status` answer at once, without MLflow. A move in MLflow itself, or on another
machine, leaves none; the next run sees it.
"""

import hashlib
from contextlib import suppress
from pathlib import Path

from flows.tracking.address import beside_registry, where
from rnn_core.files import write_text


def note_moved(model: str, version: str) -> None:
    """Note that the alias of a model points to a version now."""
    with suppress(OSError):  # nothing but a status depends on it
        file_of(model).parent.mkdir(parents=True, exist_ok=True)
        write_text(file_of(model), version)


def forget_moved(model: str) -> None:
    """Remove the note on a model, whose champion a run has just seen."""
    with suppress(OSError):
        file_of(model).unlink(missing_ok=True)


def last_moved(model: str) -> str | None:
    """The version that the alias of a model was moved to after the last run; None if it was not."""
    try:
        return file_of(model).read_text(encoding="utf-8")
    except OSError:
        return None


def file_of(model: str) -> Path:
    """The note on a model of MLflow at its present address."""
    name = hashlib.sha256(f"{where()} {model}".encode()).hexdigest()
    return beside_registry().state / "champions" / name
