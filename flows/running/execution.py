"""One run through the stages that are due: a chain for each dataset, all at the same time."""

import queue
import threading
import time
from collections.abc import Callable, Collection
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
from flows.running.crew import PrefectCrew
from flows.running.display import Display
from flows.stages import evaluate, train
from flows.stages.code import code
from flows.tracking.projection import Projection
from flows.trainings.crew import Remote

WITH_TRAININGS: dict[str, Callable[..., None]] = {
    "train": train.train,
    "evaluate": evaluate.evaluate,
}
"""Stages that ask for trainings; all others are done by a worker as a whole."""


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
        projection: Where MLflow is told of the run.
        display: Where a person watches.
        shown: Datasets that MLflow shows as they were before the run.
        ran: Stages that ran.
        cached: Stages that were up to date.
        failures: The cause of each task that failed.
        skipped: Tasks that were not started, since what they wait for failed.
        run_ids: The MLflow runs of each dataset's champion, by random seed.
    """

    layout: Layout
    inputs: Inputs
    due: set[str]
    selected: set[str]
    crew: PrefectCrew | None
    projection: Projection
    display: Display
    shown: Collection[str]
    ran: list[StageTime] = field(default_factory=list)
    cached: list[str] = field(default_factory=list)
    failures: dict[str, Exception] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    run_ids: dict[str, dict[int, str]] = field(default_factory=dict)

    @property
    def num_tasks(self) -> int:
        """Tasks of Prefect that there have been."""
        begun = len(self.crew.begun) if self.crew else 0
        return len(self.ran) + len(self.cached) + len(self.run_ids) + len(self.failures) + begun

    def run(self) -> None:
        """Run all chains, and the report once all datasets are compared."""
        self.stage("code")
        names = [n for n in self.inputs.study.datasets if self.has_any(n)]
        compared, shown = Ends(), Ends()
        for name in names:
            context = copy_context()  # by which Prefect knows the run that a task belongs to
            arguments = (self.chain, name, compared, shown)
            threading.Thread(target=context.run, args=arguments, name=name, daemon=True).start()
        wait_for(compared, len(names))
        if "report" in self.selected:
            # What MLflow has failed to show is no reason to be without a report.
            failed = any(not name.startswith("track@") for name in list(self.failures))
            self.attempt("report", partial(self.stage, "report"), after=failed)
        wait_for(shown, len(names))

    def has_any(self, dataset: str) -> bool:
        """Whether any stage of a dataset was asked for."""
        return any(f"{verb}@{dataset}" in self.selected for verb in DATASET_VERBS)

    def chain(self, dataset: str, compared: Ends, shown: Ends) -> None:
        """Bring a dataset up to date, as far as was asked for, and then show it in MLflow.

        Args:
            dataset: Name of the dataset.
            compared: Is told of the end of the one.
            shown: Is told of the end of the other.
        """
        try:
            failed = False
            for verb in DATASET_VERBS:
                if (name := f"{verb}@{dataset}") in self.selected:
                    failed |= not self.attempt(
                        name, partial(self.stage, verb, dataset), after=failed
                    )
            compared.put(None)
            if f"compare@{dataset}" in self.selected and not self.is_shown(dataset):
                self.attempt(f"track@{dataset}", partial(self.track, dataset), after=failed)
            shown.put(None)
        except BaseException as error:  # noqa: BLE001 - the main thread raises it
            compared.put(error)
            shown.put(error)

    def is_shown(self, dataset: str) -> bool:
        """Whether MLflow shows a dataset already, of which nothing was due."""
        return f"compare@{dataset}" not in self.due and dataset in self.shown

    def attempt(self, name: str, function: Callable[[], None], *, after: bool) -> bool:
        """Do something unless what it waits for failed; says whether that went well."""
        if after:
            self.skipped.append(name)
            return False
        try:
            function()
        except Exception as error:  # noqa: BLE001 - it is told at the end, with the others
            self.failures[name] = error
            self.display.ended(name, f"failed: {error}")
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

    def track(self, dataset: str) -> None:
        """Show a dataset in MLflow."""
        named = track_task.with_options(task_run_name=f"track@{dataset}")
        self.run_ids[dataset] = named(self.projection, dataset)
        self.display.ended(f"track@{dataset}", None)


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


@task(cache_policy=NO_CACHE)
def track_task(projection: Projection, dataset: str) -> dict[int, str]:
    """Show a dataset in MLflow; returns the run of each of the champion's seeds."""
    return projection.project(dataset)
