"""The answer for a dataset in plain lines, for terminal, report and model cards."""

from dataclasses import dataclass

from flows.report import advice, recurrence, settling, words
from rnn_core.comparison.outcome import Comparison, Recommended, Why

STATES: dict[Why, str] = {
    "safe": "decided",
    "only_one": "the only candidate",
    "only_left": advice.OTHERS_DIVERGED,
    "too_close": "not decided yet",
    "test_contradicts": "not decided: the test set contradicts the validation set",
    "one_seed": "not decided: one random seed does not show how much is chance",
    "few_finished": "not decided: too many trainings diverged",
    "all_diverged": advice.ALL_DIVERGED,
}
"""Words for the certainty of the recommendation, by the reason of the decision."""

DIVERGED = "set a lower training.learning_rate or training.clip_norm in params.yaml"
"""The advice if every candidate diverged."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The recommendation, in lines; a line is empty if there is nothing to say.

    Attributes:
        use: The advice, such as "use gru-32".
        state: Its certainty, such as "decided".
        but: Reasons against it.
        scores: Test scores of the candidate, the runner-up and the best simple baseline.
        risk: The probability that another candidate is better by more than the margin, in words.
        share: The same as a number from 0 to 1; None if it is not known.
        to_decide: The seeds or items that would settle it.
    """

    use: str
    state: str
    but: tuple[str, ...] = ()
    scores: str = ""
    risk: str = ""
    share: float | None = None
    to_decide: str = ""

    @property
    def headline(self) -> str:
        """The advice and its certainty."""
        return f"{self.use} ({self.state})"

    @property
    def lines(self) -> list[str]:
        """All lines, the headline first."""
        parts = {"but": "; ".join(self.but), "risk": self.risk, "to decide": self.to_decide}
        told = {title: f"{title}: {text}" if text else "" for title, text in parts.items()}
        lines = (self.headline, told["but"], self.scores, told["risk"], told["to decide"])
        return [line for line in lines if line]


def answer(comparison: Comparison) -> Answer:
    """The answer that a comparison gives."""
    why, recommended = comparison.decision.why, comparison.recommended
    if recommended is None:
        return Answer(
            use="no cell to recommend",
            state=STATES[why],
            to_decide=DIVERGED,
        )
    now = "" if comparison.decision.status == "decided" else " for now"
    known = recommended.result.validation.risk
    only = comparison.decision.alone
    return Answer(
        use=f"use {recommended.name}{now}",
        state=STATES[why],
        but=against(comparison),
        scores=scores(comparison, recommended),
        risk="" if only else risk(comparison, recommended),
        share=None if only or known is None else 1 - known.chance,
        to_decide=to_decide(comparison),
    )


def against(comparison: Comparison) -> tuple[str, ...]:
    """Reasons against the recommended candidate: models without a recurrence that are as good."""
    found = (advice.as_good(comparison), recurrence.as_good(comparison))
    return tuple(text for text in found if text)


def scores(comparison: Comparison, recommended: Recommended) -> str:
    """The mean test score against those of the runner-up and of the best simple baseline."""
    metric, decision = comparison.metric, comparison.decision
    own = recommended.result.test.mean
    told = "diverged" if own is None else words.score(own)
    better = f"{metric.direction} is better"
    text = f"{metric.in_words} on the test set ({better}): {told}"
    if decision.runner_up is not None:
        second = comparison.candidates[decision.runner_up].test.mean
        told = "diverged" if second is None else words.score(second)
        text += f"; runner-up {decision.runner_up} {told}"
    if (best := words.best_baseline(comparison)) is not None:
        score = words.score(comparison.baselines[best])
        text += f"; best simple baseline {best} {score}"
    return text


def risk(comparison: Comparison, recommended: Recommended) -> str:
    """The probability that another candidate is better by more than the margin."""
    validation, test = recommended.result.validation.risk, recommended.result.test.risk
    if validation is None:
        return "not known"
    share = words.chance_of(1 - validation.chance)
    if comparison.decision.why == "test_contradicts" and test is not None:
        on_test = words.chance_of(1 - test.chance)
        share = f"{share} by the validation set and {on_test} by the test set"
    return (
        f"{share} that another candidate is better by more than the margin ({comparison.margin:g})"
    )


def to_decide(comparison: Comparison) -> str:
    """Say in a few words what would settle the decision; empty if it is settled."""
    decision = comparison.decision
    return {
        "safe": "",
        "only_one": "",
        "only_left": f"if the others matter, {DIVERGED}",
        "too_close": roughly(comparison),
        "test_contradicts": "more items, and a validation set more like the test set",
        "one_seed": "three random seeds or more (seeds in params.yaml)",
        "few_finished": "more random seeds, or a lower learning rate (params.yaml)",
        "all_diverged": DIVERGED,
    }[decision.why]


def roughly(comparison: Comparison) -> str:
    """Say what would probably settle a decision between candidates that are close together."""
    if wanted := settling.wanted(comparison):
        return f"roughly {wanted}"
    return "hardly possible: the candidates are too close together"
