"""About how long the first run of a new study takes."""

import os
from dataclasses import dataclass

from rnn_core.study import Seeds


@dataclass(frozen=True)
class RunTime:
    """What the trainings of a run take.

    Attributes:
        seconds: Of one training of the largest candidate.
        least: How many trainings there are if the first random seeds decide.
        most: How many there are otherwise.
        workers: How many are done at the same time.
    """

    seconds: float
    least: int
    most: int
    workers: int


def run_time(seconds: float, candidates: int, seeds: Seeds) -> RunTime:
    """What a run takes on this machine, where nothing is tuned.

    Args:
        seconds: Of one training of the largest candidate.
        candidates: Cells at all of their sizes.
        seeds: How many random seeds there are.
    """
    workers = os.cpu_count() or 1
    return RunTime(seconds, candidates * seeds.first, candidates * seeds.most, workers)


def in_words(time: RunTime) -> str:
    """For a person, such as `the trainings of a run take up to some 5 minutes to 20 minutes`."""
    least, most = (number * time.seconds / time.workers for number in (time.least, time.most))
    times, count = rounded(most), f"{time.most}"
    if most > least:
        times, count = f"{rounded(least)} to {times}", f"{time.least} to {count}"
    return (
        f"the trainings of a run take up to some {times} here: {count} of at most "
        f"{rounded(time.seconds)}, {time.workers} at a time"
    )


def rounded(seconds: float) -> str:
    """A time with its unit, to one or two digits."""
    for unit, name in ((3600 * 24, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{round_to(seconds / unit)} {name}"
    return "1 second" if seconds < 1.5 else f"{round_to(seconds)} seconds"


def round_to(number: float) -> str:
    """To two digits at most, without a decimal point."""
    return f"{float(f'{number:.2g}'):.0f}"
