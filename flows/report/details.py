"""All that is reported of one dataset, as plain JSON: every other form is drawn from it."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from flows.layout import Layout
from rnn_core.files import read_json, read_json_lines
from rnn_core.study import Study


def collect(layout: Layout, study: Study, dataset: str) -> dict[str, Any]:
    """Everything there is to tell of a dataset that has been compared.

    What is not there is named in `missing`, a sentence for each kind.

    Returns:
        `study`, `dataset`, `section` (of params.yaml), `comparison`, `curves`,
        `diagnostics` and `illustrations` by candidate, `missing`, and the commands to
        `reproduce` and to `serve`.

    Raises:
        DataError: If the comparison is missing.
    """
    comparison = read_json(layout.comparison(dataset))
    parts = {
        "curves": curves(layout, dataset, comparison),
        "diagnostics": beside_scores(layout, dataset, comparison, "diagnostics.json"),
        "illustrations": beside_scores(layout, dataset, comparison, "illustration.json"),
    }
    model = f"{study.study}.{dataset}"
    return {
        "study": study.study,
        "dataset": dataset,
        "section": asdict(study.section(dataset)),
        "comparison": comparison,
        **parts,
        "missing": missing(comparison, parts),
        "reproduce": reproduce(folder_name(layout, study), dataset),
        "serve": serve(model) if comparison["champion"] is not None else [],
    }


def curves(
    layout: Layout, dataset: str, comparison: dict[str, Any]
) -> dict[str, dict[str, dict[str, list[float]]]]:
    """Optimiser steps and validation scores of the seeds of each candidate."""
    key = f"validation_{comparison['metric']['name']}"
    found: dict[str, dict[str, dict[str, list[float]]]] = {}
    for name, candidate in comparison["candidates"].items():
        found[name] = {}
        for seed in candidate["seeds"]:
            place = (dataset, candidate["cell"], candidate["hidden_size"], seed["seed"])
            records = [r for r in read_json_lines(layout.curve(*place)) if key in r]
            if records:
                steps, scores = [r["step"] for r in records], [r[key] for r in records]
                found[name][str(seed["seed"])] = {"step": steps, "validation": scores}
    return found


def beside_scores(
    layout: Layout, dataset: str, comparison: dict[str, Any], file: str
) -> dict[str, Any]:
    """A file of the evaluation of each candidate that has it, and something in it."""
    found = {}
    for name, candidate in comparison["candidates"].items():
        folder = layout.evaluation(dataset, candidate["cell"]) / str(candidate["hidden_size"])
        if (folder / file).exists() and (content := read_json(folder / file)):
            found[name] = content
    return found


def missing(comparison: dict[str, Any], parts: dict[str, Any]) -> list[str]:
    """What is not there, in words."""
    names = comparison["candidates"]
    curves = {
        name: [str(s["seed"]) for s in c["seeds"] if str(s["seed"]) not in parts["curves"][name]]
        for name, c in names.items()
    }
    lacking = {
        "learning curves": [f"{name} (seed {', '.join(s)})" for name, s in curves.items() if s],
        "diagnostics": [name for name in names if name not in parts["diagnostics"]],
        "examples": [name for name in names if name not in parts["illustrations"]],
    }
    return [f"There are no {what} of {', '.join(who)}." for what, who in lacking.items() if who]


def folder_name(layout: Layout, study: Study) -> str:
    """The study's folder from that of the code; "." where it lies elsewhere."""
    folder = layout.folder.resolve()
    root = (folder / study.root).resolve()
    return folder.relative_to(root).as_posix() if folder.is_relative_to(root) else "."


def reproduce(folder: str, dataset: str) -> list[str]:
    """Commands that make the results again."""
    place = "" if folder == "." else f" {folder}"
    enter = "" if folder == "." else f"cd {folder} && "
    return [
        f"gatewise run{place}  # the whole study, from the data to registered champions",
        f"gatewise run{place} --only 'compare@{dataset}'  # this dataset alone",
        f"{enter}dvc repro  # the stages alone, without tracking and registry",
    ]


def serve(model: str) -> list[str]:
    """Commands that ask the registered champion, and serve it."""
    return [
        f"gatewise predict {model} FILE  # a file such as those it was trained on",
        "export MLFLOW_TRACKING_URI=sqlite:///mlflow.db",
        f"mlflow models serve -m models:/{model}@champion --env-manager local --port 5001",
    ]


def what_is_missing(layout: Layout, study: Study, dataset: str) -> str:
    """Why a dataset has no comparison, as far as its folders tell."""

    def lack(place: Any) -> list[str]:
        return [c for c in study.cells_of(dataset) if not Path(place(dataset, c)).exists()]

    if untrained := lack(layout.run):
        return f"not trained: {', '.join(untrained)}"
    if unscored := lack(layout.evaluation):
        return f"not evaluated: {', '.join(unscored)}"
    return "every cell is evaluated, and the stage compare has not run"
