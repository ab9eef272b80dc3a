"""Which trainings of a dataset to do next: a pure function of the plan and of validation scores.

It has no test scores, and looks at no other trainings than those that it has asked for: what
else is in the store, and the order in which trainings end, change nothing.
"""

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from rnn_core.study import TUNING_SEED
from rnn_core.training.tuning import Dimension, Trial, Values, choose, search


@dataclass(frozen=True, order=True)
class Asked:
    """A training that the plan asks for.

    Attributes:
        cell: Name of the cell.
        hidden_size: Features of its state.
        seed: Random seed; that of tuning for a trial.
        values: What differs from the dataset's own values, by name, sorted.
        share: Epochs, as a share of the dataset's own.
    """

    cell: str
    hidden_size: int
    seed: int
    values: tuple[tuple[str, float], ...] = ()
    share: float = 1.0

    @property
    def is_trial(self) -> bool:
        """Whether it is a trial of tuning, which is no result of the study."""
        return self.seed == TUNING_SEED


@dataclass(frozen=True)
class Ended:
    """How a training ended, as far as the planner may know.

    Attributes:
        score: Best score on the validation set; None if the training diverged.
        epochs: Epochs that it trained.
        steps: Optimiser steps that it took.
    """

    score: float | None
    epochs: int
    steps: int


def ended_of(summary: bytes, metric: str) -> Ended:
    """How a training ended, from its summary.json."""
    content = json.loads(summary)
    score = content.get(f"best_validation_{metric}")
    return Ended(score, content["epochs"], content["steps"])


@dataclass(frozen=True, kw_only=True)
class Search:
    """How each candidate is tuned.

    Attributes:
        space: The values that are searched.
        trials: Trials of each candidate.
        share: Epochs of a trial, as a share of those of a training.
    """

    space: Mapping[str, Dimension]
    trials: int
    share: float


@dataclass(frozen=True, kw_only=True)
class DatasetPlan:
    """What a study wants to know of a dataset.

    Attributes:
        candidates: Cells with their hidden sizes.
        seeds: Random seeds that each candidate is trained with.
        direction: Which scores are better.
        search: How candidates are tuned; None: not at all.
    """

    candidates: tuple[tuple[str, int], ...]
    seeds: tuple[int, ...]
    direction: Literal["lower", "higher"]
    search: Search | None = None

    @property
    def most(self) -> int:
        """Trainings that there are at most, trials included."""
        return len(self.candidates) * (len(self.seeds) + (self.search.trials if self.search else 0))


@dataclass
class Look:
    """What the plan comes to with the trainings that have ended.

    Attributes:
        wanted: Trainings that are asked for and have not ended; none: the plan is done.
        results: Trainings of the study's seeds that have ended.
        trials: The trials of each candidate whose tuning is done.
    """

    wanted: list[Asked] = field(default_factory=list)
    results: list[Asked] = field(default_factory=list)
    trials: dict[tuple[str, int], list[Trial]] = field(default_factory=dict)


def look(plan: DatasetPlan, ended: Mapping[Asked, Ended]) -> Look:
    """Say which trainings to do next.

    The trials of a candidate follow each other, since each is chosen by those before it; the
    candidates do not wait for one another.

    Args:
        plan: What is wanted.
        ended: Trainings that have ended; others than those that are asked for are ignored.
    """
    found = Look()
    for cell, hidden_size in plan.candidates:
        values: Values = {}
        if plan.search:
            trials, pending = tune(plan.search, plan.direction, cell, hidden_size, ended)
            if pending:
                found.wanted.append(pending)
                continue
            found.trials[cell, hidden_size] = trials
            values, _ = choose(trials, plan.direction)
        for seed in plan.seeds:
            asked = Asked(cell, hidden_size, seed, tuple(sorted(values.items())))
            (found.results if asked in ended else found.wanted).append(asked)
    return found


def trial_of(cell: str, hidden_size: int, values: Values, share: float) -> Asked:
    """A trial of tuning as a training that is asked for."""
    return Asked(cell, hidden_size, TUNING_SEED, tuple(sorted(values.items())), share)


def tune(
    by: Search,
    direction: Literal["lower", "higher"],
    cell: str,
    hidden_size: int,
    ended: Mapping[Asked, Ended],
) -> tuple[list[Trial], Asked | None]:
    """Replay the tuning of a candidate; returns its trials, and the one that has not ended."""
    trials: list[Trial] = []
    proposals: Generator[Values, Trial, None] = search(by.space, by.trials, direction)
    values = next(proposals, None)
    while values is not None:
        asked = trial_of(cell, hidden_size, values, by.share)
        if asked not in ended:
            return trials, asked
        end = ended[asked]
        trials.append(Trial(values=values, score=end.score, epochs=end.epochs, steps=end.steps))
        try:
            values = proposals.send(trials[-1])
        except StopIteration:
            values = None
    return trials, None
