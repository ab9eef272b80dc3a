"""Upper bound on the number of trainings of a dataset. Imports no NumPy."""

from collections.abc import Sequence

from rnn_core.comparison.refits import MEASURED_SEEDS
from rnn_core.study import Seeds
from rnn_core.training.tuning import Round

REFERENCE_SEEDS = 2
"""Random seeds of a reference network: the fewest that tell how much of a score is chance."""


def most_trainings(
    *,
    smallest: int,
    candidates: int,
    references: int,
    seeds: Seeds,
    rounds: Sequence[Round],
    refit: int | None,
) -> int:
    """Largest possible number of trainings, except for an ensemble's.

    Every candidate but the smallest of its cell with as many layers may be tuned again, for which
    its first seeds are trained again. The second search has one more in its last round, which the
    first has trained.

    Args:
        smallest: How many candidates are the smallest of their cell with as many layers.
        candidates: Cells at all of their sizes.
        references: Reference networks.
        seeds: How many random seeds there may be.
        rounds: Those of tuning; none: nothing is tuned.
        refit: How many models of a refit may answer together; None: there is no refit.
    """
    trials = sum(one.values * one.seeds for one in rounds)
    again = (candidates - smallest) * (trials + seeds.first) if rounds else 0
    beside = references * seeds_of_reference(seeds)
    beside += 0 if refit is None else most_refits(refit)
    return candidates * (seeds.most + trials) + again + beside


def seeds_of_reference(seeds: Seeds) -> int:
    """Number of random seeds of a reference network."""
    return min(REFERENCE_SEEDS, seeds.most)


def most_refits(members: int) -> int:
    """Largest number of trainings of a refit: two per seed to measure it, and those to register.

    Args:
        members: Models that may answer together; 1: there is no ensemble.
    """
    return 2 * MEASURED_SEEDS + members + (members > 1)
