"""Flow runs that Prefect takes for alive though their process is gone.

Such a run holds the only slot of its deployment, so that no other begins. A worker that was killed,
or a machine that went off, leaves them.
"""

import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

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

BEGUN = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]
"""What a run is between its schedule and its end."""

PENDING = timedelta(minutes=2)
"""How long a worker may take to start the process of a run."""

PAGE = 200
"""Runs that a server tells of at once."""


@dataclass(frozen=True)
class DeadRun:
    """A flow run whose process is gone.

    Attributes:
        run: As Prefect has it.
        reason: Why it is known to be dead.
    """

    run: FlowRun
    reason: str


def find_dead(client: SyncPrefectClient) -> list[DeadRun]:
    """Runs that began in a pool of which this machine has the only workers, and live no more.

    Prefect knows the number of a run's process, and not its machine.
    """
    found, offset = [], 0
    ours = [p.name for p in client.read_work_pools() if p.type == "process" and is_ours(client, p)]
    pools = WorkPoolFilter(name=WorkPoolFilterName(any_=ours))
    begun = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=BEGUN)))
    while runs := client.read_flow_runs(
        flow_run_filter=begun, work_pool_filter=pools, limit=PAGE, offset=offset
    ):
        found += [DeadRun(run, why) for run in runs if (why := why_dead(run))]
        offset += PAGE
    return found


def is_ours(client: SyncPrefectClient, pool: WorkPool) -> bool:
    """Whether no worker of another machine works on a pool now."""
    workers = client.read_workers_for_work_pool(pool.name, limit=PAGE)
    return all(
        worker.status != WorkerStatus.ONLINE or worker.name.startswith(socket.gethostname())
        for worker in workers
    )


def why_dead(run: FlowRun) -> str | None:
    """Why a run that has begun is known to be dead; None if it may live."""
    if run.infrastructure_pid is None:
        since = datetime.now(UTC) - run.state.timestamp if run.state else timedelta()
        waits = run.state is not None and run.state.is_pending() and since > PENDING
        return f"no worker started it within {PENDING}" if waits else None
    process = run.infrastructure_pid.rpartition(":")[2]
    return None if lives(int(process), run) else f"its process {process} is gone"


def lives(process: int, run: FlowRun) -> bool:
    """Whether a process is that of a run, and no later one of the same number."""
    try:
        started = psutil.Process(process).create_time()
    except psutil.NoSuchProcess:
        return False
    return run.state is None or started <= (run.state.timestamp + PENDING).timestamp()


def mark_dead(client: SyncPrefectClient, dead: DeadRun) -> None:
    """Tell Prefect that a run and its tasks crashed."""
    state: State[None] = Crashed(message=dead.reason)
    client.set_flow_run_state(dead.run.id, state, force=True)
    end_tasks(client, str(dead.run.id), Crashed(message="the process of its run is gone"))
