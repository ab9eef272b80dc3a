"""Estimate of what would settle the choice: more seeds, more items, or both.

What would settle it nobody knows: it depends on what would then be seen. So that is drawn again
and again from what is known, and for each draw it is seen which numbers of seeds and items would
make some candidate safe. That gives an order of magnitude, and how far it may be off.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf, sqrt

import numpy as np
import numpy.typing as npt

from rnn_core.comparison.outcome import Need
from rnn_core.comparison.race import SAFE
from rnn_core.comparison.statistics.items import Items, item_covariance, pair_variances
from rnn_core.comparison.statistics.posterior import Posterior, Uncertain, scatter

CRITICAL = 2.5
"""Standard errors of a difference that chance seldom exceeds, among a handful of candidates."""

DIFFERING = 0.1
"""The share of items on which one of two good models is right and the other wrong: one in ten is
usual, and the standard deviation of a difference is its square root."""

SEED_STEPS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0)
ITEM_STEPS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Times as many as there are."""

FUTURES = 100
INNER = 500
"""Draws: of what would be seen, and of what could then still be true."""

LIKELY, LEAST, MOST = 0.5, 0.1, 0.9
"""Shares of the futures that are settled."""

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Times as many seeds and items, and in which futures that settles it, (FUTURES,)."""

    seeds: float
    items: float
    settles: Flags

    @property
    def cost(self) -> float:
        """Trainings times items, as a multiple of what was spent."""
        return self.seeds * self.items


def need_of(known: Posterior, num_seeds: int, margin: float) -> Need | None:
    """Find the cheapest way to settle the choice; None if nothing that is tried is likely to.

    Args:
        known: Of the candidates, on the validation set.
        num_seeds: Seeds of those that are still in the race.
        margin: The largest difference that does not matter, in units of the loss.
    """
    items = ITEM_STEPS if known.items is not None else (1.0,)
    steps = [(s, i) for s in SEED_STEPS for i in items if s * i > 1]
    pairs = [
        Pair(seeds=s, items=i, settles=settled(future(known, s, i), grown(known, s, i), margin))
        for s, i in sorted(steps, key=lambda step: (step[0] * step[1], step[1]))
    ]
    chosen = next((pair for pair in pairs if pair.settles.mean() >= LIKELY), None)
    if chosen is None:
        return None
    most = cost_for(pairs, MOST)
    return Need(
        seeds=ceil(chosen.seeds * num_seeds),
        items=chosen.items,
        least=cost_for(pairs, LEAST),
        most=None if most == inf else most,
    )


def cost_for(pairs: Sequence[Pair], share: float) -> float:
    """At what cost some pair settles it in a share of the futures; infinity: at none."""
    each = np.full(FUTURES, inf)
    for pair in pairs:
        each = np.where(pair.settles, np.minimum(each, pair.cost), each)
    return float(np.sort(each)[ceil(share * FUTURES) - 1])


def future(known: Posterior, seeds: float, items: float) -> Floats:
    """Draws of the means with `seeds` and `items` times as many of each, (FUTURES, C).

    They are as far from those of today as what is learned: of a variance V that k times the seeds
    make V / k, the rest.
    """
    found = sqrt(1 - 1 / seeds) * scatter(known.seeds, stream=0, num_draws=FUTURES)
    if known.items is not None:
        found += sqrt(1 - 1 / items) * scatter(known.items, stream=1, num_draws=FUTURES)
    return known.seeds.means + found


def grown(known: Posterior, seeds: float, items: float) -> Floats:
    """Chance errors of means with `seeds` and `items` times as many of each, (INNER, C)."""
    found = scatter(less_uncertain(known.seeds, seeds), stream=2, num_draws=INNER)
    if known.items is not None:
        found = found + scatter(less_uncertain(known.items, items), stream=3, num_draws=INNER)
    return found


def less_uncertain(uncertain: Uncertain, times: float) -> Uncertain:
    """The same with `times` as many seeds or items."""
    return Uncertain(
        means=uncertain.means,
        covariance=uncertain.covariance / times,
        df=uncertain.df * times,
    )


def settled(futures: Floats, chance: Floats, margin: float) -> Flags:
    """In which futures some candidate would be safe."""
    possible = np.ascontiguousarray(chance.T)  # many draws in a row are quicker than many rows
    found = []
    for future in futures:
        means = future[:, None] + possible
        within = means <= means.min(axis=0) + margin
        found.append(within.mean(axis=1).max() >= SAFE)
    return np.asarray(found)


def smallest_share(items: int) -> float:
    """The smallest difference of two shares, such as accuracies, that `items` can show."""
    return CRITICAL * sqrt(DIFFERING / items)


def items_for_share(margin: float) -> int:
    """Number of items that can separate shares that differ by a margin."""
    return ceil(DIFFERING * (CRITICAL / margin) ** 2)


def smallest_difference(items: Items) -> float | None:
    """The smallest difference that the items can tell, by what models scored on them.

    Args:
        items: Losses of at least two candidates, those that may be the best.

    Returns:
        In units of the loss, mean over pairs; None for a single candidate.
    """
    if len(items.losses) < 2:
        return None
    covariance, _ = item_covariance(items)
    pairs = np.triu_indices(len(covariance), 1)
    return float(CRITICAL * np.sqrt(pair_variances(covariance)[pairs]).mean())
