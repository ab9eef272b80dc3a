"""The card of a registered model: its kind, the evidence for it, and its limits."""

from flows.report import advice, tables, words
from flows.report.answer import Answer, answer
from flows.report.details import Details
from flows.report.markdown import bold, points, table
from rnn_core.comparison.outcome import CandidateResult, Comparison, Recommended
from rnn_core.wording import in_words

MOST_CHARACTERS = 5000
"""Most characters of a description that MLflow keeps."""


def model_card(details: Details) -> str:
    """The card of the model that is registered for a dataset, in Markdown.

    Args:
        details: Details of the dataset, one of whose candidates is recommended.
    """
    comparison, recommended = details.comparison, details.comparison.recommended
    assert recommended is not None
    model, found = f"{details.study}.{details.dataset}", answer(comparison)
    parts = {
        f"{model}: {found.headline}": first(details, found),
        "What it is": what_it_is(details, recommended),
        "Decision": f"{advice.verdict(comparison, bold)}\n\n{points(advice.evidence(comparison))}",
        "Candidates": candidates(comparison),
        "Data": data(details),
        "Metric": metric(comparison, recommended),
        "Cost": cost(recommended.result, max(1, len(comparison.members))),
        "Intended use and limits": limits(details),
    }
    card = "\n\n".join(f"## {title}\n\n{text}" for title, text in parts.items())
    return card if len(card) <= MOST_CHARACTERS else f"{card[: MOST_CHARACTERS - 1]}…"


def first(details: Details, found: Answer) -> str:
    """The answer, its certainty, and the commands to type next."""
    typed = commands(details, f"{details.study}.{details.dataset}")
    return f"{points(found.lines[1:])}\n\n{typed}".lstrip()


def what_it_is(details: Details, recommended: Recommended) -> str:
    """Describe the model, and which of the trained models it is."""
    task, found = in_words(details.comparison.task), recommended.result
    return (
        f"A model for {task} around the recurrent cell `{found.cell}` with "
        f"{words.units(found)}, trained on `{details.dataset}`. "
        f"{which(details.comparison, recommended)}"
    )


def which(comparison: Comparison, recommended: Recommended) -> str:
    """Say which of the models of the candidate is registered, or how it was trained again."""
    members, refit = comparison.members, comparison.registered_refit
    if members:
        again = f" They were trained again, {advice.on_both_sets(refit)}." if refit else ""
        return (
            f"It is the mean of {len(members)} models, trained with the random seeds "
            f"{words.listed([str(seed) for seed in members])}.{again}"
        )
    if refit:
        (seed,) = comparison.registered_seeds
        return (
            f"It was trained again, with the random seed of {recommended.name} that is best on "
            f"validation ({seed}), {advice.on_both_sets(refit)}."
        )
    return (
        f"It is seed {recommended.seed.seed} of {len(recommended.result.seeds)}: of the seeds of "
        f"{recommended.name}, the one with the best validation score."
    )


def candidates(comparison: Comparison) -> str:
    """The risk of each candidate, as a table."""
    return "\n".join(table(tables.risks(comparison)))


def data(details: Details) -> str:
    """The source of the data, and the number of items of each split."""
    items = words.items(details.comparison)
    refit = details.comparison.registered_refit is not None
    fitted = "training and validation set" if refit else "training set"
    return (
        f"Source `{details.section.source}`; items: {items}. Weights were fitted on the "
        f"{fitted}, the model was chosen on validation, and the test set was used once, to "
        "confirm."
    )


def metric(comparison: Comparison, recommended: Recommended) -> str:
    """Scores of this model, of all seeds of the candidate, and of the best simple baseline."""
    own = comparison.registered_scores
    assert own is not None
    chosen = "" if own.validation is None else f", validation {words.score(own.validation)}"
    return (
        f"{words.about_metric(comparison)}. This model: test {words.score(own.test)}{chosen}. "
        f"All seeds of {recommended.name}: test "
        f"{words.mean_and_std(recommended.result.test)}. Margin: {words.about_margin(comparison)}. "
        f"Best simple baseline: {words.about_baseline(comparison)}."
    )


def cost(found: CandidateResult, models: int) -> str:
    """The cost of the model on any machine; an ensemble has several models."""
    times = f" {models} such models answer together." if models > 1 else ""
    return (
        f"{words.count(found.cost.parameters)} parameters; "
        f"{words.count(found.cost.multiply_accumulates)} multiply-accumulates of its recurrent "
        f"layers for one step of one sequence.{times}"
    )


def limits(details: Details) -> str:
    """The data that it was tested on, and the limits that follow."""
    tested = details.comparison.items.get("test")
    count = f"{words.count(tested)} items" if tested is not None else "the items"
    return (
        f"For input of the same kind and source as `{details.dataset}`. All that is known of it "
        f"was measured on {count} of the test set; other sources, languages, speakers or times "
        "were not tested, and neither was any use in which a wrong answer does harm."
    )


def commands(details: Details, model: str) -> str:
    """Code and commands to load the model in Python, use it, and serve it."""
    load = f'model = mlflow.pyfunc.load_model("models:/{model}@champion")'
    serve = "\n".join(details.serve)
    return f"```python\nimport mlflow\n\n{load}\n```\n\n```sh\n{serve}\n```"
