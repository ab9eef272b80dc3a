"""A study of two datasets that DVC takes for up to date, without anything having been run."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from usual_study import SALES, USUAL

from flows.layout import Layout
from flows.recording.command import commit
from flows.recording.inputs import read_inputs
from flows.recording.plan import order
from flows.stages.code import code

PARAMETERS = {
    **USUAL,
    "study": "recorded",
    "seeds": {"first": 1, "most": 1},
    "cells": ["gru"],
    "datasets": {
        "sales": SALES,
        "opinions": {
            "source": "opinions.tsv",
            "task": "sentiment",
            "data": {},
            "model": {"hidden_size": 4},
            "training": {"epochs": 1},
        },
    },
}


def make_outputs(layout: Layout) -> None:
    """Leave something where stages would leave their outputs."""
    for dataset in PARAMETERS["datasets"]:
        for place in (layout.raw, layout.prepared, layout.runs, layout.evaluations):
            place(dataset).mkdir(parents=True)
            (place(dataset) / "file").write_text(f"{place.__name__} of {dataset}")
        layout.comparison(dataset).parent.mkdir(exist_ok=True)
        layout.comparison(dataset).write_text("{}")
    for name in ("details", "curves", "scores"):
        (layout.reports / name).mkdir(parents=True)
        (layout.reports / name / "sales.csv").write_text("a,b\n1,2\n")
    for name in ("cells.svg", "index.html", "report.md", "metrics.json"):
        (layout.reports / name).write_text("{}")
    code(layout)


@pytest.fixture(scope="session")
def recorded_once(study_at: Callable, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study, made once for all tests."""
    folder = tmp_path_factory.mktemp("recorded") / "study"
    study_at(folder, PARAMETERS)
    layout = Layout(folder)
    make_outputs(layout)
    commit(layout, order(read_inputs(layout)))
    return folder


@pytest.fixture
def layout(recorded_once: Path, tmp_path: Path, home: Path, monkeypatch) -> Layout:
    """The study in a folder of its own, which is as far from the code."""
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(home / "dvc"))
    return Layout(shutil.copytree(recorded_once, tmp_path / "study", symlinks=True))


@pytest.fixture
def edit_parameters(layout: Layout) -> Callable[[str, str], None]:
    """Puts a text in place of another in params.yaml."""

    def edit(old: str, new: str) -> None:
        file = layout.folder / "params.yaml"
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new, 1))

    return edit
