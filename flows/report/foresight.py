"""What items can tell, in words, before anything is trained."""

from flows.report.words import count, difference
from rnn_core.metric import Metric


def foresight(metric: Metric, margin: float, items: int) -> str:
    """What so many validation items can tell.

    Empty where nothing is known of the metric.
    """
    if metric.name != "accuracy":
        return ""
    from rnn_core.comparison.need import (  # noqa: PLC0415 - most runs have no use for its NumPy
        items_for_share,
        smallest_share,
    )

    smallest = smallest_share(items)
    text = (
        f"{count(items)} validation items tell accuracies apart that differ by "
        f"{difference(smallest)} and more, if two models differ on one item in ten"
    )
    if smallest <= margin:
        return f"{text}; the margin is {margin:g}."
    return (
        f"{text}. The margin is {margin:g}: for that it takes some "
        f"{count(round_up(items_for_share(margin)))}. With fewer, give a larger share to the "
        f"validation set, or set `margin` to {difference(smallest)}, if that is small enough for "
        "you."
    )


def round_up(number: int) -> int:
    """To two significant digits."""
    step = int(10 ** max(0, len(str(number)) - 2))
    return -(-number // step) * step
