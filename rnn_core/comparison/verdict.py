"""From the scores of all candidates to which one to use, and with what risk.

The validation set chooses: the cheapest candidate that the race found safe, else the one with the
least expected loss. The test set is read once, afterwards, and trains nothing: where it makes the
choice less likely than not, nothing is decided.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

import numpy as np

from rnn_core.comparison.candidates import Candidate
from rnn_core.comparison.need import need_of, smallest_difference
from rnn_core.comparison.networks import Beside, ReferenceResult
from rnn_core.comparison.outcome import (
    CandidateResult,
    Decision,
    Effort,
    Evidence,
    Failure,
    Risk,
    SplitResult,
    Standing,
    Status,
    Why,
)
from rnn_core.comparison.race import (
    HOPELESS,
    SAFE,
    Race,
    Runner,
    Trained,
    is_fit,
    items_of,
    known_of,
    loss_matrix,
    race,
)
from rnn_core.comparison.rounding import apart
from rnn_core.comparison.standings import Sized, apart_from, failures, standings
from rnn_core.comparison.statistics.posterior import Posterior, risk_of
from rnn_core.errors import StudyError
from rnn_core.metric import SCORED, ScoredSplit, best_seed
from rnn_core.study import Seeds

CONTRADICTED = 0.5
"""Where the test set gives what was chosen a lower chance, and the validation set does not, it
contradicts."""

DIGITS = 4
"""Of chances: draws tell no more."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A candidate, and how each of its trainings did on both splits."""

    candidate: Candidate
    trained: Mapping[ScoredSplit, Sequence[Trained]]


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Posterior and risks of the candidates on one split.

    Attributes:
        names: Of those that are fit, from the cheapest to the dearest.
        known: Posterior of their true means; None where there is no evidence.
        standings: Of those without a diverged seed.
        difference_std: Standard deviation over seeds of a difference, mean over pairs.
        evidence: What the split can tell.
    """

    names: tuple[str, ...]
    known: Posterior | None
    standings: Mapping[str, Standing]
    difference_std: float | None
    evidence: Evidence

    def risks(self, margin: float) -> dict[str, Risk]:
        """Risk of each candidate that is fit."""
        if len(self.names) == 1:
            return {self.names[0]: Risk(chance=1.0, expected_loss=0.0)}
        if self.known is None:
            return {}
        found = risk_of(self.known.draws(), margin)
        pairs = zip(found.chance.tolist(), found.expected_loss.tolist(), strict=True)
        risks = [Risk(chance=round(a, DIGITS), expected_loss=round(b, DIGITS)) for a, b in pairs]
        return dict(zip(self.names, risks, strict=True))


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Verdict on the scores.

    Attributes:
        decision: Which candidate to use.
        effort: What it cost to find out.
        judged: What is known on each split.
        risks: On each split, by candidate.
        failures: Of the candidates that are worse than a smaller size of their cell.
    """

    decision: Decision
    effort: Effort
    judged: Mapping[ScoredSplit, Judged]
    risks: Mapping[ScoredSplit, Mapping[str, Risk]]
    failures: Mapping[str, Failure]


def decide(entries: Sequence[Entry], seeds: Seeds, margin: float) -> Verdict:
    """Say which candidate to use.

    Args:
        entries: All candidates with exactly the trainings that the race has asked for.
        seeds: How many there may be.
        margin: The largest difference that does not matter, in units of the metric.

    Raises:
        StudyError: If the race has asked for other trainings.
    """
    ordered = from_cheapest(entries)
    run = finished_race(ordered, seeds, margin)
    judged = {split: judge(ordered, run, split) for split in SCORED}
    risks = {split: judged[split].risks(margin) for split in SCORED}
    each = {entry.candidate.name: entry.candidate for entry in ordered}
    effort = Effort(
        looks=tuple(look.seeds for look in run.looks),
        most=seeds.most,
        trainings=sum(run.asked.values()),
        at_equal_seeds=len(ordered) * seeds.most,
    )
    chosen = run.recommended
    if chosen is None:
        decision = Decision(status="open", why="all_diverged", recommended=None)
    else:
        others = (each[name] for name in judged["test"].names if name != chosen)
        own = each[chosen].mean_loss("test")
        behind = any(apart(other.mean_loss("test"), own) < 0 for other in others)
        status, why = grounds(run, chosen, risks, behind=behind)
        decision = describe(each, chosen, judged, risks, (status, why), margin)
    failed = failures([sized(entry) for entry in ordered], margin)
    return Verdict(decision=decision, effort=effort, judged=judged, risks=risks, failures=failed)


def sized(entry: Entry) -> Sized:
    """A candidate beside other sizes of its cell."""
    one, tuned = entry.candidate, None
    if one.tuning is not None:
        tuned = np.inf if one.tuning.score is None else one.metric.loss(one.tuning.score)
    trained = entry.trained["validation"]
    return Sized(
        cell=one.cell,
        hidden_size=one.hidden_size,
        num_layers=one.num_layers,
        trained=trained,
        tuned=tuned,
    )


def from_cheapest(entries: Sequence[Entry]) -> list[Entry]:
    """Candidates by what a step costs, by name where that is equal."""
    return sorted(entries, key=lambda e: (e.candidate.cost.multiply_accumulates, e.candidate.name))


def finished_race(entries: Sequence[Entry], seeds: Seeds, margin: float) -> Race:
    """Run the race again, on what was trained.

    Raises:
        StudyError: If it has asked for other trainings than those that are there.
    """
    runners = [Runner(name=e.candidate.name, trained=e.trained["validation"]) for e in entries]
    run = race(runners, seeds, margin)
    there = {runner.name: len(runner.trained) for runner in runners}
    if not run.over or run.asked != there:
        raise StudyError(
            "the trainings are not those that the seeds of params.yaml ask for; run `gatewise run`"
        )
    return run


def judge(entries: Sequence[Entry], run: Race, split: ScoredSplit) -> Judged:
    """Compute posterior and risks of the candidates on a split."""
    trained = {entry.candidate.name: entry.trained[split] for entry in entries}
    fit = {name: each for name, each in trained.items() if is_fit(each)}
    running = [fit[name] for name in run.looks[-1].running if name in fit]
    return Judged(
        names=tuple(fit),
        known=known_of(list(fit.values())),
        standings=standings(trained),
        difference_std=difference_std(list(fit.values())),
        evidence=evidence_of(running),
    )


def evidence_of(running: Sequence[Sequence[Trained]]) -> Evidence:
    """Evidence of a split about the candidates that stayed in the race to its end."""
    items = items_of(running) if running else None
    if items is None:
        return Evidence(clusters=None, telling=None, smallest=None)
    apart = items.losses.max(axis=0) > items.losses.min(axis=0)
    counts = (items.weights > 0) & apart
    return Evidence(
        clusters=len(np.unique(items.clusters)),
        telling=int(counts.sum()),
        smallest=smallest_difference(items),
    )


def grounds(
    run: Race, chosen: str, risks: Mapping[ScoredSplit, Mapping[str, Risk]], *, behind: bool
) -> tuple[Status, Why]:
    """Return whether it is decided, and why.

    Args:
        run: The race.
        chosen: The recommended candidate.
        risks: Of each candidate on both splits.
        behind: Whether another candidate has a better mean on the test set. If none has, or the
            chance is low on the validation set too, a test set that tells too little does not
            contradict a validation set that does so too.
    """
    on_test = risks["test"].get(chosen)
    if len(run.asked) == 1:
        return "decided", "only_one"
    if len(risks["validation"]) == 1:
        return "decided", "only_left"
    if not risks["validation"]:
        return "open", "one_seed" if run.looks[-1].seeds == 1 else "few_finished"
    contradicted = on_test is None or on_test.chance < CONTRADICTED
    believed = risks["validation"][chosen].chance >= CONTRADICTED
    if contradicted and (run.winner or (behind and believed)):
        return "open", "test_contradicts"
    return ("decided", "safe") if run.winner else ("open", "too_close")


def describe(
    each: Mapping[str, Candidate],
    chosen: str,
    judged: Mapping[ScoredSplit, Judged],
    risks: Mapping[ScoredSplit, Mapping[str, Risk]],
    found: tuple[Status, Why],
    margin: float,
) -> Decision:
    """The choice with all that belongs to it."""
    recommended, names = each[chosen], judged["validation"].names
    ranked = sorted(names, key=lambda name: each[name].mean_loss("validation"))
    second = next((each[name] for name in ranked if name != chosen), None)
    rivals = tuple(
        name
        for name, risk in risks["validation"].items()
        if name != chosen and risk.chance >= HOPELESS
    )
    status, why = found
    known, std = judged["validation"].known, judged["validation"].difference_std
    return Decision(
        status=status,
        why=why,
        recommended=chosen,
        registered_seed=best_seed(recommended.reached(), recommended.metric),
        runner_up=second.name if second else None,
        ahead=apart(second.mean_loss("test"), recommended.mean_loss("test")) if second else None,
        rivals=rivals,
        cheaper=tuple(n for n in rivals if names.index(n) < names.index(chosen)),
        need=need_of(known, len(recommended.seeds), margin)
        if why == "too_close" and known
        else None,
        half_margin=safe_at(margin / 2, judged),
        twice_margin=safe_at(margin * 2, judged),
        difference_std=None if std is None else std / margin,
    )


def safe_at(margin: float, judged: Mapping[ScoredSplit, Judged]) -> str | None:
    """The cheapest candidate that is safe at a margin, unless the test set contradicts."""
    validation, test = (judged[split].risks(margin) for split in SCORED)
    found = next((name for name, risk in validation.items() if risk.chance >= SAFE), None)
    on_test = test.get(found) if found else None
    return found if on_test and on_test.chance >= CONTRADICTED else None


def difference_std(candidates: Sequence[Sequence[Trained]]) -> float | None:
    """Standard deviation of a difference over the seeds that both have, mean over pairs."""
    losses = loss_matrix(candidates) if candidates else np.empty((0, 0))
    found = []
    for i, j in combinations(range(len(losses)), 2):
        apart = losses[i] - losses[j]
        if np.isfinite(apart).sum() > 1:
            found.append(float(np.nanstd(apart, ddof=1)))
    return fmean(found) if found else None


def summarise(candidate: Candidate, verdict: Verdict) -> CandidateResult:
    """Summarise a candidate."""

    def on(split: ScoredSplit) -> SplitResult:
        return SplitResult(
            mean=candidate.mean(split),
            std=candidate.std(split),
            standing=verdict.judged[split].standings.get(candidate.name),
            risk=verdict.risks[split].get(candidate.name),
        )

    return CandidateResult(
        **candidate.in_summary(),
        num_layers=candidate.num_layers,
        tuning=candidate.tuning,
        failure=verdict.failures.get(candidate.name),
        validation=on("validation"),
        test=on("test"),
        recalls=candidate.mean_recalls(),
    )


def set_beside(
    network: Entry, entries: Sequence[Entry], decision: Decision, margin: float
) -> ReferenceResult:
    """Compare a reference network with the recommended candidate, whose choice it cannot change.

    Args:
        network: The network.
        entries: All candidates.
        decision: Which of them to use.
        margin: The largest difference that does not matter, in units of the metric.
    """
    one = network.candidate

    def on(split: ScoredSplit) -> Beside:
        trained = {entry.candidate.name: entry.trained[split] for entry in entries}
        apart = apart_from(network.trained[split], trained, decision.recommended)
        worse_by, error = (None if value is None else value / margin for value in apart)
        return Beside(mean=one.mean(split), std=one.std(split), worse_by=worse_by, error=error)

    return ReferenceResult(**one.in_summary(), validation=on("validation"), test=on("test"))
