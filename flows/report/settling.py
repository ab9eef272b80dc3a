"""Say what would settle an open decision."""

from rnn_core.comparison.outcome import Comparison, Why

NOTHING_TOLD: dict[Why, str] = {
    "one_seed": "one random seed does not tell how much of a score is chance",
    "few_finished": "too many trainings diverged to tell how much of a score is chance",
}
"""Reasons why no chance can be stated."""


def needed(comparison: Comparison) -> str:
    """Say what would settle an open decision; empty if it is decided."""
    decision, need = comparison.decision, comparison.decision.need
    if decision.why == "one_seed":
        return f"It is open, since {NOTHING_TOLD['one_seed']}. Three random seeds would be a start."
    if decision.why == "few_finished":
        return f"It is open, since {NOTHING_TOLD['few_finished']}. More random seeds may tell."
    if decision.why == "test_contradicts":
        return (
            "It is open, since the two sets disagree. More items, and a validation set more like "
            "the test set, would tell more."
        )
    if decision.why != "too_close":
        return ""
    shared = comparison.evidence["validation"].clusters is not None  # else seeds alone are tried
    and_items = " and the items" if shared else ""
    if need is None:
        return (
            f"It is open, and even 32 times the random seeds{and_items} would hardly settle it: "
            "the candidates are too close together, or just a margin apart."
        )
    tried = "1,000" if shared else "32"
    up_to = f"more than {tried}" if need.most is None else f"{need.most:g}"
    between = up_to if need.most == need.least else f"between {need.least:g} and {up_to}"
    return (
        f"It is open; about {wanted(comparison)} would probably settle it. That is an order of "
        f"magnitude: it may take {between} times what was spent."
    )


def wanted(comparison: Comparison) -> str:
    """The random seeds and items that would probably settle it; empty if none would."""
    need, recommended = comparison.decision.need, comparison.recommended
    if need is None or recommended is None:
        return ""
    seeds, items = f"{need.seeds} random seeds", f"{need.items:g} times the validation items"
    if need.items <= 1:
        return seeds
    trained = len(recommended.result.seeds)
    if need.seeds <= trained:
        return f"{items}, with the {trained} random seeds that there are"
    return f"{seeds} and {items}"
