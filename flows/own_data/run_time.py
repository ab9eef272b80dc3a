"""About how long the first run of a new study takes."""

import os
from collections.abc import Sequence

from rnn_core.study import Seeds


def run_time(seconds: float, cells: int, sizes: Sequence[float | str], seeds: Seeds) -> str:
    """What the trainings of a run take on this machine, where nothing is tuned, for a person.

    Args:
        seconds: Of one training at size 1; a larger one takes as many times as long.
        cells: How many there are.
        sizes: Of each, budgets of weights or "equal".
        seeds: How many random seeds there are.
    """
    workers, candidates = os.cpu_count() or 1, cells * len(sizes)
    longest = seconds * max([1.0, *(float(size) for size in sizes if size != "equal")])
    trainings = sorted({candidates * seeds.first, candidates * seeds.most})
    times = [rounded(number * longest / workers) for number in trainings]
    return (
        f"the trainings of a run take up to some {' to '.join(times)} here: "
        f"{' to '.join(map(str, trainings))} of at most {rounded(longest)}, {workers} at a time"
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
