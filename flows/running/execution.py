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
from flows.recording.inputs import Inputs
from flows.running.closing import Closing
from flows.running.crew import PrefectCrew
from flows.running.display import Display
from flows.stages import DATASET_VERBS, evaluate, train
from flows.stages.code import code
from flows.system.os_errors import with_cure
from flows.trainings.crew import Remote

WITH_TRAININGS: dict[str, Callable[..., None]] = {
    "train": train.train,
    "evaluate": evaluate.evaluate,
}
"""Stages that ask for trainings; a worker does each of the others as a whole."""


RECORD = "record"
"""First word of the names of recordings by DVC."""

CLOSING = ("track@", f"{RECORD}@")
"""Steps with a dataset that is compared; the report is made even if they fail."""


Ends: TypeAlias = queue.SimpleQueue[BaseException | None]
"""Ends of threads: for each the error that stopped it, or None."""


@dataclass(frozen=True)
class StageTime:
    """The time that a stage took.

    Attributes:
        stage: Name of the stage.
        seconds: Wall time, with its trainings.
    """

    stage: str
    seconds: float


@dataclass
class Execution:
    """One run through the stages.

    Attributes:
        layout: Where the study keeps things.
        inputs: The inputs that the run began with.
        due: Stages that are to run.
        selected: Stages that were asked for, with those that are up to date.
        crew: The workers; None if no stage is due.
        display: The progress display.
        closing: Records, shows and registers results of compared datasets.
        ran: Stages that ran.
        cached: Stages that were up to date.
        failures: The cause of each failed task.
        skipped: Tasks that were not started, because one that they depend on failed.
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
        """Number of Prefect tasks in the run."""
        stages = len(self.ran) + len(self.cached) + len(self.failures)
        return stages + len(self.closing.run_ids) + (len(self.crew.begun) if self.crew else 0)

    def run(self) -> None:
        """Run all chains, and the report once all datasets are compared."""
        self.stage("code")
        names = [n for n in self.inputs.study.datasets if self.has_any(n)]
        compared, closed = Ends(), Ends()
        for name in names:
            context = copy_context()  # Prefect finds the run of a task in it
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
        """Return whether any stage of a dataset was asked for."""
        return any(f"{verb}@{dataset}" in self.selected for verb in DATASET_VERBS)

    def chain(self, dataset: str, compared: Ends, closed: Ends) -> None:
        """Bring the requested stages of a dataset up to date, and then close it.

        Args:
            dataset: Name of the dataset.
            compared: Gets the end of the stages.
            closed: Gets the end of the closing.
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
        """Record the stages of a dataset that ran, and show it in MLflow at the same time."""
        ran = [time.stage for time in list(self.ran) if time.stage.endswith(f"@{dataset}")]
        recorded = self.closing.record(ran) if ran else None
        is_new = f"compare@{dataset}" in self.due or dataset not in self.closing.shown
        if f"compare@{dataset}" in self.selected and is_new:
            shows = partial(self.closing.track, dataset)
            self.attempt(f"track@{dataset}", shows, after=failed)
        if recorded is not None:
            self.attempt(f"{RECORD}@{dataset}", recorded.result)

    def promote(self, changed: Collection[str]) -> None:
        """Register the champions of datasets that are shown and recorded; none if DVC has failed.

        They are registered one after the other. In parallel they would need two workers that have
        imported MLflow, and SQLite allows only one writer.

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
        """Do something, unless a step before it failed; returns whether it succeeded."""
        if after:
            self.skipped.append(name)
            return False
        try:
            function()
        except Exception as error:  # noqa: BLE001 - reported at the end, with the others
            self.failures[name] = error
            # Whoever cancelled the run knows why this did not finish.
            told = with_cure(error) or str(error)
            outcome = None if isinstance(error, CancelledError) else f"failed: {told}"
            if not name.startswith(RECORD):
                self.display.ended(name, outcome)
            elif outcome is not None:  # it is none of the tasks that the display counts
                self.display.tell(f"{name}: {outcome}")
            return False
        return True

    def stage(self, verb: str, dataset: str = "") -> None:
        """Run a stage as a task, or a task that says that it is up to date."""
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
        """Do the work of a stage."""
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
    """Wait for `number` ends, and raise the first error among them at once."""
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
    """The task of a stage that is up to date; its state is `Cached`."""
    return Completed(name="Cached", message=f"{name} is up to date")
