"""Choose the next trainings of a dataset: a pure function of the plan and validation scores.

First each candidate is tuned and trained with its first seeds. A size that is then worse than a
smaller size of the same cell is tuned again, once. Then the candidates race (see
`rnn_core.comparison.race`). Last, the models of the chosen candidate that may be registered are
trained: its ensemble and its refit. Reference networks are trained too; their results change
nothing here.

The planner gets no test scores, and uses only trainings that it has asked for. So neither other
entries of the store nor the order in which trainings end change its answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from rnn_core.comparison.at_most import most_trainings, seeds_of_reference
from rnn_core.comparison.refits import Refit
from rnn_core.metric import Division, Metric, Reached
from rnn_core.study import ChampionKind, Seeds, Tuning, is_for_tuning
from rnn_core.training.run_folder import candidate_name, size_name
from rnn_core.training.search_space import Dimension, Values
from rnn_core.training.tuning import (
    Found,
    Round,
    Search,
    Trial,
    Try,
    again,
    begin,
    finish,
    loss,
    next_round,
)

if TYPE_CHECKING:
    from rnn_core.comparison.race import Trained
    from rnn_core.comparison.rolling_origin import Fit

MANY = 1_000_000
"""Epochs of a training that is long enough for each round to differ from all others."""


class Sizing(NamedTuple):
    """A cell at a size: a candidate.

    Attributes:
        cell: Name of the cell.
        hidden_size: Features of its state, in each layer.
        num_layers: Layers.
    """

    cell: str
    hidden_size: int
    num_layers: int = 1

    @property
    def name(self) -> str:
        """The name of the candidate."""
        return candidate_name(*self)

    @property
    def size(self) -> str:
        """The name of its size."""
        return size_name(self.hidden_size, self.num_layers)


@dataclass(frozen=True, order=True)
class Asked:
    """A training that the plan asks for.

    Attributes:
        cell: Name of the cell.
        hidden_size: Features of its state, in each layer.
        seed: Random seed; a trial has a seed that is reserved for tuning.
        values: Parameters that differ from those of the dataset, by name, sorted.
        share: Epochs, as a share of those of the dataset.
        division: Which items it is trained on.
        epochs: Number of epochs, if it was chosen; None: given by `share`.
        num_layers: Layers.
    """

    cell: str
    hidden_size: int
    seed: int
    values: tuple[tuple[str, float], ...] = ()
    share: float = 1.0
    division: Division = "prepared"
    epochs: int | None = None
    num_layers: int = 1

    @property
    def sizing(self) -> Sizing:
        """The candidate."""
        return Sizing(self.cell, self.hidden_size, self.num_layers)

    @property
    def is_trial(self) -> bool:
        """True for a trial of tuning, which is not a result of the study."""
        return is_for_tuning(self.seed)


@dataclass(frozen=True)
class Ended:
    """The result of a training, as far as the planner may know it.

    Attributes:
        score: Best score on the validation set; None if the training diverged, or had none.
        epochs: Epochs that it trained.
        steps: Optimiser steps that it took.
        cost: Multiply-accumulates of a step of its model's recurrent layers.
        trained: Its evaluation on the validation set; None for a trial, and for a training that
            used the validation set.
        reached: Its score on the validation set; None in the same cases, and if it has no score.
        kept: The epoch whose weights were kept; None if it diverged.
    """

    score: float | None
    epochs: int
    steps: int
    cost: int = 0
    trained: "Trained | None" = None
    reached: Reached | None = None
    kept: int | None = None


@dataclass(frozen=True, kw_only=True)
class Tunes:
    """The tuning of each candidate.

    Attributes:
        dataset: Name of the dataset; random draws depend on it.
        tuning: The section of params.yaml.
        space: The values that are searched.
        epochs: Epochs of a full training.
    """

    dataset: str
    tuning: Tuning
    space: Mapping[str, Dimension]
    epochs: int

    def first(self, candidate: str) -> Search:
        """The first search of a candidate."""
        return begin(f"{self.dataset} {candidate}", self.space, self.tuning, self.epochs)


@dataclass(frozen=True, kw_only=True)
class DatasetPlan:
    """The planner's input for a dataset.

    Attributes:
        candidates: Cells with their sizes.
        seeds: Numbers of random seeds that candidates are trained with.
        margin: The largest difference that does not matter, in units of the metric.
        members: Models of the chosen candidate that may answer together; 1: no ensemble.
        metric: Of the scores.
        tunes: The tuning of candidates; None: they are not tuned.
        references: Reference networks with their sizes, which are not candidates.
        refit: The kind of model of the chosen candidate that is also trained on the validation
            set, since it may be registered; None: there is no refit.
    """

    candidates: tuple[Sizing, ...]
    seeds: Seeds
    margin: float
    members: int
    metric: Metric
    tunes: Tunes | None = None
    references: tuple[Sizing, ...] = ()
    refit: ChampionKind | None = None

    @property
    def most(self) -> int:
        """The most trainings there can be, with trials and a refit, without an ensemble's."""
        return most_trainings(
            smallest=len({(one.cell, one.num_layers) for one in self.candidates}),
            candidates=len(self.candidates),
            references=len(self.references),
            seeds=self.seeds,
            rounds=rounds_of(self.tunes.tuning, self.tunes.epochs) if self.tunes else (),
            refit=None if self.refit is None else self.members,
        )


@dataclass
class Look:
    """The state of the plan, given the trainings that have ended.

    Attributes:
        wanted: Trainings that are asked for and have not ended; if empty, the plan is done.
        results: Trainings of the race that have ended.
        members: Once all have ended, those of the chosen candidate that may form an ensemble.
        references: Trainings of reference networks that have ended.
        racing: Names of the candidates that are still in the race; empty before its first look
            and after its last.
        searches: Results of the finished searches, by name of the candidate.
        failed: For each candidate that was tuned again, the trainings that were the reason.
        refits: Trainings of the chosen candidate on other divisions of the data.
        refit: The result of these, once all have ended; None if no refit is wanted.
    """

    wanted: list[Asked] = field(default_factory=list)
    results: list[Asked] = field(default_factory=list)
    members: list[Asked] = field(default_factory=list)
    references: list[Asked] = field(default_factory=list)
    racing: tuple[str, ...] = ()
    searches: dict[str, list[Found]] = field(default_factory=dict)
    failed: dict[str, list[Asked]] = field(default_factory=dict)
    refits: list[Asked] = field(default_factory=list)
    refit: Refit | None = None


Runs: TypeAlias = dict[str, list[Asked]]
"""The trainings that each candidate may have in the race, by its name and random seed."""


def look(plan: DatasetPlan, ended: Mapping[Asked, Ended]) -> Look:
    """Choose the trainings to do next.

    All trials of a round are asked for at once. Candidates do not wait for one another until the
    race begins.

    Args:
        plan: The plan.
        ended: Trainings that have ended; those that the plan does not ask for are ignored.
    """
    found = Look()
    runs: Runs = {}
    for candidate in plan.candidates:
        if plan.tunes is None:
            runs[candidate.name] = runs_of(plan, candidate, {})
        else:
            follow(plan, candidate, plan.tunes.first(candidate.name), ended, found, runs)
    if plan.tunes is not None and have_first(plan, runs, ended):
        tune_again(plan, ended, found, runs)
    asked, chosen, found.racing = raced(plan, runs, ended)
    for name, number in asked.items():
        for one in runs[name][:number]:
            (found.results if one in ended else found.wanted).append(one)
    if chosen is not None:
        found.members = members_of(runs[chosen], plan.members, ended)
        found.wanted += [one for one in found.members if one not in ended]
        if plan.refit is not None and not found.wanted:
            follow_refit(plan, runs[chosen], ended, found)
    for reference in plan.references:  # last: nothing waits for them
        for seed in range(seeds_of_reference(plan.seeds)):
            one = Asked(**reference._asdict(), seed=seed)
            (found.references if one in ended else found.wanted).append(one)
    return found


def runs_of(plan: DatasetPlan, candidate: Sizing, values: Values) -> list[Asked]:
    """The trainings that a candidate may have in the race, or for an ensemble."""
    fixed = tuple(sorted(values.items()))
    seeds = range(max(plan.seeds.most, plan.members))
    return [Asked(**candidate._asdict(), seed=seed, values=fixed) for seed in seeds]


def follow(
    plan: DatasetPlan,
    candidate: Sizing,
    search: Search,
    ended: Mapping[Asked, Ended],
    found: Look,
    runs: Runs,
) -> None:
    """Replay a search: note its result and the candidate's trainings, or ask for more trials."""
    name, rounds = candidate.name, list[list[Trial]]()
    while tries := next_round(search, plan.metric.direction, rounds):
        asked = [asked_for(candidate, one) for one in tries]
        if missing := [one for one in asked if one not in ended]:
            found.wanted += missing
            runs.pop(name, None)
            return
        ends = (ended[one] for one in asked)
        rounds.append([trial(one, end) for one, end in zip(tries, ends, strict=True)])
    done = finish(search, plan.metric.direction, rounds)
    found.searches.setdefault(name, []).append(done)
    runs[name] = runs_of(plan, candidate, done.chosen)


def asked_for(candidate: Sizing, one: Try) -> Asked:
    """A trial of tuning as a training that is asked for."""
    return Asked(**candidate._asdict(), seed=one.seed, values=one.fixed, share=one.share)


def trial(one: Try, end: Ended) -> Trial:
    """Combine a trial with its result."""
    return Trial(**vars(one), score=end.score, epochs=end.epochs, steps=end.steps)


def have_first(plan: DatasetPlan, runs: Runs, ended: Mapping[Asked, Ended]) -> bool:
    """Return whether every candidate has been trained with its first seeds."""
    first = (one for each in runs.values() for one in each[: plan.seeds.first])
    return len(runs) == len(plan.candidates) and all(one in ended for one in first)


def tune_again(plan: DatasetPlan, ended: Mapping[Asked, Ended], found: Look, runs: Runs) -> None:
    """Search again for the candidates that are worse than a smaller size of their cell."""
    from rnn_core.comparison.standings import Sized, failures  # noqa: PLC0415 - has NumPy

    first = {name: each[: plan.seeds.first] for name, each in runs.items()}
    before = {name: searches[0] for name, searches in found.searches.items()}
    sized = [
        Sized(
            **candidate._asdict(),
            trained=trained_of(first[candidate.name], ended),
            tuned=loss(before[candidate.name].score, plan.metric.direction),
        )
        for candidate in plan.candidates
    ]
    failed = failures(sized, plan.margin)
    for candidate in plan.candidates:
        name = candidate.name
        if name in failed:
            search = again(before[name], before[failed[name].than].chosen)
            found.failed[name] = first[name]
            follow(plan, candidate, search, ended, found, runs)


def raced(
    plan: DatasetPlan, runs: Runs, ended: Mapping[Asked, Ended]
) -> tuple[Mapping[str, int], str | None, tuple[str, ...]]:
    """Run the race: the number of seeds by candidate, the chosen one, and those still in the race.

    The race begins once every candidate has its first seeds: by then the cost of a step is known,
    and cheaper candidates come first.
    """
    if not have_first(plan, runs, ended):
        return dict.fromkeys(runs, plan.seeds.first), None, ()
    ordered = sorted(runs, key=lambda name: (ended[runs[name][0]].cost, name))
    from rnn_core.comparison.race import (  # noqa: PLC0415 - has NumPy
        Runner,
        race,
    )

    runners = [Runner(name=name, trained=trained_of(runs[name], ended)) for name in ordered]
    found = race(runners, plan.seeds, plan.margin)
    racing = () if found.over or not found.looks else found.running
    return found.asked, found.recommended, racing


def members_of(asked: list[Asked], members: int, ended: Mapping[Asked, Ended]) -> list[Asked]:
    """The trainings of the chosen candidate that form an ensemble, finished or not.

    These are its first `members` seeds, without those that diverged, which are not replaced. There
    is no ensemble if only one training is left. Nor is there one if each seed has its own items:
    each model would be tested on items that the others were trained on.
    """
    if members < 2 or has_own_items(ended[asked[0]]):
        return []
    found = [one for one in asked[:members] if one not in ended or ended[one].score is not None]
    return found if len(found) > 1 else []


def follow_refit(
    plan: DatasetPlan, asked: list[Asked], ended: Mapping[Asked, Ended], found: Look
) -> None:
    """Replay a refit of the chosen candidate: note its result, or ask for more trainings."""
    from rnn_core.comparison.rolling_origin import (  # noqa: PLC0415 - has NumPy, and SciPy
        Wish,
        refitting,
    )

    def meant(fit: "Fit") -> Asked:
        return replace(asked[0], seed=fit.seed, division=fit.division, epochs=fit.epochs)

    assert plan.refit is not None
    wish = Wish(
        cell=asked[0].cell,
        hidden_size=asked[0].hidden_size,
        num_layers=asked[0].num_layers,
        champion=plan.refit,
        raced={one.seed: ended[one] for one in asked if one in found.results},
        members=[one.seed for one in found.members],
        metric=plan.metric,
    )
    stands = refitting(wish, lambda fit: ended.get(meant(fit)))
    found.refits, found.refit = [meant(fit) for fit in stands.asked], stands.refit
    found.wanted += [one for one in found.refits if one not in ended]


def has_own_items(end: Ended) -> bool:
    """Return whether each random seed has its own items."""
    items = end.trained.items if end.trained else None
    return items is not None and items.own_to_seed


def trained_of(asked: list[Asked], ended: Mapping[Asked, Ended]) -> "list[Trained]":
    """The trainings of a candidate from random seed 0 up to the first that has not ended."""
    there = takewhile(lambda one: one is not None, (ended.get(one) for one in asked))
    return [one.trained for one in there if one is not None and one.trained is not None]


def rounds_of(tuning: Tuning, epochs: int = MANY) -> tuple[Round, ...]:
    """The rounds of a search."""
    return begin("", {}, tuning, epochs).all_rounds
