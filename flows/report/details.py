"""All facts about a dataset that the forms of the report use."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flows.layout import Layout
from flows.system.command_line import command_line
from rnn_core.comparison.outcome import CandidateResult, Comparison, read_comparison
from rnn_core.diagnostics.findings import Findings, read_findings
from rnn_core.files import read_json_lines
from rnn_core.study import Section, Study
from rnn_core.training.illustration import Illustration, read_illustration


@dataclass(frozen=True, kw_only=True)
class Curve:
    """The validation scores of one random seed.

    Attributes:
        step: Optimiser steps at the end of each epoch.
        validation: The scores at these steps.
    """

    step: list[float]
    validation: list[float]


@dataclass(frozen=True, kw_only=True)
class Details:
    """All facts about a dataset that has been compared.

    Attributes:
        study: Name of the study.
        dataset: Name of the dataset.
        section: Its section of params.yaml.
        comparison: Its comparison.
        curves: Learning curves, by candidate and random seed.
        diagnostics: Findings of the diagnostics, by candidate.
        illustrations: Illustrations, by candidate.
        missing: A sentence for each kind of fact that is missing.
        reproduce: Commands that make the results again.
        serve: Commands that use the registered model; empty if nothing is recommended.
    """

    study: str
    dataset: str
    section: Section
    comparison: Comparison
    curves: dict[str, dict[int, Curve]]
    diagnostics: dict[str, Findings]
    illustrations: dict[str, Illustration]
    missing: list[str]
    reproduce: list[str]
    serve: list[str]


def collect(layout: Layout, study: Study, dataset: str) -> Details:
    """Read all facts about a dataset.

    Raises:
        DataError: If the comparison is missing, or a file has another format.
    """
    comparison = read_comparison(layout.comparison(dataset))
    found = comparison.candidates
    curves = {name: curves_of(layout, dataset, comparison, one) for name, one in found.items()}
    places = {name: evaluated(layout, dataset, one) for name, one in found.items()}
    diagnostics = {name: read_findings(place) for name, place in places.items()}
    illustrations = {name: read_illustration(place) for name, place in places.items()}
    has_recommended = comparison.recommended is not None
    there = {name: one for name, one in diagnostics.items() if one is not None}
    shown = {name: one for name, one in illustrations.items() if one is not None}
    return Details(
        study=study.study,
        dataset=dataset,
        section=study.section(dataset),
        comparison=comparison,
        curves=curves,
        diagnostics=there,
        illustrations=shown,
        missing=missing(comparison, curves, set(there), set(shown)),
        reproduce=reproduce(folder_name(layout, study), dataset),
        serve=serve(f"{study.study}.{dataset}", comparison.task) if has_recommended else [],
    )


def evaluated(layout: Layout, dataset: str, candidate: CandidateResult) -> Path:
    """The folder of the evaluation of a candidate."""
    return layout.evaluation(dataset, candidate.cell) / candidate.size


def curves_of(
    layout: Layout, dataset: str, comparison: Comparison, candidate: CandidateResult
) -> dict[int, Curve]:
    """The curves of those random seeds of a candidate that have one."""
    key = f"validation_{comparison.metric.name}"
    found = {}
    for seed in candidate.seeds:
        file = layout.curve(dataset, candidate.cell, candidate.size, seed.seed)
        records = [record for record in read_json_lines(file) if key in record]
        if records:
            found[seed.seed] = Curve(
                step=[record["step"] for record in records],
                validation=[record[key] for record in records],
            )
    return found


def missing(
    comparison: Comparison,
    curves: dict[str, dict[int, Curve]],
    diagnosed: set[str],
    illustrated: set[str],
) -> list[str]:
    """A sentence for each kind of fact that some candidates lack."""
    names = list(comparison.candidates)
    without = {
        name: [str(seed.seed) for seed in found.seeds if seed.seed not in curves[name]]
        for name, found in comparison.candidates.items()
    }
    lacking = {
        "learning curves": [f"{name} (seed {', '.join(s)})" for name, s in without.items() if s],
        "diagnostics": [name for name in names if name not in diagnosed],
        "examples": [name for name in names if name not in illustrated],
    }
    return [f"There are no {what} of {', '.join(who)}." for what, who in lacking.items() if who]


def folder_name(layout: Layout, study: Study) -> str:
    """The study's folder, relative to that of the code; "." if it is outside."""
    folder = layout.folder.resolve()
    root = (folder / study.root).resolve()
    return folder.relative_to(root).as_posix() if folder.is_relative_to(root) else "."


def reproduce(folder: str, dataset: str) -> list[str]:
    """Commands that make the results again."""
    run = command_line("run", Path(folder))
    enter = "" if folder == "." else f"cd {shlex.quote(folder)} && "
    return [
        f"{run}  # the whole study, from the data to registered champions",
        f"{run} --only 'compare@{dataset}'  # this dataset alone",
        f"{enter}dvc repro  # the stages alone, without tracking and registry",
    ]


def ask(model: str, task: str) -> str:
    """Arguments of `gatewise` to use a registered model, with placeholders in capitals."""
    if task == "text_generation":
        return f"generate {model} --prompt 'TEXT'"
    return f"predict {model} FILE"


def serve(model: str, task: str) -> list[str]:
    """Commands that use the registered champion, and serve it."""
    return [
        f"gatewise {ask(model, task)}  # the same kind of input as it was trained on",
        f"gatewise serve {model}  # answers over HTTP, with a page to try it",
        "export MLFLOW_TRACKING_URI=sqlite:///mlflow.db",
        f"mlflow models serve -m models:/{model}@champion --env-manager local --port 5001",
    ]


def what_is_missing(layout: Layout, study: Study, dataset: str) -> str:
    """The reason why a dataset has no comparison, as far as its folders show it."""

    def lack(place: Callable[[str, str], Path]) -> list[str]:
        return [c for c in study.cells_of(dataset) if not place(dataset, c).exists()]

    if untrained := lack(layout.run):
        return f"not trained: {', '.join(untrained)}"
    if unscored := lack(layout.evaluation):
        return f"not evaluated: {', '.join(unscored)}"
    return "every cell is evaluated, and the stage compare has not run"
