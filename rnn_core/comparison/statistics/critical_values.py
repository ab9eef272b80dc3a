"""Largest chance distances between means of k candidates, in standard errors of a difference."""

from functools import cache

import numpy as np
import numpy.typing as npt
from numpy.polynomial.hermite_e import hermegauss
from numpy.polynomial.legendre import leggauss
from scipy.optimize import brentq
from scipy.stats import chi2, norm, t

ALPHA = 0.05
"""The share of studies in which chance alone may lead to a wrong statement."""

SLACK = 1.01
"""Bonferroni's bound holds exactly; the quadrature does not."""

Floats = npt.NDArray[np.float64]

NODES = 128
"""Nodes of each quadrature; with this number, values agree with scipy to 1e-5."""


@cache
def range_critical(num_candidates: int, df: float) -> float:
    """For the largest of all differences, of a variance that all candidates share.

    Tukey's studentised range; a difference of means has it times the square root of two. It
    is what `scipy.stats.studentized_range` has, in a twentieth of the time.

    Args:
        num_candidates: k, at least 2.
        df: Degrees of freedom of the variance.
    """
    bound = pair_critical(num_candidates * (num_candidates - 1), df)

    def excess(critical: float) -> float:
        return range_probability(critical, num_candidates, df) - 1 + ALPHA

    return float(brentq(excess, 0.0, bound * SLACK, xtol=1e-6))


def range_probability(critical: float, num_candidates: int, df: float) -> float:
    """P(all studentised differences of k means are below a value).

    Given S, the range of Z_1 to Z_k is below sqrt(2) S times the value if, for the largest of
    them, all others are within that distance; both are integrated out.
    """
    scale, scale_weight = scale_nodes(df)
    z, z_weight = normal_nodes()
    reach = norm.cdf(z) - norm.cdf(z - 2**0.5 * critical * scale)
    within = num_candidates * reach ** (num_candidates - 1)
    return float(scale_weight @ within @ z_weight)


@cache
def scale_nodes(df: float) -> tuple[Floats, Floats]:
    """Nodes (M, 1) and weights (M,) of S, whose square is chi-squared over df."""
    u, weight = leggauss(NODES)
    return np.sqrt(chi2.ppf((u + 1) / 2, df) / df)[:, None], weight / 2


@cache
def normal_nodes() -> tuple[Floats, Floats]:
    """Nodes (1, M) and weights (M,) of a standard normal variable."""
    z, weight = hermegauss(NODES)
    return z[None, :], weight / np.sqrt(2 * np.pi)


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
    scale, scale_weight = scale_nodes(df)
    z, z_weight = normal_nodes()
    below = norm.cdf(z + 2**0.5 * critical * scale) ** (num_candidates - 1)
    return float(scale_weight @ below @ z_weight)


@cache
def pair_critical(num_statements: int, df: float) -> float:
    """Critical value for several one-sided statements, each with its own variance (Bonferroni)."""
    return float(t.ppf(1 - ALPHA / num_statements, df))
