"""What came of each candidate on one dataset."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import Literal, TypeAlias

import numpy as np

from rnn_core.comparison.differences import Items
from rnn_core.errors import StudyError
from rnn_core.tasks.base.task import Metric, Scores
from rnn_core.training.run_folder import Cost
from rnn_core.training.tuning import Tuned

Side: TypeAlias = Literal["validation", "test"]
SIDES: tuple[Side, ...] = ("validation", "test")


@dataclass(frozen=True, kw_only=True)
class SeedResult:
    """The outcome of one seed; scores are None if its training diverged.

    Attributes:
        seed: The seed.
        epochs: Epochs that it trained.
        steps: Optimiser steps that it took.
        validation: Score on the validation side.
        test: Score on the test side.
        others: Further metrics of the test side.
    """

    seed: int
    epochs: int
    steps: int
    validation: float | None
    test: float | None
    others: dict[str, float] = field(default_factory=dict)

    @property
    def diverged(self) -> bool:
        """Whether it came to no score."""
        return self.validation is None or self.test is None


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """The outcome of one cell at one size.

    Attributes:
        cell: Name of the cell.
        hidden_size: Features of its state.
        sizes: What of the ladder this is, as in params.yaml.
        deviations: How far its weights are from those of each budget, as a share of it.
        device: Kind of device it was trained on.
        data: Digest of the prepared data.
        cost: Counted cost of its model.
        seeds: Outcome of each seed.
        tuning: What it was tuned to, and at what cost; None if it was not.
    """

    cell: str
    hidden_size: int
    sizes: tuple[str, ...]
    deviations: dict[str, float]
    device: str
    data: str
    cost: Cost
    seeds: tuple[SeedResult, ...]
    tuning: Tuned | None = None

    @property
    def name(self) -> str:
        """What it is called in tables and files."""
        return f"{self.cell}-{self.hidden_size}"

    @property
    def training_cost(self) -> float:
        """Multiply-accumulates of what it takes to train it once.

        Steps of the optimiser, mean over seeds and with those of tuning, times
        multiply-accumulates of a step of the recurrent layers.
        """
        steps = fmean(seed.steps for seed in self.seeds) + (self.tuning.steps if self.tuning else 0)
        return steps * self.cost.multiply_accumulates

    def scores(self, side: Side) -> list[float]:
        """Scores of the seeds that did not diverge."""
        scores = (getattr(seed, side) for seed in self.seeds)
        return [score for score in scores if score is not None]

    def mean(self, side: Side) -> float | None:
        """Mean over seeds; None if all diverged."""
        return fmean(self.scores(side)) if self.scores(side) else None

    def std(self, side: Side) -> float | None:
        """Sample standard deviation over seeds; None for fewer than two."""
        return stdev(self.scores(side)) if len(self.scores(side)) > 1 else None

    def mean_others(self) -> dict[str, float]:
        """Means of the further metrics over the seeds that did not diverge."""
        found = [seed.others for seed in self.seeds if not seed.diverged]
        return {name: fmean(others[name] for others in found) for name in found[0]} if found else {}

    @property
    def complete(self) -> bool:
        """Whether no seed diverged."""
        return not any(seed.diverged for seed in self.seeds)

    @property
    def outcome(self) -> str:
        """How its seeds ended, in words; empty if all is well."""
        lost = [seed for seed in self.seeds if seed.diverged]
        if not lost:
            return ""
        told = ", ".join(f"seed {seed.seed} diverged at epoch {seed.epochs}" for seed in lost)
        return f"{len(self.seeds) - len(lost)} of {len(self.seeds)} seeds; {told}"


def loss(metric: Metric, score: float | None) -> float:
    """A score as something that should be small."""
    assert score is not None
    return score if metric.direction == "lower" else -score


def check_comparable(candidates: Sequence[Candidate]) -> None:
    """Refuse to compare results that differ in more than cell and size.

    Raises:
        StudyError: If data, device or seeds differ.
    """
    first = candidates[0]
    for other in candidates[1:]:
        for what in ("data", "device"):
            if getattr(other, what) != getattr(first, what):
                raise StudyError(
                    f"{first.cell} and {other.cell} were trained on different "
                    f"{'devices' if what == 'device' else 'data'}: {getattr(first, what)} and "
                    f"{getattr(other, what)}; train them anew on the same"
                )
        if [s.seed for s in other.seeds] != [s.seed for s in first.seeds]:
            raise StudyError(
                f"{first.cell} and {other.cell} have different seeds; run the train stages again"
            )


def item_losses(scores: Sequence[Sequence[Scores]], metric: Metric) -> Items | None:
    """The losses of items, mean over seeds; None where seeds have items of their own.

    Args:
        scores: For each candidate, the scores of each of its seeds on one side.
        metric: The metric of the scores.
    """
    each = [one for seeds in scores for one in seeds]
    sign = 1.0 if metric.direction == "lower" else -1.0
    first = each[0]
    if first.own_to_seed:
        return None
    if any(one.weights.shape != first.weights.shape for one in each):
        raise StudyError("candidates were not tested on the same items; run `gatewise run`")
    losses = np.stack([np.mean([one.values.numpy() for one in seeds], axis=0) for seeds in scores])
    clusters = first.clusters
    return Items(
        losses=sign * losses,
        weights=first.weights.numpy(),
        clusters=np.arange(len(first.weights)) if clusters is None else clusters.numpy(),
    )
