"""A piece of work as a Dask worker does it, which has nothing of the study but the store."""

import os
import socket
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from flows.layout import Layout
from flows.stages.code import code_of_cell
from flows.system.home import PACKAGES
from flows.trainings.crew import TRAIN, Remote
from flows.trainings.identity import Work
from flows.trainings.records import Record, read_records
from flows.trainings.store import VARIABLE, open_store
from rnn_core.errors import GatewiseError, StudyError
from rnn_core.training.run_folder import RunConfig

ANSWER_SECONDS = 10
"""Longest wait for the answer of Prefect's server."""


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
        """
        from distributed import get_worker  # noqa: PLC0415 - for workers alone

        worker = get_worker()
        try:
            check_threads(worker.state.nthreads)
            check_code(work, trains=self.function == TRAIN)
            check_pytorch(work.config)
            layout = Layout(Path(worker.local_directory) / "gatewise" / work.config.data)
            fetch_prepared(layout, work.config)
            self.function(replace(work, layout=layout))
        except GatewiseError as error:
            name = f"{worker.address} on {socket.gethostname()}"
            raise StudyError(f"the worker {name}: {error}") from error
        records = read_records(layout)
        layout.timings.unlink(missing_ok=True)
        return records


def check_threads(number: int) -> None:
    """Refuse to do two trainings in one process, which would draw from each other's numbers.

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
    checks = {}
    if trains:
        checks["train"] = (config.environment["code"], here.training(config.cell, config.device))
    if work.evaluates is not None:
        checks["evaluate"] = (work.evaluates, here.evaluation(config.cell, config.device))
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
