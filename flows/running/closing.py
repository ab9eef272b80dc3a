"""Record, show, and at the end register the results of a dataset, once it is compared."""

from collections.abc import Collection, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from flows.recording.recorder import Recorder
from flows.running.display import Display
from flows.running.workshop import Workshop
from flows.tracking.projection import Projection
from flows.tracking.promoted import Promotion
from flows.tracking.shown import note_shown
from flows.trainings.crew import Remote

PROMOTE = Remote("flows.tracking.promotion", "promote")
"""The function that promotes a champion. It runs in a worker, since it needs PyTorch."""


@dataclass(frozen=True)
class Closing:
    """Has DVC record what ran, shows it in MLflow, and registers champions.

    Attributes:
        recorder: Records stages with DVC.
        projection: Shows the run in MLflow.
        display: The progress display.
        workshop: The workers, which score and test models.
        shown: Datasets whose outputs MLflow already showed before the run.
        promotes: Whether champions are registered.
        run_ids: The MLflow runs of what is recommended for each dataset, by random seed.
        promotions: The promotions of champions, by dataset.
    """

    recorder: Recorder
    projection: Projection
    display: Display
    workshop: Workshop
    shown: Collection[str]
    promotes: bool
    run_ids: dict[str, dict[int, str]] = field(default_factory=dict)
    promotions: dict[str, Promotion] = field(default_factory=dict)

    def record(self, ran: Sequence[str]) -> Future[None]:
        """Begin to record stages; see `Recorder.ask`.

        Raises:
            StudyError: If the run is cancelled.
        """
        self.workshop.check_goes_on()
        return self.recorder.ask(ran)

    def track(self, dataset: str) -> None:
        """Show a dataset in MLflow."""
        named = track_task.with_options(task_run_name=f"track@{dataset}")
        self.run_ids[dataset] = named(self.projection, dataset)
        self.display.ended(f"track@{dataset}", None)

    def promote(self, dataset: str) -> None:
        """Register the champion of a dataset that is shown and recorded.

        Raises:
            StudyError: If the run is cancelled, or the registered model gives other answers.
        """
        self.workshop.check_goes_on()
        named = promote_task.with_options(task_run_name=f"promote@{dataset}")
        self.promotions[dataset] = named(self, dataset)
        self.display.ended(f"promote@{dataset}", self.promotions[dataset].action)

    def note(self, datasets: Collection[str]) -> None:
        """Write notes on datasets that are shown, with the promotions of their champions."""
        done = {name: self.promotions.get(name) for name in datasets}
        shown = {n: one for n, one in done.items() if one is not None or not self.promotes}
        note_shown(self.projection.layout, shown)


@task(cache_policy=NO_CACHE)
def track_task(projection: Projection, dataset: str) -> dict[int, str]:
    """Show a dataset in MLflow; returns the run of each seed of what is recommended."""
    return projection.project(dataset)


@task(cache_policy=NO_CACHE)
def promote_task(closing: Closing, dataset: str) -> Promotion:
    """Register the champion of a dataset."""
    projection, runs = closing.projection, closing.run_ids[dataset]
    pool = closing.workshop.start(closing.recorder.inputs.study)
    of_flow = flow_run.get_id() or ""
    work = pool.submit(PROMOTE, projection.layout, projection.study, dataset, runs, of_flow)
    promotion: Promotion = work.result()
    get_run_logger().info("%s: %s, since %s", dataset, promotion.action, promotion.reason)
    return promotion
