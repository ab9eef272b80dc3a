"""From the scores of all candidates to which one to use, with what speaks for it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from rnn_core.comparison.differences import (
    Comparison,
    Differences,
    Items,
    compare_with_best,
    paired_differences,
)
from rnn_core.comparison.results import SIDES, Candidate, Side, loss
from rnn_core.comparison.rule import Evidence, Need, Verdict, Word, judge, sensitivity
from rnn_core.tasks.base.task import Metric

FEWEST_SEEDS = 2
"""Seeds that have a spread."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Which candidate to use.

    Attributes:
        decision: "decided"; "provisional" where the rule abstains, and the champion is the
            best on the validation side; "none" where every candidate has a seed that
            diverged.
        champion: Name of the candidate; None if there is none.
        reason: Why, in a sentence.
        registered_seed: The champion's seed with the best validation score.
        runner_up: The candidate that is best on validation besides.
        ahead: By how much the champion's mean test score is better than the runner-up's;
            negative if it is worse.
        need: What would let the rule decide; None if it did.
        half_margin: What the rule says at half the margin, as its champion; None where it
            abstains.
        twice_margin: Likewise at twice the margin.
        spread: Standard deviation of a difference between two candidates over seeds, as
            a share of the margin: the mean over pairs on the validation side.
    """

    decision: Word
    champion: str | None
    reason: str
    registered_seed: int | None = None
    runner_up: str | None = None
    ahead: float | None = None
    need: Need | None = None
    half_margin: str | None = None
    twice_margin: str | None = None
    spread: float | None = None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A candidate against the best of the others on one side, in units of the metric.

    Attributes:
        worse_by: By how much its mean is worse; below 0 for the best one.
        at_least: The lower limit of that, which holds for all candidates together at 95 %.
        at_most: The upper limit likewise; None where nothing limits it.
        inferior: Whether it is worse than some other beyond chance.
        effect: `worse_by` in standard deviations of the difference over seeds; None where
            there is no spread.
    """

    worse_by: float
    at_least: float | None
    at_most: float | None
    inferior: bool
    effect: float | None


def decide(
    candidates: Sequence[Candidate],
    items: Mapping[Side, Items | None],
    metric: Metric,
    margin: float,
) -> tuple[Decision, dict[str, dict[Side, Standing]]]:
    """Say which candidate to use, and how each of those that are complete stands.

    Args:
        candidates: All that were trained; those with a seed that diverged are not eligible.
        items: The losses of items on both sides, in the order of the complete candidates
            from cheapest to dearest; see `eligible`.
        metric: Of the scores.
        margin: The largest difference that does not matter.
    """
    fit = eligible(candidates)
    if not fit:
        reason = "a seed of every candidate diverged"
        return Decision(decision="none", champion=None, reason=reason), {}
    differences = {side: side_differences(fit, items[side], metric, side) for side in SIDES}
    evidence = Evidence(
        names=tuple(candidate.name for candidate in fit),
        validation=differences["validation"],
        test=differences["test"],
        margin=margin,
    )
    ranked = sorted(fit, key=lambda c: loss(metric, c.mean("validation")))  # cheaper of equals
    verdict = judge(evidence, ranked[0].name)
    chosen = next(candidate for candidate in fit if candidate.name == verdict.champion)
    standings = {side: standing(fit, differences[side], metric, side) for side in SIDES}
    each = {c.name: {side: standings[side][i] for side in SIDES} for i, c in enumerate(fit)}
    return describe(verdict, evidence, chosen, ranked, metric), each


def eligible(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Candidates of which no seed diverged, from the cheapest to the dearest."""
    complete = [candidate for candidate in candidates if candidate.complete]
    return sorted(complete, key=lambda c: (c.cost.multiply_accumulates, c.name))


def side_differences(
    candidates: Sequence[Candidate], items: Items | None, metric: Metric, side: Side
) -> Differences | None:
    """Differences between candidates on a side; None where nothing tells their spread."""
    if len(candidates) < 2 or len(candidates[0].seeds) < FEWEST_SEEDS:
        return None
    losses = [[loss(metric, score) for score in c.scores(side)] for c in candidates]
    return paired_differences(np.asarray(losses), items)


def standing(
    candidates: Sequence[Candidate], differences: Differences | None, metric: Metric, side: Side
) -> list[Standing]:
    """How each candidate stands on a side."""
    means = np.asarray([loss(metric, candidate.mean(side)) for candidate in candidates])
    best_other = [np.delete(means, i).min(initial=np.inf) for i in range(len(means))]
    worse_by = np.where(np.isfinite(best_other), means - best_other, 0.0)
    if differences is None:
        return [
            Standing(worse_by=float(by), at_least=None, at_most=None, inferior=False, effect=None)
            for by in worse_by
        ]
    comparison = compare_with_best(differences)
    return [
        one_standing(i, float(worse_by[i]), means, differences, comparison)
        for i in range(len(means))
    ]


def one_standing(
    i: int,
    worse_by: float,
    means: np.ndarray[Any, np.dtype[np.float64]],
    differences: Differences,
    comparison: Comparison,
) -> Standing:
    """How one candidate stands."""
    others = np.where(np.arange(len(means)) == i, np.inf, means)
    variance = float(differences.seed_variances[i, int(others.argmin())]) * differences.num_seeds
    return Standing(
        worse_by=worse_by,
        at_least=float(comparison.lower[i]),
        at_most=float(comparison.upper[i]),
        inferior=bool(comparison.inferior[i]),
        effect=worse_by / variance**0.5 if variance > 0 else None,
    )


def describe(
    verdict: Verdict,
    evidence: Evidence,
    chosen: Candidate,
    ranked: Sequence[Candidate],
    metric: Metric,
) -> Decision:
    """The verdict with all that belongs to it."""
    best_seed = min(chosen.seeds, key=lambda s: (loss(metric, s.validation), s.seed))
    second = next((candidate for candidate in ranked if candidate is not chosen), None)
    sure = sensitivity(evidence)
    return Decision(
        decision=verdict.decision,
        champion=chosen.name,
        reason=verdict.reason,
        registered_seed=best_seed.seed,
        runner_up=second.name if second else None,
        ahead=loss(metric, second.mean("test")) - loss(metric, chosen.mean("test"))
        if second
        else None,
        need=verdict.need,
        half_margin=sure["half"],
        twice_margin=sure["twice"],
        spread=spread_over_margin(evidence),
    )


def spread_over_margin(evidence: Evidence) -> float | None:
    """Standard deviation over seeds of a difference, mean of pairs, as a share of the margin."""
    differences = evidence.validation
    if differences is None:
        return None
    pairs = np.triu_indices(differences.num_candidates, 1)
    deviations = np.sqrt(differences.seed_variances[pairs] * differences.num_seeds)
    return float(deviations.mean() / evidence.margin)


def summarise(candidate: Candidate, standings: Mapping[Side, Standing] | None) -> dict[str, Any]:
    """A candidate's outcome as plain JSON."""
    sides: dict[str, Any] = {
        side: {
            "mean": candidate.mean(side),
            "std": candidate.std(side),
            **(asdict(standings[side]) if standings else {}),
        }
        for side in SIDES
    }
    return {
        "cell": candidate.cell,
        "hidden_size": candidate.hidden_size,
        "sizes": list(candidate.sizes),
        "deviations": candidate.deviations,
        "cost": asdict(candidate.cost),
        "tuning": asdict(candidate.tuning) if candidate.tuning else None,
        "outcome": candidate.outcome,
        "seeds": [asdict(seed) for seed in candidate.seeds],
        **sides,
        "others": candidate.mean_others(),
    }
