"""How each candidate stands against the best of the others on one split."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from rnn_core.comparison.differences import Differences, compare_with_best, paired_differences
from rnn_core.comparison.outcome import Standing
from rnn_core.comparison.race import Trained, items_of, loss_matrix

FEWEST_SEEDS = 2
"""Seeds that have a standard deviation."""

Floats = npt.NDArray[np.float64]


def standings(trained: Mapping[str, Sequence[Trained]]) -> dict[str, Standing]:
    """How each candidate of which no seed diverged stands.

    Intervals and flags want the same seeds of all. A candidate is judged by all the seeds that it
    has, against those that have as many: as it stood when it left the race.

    Args:
        trained: The trainings of each candidate on a split, from random seed 0 on.
    """
    found: dict[str, Standing] = {}
    for number in sorted({len(each) for each in trained.values()}):
        group = {name: each[:number] for name, each in trained.items() if len(each) >= number}
        group = {name: each for name, each in group.items() if is_complete(each)}
        each = zip(group, standings_in(list(group.values())), strict=True)
        found |= {name: standing for name, standing in each if len(trained[name]) == number}
    return found


def is_complete(trained: Sequence[Trained]) -> bool:
    """Whether no training diverged."""
    return all(one.loss is not None for one in trained)


def standings_in(group: Sequence[Sequence[Trained]]) -> list[Standing]:
    """How each candidate of a group stands in it; all have the same seeds."""
    if not group:
        return []
    losses = loss_matrix(group)
    means = losses.mean(axis=1)
    best_others = [np.delete(means, i).min(initial=np.inf) for i in range(len(means))]
    worse_by = np.where(np.isfinite(best_others), means - best_others, 0.0).tolist()
    if len(group) < 2 or losses.shape[1] < FEWEST_SEEDS:
        return [
            Standing(worse_by=by, at_least=None, at_most=None, inferior=False, effect=None)
            for by in worse_by
        ]
    differences = paired_differences(losses, items_of(group))
    against_best = compare_with_best(differences)
    return [
        Standing(
            worse_by=by,
            at_least=float(against_best.lower[i]),
            at_most=float(against_best.upper[i]),
            inferior=bool(against_best.inferior[i]),
            effect=effect(differences, means, i, by),
        )
        for i, by in enumerate(worse_by)
    ]


def effect(differences: Differences, means: Floats, i: int, worse_by: float) -> float | None:
    """`worse_by` in standard deviations of the difference over seeds; None where there is none."""
    others = np.where(np.arange(len(means)) == i, np.inf, means)
    variance = float(differences.seed_variances[i, int(others.argmin())]) * differences.num_seeds
    return worse_by / variance**0.5 if variance > 0 else None
