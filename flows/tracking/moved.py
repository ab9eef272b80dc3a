"""The version that a champion's alias was moved to after the last run, found without MLflow.

So `gatewise status` answers at once. A registry in a file is read there. On moves in one on a
server there are notes on this machine; a move in MLflow itself, or on another machine, leaves none,
and the next run sees it.
"""

import hashlib
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from flows.tracking.address import beside_registry, read_only, registry_file, where
from flows.tracking.promoted import ALIAS
from rnn_core.files import write_text

ALIASED = "SELECT version FROM registered_model_aliases WHERE name = ? AND alias = ?"
"""The question to MLflow's database for the version of an alias."""

PATIENCE = 0.5
"""Seconds to wait for a process that is writing to the database."""


def champion_now(model: str, last: str | None) -> str | None:
    """The version of a model that the alias points to now; None if there is no alias.

    Args:
        model: Name of the registered model.
        last: The version after the last run. It is taken if nothing later is known.
    """
    file = registry_file()
    return last_moved(model) or last if file is None else read_alias(file, model, last)


def read_alias(file: Path, model: str, last: str | None) -> str | None:
    """Read from a database what `champion_now` returns."""
    try:
        with closing(sqlite3.connect(read_only(file), uri=True, timeout=PATIENCE)) as database:
            found = database.execute(ALIASED, (model, ALIAS)).fetchone()
    except sqlite3.Error:  # it is MLflow's: an examination tells what is wrong with it
        return last
    return str(found[0]) if found else None


def note_moved(model: str, version: str) -> None:
    """Note that the alias of a model points to a version now, if the registry is on a server."""
    if registry_file() is None:
        with suppress(OSError):  # nothing but a status depends on it
            file_of(model).parent.mkdir(parents=True, exist_ok=True)
            write_text(file_of(model), version)


def forget_moved(model: str) -> None:
    """Remove the note on a model, whose champion a run has just seen."""
    with suppress(OSError):
        file_of(model).unlink(missing_ok=True)


def last_moved(model: str) -> str | None:
    """The version that the alias of a model was moved to by the note on it; None if none is."""
    try:
        return file_of(model).read_text(encoding="utf-8")
    except OSError:
        return None


def file_of(model: str) -> Path:
    """The note on a model of MLflow at its present address."""
    name = hashlib.sha256(f"{where()} {model}".encode()).hexdigest()
    return beside_registry().state / "champions" / name
