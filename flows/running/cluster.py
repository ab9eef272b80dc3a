"""Trainings on a Dask cluster, whose workers share no files with the study but the store."""

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
"""Longest wait for the scheduler's answer."""


@dataclass(frozen=True)
class Returning:
    """A piece of work that is done elsewhere.

    Attributes:
        future: What becomes of it.
        layout: Of the study.
    """

    future: PrefectDaskFuture[list[Record]]
    layout: Layout

    def result(self) -> None:
        """Wait for its end, and note what it took.

        Raises:
            StudyError: If the cluster has lost it.
        """
        try:
            records = self.future.result()
        except KilledWorker as error:
            raise StudyError(
                f"{error.allowed_failures + 1} workers of the cluster were lost with it, the last "
                f"of them {error.last_worker.address}; their logs may say why"
            ) from error
        except CancelledError as error:
            raise StudyError(
                "the cluster was lost, or the work was cancelled there; run it again (what was "
                "trained is kept)"
            ) from error
        for record in records:
            append(self.layout, record)

    def add_done_callback(self, function: Callable[[Any], None]) -> None:
        """Have a function called at its end, at once if it has ended."""
        self.future.add_done_callback(function)


@dataclass(frozen=True)
class Cluster:
    """The workers of a Dask cluster.

    Attributes:
        runner: What gives them tasks.
        context: That of the flow, which they are sent; a stage's holds what cannot be sent.
        shared: Digests of the prepared data that the store has.
        lock: Held while data is put there.
        futures: Work that has begun, as long as anybody waits for it.
    """

    runner: DaskTaskRunner
    context: Context
    shared: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    futures: WeakSet[PrefectDaskFuture[list[Record]]] = field(default_factory=WeakSet)

    def begin(self, task: Task[..., Any], function: Remote, work: Work) -> Returning:
        """Give a piece of work to the cluster.

        Args:
            task: The task of Prefect that it is to be.
            function: What a worker is to call.
            work: With what.
        """
        self.share(work)
        parameters = {"function": Elsewhere(function), "work": work, "pool": None}
        future = self.context.copy().run(self.runner.submit, task, parameters)
        self.futures.add(future)
        return Returning(future, work.layout)

    def share(self, work: Work) -> None:
        """Put the prepared data of a piece of work into the store, if that has not been done.

        Raises:
            StudyError: If it is no longer what the study has opened.
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
        """Begin no more there, and have workers end what they are at."""
        self.runner.client.cancel([future.wrapped_future for future in self.futures], force=True)


@contextmanager
def cluster_at(address: str) -> Iterator[Cluster]:
    """Connect to the cluster of a scheduler.

    Args:
        address: Of the scheduler, such as tcp://HOST:PORT.

    Raises:
        StudyError: If there is no store that its workers could reach, or no scheduler answers.
    """
    if not os.environ.get(VARIABLE):
        raise StudyError(
            f"with --on, {VARIABLE} must be set, here and for the workers, to a store that all of "
            "them reach: sftp://..., s3://..., or a folder that all machines have"
        )
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # we tell it in one line
    with DaskTaskRunner(address=address, client_kwargs={"timeout": ANSWER_SECONDS}) as runner:
        try:
            runner.client.scheduler_info()
        except (OSError, ValueError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise StudyError(
                f"the Dask scheduler {address} does not answer: {reason}; start it with "
                "`dask scheduler`, or run without --on"
            ) from None
        check_workers(runner)
        yield Cluster(runner, copy_context())


def check_workers(runner: DaskTaskRunner) -> None:
    """Refuse workers that have no Gatewise, or cannot tell Prefect of the tasks that they do.

    Raises:
        StudyError: If there are any now.
    """
    url = get_current_settings().api.url or ""
    there = runner.client.run(answers, url, on_error="return")
    if not there:
        sys.stderr.write(f"the cluster at {runner.address} has no workers yet; trainings wait\n")
    for worker, found in there.items():
        if isinstance(found, BaseException):
            raise StudyError(
                f"the worker {worker} cannot be used: {type(found).__name__}: {found}; it needs "
                "the packages and the versions of this installation of Gatewise"
            )
        if not found:
            raise StudyError(
                f"the worker {worker} does not reach Prefect at {without_user(url)}; set "
                "PREFECT_API_URL to the address of a Prefect server that all machines reach"
            )
