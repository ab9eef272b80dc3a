"""Refits: is the chosen candidate better if it is trained on the validation set too?

A refit has no validation set that could choose its epoch, or say how good it is. So it is measured
on a rolling origin before it is believed (Tashman, International Journal of Forecasting 16, 2000):
the split is moved back by one validation set. There the candidate is trained twice, with the same
random seeds: on what is left of the training set, the epoch chosen by the last part of it; and
on all of the training set, as long as was chosen. Both are scored on the validation set, which
neither has seen. The second is to the first what the refit is to the candidate as it was compared.
The test set has no part in it.

How long: as many epochs as were chosen, the mean over random seeds. The schedule of the learning
rate is laid out for that length. Nothing chooses among the epochs of a refit, and the last one is
kept, so the rate has to be low there: stopped in the middle of a cosine, a model is worse than the
best one that the whole schedule came by. Epochs are counted and not steps, so that each item
is seen as often.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Protocol

import numpy as np

from rnn_core.comparison.race import Trained
from rnn_core.comparison.refits import BELIEVED, MEASURED_SEEDS, Gain, Refit
from rnn_core.comparison.standings import FEWEST_SEEDS, Apart
from rnn_core.metric import Division, Metric, Reached, best_seed
from rnn_core.study import ChampionKind

INTERVAL = (1 - BELIEVED, BELIEVED)
"""Between these quantiles lies the true gain with a probability of 90 %. The lower one is above 0
where a gain is believed."""


@dataclass(frozen=True, order=True)
class Fit:
    """A training on a new division of the data.

    Attributes:
        division: The division.
        seed: Random seed.
        epochs: How long; None: as the candidates.
    """

    division: Division
    seed: int
    epochs: int | None = None


class Fitted(Protocol):
    """End of a training."""

    @property
    def reached(self) -> Reached | None:
        """On its validation set, by its evaluation; None if it came to no score there."""

    @property
    def kept(self) -> int | None:
        """The epoch whose weights were kept; None if it diverged."""

    @property
    def trained(self) -> Trained | None:
        """Result on the validation set of the prepared data; None if it is not known."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """Request for a refit.

    Attributes:
        cell: Name of the cell.
        hidden_size: Features of its state, in each layer.
        num_layers: Layers.
        champion: Kinds of its models that may be registered.
        raced: How its trainings in the race ended, by random seed; one came to a score.
        members: Random seeds that answer together.
        metric: Of the scores.
    """

    cell: str
    hidden_size: int
    num_layers: int = 1
    champion: ChampionKind
    raced: Mapping[int, Fitted]
    members: Sequence[int]
    metric: Metric

    @property
    def chosen_epochs(self) -> int:
        """The epoch that was kept, the mean over random seeds that did not diverge, rounded."""
        return mean_length([end.kept for end in self.raced.values() if end.kept is not None])

    @property
    def alone(self) -> int | None:
        """The seed that is best on the validation set; None if the ensemble is registered."""
        if self.champion == "ensemble" and self.members:
            return None
        reached = {seed: end.reached for seed, end in self.raced.items() if end.reached}
        return best_seed(reached, self.metric)

    @property
    def seeds(self) -> list[int]:
        """Random seeds of a refit: of all that may be registered."""
        return sorted({*self.members, *([] if self.alone is None else [self.alone])})


@dataclass(frozen=True, kw_only=True)
class Refitting:
    """State of a refit.

    Attributes:
        asked: All trainings that were asked for so far.
        refit: What came of them; None as long as some have not ended.
    """

    asked: tuple[Fit, ...]
    refit: Refit | None


def refitting(wish: Wish, ended: Callable[[Fit], Fitted | None]) -> Refitting:
    """Say which trainings a refit takes next, or what came of it.

    Args:
        wish: What is to be refitted.
        ended: How a training ended; None if it is still running.
    """
    known: dict[Fit, Fitted] = {}
    asked: list[Fit] = []
    for several in following(wish, known):
        asked += several
        ends = {one: ended(one) for one in several}
        known |= {one: end for one, end in ends.items() if end is not None}
        if len(known) < len(asked):
            return Refitting(asked=(*asked,), refit=None)
    return Refitting(asked=(*asked,), refit=outcome(wish, known))


def following(wish: Wish, known: Mapping[Fit, Fitted]) -> Iterator[list[Fit]]:
    """Yield the trainings of a refit in order, as far as the results so far require them."""
    yield [Fit("moved_back", seed) for seed in range(MEASURED_SEEDS)]
    length = moved_back_length(known)
    if length is None:
        return
    yield [Fit("moved_back_refit", one.seed, length) for one in finished(known, "moved_back")]
    gain, _ = gain_of(known)
    if gain is not None and gain.believed:
        yield [Fit("refit", seed, wish.chosen_epochs) for seed in wish.seeds]


def finished(known: Mapping[Fit, Fitted], division: Division) -> list[Fit]:
    """The trainings on a division that did not diverge."""
    return [one for one, end in known.items() if one.division == division and end.kept is not None]


def moved_back_length(known: Mapping[Fit, Fitted]) -> int | None:
    """The epoch that was kept one validation set earlier, the mean; None if too many diverged."""
    kept = [known[one].kept for one in finished(known, "moved_back")]
    epochs = [epoch for epoch in kept if epoch is not None]
    return mean_length(epochs) if len(epochs) >= FEWEST_SEEDS else None


def mean_length(epochs: Sequence[int]) -> int:
    """The mean of some numbers of epochs, rounded."""
    return round(fmean(epochs))


def gain_of(known: Mapping[Fit, Fitted]) -> tuple[Gain | None, tuple[int, ...]]:
    """Gain of a refit one validation set earlier, and the random seeds that measured it."""
    before, after = scored(known, "moved_back"), scored(known, "moved_back_refit")
    seeds = tuple(sorted(before.keys() & after.keys()))
    if len(seeds) < FEWEST_SEEDS:
        return None, seeds
    return gain([before[seed] for seed in seeds], [after[seed] for seed in seeds]), seeds


def scored(known: Mapping[Fit, Fitted], division: Division) -> dict[int, Trained]:
    """The trainings on a division that came to a score, by random seed."""
    each = {one.seed: known[one].trained for one in finished(known, division)}
    return {seed: one for seed, one in each.items() if one is not None and one.loss is not None}


def gain(before: Sequence[Trained], after: Sequence[Trained]) -> Gain | None:
    """Gain by random seed and item; None where there is no evidence.

    Args:
        before: Trainings.
        after: Others, with the same random seeds, scored on the same items.
    """
    apart = Apart.of({"before": before, "after": after})
    if apart is None:
        return None
    mean, error, chance = apart.between("before", "after")
    drawn = apart.draws[:, 0] - apart.draws[:, 1]
    least, most = np.quantile(drawn, INTERVAL).tolist()
    return Gain(mean=mean, error=error, at_least=least, at_most=most, chance=chance)


def outcome(wish: Wish, known: Mapping[Fit, Fitted]) -> Refit:
    """Combine the results of all trainings."""
    found, seeds = gain_of(known)
    there = {one.seed for one in finished(known, "refit")}
    believed = found is not None and found.believed
    members = tuple(seed for seed in wish.members if seed in there)
    return Refit(
        cell=wish.cell,
        hidden_size=wish.hidden_size,
        num_layers=wish.num_layers,
        measured=seeds,
        moved_back_epochs=moved_back_length(known),
        gain=found,
        epochs=wish.chosen_epochs if believed else None,
        members=members if len(members) > 1 else (),
        alone=wish.alone if wish.alone in there else None,
        trainings=len(known),
    )
