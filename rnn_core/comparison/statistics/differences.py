"""Differences between candidates that were trained and tested on the same, and their errors.

Shapes: C candidates, S seeds, N test items, all float64. Losses are small where good.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import scipy.stats

from rnn_core.comparison.rounding import ROUNDING
from rnn_core.comparison.statistics.critical_values import (
    best_critical,
    pair_critical,
    range_critical,
)
from rnn_core.comparison.statistics.items import (
    Items,
    item_covariance,
    pair_variances,
    same_for_all_seeds,
    unseen,
)

DF_TABLE: tuple[float, ...] = (*range(1, 31), 40, 60, 120, 1000)
"""Degrees of freedom are rounded down to one of these, since quantiles are slow to compute."""

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Differences:
    """Mean losses of row less those of column, (C, C), and how uncertain they are.

    Attributes:
        means: The differences.
        seed_variances: Their variance by training with other seeds.
        item_variances: Their variance by testing on other items.
        seed_df: Degrees of freedom of `seed_variances`.
        item_df: Degrees of freedom of `item_variances`.
        shared_variance: Whether one variance holds for all candidates.
        num_seeds: S.
    """

    means: Floats
    seed_variances: Floats
    item_variances: Floats
    seed_df: float
    item_df: float
    shared_variance: bool
    num_seeds: int

    @property
    def num_candidates(self) -> int:
        """C."""
        return len(self.means)

    def reach(self, critical: Callable[[float], float]) -> Floats:
        """Largest errors of differences by chance, (C, C).

        Each variance has the critical value of its own degrees of freedom (Banerjee, Sankhya
        22, 1960), which is never too narrow. One value for their sum, by the degrees of freedom
        of Satterthwaite, is: where few seeds happen to agree, it takes them for many.

        Args:
            critical: The critical value for some degrees of freedom.
        """
        seeds, items = (critical(rounded_down(df)) for df in (self.seed_df, self.item_df))
        return np.asarray(np.sqrt(seeds**2 * self.seed_variances + items**2 * self.item_variances))


def paired_differences(losses: Floats, items: Items | None, own_share: float = 0.0) -> Differences:
    """Compare candidates that share seeds, and items if there are any.

    The variance is pooled over all candidates, from what remains of their losses without
    the means of candidate and seed. Where variances differ (Bartlett's test, at a level that
    is the looser the fewer seeds there are), each pair has the variance of its own.

    Args:
        losses: (C, S), of at least two candidates and two seeds.
        items: None if seeds are not tested on the same items; the variance over seeds then
            holds that over items.
        own_share: Of an item in a mean, in the same case; see `unseen`.
    """
    num_candidates, num_seeds = losses.shape
    means = losses.mean(axis=1)
    rest = losses - means[:, None] - losses.mean(axis=0) + losses.mean()
    shared = has_shared_variance(rest)
    if shared:
        seed_df = (num_candidates - 1) * (num_seeds - 1)
        pooled = 2 * (rest**2).sum() / seed_df / num_seeds
        seed_variances = pooled * (1 - np.eye(num_candidates))
    else:
        seed_df = num_seeds - 1
        apart = losses[:, None] - losses[None]
        seed_variances = apart.var(axis=2, ddof=1) / num_seeds
    lacking = unseen(seed_variances, same_for_all_seeds(losses), own_share)
    item_variances, item_df = pair_item_variances(items, num_candidates)
    return Differences(
        means=means[:, None] - means[None],
        seed_variances=seed_variances + pair_variances(lacking),
        item_variances=item_variances,
        seed_df=seed_df,
        item_df=item_df,
        shared_variance=shared,
        num_seeds=num_seeds,
    )


def has_shared_variance(rest: Floats) -> bool:
    """Return whether what remains of all candidates' losses varies alike."""
    variances = rest.var(axis=1)
    if len(rest) < 3 or variances.max() == 0:  # two candidates leave the same except for the sign
        return True
    if variances.min() <= ROUNDING * variances.max():
        return False
    return bool(scipy.stats.bartlett(*rest).pvalue >= 1 / rest.shape[1])


def pair_item_variances(items: Items | None, num_candidates: int) -> tuple[Floats, float]:
    """Variance of each difference by items, (C, C), and its degrees of freedom."""
    if items is None:
        return np.zeros((num_candidates, num_candidates)), np.inf
    covariance, df = item_covariance(items)
    return pair_variances(covariance), df


@dataclass(frozen=True, kw_only=True)
class AgainstBest:
    """Each candidate against the best of the others, (C,) each.

    Attributes:
        lower: By how much it is worse at least; 0 or below where it may be the best.
        upper: By how much it is worse at most; 0 where no other may be the best.
        inferior: Whether it is worse than some other.
    """

    lower: Floats
    upper: Floats
    inferior: Flags


def compare_with_best(differences: Differences) -> AgainstBest:
    """Multiple comparisons with the best (Hsu, The Annals of Statistics 12, 1984).

    All intervals hold together in 95 % of studies. `inferior` needs more than a lower limit
    of 0, which equal candidates reach too: it is judged by the largest of all differences
    (Tukey), so that of equal candidates one is called inferior in 5 % of studies.
    """
    k, means = differences.num_candidates, differences.means
    if differences.shared_variance:
        for_best = differences.reach(partial(best_critical, k))
        for_range = differences.reach(partial(range_critical, k))
    else:
        for_best = differences.reach(partial(pair_critical, k - 1))
        for_range = differences.reach(partial(pair_critical, k * (k - 1)))
    others = ~np.eye(k, dtype=bool)
    least = np.where(others, means - for_best, -np.inf).max(axis=1)
    may_be_best = (least < 0) | (means.max(axis=1) <= 0)  # also where there is no error at all
    rivals = others & may_be_best[None]
    most = np.where(rivals, means + for_best, -np.inf).max(axis=1)
    inferior = np.asarray((others & (means > for_range)).any(axis=1))
    return AgainstBest(
        lower=least,
        upper=np.where(rivals.any(axis=1), np.maximum(most, 0.0), 0.0),
        inferior=inferior,
    )


def rounded_down(df: float) -> float:
    """The next lower of the degrees of freedom that critical values are computed for."""
    return DF_TABLE[int(np.searchsorted(DF_TABLE, df, side="right")) - 1]
