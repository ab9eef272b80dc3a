"""A comparison in words, for terminal, page, card and MLflow: sentences without markup."""

from collections.abc import Callable, Mapping

from rnn_core.comparison.need import items_for_share, smallest_share
from rnn_core.comparison.outcome import (
    CandidateResult,
    Champion,
    Comparison,
    Decision,
    PolicyName,
    SplitResult,
)
from rnn_core.metric import SPLITS, Metric

POLICIES: dict[PolicyName, str] = {
    "gatewise": "a race between all candidates",
    "gru_first": "gru first, lstm if it is not good enough",
    "always_lstm": "always lstm",
    "always_best": "all candidates, the best on the test set by hindsight",
}


SUREST = 0.001
"""A chance that is nearer to none, or to certainty, is not known that well."""

FEW_CLUSTERS = 10
FEW_TELLING = 10
"""Fewer groups of items, or items that tell candidates apart, leave much to chance."""


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
    """What to do, in one sentence, for who reads no further.

    What speaks against every candidate, or against the choice, comes first.
    """
    champion, decision = comparison.champion, comparison.decision
    if champion is None:
        return "No cell can be recommended: most trainings of every candidate diverged."
    test = champion.result.test
    if decision.why == "test_contradicts":
        return (
            f"The test set contradicts the validation set: {champion.name} was chosen on the "
            f"validation set, and on the test set its chance of being {within(comparison)} is "
            f"{chance(test)}."
        )
    if rival := as_good(comparison):
        return f"{rival}; {use(comparison)}."
    return f"{capitalised(use(comparison))}."


def use(comparison: Comparison) -> str:
    """Which candidate to use, and with what risk."""
    champion, decision = comparison.champion, comparison.decision
    assert champion is not None
    risk = champion.result.validation.risk
    if decision.why == "only_one":
        return f"use {champion.name}, the only candidate"
    if risk is None:
        return f"for now use {champion.name}: one random seed says nothing of the risk"
    if decision.status == "decided":
        better = chance_of(1 - risk.chance)
        return (
            f"use {champion.name}: the chance that another candidate is better by more than the "
            f"margin is {better}"
        )
    return (
        f"for now use {champion.name}: the chance that it is {within(comparison)} is "
        f"{chance(champion.result.validation)}, and 98 % would decide"
    )


def within(comparison: Comparison) -> str:
    """What it is to be as good as the best."""
    return f"within the margin ({comparison.margin:g}) of the best candidate"


def chance(result: SplitResult) -> str:
    """The chance that a candidate is within the margin of the best; empty if nothing tells."""
    return "" if result.risk is None else chance_of(result.risk.chance)


def expected_loss(result: SplitResult) -> str:
    """By how many margins a candidate is expected to be worse than the best."""
    return "" if result.risk is None else difference(result.risk.expected_loss)


def chance_of(value: float) -> str:
    """A chance in percent, no surer than draws can tell."""
    if value < SUREST:
        return f"below {SUREST:.1%}".replace("%", " %")
    if value > 1 - SUREST:
        return f"above {1 - SUREST:.1%}".replace("%", " %")
    percent = 100 * value
    return f"{percent:.0f} %" if 5 <= percent <= 95 else f"{percent:.1f} %"


def capitalised(text: str) -> str:
    """With a capital letter first, and all else as it is."""
    return text[:1].upper() + text[1:]


def as_good(comparison: Comparison) -> str:
    """That a simple baseline is as good as the champion; empty if none is."""
    rival = rivalling(comparison)
    if rival is None:
        return ""
    better = is_better(comparison, rival)
    said = "is better than every cell" if better else "is as good, within the margin"
    return f"The simple baseline {rival} {said}, with {score(comparison.baselines[rival])}"


def rivalling(comparison: Comparison) -> str | None:
    """The best simple baseline, if the champion is not better than it by more than the margin."""
    best, champion = best_baseline(comparison), comparison.champion
    if best is None or champion is None or champion.result.test.mean is None:
        return None
    loss = comparison.metric.loss
    bar = loss(champion.result.test.mean) + comparison.margin
    return best if loss(comparison.baselines[best]) <= bar else None


def is_better(comparison: Comparison, baseline: str) -> bool:
    """Whether a simple baseline has a better test score than every candidate."""
    means = [found.test.mean for found in comparison.candidates.values()]
    loss = comparison.metric.loss
    return all(
        loss(comparison.baselines[baseline]) < loss(mean) for mean in means if mean is not None
    )


def verdict(comparison: Comparison, emphasise: Callable[[str], str] = str) -> str:
    """What to do, with the scores, in a few sentences.

    Args:
        comparison: The comparison.
        emphasise: Marks the first sentence.
    """
    metric, champion = comparison.metric, comparison.champion
    first = emphasise(sentence(comparison))
    if champion is None:
        return first
    text = (
        f"{champion.name} has {score(champion.result.test.mean)} {metric.unit} on the test set "
        f"({metric.direction} is better)"
    )
    if beside := to_runner_up(comparison.decision):
        text += f", {beside}"
    if comparison.optimum is not None:
        text += f"; the best that is possible is {score(comparison.optimum)}"
    return f"{first} {text}."


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


def evidence(comparison: Comparison) -> str:
    """What the recommendation rests on, what it leaves open, and what would settle that."""
    decision, champion = comparison.decision, comparison.champion
    if champion is None:
        return effort(comparison)
    parts = [on_both(comparison, champion), others(comparison), *cautions(comparison)]
    parts += [together(comparison), needed(comparison), sensitivity(decision), effort(comparison)]
    return " ".join(part for part in parts if part)


def on_both(comparison: Comparison, champion: Champion) -> str:
    """The champion's risk on both splits."""
    validation, test = champion.result.validation.risk, champion.result.test.risk
    if validation is None or test is None or comparison.decision.why == "only_one":
        return ""
    return (
        f"The chance that {champion.name} is {within(comparison)} is "
        f"{chance_of(validation.chance)} on the validation set, which chose it, and "
        f"{chance_of(test.chance)} on the test set, which was read once, afterwards. It is "
        f"expected to be {difference(validation.expected_loss)} margins worse than the best."
    )


def together(comparison: Comparison) -> str:
    """What several seeds of the champion are worth together; empty if there is no ensemble."""
    found, champion = comparison.ensemble, comparison.champion
    if found is None or champion is None:
        return ""
    number, by = len(found.scores.seeds), found.better_by
    compared = f"{difference(abs(by))} {'better' if by >= 0 else 'worse'}"
    extra = f", {count(found.trainings)} of them trained for it alone" if found.trainings else ""
    kept = (
        "The ensemble is registered."
        if found.registered
        else f"Registered is seed {champion.seed.seed} alone."
    )
    return (
        f"The mean of {number} seeds of {champion.name}{extra} has {score(found.scores.test)} on "
        f"the test set, where seed {champion.seed.seed} alone has {score(champion.seed.test)}; on "
        f"the validation set it is {compared} (p = {difference(found.p_value)}). It "
        f"costs {number} times as much to run. {kept}"
    )


def others(comparison: Comparison) -> str:
    """The candidates that may be as good, and whether a cheaper one is among them."""
    decision = comparison.decision
    if not decision.rivals:
        return ""
    told = ", ".join(
        f"{name} ({chance(comparison.candidates[name].validation)})" for name in decision.rivals
    )
    text = f"So may be: {told}."
    if decision.status == "decided":
        cheaper = " and ".join(decision.cheaper)
        text += (
            f" Whether the cheaper {cheaper} would do as well is not decided."
            if cheaper
            else " None of them is cheaper."
        )
    return text


def cautions(comparison: Comparison) -> list[str]:
    """What the validation set cannot tell."""
    found, seen = [], comparison.evidence["validation"]
    if seen.clusters is not None and seen.clusters < FEW_CLUSTERS:
        found.append(
            f"The validation set has {seen.clusters} independent groups of items only (voices, "
            "stretches of a series): more of them would tell more than more items of the same."
        )
    total = comparison.items.get("validation", 0)
    if seen.telling is not None and seen.telling < FEW_TELLING and len(comparison.candidates) > 1:
        found.append(
            f"Only {count(seen.telling)} of {count(total)} validation items tell the candidates "
            "that were left apart: harder items would tell more."
        )
    if seen.smallest is not None and seen.smallest > comparison.margin:
        found.append(
            f"Its items tell differences of {difference(seen.smallest)} and more apart, which is "
            f"more than the margin, {comparison.margin:g}."
        )
    return found


def foresight(metric: Metric, margin: float, items: int) -> str:
    """What so many validation items can tell, before anything is trained.

    Empty where nothing is known of the metric.
    """
    if metric.name != "accuracy":
        return ""
    smallest = smallest_share(items)
    text = (
        f"{count(items)} validation items tell accuracies apart that differ by "
        f"{difference(smallest)} and more, if two models differ on one item in ten"
    )
    if smallest <= margin:
        return f"{text}; the margin is {margin:g}."
    return (
        f"{text}. The margin is {margin:g}: for that it takes some "
        f"{count(round_up(items_for_share(margin)))}. With fewer, give a larger share to the "
        f"validation set, or set `margin` to {difference(smallest)}, if that is small enough for "
        "you."
    )


def round_up(number: int) -> int:
    """To two significant digits."""
    step = int(10 ** max(0, len(str(number)) - 2))
    return -(-number // step) * step


def needed(comparison: Comparison) -> str:
    """What would settle it, in words; empty where it is decided."""
    decision, need = comparison.decision, comparison.decision.need
    if decision.why == "one_seed":
        return "Three random seeds would be a start."
    if decision.why == "test_contradicts":
        return "More items, and a validation set more like the test set, would tell more."
    if decision.why != "too_close":
        return ""
    if need is None:
        return (
            "Nothing up to 32 times the random seeds and the items is likely to settle it: the "
            "candidates are too close together, or just a margin apart."
        )
    wanted = f"{need.seeds} random seeds"
    if need.items > 1:
        wanted += f" and {need.items:g} times the validation items"
    up_to = f"{need.most:g}" if need.most is not None else "more than 1,000"
    return (
        f"Some {wanted} would settle it, as far as can be told: that is an order of magnitude, "
        f"since it may take between {need.least:g} and {up_to} times what was spent."
    )


def sensitivity(decision: Decision) -> str:
    """What would have been decided with other margins."""
    if decision.runner_up is None:
        return ""
    half, twice = decision.half_margin or "nothing", decision.twice_margin or "nothing"
    return f"With half the margin it would decide on {half}, with twice the margin on {twice}."


def effort(comparison: Comparison) -> str:
    """What the race cost, beside what it would have cost to give all the same seeds."""
    spent = comparison.effort
    return (
        f"It took {count(spent.trainings)} trainings, looked at after "
        f"{' and '.join(map(str, spent.looks))} random seeds; {count(spent.at_equal_seeds)} would "
        f"have given every candidate {spent.most}."
    )


def because(comparison: Comparison) -> str:
    """Why it is decided or open, in a few words."""
    champion = comparison.champion
    held = chance(champion.result.validation) if champion else ""
    on_test = chance(champion.result.test) if champion else ""
    return {
        "safe": f"chance {held} to be within the margin of the best, {on_test} on the test set",
        "only_one": "it is the only candidate",
        "too_close": f"chance {held} to be within the margin of the best; 98 % would decide",
        "test_contradicts": f"chance {held} on the validation set, but {on_test} on the test set",
        "one_seed": "one random seed says nothing of the risk",
        "all_diverged": "most trainings of every candidate diverged",
    }[comparison.decision.why]


def status(comparison: Comparison) -> str:
    """Whether it is decided, and how sure, in a few words."""
    return f"{comparison.decision.status}: {because(comparison)}"


def ranked(comparison: Comparison) -> list[tuple[str, CandidateResult]]:
    """Candidates by their mean validation score, those without a known risk last."""

    def place(item: tuple[str, CandidateResult]) -> tuple[bool, float]:
        mean = item[1].validation.mean
        loss = 0.0 if mean is None else comparison.metric.loss(mean)
        return mean is None, loss

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
        ("best simple baseline on the test set", about_baseline(comparison)),
        ("trained on", comparison.device),
    ]
