"""Result of a comparison: the content of `comparisons/<dataset>.json`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal, TypeAlias

from rnn_core.comparison.candidates import SeedResult, Summary
from rnn_core.comparison.ensembles import EnsembleResult, EnsembleScores
from rnn_core.comparison.networks import ReferenceResult
from rnn_core.comparison.policies import Policy, PolicyName
from rnn_core.comparison.refits import Refit, RefitResult
from rnn_core.errors import StudyError
from rnn_core.metric import Metric, ScoredSplit, Split
from rnn_core.records import NO_OTHER_KEYS, read_record, write_record
from rnn_core.training.tuning import Tuned

Status: TypeAlias = Literal["decided", "open"]
"""`decided`: the evidence for what is recommended is strong enough; `open`: it is not, yet."""

Why: TypeAlias = Literal[
    "safe",
    "only_one",
    "only_left",
    "too_close",
    "test_contradicts",
    "one_seed",
    "few_finished",
    "all_diverged",
]
"""Why a decision is as it is: `safe`, `only_one` and `only_left` decide, the others leave it open.

`only_left`: at least half of the trainings of every other candidate diverged."""


@dataclass(frozen=True, kw_only=True)
class Need:
    """The cheapest way that is likely to settle which candidate to use.

    It is an order of magnitude. `least` and `most` say how far it may be off: where the true
    means are as far apart as is possible, and as close.

    Attributes:
        seeds: Random seeds of each candidate that is still in the race.
        items: Times as many items of the validation set.
        least: Trainings times items, as a multiple of today's, that one in ten would do with.
        most: The same multiple that nine in ten would do with; None where they are beyond what is
            tried.
    """

    seeds: int
    items: float
    least: float
    most: float | None


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The recommended candidate, and how sure the recommendation is.

    Attributes:
        status: "decided" or "open".
        why: The reason, for wording; see `rnn_core.comparison.verdict`.
        recommended: Name of the candidate to use; None where every candidate diverged.
        registered_seed: Seed of the recommended candidate with the best validation score.
        runner_up: The candidate that is best on validation besides.
        ahead: By how much its mean test score is better than the runner-up's;
            negative if it is worse.
        rivals: Other candidates that may be the best, or within the margin of it: their chance
            is at least 1 % on the validation set. From the cheapest to the dearest.
        cheaper: Those of them that are cheaper than the recommended one.
        need: What would settle it; None where it is decided, or nothing that was tried would.
        half_margin: The candidate that is safe at half the margin; None if there is none.
        twice_margin: The same at twice the margin.
        difference_std: Standard deviation of a difference between two candidates over seeds,
            as a share of the margin: the mean over pairs on the validation set.
    """

    status: Status
    why: Why
    recommended: str | None
    registered_seed: int | None = None
    runner_up: str | None = None
    ahead: float | None = None
    rivals: tuple[str, ...] = ()
    cheaper: tuple[str, ...] = ()
    need: Need | None = None
    half_margin: str | None = None
    twice_margin: str | None = None
    difference_std: float | None = None

    @property
    def alone(self) -> bool:
        """Return whether there is no other candidate to compare the recommended one with."""
        return self.why in {"only_one", "only_left"}


@dataclass(frozen=True, kw_only=True)
class Effort:
    """Cost of the race.

    Attributes:
        looks: Numbers of random seeds after which candidates were looked at.
        most: Seeds that a candidate may have.
        trainings: All, without those of tuning.
        at_equal_seeds: What they would have been with the most seeds for every candidate.
    """

    looks: tuple[int, ...]
    most: int
    trainings: int
    at_equal_seeds: int


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Evidence of one split.

    Attributes:
        clusters: Groups of items that do not vary independently: voices, stretches of a series.
            As many as there are items where all do. None where seeds do not share items.
        telling: Items on which two candidates that may be the best differ; None in the same case.
        smallest: The smallest difference between two of them that its items can tell, in units
            of the metric; None in the same case, and where one candidate was left.
    """

    clusters: int | None
    telling: int | None
    smallest: float | None


@dataclass(frozen=True, kw_only=True)
class Risk:
    """Risk of using a candidate.

    Attributes:
        chance: That it is within the margin of the best.
        expected_loss: By how much it is worse than the best, in margins, the mean of what is
            possible.
    """

    chance: float
    expected_loss: float


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A candidate against the best of the others on one split, in units of the metric.

    Attributes:
        worse_by: By how much its mean is worse; below 0 for the best one.
        at_least: The lower limit of that, which holds for all candidates together at 95 %.
        at_most: The upper limit of the same kind; None where nothing limits it.
        inferior: Whether it is worse than some other beyond chance.
        effect: `worse_by` in standard deviations of the difference over seeds; None where
            there is none.
    """

    worse_by: float
    at_least: float | None
    at_most: float | None
    inferior: bool
    effect: float | None


@dataclass(frozen=True, kw_only=True)
class SplitResult:
    """The scores of a candidate on one split.

    Attributes:
        mean: Over seeds; None if all diverged.
        std: Sample standard deviation over seeds; None for fewer than two.
        standing: Against the best of the others that have as many seeds; None if one diverged.
        risk: Risk of using it; None where there is no evidence, or at least half of
            its seeds diverged.
    """

    mean: float | None
    std: float | None
    standing: Standing | None
    risk: Risk | None


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A size that is worse than a smaller one of its cell, which says nothing about the cell.

    Both have as many layers.

    Attributes:
        than: Name of the smaller one; the best, where there are several.
        worse_by: By how much, on the validation set, in units of the metric; None where the
            larger one diverges.
        error: Standard error of that; None in the same case, and where single seeds show nothing.
    """

    than: str
    worse_by: float | None
    error: float | None


@dataclass(frozen=True, kw_only=True)
class CandidateResult(Summary[SplitResult]):
    """One cell at one size, and what it came to.

    Attributes:
        num_layers: Layers.
        tuning: What it was tuned to, and at what cost; None if it was not.
        failure: That a smaller size of its cell is better; None if none is beyond chance.
        recalls: Means of the recalls of the test split, by class; empty where there are none.
    """

    num_layers: int = 1
    tuning: Tuned | None
    failure: Failure | None
    validation: (
        SplitResult  # named again for pydantic, which does not see what Summary is made with
    )
    test: SplitResult
    recalls: dict[str, float] = field(default_factory=dict)

    def seed(self, seed: int) -> SeedResult:
        """The outcome of one of its seeds."""
        return next(result for result in self.seeds if result.seed == seed)


Result: TypeAlias = CandidateResult | ReferenceResult
"""Result of a candidate, or of a network without a recurrence for comparison."""


@dataclass(frozen=True, kw_only=True)
class Recommended:
    """The candidate to use, and the one of its seeds that is registered.

    Attributes:
        name: Cell and size, such as `gru-64`.
        result: Scores of all its seeds.
        seed: Scores of the registered seed.
    """

    name: str
    result: CandidateResult
    seed: SeedResult


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The candidates of a dataset, and which of them to use.

    Attributes:
        task: Name of the task.
        metric: Of all scores.
        margin: The largest difference that does not matter, in units of the metric.
        device: Kind of device that the candidates were trained on.
        items: Items of each split.
        decision: Which candidate to use.
        effort: What it cost to find out.
        evidence: What each of the two splits that models are scored on can tell.
        candidates: What each came to, by its name.
        ensemble: The seeds of the recommended candidate together; None if there is no ensemble.
        policies: What simple advice leads to.
        baselines: Test scores of simple predictors without a recurrent cell.
        references: What networks without a recurrence came to, by name, which are no candidates;
            None if they are asked for and the task cannot use them.
        optimum: The best test score that is possible, where it is known.
        refit: The recommended candidate trained on the validation set too; None if that is not
            wanted, or every candidate diverged.
    """

    __pydantic_config__: ClassVar = NO_OTHER_KEYS

    task: str
    metric: Metric
    margin: float
    device: str
    items: dict[Split, int]
    decision: Decision
    effort: Effort
    evidence: dict[ScoredSplit, Evidence]
    candidates: dict[str, CandidateResult]
    ensemble: EnsembleResult | None
    policies: dict[PolicyName, Policy]
    baselines: dict[str, float]
    references: dict[str, ReferenceResult] | None
    optimum: float | None
    refit: RefitResult | None = None

    @property
    def results(self) -> dict[str, Result]:
        """Results of all candidates and reference networks, by name."""
        return {**self.candidates, **(self.references or {})}

    @property
    def recommended(self) -> Recommended | None:
        """The candidate to use; None if every candidate diverged."""
        name, seed = self.decision.recommended, self.decision.registered_seed
        if name is None or seed is None:
            return None
        result = self.candidates[name]
        return Recommended(name=name, result=result, seed=result.seed(seed))

    @property
    def members(self) -> tuple[int, ...]:
        """The random seeds of the ensemble that is registered; none if a single seed is."""
        several = self.ensemble is not None and self.ensemble.registered
        return self.registered_seeds if several else ()

    @property
    def registered_refit(self) -> Refit | None:
        """The refit that is registered; None if what was compared is, or its ensemble."""
        return self.refit.refit if self.refit is not None and self.refit.registered else None

    @property
    def registered_scores(self) -> EnsembleScores | None:
        """The scores of what is registered; None if every candidate diverged."""
        if self.refit is not None and self.refit.registered:
            return self.refit.scores
        if self.ensemble is not None and self.ensemble.registered:
            return self.ensemble.scores
        if self.recommended is None:
            return None
        result, seed = self.recommended.result, self.recommended.seed
        return EnsembleScores(
            cell=result.cell,
            hidden_size=result.hidden_size,
            num_layers=result.num_layers,
            seeds=(seed.seed,),
            validation=seed.validation,
            test=seed.test,
            others=seed.others,
        )

    @property
    def registered_seeds(self) -> tuple[int, ...]:
        """The random seeds of what is registered; none if every candidate diverged."""
        scores = self.registered_scores
        return () if scores is None else scores.seeds

    @property
    def registered_test_score(self) -> float | None:
        """The test score of what is registered, which may be an ensemble, or a refit."""
        scores = self.registered_scores
        return None if scores is None else scores.test


def write_comparison(path: Path, comparison: Comparison) -> None:
    """Write a comparison; the same values give the same bytes."""
    path.parent.mkdir(exist_ok=True)
    write_record(path, comparison)


def read_comparison(path: Path) -> Comparison:
    """Read a comparison.

    Raises:
        DataError: If the file is missing, is not JSON, or has another form.
        StudyError: If its decision names a candidate or a seed that it does not have.
    """
    found = read_record(path, Comparison)
    decision = found.decision
    for name in (decision.recommended, decision.runner_up, *decision.rivals):
        if name is not None and name not in found.candidates:
            raise StudyError(f"{path}: decision names {name}, which is no candidate of it")
    for name, one in found.candidates.items():
        if one.failure is not None and one.failure.than not in found.candidates:
            raise StudyError(
                f"{path}: candidates.{name}.failure names {one.failure.than}, which is no "
                "candidate of it"
            )
    if decision.recommended is not None:
        seeds = [seed.seed for seed in found.candidates[decision.recommended].seeds]
        if decision.registered_seed not in seeds:
            raise StudyError(
                f"{path}: decision.registered_seed must be one of {seeds}, "
                f"not {decision.registered_seed}"
            )
    return found
