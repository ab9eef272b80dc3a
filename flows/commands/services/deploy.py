"""`gatewise deploy`: run a study on a schedule, or when its data changes."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from flows.system.environment import use_defaults
from flows.system.hidden import without_user
from flows.system.home import enter_home
from flows.system.pages import API, known_prefect
from flows.system.prefect_api import prefect_answers
from flows.system.servers import ServerError
from rnn_core.errors import GatewiseError, ParameterError
from rnn_core.readers.faults import Faults
from rnn_core.study import read_study

if TYPE_CHECKING:
    from flows.operations.deployments import Deployed


def deploy(
    study: Path,
    *,
    pool: str,
    cron: str | None,
    timezone: str,
    watch_minutes: float | None,
    retries: int,
    workers: int | None,
    notify: list[str],
    drift: list[str],
) -> None:
    """Write the deployments of a study, and describe them.

    Raises:
        GatewiseError: If the study, a schedule or an input of `drift` is wrong; has all faults.
        ServerError: If no Prefect server is named or running, or it does not answer.
    """
    faults = Faults()
    inputs = inputs_of(drift, watch_minutes, faults)
    use_defaults()
    folder = study.resolve()
    with noted(faults):
        enter_home(study)
        read_study(folder)
    api = known_prefect()
    if api is not None:
        os.environ[API] = api  # before Prefect is imported, which reads it
    check_schedule(cron, timezone, faults)
    faults.check()
    if api is None:
        raise ServerError(
            f"no Prefect server runs here: start one with `gatewise up`, or name one by {API}"
        )
    from flows.operations import deployments  # noqa: PLC0415 - reads the setting made above

    wanted = deployments.Deployed(
        pool=pool,
        cron=cron,
        timezone=timezone,
        every=None if watch_minutes is None else timedelta(minutes=watch_minutes),
        retries=retries,
        workers=workers,
        notify=notify,
        inputs=inputs,
    )
    with prefect_answers(api):
        names = deployments.deploy(folder, wanted)
    sys.stdout.write("\n".join(told(names, wanted, api)) + "\n")


@contextmanager
def noted(faults: Faults) -> Iterator[None]:
    """Note an error as a fault, and go on."""
    try:
        yield
    except GatewiseError as error:
        faults.add(str(error), "")


def check_schedule(cron: str | None, timezone: str, faults: Faults) -> None:
    """Note what is wrong with a schedule and its time zone."""
    from flows.operations import schedules  # noqa: PLC0415 - imports Prefect

    with noted(faults):
        schedules.check_timezone(timezone)
    with noted(faults):
        schedules.check_cron(cron)


def inputs_of(drift: list[str], watch_minutes: float | None, faults: Faults) -> dict[str, Path]:
    """The inputs to check, by model; notes each that is none, or that is not looked at."""
    if drift and watch_minutes is None:
        faults.add("--drift needs --watch, which says how often inputs are looked at", "")
    found = {}
    for each in drift:
        with noted(faults):
            model, path = input_of(each)
            if model in found:
                raise ParameterError(f"--drift {each!r}: {model} has an input already")
            found[model] = path
    return found


def input_of(given: str) -> tuple[str, Path]:
    """Parse MODEL=PATH.

    Raises:
        ParameterError: If it has another form, or there is no such file or folder.
    """
    model, _, path = given.partition("=")
    if not (model and path):
        raise ParameterError(f"--drift {given!r}: write MODEL=PATH")
    if not Path(path).exists():
        raise ParameterError(f"--drift {given!r}: there is no {path}")
    return model, Path(path).resolve()


def told(names: list[str], wanted: "Deployed", api: str) -> list[str]:
    """The lines for the user about the deployments."""
    when = [f"at {wanted.cron!r} ({wanted.timezone})"] if wanted.cron else []
    when.append("when its data changes" if wanted.every else "when an event names changed data")
    lines = [f"{names[0]} runs {' and '.join(when)}."]
    if wanted.every is not None:
        minutes = wanted.every.total_seconds() / 60
        lines.append(f"{names[1]} looks at the data every {minutes:g} minutes.")
    if wanted.inputs:
        lines.append(f"{names[-1]} compares inputs of {', '.join(wanted.inputs)} as often.")
    lines.append(f"Now: prefect deployment run {names[0]}")
    return [*lines, f"Workers of the pool {wanted.pool!r} run them, at {without_user(api)}."]
