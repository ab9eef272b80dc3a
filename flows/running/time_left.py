"""Estimate the time left for the trainings of a run. Imports no Prefect."""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from flows.layout import Layout
from flows.own_data.run_time import rounded
from flows.trainings.records import Record, read_records


def seconds_left(left: Mapping[str, int], records: Iterable[Record], workers: int) -> float | None:
    """Estimate the time of trainings from earlier ones of the same datasets.

    Args:
        left: Number of trainings of each dataset.
        records: Records of earlier trainings and evaluations on this machine.
        workers: Number of trainings that run at the same time.

    Returns:
        Seconds; None if a dataset has no records.
    """
    seconds: defaultdict[str, float] = defaultdict(float)
    trainings: Counter[str] = Counter()
    for one in records:
        seconds[one.dataset] += one.seconds
        trainings[one.dataset] += one.what == "train"
    wanted = {name: number for name, number in left.items() if number}
    if any(not trainings[name] for name in wanted):
        return None
    total = sum(number * seconds[name] / trainings[name] for name, number in wanted.items())
    return total / min(workers, max(1, sum(wanted.values())))


@dataclass
class TimeLeft:
    """An upper estimate of the time left for the trainings of a run.

    The run may end earlier, since a race can end before its largest number of trainings. There is
    no estimate until the most trainings of every dataset are known.

    Attributes:
        layout: Where the study keeps things, with records of earlier trainings.
        datasets: Datasets that are trained.
        workers: Number of trainings that run at the same time.
        clock: A monotonic clock, in seconds.
        left: The most trainings that are left, by dataset, as far as known.
        estimate: The last estimate in seconds, and the time when it was made.
    """

    layout: Layout
    datasets: Collection[str]
    workers: int
    clock: Callable[[], float] = time.monotonic
    left: dict[str, int] = field(default_factory=dict)
    estimate: tuple[float, float] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def expect(self, dataset: str, trainings: int) -> None:
        """Take note of how many more trainings of a dataset there can be."""
        with self.lock:
            self.left[dataset] = trainings
            self.renew()

    def trained(self, dataset: str) -> None:
        """Take note that a training of a dataset has ended."""
        with self.lock:
            self.left[dataset] = max(0, self.left.get(dataset, 0) - 1)
            self.renew()

    def renew(self) -> None:
        """Make a new estimate."""
        known = set(self.datasets) <= self.left.keys()
        records = read_records(self.layout) if known else []
        found = seconds_left(self.left, records, self.workers) if known else None
        self.estimate = None if found is None else (found, self.clock())

    def in_words(self) -> str:
        """The time left, in words; empty if it is not known, or nothing is left."""
        if self.estimate is None or not any(self.left.values()):
            return ""
        seconds, made = self.estimate
        now = max(1.0, seconds - (self.clock() - made))
        return f"at most about {rounded(now)} left"
