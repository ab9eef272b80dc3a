"""Estimate the time of the first run of a new study."""

import os
from collections.abc import Sequence

from rnn_core.study import Seeds


def run_time(
    seconds: float, cells: int, sizes: Sequence[float | str], seeds: Seeds, members: int
) -> str:
    """Describe the time of a run's trainings on this machine, without tuning.

    Args:
        seconds: Time of one training at size 1; at size n it is n times as long.
        cells: Number of cells.
        sizes: Sizes of each cell: budgets of weights, or "equal".
        seeds: Numbers of random seeds.
        members: Number of seeds of the chosen candidate that an ensemble has.
    """
    workers, candidates = os.cpu_count() or 1, cells * len(sizes)
    longest = seconds * max([1.0, *(float(size) for size in sizes if size != "equal")])
    numbers = sorted({seeds.first, seeds.most})
    trainings = [candidates * each + max(0, members - each) for each in numbers]
    times = [rounded(number * longest / workers) for number in trainings]
    took = f"{times[0]} here"
    if len(times) > 1:
        took = f"{times[0]} here if the first random seeds decide, and {times[1]} with all of them"
    several = " to ".join(map(str, trainings))
    return (
        f"training takes about {took}, if nothing else runs: {several} trainings of up to "
        f"{rounded(longest)}, {workers} at a time"
    )


def rounded(seconds: float) -> str:
    """A time with its unit, to one or two digits."""
    for unit, name in ((3600 * 24, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{round_to(seconds / unit)} {name}"
    return "1 second" if seconds < 1.5 else f"{round_to(seconds)} seconds"


def round_to(number: float) -> str:
    """Round to two digits at most, without a decimal point."""
    return f"{float(f'{number:.2g}'):.0f}"
