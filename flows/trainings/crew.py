"""Who does the heavy work of a stage. Imports no PyTorch: workers do."""

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
"""What all workers import, once for all of them."""

ATTEMPTS = 4
"""How often a training is begun whose worker is lost; its checkpoint is where it goes on."""


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
        """Import it, and call it."""
        return getattr(import_module(self.module), self.name)(*arguments)


TRAIN = Remote("flows.trainings.work", "train_one")
EVALUATE = Remote("flows.trainings.work", "evaluate_one")
OPEN = Remote("flows.trainings.work", "open_dataset")
CHECK = Remote("flows.trainings.work", "check_study")
REFERENCE = Remote("flows.trainings.work", "refer")
EVALUATE_TOGETHER = Remote("flows.trainings.work", "evaluate_together")


class Ending(Protocol):
    """Something that will end, with a result or an error; futures do."""

    def result(self) -> Any:
        """Wait for its end."""

    def add_done_callback(self, function: Callable[[Any], None]) -> None:
        """Have a function called at its end, at once if it has ended."""


class Crew(Protocol):
    """Who does the work of stages."""

    def expect(self, dataset: str, trainings: int) -> None:
        """Be told how many more trainings of a dataset there will be at most, to show it."""

    def tell(self, text: str) -> None:
        """Say something to who watches."""

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run a function in a worker, and wait for its result."""

    def train(self, work: Work) -> Ending:
        """Begin a training, and its evaluation."""

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
        """Nobody watches here."""

    def tell(self, text: str) -> None:
        """Write it beside what DVC writes."""
        sys.stderr.write(f"{text}\n")

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run a function in a worker, and wait for its result."""
        return self.pool.submit(function, *arguments).result()

    def train(self, work: Work) -> "Future[None]":
        """Begin a training, and its evaluation; again if the worker is lost."""
        return self.insist(TRAIN, work)

    def evaluate(self, work: Work) -> "Future[None]":
        """Begin the evaluation of a training that the store has."""
        return self.insist(EVALUATE, work)

    def insist(self, function: Remote, work: Work) -> "Future[Any]":
        """Begin something, and begin it again if its worker is lost."""
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
        study: What it has planned, of which the device matters here.
        num_workers: At most so many; None: no limit.
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
