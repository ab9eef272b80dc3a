"""`gatewise deploy`: have a study run without anybody."""

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from flows.system.environment import use_defaults
from flows.system.home import enter_home
from flows.system.pages import API, known_prefect
from flows.system.servers import ServerError, without_user

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
) -> None:
    """Write the deployments of a study, and tell what they do.

    Raises:
        ServerError: If no Prefect server is named or runs.
    """
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
    )
    names = deployments.deploy(folder, wanted)
    sys.stdout.write("\n".join(told(names, wanted, api)) + "\n")


def use_server() -> str:
    """Have Prefect use the server that is named, or that of `gatewise up`; returns its address.

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
    """What was deployed, for a person."""
    when = [f"at {wanted.cron!r} ({wanted.timezone})"] if wanted.cron else []
    when.append("when its data changes" if wanted.every else "when an event names changed data")
    lines = [f"{names[0]} runs {' and '.join(when)}."]
    if wanted.every is not None:
        minutes = wanted.every.total_seconds() / 60
        lines.append(f"{names[1]} looks at the data every {minutes:g} minutes.")
    lines.append(f"Now: prefect deployment run {names[0]}")
    return [*lines, f"Workers of the pool {wanted.pool!r} run them, at {without_user(api)}."]
