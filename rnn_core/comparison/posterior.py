"""How good each candidate truly is, as far as random seeds and items of a split tell.

Shapes: C candidates, S random seeds, N items, D draws; all float64. Losses are small where good.

The loss of candidate c with seed s is m_c + b_s + e_cs: the candidate's true mean, what the seed
does to all candidates alike (the order of batches, the fold that is left out), and chance, of a
variance that each candidate has of its own (see `moderation`). With flat priors on m and b the
differences between the means have a multivariate t distribution. What other items would have
changed is added to it, another t, whose degrees of freedom are the clusters of items less one.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv

from rnn_core.comparison.items import Items, item_covariance
from rnn_core.comparison.moderation import moderate

DRAWS = 10_000
"""A chance of 1 % or of 99 % is known to 0.1 % by so many."""

ROUNDS = 10
"""Variances and means depend on each other; they settle in fewer."""

NO_DF = 1e-9
"""Fewer degrees of freedom are rounding, and none at all."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Uncertain:
    """Means that are known but for a constant that all share.

    Attributes:
        means: Of each candidate, (C,).
        covariance: Of their differences: (C, C), of which only u' K u with sum(u) = 0 counts.
        df: Degrees of freedom.
    """

    means: Floats
    covariance: Floats
    df: float


@dataclass(frozen=True, kw_only=True)
class Posterior:
    """What is known of how good each candidate is.

    Attributes:
        seeds: What the losses of seeds tell.
        items: What other items would change; its means are 0. None: nothing.
    """

    seeds: Uncertain
    items: Uncertain | None

    def draws(self) -> Floats:
        """Draws of the true means, (D, C), but for a constant; the same at every call."""
        found = self.seeds.means + scatter(self.seeds, stream=0)
        return found if self.items is None else found + scatter(self.items, stream=1)


@dataclass(frozen=True, kw_only=True)
class Risk:
    """What one takes upon oneself with each candidate, (C,) each.

    Attributes:
        chance: That it is within the margin of the best candidate.
        expected_loss: By how much it is worse than the best, the mean of what is possible, in
            margins.
    """

    chance: Floats
    expected_loss: Floats


def risk_of(draws: Floats, margin: float) -> Risk:
    """What the draws of the true means say of each candidate."""
    behind = draws - draws.min(axis=1, keepdims=True)
    return Risk(chance=(behind <= margin).mean(axis=0), expected_loss=behind.mean(axis=0) / margin)


def posterior(losses: Floats, items: Items | None) -> Posterior | None:
    """What is known of the true means of candidates.

    Args:
        losses: (C, S); NaN where a candidate was not trained with a seed, or diverged.
        items: What single items contribute; None where seeds do not share them, so that the
            losses of seeds vary as items do.

    Returns:
        None where no candidate tells how its losses vary.
    """
    of_seeds = fit(losses)
    if of_seeds is None:
        return None
    if items is None:
        return Posterior(seeds=of_seeds, items=None)
    covariance, df = item_covariance(items)
    nothing = np.zeros(len(losses))
    return Posterior(seeds=of_seeds, items=Uncertain(means=nothing, covariance=covariance, df=df))


def fit(losses: Floats) -> Uncertain | None:
    """Means, variances and what seeds do to all alike, from losses with gaps.

    Weighted least squares, whose weights are the reciprocals of the moderated variances; the
    variances are those of what it leaves, by the degrees of freedom that it leaves each.
    """
    there = np.isfinite(losses)
    known = np.where(there, losses, 0.0)
    variances = np.ones(len(losses))
    for _ in range(ROUNDS):
        means, covariance, shares = weighted_means(known, there / variances[:, None])
        common = (shares * (known - means[:, None])).sum(axis=0)
        rest = np.where(there, known - means[:, None] - common, 0.0)
        df = degrees_of_freedom(there, shares)
        if not df.any():
            return None
        own = np.divide((rest**2).sum(axis=1), df, out=np.zeros_like(df), where=df > 0)
        moderated = moderate(own, df)
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


def degrees_of_freedom(there: npt.NDArray[np.bool_], shares: Floats) -> Floats:
    """What is left to each candidate's variance, (C,), once means and seeds are taken out."""
    count = there.sum(axis=1)
    left = ((1 - shares) * there).sum(axis=1) * (1 - 1 / np.maximum(count, 1))
    return np.where(left > NO_DF, left, 0.0)


def scatter(uncertain: Uncertain, stream: int) -> Floats:
    """Draws of a multivariate t distribution around 0, (D, C)."""
    normal, level = standard_draws(len(uncertain.covariance), stream)
    values, vectors = np.linalg.eigh(uncertain.covariance)
    drawn = normal @ (vectors * np.sqrt(np.maximum(values, 0.0))).T
    if np.isinf(uncertain.df):
        return np.asarray(drawn)
    chi2 = 2 * gammaincinv(uncertain.df / 2, level)
    return np.asarray(drawn * np.sqrt(uncertain.df / chi2)[:, None])


@cache
def standard_draws(num_candidates: int, stream: int) -> tuple[Floats, Floats]:
    """Standard normal draws, (D, C), and uniform ones, (D,); the same in every process."""
    generator = np.random.default_rng([stream, num_candidates])
    return generator.standard_normal((DRAWS, num_candidates)), generator.uniform(size=DRAWS)
