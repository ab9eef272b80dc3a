"""Do a piece of work on a Dask worker, which shares only the store with the study.

A child process of the worker does it. If the work is cancelled, the child ends; the worker itself
goes on, since it may serve others.
"""

import os
import socket
from concurrent.futures import CancelledError, Future, wait
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from flows.layout import Layout
from flows.stages.code import code_of_cell
from flows.system.home import PACKAGES
from flows.system.os_errors import with_cure
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
"""Seconds that Prefect's server may take to answer."""

WATCH_SECONDS = 0.5
"""Seconds between two looks at whether the work is cancelled."""

PRELOADED = ("torch", "flows.trainings.work", "flows.running.elsewhere")
"""Modules that the child process imports once."""


@dataclass(frozen=True)
class Elsewhere:
    """A function, called on a Dask worker with the worker's folder in place of the study's.

    Attributes:
        function: The function to call there.
    """

    function: Remote

    def __call__(self, work: Work) -> list[Record]:
        """Do a piece of work, and put the results into the store.

        Returns:
            Records of time and memory.

        Raises:
            StudyError: If this worker has other code, other data or another PyTorch, or the work
                failed; begins with the name of the worker.
            CancelledError: If the work is cancelled, for example since its run was killed.
        """
        from distributed import get_worker  # noqa: PLC0415 - only on workers

        worker = get_worker()
        place = Path(worker.local_directory) / "gatewise"
        here = replace(work, layout=Layout(place / work.config.data))
        try:
            check_threads(worker.state.nthreads)
            done = pool_in(place).submit(DO, self.function, here)
            return result_while_wanted(done, worker, place)
        except CancelledError:
            raise
        except Exception as error:
            name = f"{worker.address} on {socket.gethostname()}"
            kind = WorkerLostError if isinstance(error, WorkerLostError) else StudyError
            raise kind(f"the worker {name}: {told(error, place)}") from error


def told(error: Exception, place: Path) -> str:
    """The text of an error; one that is not ours, such as of a full disk, names no folder."""
    if isinstance(error, GatewiseError):
        return str(error)
    text = with_cure(error) or f"{type(error).__name__}: {error}"
    return f"{text} (it worked in {place})"


@cache
def pool_in(place: Path) -> Pool:
    """Start the child process that does a worker's work; it ends with the worker.

    Args:
        place: Folder for its log.
    """
    return Pool(1, preload=PRELOADED, log=place / "worker.log").__enter__()


def result_while_wanted(
    done: "Future[list[Record]]", worker: "Worker", place: Path
) -> list[Record]:
    """Wait for the end of a piece of work, or end it as soon as it is cancelled.

    Dask cannot end a running task. It only notes that the task is cancelled, also when its client
    has gone.

    Raises:
        CancelledError: If it is cancelled.
    """
    task = worker.state.tasks[worker.get_current_task()]
    while not wait([done], WATCH_SECONDS).done:
        if task.state == "cancelled":
            pool_in(place).cancel()
            pool_in.cache_clear()
            break
    return done.result()


def do(function: Remote, work: Work) -> list[Record]:
    """Do a piece of work in the child process; returns records of time and memory.

    Raises:
        StudyError: If this machine has other code, other data or another PyTorch.
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
    """Check that the worker does one task at a time: a second one would only wait for the first.

    Raises:
        StudyError: If it does more.
    """
    if number != 1:
        raise StudyError(
            f"it does {number} tasks at the same time; start it with --nthreads 1, and with "
            "--nworkers for more processes"
        )


def check_code(work: Work, *, trains: bool) -> None:
    """Check that the code for a piece of work is the same here as in the study.

    Args:
        work: The piece of work.
        trains: Whether it is a training, and not only an evaluation.

    Raises:
        StudyError: If the fingerprint of the code here differs.
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
    """Check that PyTorch and the device compute the same numbers here as in the study.

    Raises:
        StudyError: If the version of PyTorch, its threads or the dtype differ.
        DeviceError: If there is no such device.
    """
    from flows.trainings.work import check_same  # noqa: PLC0415 - needs PyTorch
    from rnn_core.devices import make_deterministic, select_device  # noqa: PLC0415 - needs PyTorch

    make_deterministic()  # first: by default, PyTorch uses many threads
    select_device(config.device)
    check_same(config)


def fetch_prepared(layout: Layout, config: RunConfig) -> None:
    """Take the prepared data from the store, unless this worker has it.

    Raises:
        StudyError: If no store is set here, or it is not the one that the study uses.
        StoreError: If the store cannot be reached.
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
    """Return whether Prefect's server answers this machine.

    Args:
        api: Address of its API.
    """
    try:
        return httpx.get(f"{api}/health", timeout=ANSWER_SECONDS).is_success
    except httpx.HTTPError:
        return False
