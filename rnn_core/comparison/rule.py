"""The rule that says which candidate to use, or that it cannot be said yet.

The champion is the cheapest candidate that is non-inferior: with 95 % confidence no more
than the margin worse than the best. That does not suffice while a cheaper one may be so
too: then there is no evidence for the dearer one, and the rule abstains.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rnn_core.comparison.differences import AgainstBest, Differences, compare_with_best
from rnn_core.comparison.outcome import Need, Status

FIRST_ASKED = 3
"""Seeds to ask for where one seed tells nothing of how they vary."""

MOST_SEEDS = 1000
"""Seeds above which more of them are no way to a decision."""

ITEM_STEP = 1.25
MOST_ITEMS = 1e4
"""Times the items above which more of them are no way to a decision."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known of the candidates that are compared.

    Attributes:
        names: Of the candidates, from the cheapest to the dearest.
        validation: Their differences on the split that is chosen on; None for one seed.
        test: Their differences on the split that confirms; None for one seed.
        margin: The largest difference that does not matter, in units of the metric.
    """

    names: tuple[str, ...]
    validation: Differences | None
    test: Differences | None
    margin: float


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the rule says.

    Attributes:
        status: "decided"; "provisional" if it abstains.
        champion: The candidate that it decided on, or the best on validation.
        reason: Why, in a sentence.
        need: What is missing for a decision; None if it decided.
    """

    status: Status
    champion: str
    reason: str
    need: Need | None


def judge(evidence: Evidence, best: str) -> Verdict:
    """Choose on validation and confirm on test.

    Args:
        evidence: Of at least one candidate.
        best: The candidate with the best mean on validation.
    """
    if len(evidence.names) == 1:
        reason = "it is the only candidate"
        return Verdict(status="decided", champion=best, reason=reason, need=None)
    if evidence.validation is None or evidence.test is None:
        reason = "one seed says nothing of the spread between seeds"
        need = Need(seeds=FIRST_ASKED, items=None)
        return Verdict(status="provisional", champion=best, reason=reason, need=need)
    champion, reason = settle(evidence, evidence.validation, evidence.test)
    if champion is not None:
        return Verdict(status="decided", champion=champion, reason=reason, need=None)
    need = what_is_needed(evidence, evidence.validation, evidence.test)
    return Verdict(status="provisional", champion=best, reason=reason, need=need)


def settle(
    evidence: Evidence, validation: Differences, test: Differences
) -> tuple[str | None, str]:
    """The champion, or None, and the reason in words."""
    names, margin = evidence.names, evidence.margin
    on_validation, on_test = compare_with_best(validation), compare_with_best(test)
    fit = [i for i in range(len(names)) if on_validation.upper[i] <= margin]
    if not fit:
        return None, "no candidate is known to be within the margin of the best"
    chosen = fit[0]
    open_ones = [names[i] for i in range(chosen) if not on_validation.inferior[i]]
    if open_ones:
        return None, (
            f"{names[chosen]} is within the margin of the best, but so may be the cheaper "
            f"{' and '.join(open_ones)}"
        )
    worst = float(on_test.upper[chosen])
    if worst > margin:
        return None, (
            f"{names[chosen]}, chosen on the validation side, may be {worst:.2g} worse than the "
            "best on the test side, more than the margin"
        )
    return names[chosen], described(names, on_validation, chosen)


def described(names: Sequence[str], validation: AgainstBest, chosen: int) -> str:
    """What speaks for the champion."""
    worst = float(validation.upper[chosen])
    bound = f"at most {worst:.2g} worse than the best" if worst else "better than all others"
    if not worst and not validation.lower[chosen]:  # equal to another, in every seed
        bound = "as good as the best of the others"
    cheaper = "the cheapest" if chosen == 0 else "all that are cheaper are worse"
    return f"{bound}, confirmed on the test side; {cheaper}"


def what_is_needed(evidence: Evidence, validation: Differences, test: Differences) -> Need:
    """How many seeds would let the rule decide, or how many times the items."""
    for seeds in growing(validation.num_seeds):
        more = validation.with_seeds(seeds), test.with_seeds(seeds)
        if settle(evidence, *more)[0] is not None:
            return Need(seeds=seeds, items=None)
    many = validation.with_seeds(MOST_SEEDS), test.with_seeds(MOST_SEEDS)
    items = 1.0
    while items < MOST_ITEMS:
        items *= ITEM_STEP
        if settle(evidence, *(split.with_items(items) for split in many))[0] is not None:
            return Need(seeds=None, items=items)
    return Need(seeds=None, items=None)


def growing(num_seeds: int) -> list[int]:
    """Numbers of seeds to try: one by one at first, then in steps of a tenth."""
    found = [num_seeds + 1]
    while found[-1] < MOST_SEEDS:
        found.append(min(MOST_SEEDS, max(found[-1] + 1, round(found[-1] * 1.1))))
    return found


def sensitivity(evidence: Evidence) -> dict[str, str | None]:
    """What the rule decides for at half and at twice the margin; None where it abstains."""
    found: dict[str, str | None] = {}
    for name, times in (("half", 0.5), ("twice", 2.0)):
        other = replace(evidence, margin=evidence.margin * times)
        found[name] = evidence.names[0] if len(evidence.names) == 1 else None
        if evidence.validation is not None and evidence.test is not None:
            found[name], _ = settle(other, evidence.validation, evidence.test)
    return found
