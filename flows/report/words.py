"""A comparison in words, for terminal, page, card and MLflow: sentences without markup."""

from collections.abc import Callable, Mapping

from rnn_core.comparison.outcome import (
    CandidateResult,
    Comparison,
    Decision,
    Need,
    PolicyName,
    SplitResult,
)
from rnn_core.metric import SPLITS

ADVICE = {
    "decided": "Of the candidates, use",
    "provisional": "It is not decided; for now use",
}
POLICIES: dict[PolicyName, str] = {
    "gatewise": "all candidates, by the rule",
    "gru_first": "gru first, lstm if it is not good enough",
    "always_lstm": "always lstm",
    "always_best": "all candidates, the best on the test side by hindsight",
}


def score(value: float | None) -> str:
    """A score to four significant digits; empty if there is none."""
    return "" if value is None else f"{value:.4g}"


def score_of_seed(value: float | None) -> str:
    """The score of one random seed."""
    return "diverged" if value is None else score(value)


def difference(value: float | None) -> str:
    """A difference of scores to two significant digits; empty if there is none."""
    return "" if value is None else f"{value:.2g}"


def count(value: int | None) -> str:
    """A number of things, with commas between thousands; empty if there is none."""
    return "" if value is None else f"{value:,}"


def settings(values: Mapping[str, float]) -> str:
    """Parameters with their values, in a line; floats have four significant digits."""
    return ", ".join(
        f"{name} = {score(value) if isinstance(value, float) else value}"
        for name, value in sorted(values.items())
    )


def sentence(comparison: Comparison) -> str:
    """The decision in one sentence, for who reads no further."""
    decision, champion = comparison.decision, comparison.champion
    if champion is None:
        return f"No cell can be recommended: {decision.reason}."
    advice = "Use" if decision.status == "decided" else "Not decided; for now use"
    found = champion.result.test.mean
    need = f"; {needed(decision.need)}" if decision.need is not None else ""
    metric = comparison.metric.name.replace("_", " ")
    better = beating(comparison)
    beaten = f"; the simple baseline {better} beats every cell" if better else ""
    told = f"{advice} {champion.name} (test {metric} {score(found)}): {decision.reason}"
    return f"{told}{need}{beaten}."


def beating(comparison: Comparison) -> str | None:
    """The best simple baseline, if it is better than the champion."""
    best, champion = best_baseline(comparison), comparison.champion
    if best is None or champion is None or champion.result.test.mean is None:
        return None
    loss = comparison.metric.loss
    return best if loss(comparison.baselines[best]) < loss(champion.result.test.mean) else None


def verdict(comparison: Comparison, emphasise: Callable[[str], str] = str) -> str:
    """What to do, in a sentence or two.

    Args:
        comparison: The comparison.
        emphasise: Marks the name of the champion.
    """
    metric, decision, champion = comparison.metric, comparison.decision, comparison.champion
    if champion is None:
        return f"No cell can be recommended: {decision.reason}."
    text = (
        f"{ADVICE[decision.status]} {emphasise(champion.name)}: {score(champion.result.test.mean)} "
        f"{metric.unit} ({metric.direction} is better)"
    )
    if beside := to_runner_up(decision):
        text += f", {beside}"
    if comparison.optimum is not None:
        text += f"; the best that is possible is {score(comparison.optimum)}"
    if better := beating(comparison):
        value = score(comparison.baselines[better])
        return f"The simple baseline {better} beats every cell, with {value}. {text}."
    return f"{text}."


def to_runner_up(decision: Decision) -> str:
    """How the champion compares with the next candidate; empty if there is none."""
    by = decision.ahead
    if by is None or decision.runner_up is None:
        return ""
    if by == 0:
        return f"the same as {decision.runner_up}"
    return f"{difference(abs(by))} {'better' if by > 0 else 'worse'} than {decision.runner_up}"


def best_baseline(comparison: Comparison) -> str | None:
    """The best of the simple baselines; None if there is none."""
    names, loss = comparison.baselines, comparison.metric.loss
    return min(names, key=lambda name: loss(names[name]), default=None)


def evidence(comparison: Comparison, emphasise: Callable[[str], str] = str) -> str:
    """What the decision rests on, and what would change it."""
    decision = comparison.decision
    status = emphasise(decision.status)
    parts = [f"{status}, with a margin of {comparison.margin:g}: {decision.reason}"]
    if decision.difference_std is not None:
        std = difference(decision.difference_std)
        parts.append(f"a difference spreads over seeds by {std} margins")
    if decision.need is not None:
        parts.append(needed(decision.need))
    half, twice = decision.half_margin, decision.twice_margin
    if decision.champion is not None and decision.runner_up is not None:
        parts.append(f"half the margin: {half or 'abstains'}; twice: {twice or 'abstains'}")
    return "; ".join(parts) + "."


def needed(need: Need) -> str:
    """What is missing for a decision, in words."""
    if need.seeds is not None:
        return f"{need.seeds} seeds would decide it if means and spreads stay as they are"
    if need.items is not None:
        return f"more seeds would decide it only with {need.items:.2g} times the items as well"
    return "neither more seeds nor more items would decide it"


def status(decision: Decision) -> str:
    """Whether the rule decided, and what it needs if it did not, in a few words."""
    need = decision.need
    if need is None:
        return decision.status
    if need.seeds is not None:
        return f"{decision.status}: {need.seeds} seeds needed"
    if need.items is not None:
        return f"{decision.status}: more seeds and {need.items:.2g} times the items needed"
    return f"{decision.status}: too close to tell"


def ranked(comparison: Comparison) -> list[tuple[str, CandidateResult]]:
    """Candidates by their mean validation score, those with a seed that diverged last."""

    def place(item: tuple[str, CandidateResult]) -> tuple[bool, bool, float]:
        mean = item[1].validation.mean
        loss = 0.0 if mean is None else comparison.metric.loss(mean)
        return bool(item[1].diverged), mean is None, loss

    return sorted(comparison.candidates.items(), key=place)


def best_sizes(comparison: Comparison) -> list[str]:
    """Of each cell the size that is best on validation; the best cell first."""
    first: dict[str, str] = {}
    for name, candidate in ranked(comparison):
        first.setdefault(candidate.cell, name)
    return list(first.values())


def outcome(candidate: CandidateResult) -> str:
    """How many of its seeds finished, and how the others ended."""
    seeds, lost = len(candidate.seeds), candidate.diverged
    told = ", ".join(f"seed {seed.seed} diverged at epoch {seed.epochs}" for seed in lost)
    return f"{seeds - len(lost)} of {seeds} seeds" + (f"; {told}" if told else "")


def mean_and_std(result: SplitResult) -> str:
    """Mean and standard deviation, as far as there are any."""
    if result.mean is None:
        return "diverged"
    return score(result.mean) + ("" if result.std is None else f" ± {difference(result.std)}")


def behind(result: SplitResult) -> str:
    """By how much a candidate is worse than the best of the others on a split, with limits."""
    standing = result.standing
    if standing is None:
        return ""
    text = difference(standing.worse_by)
    if standing.at_least is not None and standing.at_most is not None:
        text += f" [{difference(standing.at_least)}, {difference(standing.at_most)}]"
    return text + (" worse" if standing.inferior else "")


def size(candidate: CandidateResult) -> str:
    """What of the ladder a candidate is, and how far its weights are from the budget."""
    apart = candidate.deviations
    return ", ".join(f"{s} ({apart[s]:+.1%})" if s in apart else s for s in candidate.sizes)


def about_metric(comparison: Comparison) -> str:
    """What the metric is, and which values are better."""
    metric = comparison.metric
    definition = f" ({metric.definition})" if metric.definition else ""
    return f"{metric.name}: {metric.unit}, {metric.direction} is better{definition}"


def about_margin(comparison: Comparison) -> str:
    """The margin and what it means."""
    return f"{comparison.margin:g}, the largest difference that does not matter"


def items(comparison: Comparison) -> str:
    """How many items each split has."""
    there = [split for split in SPLITS if split in comparison.items]
    return ", ".join(f"{split} {count(comparison.items[split])}" for split in there)


def about_baseline(comparison: Comparison) -> str:
    """The best simple baseline and its score."""
    best = best_baseline(comparison)
    return f"{best}, {score(comparison.baselines[best])}" if best else "none"


def facts(comparison: Comparison) -> list[tuple[str, str]]:
    """What the numbers of a comparison are about, by name."""
    return [
        ("metric", about_metric(comparison)),
        ("margin", about_margin(comparison)),
        ("items", items(comparison)),
        ("best simple baseline on the test side", about_baseline(comparison)),
        ("trained on", comparison.device),
    ]
