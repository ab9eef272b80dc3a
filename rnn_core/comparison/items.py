"""What single items contribute to the differences between candidates."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rnn_core.errors import StudyError
from rnn_core.metric import Metric
from rnn_core.training.item_scores import ItemScores


@dataclass(frozen=True, kw_only=True)
class Items:
    """What each item contributes; C candidates, N items.

    Attributes:
        losses: Of each item, mean over seeds, (C, N).
        weights: How much each item counts, (N,).
        clusters: Items of the same number do not vary independently, int64 (N,).
    """

    losses: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64]
    clusters: npt.NDArray[np.int64]


def item_losses(scores: Sequence[Sequence[ItemScores]], metric: Metric) -> Items | None:
    """The losses of items, mean over seeds; None where seeds have items of their own.

    Args:
        scores: For each candidate, the scores of each of its seeds on one split.
        metric: The metric of the scores.

    Raises:
        StudyError: If candidates were scored on different items.
    """
    each = [one for seeds in scores for one in seeds]
    first = each[0]
    if first.own_to_seed:
        return None
    if any(one.weights.shape != first.weights.shape for one in each):
        raise StudyError("candidates were not tested on the same items; run `gatewise run`")
    losses = np.stack([np.mean([one.values for one in seeds], axis=0) for seeds in scores])
    clusters = first.clusters
    return Items(
        losses=metric.loss(1.0) * losses,
        weights=first.weights,
        clusters=np.arange(len(first.weights)) if clusters is None else clusters,
    )
