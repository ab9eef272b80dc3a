"""Standing of candidates on one split: against the best of the others, and larger against smaller.

Reference networks, which are no candidates, are compared with the recommended one.

A larger size of a cell can represent all that a smaller one of as many layers can, with the weights
of what it has more at 0. Where it is worse, it was trained badly, and the two say nothing of the
cell.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import numpy.typing as npt

from rnn_core.comparison.outcome import Failure, Standing
from rnn_core.comparison.race import (
    SAFE,
    Trained,
    is_fit,
    items_of,
    known_of,
    loss_matrix,
    own_share_of,
)
from rnn_core.comparison.rounding import ROUNDING, apart
from rnn_core.comparison.statistics.differences import (
    Differences,
    compare_with_best,
    paired_differences,
)
from rnn_core.comparison.statistics.posterior import Posterior
from rnn_core.training.run_folder import candidate_name

FEWEST_SEEDS = 2
"""Seeds that have a standard deviation."""

Floats = npt.NDArray[np.float64]


def standings(trained: Mapping[str, Sequence[Trained]]) -> dict[str, Standing]:
    """Standing of each candidate without a diverged seed.

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
    """Return whether no training diverged."""
    return all(one.loss is not None for one in trained)


def standings_in(group: Sequence[Sequence[Trained]]) -> list[Standing]:
    """Standing of each candidate of a group within it; all have the same seeds."""
    if not group:
        return []
    losses = loss_matrix(group)
    means = losses.mean(axis=1)
    each = means.tolist()
    worse_by = [
        apart(one, min([*each[:i], *each[i + 1 :]], default=one)) for i, one in enumerate(each)
    ]
    if len(group) < 2 or losses.shape[1] < FEWEST_SEEDS:
        return [
            Standing(worse_by=by, at_least=None, at_most=None, inferior=False, effect=None)
            for by in worse_by
        ]
    differences = paired_differences(losses, items_of(group), own_share_of(group))
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


@dataclass(frozen=True, kw_only=True)
class Sized:
    """A candidate beside other sizes of its cell.

    Attributes:
        cell: Name of the cell.
        hidden_size: Features of its state, in each layer.
        num_layers: Layers.
        trained: Its trainings on the validation set.
        tuned: The mean loss of the values that it is trained with over the random seeds of
            tuning; infinite if one diverged, None if it was not tuned.
    """

    cell: str
    hidden_size: int
    num_layers: int = 1
    trained: Sequence[Trained]
    tuned: float | None

    @property
    def name(self) -> str:
        """Name of the candidate."""
        return candidate_name(self.cell, self.hidden_size, self.num_layers)

    @property
    def kind(self) -> tuple[str, int]:
        """Cell and number of layers, which all its sizes share."""
        return self.cell, self.num_layers

    @property
    def mean(self) -> float:
        """Its mean loss; some seed finished."""
        return fmean(one.loss for one in self.trained if one.loss is not None)


def failures(candidates: Sequence[Sized], margin: float) -> dict[str, Failure]:
    """The sizes that are worse than a smaller one of their cell, by more than the margin.

    Both have as many layers: two layers cannot represent all that one of the same weights can.
    Beyond chance, by the random seeds' evidence of the true means; without any, by the last
    round of tuning. A size is worse too if at least half of its seeds diverge.

    Args:
        candidates: All of a dataset.
        margin: The largest difference that does not matter, in units of the loss.
    """
    if len({one.kind for one in candidates}) == len(candidates):
        return {}
    ordered = sorted(candidates, key=lambda one: (one.kind, one.hidden_size))
    fit = {one.name: one for one in ordered if is_fit(one.trained)}
    known = Apart.of({name: one.trained for name, one in fit.items()})
    found: dict[str, Failure] = {}
    for one in ordered:
        same = [o for o in fit.values() if o.kind == one.kind and o.hidden_size < one.hidden_size]
        for smaller in sorted(same, key=lambda o: o.mean):
            failed = failure(known, one, smaller) if one.name in fit else diverged(smaller)
            if failed and (failed.worse_by is None or failed.worse_by > margin):
                found.setdefault(one.name, failed)
    return found


def failure(apart: "Apart | None", one: Sized, smaller: Sized) -> Failure | None:
    """By how much a size is worse than a smaller one; None if it is not beyond chance."""
    if apart is not None:
        by, error, chance = apart.between(one.name, smaller.name)
        return Failure(than=smaller.name, worse_by=by, error=error) if chance >= SAFE else None
    if one.tuned is None or smaller.tuned is None or one.tuned <= smaller.tuned:
        return None
    if one.tuned == np.inf:
        return diverged(smaller)
    return Failure(than=smaller.name, worse_by=one.tuned - smaller.tuned, error=None)


def diverged(smaller: Sized) -> Failure:
    """That a size diverges, and a smaller one does not."""
    return Failure(than=smaller.name, worse_by=None, error=None)


@dataclass(frozen=True, kw_only=True)
class Apart:
    """Distances between candidates, as far as random seeds and items determine them.

    Attributes:
        names: Of the candidates.
        known: What is known of their true means.
        draws: Draws of these, (D, C).
        rounding: Smaller distances are rounding, and none at all.
    """

    names: tuple[str, ...]
    known: Posterior
    draws: Floats
    rounding: float

    @classmethod
    def of(cls, trained: Mapping[str, Sequence[Trained]]) -> "Apart | None":
        """Compute from the trainings of each candidate; None where these are no evidence."""
        known = known_of(list(trained.values()))
        if known is None:
            return None
        rounding = ROUNDING * float(np.nanmax(np.abs(loss_matrix(list(trained.values())))))
        return cls(names=(*trained,), known=known, draws=known.draws(), rounding=rounding)

    def between(self, one: str, other: str) -> tuple[float, float, float]:
        """By how much one is worse than another, its standard error, and the chance that it is."""
        i, j = self.names.index(one), self.names.index(other)
        parts = [part.covariance for part in (self.known.seeds, self.known.items) if part]
        variance = sum(float(c[i, i] + c[j, j] - c[i, j] - c[j, i]) for c in parts)
        by = float(self.known.seeds.means[i] - self.known.seeds.means[j])
        chance = float((self.draws[:, i] > self.draws[:, j]).mean())
        return by if abs(by) > self.rounding else 0.0, max(variance, 0.0) ** 0.5, chance


def apart_from(
    own: Sequence[Trained], trained: Mapping[str, Sequence[Trained]], recommended: str | None
) -> tuple[float | None, float | None]:
    """By how much the trainings of a reference network are worse than those of a candidate.

    What a random seed does to all alike is taken out: the two may have other numbers of them.

    Args:
        own: The network's on a split.
        trained: Those of each candidate on it.
        recommended: Name of the candidate; None if there is none.

    Returns:
        That in units of the loss, and its standard error; None where nothing tells.
    """
    if recommended is None or not any(one.loss is not None for one in own):
        return None, None
    fit = {name: each for name, each in trained.items() if is_fit(each)}
    if (known := Apart.of({**fit, "": own})) is not None:
        return known.between("", recommended)[:2]
    pairs = zip(own, trained[recommended], strict=False)
    by = [a.loss - b.loss for a, b in pairs if a.loss is not None and b.loss is not None]
    return (fmean(by) if by else None), None
