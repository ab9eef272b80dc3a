"""Find flow runs that Prefect calls running although their process has ended.

Such a run holds the only slot of its deployment, so that no other run begins. It is left when a
worker is killed or a machine is switched off.
"""

import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import psutil
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, State, StateType, WorkerStatus, WorkPool
from prefect.states import Crashed

from flows.running.states import end_tasks
from flows.system.prefect_api import every

BEGUN = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]
"""The states of a run between its schedule and its end."""

PENDING = timedelta(minutes=2)
"""Time that a worker may take to start the process of a run."""


@dataclass(frozen=True)
class DeadRun:
    """A flow run whose process has ended.

    Attributes:
        run: Prefect's record of the run.
        reason: The reason for calling it dead.
    """

    run: FlowRun
    reason: str


def find_dead(client: SyncPrefectClient) -> list[DeadRun]:
    """Find dead runs, in pools that only have workers on this machine.

    Prefect knows the id of a run's process, but not its machine.
    """
    ours = [p.name for p in client.read_work_pools() if p.type == "process" and is_ours(client, p)]
    pools = WorkPoolFilter(name=WorkPoolFilterName(any_=ours))
    begun = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=BEGUN)))
    runs = every(partial(client.read_flow_runs, flow_run_filter=begun, work_pool_filter=pools))
    return [DeadRun(run, why) for run in runs if (why := why_dead(run))]


def is_ours(client: SyncPrefectClient, pool: WorkPool) -> bool:
    """Return whether all current workers of a pool are on this machine."""
    workers = every(partial(client.read_workers_for_work_pool, pool.name))
    return all(
        worker.status != WorkerStatus.ONLINE or worker.name.startswith(socket.gethostname())
        for worker in workers
    )


def why_dead(run: FlowRun) -> str | None:
    """The reason why a run that has begun is dead; None if it may be alive."""
    if run.infrastructure_pid is None:
        since = datetime.now(UTC) - run.state.timestamp if run.state else timedelta()
        waits = run.state is not None and run.state.is_pending() and since > PENDING
        return f"no worker started it within {PENDING}" if waits else None
    process = run.infrastructure_pid.rpartition(":")[2]
    return None if lives(int(process), run) else f"its process {process} is gone"


def lives(process: int, run: FlowRun) -> bool:
    """Return whether a process belongs to a run, and is not a later one with the same id."""
    try:
        started = psutil.Process(process).create_time()
    except psutil.NoSuchProcess:
        return False
    return run.state is None or started <= (run.state.timestamp + PENDING).timestamp()


def mark_dead(client: SyncPrefectClient, dead: DeadRun) -> None:
    """Report to Prefect that a run and its tasks crashed."""
    state: State[None] = Crashed(message=dead.reason)
    client.set_flow_run_state(dead.run.id, state, force=True)
    end_tasks(client, str(dead.run.id), Crashed(message="the process of its run is gone"))
