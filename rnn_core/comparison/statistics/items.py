"""Contributions of single items to the differences between candidates."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rnn_core.comparison.rounding import ROUNDING
from rnn_core.errors import StudyError
from rnn_core.metric import Metric
from rnn_core.training.item_scores import ItemScores

UNSEEN = 1.0
"""Difference that an item may make between candidates whose difference did not vary, in units of
the metric: of a share, one is right where the other is wrong."""

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


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


def own_share(losses: Sequence[Sequence[ItemScores]]) -> float:
    """Largest share of an item in a candidate's mean, where seeds have items of their own; else 0.

    Args:
        losses: For each candidate, those of each of its seeds on one split.
    """
    each = [[one.weights.max() / one.weights.sum() for one in s if one.own_to_seed] for s in losses]
    return max((float(max(shares)) / len(shares) for shares in each if shares), default=0.0)


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
    deviations = losses - (losses @ shares)[:, None]
    deviations[np.abs(deviations) <= ROUNDING * np.abs(losses).max()] = 0.0
    _, clusters = np.unique(items.clusters[counts], return_inverse=True)
    if clusters.max() == 0:
        clusters = np.arange(len(clusters))
    cluster_shares = np.bincount(clusters, shares).astype(np.float64)
    if len(cluster_shares) < 2:
        nothing = np.zeros((len(losses), len(losses)))
        return unseen(nothing, nothing == 0, float(shares.max())), np.inf
    sums = np.stack([np.bincount(clusters, row) for row in deviations * shares])
    freed = sums / np.sqrt(1 - cluster_shares)
    covariance = freed @ freed.T
    variances = pair_variances(covariance) if len(covariance) > 1 else covariance
    own = np.diag(covariance)
    constant = variances <= ROUNDING * (own[:, None] + own)
    lacking = unseen(variances, constant, float(shares.max()))
    return covariance + lacking, cluster_df(cluster_shares)


def pair_variances(covariance: Floats) -> Floats:
    """Variances of the differences between means of a covariance, (C, C)."""
    own = np.diag(covariance)
    return np.maximum(own[:, None] + own[None] - 2 * covariance, 0.0)


def same_for_all_seeds(losses: Floats) -> Flags:
    """Find pairs of candidates that differ by the same with every seed that both have, (C, C).

    Args:
        losses: (C, S); NaN where there is none.
    """
    apart = losses[:, None] - losses[None]
    there = np.isfinite(apart)
    largest = np.where(there, apart, -np.inf).max(axis=2)
    smallest = np.where(there, apart, np.inf).min(axis=2)
    return np.asarray(largest - smallest <= ROUNDING * np.nanmax(np.abs(losses)))


def unseen(variances: Floats, constant: Flags, share: float) -> Floats:
    """Covariance of the mean losses that nothing that was seen shows, (C, C).

    Two candidates whose difference does not vary, such as two that are right on every item, or one
    that is right and one that is wrong, may differ otherwise on another item. The variance of
    their difference is then that of one item that they differ on, at least; so is that of a single
    candidate's mean.

    Args:
        variances: Of the differences between the means, (C, C); of a single candidate, its own.
        constant: Which of these differences did not vary, (C, C).
        share: Of an item in a mean.
    """
    missing = np.where(constant, np.maximum((UNSEEN * share) ** 2 - variances, 0.0), 0.0)
    if len(missing) == 1:
        return missing
    np.fill_diagonal(missing, 0.0)
    return np.diag(missing.max(axis=1) / 2)


def cluster_df(shares: Floats) -> float:
    """Degrees of freedom of the variance of a mean by clusters with these shares of it, (G,).

    Those of Satterthwaite for clusters without any correlation.
    """
    alone = shares**2
    together = alone / (1 - shares)
    df = 1 / (alone.sum() + together.sum() ** 2 - (together**2).sum())
    return max(1.0, round(float(df), 9))  # whole where it is so except for rounding
