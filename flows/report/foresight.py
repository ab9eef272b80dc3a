"""What items can tell, in words, before anything is trained or as soon as it is known."""

from math import ceil

from flows.report.words import count, difference
from rnn_core.metric import Metric


def foresight(metric: Metric, margin: float, items: int, smallest: float | None = None) -> str:
    """What so many validation items can tell.

    Of accuracies that can be reckoned before anything is trained. Of other metrics nothing is
    known until models have been scored, and then how much their scores differ from item to item.

    Args:
        metric: Of the scores.
        margin: The largest difference that does not matter.
        items: Of the validation set.
        smallest: The smallest difference that they tell, by what models scored on them; None:
            nothing is trained yet.

    Returns:
        Nothing where nothing is known, or has been said before.
    """
    if (metric.name == "accuracy") != (smallest is None):
        return ""
    if smallest is not None:
        return seen(metric, margin, items, smallest)
    from rnn_core.comparison.need import (  # noqa: PLC0415 - most runs have no use for its NumPy
        items_for_share,
        smallest_share,
    )

    smallest = smallest_share(items)
    text = (
        f"{count(items)} validation items tell accuracies apart that differ by "
        f"{difference(smallest)} and more, if two models differ on one item in ten"
    )
    needed = f"some {count(round_up(items_for_share(margin)))}"
    return beside_margin(text, margin, smallest, needed)


def seen(metric: Metric, margin: float, items: int, smallest: float) -> str:
    """What validation items can tell, by what models scored on them."""
    text = (
        f"{count(items)} validation items tell models apart whose {metric.name} differs by "
        f"{difference(smallest)} and more, by what the first random seeds scored on them"
    )
    times = round_up(ceil((smallest / margin) ** 2))
    return beside_margin(text, margin, smallest, f"some {count(times)} times as much data")


def beside_margin(text: str, margin: float, smallest: float, needed: str) -> str:
    """What can be told beside what is wanted.

    Args:
        text: What can be told.
        margin: The largest difference that does not matter.
        smallest: The smallest difference that can be told.
        needed: What it takes to tell the margin.
    """
    if smallest <= margin:
        return f"{text}; the margin is {margin:g}."
    return (
        f"{text}. The margin is {margin:g}: for that it takes {needed}. With less, give a larger "
        f"share to the validation set, or set `margin` to {difference(smallest)}, if that is small "
        "enough for you."
    )


def round_up(number: int) -> int:
    """To two significant digits."""
    step = int(10 ** max(0, len(str(number)) - 2))
    return -(-number // step) * step
