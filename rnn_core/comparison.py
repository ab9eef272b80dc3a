"""Which cell to use, from the scores of all cells on one dataset."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import fmean, stdev
from typing import Any, Literal, TypeAlias

from rnn_core.errors import StudyError
from rnn_core.runs import Cost
from rnn_core.tasks.base import Metric

Side: TypeAlias = Literal["validation", "test"]


@dataclass(frozen=True, kw_only=True)
class SeedResult:
    """The outcome of one seed; scores are None if its training diverged.

    `others` are further metrics of the test side.
    """

    seed: int
    epochs: int
    steps: int
    validation: float | None
    test: float | None
    others: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class CellResult:
    """The outcome of one cell on one dataset.

    Attributes:
        cell: Name of the cell.
        device: Kind of device it was trained on.
        data: Digest of the prepared data.
        cost: Counted cost of its model.
        seeds: Outcome of each seed.
    """

    cell: str
    device: str
    data: str
    cost: Cost
    seeds: tuple[SeedResult, ...]

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
        found = [seed.others for seed in self.seeds if seed.test is not None]
        return {name: fmean(others[name] for others in found) for name in found[0]} if found else {}

    @property
    def complete(self) -> bool:
        """Whether no seed diverged."""
        return len(self.scores("validation")) == len(self.seeds)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Which cell to use.

    Attributes:
        champion: The cell; None if every cell has a seed that diverged.
        decision: The rule that chose it, or "none".
        registered_seed: The champion's seed with the best validation score.
        runner_up: The next cell by the same rule.
        margin: By how much the champion's mean test score is better than the runner-up's;
            negative if it is worse.
    """

    champion: str | None
    decision: Literal["best-mean", "none"]
    registered_seed: int | None
    runner_up: str | None
    margin: float | None


def decide(results: Sequence[CellResult], metric: Metric) -> Decision:
    """Choose the cell with the best mean validation score; the cheaper one of equals.

    The test side is only read for the margin that is reported.
    """
    eligible = sorted(
        (result for result in results if result.complete),
        key=lambda r: (loss(metric, r.mean("validation")), r.cost.multiply_accumulates, r.cell),
    )
    if not eligible:
        return Decision(
            champion=None, decision="none", registered_seed=None, runner_up=None, margin=None
        )
    best = eligible[0]
    seed = min(best.seeds, key=lambda seed: (loss(metric, seed.validation), seed.seed))
    runner_up = eligible[1] if len(eligible) > 1 else None
    return Decision(
        champion=best.cell,
        decision="best-mean",
        registered_seed=seed.seed,
        runner_up=runner_up.cell if runner_up else None,
        margin=loss(metric, runner_up.mean("test")) - loss(metric, best.mean("test"))
        if runner_up
        else None,
    )


def loss(metric: Metric, score: float | None) -> float:
    """A score as something that should be small."""
    assert score is not None
    return score if metric.direction == "lower" else -score


def check_comparable(results: Sequence[CellResult]) -> None:
    """Refuse to compare results that differ in more than the cell.

    Raises:
        StudyError: If data, device or seeds differ.
    """
    first = results[0]
    for result in results[1:]:
        for what in ("data", "device"):
            if getattr(result, what) != getattr(first, what):
                raise StudyError(
                    f"{first.cell} and {result.cell} were trained on different "
                    f"{'devices' if what == 'device' else 'data'}: {getattr(first, what)} and "
                    f"{getattr(result, what)}; train them anew on the same"
                )
        if [s.seed for s in result.seeds] != [s.seed for s in first.seeds]:
            raise StudyError(
                f"{first.cell} and {result.cell} have different seeds; run the train stages again"
            )


def summarise(result: CellResult) -> dict[str, Any]:
    """A cell's outcome as plain JSON."""
    return {
        "cost": asdict(result.cost),
        "complete": result.complete,
        "seeds": [asdict(seed) for seed in result.seeds],
        "validation": {"mean": result.mean("validation"), "std": result.std("validation")},
        "test": {"mean": result.mean("test"), "std": result.std("test")},
        "others": result.mean_others(),
    }
