"""`gatewise drift`: compare inputs with the training set of a model."""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from flows.commands.predict import STDIN, input_file
from flows.system.environment import use_defaults
from flows.system.home import as_typed, enter_home
from flows.system.pages import API, known_prefect

if TYPE_CHECKING:
    from flows.operations.drift import Checked

FOUND = 3
"""The exit code if the inputs or the score have changed."""


def drift(model: str, given: Path, data: Path | None, *, as_json: bool) -> None:
    """Print the comparison of inputs with the training set; exit with `FOUND` if they changed.

    Args:
        model: Name of the model, with or without a version.
        given: File or folder of inputs, or - for standard input.
        data: Later data with the truth; None if there is none.
        as_json: Print JSON.
    """
    place = given if str(given) == STDIN else given.resolve()
    truth = None if data is None else data.resolve()
    with as_typed(given, data):
        _begin()
        from flows.operations import drift as operation  # noqa: PLC0415 - reads the settings made above

        with input_file(place) as file:
            found = operation.check(model, file, truth)
    if as_json:
        sys.stdout.write(json.dumps(asdict(found) | {"alarms": found.alarms}, indent=2) + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in told(found))
    if found.alarms:
        announce(found)
        sys.exit(FOUND)


def show_history(model: str, *, as_json: bool) -> None:
    """Print the checks of a model, the last one first."""
    _begin()
    from flows.operations import drift as operation  # noqa: PLC0415 - reads the settings made above

    checks = operation.history(model)
    if as_json:
        sys.stdout.write(json.dumps([asdict(one) for one in checks], indent=2) + "\n")
        return
    if not checks:
        sys.stdout.write(f"No inputs of {model} have been checked yet.\n")
    for one in reversed(checks):
        score = "" if one.score is None else f", score {one.score:.4g}"
        sys.stdout.write(
            f"{one.number}. {one.time}: {one.changed or 'no'} changed "
            f"{'trait' if one.changed == 1 else 'traits'}, {one.items} items compared{score}\n"
        )


def announce(found: "Checked") -> None:
    """Emit the event of an alarm, if a Prefect server is known."""
    api = known_prefect()
    if api is None:
        return
    os.environ[API] = api
    from flows.running.notices import tell_drift  # noqa: PLC0415 - reads the setting made above

    tell_drift([], found.model, found.version, found.alarms)


def told(found: "Checked") -> Iterator[str]:
    """The lines for the user."""
    from flows.operations.drift import in_words  # noqa: PLC0415 - reads the settings made above

    drift = found.drift
    yield (
        f"{found.model}, version {found.version}: {drift.num_items:,} {found.items} compared with "
        f"{drift.trained:,} of the training set."
    )
    yield from found.alarms
    if not drift.changed:
        yield f"No trait has changed: {len(drift.changes)} were compared."
    if found.later is not None and not found.later.is_worse:
        yield f"{in_words(found.later)}, which chance explains."


def _begin() -> None:
    use_defaults()
    enter_home(Path())
