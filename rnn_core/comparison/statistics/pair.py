"""Two models that are fixed, compared over the items that both were scored on."""

from dataclasses import dataclass

import numpy as np
import scipy.stats

from rnn_core.comparison.statistics.differences import pair_item_variances
from rnn_core.comparison.statistics.items import as_losses, mean_over_seeds
from rnn_core.errors import StudyError
from rnn_core.metric import Metric
from rnn_core.training.item_scores import ItemScores


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A model against another one.

    Attributes:
        better_by: Mean over items of how much better the first is, in units of the metric.
        p_worse: One-sided p value of the first being worse, by a t-test over clusters of items.
        p_better: One-sided p value of its being better.
        num_items: How many items there are.
        num_clusters: How many clusters they make, which alone vary independently.
    """

    better_by: float
    p_worse: float
    p_better: float
    num_items: int
    num_clusters: int


def compare_pair(first: ItemScores, second: ItemScores, metric: Metric) -> Pair:
    """Test whether one model is worse, or better, than another beyond chance.

    The models stay what they are: only other items would give other scores.

    Args:
        first: The scores of a model.
        second: Those of another one, of the same items in the same order.
        metric: Of both.

    Raises:
        StudyError: If they are not of the same items.
    """
    items = mean_over_seeds([[as_losses(each, metric)] for each in (first, second)])
    if items is None:
        raise StudyError("the two models were tested on items of their own")
    apart = items.losses[0] - items.losses[1]
    difference = float(np.average(apart, weights=items.weights)) if apart.any() else 0.0
    variances, df = pair_item_variances(items, 2)
    return Pair(
        better_by=-difference,
        p_worse=p_above(difference, float(variances[0, 1]), df),
        p_better=p_above(-difference, float(variances[0, 1]), df),
        num_items=len(items.weights),
        num_clusters=len(np.unique(items.clusters)),
    )


def p_above(difference: float, variance: float, df: float) -> float:
    """One-sided p value of a difference that is truly 0 or below.

    What does not differ, or is a single item, is no evidence.
    """
    if difference == 0 or np.isinf(df):
        return 1.0
    return float(scipy.stats.t.sf(difference / variance**0.5, df))
