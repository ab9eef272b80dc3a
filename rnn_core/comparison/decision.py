"""From the scores of all candidates to which one to use, with what speaks for it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rnn_core.comparison.candidates import Candidate
from rnn_core.comparison.differences import (
    AgainstBest,
    Differences,
    compare_with_best,
    paired_differences,
)
from rnn_core.comparison.items import Items
from rnn_core.comparison.outcome import CandidateResult, Decision, SplitResult, Standing
from rnn_core.comparison.rule import Evidence, Verdict, judge, sensitivity
from rnn_core.metric import SCORED, ScoredSplit, best_seed

FEWEST_SEEDS = 2
"""Seeds that have a standard deviation."""


def decide(
    candidates: Sequence[Candidate],
    items: Mapping[ScoredSplit, Items | None],
    margin: float,
) -> tuple[Decision, dict[str, dict[ScoredSplit, Standing]]]:
    """Say which candidate to use, and how each of those that are complete stands.

    Args:
        candidates: All that were trained; those with a seed that diverged are not eligible.
        items: The losses of items on both splits, in the order of the complete candidates
            from cheapest to dearest; see `eligible`.
        margin: The largest difference that does not matter.
    """
    fit = eligible(candidates)
    if not fit:
        reason = "a seed of every candidate diverged"
        return Decision(status="none", champion=None, reason=reason), {}
    differences = {split: split_differences(fit, items[split], split) for split in SCORED}
    evidence = Evidence(
        names=tuple(candidate.name for candidate in fit),
        validation=differences["validation"],
        test=differences["test"],
        margin=margin,
    )
    ranked = sorted(fit, key=lambda c: c.mean_loss("validation"))  # cheaper of equals
    verdict = judge(evidence, ranked[0].name)
    chosen = next(candidate for candidate in fit if candidate.name == verdict.champion)
    standings = {split: standing(fit, differences[split], split) for split in SCORED}
    each = {c.name: {split: standings[split][i] for split in SCORED} for i, c in enumerate(fit)}
    return describe(verdict, evidence, chosen, ranked), each


def eligible(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Candidates of which no seed diverged, from the cheapest to the dearest."""
    complete = [candidate for candidate in candidates if candidate.complete]
    return sorted(complete, key=lambda c: (c.cost.multiply_accumulates, c.name))


def split_differences(
    candidates: Sequence[Candidate], items: Items | None, split: ScoredSplit
) -> Differences | None:
    """Differences between candidates on a split; None where nothing tells how they vary."""
    if len(candidates) < 2 or len(candidates[0].seeds) < FEWEST_SEEDS:
        return None
    losses = [[c.metric.loss(score) for score in c.scores(split)] for c in candidates]
    return paired_differences(np.asarray(losses), items)


def standing(
    candidates: Sequence[Candidate], differences: Differences | None, split: ScoredSplit
) -> list[Standing]:
    """How each candidate stands on a split."""
    means = np.asarray([candidate.mean_loss(split) for candidate in candidates])
    best_other = [np.delete(means, i).min(initial=np.inf) for i in range(len(means))]
    worse_by = np.where(np.isfinite(best_other), means - best_other, 0.0)
    if differences is None:
        return [
            Standing(worse_by=float(by), at_least=None, at_most=None, inferior=False, effect=None)
            for by in worse_by
        ]
    against_best = compare_with_best(differences)
    return [
        one_standing(i, float(worse_by[i]), means, differences, against_best)
        for i in range(len(means))
    ]


def one_standing(
    i: int,
    worse_by: float,
    means: np.ndarray[Any, np.dtype[np.float64]],
    differences: Differences,
    against_best: AgainstBest,
) -> Standing:
    """How one candidate stands."""
    others = np.where(np.arange(len(means)) == i, np.inf, means)
    variance = float(differences.seed_variances[i, int(others.argmin())]) * differences.num_seeds
    return Standing(
        worse_by=worse_by,
        at_least=float(against_best.lower[i]),
        at_most=float(against_best.upper[i]),
        inferior=bool(against_best.inferior[i]),
        effect=worse_by / variance**0.5 if variance > 0 else None,
    )


def describe(
    verdict: Verdict,
    evidence: Evidence,
    chosen: Candidate,
    ranked: Sequence[Candidate],
) -> Decision:
    """The verdict with all that belongs to it."""
    registered = best_seed(chosen.reached(), chosen.metric)
    second = next((candidate for candidate in ranked if candidate is not chosen), None)
    sure = sensitivity(evidence)
    return Decision(
        status=verdict.status,
        champion=chosen.name,
        reason=verdict.reason,
        registered_seed=registered,
        runner_up=second.name if second else None,
        ahead=second.mean_loss("test") - chosen.mean_loss("test") if second else None,
        need=verdict.need,
        half_margin=sure["half"],
        twice_margin=sure["twice"],
        difference_std=difference_std(evidence),
    )


def difference_std(evidence: Evidence) -> float | None:
    """Standard deviation over seeds of a difference, mean of pairs, as a share of the margin."""
    differences = evidence.validation
    if differences is None:
        return None
    pairs = np.triu_indices(differences.num_candidates, 1)
    deviations = np.sqrt(differences.seed_variances[pairs] * differences.num_seeds)
    return float(deviations.mean() / evidence.margin)


def summarise(
    candidate: Candidate, standings: Mapping[ScoredSplit, Standing] | None
) -> CandidateResult:
    """What a candidate came to.

    Args:
        candidate: The candidate.
        standings: Against the best of the others, on each split; None if a seed diverged.
    """

    def on(split: ScoredSplit) -> SplitResult:
        standing = standings[split] if standings else None
        return SplitResult(mean=candidate.mean(split), std=candidate.std(split), standing=standing)

    return CandidateResult(
        cell=candidate.cell,
        hidden_size=candidate.hidden_size,
        sizes=candidate.sizes,
        deviations=candidate.deviations,
        cost=candidate.cost,
        tuning=candidate.tuning,
        seeds=candidate.seeds,
        validation=on("validation"),
        test=on("test"),
        others=candidate.mean_others(),
    )
