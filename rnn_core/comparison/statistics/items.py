"""Contributions of single items to the differences between candidates."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rnn_core.errors import StudyError
from rnn_core.metric import Metric
from rnn_core.training.item_scores import ItemScores

UNSEEN = 1.0
"""Difference that an item may make between candidates that no item tells apart, in units of the
metric: of a share, one is right where the other is wrong."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Items:
    """Contribution of each item; C candidates, N items.

    Attributes:
        losses: Of each item, mean over seeds, (C, N).
        weights: How much each item counts, (N,).
        clusters: Items of the same number do not vary independently, int64 (N,).
    """

    losses: Floats
    weights: Floats
    clusters: npt.NDArray[np.int64]


def as_losses(scores: ItemScores, metric: Metric) -> ItemScores:
    """The scores of items as something that should be small."""
    return replace(scores, values=metric.loss(1.0) * scores.values)


def mean_over_seeds(losses: Sequence[Sequence[ItemScores]]) -> Items | None:
    """The losses of items, mean over seeds; None where seeds have items of their own.

    Args:
        losses: For each candidate, those of each of its seeds on one split.

    Raises:
        StudyError: If candidates were scored on different items.
    """
    each = [one for seeds in losses for one in seeds]
    first = each[0]
    if first.own_to_seed:
        return None
    if any(one.weights.shape != first.weights.shape for one in each):
        raise StudyError("candidates were not tested on the same items; run `gatewise run`")
    clusters = first.clusters
    return Items(
        losses=np.stack([np.mean([one.values for one in seeds], axis=0) for seeds in losses]),
        weights=first.weights,
        clusters=np.arange(len(first.weights)) if clusters is None else clusters,
    )


def item_covariance(items: Items) -> tuple[Floats, float]:
    """Covariance of candidates' mean losses over their items, (C, C), and degrees of freedom.

    Sums over clusters, as in the cluster-robust variance of a mean (Liang and Zeger, Biometrika 73,
    1986), each corrected for its influence on the mean; with fewer degrees of freedom the less
    equal clusters are (Bell and McCaffrey, Survey Methodology 28, 2002; Imbens and Kolesar, Review
    of Economics and Statistics 98, 2016). Of equal clusters that is one less than their number; it
    is infinity where a single item is all. Where there is only one cluster, which says nothing
    about others, items count as independent. What no item tells, see `unseen`.
    """
    counts = items.weights > 0
    shares = items.weights[counts] / items.weights.sum()
    losses = items.losses[:, counts]
    deviations = (losses - (losses @ shares)[:, None]) * shares
    _, clusters = np.unique(items.clusters[counts], return_inverse=True)
    num_clusters = int(clusters.max()) + 1
    if num_clusters < 2:
        clusters, num_clusters = np.arange(len(clusters)), len(clusters)
    if num_clusters < 2:
        return unseen(losses, shares), np.inf
    cluster_shares = np.bincount(clusters, shares, num_clusters).astype(np.float64)
    sums = np.stack([np.bincount(clusters, row, num_clusters) for row in deviations])
    freed = sums / np.sqrt(1 - cluster_shares)
    return freed @ freed.T + unseen(losses, shares), cluster_df(cluster_shares)


def unseen(losses: Floats, shares: Floats) -> Floats:
    """Covariance of the mean losses that no item of a split shows, (C, C).

    Two candidates that are alike on every item may differ on another. The variance of their
    difference is then that of one item that they differ on. A single item shows no variance of any.

    Args:
        losses: Of each item, (C, N).
        shares: Of the items in a mean, (N,).
    """
    if len(losses) < 2:
        return np.zeros((len(losses), len(losses)))
    _, kinds, counts = np.unique(losses, axis=0, return_inverse=True, return_counts=True)
    alike = (counts[kinds.reshape(-1)] > 1) | (len(shares) < 2)
    return np.diag(np.where(alike, (UNSEEN * shares.max()) ** 2 / 2, 0.0))


def cluster_df(shares: Floats) -> float:
    """Degrees of freedom of the variance of a mean by clusters with these shares of it, (G,).

    Those of Satterthwaite for clusters without any correlation.
    """
    alone = shares**2
    together = alone / (1 - shares)
    df = 1 / (alone.sum() + together.sum() ** 2 - (together**2).sum())
    return max(1.0, round(float(df), 9))  # whole where it is so except for rounding
