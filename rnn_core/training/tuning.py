"""The search for the values that a candidate is trained with.

Every candidate of a dataset has the same number of trials in the same space. A trial is a
shorter training, schedule included, with a seed that the study does not have; its score is the
best on the validation split. The first trial has the dataset's own values, so that a candidate
only leaves them for what did better by the same measure.

The record of a candidate stands in `tuning.json` beside the runs of the dataset, by cell and
hidden size:

space      each value that was searched: the dataset's own, the lowest and the highest
trials     each trial: its values, how it ended, its score, epochs and steps, and the identity
           of its training
seed       of all trials
chosen     the values to train with
reason     why, in a sentence
steps      optimiser steps of all trials together
"""

import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from rnn_core.errors import ParameterError
from rnn_core.study import TUNING_SEED, Tuning

Values: TypeAlias = dict[str, float]
"""What a trial changes, by the name that it has in params.yaml."""

SAMPLER_SEED = 0
"""The same for every candidate, so that those trials that no result guides have the same values."""


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """A value that is searched.

    Attributes:
        own: The dataset's own.
        low: The lowest that may be tried.
        high: The highest.
        logarithmic: Whether it is searched on a logarithmic scale.
    """

    own: float
    low: float
    high: float
    logarithmic: bool


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What came of a trial.

    Attributes:
        values: What it was trained with.
        score: Its best score on the validation split; None if it diverged.
        epochs: Epochs that it trained.
        steps: Optimiser steps that it took.
    """

    values: Values
    score: float | None
    epochs: int
    steps: int

    @property
    def status(self) -> Literal["finished", "diverged"]:
        """How it ended."""
        return "diverged" if self.score is None else "finished"


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """What a candidate is trained with, and what it cost to find that.

    Attributes:
        trials: Trials.
        steps: Optimiser steps of all of them together.
        chosen: The values to train with.
    """

    trials: int
    steps: int
    chosen: Values


def search_space(tuning: Tuning, own: Values) -> dict[str, Dimension]:
    """The values to search, with their ranges.

    Args:
        tuning: As in params.yaml.
        own: The dataset's own `learning_rate`, `clip_norm` and `dropout`.

    Raises:
        ParameterError: If the dataset's own dropout is not in its range.
    """
    space = {}
    for name in ("learning_rate", "clip_norm"):
        if multiples := getattr(tuning, name):
            low, high = (multiple * own[name] for multiple in multiples)
            space[name] = Dimension(own=own[name], low=low, high=high, logarithmic=True)
    if tuning.dropout:
        low, high = tuning.dropout
        if not low <= own["dropout"] <= high:
            raise ParameterError(
                f"params.yaml: tuning: dropout [{low}, {high}] does not hold the dataset's own, "
                f"{own['dropout']}, which is tried first"
            )
        space["dropout"] = Dimension(own=own["dropout"], low=low, high=high, logarithmic=False)
    return space


def own_values(model: Mapping[str, Any], training: Mapping[str, Any]) -> Values:
    """What may be tuned, with the values that it has.

    Args:
        model: Parameters of the model.
        training: Parameters of the training.
    """
    return {
        "learning_rate": training["learning_rate"],
        "clip_norm": training["clip_norm"],
        "dropout": model["dropout"],
    }


def search(
    space: Mapping[str, Dimension], num_trials: int, direction: Literal["lower", "higher"]
) -> Generator[Values, Trial, None]:
    """Propose values to try out, one after the other.

    By default TPE draws at random until ten trials are done, which would be all there are:
    here it does for the first half, the dataset's own values included. The same trials lead to
    the same proposals.

    Args:
        space: The values to search.
        num_trials: Trials.
        direction: Which scores are better.

    Yields:
        Values to train with; wants to be sent the trial that came of them.
    """
    import optuna  # noqa: PLC0415 - takes a second, and stages that tune nothing read records too

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    distributions: dict[str, optuna.distributions.BaseDistribution] = {
        name: optuna.distributions.FloatDistribution(d.low, d.high, log=d.logarithmic)
        for name, d in space.items()
    }
    guided_from = math.ceil(num_trials / 2)
    sampler = optuna.samplers.TPESampler(n_startup_trials=guided_from, seed=SAMPLER_SEED)
    study = optuna.create_study(sampler=sampler)
    study.enqueue_trial({name: dimension.own for name, dimension in space.items()})
    for _ in range(num_trials):
        asked = study.ask(distributions)
        trial = yield dict(asked.params)
        study.tell(asked, loss(trial, direction))


def loss(trial: Trial, direction: Literal["lower", "higher"]) -> float:
    """The score of a trial as something that should be small; no score is worse than any."""
    if trial.score is None:
        return math.inf
    return trial.score if direction == "lower" else -trial.score


def choose(trials: Sequence[Trial], direction: Literal["lower", "higher"]) -> tuple[Values, str]:
    """The values to train with, and why: those of the best trial, of equals the earliest.

    Args:
        trials: In their order; the first has the dataset's own values.
        direction: Which scores are better.
    """
    best = min(range(len(trials)), key=lambda i: loss(trials[i], direction))
    if trials[best].score is None:
        told = f"all {len(trials)} trials diverged, so that the dataset's own values stay"
    elif best == 0:
        told = f"none of {len(trials)} trials is better than the first, of the dataset's own values"
    else:
        told = f"trial {best + 1} of {len(trials)} is the best on the validation side"
    return trials[best].values, told


def record(
    space: Mapping[str, Dimension],
    trials: Sequence[Trial],
    direction: Literal["lower", "higher"],
    identities: Sequence[str],
) -> dict[str, Any]:
    """The record of a candidate, as plain JSON.

    Args:
        space: The values that were searched.
        trials: In their order.
        direction: Which scores are better.
        identities: What each trial is known by as a training.
    """
    chosen, reason = choose(trials, direction)
    told = [
        {**asdict(trial), "status": trial.status, "training": identity}
        for trial, identity in zip(trials, identities, strict=True)
    ]
    return {
        "space": {name: asdict(dimension) for name, dimension in space.items()},
        "trials": told,
        "seed": TUNING_SEED,
        "chosen": chosen,
        "reason": reason,
        "steps": sum(trial.steps for trial in trials),
    }


def tuned(trials: Sequence[Trial], direction: Literal["lower", "higher"]) -> Tuned:
    """What a candidate is to be trained with."""
    chosen, _ = choose(trials, direction)
    steps = sum(trial.steps for trial in trials)
    return Tuned(trials=len(trials), steps=steps, chosen=chosen)
