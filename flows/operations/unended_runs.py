"""Find runs that MLflow or Prefect call running although their process has ended."""

import os
import socket
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import psutil

from flows.layout import Layout
from flows.operations.finding import Finding
from flows.system.environment import TRACKING, database_file, may_have_database
from flows.system.prefect_api import prefect_answers
from flows.system.servers import ServerError
from rnn_core.study import read_study

if TYPE_CHECKING:
    from flows.operations.dead_runs import DeadRun
    from flows.tracking.unended import Unended


def tracked(layout: Layout) -> Iterator[Finding]:
    """Runs of MLflow whose process was on this machine and has ended, and a damaged database."""
    if not may_have_database():
        return
    from flows.tracking.damage import damage_of  # noqa: PLC0415 - imports MLflow
    from flows.tracking.projection import TrackingError  # noqa: PLC0415 - as above
    from flows.tracking.refusals import LOST  # noqa: PLC0415 - as above
    from flows.tracking.unended import end_run, unended  # noqa: PLC0415 - as above

    try:
        runs = list(unended(read_study(layout.folder).study))
    except TrackingError as error:
        yield Finding(str(error), "MLflow", "until then no run can be shown or registered")
        return
    file = database_file(os.environ[TRACKING])
    if file is not None and (damage := damage_of(file)):
        yield Finding(damage, f"MLflow's database {file}", LOST)
    for run in runs:
        if is_gone(run):
            where = f"MLflow run {run.id} ({run.name})"
            cure = "tell MLflow that it was killed"
            yield Finding(
                "is called running, and its process is gone", where, cure, partial(end_run, run)
            )


def is_gone(run: "Unended") -> bool:
    """Return whether the process that made a run was on this machine and has ended."""
    host, _, number = run.process.rpartition(" ")
    if host != socket.gethostname() or not number.isdigit():
        return False
    try:
        return psutil.Process(int(number)).create_time() > run.started + 1  # a later process
    except psutil.NoSuchProcess:
        return True


def problem_of_prefect(api: str) -> Finding | None:
    """The finding about a Prefect server that cannot be used; None if it can."""
    try:
        with prefect_answers(api):
            return None
    except ServerError as error:
        return unusable_prefect(error)


def unusable_prefect(error: ServerError) -> Finding:
    """The finding about a Prefect server that does not answer, or refuses a request."""
    return Finding(str(error), "Prefect", "until then no run can begin")


def dead_flow_runs(api: str) -> Iterator[Finding]:
    """Dead runs that Prefect calls running; its address is in the environment."""
    from prefect.client.orchestration import get_client  # noqa: PLC0415 - reads the environment

    from flows.operations.dead_runs import find_dead  # noqa: PLC0415 - as above

    try:
        with prefect_answers(api), get_client(sync_client=True) as client:
            found = find_dead(client)
    except ServerError as error:  # it answered before
        yield unusable_prefect(error)
        return
    for dead in found:
        where = f"flow run {dead.run.name}"
        yield Finding(dead.reason, where, "tell Prefect that it crashed", partial(end, dead, api))


def end(dead: "DeadRun", api: str) -> None:
    """Report to Prefect that a run crashed.

    Raises:
        ServerError: If Prefect does not answer, or refuses that.
    """
    from prefect.client.orchestration import get_client  # noqa: PLC0415 - reads the environment

    from flows.operations.dead_runs import mark_dead  # noqa: PLC0415 - as above

    with prefect_answers(api), get_client(sync_client=True) as client:
        mark_dead(client, dead)
