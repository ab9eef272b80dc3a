"""Outcome of each candidate on one dataset."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, ClassVar, Generic, TypeVar

from rnn_core.errors import StudyError
from rnn_core.metric import Metric, Reached, ScoredSplit
from rnn_core.records import NO_OTHER_KEYS, read_record, write_record
from rnn_core.training.run_folder import Cost, candidate_name, size_name
from rnn_core.training.tuning import Tuned

SCORES = "scores.json"

OnSplit = TypeVar("OnSplit")
"""The scores on one split."""


@dataclass(frozen=True, kw_only=True)
class SeedResult:
    """The outcome of one seed; scores are None if its training diverged.

    Attributes:
        seed: The seed.
        epochs: Epochs that it trained.
        steps: Optimiser steps that it took.
        validation: Score on the validation split.
        test: Score on the test split.
        others: Further metrics of the test split.
        recalls: The share of the test items of each class that are taken for it, by its name;
            empty where items have no classes.
    """

    seed: int
    epochs: int
    steps: int
    validation: float | None
    test: float | None
    others: dict[str, float] = field(default_factory=dict)
    recalls: dict[str, float] = field(default_factory=dict)

    @property
    def diverged(self) -> bool:
        """Return whether it came to no score."""
        return self.validation is None or self.test is None


@dataclass(frozen=True, kw_only=True)
class SizeResult:
    """The outcome of one cell, or of a network without a recurrence, at one size.

    Attributes:
        cell: Name of the cell or network.
        hidden_size: Features of its state, or output, in each layer.
        sizes: Its place among the sizes of params.yaml; for a network, the candidate whose
            multiply-accumulates it has as many as.
        deviations: How far it is from each of these, as a share of it: a cell by its weights.
        cost: Counted cost of its model.
        seeds: Outcome of each seed.
    """

    cell: str
    hidden_size: int
    sizes: tuple[str, ...]
    deviations: dict[str, float]
    cost: Cost
    seeds: tuple[SeedResult, ...]

    @property
    def num_layers(self) -> int:
        """One, except for cells, which have a field for it: a network is not stacked."""
        return 1

    @property
    def size(self) -> str:
        """Name of its size."""
        return size_name(self.hidden_size, self.num_layers)

    @property
    def diverged(self) -> tuple[SeedResult, ...]:
        """Its seeds that diverged."""
        return tuple(seed for seed in self.seeds if seed.diverged)


@dataclass(frozen=True, kw_only=True)
class Summary(SizeResult, Generic[OnSplit]):
    """An outcome with its scores on each split, in a comparison.

    Attributes:
        validation: Its scores on the validation split.
        test: Its scores on the test split.
        others: Means of the further metrics of the test split.
    """

    validation: OnSplit
    test: OnSplit
    others: dict[str, float]

    def on(self, split: ScoredSplit) -> OnSplit:
        """Its scores on a split."""
        return self.validation if split == "validation" else self.test


@dataclass(frozen=True, kw_only=True)
class Candidate(SizeResult):
    """The outcome of one cell at one size, as it was evaluated.

    Attributes:
        num_layers: Layers.
        device: Kind of device it was trained on.
        data: Digest of the prepared data.
        metric: Of its scores.
        tuning: What it was tuned to, and at what cost; None if it was not.
        validation_losses: What training lowers, on the validation split, by seed; empty where
            the metric is that.
    """

    __pydantic_config__: ClassVar = NO_OTHER_KEYS

    num_layers: int = 1
    device: str
    data: str
    metric: Metric
    tuning: Tuned | None = None
    validation_losses: dict[int, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name in tables and files."""
        return candidate_name(self.cell, self.hidden_size, self.num_layers)

    @property
    def training_cost(self) -> float:
        """Multiply-accumulates of what it takes to train it once.

        Steps of the optimiser, mean over seeds and with those of tuning, times
        multiply-accumulates of a step of the recurrent layers.
        """
        steps = fmean(seed.steps for seed in self.seeds) + (self.tuning.steps if self.tuning else 0)
        return steps * self.cost.multiply_accumulates

    def scores(self, split: ScoredSplit) -> list[float]:
        """Scores of the seeds that did not diverge."""
        scores = (getattr(seed, split) for seed in self.seeds)
        return [score for score in scores if score is not None]

    def reached(self) -> dict[int, Reached]:
        """Scores on the validation set of the seeds that did not diverge, by seed."""
        return {
            seed.seed: Reached(seed.validation, self.validation_losses.get(seed.seed))
            for seed in self.seeds
            if seed.validation is not None
        }

    def mean(self, split: ScoredSplit) -> float | None:
        """Mean over seeds; None if all diverged."""
        return fmean(self.scores(split)) if self.scores(split) else None

    def mean_loss(self, split: ScoredSplit) -> float:
        """Mean over seeds, as something that should be small; one at least did not diverge."""
        return self.metric.loss(fmean(self.scores(split)))

    def std(self, split: ScoredSplit) -> float | None:
        """Sample standard deviation over seeds; None for fewer than two."""
        return stdev(self.scores(split)) if len(self.scores(split)) > 1 else None

    def mean_others(self) -> dict[str, float]:
        """Means of the further metrics over the seeds that did not diverge."""
        found = [seed.others for seed in self.seeds if not seed.diverged]
        return {name: fmean(others[name] for others in found) for name in found[0]} if found else {}

    def mean_recalls(self) -> dict[str, float]:
        """Means of the recalls over the seeds that did not diverge, and tested the class."""
        found = [seed.recalls for seed in self.seeds if not seed.diverged]
        classes = sorted({name for recalls in found for name in recalls})
        return {name: fmean(one[name] for one in found if name in one) for name in classes}

    @property
    def finished(self) -> bool:
        """Return whether some seed did not diverge."""
        return len(self.diverged) < len(self.seeds)

    def in_summary(self) -> dict[str, Any]:
        """The part of a `Summary` that does not depend on the other candidates."""
        found = {one.name: getattr(self, one.name) for one in fields(SizeResult)}
        return found | {"others": self.mean_others()}


def check_comparable(candidates: Sequence[Candidate]) -> None:
    """Refuse to compare results that differ in more than cell and size.

    Raises:
        StudyError: If data, metric or device differ, or a candidate lacks one of its first seeds.
    """
    first = candidates[0]
    for one in candidates:
        if [seed.seed for seed in one.seeds] != list(range(len(one.seeds))):
            raise StudyError(f"{one.name} lacks one of its first random seeds; run `gatewise run`")
    kinds = {"data": "data", "metric": "metrics", "device": "devices"}
    for other in candidates[1:]:
        for what, several in kinds.items():
            if getattr(other, what) != getattr(first, what):
                raise StudyError(
                    f"{first.cell} and {other.cell} have different {several}: "
                    f"{getattr(first, what)} and {getattr(other, what)}; train them again on the "
                    "same"
                )


def write_scores(folder: Path, candidate: Candidate) -> None:
    """Write the evaluation of a cell at one size into its folder."""
    write_record(folder / SCORES, candidate)


def read_scores(folder: Path) -> Candidate:
    """Read the evaluation of a cell at one size.

    Raises:
        DataError: If it is missing or not of this form.
    """
    return read_record(folder / SCORES, Candidate)
