"""How far apart means of k candidates may be by chance, in standard errors of a difference."""

from functools import cache

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.polynomial.legendre import leggauss
from scipy.optimize import brentq
from scipy.stats import chi2, norm, studentized_range, t

ALPHA = 0.05
"""The share of studies in which chance alone may lead to a wrong statement."""

NODES = 64
"""Of each quadrature; 64 agree with 256 to 1e-6."""


@cache
def range_critical(num_candidates: int, df: float) -> float:
    """For the largest of all differences, of a variance that all candidates share.

    Tukey's studentised range, of which a difference of means has the square root of two.

    Args:
        num_candidates: k, at least 2.
        df: Degrees of freedom of the variance.
    """
    return float(studentized_range.ppf(1 - ALPHA, num_candidates, df)) / 2**0.5


@cache
def best_critical(num_candidates: int, df: float) -> float:
    """For the differences of one candidate to all others, one-sided.

    Dunnett (1955), with which Hsu (The Annals of Statistics 12, 1984) compares each
    candidate with the best of the others.

    Args:
        num_candidates: k, at least 2.
        df: Degrees of freedom of the variance.
    """
    alone, bound = t.ppf(1 - ALPHA, df), pair_critical(num_candidates - 1, df)
    if num_candidates == 2:
        return float(alone)

    def excess(critical: float) -> float:
        return best_probability(critical, num_candidates, df) - 1 + ALPHA

    return float(brentq(excess, alone, bound, xtol=1e-6))


def best_probability(critical: float, num_candidates: int, df: float) -> float:
    """P(all of k - 1 studentised differences to one candidate are below a value).

    The differences (Z_j - Z_0) / (sqrt(2) S) share Z_0 and S, given which they are
    independent; both are integrated out.
    """
    u, u_weight = leggauss(NODES)
    scale = np.sqrt(chi2.ppf((u + 1) / 2, df) / df)[:, None]
    z, z_weight = hermegauss(NODES)
    below = norm.cdf(z[None, :] + 2**0.5 * critical * scale) ** (num_candidates - 1)
    return float(u_weight / 2 @ below @ z_weight / np.sqrt(2 * np.pi))


@cache
def pair_critical(num_statements: int, df: float) -> float:
    """For so many one-sided statements, each with a variance of its own (Bonferroni)."""
    return float(t.ppf(1 - ALPHA / num_statements, df))
