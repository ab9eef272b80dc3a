"""Keep the states of runs in Prefect true: mark killed runs, and end cancelled ones."""

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import State
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Crashed

from flows.layout import Layout
from flows.running.mark import Mark, mark_file, read_mark
from flows.system.prefect_api import every
from rnn_core.files import write_text

WATCH_SECONDS = 1.0
"""Seconds between two questions to Prefect whether the run is cancelled."""


@contextmanager
def marked(layout: Layout, run: str) -> Iterator[None]:
    """Leave a mark while the run lives.

    The caller must hold the lock for runs of the study. So if there is a mark already, the process
    of its run has ended, and that run is reported to Prefect as crashed.
    """
    end_killed(read_mark(layout))
    mark = Mark(run, socket.gethostname(), os.getpid(), round(time.time(), 3))
    mark_file(layout).parent.mkdir(parents=True, exist_ok=True)
    write_text(mark_file(layout), json.dumps(asdict(mark)) + "\n")
    try:
        yield
    finally:
        mark_file(layout).unlink(missing_ok=True)


def end_killed(mark: Mark | None) -> None:
    """Report to Prefect that a run and its tasks were killed, if it calls them running."""
    if mark is None or not mark.run or mark.host != socket.gethostname():
        return
    with get_client(sync_client=True) as client, suppress(ObjectNotFound):
        run = client.read_flow_run(UUID(mark.run))
        if run.state is not None and not run.state.is_final():
            dead: State[None] = Crashed(message=f"process {mark.process} of {mark.host} is gone")
            client.set_flow_run_state(run.id, dead, force=True)
        end_tasks(client, mark.run, Crashed(message="the process of its run is gone"))


def end_tasks(
    client: SyncPrefectClient, run: str, state: State[None], since: datetime | None = None
) -> None:
    """Set the last state of a run's tasks that have not ended, or that failed after a time."""
    of_run = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(run)]))
    for task in every(partial(client.read_task_runs, flow_run_filter=of_run)):
        if not has_ended(task.state, since):
            client.set_task_run_state(task.id, state, force=True)


def has_ended(state: State[Any] | None, since: datetime | None) -> bool:
    """Return whether a task has ended by itself; a failure after the given time does not count."""
    if state is None or not state.is_final():
        return False
    return since is None or not state.is_failed() or state.timestamp < since


class CancelWatch:
    """Checks in a separate thread whether a user cancels the run.

    Args:
        run: Prefect's id of the run; if empty, nothing is checked.
        on_cancel: Called once if the run is cancelled.

    Attributes:
        cancelled: The time of the cancellation; None if the run is not cancelled.
    """

    def __init__(self, run: str, on_cancel: Callable[[], None]) -> None:
        self.run = run
        self.on_cancel = on_cancel
        self.cancelled: datetime | None = None
        self.over = threading.Event()
        context = copy_context()  # without it Prefect starts another server for the thread
        self.thread = threading.Thread(target=context.run, args=(self.watch,), daemon=True)

    def watch(self) -> None:
        """Ask until the end; a server that does not answer is asked again."""
        with get_client(sync_client=True) as client:
            while not self.over.wait(WATCH_SECONDS):
                if self.is_cancelled(client):
                    self.cancelled = datetime.now(UTC)
                    self.on_cancel()  # an error in it ends the thread, and Python prints it
                    return

    def is_cancelled(self, client: SyncPrefectClient) -> bool:
        """Ask whether the run is cancelled; False if the server does not answer."""
        with suppress(Exception):
            state = client.read_flow_run(UUID(self.run)).state
            return state is not None and (state.is_cancelling() or state.is_cancelled())
        return False

    def __enter__(self) -> "CancelWatch":
        if self.run:
            self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.over.set()
        if self.thread.is_alive():
            self.thread.join()


def cancelled(run: str, since: datetime) -> State[None]:
    """The last state of a cancelled run; its tasks that ended by this get it too."""
    state: State[None] = Cancelled(message="cancelled by a user; finished trainings are kept")
    with get_client(sync_client=True) as client:
        end_tasks(client, run, state, since)
    return state
