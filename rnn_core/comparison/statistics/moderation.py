"""Variances of several candidates, shrunk towards each other.

Three random seeds that agree by chance have a tiny variance, and a decision that trusts it is
wrong. What the variances of the other candidates say of this one is worth some more seeds: how
many is estimated from how far they are apart (Smyth, Statistical Applications in Genetics and
Molecular Biology 3, 2004, article 3, section 6.2, whose genes are our candidates).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import digamma, polygamma

FLOOR = 1e-5
"""A smaller share of the median variance counts as this, since logarithms are taken; of the largest
one, where most candidates do not vary."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Moderated:
    """Variances that were shrunk towards each other.

    Attributes:
        variances: Of each candidate, (C,).
        df: Degrees of freedom that each of them is worth, their own and those that the others
            lend it; infinity where there is no variance at all.
    """

    variances: Floats
    df: float


def moderate(variances: Floats, df: Floats) -> Moderated:
    """Shrink variances towards each other.

    Args:
        variances: Of each candidate, (C,).
        df: Their degrees of freedom, (C,); 0 where nothing is known of one.
    """
    known = df > 0
    if not known.any() or variances[known].max() == 0:
        return Moderated(variances=np.zeros_like(variances), df=np.inf)
    own = df[known]
    prior, prior_df = prior_of(variances[known], own)
    if np.isinf(prior_df):
        return Moderated(variances=np.full_like(variances, prior), df=float(own.sum()))
    shrunk = (prior_df * prior + df * variances) / (prior_df + df)
    return Moderated(variances=shrunk, df=float(min(prior_df + own.mean(), own.sum())))


def prior_of(variances: Floats, df: Floats) -> tuple[float, float]:
    """The variance that all are shrunk to, and the degrees of freedom that it is worth.

    The logarithm of a variance of `df` degrees of freedom has the variance trigamma(df / 2). By
    how much they differ more than that tells how much they are truly apart; where they do not,
    one variance holds for all: infinitely many degrees of freedom.
    """
    middle, largest = np.median(variances), variances.max()
    floor = FLOOR * (middle if middle > FLOOR * largest else largest)
    logs = np.log(np.maximum(variances, floor)) - digamma(df / 2) + np.log(df / 2)
    apart = float(logs.var(ddof=1) - polygamma(1, df / 2).mean()) if len(logs) > 1 else 0.0
    if apart <= 0:
        return float((df * variances).sum() / df.sum()), np.inf
    prior_df = 2 * trigamma_inverse(apart)
    return float(np.exp(logs.mean() + digamma(prior_df / 2) - np.log(prior_df / 2))), prior_df


def trigamma_inverse(value: float) -> float:
    """Where trigamma has a value above 0, by Newton's method on its reciprocal, which is convex.

    See Smyth (2004), appendix.
    """
    if value > 1e7:
        return float(1 / np.sqrt(value))
    if value < 1e-6:
        return 1 / value
    at = 0.5 + 1 / value
    for _ in range(50):
        here = polygamma(1, at)
        step = here * (1 - here / value) / polygamma(2, at)
        at += step
        if abs(step) < 1e-10 * at:
            break
    return float(at)
