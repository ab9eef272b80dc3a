"""What Prefect says of runs of a study, kept true: killed ones are marked, cancelled ones end."""

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
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import State
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Crashed

from flows.layout import Layout
from flows.running.mark import Mark, mark_file, read_mark
from rnn_core.files import write_text

WATCH_SECONDS = 1.0
"""How often Prefect is asked whether the run is to be cancelled."""

PAGE = 200
"""Tasks that a server tells of at once."""


@contextmanager
def marked(layout: Layout, run: str) -> Iterator[None]:
    """Leave a mark while the run lives.

    Its caller holds the lock of the study's runs, so that a mark that is there already is of a
    run whose process is gone: that run is told to Prefect as crashed.
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
    """Tell Prefect that a run and its tasks were killed, if it still takes them for alive."""
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
    """Give the tasks of a run that have not ended a last state; also those that failed since."""
    of_run = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(run)]))
    offset = 0
    while tasks := client.read_task_runs(flow_run_filter=of_run, limit=PAGE, offset=offset):
        for task in tasks:
            if not has_ended(task.state, since):
                client.set_task_run_state(task.id, state, force=True)
        offset += PAGE


def has_ended(state: State[Any] | None, since: datetime | None) -> bool:
    """Whether a task has come to an end that is its own: none that failed since a time has."""
    if state is None or not state.is_final():
        return False
    return since is None or not state.is_failed() or state.timestamp < since


class CancelWatch:
    """Looks whether somebody cancels the run, from a thread of its own.

    Args:
        run: Prefect's id of the run; nothing is watched if it is empty.
        on_cancel: Called once if it is to be cancelled.

    Attributes:
        cancelled: Since when it is; None if it is not.
    """

    def __init__(self, run: str, on_cancel: Callable[[], None]) -> None:
        self.run = run
        self.on_cancel = on_cancel
        self.cancelled: datetime | None = None
        self.over = threading.Event()
        context = copy_context()  # without it Prefect starts a server of its own for the thread
        self.thread = threading.Thread(target=context.run, args=(self.watch,), daemon=True)

    def watch(self) -> None:
        """Ask again and again; a server that does not answer now is asked later."""
        with get_client(sync_client=True) as client:
            while not self.over.wait(WATCH_SECONDS):
                with suppress(Exception):
                    state = client.read_flow_run(UUID(self.run)).state
                    if state is not None and (state.is_cancelling() or state.is_cancelled()):
                        self.cancelled = datetime.now(UTC)
                        self.on_cancel()
                        return

    def __enter__(self) -> "CancelWatch":
        if self.run:
            self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.over.set()
        if self.thread.is_alive():
            self.thread.join()


def cancelled(run: str, since: datetime) -> State[None]:
    """The last state of a run that was cancelled; the tasks that this ended get it too."""
    state: State[None] = Cancelled(message="cancelled by a user; finished trainings are kept")
    with get_client(sync_client=True) as client:
        end_tasks(client, run, state, since)
    return state
