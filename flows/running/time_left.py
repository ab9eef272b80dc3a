"""About how long the trainings of a run still take. Imports no Prefect."""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from flows.layout import Layout
from flows.own_data.run_time import rounded
from flows.trainings.records import Record, read_records


def seconds_left(left: Mapping[str, int], records: Iterable[Record], workers: int) -> float | None:
    """Estimate how long some trainings take, by what earlier ones of the same datasets took.

    Args:
        left: Trainings of each dataset.
        records: Of earlier trainings and evaluations on this machine.
        workers: Trainings side by side.

    Returns:
        Seconds; None where nothing is known of a dataset.
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
    """An upper estimate of the time that the trainings of a run still take.

    A race may end before its most trainings, so that the run may end earlier. Nothing is said
    before every dataset has said how many trainings it needs at most.

    Attributes:
        layout: Of the study, which notes what trainings took.
        datasets: Those that are trained.
        workers: Trainings side by side.
        clock: Seconds that only grow.
        left: Trainings of each dataset that are left at most, as far as it is known.
        estimate: The last estimate in seconds, and when it was made.
    """

    layout: Layout
    datasets: Collection[str]
    workers: int
    clock: Callable[[], float] = time.monotonic
    left: dict[str, int] = field(default_factory=dict)
    estimate: tuple[float, float] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def expect(self, dataset: str, trainings: int) -> None:
        """Be told how many more trainings of a dataset there will be at most."""
        with self.lock:
            self.left[dataset] = trainings
            self.renew()

    def trained(self, dataset: str) -> None:
        """Be told that a training of a dataset has ended."""
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
        """The time that is left now; empty where it is not known, or nothing is left."""
        if self.estimate is None or not any(self.left.values()):
            return ""
        seconds, made = self.estimate
        now = max(1.0, seconds - (self.clock() - made))
        return f"at most about {rounded(now)} left"
