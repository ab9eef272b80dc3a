"""Edits of what a run reads while it trains: nothing wrong is recorded; the next run is right."""

from functools import partial

import pytest
import waiting
from mlflow import MlflowClient
from usual_study import USUAL

from flows.layout import Layout
from rnn_core.files import read_json, read_json_lines

wait_for = partial(waiting.wait_for, seconds=240)

REGION = {
    "task": "forecasting",
    "data": {"targets": ["y"], "lookback": 12, "horizon": 3},
    "model": {"hidden_size": 8},
    "training": {"epochs": 300, "patience": 300, "batch_size": 16},
}

STUDY = {
    **USUAL,
    "study": "regions",
    "seeds": {"first": 1, "most": 1},
    "cells": ["gru"],
    "datasets": {
        "north": REGION | {"source": "sales.csv"},
        "south": REGION | {"source": "south.csv", "training": {"epochs": 1}},
    },
}


def edit_parameters(study):
    parameters = study.parameters()
    parameters["datasets"]["north"]["training"]["epochs"] = 2
    study.write_parameters(parameters)


def edit_data(study):
    with (study.folder / "sales.csv").open("a") as file:
        file.write("2024-10-27,7.5\n")


def edit_code(study):
    file = study.folder / "rnn_core/cells/gru.py"
    text = file.read_text()
    assert "n = tanh(x.n" in text
    file.write_text(text.replace("n = tanh(x.n", "n = sigmoid(x.n").replace("tanh\n", "sigmoid\n"))


@pytest.fixture
def edited(clone_at, served, database_in, tmp_path):
    """A clone of the code with a study that has not run."""
    study = clone_at(tmp_path / "clone", STUDY)
    (study.folder / "south.csv").write_text((study.folder / "sales.csv").read_text())
    study.environment.update(served, MLFLOW_TRACKING_URI=database_in(tmp_path))
    return study


@pytest.mark.parametrize(
    ("edit", "what", "touched"),
    [
        (edit_parameters, "params.yaml", {"north"}),
        (edit_data, "the data", {"north"}),
        (edit_code, "the code", {"north", "south"}),
    ],
)
@pytest.mark.thorough
def test_what_is_edited_while_it_trains_is_not_recorded(edited, edit, what, touched):
    layout = Layout(edited.folder)
    process = edited.start("gatewise", "run")
    wait_for(lambda: process.poll() is not None or trains_north(layout))
    edit(edited)
    output, _ = process.communicate(timeout=240)
    assert process.returncode == 1
    last = output.splitlines()[-1]
    assert last.startswith("error: these were edited during the run: ")
    for name in ("north", "south"):
        assert (f"{what} of {name}" in last) == (name in touched)
    assert "Traceback" not in output
    file = edited.folder / "dvc.lock"
    recorded = edited.read_lock() if file.exists() else {}
    assert {stage.partition("@")[2] for stage in recorded} == {"north", "south"} - touched
    assert models_of(edited) == {f"regions.{n}" for n in {"north", "south"} - touched}

    edited.run("gatewise", "run")
    assert edited.run("dvc", "status").strip() == "Data and pipelines are up to date."
    assert models_of(edited) == {"regions.north", "regions.south"}
    check_right(layout, edit)


def check_right(layout, edit):
    """Check that the results come from the edited files."""
    (config,) = (layout.runs("north")).glob("gru/*/seed-0/config.json")
    times = {r["dataset"]: 0 for r in read_json_lines(layout.timings)}
    for record in read_json_lines(layout.timings):
        times[record["dataset"]] += record["what"] == "train"
    assert times == {"north": 2, "south": 2 if edit is edit_code else 1}
    if edit is edit_parameters:
        assert read_json(config)["training"]["epochs"] == 2
    if edit is edit_data:
        assert (layout.raw("north") / "sales.csv").read_text().endswith("2024-10-27,7.5\n")
    if edit is edit_code:
        code = read_json(layout.code)["train"]["north"]["cells"]["gru"]
        assert read_json(config)["environment"]["code"] == code


def models_of(study):
    return {model.name for model in MlflowClient(study.mlflow_uri).search_registered_models()}


def trains_north(layout):
    """Return whether the long training is in its course, and nothing else."""
    done = layout.comparison("south").exists()
    curves = layout.training.glob("*/metrics.jsonl")
    return done and any(len(read_json_lines(curve)) > 2 for curve in curves)
