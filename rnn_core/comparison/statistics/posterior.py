"""Posterior of the true mean of each candidate, given random seeds and items of a split.

Shapes: C candidates, S random seeds, N items, D draws; all float64. Losses are small where good.

The loss of candidate c with seed s is m_c + b_s + e_cs: the candidate's true mean, what the seed
does to all candidates alike (the order of batches, the fold that is left out), and chance, of a
variance that each candidate has of its own (see `moderation`). With flat priors on m and b the
differences between the means have a multivariate t distribution. What other items would have
changed is added to it, another t, whose degrees of freedom are the clusters of items less one.
"""

from dataclasses import dataclass, replace
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt
from scipy.sparse.csgraph import connected_components
from scipy.special import gammaincinv

from rnn_core.comparison.rounding import ROUNDING
from rnn_core.comparison.statistics.items import (
    Items,
    item_covariance,
    pair_variances,
    same_for_all_seeds,
    unseen,
)
from rnn_core.comparison.statistics.moderation import moderate

DRAWS = 10_000
"""Number of draws, with which a chance of 1 % or of 99 % is known to 0.1 %."""

ROUNDS = 10
"""Variances and means depend on each other; they settle in fewer."""

NO_DF = 1e-9
"""Fewer degrees of freedom are rounding, and none at all."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Uncertain:
    """Means that are known except for a constant that all share.

    Attributes:
        means: Of each candidate, (C,).
        covariance: Of their differences: K (C, C), where only u' K u with sum(u) = 0 counts.
        df: Degrees of freedom.
    """

    means: Floats
    covariance: Floats
    df: float


@dataclass(frozen=True, kw_only=True)
class Posterior:
    """Posterior of the true means of candidates.

    Attributes:
        seeds: What the losses of seeds tell.
        items: What other items would change; its means are 0. None: nothing.
    """

    seeds: Uncertain
    items: Uncertain | None

    def draws(self) -> Floats:
        """Draws of the true means, (D, C), except for a constant; the same at every call."""
        found = self.seeds.means + scatter(self.seeds, stream=0)
        return found if self.items is None else found + scatter(self.items, stream=1)


@dataclass(frozen=True, kw_only=True)
class Risk:
    """Risk of using each candidate, (C,) each.

    Attributes:
        chance: That it is within the margin of the best candidate.
        expected_loss: By how much it is worse than the best, the mean of what is possible, in
            margins.
    """

    chance: Floats
    expected_loss: Floats


def risk_of(draws: Floats, margin: float) -> Risk:
    """Risk of each candidate, from draws of the true means."""
    behind = draws - draws.min(axis=1, keepdims=True)
    return Risk(chance=(behind <= margin).mean(axis=0), expected_loss=behind.mean(axis=0) / margin)


def posterior(losses: Floats, items: Items | None, own_share: float = 0.0) -> Posterior | None:
    """Posterior of the true means of candidates.

    Args:
        losses: (C, S); NaN where a candidate was not trained with a seed, or diverged.
        items: What single items contribute; None where seeds do not share them, so that the
            losses of seeds vary as items do.
        own_share: Of an item in a mean, in the same case; see `unseen`.

    Returns:
        None where nothing tells how losses vary, or how two candidates differ.
    """
    of_seeds = fit(losses)
    if of_seeds is None:
        return None
    if items is None:
        variances = pair_variances(of_seeds.covariance)
        lacking = unseen(variances, same_for_all_seeds(losses), own_share)
        own = replace(of_seeds, covariance=of_seeds.covariance + lacking)
        return Posterior(seeds=own, items=None)
    covariance, df = item_covariance(items)
    nothing = np.zeros(len(losses))
    return Posterior(seeds=of_seeds, items=Uncertain(means=nothing, covariance=covariance, df=df))


def fit(losses: Floats) -> Uncertain | None:
    """Means, variances and what seeds do to all alike, from losses with gaps.

    Weighted least squares, whose weights are the reciprocals of the moderated variances; the
    variances are those of what it leaves, by the degrees of freedom that it leaves each. Losses
    that share their seed with no other say nothing about differences, and leave none. Nor is there
    evidence of how two candidates differ that neither have a seed in common nor are linked by
    others that have.
    """
    there = np.isfinite(losses)
    if connected_components(there @ there.T)[0] > 1:
        return None
    known = np.where(there, losses, 0.0)
    rounding = (ROUNDING * np.abs(known).max()) ** 2
    variances = np.ones(len(losses))
    for _ in range(ROUNDS):
        weights = there / variances[:, None]
        means, covariance, shares = weighted_means(known, weights)
        common = (shares * (known - means[:, None])).sum(axis=0)
        rest = np.where(there, known - means[:, None] - common, 0.0)
        df = degrees_of_freedom(weights, shares, covariance)
        if not df.any():
            return None
        own = np.divide((rest**2).sum(axis=1), df, out=np.zeros_like(df), where=df > 0)
        moderated = moderate(np.where(own > rounding, own, 0.0), df)
        if not moderated.variances.any():
            return Uncertain(means=means, covariance=np.zeros_like(covariance), df=np.inf)
        variances = moderated.variances
    means, covariance, _ = weighted_means(known, there / variances[:, None])
    return Uncertain(means=means, covariance=covariance, df=moderated.df)


def weighted_means(losses: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Means without what seeds do to all alike, their covariance, and shares of weights by seed.

    Args:
        losses: (C, S).
        weights: (C, S), 0 where there is no loss.
    """
    totals = weights.sum(axis=0)
    shares = np.divide(weights, totals, out=np.zeros_like(weights), where=totals > 0)
    information = np.diag(weights.sum(axis=1)) - shares @ weights.T
    covariance = np.linalg.pinv(information, hermitian=True)
    weighed = weights * losses
    return covariance @ (weighed.sum(axis=1) - shares @ weighed.sum(axis=0)), covariance, shares


def degrees_of_freedom(weights: Floats, shares: Floats, covariance: Floats) -> Floats:
    """Degrees of freedom of each candidate's variance, (C,), after removing means and seeds.

    One for each loss, less its leverage: by how much its fit follows it.

    Args:
        weights: (C, S), 0 where there is no loss.
        shares: Of the weights of a seed, (C, S).
        covariance: Of the means, (C, C).
    """
    with_mean = covariance @ shares
    own = np.diag(covariance)[:, None] - 2 * with_mean + (shares * with_mean).sum(axis=0)
    left = ((weights > 0) - shares - weights * own).sum(axis=1)
    return np.where(left > NO_DF, left, 0.0)


def scatter(uncertain: Uncertain, stream: int, num_draws: int = DRAWS) -> Floats:
    """Draws of a multivariate t distribution around 0, (D, C).

    By the symmetric root of the covariance, which is unique. Of equal eigenvalues, which
    equal variances have, rounding alone would choose the vectors.

    Args:
        uncertain: What is drawn; its means are left out.
        stream: Streams are independent of each other.
        num_draws: D; `DRAWS` at most. Of an odd number, the last has no mirror image.
    """
    num_candidates = len(uncertain.covariance)
    values, vectors = np.linalg.eigh(uncertain.covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    drawn = standard_draws(num_candidates, stream)[0][:num_draws] @ root
    if np.isfinite(uncertain.df):
        drawn *= stretches(num_candidates, stream, num_draws, uncertain.df)[:, None]
    return np.asarray(drawn)


@lru_cache(maxsize=64)  # quantiles are slow to compute, and each look is taken more than once
def stretches(num_candidates: int, stream: int, num_draws: int, df: float) -> Floats:
    """By how much draws of a t distribution are further out than normal ones, (D,)."""
    levels = standard_draws(num_candidates, stream)[1][:num_draws:2]
    halves = np.maximum(gammaincinv(df / 2, levels), np.finfo(np.float64).tiny)  # not 0 for few df
    return np.repeat(np.sqrt(df / 2 / halves), 2)[:num_draws]


@cache
def standard_draws(num_candidates: int, stream: int) -> tuple[Floats, Floats]:
    """Standard normal draws, (D, C), and uniform ones, (D,); the same in every process.

    Each is followed by its mirror image. So of two candidates the one with the better mean has the
    smaller expected loss, however far out a few draws of few degrees of freedom are.
    """
    generator = np.random.default_rng([stream, num_candidates])
    normal = generator.standard_normal((DRAWS // 2, num_candidates))
    level = np.repeat(generator.uniform(size=DRAWS // 2), 2)
    return np.stack([normal, -normal], axis=1).reshape(DRAWS, num_candidates), level
