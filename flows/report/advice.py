"""Put a recommendation and its reasons into words, for terminal, page, card and MLflow."""

from collections.abc import Callable, Iterator
from math import inf

from flows.report import words
from flows.report.settling import NOTHING_TOLD, needed
from rnn_core.comparison.ensembles import BETTER
from rnn_core.comparison.outcome import Comparison, Decision, Recommended
from rnn_core.comparison.refits import Refit
from rnn_core.comparison.rounding import apart, exceeds

NEEDED = "98 %"
"""The chance that is needed to decide."""

ALL_DIVERGED = "at least half of the trainings of every candidate diverged"
OTHERS_DIVERGED = "at least half of the trainings of every other candidate diverged"
"""Reasons why there is no candidate, or no other to compare with."""

FEW_CLUSTERS = 10
FEW_TELLING = 10
"""With fewer groups of items, or fewer items that distinguish candidates, chance is large."""


def sentence(comparison: Comparison) -> str:
    """State what to do, in one sentence.

    Reasons against every candidate, or against the choice, come first.
    """
    if comparison.recommended is None:
        return f"No cell can be recommended: {ALL_DIVERGED}."
    contradicts = comparison.decision.why == "test_contradicts"
    warning = "the test set contradicts the validation set" if contradicts else ""
    said = [part for part in (as_good(comparison), warning, use(comparison)) if part]
    return f"{words.capitalised('; '.join(said))}."


def use(comparison: Comparison) -> str:
    """Say which candidate to use, and the risk."""
    recommended, decision = comparison.recommended, comparison.decision
    assert recommended is not None
    validation, test = recommended.result.validation, recommended.result.test
    if decision.why == "only_one":
        return f"use {recommended.name}, the only candidate"
    if decision.why == "only_left":
        return f"use {recommended.name}: {OTHERS_DIVERGED}"
    if validation.risk is None:
        return f"for now use {recommended.name}: {NOTHING_TOLD[decision.why]}"
    if decision.status == "decided":
        return (
            f"use {recommended.name}: the chance that another candidate is better by more than the "
            f"margin is {words.chance_of(1 - validation.risk.chance)}"
        )
    ends = {
        "test_contradicts": f" by the validation set, and {words.chance(test)} by the test set",
        "too_close": f", and it takes {NEEDED} to decide",
    }
    return (
        f"for now use {recommended.name}: the chance that it is {within(comparison)} is "
        f"{words.chance(validation)}{ends[decision.why]}"
    )


def within(comparison: Comparison) -> str:
    """Words for being as good as the best candidate."""
    return f"within the margin ({comparison.margin:g}) of the best candidate"


def as_good(comparison: Comparison) -> str:
    """Say that a simple baseline is as good as the recommended candidate; empty if none is."""
    rival, recommended = rivalling(comparison), comparison.recommended
    if rival is None or recommended is None:
        return ""
    if is_better(comparison, rival):
        said = "is better than every candidate"
    elif exceeds(ahead_of(comparison, rival, recommended), comparison.margin):
        said = f"is better than {recommended.name} by more than the margin"
    else:
        said = f"is as good as {recommended.name}, within the margin"
    return f"the simple baseline {rival} ({words.score(comparison.baselines[rival])}) {said}"


def rivalling(comparison: Comparison) -> str | None:
    """The best simple baseline, if what is recommended is not better by more than the margin."""
    best, recommended = words.best_baseline(comparison), comparison.recommended
    if best is None or recommended is None:
        return None
    behind = -ahead_of(comparison, best, recommended)
    return None if exceeds(behind, comparison.margin) else best


def ahead_of(comparison: Comparison, baseline: str, recommended: Recommended) -> float:
    """The amount by which a simple baseline is better on the test set than what is recommended."""
    loss, mean = comparison.metric.loss, recommended.result.test.mean
    return -inf if mean is None else apart(loss(mean), loss(comparison.baselines[baseline]))


def is_better(comparison: Comparison, baseline: str) -> bool:
    """Return whether a simple baseline has a better test score than every candidate."""
    means = [found.test.mean for found in comparison.candidates.values()]
    loss = comparison.metric.loss
    return all(
        apart(loss(mean), loss(comparison.baselines[baseline])) > 0
        for mean in means
        if mean is not None
    )


def verdict(comparison: Comparison, emphasise: Callable[[str], str] = str) -> str:
    """State what to do and the scores, in a few sentences.

    Args:
        comparison: The comparison.
        emphasise: Marks the first sentence.
    """
    metric, recommended = comparison.metric, comparison.recommended
    first = emphasise(sentence(comparison))
    if recommended is None:
        return first
    mean, name = words.score(recommended.result.test.mean), metric.in_words
    unit = "" if metric.unit in name else f"{metric.unit}, "
    text = (
        f"{recommended.name} has {name} {mean} on the test set ({unit}{metric.direction} is better)"
    )
    if beside := to_runner_up(comparison.decision):
        text += f", {beside}"
    if comparison.optimum is not None:
        text += f"; the best that is possible is {words.score(comparison.optimum)}"
    return f"{first} {text}."


def to_runner_up(decision: Decision) -> str:
    """Compare the recommended candidate with the runner-up; empty if there is none."""
    by = decision.ahead
    if by is None or decision.runner_up is None:
        return ""
    if by == 0:
        return f"the same as {decision.runner_up}"
    better = "better" if by > 0 else "worse"
    return f"{words.difference(abs(by))} {better} than {decision.runner_up}"


def evidence(comparison: Comparison) -> list[str]:
    """State the evidence for the recommendation, what is open, and what would settle it.

    Returns:
        A few sentences on each point.
    """
    decision, recommended = comparison.decision, comparison.recommended
    if recommended is None:
        return [effort(comparison)]
    parts = [on_both(comparison, recommended), others(comparison), left_out(comparison)]
    parts += failures(comparison)
    parts += cautions(comparison)
    parts += [together(comparison), refitted(comparison)]
    parts += [needed(comparison), sensitivity(decision), effort(comparison)]
    return [part for part in parts if part]


def on_both(comparison: Comparison, recommended: Recommended) -> str:
    """State the recommended candidate's risk by validation and test set."""
    validation, test = recommended.result.validation, recommended.result.test
    if validation.risk is None or test.risk is None or comparison.decision.alone:
        return ""
    return (
        f"The chance that {recommended.name} is {within(comparison)} is {words.chance(validation)} "
        f"by the validation set, which chose it, and {words.chance(test)} by the test set, which "
        "was read once, afterwards. Its expected loss is "
        f"{words.expected_loss(validation)} margins by the validation set, and "
        f"{words.expected_loss(test)} by the test set."
    )


def together(comparison: Comparison) -> str:
    """Compare the ensemble of the recommended candidate with its best seed; empty without one."""
    found, recommended = comparison.ensemble, comparison.recommended
    if found is None or recommended is None:
        return ""
    number, by = len(found.scores.seeds), found.better_by
    compared = f"{words.difference(abs(by))} {'better' if by > 0 else 'worse'}" if by else "as good"
    extra = f", {words.count(found.trainings)} of them trained for it alone,"
    kept = ""
    if comparison.registered_refit is None:
        alone = f"Registered is seed {recommended.seed.seed} alone."
        kept = " The ensemble is registered." if found.registered else f" {alone}"
    return (
        f"The mean of {number} seeds of {recommended.name}{extra if found.trainings else ''} has "
        f"{words.score(found.scores.test)} on the test set, where seed {recommended.seed.seed} "
        f"alone has {words.score(recommended.seed.test)}; on the validation set it is {compared} "
        f"(p = {words.difference(found.p_value, BETTER)}). It costs {number} times as much to run."
        f"{kept}"
    )


def refitted(comparison: Comparison) -> str:
    """State the gain of training on the validation set too; empty if it was not tried."""
    if comparison.refit is None:
        return ""
    refit, scores = comparison.refit.refit, comparison.refit.scores
    measured = f"{measured_gain(comparison, refit)} That took {words.trainings(refit.trainings)}."
    if not comparison.refit.registered or scores is None:
        why = "" if refit.epochs is None else " Trained so, it diverged."
        return f"{measured}{why} What is registered was trained on the training set alone."
    number = len(scores.seeds)
    what = f"the mean of {number} models" if number > 1 else f"seed {scores.seeds[0]}"
    return (
        f"Registered is {what}, trained {on_both_sets(refit)}: it has "
        f"{words.score(scores.test)} on the test set. {measured}"
    )


def on_both_sets(refit: Refit) -> str:
    """The data of a refit, and its epochs, in words."""
    return f"on the training and validation set for {words.epochs(refit.epochs)}"


def measured_gain(comparison: Comparison, refit: Refit) -> str:
    """State the gain of a refit that was measured with the split moved back by one set."""
    gain = refit.gain
    if gain is None:
        return (
            "What training on the validation set too is worth is not known: moved back by one "
            "validation set, too many trainings diverged, or too little tells how much is chance."
        )
    nothing = "" if gain.mean > 0 else " nothing:"
    chance = ", which may be chance" if gain.mean > 0 and not gain.believed else ""
    return (
        f"Moved back by one validation set, training on as much more gained{nothing} "
        f"{words.difference(gain.mean)} ± {words.difference(gain.error)} "
        f"{comparison.metric.in_words} (90 %: {words.difference(gain.at_least)} to "
        f"{words.difference(gain.at_most)}; {len(refit.measured)} random seeds){chance}."
    )


def others(comparison: Comparison) -> str:
    """Name the candidates that may be as good, and say whether one of them is cheaper."""
    decision = comparison.decision
    if not decision.rivals:
        return ""
    found = comparison.candidates
    chances = [f"{name} ({words.chance(found[name].validation)})" for name in decision.rivals]
    text = f"Others that may be within the margin: {words.listed(chances)}."
    if decision.status == "decided" and decision.cheaper:
        cheaper = words.listed(decision.cheaper)
        text += f" Whether the cheaper {cheaper} would do as well is not known."
    elif decision.status == "decided":
        text += " None of them is cheaper."
    return text


def left_out(comparison: Comparison) -> str:
    """Name the candidates whose chance is not computed beside the others'; empty if none is."""
    recommended = comparison.recommended
    if (
        recommended is None
        or recommended.result.validation.risk is None
        or comparison.decision.alone
    ):
        return ""
    out = [name for name, one in comparison.candidates.items() if one.validation.risk is None]
    if not out:
        return ""
    verb = "is" if len(out) == 1 else "are"
    of = "its trainings" if len(out) == 1 else "the trainings of each"
    return f"{words.listed(out)} {verb} left out, since at least half of {of} diverged."


def failures(comparison: Comparison) -> list[str]:
    """Name the sizes that were not trained well, which says nothing about their cell."""
    found, margin = [], comparison.margin
    for name, one in comparison.candidates.items():
        if one.failure is None:
            continue
        than, by, error = one.failure.than, one.failure.worse_by, one.failure.error
        if by is None:
            told = f"{name} diverges and {than} does not"
        else:
            within = "" if error is None else f" ± {words.difference(error)}"
            told = f"{name} is worse than {than} by {words.difference(by, margin)}{within}"
        again = one.tuning is not None and one.tuning.searches > 1
        found.append(
            f"{told} on the validation set, although it can represent all that {than} can: a "
            "failure to optimise, not a property of the cell"
            f"{', which tuning it again has not removed' if again else ''}."
        )
    return found


def chances(comparison: Comparison) -> Iterator[str]:
    """The chance and the expected loss of each candidate, on both sets."""
    for name, result in words.ranked(comparison):
        validation, test = result.validation.risk, result.test.risk
        if validation is not None and test is not None:
            yield (
                f"{name}: within the margin with a chance of {words.chance_of(validation.chance)} "
                f"by the validation set and {words.chance_of(test.chance)} by the test set; "
                f"expected loss {validation.expected_loss:.2g} and {test.expected_loss:.2g} margins"
            )


def cautions(comparison: Comparison) -> list[str]:
    """Describe the limits of the validation set, a sentence each."""
    found, seen = [], comparison.evidence["validation"]
    total = comparison.items.get("validation", 0)
    if seen.clusters is not None and seen.clusters < FEW_CLUSTERS:
        found.append(few_clusters(seen.clusters, total))
    several = seen.smallest is not None
    if several and seen.telling is not None and seen.telling < FEW_TELLING:
        more = "harder items" if seen.telling < total else "more items"
        found.append(
            f"The candidates that stayed to the end differ on only {words.count(seen.telling)} of "
            f"{words.count(total)} validation items: {more} would tell more."
        )
    if seen.smallest is not None and seen.smallest > comparison.margin:
        smallest = words.difference(seen.smallest, comparison.margin)
        found.append(
            f"The validation items tell differences of {smallest} and more apart, which is more "
            f"than the margin, {comparison.margin:g}."
        )
    return found


def few_clusters(clusters: int, items: int) -> str:
    """Say that the validation set has few groups of items that vary independently."""
    if clusters == items:
        return f"The validation set has only {words.number(items, 'item')}: more would tell more."
    if clusters == 1:
        return (
            "All validation items belong to one group (a voice, a stretch of a series). They count "
            "as independent, so that chances look surer than they are: more groups would tell more."
        )
    return (
        f"The validation set has only {clusters} groups of items that vary independently (voices, "
        "stretches of a series): more groups would tell more than more items of these."
    )


def sensitivity(decision: Decision) -> str:
    """State the decision with other margins."""
    if decision.runner_up is None:
        return ""
    half, twice = (
        f"it would decide on {name}" if name else "it would be open"
        for name in (decision.half_margin, decision.twice_margin)
    )
    return f"With half the margin, {half}; with twice the margin, {twice}."


def effort(comparison: Comparison) -> str:
    """Compare the cost of the race with the cost of the same number of seeds for all."""
    spent = comparison.effort
    looks = words.listed([str(look) for look in spent.looks])
    seeds = "random seed" if spent.looks == (1,) else "random seeds"
    text = f"It took {words.trainings(spent.trainings)}, with a look after {looks} {seeds}"
    if spent.trainings < spent.at_equal_seeds:
        every = words.count(spent.at_equal_seeds)
        text += f"; {spent.most} random seeds for every candidate would have taken {every}"
    return f"{text}."


def because(comparison: Comparison) -> str:
    """The reason why it is decided or open, in a few words."""
    recommended = comparison.recommended
    held = words.chance(recommended.result.validation) if recommended else ""
    on_test = words.chance(recommended.result.test) if recommended else ""
    chances = f"chance {held} to be within the margin of the best, {on_test} by the test set"
    return {
        "safe": chances,
        "only_one": "it is the only candidate",
        "only_left": OTHERS_DIVERGED,
        "too_close": f"{chances}; it takes {NEEDED} to decide",
        "test_contradicts": f"the test set contradicts; {chances}",
        **NOTHING_TOLD,
        "all_diverged": ALL_DIVERGED,
    }[comparison.decision.why]
