"""What items can tell, in words, before anything is trained or as soon as it is known."""

from math import ceil

from flows.report.words import count, difference
from rnn_core.metric import Metric


def before_training(metric: Metric, margin: float, items: int) -> str:
    """What so many validation items can tell, whatever is trained.

    That can be reckoned of accuracies alone. Of other metrics nothing is known until models have
    been scored; see `after_first_seeds`.

    Args:
        metric: Of the scores.
        margin: The largest difference that does not matter.
        items: Of the validation set.

    Returns:
        Nothing where nothing is known.
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
    needed = f"some {count(round_up(items_for_share(margin)))} items. With fewer"
    return beside_margin(text, margin, smallest, needed)


def after_first_seeds(metric: Metric, margin: float, items: int, smallest: float) -> str:
    """What validation items can tell, by how much scores of models differ from item to item.

    Args:
        metric: Of the scores.
        margin: The largest difference that does not matter.
        items: Of the validation set.
        smallest: The smallest difference that they tell.

    Returns:
        Nothing of accuracies, of which that has been said before.
    """
    if metric.name == "accuracy":
        return ""
    text = (
        f"{count(items)} validation items tell models apart whose {metric.name} differs by "
        f"{difference(smallest)} and more, by what the first random seeds scored on them"
    )
    times = round_up(ceil((smallest / margin) ** 2))
    needed = f"some {count(times)} times as much data. With less"
    return beside_margin(text, margin, smallest, needed)


def beside_margin(text: str, margin: float, smallest: float, needed: str) -> str:
    """What can be told beside what is wanted.

    Args:
        text: What can be told.
        margin: The largest difference that does not matter.
        smallest: The smallest difference that can be told.
        needed: What it takes to tell the margin, and how it is called to have less than that.
    """
    if smallest <= margin:
        return f"{text}; the margin is {margin:g}."
    return (
        f"{text}. The margin is {margin:g}: for that it takes {needed}, give a larger share "
        f"to the validation set, or set `margin` to {difference(smallest)}, if that is small "
        "enough for you."
    )


def round_up(number: int) -> int:
    """To two significant digits."""
    step = int(10 ** max(0, len(str(number)) - 2))
    return -(-number // step) * step
