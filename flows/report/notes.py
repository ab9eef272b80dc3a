"""Descriptions for MLflow's pages: which cell, how sure, and what to do next, in Markdown."""

from flows.report import advice, tables, words
from flows.report.answer import answer
from flows.report.markdown import bold, points, table
from rnn_core.comparison.networks import ReferenceResult
from rnn_core.comparison.outcome import CandidateResult, Comparison, Result

CANDIDATES = "tags.gatewise.current = 'true' and tags.gatewise.candidate = 'true'"
"""Query for the runs that a study compares now, without networks that have no recurrence."""


def experiment(comparison: Comparison, model: str, view: str) -> str:
    """The description of the experiment of a dataset.

    It begins without markup, since the list of experiments shows its beginning as plain text.

    Args:
        comparison: Comparison of the dataset.
        model: Name of its registered model.
        view: Address of a view of the candidates, relative to MLflow's.
    """
    found = answer(comparison)
    parts = [
        words.capitalised(found.headline),
        points([*found.lines[1:], *advice.evidence(comparison)]),
        f"[Compare the candidates]({view})",
        "\n".join(table(tables.risks(comparison))),
        reading(comparison),
        "\n\n".join(next_steps(comparison, model)),
    ]
    return "\n\n".join(parts)


def reading(comparison: Comparison) -> str:
    """Explain the list of runs."""
    metric = comparison.metric.name
    return (
        f"{bold('The runs.')} A run is a cell at one size, with the mean of its random seeds; "
        "unfold it to see the seeds and their learning curves. Its name says whether it is chosen, "
        "or shows results of an earlier version of the study. To rank the cells yourself, search "
        f"for `{CANDIDATES}`, show the column `test_{metric}` and sort by it "
        f"({comparison.metric.direction} is better)."
    )


def next_steps(comparison: Comparison, model: str) -> list[str]:
    """The next steps for the user."""
    if comparison.recommended is None:
        return [f"{bold('Next.')} See in the report why the trainings diverged."]
    return [
        (
            f"{bold('Next.')} The model is registered as `{model}` under the alias `champion`, "
            "unless the study was run without promotion. To get its answers:"
        ),
        f"```sh\ngatewise predict {model} FILE\ngatewise serve {model}\n```",
    ]


def run(comparison: Comparison, name: str) -> str:
    """The description of the run of a candidate, or of a network without a recurrence."""
    result = comparison.results[name]
    if isinstance(result, ReferenceResult):
        return (
            "A network without a recurrence, trained for comparison. It is no candidate: it is "
            f"neither recommended nor registered. {scores(comparison, result)}"
        )
    is_chosen = name == comparison.decision.recommended
    first = f"{words.capitalised(answer(comparison).headline)}." if is_chosen else ""
    return " ".join(part for part in (first, scores(comparison, result), chances(result)) if part)


def scores(comparison: Comparison, result: Result) -> str:
    """The test score of a run, and its number of random seeds."""
    number, metric = len(result.seeds), comparison.metric
    seeds = f"{number} random seed{'' if number == 1 else 's'}"
    if result.test.mean is None:
        return f"Trainings diverged; {seeds}."
    deviation = ""
    if result.test.std is not None:
        deviation = f" with a standard deviation of {words.difference(result.test.std)}"
    return (
        f"Test {metric.in_words}: {words.score(result.test.mean)} ({metric.unit}; "
        f"{metric.direction} is better), the mean of {seeds}{deviation}."
    )


def chances(result: CandidateResult) -> str:
    """The chance that a candidate is as good as the best."""
    if result.validation.risk is None:
        return ""
    return (
        "The chance that it is as good as the best candidate, within the margin, is "
        f"{words.chance(result.validation)} by the validation set."
    )
