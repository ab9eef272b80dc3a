"""The workers that do the heavy work of a stage. Only they import PyTorch, not this module."""

import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from flows.layout import Layout
from flows.trainings.identity import Work
from flows.trainings.workers import Pool, WorkerLostError
from rnn_core.study import Study

PRELOADED = ("torch", "flows.trainings.work", "pandas", "flows.stages.prepare")
"""Modules that are imported once, before the workers are forked."""

ATTEMPTS = 4
"""Attempts at a training whose worker is lost; each goes on from its last checkpoint."""


@dataclass(frozen=True)
class Remote:
    """A function that only workers import.

    Attributes:
        module: Its module.
        name: Its name there.
    """

    module: str
    name: str

    def __call__(self, *arguments: Any) -> Any:
        """Import the function and call it."""
        return getattr(import_module(self.module), self.name)(*arguments)


TRAIN = Remote("flows.trainings.work", "train_one")
EVALUATE = Remote("flows.trainings.work", "evaluate_one")
OPEN = Remote("flows.trainings.work", "open_dataset")
CHECK = Remote("flows.trainings.work", "check_study")
REFERENCE = Remote("flows.trainings.work", "refer")
EVALUATE_TOGETHER = Remote("flows.trainings.work", "evaluate_together")


class Ending(Protocol):
    """Work that ends with a result or an error, such as a future."""

    def result(self) -> Any:
        """Wait for the end; returns the result or raises the error."""

    def add_done_callback(self, function: Callable[[Any], None]) -> None:
        """Have a function called at the end, or at once if the work has ended."""


class Crew(Protocol):
    """Does the work of stages, here or on other machines."""

    def expect(self, dataset: str, trainings: int) -> None:
        """Take note of how many more trainings of a dataset there can be, to show progress."""

    def tell(self, text: str) -> None:
        """Show a line of text to the user."""

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run a function in a worker, and wait for its result."""

    def train(self, work: Work) -> Ending:
        """Begin a training and its evaluation."""

    def evaluate(self, work: Work) -> Ending:
        """Begin the evaluation of a training that the store has."""


@dataclass(frozen=True)
class LocalCrew:
    """The workers of this machine.

    Attributes:
        pool: Their processes.
    """

    pool: Pool

    def expect(self, dataset: str, trainings: int) -> None:
        """Do nothing: there is no progress to show."""

    def tell(self, text: str) -> None:
        """Write it to standard error, where DVC writes too."""
        sys.stderr.write(f"{text}\n")

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run a function in a worker, and wait for its result."""
        return self.pool.submit(function, *arguments).result()

    def train(self, work: Work) -> "Future[None]":
        """Begin a training and its evaluation; try again if the worker is lost."""
        return self.insist(TRAIN, work)

    def evaluate(self, work: Work) -> "Future[None]":
        """Begin the evaluation of a training that the store has."""
        return self.insist(EVALUATE, work)

    def insist(self, function: Remote, work: Work) -> "Future[Any]":
        """Call a function in a worker, and again if that worker is lost."""
        whole: Future[Any] = Future()
        left = iter(range(1, ATTEMPTS))

        def take(attempt: "Future[Any]") -> None:
            error = attempt.exception()
            if isinstance(error, WorkerLostError) and next(left, None):
                begin()
            elif error:
                whole.set_exception(error)
            else:
                whole.set_result(attempt.result())

        def begin() -> None:
            self.pool.submit(function, work).add_done_callback(take)

        begin()
        return whole


@contextmanager
def local_crew(layout: Layout, study: Study, num_workers: int | None = None) -> Iterator[LocalCrew]:
    """Start the workers of this machine: one for each GPU, else one for each processor.

    Args:
        layout: Where the study keeps things.
        study: Its parameters; only the device matters here.
        num_workers: The most workers to start; None: no limit.
    """
    devices = [] if study.device == "cpu" else local_devices()
    workers = num_workers or len(os.sched_getaffinity(0))
    log = layout.logs / "workers.log"
    with Pool(workers, devices[:num_workers], PRELOADED, log=log) as pool:
        yield LocalCrew(pool)


def local_devices() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    if (visible := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [device.strip() for device in visible.split(",") if device.strip()]
    nodes = [path.name.removeprefix("nvidia") for path in Path("/dev").glob("nvidia[0-9]*")]
    return sorted(nodes, key=int)
