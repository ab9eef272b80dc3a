"""The card of a registered model: what it is, what speaks for it, and what it is not for."""

from typing import Any

from flows.report import words
from flows.report.markdown import bold

MOST_CHARACTERS = 5000
"""What MLflow keeps of a description."""


def model_card(details: dict[str, Any]) -> str:
    """The card of the champion of a dataset, as markdown.

    Args:
        details: What `details.collect` says of the dataset; it must have a champion.
    """
    result = details["comparison"]
    name, seed = result["champion"], result["registered_seed"]
    found = result["candidates"][name]
    model = f"{details['study']}.{details['dataset']}"
    parts = {
        f"{model}: {name}": what_it_is(details, found, seed),
        "Decision": f"{words.verdict(result, bold)} {words.evidence(result, bold)}",
        "Data": data(details),
        "Metric": metric(result, found, seed),
        "Cost": cost(found),
        "Intended use and limits": limits(details),
        "Load and serve": commands(details, model),
    }
    card = "\n\n".join(f"## {title}\n\n{text}" for title, text in parts.items())
    return card if len(card) <= MOST_CHARACTERS else f"{card[: MOST_CHARACTERS - 1]}…"


def what_it_is(details: dict[str, Any], found: dict[str, Any], seed: int) -> str:
    """The kind of model, and which of those that were trained."""
    task = details["comparison"]["task"].replace("_", " ")
    seeds = len(found["seeds"])
    return (
        f"A model for {task} around the recurrent cell `{found['cell']}` with "
        f"{words.count(found['hidden_size'])} units, trained on `{details['dataset']}`. It is seed "
        f"{seed} of {seeds}: of the champion's seeds, the one with the best validation score."
    )


def data(details: dict[str, Any]) -> str:
    """Where the data comes from, and how many items each side has."""
    items = dict(words.facts(details["comparison"]))["items"]
    return (
        f"Source `{details['section']['source']}`; items: {items}. Weights were fitted on the "
        "training side, the model was chosen on validation, and the test side was used once, to "
        "confirm."
    )


def metric(result: dict[str, Any], found: dict[str, Any], seed: int) -> str:
    """Scores of this model and of its siblings, beside the best simple baseline."""
    own = next(entry for entry in found["seeds"] if entry["seed"] == seed)
    about = dict(words.facts(result))
    return (
        f"{about['metric']}. This model: test {words.score(own['test'])}, validation "
        f"{words.score(own['validation'])}. All its seeds: test {words.spread(found['test'])}. "
        f"Margin: {about['margin']}. Best simple baseline: "
        f"{about['best simple baseline on the test side']}."
    )


def cost(found: dict[str, Any]) -> str:
    """What the model costs wherever it runs."""
    counted = found["cost"]
    return (
        f"{words.count(counted['parameters'])} parameters; "
        f"{words.count(counted['multiply_accumulates'])} multiply-accumulates of its recurrent "
        "layers for one step of one sequence."
    )


def limits(details: dict[str, Any]) -> str:
    """What it was tested on, and so what is known of it."""
    tested = details["comparison"]["items"].get("test")
    count = f"{words.count(tested)} items" if isinstance(tested, int) else "the items"
    return (
        f"For input of the same kind and source as `{details['dataset']}`. All that is known of it "
        f"was measured on {count} of the test side; other sources, languages, speakers or times "
        "were not tested, and neither was any use in which a wrong answer does harm."
    )


def commands(details: dict[str, Any], model: str) -> str:
    """How to load it in Python, ask it, and serve it."""
    load = f'model = mlflow.pyfunc.load_model("models:/{model}@champion")'
    serve = "\n".join(details["serve"])
    return f"```python\nimport mlflow\n\n{load}\n```\n\n```sh\n{serve}\n```"
