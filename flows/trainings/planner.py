"""Which trainings of a dataset to do next: a pure function of the plan and of validation scores.

First each candidate is tuned, then the candidates race (see `rnn_core.comparison.race`). It has
no test scores, and looks at no other trainings than those that it has asked for: what else is in
the store, and the order in which trainings end, change nothing.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING, Literal

from rnn_core.study import TUNING_SEED, Seeds
from rnn_core.training.tuning import Dimension, Trial, Values, choose, search

if TYPE_CHECKING:
    from rnn_core.comparison.race import Trained


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
        cost: Multiply-accumulates of a step of its model's recurrent layers.
        trained: What its evaluation says of the validation set; None for a trial.
    """

    score: float | None
    epochs: int
    steps: int
    cost: int = 0
    trained: "Trained | None" = None


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
        seeds: How many random seeds candidates are trained with.
        margin: The largest difference that does not matter, in units of the metric.
        members: Models of the chosen candidate that may answer together; 1: no ensemble.
        direction: Which scores are better.
        search: How candidates are tuned; None: not at all.
    """

    candidates: tuple[tuple[str, int], ...]
    seeds: Seeds
    margin: float
    members: int
    direction: Literal["lower", "higher"]
    search: Search | None = None

    @property
    def most(self) -> int:
        """Trainings that there are at most, trials included, but for an ensemble's."""
        return len(self.candidates) * (self.seeds.most + (self.search.trials if self.search else 0))


@dataclass
class Look:
    """What the plan comes to with the trainings that have ended.

    Attributes:
        wanted: Trainings that are asked for and have not ended; none: the plan is done.
        results: Trainings of the race that have ended.
        members: Once all have ended, those of the chosen candidate that may answer together.
        trials: The trials of each candidate whose tuning is done.
    """

    wanted: list[Asked] = field(default_factory=list)
    results: list[Asked] = field(default_factory=list)
    members: list[Asked] = field(default_factory=list)
    trials: dict[tuple[str, int], list[Trial]] = field(default_factory=dict)


def look(plan: DatasetPlan, ended: Mapping[Asked, Ended]) -> Look:
    """Say which trainings to do next.

    The trials of a candidate follow each other, since each is chosen by those before it. The
    candidates do not wait for one another until all have their first seeds.

    Args:
        plan: What is wanted.
        ended: Trainings that have ended; others than those that are asked for are ignored.
    """
    found = Look()
    runs: dict[str, list[Asked]] = {}
    for cell, hidden_size in plan.candidates:
        values: Values = {}
        if plan.search:
            trials, pending = tune(plan.search, plan.direction, cell, hidden_size, ended)
            if pending:
                found.wanted.append(pending)
                continue
            found.trials[cell, hidden_size] = trials
            values, _ = choose(trials, plan.direction)
        fixed = tuple(sorted(values.items()))
        several = range(max(plan.seeds.most, plan.members))
        runs[f"{cell}-{hidden_size}"] = [Asked(cell, hidden_size, n, fixed) for n in several]
    asked, chosen = raced(plan, runs, ended)
    for name, number in asked.items():
        for one in runs[name][:number]:
            (found.results if one in ended else found.wanted).append(one)
    if chosen is not None:
        found.members = members_of(runs[chosen], plan.members, ended)
        found.wanted += [one for one in found.members if one not in ended]
    return found


def raced(
    plan: DatasetPlan, runs: Mapping[str, list[Asked]], ended: Mapping[Asked, Ended]
) -> tuple[Mapping[str, int], str | None]:
    """With how many seeds each candidate that is tuned is trained, and the one that is chosen.

    The race begins once every candidate has its first seeds, since what a step costs is known by
    then, and the cheapest comes first.
    """
    first = plan.seeds.first
    if len(runs) < len(plan.candidates) or any(
        asked not in ended for each in runs.values() for asked in each[:first]
    ):
        return dict.fromkeys(runs, first), None
    ordered = sorted(runs, key=lambda name: (ended[runs[name][0]].cost, name))
    from rnn_core.comparison.race import (  # noqa: PLC0415 - who asks for no look does without NumPy
        Runner,
        race,
    )

    runners = [Runner(name=name, trained=trained_of(runs[name], ended)) for name in ordered]
    found = race(runners, plan.seeds, plan.margin)
    return found.asked, found.recommended


def members_of(asked: list[Asked], members: int, ended: Mapping[Asked, Ended]) -> list[Asked]:
    """The trainings of the chosen candidate that answer together, those that are missing too.

    As many of the first seeds as are wanted. None of those that diverged, which no other seed
    replaces. There are none where each seed has items of its own, since each model is then tested
    on what the others learned from, nor where but one is left.
    """
    if members < 2 or has_own_items(ended[asked[0]]):
        return []
    found = [one for one in asked[:members] if one not in ended or ended[one].score is not None]
    return found if len(found) > 1 else []


def has_own_items(end: Ended) -> bool:
    """Whether each random seed has items of its own."""
    items = end.trained.items if end.trained else None
    return items is not None and items.own_to_seed


def trained_of(asked: list[Asked], ended: Mapping[Asked, Ended]) -> "list[Trained]":
    """The trainings of a candidate from random seed 0 on, up to the first that has not ended."""
    there = takewhile(lambda one: one is not None, (ended.get(one) for one in asked))
    return [one.trained for one in there if one is not None and one.trained is not None]


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
