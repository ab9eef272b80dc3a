"""Trainings as tasks of Prefect, by the task runner of the flow: local workers, or a cluster."""

from collections.abc import Callable
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prefect import Task, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.states import Cancelled

from flows.running.display import Display
from flows.trainings.crew import ATTEMPTS, EVALUATE, TRAIN, Ending, Remote
from flows.trainings.identity import Work, title
from flows.trainings.workers import Pool, WorkerLostError

if TYPE_CHECKING:
    from flows.running.cluster import Cluster


def was_lost(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether a training failed only because its worker was lost."""
    return isinstance(state.result(raise_on_failure=False), WorkerLostError)


@task(
    cache_policy=NO_CACHE,
    retries=ATTEMPTS - 1,
    retry_delay_seconds=0,
    retry_condition_fn=was_lost,
)
def training(function: Callable[[Work], Any], work: Work, pool: Pool | None) -> Any:
    """Train or evaluate, in the pool of this machine, or here where there is none."""
    if pool is not None:
        return pool.submit(function, work).result()
    try:
        return function(work)
    except CancelledError:  # the run, if it lives, has told Prefect of its tasks before this
        return Cancelled(message="cancelled with its run; finished trainings are kept")


@dataclass(frozen=True)
class PrefectCrew:
    """Who does the work of a run of the flow.

    Attributes:
        pool: The workers of this machine.
        display: Where a person watches.
        cluster: Who trains instead of them, if anybody does.
        begun: Names of the trainings and evaluations that were begun.
    """

    pool: Pool
    display: Display
    cluster: "Cluster | None" = None
    begun: list[str] = field(default_factory=list)

    def expect(self, dataset: str, trainings: int) -> None:
        """Show how many more trainings of a dataset there will be at most."""
        self.display.expect(dataset, trainings)

    def tell(self, text: str) -> None:
        """Say something to who watches, and in the log of the run."""
        self.display.tell(text)
        get_run_logger().info(text)

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run a function in a worker of this machine, and wait for its result."""
        return self.pool.submit(function, *arguments).result()

    def train(self, work: Work) -> Ending:
        """Begin a training, and its evaluation."""
        training = self.begin(TRAIN, work, "")
        training.add_done_callback(lambda _: self.display.trained(work.config.dataset))
        return training

    def evaluate(self, work: Work) -> Ending:
        """Begin the evaluation of a training that the store has."""
        return self.begin(EVALUATE, work, " evaluation")

    def begin(self, function: Remote, work: Work, what: str) -> Ending:
        """Give a piece of work to a task runner: that of the flow, or the cluster's."""
        self.begun.append(f"{title(work.config)}{what}")
        named = training.with_options(task_run_name=self.begun[-1])
        if self.cluster is not None:
            return self.cluster.begin(named, function, work)
        return named.submit(function, work, self.pool)
