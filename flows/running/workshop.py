"""The workers of a run, on this machine and elsewhere."""

from collections.abc import Collection
from contextlib import ExitStack
from typing import TYPE_CHECKING

from flows.layout import Layout
from flows.running.crew import PrefectCrew
from flows.running.display import Display
from flows.running.time_left import TimeLeft
from flows.trainings.crew import local_crew
from flows.trainings.workers import Pool
from rnn_core.errors import StudyError
from rnn_core.study import Study

if TYPE_CHECKING:
    from flows.running.cluster import Cluster


class Workshop:
    """The workers of a run; they start when they are first needed."""

    def __init__(
        self, layout: Layout, num_workers: int | None, on: str | None, stack: ExitStack
    ) -> None:
        self.layout = layout
        self.num_workers = num_workers
        self.on = on
        self.stack = stack
        self.pool: Pool | None = None
        self.cluster: Cluster | None = None
        self.over = False

    def is_over(self) -> bool:
        """Return whether the run is cancelled."""
        return self.over

    def start(self, study: Study) -> Pool:
        """Start the workers, unless they run; they import modules in the background.

        Raises:
            StudyError: If the run is cancelled: the cancellation has not reached these workers.
        """
        if self.pool is None:
            crew = local_crew(self.layout, study, self.num_workers)
            self.pool = self.stack.enter_context(crew).pool
        self.check_goes_on()
        return self.pool

    def crew(self, study: Study, display: Display) -> PrefectCrew:
        """Start the workers, and return the crew that uses them."""
        if self.cluster is None and self.on is not None:
            self.cluster = self.connected(self.on)
        return PrefectCrew(self.start(study), display, self.cluster)

    def time_left(self, study: Study, datasets: Collection[str]) -> TimeLeft | None:
        """Make the estimator of the time left; None on a cluster, whose speed is not known."""
        if self.on is not None or not datasets:
            return None
        return TimeLeft(self.layout, datasets, self.start(study).num_workers)

    def connected(self, address: str) -> "Cluster":
        """Connect to the cluster at an address."""
        from flows.running.cluster import cluster_at  # noqa: PLC0415 - most runs do not need it

        return self.stack.enter_context(cluster_at(address))

    def cancel(self) -> None:
        """End all workers at once."""
        self.over = True
        if self.pool is not None:
            self.pool.cancel()
        if self.cluster is not None:
            self.cluster.cancel()

    def check_goes_on(self) -> None:
        """Check that the run is not cancelled.

        Raises:
            StudyError: If it is.
        """
        if self.over:
            raise StudyError("the run is cancelled")
