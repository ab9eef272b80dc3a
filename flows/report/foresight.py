"""Say how small a difference the validation set can show, as soon as it is known."""

from decimal import ROUND_CEILING, Context
from math import ceil

from flows.report.words import count, difference
from rnn_core.metric import Metric

ONE_PERCENT = 0.01
"""As `margin` has it."""


def before_training(metric: Metric, margin: float, items: int) -> str:
    """Say how small a difference the validation items can show, before any training.

    This can be computed only for accuracies. For other metrics it is known once models have been
    scored; see `after_first_seeds`.

    Args:
        metric: Metric of the scores.
        margin: The largest difference that does not matter.
        items: Number of items of the validation set.

    Returns:
        The text; empty if it is not known.
    """
    if metric.name != "accuracy":
        return ""
    from rnn_core.comparison.need import (  # noqa: PLC0415 - has NumPy, which most runs do not need
        items_for_share,
        smallest_share,
    )

    smallest = smallest_share(items)
    text = (
        f"{count(items)} validation items tell accuracies apart that differ by "
        f"{difference(smallest, margin)} and more, if two models differ on one "
        "item in ten, which is a guess before training"
    )
    needed = f"some {count(round_up(items_for_share(margin)))} items. With fewer"
    if margin >= 1:
        return (
            f"{text}. The margin is {margin:g}, but accuracies are from 0 to 1: no two differ by "
            "more, so that scores decide nothing. Set `margin` to a share,"
            f" such as {ONE_PERCENT} for 1 %."
        )
    return beside_margin(text, margin, smallest, needed)


def after_first_seeds(metric: Metric, margin: float, items: int, smallest: float) -> str:
    """Say how small a difference the validation items can show, after the first seeds.

    Args:
        metric: Metric of the scores.
        margin: The largest difference that does not matter.
        items: Number of items of the validation set.
        smallest: The smallest difference that they can show, estimated from scored models.

    Returns:
        The text; empty for accuracies, since `before_training` has said it.
    """
    if metric.name == "accuracy":
        return ""
    text = (
        f"{count(items)} validation items tell models apart whose {metric.in_words} differs by "
        f"{difference(smallest, margin)} and more, by what the first random seeds scored on them"
    )
    times = round_up(ceil((smallest / margin) ** 2))
    needed = f"some {count(times)} times as much data. With less"
    return beside_margin(text, margin, smallest, needed)


def margin_moved(before: float | None, margin: float) -> str:
    """Say that a margin was changed once test scores were known; empty if it was not.

    Args:
        before: The margin of the last comparison; None if there is none.
        margin: The margin now.
    """
    if before is None or before == margin:
        return ""
    return (
        f"the margin is {margin:g} now, and was {before:g} in the last comparison, which has read "
        "the test set. The error rate of a decision holds for a margin that is set before scores "
        "are seen: change it only because another difference matters to you."
    )


def beside_margin(text: str, margin: float, smallest: float, needed: str) -> str:
    """Compare the smallest difference that can be shown with the margin.

    Args:
        text: A sentence about the smallest difference.
        margin: The largest difference that does not matter.
        smallest: The smallest difference that the items can show.
        needed: The data that is needed to show the margin, and the words "With fewer" or "With
            less".
    """
    if smallest <= margin:
        return f"{text}; the margin is {margin:g}."
    enough = Context(prec=2, rounding=ROUND_CEILING).create_decimal(str(smallest))
    return (
        f"{text}. The margin is {margin:g}: for that it takes {needed}, give a larger share "
        f"to the validation set, or set `margin` to {float(enough):g}, if that is small "
        "enough for you."
    )


def round_up(number: int) -> int:
    """Round up to two significant digits."""
    step = int(10 ** max(0, len(str(number)) - 2))
    return -(-number // step) * step
