"""A piece of work as a Dask worker does it, which has nothing of the study but the store.

A process of the worker does it, and ends with it when nobody wants it any more; the worker itself
goes on, since it may serve others.
"""

import os
import socket
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from flows.layout import Layout
from flows.stages.code import code_of_cell
from flows.system.home import PACKAGES
from flows.trainings.crew import TRAIN, Remote
from flows.trainings.identity import Work
from flows.trainings.records import Record, read_records
from flows.trainings.store import VARIABLE, open_store
from flows.trainings.workers import Pool, WorkerLostError
from rnn_core.errors import GatewiseError, StudyError
from rnn_core.training.run_folder import RunConfig

if TYPE_CHECKING:
    from distributed import Worker

ANSWER_SECONDS = 10
"""Longest wait for the answer of Prefect's server."""

WATCH_SECONDS = 0.5
"""How often a worker looks whether its work is still wanted."""

PRELOADED = ("torch", "flows.trainings.work", "flows.running.elsewhere")
"""What the process of a worker imports, once for all that it does."""


@dataclass(frozen=True)
class Elsewhere:
    """A function of workers, called on a Dask worker with a folder of its own for the study's.

    Attributes:
        function: What is called there.
    """

    function: Remote

    def __call__(self, work: Work) -> list[Record]:
        """Do a piece of work; what comes of it is put into the store.

        Returns:
            What it took.

        Raises:
            StudyError: If this worker would do it with other code, data or another PyTorch, or
                it failed; begins with what to call the worker.
            CancelledError: If nobody wants it any more, as when its run is cancelled or killed.
        """
        from distributed import get_worker  # noqa: PLC0415 - for workers alone

        worker = get_worker()
        place = Path(worker.local_directory) / "gatewise"
        here = replace(work, layout=Layout(place / work.config.data))
        try:
            check_threads(worker.state.nthreads)
            done = pool_in(place).submit(DO, self.function, here)
            return result_while_wanted(done, worker, place)
        except GatewiseError as error:
            name = f"{worker.address} on {socket.gethostname()}"
            kind = WorkerLostError if isinstance(error, WorkerLostError) else StudyError
            raise kind(f"the worker {name}: {error}") from error


@cache
def pool_in(place: Path) -> Pool:
    """The process that does a worker's work; it ends with the worker.

    Args:
        place: Where it keeps things.
    """
    return Pool(1, preload=PRELOADED, log=place / "worker.log").__enter__()


def result_while_wanted(
    done: "Future[list[Record]]", worker: "Worker", place: Path
) -> list[Record]:
    """Wait for the end of a piece of work, or end it as soon as nobody wants it.

    Dask cannot end a task that runs; it only notes that it is cancelled, also when the client
    that wanted it is gone.

    Raises:
        CancelledError: If nobody wants it.
    """
    task = worker.state.tasks[worker.get_current_task()]
    while not wait([done], WATCH_SECONDS).done:
        if task.state == "cancelled":
            pool_in(place).cancel()
            pool_in.cache_clear()
            break
    return done.result()


def do(function: Remote, work: Work) -> list[Record]:
    """Do a piece of work in the process of a worker; returns what it took.

    Raises:
        StudyError: If it would be done with other code, data or another PyTorch.
    """
    check_code(work, trains=function == TRAIN)
    check_pytorch(work.config)
    fetch_prepared(work.layout, work.config)
    function(work)
    records = read_records(work.layout)
    work.layout.timings.unlink(missing_ok=True)
    return records


DO = Remote("flows.running.elsewhere", "do")


def check_threads(number: int) -> None:
    """Refuse to take on two trainings at the same time, of which one would wait for the other.

    Raises:
        StudyError: If this worker takes on more than one.
    """
    if number != 1:
        raise StudyError(
            f"it does {number} tasks at the same time; start it with --nthreads 1, and with "
            "--nworkers for more processes"
        )


def check_code(work: Work, *, trains: bool) -> None:
    """Refuse to do with other code than the study's what that code would do otherwise.

    Args:
        work: What is to be done.
        trains: Whether it is to be trained, not evaluated only.

    Raises:
        StudyError: If the fingerprint of the code here is another.
    """
    config = work.config
    here = code_of_cell(config.task, config.cell)
    asked = config.cell, config.device, config.division
    checks = {}
    if trains:
        checks["train"] = (config.environment["code"], here.training(*asked))
    if work.evaluates is not None:
        checks["evaluate"] = (work.evaluates, here.evaluation(*asked))
    for verb, (wanted, found) in checks.items():
        if wanted != found:
            raise StudyError(
                f"its Gatewise, {PACKAGES}, would {verb} {config.cell} with other code than the "
                "study's; bring it to the study's version, and start the worker again"
            )


def check_pytorch(config: RunConfig) -> None:
    """Refuse a PyTorch, or a device, that would make other numbers.

    Raises:
        StudyError: If PyTorch, its threads or the dtype are others.
        DeviceError: If there is no such device.
    """
    from flows.trainings.work import check_same  # noqa: PLC0415 - needs PyTorch
    from rnn_core.devices import make_deterministic, select_device  # noqa: PLC0415 - as above

    make_deterministic()  # first: a process that nobody has told otherwise has many threads
    select_device(config.device)
    check_same(config)


def fetch_prepared(layout: Layout, config: RunConfig) -> None:
    """Take the prepared data from the store, unless this worker has it.

    Raises:
        StudyError: If the store here cannot be the study's.
        StoreError: If it cannot be reached.
    """
    if not os.environ.get(VARIABLE):
        raise StudyError(f"{VARIABLE} is not set there; start it with the address of the store")
    if layout.prepared(config.dataset).exists():
        return
    store = open_store(layout)
    if not store.has("prepared", config.data):
        raise StudyError(
            f"its store, {store.address}, has no prepared data of {config.dataset}; set {VARIABLE} "
            "to the same store there and where the study is run"
        )
    store.get("prepared", config.data, layout.prepared(config.dataset))


def answers(api: str) -> bool:
    """Whether Prefect's server answers this machine.

    Args:
        api: Its address.
    """
    try:
        return httpx.get(f"{api}/health", timeout=ANSWER_SECONDS).is_success
    except httpx.HTTPError:
        return False
