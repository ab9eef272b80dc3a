"""The search for the values that a candidate is trained with, by successive halving.

Every candidate of a dataset has the same rounds, of a fixed size, in the same space. In the first
round values that are drawn evenly over the space are each trained for a share of the epochs,
schedule included. The best go on to the next round, which is longer, and so on. The last round has
the full length and several random seeds, none of which the study has: a short trial rewards speed
and does not show late overfitting or divergence, and one seed is luck. The dataset's own values
are always in the last round, and the best mean on the validation set wins, so that a candidate only
leaves them for what did better by the same measure.

Jamieson and Talwalkar, arXiv:1502.07943, Algorithm 1; Li et al., arXiv:1603.06560, whose brackets
we have one of. All trials of a round can run at once, and nothing depends on which ends first.
Optuna's `SuccessiveHalvingPruner` does not fit: it stops a training on the way, whose schedule was
made for its full length, and it judges each by those that happened to be there before.

The draws are a scrambled Sobol' sequence, which covers a space of a few values better than as many
random points do (Bousquet et al., arXiv:1706.03200). Each candidate of each dataset has its own,
made from their names: with the same for all, one lucky point wins again and again.

A candidate is searched for a second time where it is worse than a smaller size of its cell, which
says that it was trained badly: see `rnn_core.comparison.standings`. Then the last round has what
it was trained with before and what the smaller size is trained with, and the draws keep to
learning rates and clipping no higher than those.

The record of a candidate is in `tuning.json`, next to the runs of the dataset, by cell and
hidden size:

searches   each search, one or two: its space, its rounds with all their trials (values, random
           seed, how it ended, score, epochs, steps, and the identity of its training), its
           finalists (values, mean and standard deviation over random seeds), what it chose, and
           why, in a sentence
failed     what showed that the first search failed, identities of trainings and evaluations;
           empty where there is one search
chosen     the values to train with
steps      optimiser steps of all trainings of all searches together
"""

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean, stdev
from typing import Any, Literal

from rnn_core.metric import Direction
from rnn_core.study import TUNING_SEED, Tuning
from rnn_core.training.search_space import Dimension, Values


@dataclass(frozen=True, kw_only=True)
class Round:
    """Common settings of all trials of a round.

    Attributes:
        values: How many different values are tried.
        share: Epochs, as a share of those of a training.
        seeds: Random seeds that each is trained with.
    """

    values: int
    share: float
    seeds: int


@dataclass(frozen=True, kw_only=True)
class Try:
    """A trial that is wanted.

    Attributes:
        values: What to train with.
        share: Epochs, as a share of those of a training.
        seed: Random seed.
    """

    values: Values
    share: float
    seed: int

    @property
    def fixed(self) -> tuple[tuple[str, float], ...]:
        """Its values by name, sorted."""
        return tuple(sorted(self.values.items()))


@dataclass(frozen=True, kw_only=True)
class Trial(Try):
    """Result of a trial.

    Attributes:
        score: Its best score on the validation set; None if it diverged.
        epochs: Epochs that it trained.
        steps: Optimiser steps that it took.
    """

    score: float | None
    epochs: int
    steps: int

    @property
    def status(self) -> Literal["finished", "diverged"]:
        """State at the end."""
        return "diverged" if self.score is None else "finished"


@dataclass(frozen=True, kw_only=True)
class Search:
    """A search for the values of a candidate.

    Attributes:
        name: What the draws are made from, and nothing else.
        space: The values that are searched.
        rounds: Those before the last.
        certain: What is always in the last round; the first of them stays where nothing there is
            better.
        finalists: How many of those that were drawn are in it too.
        seeds: Random seeds of the last round.
    """

    name: str
    space: Mapping[str, Dimension]
    rounds: tuple[Round, ...]
    certain: tuple[Values, ...]
    finalists: int
    seeds: int

    @property
    def all_rounds(self) -> tuple[Round, ...]:
        """The last round too."""
        values = len(self.certain) + self.finalists
        return *self.rounds, Round(values=values, share=1.0, seeds=self.seeds)


@dataclass(frozen=True, kw_only=True)
class Finalist:
    """Result of some values in the last round.

    Attributes:
        values: The values.
        mean: Mean score on the validation set over random seeds; None if one diverged.
        std: Sample standard deviation; None in the same case, and for one random seed.
    """

    values: Values
    mean: float | None
    std: float | None


@dataclass(frozen=True, kw_only=True)
class Found:
    """Result of a search.

    Attributes:
        search: The search.
        trials: All trials, by round.
        finalists: Those of the last round.
        best: Which of them is the best.
    """

    search: Search
    trials: tuple[tuple[Trial, ...], ...]
    finalists: tuple[Finalist, ...]
    best: int

    @property
    def chosen(self) -> Values:
        """The values to train with."""
        return self.finalists[self.best].values

    @property
    def score(self) -> float | None:
        """Their mean score on the validation set; None if one random seed diverged."""
        return self.finalists[self.best].mean

    @property
    def reason(self) -> str:
        """Why these, in a sentence."""
        best, number = self.finalists[self.best], len(self.finalists)
        first = "the dataset's own values" if len(self.search.certain) < 2 else "the values before"
        if best.mean is None:
            return f"all {number} finalists diverged with some random seed, so that {first} stay"
        if self.best == 0:
            return f"none of {number} finalists is better than {first} on the validation set"
        return (
            f"finalist {self.best + 1} of {number} has the best mean on the validation set, over "
            f"{self.search.seeds} random seeds"
        )


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """Values to train a candidate with, and the cost of finding them.

    Attributes:
        rounds: Those of each search.
        trials: Trainings of all searches together.
        steps: Optimiser steps of all of them.
        searches: How many searches there were.
        finalists: Those of the last search.
        chosen: The values to train with.
        score: The mean score of these on the validation set, over the random seeds of tuning;
            None if one diverged.
    """

    rounds: tuple[Round, ...]
    trials: int
    steps: int
    searches: int
    finalists: tuple[Finalist, ...]
    chosen: Values
    score: float | None


def short_rounds(tuning: Tuning, epochs: int) -> tuple[Round, ...]:
    """The rounds before the last, the first at least.

    A round that rounding makes no longer than the one before is left out.

    Args:
        tuning: As in params.yaml.
        epochs: Those of a training.
    """
    found: list[Round] = []
    number, share, trained = tuning.trials, tuning.share, 0
    while not found or share < 1:
        whole = max(1, round(share * epochs))
        if trained < whole < epochs or not found:
            found.append(Round(values=number, share=whole / epochs, seeds=1))
        number = max(tuning.finalists, math.ceil(number / tuning.eta))
        share, trained = share * tuning.eta, whole
    return tuple(found)


def begin(name: str, space: Mapping[str, Dimension], tuning: Tuning, epochs: int) -> Search:
    """The first search of a candidate.

    Args:
        name: Of dataset and candidate.
        space: The values to search.
        tuning: As in params.yaml.
        epochs: Those of a training.
    """
    return Search(
        name=name,
        space=space,
        rounds=short_rounds(tuning, epochs),
        certain=({name: dimension.own for name, dimension in space.items()},),
        finalists=tuning.finalists,
        seeds=tuning.seeds,
    )


def again(found: Found, smaller: Values) -> Search:
    """The second search of a candidate that is worse than a smaller size of its cell.

    Args:
        found: What the first search came to.
        smaller: What the smaller size is trained with.
    """
    before, space = found.chosen, dict(found.search.space)
    for name in {"learning_rate", "clip_norm"} & space.keys():
        space[name] = replace(space[name], high=max(before[name], smaller[name]))
    certain = (before,) if smaller == before else (before, smaller)
    return replace(found.search, name=f"{found.search.name} again", space=space, certain=certain)


def next_round(search: Search, direction: Direction, ended: Sequence[Sequence[Trial]]) -> list[Try]:
    """All trials of the round after those that have ended; none after the last.

    Args:
        search: The search.
        direction: Which scores are better.
        ended: The trials of each round before, in the order in which they were wanted.
    """
    rounds = search.all_rounds
    if len(ended) == len(rounds):
        return []
    now = rounds[len(ended)]
    if not ended:
        values = drawn(search, now.values)
    else:
        ranked = sorted(ended[-1], key=lambda trial: loss(trial.score, direction))
        values = [trial.values for trial in ranked]
    if len(ended) == len(rounds) - 1:
        values = values[: search.finalists]
        values = [*search.certain, *(one for one in values if one not in search.certain)]
    return [
        Try(values=one, share=now.share, seed=TUNING_SEED + n)
        for one in values[: now.values]
        for n in range(now.seeds)
    ]


def drawn(search: Search, number: int) -> list[Values]:
    """Values that cover the space evenly, each candidate's its own."""
    import numpy as np  # noqa: PLC0415 - records are read without it, and without the next
    from scipy.stats import qmc  # noqa: PLC0415

    digest = hashlib.sha256(search.name.encode()).digest()
    sobol = qmc.Sobol(len(search.space), rng=np.random.default_rng(list(digest)))
    points = sobol.random_base2(math.ceil(math.log2(number)))[:number].tolist()
    dimensions = search.space.items()
    found = [{name: d.at(x) for (name, d), x in zip(dimensions, p, strict=True)} for p in points]
    return [one for i, one in enumerate(found) if one not in found[:i]]


def loss(score: float | None, direction: Direction) -> float:
    """A score as something that should be small; no score is worse than any."""
    if score is None:
        return math.inf
    return score if direction == "lower" else -score


def finish(search: Search, direction: Direction, ended: Sequence[Sequence[Trial]]) -> Found:
    """Finish a search after all of its rounds; among equals the earliest wins."""
    each: dict[tuple[tuple[str, float], ...], list[Trial]] = {}
    for trial in ended[-1]:
        each.setdefault(trial.fixed, []).append(trial)
    finalists = tuple(finalist(trials) for trials in each.values())
    return Found(
        search=search,
        trials=tuple(tuple(trials) for trials in ended),
        finalists=finalists,
        best=min(range(len(finalists)), key=lambda i: loss(finalists[i].mean, direction)),
    )


def finalist(trials: Sequence[Trial]) -> Finalist:
    """The same values with several random seeds; one that diverges is enough to diverge."""
    scores = [trial.score for trial in trials if trial.score is not None]
    if len(scores) < len(trials):
        return Finalist(values=trials[0].values, mean=None, std=None)
    std = stdev(scores) if len(scores) > 1 else None
    return Finalist(values=trials[0].values, mean=fmean(scores), std=std)


def tuned(searches: Sequence[Found]) -> Tuned:
    """Values to train a candidate with, after all of its searches."""
    last, trainings = searches[-1], trainings_of(searches)
    return Tuned(
        rounds=last.search.all_rounds,
        trials=len(trainings),
        steps=sum(trial.steps for trial in trainings),
        searches=len(searches),
        finalists=last.finalists,
        chosen=last.chosen,
        score=last.score,
    )


def trainings_of(searches: Sequence[Found]) -> list[Trial]:
    """All trials, each once: what two rounds want alike is trained once."""
    trials = [trial for found in searches for each in found.trials for trial in each]
    return list({(one.fixed, one.share, one.seed): one for one in trials}.values())


def record(
    searches: Sequence[Found], identity: Callable[[Trial], str], failed: Sequence[str]
) -> dict[str, Any]:
    """The record of a candidate, as plain JSON.

    Args:
        searches: All of its searches.
        identity: What a trial is known by as a training.
        failed: Identities of what showed that the first search failed.
    """
    return {
        "searches": [recorded(found, identity) for found in searches],
        "failed": list(failed),
        "chosen": searches[-1].chosen,
        "steps": sum(trial.steps for trial in trainings_of(searches)),
    }


def recorded(found: Found, identity: Callable[[Trial], str]) -> dict[str, Any]:
    """One search, as plain JSON."""
    rounds = [
        [{**asdict(trial), "status": trial.status, "training": identity(trial)} for trial in trials]
        for trials in found.trials
    ]
    return {
        "space": {name: asdict(dimension) for name, dimension in found.search.space.items()},
        "rounds": rounds,
        "finalists": [asdict(one) for one in found.finalists],
        "chosen": found.chosen,
        "reason": found.reason,
    }
