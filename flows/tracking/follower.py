"""Shows trainings in MLflow while they go on."""

import threading
import time
from collections.abc import Callable

from flows.tracking.projection import GrowingSeed, Projection, TrackingError, growing_seeds
from rnn_core.study import is_for_tuning

FOLLOW_SECONDS = 1.0
"""How often growing run folders are looked at."""

SHORT_SECONDS = 5.0
"""Seeds that are trained for less are shown once they are finished: nobody would look sooner."""


class Follower:
    """Watches seeds grow from a thread of its own, and projects them as they do.

    Trials of tuning, and trainings on other splits than those that are compared, are watched and
    not projected: they are no results of the study. Nor are seeds that have just begun. Trouble
    with MLflow ends the projecting and nothing else.

    Args:
        projection: Where to.
        on_growth: Called every second with all growing seeds and trials.

    Attributes:
        failure: What went wrong with MLflow, if anything did.
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
        """Look at the folders again and again."""
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
        """Whether a seed has been trained for some time, and is one that is compared."""
        begun = self.first_seen.setdefault(seed.key, now)
        apart = is_for_tuning(seed.config.seed) or seed.config.division != "prepared"
        return now - begun >= SHORT_SECONDS and not apart

    def __enter__(self) -> "Follower":
        self.thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.ended.set()
        self.thread.join()
