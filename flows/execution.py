"""Stages as Prefect tasks, each started when what it waits for has ended.

The order is ours, not a pool's: a pool of two threads would let a stage that waits hold
one of them.
"""

import queue
import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from prefect import Task, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.futures import PrefectFuture
from prefect.states import Completed

from flows.commands.progress import Display
from flows.recording.graph import StageBusyError
from flows.recording.repro import Template
from flows.recording.repro import run_stage as repro
from flows.tracking.projection import Follower, Projection
from flows.tracking.promotion import Promotion, promote
from rnn_core.files import read_json_lines


@dataclass(frozen=True)
class StageTime:
    """What a stage took.

    Attributes:
        wall_seconds: From the call of DVC to its end.
        own_seconds: The life of the stage's process.
        startup_seconds: The part of it before the stage's own code was called.
    """

    wall_seconds: float
    own_seconds: float
    startup_seconds: float


def is_busy(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether a stage failed only because another process of DVC was in the way."""
    return isinstance(state.result(raise_on_failure=False), StageBusyError)


@task(cache_policy=NO_CACHE, retries=5, retry_delay_seconds=2, retry_condition_fn=is_busy)
def run_stage(template: Template, stage: str, *, due: bool) -> StageTime | State[None]:
    """Let DVC run a stage; its state is `Cached` if there was nothing to do."""
    if not due:
        return Completed(name="Cached", message="up to date")
    start = time.monotonic()
    if repro(template, stage) == "cached":
        return Completed(name="Cached", message="DVC found it up to date or in its cache")
    wall = time.monotonic() - start
    records = read_json_lines(template.layout.timings)
    own = next(record for record in reversed(records) if record["stage"] == stage)
    get_run_logger().info("%s took %.1f s", stage, wall)
    return StageTime(wall, own["seconds"], own["startup_seconds"])


@task(cache_policy=NO_CACHE)
def track(projection: Projection, dataset: str) -> dict[int, str]:
    """Show a dataset in MLflow; returns the run of each of the champion's seeds."""
    return projection.project(dataset)


@task(cache_policy=NO_CACHE)
def promote_champion(projection: Projection, dataset: str, run_ids: dict[int, str]) -> Promotion:
    """Register the champion of a dataset."""
    promotion = promote(projection.layout, projection.study, dataset, run_ids)
    get_run_logger().info("%s: %s, since %s", dataset, promotion.action, promotion.reason)
    return promotion


@dataclass
class Execution:
    """One run through a graph.

    Attributes:
        upstream: What each task waits for, in topological order; besides stages, `track`
            and `promote` of a dataset are tasks.
        due: Stages that DVC may have to run.
        workers: Stages that may run at the same time.
        template: The process that stages are forked from.
        projection: Where MLflow is told of the run.
        futures: The Prefect future of each task that was started.
        results: The result of each task that succeeded.
        failures: The cause of each task that failed.
        skipped: Tasks that were not started, since what they wait for failed.
        first_start: When the first stage started; None before.
        last_end: When the last stage ended.
    """

    upstream: dict[str, tuple[str, ...]]
    due: set[str]
    workers: int
    template: Template
    projection: Projection
    futures: dict[str, PrefectFuture[Any]] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    first_start: float | None = None
    last_end: float = 0.0

    @property
    def busy_seconds(self) -> float:
        """From the start of the first stage to the end of the last."""
        return 0.0 if self.first_start is None else self.last_end - self.first_start

    def run(self) -> None:
        """Run every task whose upstream succeeds.

        What interrupts it, such as the signal to terminate, ends the stages at once; else
        they would be waited for.
        """
        with self.template if self.due else nullcontext():
            self.run_tasks()

    def run_tasks(self) -> None:
        """Start each task when what it waits for has ended."""
        ended: queue.Queue[str] = queue.Queue()
        waiting = list(self.upstream)
        with Display(len(waiting)) as display:
            follower = Follower(self.projection, display.growth)
            with follower:
                waiting = self.start_ready(waiting, ended)
                while self.running():
                    follower.running = self.running()
                    self.take(ended.get(), display)
                    waiting = self.start_ready(waiting, ended)

    def running(self) -> set[str]:
        """Tasks that have started and not ended."""
        return self.futures.keys() - self.results.keys() - self.failures.keys()

    def start_ready(self, waiting: list[str], ended: "queue.Queue[str]") -> list[str]:
        """Start what can start; returns what still waits."""
        left = []
        for name in waiting:
            upstream = self.upstream[name]
            if any(above in self.failures or above in self.skipped for above in upstream):
                self.skipped.append(name)
            elif all(above in self.results for above in upstream) and self.has_room(name):
                self.start(name, ended)
            else:
                left.append(name)
        return left

    def has_room(self, name: str) -> bool:
        """Whether one more task may run; only stages that are due take a place."""
        return name not in self.due or len(self.running() & self.due) < self.workers

    def start(self, name: str, ended: "queue.Queue[str]") -> None:
        """Start a task and have its end announced."""
        if name in self.due and self.first_start is None:
            self.first_start = time.monotonic()
        verb, _, dataset = name.partition("@")
        options = {"wait_for": [self.futures[above] for above in self.upstream[name]]}
        if verb == "track":
            future = named(track, name).submit(self.projection, dataset, **options)
        elif verb == "promote":
            runs = self.results[f"track@{dataset}"]
            future = named(promote_champion, name).submit(self.projection, dataset, runs, **options)
        else:
            due = name in self.due
            future = named(run_stage, name).submit(self.template, name, due=due, **options)
        self.futures[name] = future
        future.add_done_callback(lambda _: ended.put(name))

    def take(self, name: str, display: Display) -> None:
        """Take in the end of a task."""
        outcome = self.futures[name].result(raise_on_failure=False)
        if name in self.due:
            self.last_end = time.monotonic()
        if isinstance(outcome, Exception):
            self.failures[name] = str(outcome)
            display.ended(name, f"failed: {outcome}")
            return
        self.results[name] = outcome
        if isinstance(outcome, StageTime):
            display.ended(name, f"{outcome.wall_seconds:.1f} s")
        elif isinstance(outcome, Promotion):
            display.ended(name, f"{outcome.action}, since {outcome.reason}")
        else:
            display.ended(name, None)


def named(what: Task[..., Any], name: str) -> Task[..., Any]:
    """A task whose runs bear the name of a stage."""
    return what.with_options(task_run_name=name)
