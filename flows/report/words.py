"""The numbers and facts of a comparison in words, for terminal, page, card and MLflow."""

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import TypeVar

from rnn_core.comparison.networks import Beside
from rnn_core.comparison.outcome import (
    CandidateResult,
    Comparison,
    Result,
    SplitResult,
)
from rnn_core.comparison.policies import PolicyName
from rnn_core.comparison.rounding import DIGITS
from rnn_core.metric import SPLITS, Metric

AnyResult = TypeVar("AnyResult", bound=Result)

POLICIES: dict[PolicyName, str] = {
    "gatewise": "a race between all candidates",
    "gru_first": "gru first, lstm if it is not good enough",
    "always_lstm": "always lstm",
    "always_best": "all candidates, the best on the test set by hindsight",
}


SUREST = 0.001
"""Chances nearer to 0 or 1 than this are not known precisely."""

LIMITS = (1, 2, 50, 98, 99)
"""Percentages that decide on a candidate, as its chance or as that of the others."""


def score(value: float | None) -> str:
    """A score to four significant digits; empty if there is none."""
    return "" if value is None else f"{value:.4g}"


def score_of_seed(value: float | None) -> str:
    """The score of one random seed."""
    return "diverged" if value is None else score(value)


def difference(value: float | None, *limits: float) -> str:
    """A difference of scores to two significant digits; empty if there is none.

    Args:
        value: The difference.
        limits: What decisions compare it with: with two digits it might be on another side.
    """
    if value is None:
        return ""
    known = float(f"{value:.{DIGITS}g}")
    return on_its_side((f"{known:.{n}g}" for n in range(2, DIGITS + 1)), known, limits)


def on_its_side(texts: Iterable[str], value: float, limits: Sequence[float]) -> str:
    """The first text that is above, at or below each limit, as the number itself is.

    Args:
        texts: The number with ever more digits.
        value: The number.
        limits: What a decision compares it with.
    """
    return next(
        text
        for text in texts
        if all((float(text) > x, float(text) < x) == (value > x, value < x) for x in limits)
    )


def count(value: int | None) -> str:
    """A number of things, with commas between thousands; empty if there is none."""
    return "" if value is None else f"{value:,}"


def trainings(value: int) -> str:
    """A number of trainings."""
    return number(value, "training")


def epochs(value: int | None) -> str:
    """A number of epochs; empty if there is none."""
    return "" if value is None else number(value, "epoch")


def settings(values: Mapping[str, float]) -> str:
    """Parameters with their values, in a line; floats have four significant digits."""
    return ", ".join(
        f"{name} = {score(value) if isinstance(value, float) else value}"
        for name, value in sorted(values.items())
    )


def chance(result: SplitResult) -> str:
    """The chance that a candidate is within the margin of the best; empty if it is not known."""
    return "" if result.risk is None else chance_of(result.risk.chance)


def expected_loss(result: SplitResult) -> str:
    """The expected loss of a candidate, in margins."""
    return "" if result.risk is None else difference(result.risk.expected_loss)


def chance_of(value: float) -> str:
    """A chance in percent, with "below" or "above" where the draws show no more."""
    if value < SUREST:
        return f"below {SUREST:.1%}".replace("%", " %")
    if value > 1 - SUREST:
        return f"above {1 - SUREST:.1%}".replace("%", " %")
    percent = round(100 * value, DIGITS)
    digits = range(0 if 5 <= percent <= 95 else 1, DIGITS + 1)
    return f"{on_its_side((f'{percent:.{n}f}' for n in digits), percent, LIMITS)} %"


def duration(seconds: float) -> str:
    """A time with its unit, such as "2 min 24 s"."""
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


def number(value: int, noun: str) -> str:
    """A number of things, such as "1 training" or "80 trainings"."""
    return f"{count(value)} {noun}{'' if value == 1 else 's'}"


def capitalised(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def what_is_registered(comparison: Comparison) -> str:
    """The model of a comparison that is registered, in a few words."""
    if members := comparison.members:
        which = f"the mean of {len(members)} models"
    else:
        (seed,) = comparison.registered_seeds
        which = f"random seed {seed} alone"
    both = ", trained on the training and validation set"
    return f"{which}{both}" if comparison.registered_refit else which


def registered_with_score(comparison: Comparison) -> str:
    """The registered model and its own score on the test set; empty if there is none."""
    own = comparison.registered_scores
    if own is None:
        return ""
    return f"{what_is_registered(comparison)}, {score(own.test)} on the test set"


def best_baseline(comparison: Comparison) -> str | None:
    """The best of the simple baselines; None if there is none."""
    names, loss = comparison.baselines, comparison.metric.loss
    return min(names, key=lambda name: loss(names[name]), default=None)


def listed(names: Sequence[str]) -> str:
    """Several things in a sentence."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def ranked(comparison: Comparison) -> list[tuple[str, CandidateResult]]:
    """Candidates by their mean validation score, those without one last."""
    return by_validation(comparison.candidates, comparison.metric)


def by_validation(results: Mapping[str, AnyResult], metric: Metric) -> list[tuple[str, AnyResult]]:
    """Candidates, or reference networks, by their mean validation score; those without one last."""

    def loss(item: tuple[str, AnyResult]) -> float:
        mean = item[1].validation.mean
        return inf if mean is None else metric.loss(mean)

    return sorted(results.items(), key=loss)


def best_sizes(comparison: Comparison) -> list[str]:
    """The best size of each cell on the validation set, with the best cell first."""
    first: dict[str, str] = {}
    for name, candidate in ranked(comparison):
        first.setdefault(candidate.cell, name)
    return list(first.values())


def outcome(candidate: Result) -> str:
    """The number of seeds that finished, and the ends of the others."""
    seeds, lost = len(candidate.seeds), candidate.diverged
    told = ", ".join(f"seed {seed.seed} diverged at epoch {seed.epochs}" for seed in lost)
    return f"{seeds - len(lost)} of {number(seeds, 'seed')}" + (f"; {told}" if told else "")


def mean_and_std(result: SplitResult | Beside) -> str:
    """Mean and standard deviation, as far as there are any."""
    if result.mean is None:
        return "diverged"
    return score(result.mean) + ("" if result.std is None else f" ± {difference(result.std)}")


def behind(result: SplitResult) -> str:
    """The difference of a candidate from the best of the others on a split, with limits."""
    standing = result.standing
    if standing is None:
        return ""
    text = difference(standing.worse_by)
    if standing.at_least is not None and standing.at_most is not None:
        text += f" [{difference(standing.at_least)}, {difference(standing.at_most)}]"
    return text + (" worse" if standing.inferior else "")


def size(candidate: Result) -> str:
    """The size of a candidate in params.yaml, and how far its weights are from that budget."""
    apart = candidate.deviations
    told = ", ".join(f"{s} ({apart[s]:+.1%})" if s in apart else s for s in candidate.sizes)
    return told if candidate.num_layers == 1 else f"{told}, {candidate.num_layers} layers"


def units(candidate: CandidateResult) -> str:
    """The number of units of a candidate, in each of its layers."""
    each = f"{count(candidate.hidden_size)} units"
    return each if candidate.num_layers == 1 else f"{candidate.num_layers} layers of {each}"


def about_metric(comparison: Comparison) -> str:
    """The metric: its name, unit, better direction and definition."""
    metric = comparison.metric
    definition = f" ({metric.definition})" if metric.definition else ""
    return f"{metric.in_words}: {metric.unit}, {metric.direction} is better{definition}"


def about_margin(comparison: Comparison) -> str:
    """The margin and what it means."""
    return f"{comparison.margin:g}, the largest difference that does not matter"


def items(comparison: Comparison) -> str:
    """The number of items of each split."""
    there = [split for split in SPLITS if split in comparison.items]
    return ", ".join(f"{split} {count(comparison.items[split])}" for split in there)


def about_baseline(comparison: Comparison) -> str:
    """The best simple baseline and its score."""
    best = best_baseline(comparison)
    return f"{best}, {score(comparison.baselines[best])}" if best else "none"


def facts(comparison: Comparison) -> list[tuple[str, str]]:
    """Facts about a comparison as a whole, by name."""
    return [
        ("metric", about_metric(comparison)),
        ("margin", about_margin(comparison)),
        ("items", items(comparison)),
        ("best simple baseline on the test set", about_baseline(comparison)),
        ("trained on", comparison.device),
    ]
