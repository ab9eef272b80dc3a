"""Trainings on a Dask cluster, whose workers share only the store with the study."""

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakSet

from distributed import KilledWorker
from distributed.comm.core import connect
from distributed.security import Security
from prefect import Task
from prefect.settings import get_current_settings
from prefect_dask.task_runners import DaskTaskRunner, PrefectDaskFuture

from flows.layout import Layout
from flows.running.elsewhere import Elsewhere, answers
from flows.system.hidden import without_user
from flows.trainings.crew import Remote
from flows.trainings.identity import Work
from flows.trainings.records import Record, append
from flows.trainings.store import VARIABLE, open_store
from rnn_core.errors import StudyError
from rnn_core.files import digest_of

ANSWER_SECONDS = 10
"""Seconds that the scheduler may take to answer."""


@dataclass(frozen=True)
class Returning:
    """A piece of work that is done on another machine.

    Attributes:
        future: Its future.
        layout: Where the study keeps things.
        over: Set when the run has ended, or is cancelled.
    """

    future: PrefectDaskFuture[list[Record]]
    layout: Layout
    over: threading.Event

    def result(self) -> None:
        """Wait for its end, and record its time and memory.

        Raises:
            CancelledError: If the run has ended first, such as by Ctrl-C.
            StudyError: If the cluster has lost it.
        """
        try:
            records = self.future.result()
        except Exception as error:
            if self.over.is_set():  # a client that closes fails in several ways
                raise CancelledError("the run has ended") from error
            if (lost := loss(error)) is None:
                raise
            raise lost from error
        for record in records:
            append(self.layout, record)

    def add_done_callback(self, function: Callable[[Any], None]) -> None:
        """Have a function called at its end, or at once if it has ended."""
        self.future.add_done_callback(function)


def loss(error: Exception) -> StudyError | None:
    """The error of the study that a loss in the cluster is; None for any other error."""
    if isinstance(error, KilledWorker):
        return StudyError(
            f"{error.allowed_failures + 1} workers of the cluster were lost with it, the last "
            f"of them {error.last_worker.address}; their logs may say why"
        )
    if isinstance(error, CancelledError):
        return StudyError(
            "the cluster was lost, or the work was cancelled there; see that its scheduler and "
            "workers run, and run it again (finished trainings are kept)"
        )
    return None


@dataclass(frozen=True)
class Cluster:
    """The workers of a Dask cluster.

    Attributes:
        runner: The task runner that gives them tasks.
        context: The flow's context, which is sent to them; a stage's has parts that cannot be.
        shared: Digests of prepared data in the store.
        lock: Held while data is put into the store.
        futures: Work that has begun, as long as something waits for it.
        over: Set when the run has ended, or is cancelled.
    """

    runner: DaskTaskRunner
    context: Context
    shared: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    futures: WeakSet[PrefectDaskFuture[list[Record]]] = field(default_factory=WeakSet)
    over: threading.Event = field(default_factory=threading.Event)

    def begin(self, task: Task[..., Any], function: Remote, work: Work) -> Returning:
        """Give a piece of work to the cluster.

        Args:
            task: The Prefect task to run it as.
            function: The function that a worker calls.
            work: Its argument.

        Raises:
            CancelledError: If the run has ended.
        """
        self.share(work)
        parameters = {"function": Elsewhere(function), "work": work, "pool": None}
        try:
            future = self.context.copy().run(self.runner.submit, task, parameters)
        except RuntimeError as error:  # as of a client that is closed
            if self.over.is_set():
                raise CancelledError("the run has ended") from error
            raise
        self.futures.add(future)
        return Returning(future, work.layout, self.over)

    def share(self, work: Work) -> None:
        """Put the prepared data of a piece of work into the store, unless it is there.

        Raises:
            StudyError: If the data has changed since the run read it.
        """
        data, folder = work.config.data, work.layout.prepared(work.config.dataset)
        with self.lock:
            if data in self.shared:
                return
            store = open_store(work.layout)
            if not store.has("prepared", data):
                if digest_of(folder) != data:
                    raise StudyError(f"{folder} has changed while the study ran; run it again")
                store.put("prepared", data, folder)
            self.shared.add(data)

    def cancel(self) -> None:
        """Cancel all work there, also what is running."""
        self.over.set()
        self.runner.client.cancel([future.wrapped_future for future in self.futures], force=True)


@contextmanager
def cluster_at(address: str) -> Iterator[Cluster]:
    """Connect to the cluster of a scheduler.

    Args:
        address: Address of the scheduler, such as tcp://HOST:PORT.

    Raises:
        StudyError: If there is no store that workers can reach, or the scheduler does not answer.
    """
    if not os.environ.get(VARIABLE):
        raise StudyError(
            f"with --on, {VARIABLE} must be set, here and for the workers, to a store that all of "
            "them reach: sftp://..., s3://..., or a folder that all machines have"
        )
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # we report it in one line
    check_scheduler(address)
    with DaskTaskRunner(address=address, client_kwargs={"timeout": ANSWER_SECONDS}) as runner:
        check_workers(runner)
        cluster = Cluster(runner, copy_context())
        try:
            yield cluster
        finally:
            cluster.over.set()  # first: closing the client cancels what is running


def check_scheduler(address: str) -> None:
    """Check that a Dask scheduler answers.

    Dask's client waits without end for whatever accepts its connection and says nothing, such as
    the scheduler's page.

    Raises:
        StudyError: If it does not.
    """
    try:
        asyncio.run(asyncio.wait_for(greet(address), 2 * ANSWER_SECONDS))
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split()) or "something else is there, such as its page"
        raise StudyError(
            f"the Dask scheduler {address} does not answer: {reason}; start it with "
            "`dask scheduler`, which prints its address, or run without --on"
        ) from None


async def greet(address: str) -> None:
    """Exchange greetings with a Dask scheduler."""
    own = Security().get_connection_args("client")  # type: ignore[no-untyped-call]  # Dask's
    comm = await connect(address, timeout=ANSWER_SECONDS, **own)  # type: ignore[no-untyped-call]
    await comm.close()


def check_workers(runner: DaskTaskRunner) -> None:
    """Check that all workers have Gatewise, and reach Prefect to report their tasks.

    Raises:
        StudyError: If one of the current workers does not.
    """
    url = get_current_settings().api.url or ""
    there = runner.client.run(answers, url, on_error="return")
    if not there:
        sys.stderr.write(
            f"the cluster at {runner.address} has no workers yet; trainings wait until you start "
            f"one with `dask worker {runner.address} --nthreads 1`\n"
        )
    for worker, found in there.items():
        if isinstance(found, BaseException):
            raise StudyError(
                f"the worker {worker} cannot be used: {type(found).__name__}: {found}; it needs "
                "the packages and the versions of this installation of Gatewise"
            )
        if not found:
            raise StudyError(
                f"the worker {worker} does not reach Prefect at {without_user(url)}; start a "
                "server that all machines reach with `prefect server start --host ADDRESS`, and "
                "set PREFECT_API_URL to http://ADDRESS:4200/api"
            )
