"""The race between candidates: who gets another random seed, and when there is an answer.

A pure function of validation scores. It replays its looks in order, and uses at each look no
other trainings than those that it has asked for. So neither the order in which trainings end nor
trainings that happen to be there change anything.

At a look, a candidate whose chance of being within the margin of the best is below `HOPELESS` gets
no more seeds. The race ends when the chance of one is at least `SAFE`, or at the last look. How
often that errs, looks repeated, is measured by `benchmarks/calibration.py`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import numpy.typing as npt

from rnn_core.comparison.rounding import apart
from rnn_core.comparison.statistics.items import (
    Items,
    as_losses,
    mean_over_seeds,
    own_share,
)
from rnn_core.comparison.statistics.posterior import Posterior, posterior, risk_of
from rnn_core.metric import Metric
from rnn_core.study import Seeds
from rnn_core.training.item_scores import ItemScores

HOPELESS = 0.01
"""A candidate with a lower chance of being within the margin is trained no further."""

SAFE = 0.98
"""With such a chance of being within the margin a candidate is decided on."""

USUAL_LOOKS = (3, 4, 5, 7, 10, 14, 20, 28, 40, 56, 80, 112)
"""Numbers of seeds to look at: one more each at first, then 1.4 times as many."""

FEWEST_FINISHED = 0.5
"""A candidate is trained no further if at least this share of its seeds diverged."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Trained:
    """End of one training, on one split.

    Attributes:
        loss: Its score as something that should be small; None if it diverged.
        items: Losses of single items; None if it diverged.
    """

    loss: float | None
    items: ItemScores | None


def trained(score: float | None, items: ItemScores | None, metric: Metric) -> Trained:
    """Describe how a training ended, from its score and those of items, in units of the metric."""
    return Trained(
        loss=None if score is None else metric.loss(score),
        items=None if items is None else as_losses(items, metric),
    )


@dataclass(frozen=True, kw_only=True)
class Runner:
    """A candidate in the race.

    Attributes:
        name: Its name.
        trained: Its trainings on the validation set, from random seed 0 on, as far as they
            have ended.
    """

    name: str
    trained: Sequence[Trained]


@dataclass(frozen=True, kw_only=True)
class Look:
    """State of the race after a number of seeds.

    Attributes:
        seeds: The number.
        running: The candidates that were still in the race, in their order.
        chances: Of each candidate: that it is within the margin of the best. Empty where
            the variance of losses is unknown.
        expected: Expected difference of each from the best, in margins; None in the same case.
    """

    seeds: int
    running: tuple[str, ...]
    chances: Mapping[str, float]
    expected: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Race:
    """State of the race.

    Attributes:
        asked: With how many seeds each candidate is to be trained, by name.
        looks: Those that were taken.
        running: The candidates that are in the race after the last look, in their order.
        winner: The cheapest candidate that is safe; None if there is none (yet).
        recommended: The winner, else the one with the least expected loss; None before the
            end, and where every candidate diverged.
        over: Whether no more trainings are wanted.
    """

    asked: Mapping[str, int]
    looks: tuple[Look, ...]
    running: tuple[str, ...]
    winner: str | None = None
    recommended: str | None = None
    over: bool = False


def looks_of(seeds: Seeds) -> tuple[int, ...]:
    """The numbers of seeds after which the candidates are looked at."""
    between = (number for number in USUAL_LOOKS if seeds.first < number < seeds.most)
    return tuple(sorted({seeds.first, *between, seeds.most}))


def race(runners: Sequence[Runner], seeds: Seeds, margin: float) -> Race:
    """Say with how many seeds each candidate is to be trained, as far as can be said yet.

    Args:
        runners: The candidates, from the cheapest to the dearest.
        seeds: How many seeds there may be.
        margin: The largest difference that does not matter, in units of the loss.
    """
    running = tuple(runner.name for runner in runners)
    asked: dict[str, int] = {}
    looks: list[Look] = []
    for number in looks_of(seeds):
        asked |= dict.fromkeys(running, number)
        if any(len(runner.trained) < asked[runner.name] for runner in runners):
            return Race(asked=asked, looks=(*looks,), running=running)
        seen = look_at(runners, asked, number, running, margin)
        looks.append(seen)
        winner = next((name for name, chance in seen.chances.items() if chance >= SAFE), None)
        running = tuple(name for name in running if goes_on(name, runners, asked, seen))
        if winner or not running:
            break
    best = winner or least_loss(runners, asked, looks[-1])
    return Race(
        asked=asked,
        looks=tuple(looks),
        running=running,
        winner=winner,
        recommended=best,
        over=True,
    )


def look_at(
    runners: Sequence[Runner],
    asked: Mapping[str, int],
    number: int,
    running: tuple[str, ...],
    margin: float,
) -> Look:
    """Judge all candidates by the trainings that were asked for."""
    used = {runner.name: runner.trained[: asked[runner.name]] for runner in runners}
    fit = {name: trained for name, trained in used.items() if is_fit(trained)}
    if len(fit) == 1:
        chances = {name: float(name in fit) for name in used}
        return Look(
            seeds=number, running=running, chances=chances, expected=dict.fromkeys(fit, 0.0)
        )
    known = known_of(list(fit.values()))
    if known is None:
        return Look(seeds=number, running=running, chances={}, expected={})
    risk = risk_of(known.draws(), margin)
    found = dict(zip(fit, risk.chance.tolist(), strict=True))
    return Look(
        seeds=number,
        running=running,
        chances={name: found.get(name, 0.0) for name in used},
        expected=dict(zip(fit, risk.expected_loss.tolist(), strict=True)),
    )


def least_loss(runners: Sequence[Runner], asked: Mapping[str, int], seen: Look) -> str | None:
    """The candidate that is expected to be the least worse than the best; the cheapest of equals.

    Expected losses differ as means do, except for rounding. So equals are those with the same mean.
    """
    means = {
        runner.name: fmean(one.loss for one in used if one.loss is not None)
        for runner in runners
        if is_fit(used := runner.trained[: asked[runner.name]])
    }
    if not means:
        return None
    best = min(means, key=lambda name: (seen.expected.get(name, 0.0), means[name]))
    return next(n for n, mean in means.items() if not apart(mean, means[best]))


def known_of(candidates: Sequence[Sequence[Trained]]) -> Posterior | None:
    """Posterior of candidates, from the trainings of each; None where there is no evidence."""
    if not candidates:
        return None
    return posterior(loss_matrix(candidates), items_of(candidates), own_share_of(candidates))


def loss_matrix(candidates: Sequence[Sequence[Trained]]) -> Floats:
    """Losses by candidate and seed, (C, S); NaN where there is none."""
    most = max(len(trained) for trained in candidates)
    losses = np.full((len(candidates), most), np.nan)
    for i, trained in enumerate(candidates):
        for j, one in enumerate(trained):
            losses[i, j] = np.nan if one.loss is None else one.loss
    return losses


def items_of(candidates: Sequence[Sequence[Trained]]) -> Items | None:
    """Contributions of items, averaged over the seeds of each candidate."""
    return mean_over_seeds([finished(trained) for trained in candidates])


def own_share_of(candidates: Sequence[Sequence[Trained]]) -> float:
    """Largest share of an item in a candidate's mean, where seeds have items of their own."""
    return own_share([finished(trained) for trained in candidates])


def finished(trained: Iterable[Trained]) -> list[ItemScores]:
    """The items of the trainings that did not diverge."""
    return [one.items for one in trained if one.items is not None]


def is_fit(trained: Sequence[Trained]) -> bool:
    """Return whether more than half of a candidate's trainings finished."""
    done = sum(one.loss is not None for one in trained)
    return done > FEWEST_FINISHED * len(trained)


def goes_on(name: str, runners: Sequence[Runner], asked: Mapping[str, int], seen: Look) -> bool:
    """Return whether a candidate stays in the race after a look."""
    trained = next(runner.trained for runner in runners if runner.name == name)
    return is_fit(trained[: asked[name]]) and seen.chances.get(name, 1.0) >= HOPELESS
