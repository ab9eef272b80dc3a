"""The search for the values that a candidate is trained with.

Every candidate of a dataset has the same number of trials in the same space. A trial is a
shorter training, schedule included, with a seed that the study does not have; its score is the
best on the validation side. The first trial has the dataset's own values, so that a candidate
only leaves them for what did better by the same measure.

The record of a candidate is a file, `<hidden size>.json`, in the folder of its cell:

space      each value that was searched: the dataset's own, the lowest and the highest
trials     each trial: its values, how it ended, its score, epochs and steps
seed       of all trials
chosen     the values to train with
reason     why, in a sentence
steps      optimiser steps of all trials together
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from rnn_core.errors import ParameterError
from rnn_core.files import read_json, write_json
from rnn_core.study import TUNING_SEED, Tuning

Values: TypeAlias = dict[str, float]
"""What a trial changes, by the name that it has in params.yaml."""

UNTUNED = "untuned.json"

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
        score: Its best score on the validation side; None if it diverged.
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


def search(
    space: Mapping[str, Dimension],
    num_trials: int,
    direction: Literal["lower", "higher"],
    try_out: Callable[[Values], Trial],
) -> list[Trial]:
    """Try values out, one after the other.

    By default TPE draws at random until ten trials are done, which would be all there are:
    here it does for the first half, the dataset's own values included.

    Args:
        space: The values to search.
        num_trials: Trials.
        direction: Which scores are better.
        try_out: Trains with the given values.
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
    trials = []
    for _ in range(num_trials):
        asked = study.ask(distributions)
        trials.append(try_out(dict(asked.params)))
        study.tell(asked, loss(trials[-1], direction))
    return trials


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


def write_tuning(
    folder: Path,
    hidden_size: int,
    space: Mapping[str, Dimension],
    trials: Sequence[Trial],
    direction: Literal["lower", "higher"],
) -> None:
    """Write the record of a candidate into the folder of its cell."""
    chosen, reason = choose(trials, direction)
    content = {
        "space": {name: asdict(dimension) for name, dimension in space.items()},
        "trials": [{**asdict(trial), "status": trial.status} for trial in trials],
        "seed": TUNING_SEED,
        "chosen": chosen,
        "reason": reason,
        "steps": sum(trial.steps for trial in trials),
    }
    write_json(folder / f"{hidden_size}.json", content)


def leave_untuned(folder: Path) -> None:
    """Say in the folder of a cell that it is not tuned; DVC wants an output of each cell."""
    write_json(folder / UNTUNED, {"tuned": False})


def read_tuned(folder: Path, hidden_size: int) -> Tuned | None:
    """Read what a candidate is to be trained with; None: the dataset's own values.

    Raises:
        DataError: If its record is missing.
    """
    if (folder / UNTUNED).exists():
        return None
    content = read_json(folder / f"{hidden_size}.json")
    return Tuned(trials=len(content["trials"]), steps=content["steps"], chosen=content["chosen"])
