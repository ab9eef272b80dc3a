"""Results of simple advice, compared with trying every cell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from rnn_core.comparison.candidates import Candidate
from rnn_core.comparison.rounding import apart, exceeds

PolicyName: TypeAlias = Literal["gatewise", "gru_first", "always_lstm", "always_best"]


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A way to come to a model, and what it came to.

    Attributes:
        chosen: The candidate that it leads to; None if each of those tried diverged.
        tried: Candidates that it trains.
        training_cost: `Candidate.training_cost`, summed over what is tried.
        step_cost: Multiply-accumulates of a step of the chosen candidate.
        regret: By how much its mean test score is worse than the best of all candidates.
    """

    chosen: str | None
    tried: tuple[str, ...]
    training_cost: float
    step_cost: int | None
    regret: float | None


def policies(
    candidates: Sequence[Candidate],
    margin: float,
    baselines: Mapping[str, float],
    recommended: str | None,
) -> dict[PolicyName, Policy]:
    """The usual advice against ours, on what was trained.

    "GRU first, LSTM if it is not good enough" is the advice of the introduction that
    Gatewise began from. Good enough is here: on the test split better than every simple
    baseline, by the margin at least. Each cell is taken with the fewest layers, at its largest
    size there, as without a comparison of sizes.

    Args:
        candidates: All that were trained.
        margin: The largest difference that does not matter.
        baselines: Test scores of simple baselines.
        recommended: Name of the candidate that Gatewise advises.
    """
    ordered = sorted(candidates, key=lambda c: (-c.num_layers, c.cost.multiply_accumulates))
    largest = {c.cell: c for c in ordered}
    ours = [c for c in candidates if c.name == recommended and c.finished]
    found: dict[PolicyName, Policy] = {"gatewise": follow(candidates, ours, candidates)}
    if {"gru", "lstm"} <= largest.keys():
        gru, lstm = largest["gru"], largest["lstm"]
        enough = is_good_enough(gru, margin, baselines)
        tried = [gru] if enough else [gru, lstm]
        found["gru_first"] = follow(tried, tried, candidates)
        found["always_lstm"] = follow([lstm], [lstm], candidates)
    found["always_best"] = follow(candidates, candidates, candidates)
    return found


def is_good_enough(candidate: Candidate, margin: float, baselines: Mapping[str, float]) -> bool:
    """Return whether a candidate is better than every baseline by the margin."""
    if not candidate.finished:
        return False
    bar = min((candidate.metric.loss(score) for score in baselines.values()), default=0.0)
    return not baselines or not exceeds(candidate.mean_loss("test") - bar, -margin)


def follow(
    tried: Sequence[Candidate],
    eligible: Sequence[Candidate],
    candidates: Sequence[Candidate],
) -> Policy:
    """Train some candidates only, and take the best of the eligible ones."""

    def test_loss(candidate: Candidate) -> float:
        return candidate.mean_loss("test")

    finished = [candidate for candidate in eligible if candidate.finished]
    chosen = min(finished, key=test_loss) if finished else None
    best = min((test_loss(c) for c in candidates if c.finished), default=None)
    return Policy(
        chosen=chosen.name if chosen else None,
        tried=tuple(candidate.name for candidate in tried),
        training_cost=sum(candidate.training_cost for candidate in tried),
        step_cost=chosen.cost.multiply_accumulates if chosen else None,
        regret=apart(test_loss(chosen), best) if chosen and best is not None else None,
    )
