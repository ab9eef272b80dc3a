"""`gatewise deploy`: run a study on a schedule, or when its data changes."""

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from flows.system.environment import use_defaults
from flows.system.hidden import without_user
from flows.system.home import enter_home
from flows.system.pages import API, known_prefect
from flows.system.prefect_api import prefect_answers
from flows.system.servers import ServerError
from rnn_core.errors import ParameterError

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
        ParameterError: If `drift` names no input, or there is no interval for checking it.
        ServerError: If no Prefect server is named or running, or it does not answer.
    """
    inputs = inputs_of(drift, watch_minutes)
    use_defaults()
    folder = enter_home(study).resolve()
    api = use_server()
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


def inputs_of(drift: list[str], watch_minutes: float | None) -> dict[str, Path]:
    """The inputs to check, by model.

    Raises:
        ParameterError: As for `deploy`.
    """
    if drift and watch_minutes is None:
        raise ParameterError("--drift needs --watch, which says how often inputs are looked at")
    found = {}
    for each in drift:
        model, is_there, path = each.partition("=")
        if not (model and is_there and path):
            raise ParameterError(f"--drift {each!r}: write MODEL=PATH")
        if not Path(path).exists():
            raise ParameterError(f"--drift {each!r}: there is no {path}")
        found[model] = Path(path).resolve()
    return found


def use_server() -> str:
    """Make Prefect use the named server, or that of `gatewise up`; returns its address.

    Raises:
        ServerError: If there is none.
    """
    api = known_prefect()
    if api is None:
        raise ServerError(
            f"no Prefect server runs here: start one with `gatewise up`, or name one by {API}"
        )
    os.environ[API] = api
    return api


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
