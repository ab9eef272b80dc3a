"""One run through the stages that are due: a chain for each dataset, all at the same time."""

import queue
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import CancelledError
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.layout import Layout
from flows.recording.inputs import DATASET_VERBS, Inputs
from flows.running.closing import Closing
from flows.running.crew import PrefectCrew
from flows.running.display import Display
from flows.stages import evaluate, train
from flows.stages.code import code
from flows.trainings.crew import Remote

WITH_TRAININGS: dict[str, Callable[..., None]] = {
    "train": train.train,
    "evaluate": evaluate.evaluate,
}
"""Stages that ask for trainings; all others are done by a worker as a whole."""


RECORD = "record"
"""How the names begin of what DVC is asked for."""

CLOSING = ("track@", f"{RECORD}@")
"""What is done with a dataset that is compared; its failure is no reason to be without a report."""


Ends: TypeAlias = queue.SimpleQueue[BaseException | None]
"""Ends of threads: each with the error that cut it off, or None."""


@dataclass(frozen=True)
class StageTime:
    """How long a stage took.

    Attributes:
        stage: Its name.
        seconds: Wall time, that of its trainings included.
    """

    stage: str
    seconds: float


@dataclass
class Execution:
    """One run through the stages.

    Attributes:
        layout: Where the study keeps things.
        inputs: What the run was begun with.
        due: Stages that are to run.
        selected: Stages that were asked for, those that are up to date included.
        crew: Who does the work.
        display: Where a person watches.
        closing: What is done with a dataset once it is compared.
        ran: Stages that ran.
        cached: Stages that were up to date.
        failures: The cause of each task that failed.
        skipped: Tasks that were not started, since what they wait for failed.
    """

    layout: Layout
    inputs: Inputs
    due: set[str]
    selected: set[str]
    crew: PrefectCrew | None
    display: Display
    closing: Closing
    ran: list[StageTime] = field(default_factory=list)
    cached: list[str] = field(default_factory=list)
    failures: dict[str, Exception] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)

    @property
    def num_tasks(self) -> int:
        """Tasks of Prefect that there have been."""
        stages = len(self.ran) + len(self.cached) + len(self.failures)
        return stages + len(self.closing.run_ids) + (len(self.crew.begun) if self.crew else 0)

    def run(self) -> None:
        """Run all chains, and the report once all datasets are compared."""
        self.stage("code")
        names = [n for n in self.inputs.study.datasets if self.has_any(n)]
        compared, closed = Ends(), Ends()
        for name in names:
            context = copy_context()  # by which Prefect knows the run that a task belongs to
            arguments = (self.chain, name, compared, closed)
            threading.Thread(target=context.run, args=arguments, name=name, daemon=True).start()
        wait_for(compared, len(names))
        if "report" in self.selected:
            failed = any(not name.startswith(CLOSING) for name in list(self.failures))
            self.attempt("report", partial(self.stage, "report"), after=failed)
        ran = [time.stage for time in list(self.ran) if "@" not in time.stage]
        recorded = self.closing.record(ran)
        wait_for(closed, len(names))
        self.attempt(RECORD, recorded.result)

    def has_any(self, dataset: str) -> bool:
        """Whether any stage of a dataset was asked for."""
        return any(f"{verb}@{dataset}" in self.selected for verb in DATASET_VERBS)

    def chain(self, dataset: str, compared: Ends, closed: Ends) -> None:
        """Bring a dataset up to date, as far as was asked for, and then close it.

        Args:
            dataset: Name of the dataset.
            compared: Is told of the end of the one.
            closed: Is told of the end of the other.
        """
        try:
            failed = False
            for verb in DATASET_VERBS:
                if (name := f"{verb}@{dataset}") in self.selected:
                    failed |= not self.attempt(
                        name, partial(self.stage, verb, dataset), after=failed
                    )
            compared.put(None)
            self.close(dataset, failed=failed)
            closed.put(None)
        except BaseException as error:  # noqa: BLE001 - the main thread raises it
            compared.put(error)
            closed.put(error)

    def close(self, dataset: str, *, failed: bool) -> None:
        """Record what of a dataset ran, and show it in MLflow meanwhile."""
        ran = [time.stage for time in list(self.ran) if time.stage.endswith(f"@{dataset}")]
        recorded = self.closing.record(ran) if ran else None
        is_new = f"compare@{dataset}" in self.due or dataset not in self.closing.shown
        if f"compare@{dataset}" in self.selected and is_new:
            shows = partial(self.closing.track, dataset)
            self.attempt(f"track@{dataset}", shows, after=failed)
        if recorded is not None:
            self.attempt(f"{RECORD}@{dataset}", recorded.result)

    def promote(self, changed: Collection[str]) -> None:
        """Register the champions of what is shown and recorded; none if DVC has failed.

        One after the other: side by side, two would need two workers that have imported MLflow,
        and SQLite takes one writer.

        Args:
            changed: Datasets that were edited while the study ran.
        """
        if any(name.startswith(RECORD) for name in self.failures):
            return
        shown = [name for name in self.inputs.study.datasets if name in self.closing.run_ids]
        names = [name for name in shown if name not in changed]
        for name in names if self.closing.promotes else []:
            self.attempt(f"promote@{name}", partial(self.closing.promote, name))
        self.closing.note(names)

    def attempt(self, name: str, function: Callable[[], Any], *, after: bool = False) -> bool:
        """Do something unless what it waits for failed; says whether that went well."""
        if after:
            self.skipped.append(name)
            return False
        try:
            function()
        except Exception as error:  # noqa: BLE001 - it is told at the end, with the others
            self.failures[name] = error
            # What the end of the run cut off is no news to whoever ended it.
            outcome = None if isinstance(error, CancelledError) else f"failed: {error}"
            self.display.ended(name, outcome)
            return False
        return True

    def stage(self, verb: str, dataset: str = "") -> None:
        """Run a stage as a task, or say that it is up to date."""
        name = f"{verb}@{dataset}" if dataset else verb
        named = stage_task.with_options(task_run_name=name)
        if name not in self.due:
            cached_task.with_options(task_run_name=name)(name)
            self.cached.append(name)
            self.display.ended(name, None)
            return
        took = named(self, verb, dataset)
        self.ran.append(took)
        self.display.ended(name, f"{took.seconds:.1f} s")

    def body(self, verb: str, dataset: str) -> None:
        """What a stage does."""
        study = self.inputs.study
        if verb == "code":
            code(self.layout)
            return
        assert self.crew is not None
        if verb in WITH_TRAININGS:
            fingerprints = self.inputs.code_of(dataset)
            WITH_TRAININGS[verb](self.layout, study, dataset, fingerprints, self.crew)
        else:
            names = [dataset] if dataset else []
            self.crew.call(Remote(f"flows.stages.{verb}", verb), self.layout, study, *names)


def wait_for(ends: Ends, number: int) -> None:
    """Wait for so many ends, and raise the first error among them at once."""
    for _ in range(number):
        if (error := ends.get()) is not None:
            raise error


@task(cache_policy=NO_CACHE)
def stage_task(execution: Execution, verb: str, dataset: str) -> StageTime:
    """Run a stage."""
    start = time.monotonic()
    execution.body(verb, dataset)
    took = StageTime(f"{verb}@{dataset}" if dataset else verb, time.monotonic() - start)
    get_run_logger().info("%s took %.1f s", took.stage, took.seconds)
    return took


@task(cache_policy=NO_CACHE)
def cached_task(name: str) -> State[Any]:
    """A stage that is up to date; its state is `Cached`."""
    return Completed(name="Cached", message=f"{name} is up to date")
