"""Show trainings in MLflow while they run."""

import threading
import time
from collections.abc import Callable

from flows.tracking.projection import GrowingSeed, Projection, TrackingError, growing_seeds
from rnn_core.study import is_for_tuning

FOLLOW_SECONDS = 1.0
"""Seconds between two looks at growing run folders."""

SHORT_SECONDS = 5.0
"""Seconds of training before a seed is shown; shorter trainings are shown when they end."""


class Follower:
    """Watches trainings in a separate thread, and shows them in MLflow as they grow.

    Trials of tuning, and trainings on other divisions of the data, are watched but not shown: they
    are not results of the study. Trainings that have just begun are not shown either. An error of
    MLflow ends only the showing.

    Args:
        projection: The projection to MLflow.
        on_growth: Called every second with all growing seeds and trials.

    Attributes:
        failure: The error of MLflow; None if there was none.
    """

    def __init__(
        self, projection: Projection, on_growth: Callable[[list[GrowingSeed]], None]
    ) -> None:
        self.projection = projection
        self.on_growth = on_growth
        self.failure: TrackingError | None = None
        self.first_seen: dict[str, float] = {}
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def watch(self) -> None:
        """Look at the folders until the end."""
        while not self.ended.wait(FOLLOW_SECONDS):
            seeds = growing_seeds(self.projection.layout)
            self.on_growth(seeds)
            try:
                for seed in seeds if self.failure is None else []:
                    if self.is_to_be_shown(seed, time.monotonic()):
                        self.projection.log_growing(seed)
            except TrackingError as error:
                self.failure = error

    def is_to_be_shown(self, seed: GrowingSeed, now: float) -> bool:
        """Return whether a seed is one that is compared, and has been trained for some time."""
        begun = self.first_seen.setdefault(seed.key, now)
        apart = is_for_tuning(seed.config.seed) or seed.config.division != "prepared"
        return now - begun >= SHORT_SECONDS and not apart

    def __enter__(self) -> "Follower":
        self.thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.ended.set()
        self.thread.join()
