"""Features of DVC in a study: its metrics, plots, experiments and remotes."""

import csv
import io
import json
import shutil
from copy import deepcopy

import psutil
import pytest
from mlflow import MlflowClient
from usual_study import USUAL

from flows.layout import Layout
from flows.trainings.store import open_store
from rnn_core.files import read_json_lines

REGION = {
    "source": "sales.csv",
    "task": "forecasting",
    "seeds": {"first": 2, "most": 2},
    "data": {"targets": ["y"], "lookback": 12, "horizon": 3},
    "model": {"hidden_size": 4},
    "training": {"epochs": 2},
}

REGIONS = {
    **USUAL,
    "study": "regions",
    "seeds": {"first": 2, "most": 2},
    "cells": ["gru"],
    "datasets": {"north": REGION, "south": deepcopy(REGION)},  # no alias: DVC changes none
}

GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@localhost")
NORTH = {f"{verb}@north" for verb in ("train", "evaluate", "compare")}


@pytest.fixture(scope="module")
def clone(clone_at, served, database_in, tmp_path_factory):
    """A clone with a study that has run, in a git repository and with a remote of DVC."""
    place = tmp_path_factory.mktemp("regions")
    study = clone_at(place / "clone", REGIONS)
    for name in ("NAME", "EMAIL"):
        study.environment.update({f"GIT_{who}_{name}": "a@b" for who in ("AUTHOR", "COMMITTER")})
    study.environment.update(served, MLFLOW_TRACKING_URI=database_in(place))
    shutil.rmtree(study.folder / ".dvc")
    (study.folder / ".gitignore").write_text("/.gatewise/\n/.venv/\n__pycache__/\n/dvc_plots/\n")
    study.run("git", "init", "--quiet")
    study.run("dvc", "init", "--quiet")
    study.run("dvc", "remote", "add", "--quiet", "--default", "there", str(place / "remote"))
    study.run("gatewise", "run")
    study.run("git", "add", ".")
    study.run("git", "commit", "--quiet", "--message", "results")
    return study


@pytest.fixture
def committed(clone):
    """The same, with all put back afterwards that a test has changed."""
    yield clone
    clone.run("git", "checkout", "--quiet", "--force", "HEAD")
    clone.run("dvc", "checkout", "--quiet", "--force")


def trained(study):
    """Dataset, epochs or seed of each training, in their order."""
    records = read_json_lines(Layout(study.folder).timings)
    return [(r["dataset"], r["seed"]) for r in records if r["what"] == "train"]


def changed_stages(before, after):
    return {stage for stage in after if after[stage] != before.get(stage)} - {"code"}


def test_metrics_are_those_of_the_comparisons(clone):
    shown = json.loads(clone.run("dvc", "metrics", "show", "--json"))
    metrics = shown[""]["data"]["reports/metrics.json"]["data"]
    assert set(metrics) == {"north", "south"}
    for name, result in metrics.items():
        comparison = json.loads(Layout(clone.folder).comparison(name).read_bytes())
        for candidate, found in result["candidates"].items():
            assert found["mean"] == comparison["candidates"][candidate]["test"]["mean"]


def test_plots_show_the_curve_and_the_scores_of_each_dataset(clone):
    shown = json.loads(clone.run("dvc", "plots", "show", "--json", "--out", "dvc_plots"))["data"]
    for name in ("north", "south"):
        (curve,) = shown[f"reports/curves/{name}.csv"]
        drawn = curve["content"]["data"]["values"]
        assert f"reports/scores/{name}.csv" in shown
        file = clone.folder / f"runs/{name}/gru/4"
        seeds = [read_json_lines(f / "metrics.jsonl") for f in sorted(file.glob("seed-*"))]
        curves = [[round(epoch["validation_mse"], 9) for epoch in seed] for seed in seeds]
        values = [round(float(p["validation"]), 9) for p in drawn]
        assert values in curves


@pytest.mark.thorough
def test_experiment_runs_what_it_changes_and_is_compared(committed):
    before, count = committed.read_lock(), len(trained(committed))
    committed.run("dvc", "exp", "run", "--quiet", "-S", "datasets.north.training.epochs=3")
    assert changed_stages(before, committed.read_lock()) == {*NORTH, "report"}
    assert sorted(trained(committed)[count:]) == [("north", 0), ("north", 1)]
    differences = json.loads(committed.run("dvc", "metrics", "diff", "--json"))
    keys = set(differences["reports/metrics.json"])
    assert "north.candidates.gru-4.mean" in keys
    assert not any(key.startswith("south") for key in keys)
    shown = list(csv.DictReader(io.StringIO(committed.run("dvc", "exp", "show", "--csv"))))
    epochs = [row["datasets.north.training.epochs"] for row in shown]
    assert epochs.count("3") >= 1
    assert epochs.count("2") >= 1
    means = {row["north.candidates.gru-4.mean"] for row in shown} - {""}
    assert len(means) == 2


@pytest.mark.parametrize(("how", "region"), [("--temp", "north"), ("--queue", "south")])
@pytest.mark.thorough
def test_experiment_in_a_copy_trains_nothing_that_the_store_has(committed, how, region):
    count, store = len(trained(committed)), open_store(Layout(committed.folder))
    entries = len(store.identities("training"))
    before = committed.read_lock()
    seeds = f"datasets.{region}.seeds"
    changes = ("-S", f"{seeds}.first=3", "-S", f"{seeds}.most=3")
    committed.run("dvc", "exp", "run", "--quiet", how, *changes, "--name", f"more-{region}")
    if how == "--queue":
        run_queue(committed)
    assert trained(committed)[count:] == [(region, 2)]
    assert len(store.identities("training")) == entries + 1
    assert committed.read_lock() == before
    committed.run("dvc", "exp", "apply", f"more-{region}")
    comparison = json.loads(Layout(committed.folder).comparison(region).read_bytes())
    assert [s["seed"] for s in comparison["candidates"]["gru-4"]["seeds"]] == [0, 1, 2]
    assert "Data and pipelines are up to date." in committed.run("dvc", "status")


def run_queue(study):
    """Let DVC's own workers do what waits, and wait for them."""
    known = {process.pid for process in psutil.process_iter()}
    study.run("dvc", "queue", "start", "--quiet")
    try:
        study.run("dvc", "queue", "logs", "--follow", first_task(study))
    finally:
        study.run("dvc", "queue", "stop")
        started = [p for p in psutil.process_iter() if p.pid not in known and is_of(p, study)]
        _, left = psutil.wait_procs(started, timeout=60)
    assert not left


def first_task(study):
    rows = study.run("dvc", "queue", "status").splitlines()
    return rows[1].split()[0]


def is_of(process, study):
    try:
        return process.cwd().startswith(str(study.folder))
    except psutil.Error:
        return False


@pytest.mark.thorough
def test_pulled_results_are_registered_without_a_training(committed, tmp_path):
    committed.run("dvc", "push", "--quiet")
    committed.run("git", "clone", "--quiet", str(committed.folder), str(tmp_path / "other"))
    environment = committed.environment | {
        "PYTHONPATH": str(tmp_path / "other"),
        "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db",
        "DVC_SITE_CACHE_DIR": str(tmp_path / "dvc"),
    }
    other = type(committed)(tmp_path / "other", environment)
    other.run("dvc", "pull", "--quiet")
    other.run("gatewise", "run")
    assert trained_at_all(other) == []
    assert other.read_lock() == committed.read_lock()
    versions = MlflowClient(other.mlflow_uri).search_model_versions()
    assert {version.name for version in versions} == {"regions.north", "regions.south"}
    parameters = other.parameters()
    parameters["datasets"]["south"]["seeds"] = {"first": 3, "most": 3}
    other.write_parameters(parameters)
    other.run("gatewise", "run")
    assert trained_at_all(other) == [("south", 2)]


def trained_at_all(study):
    return trained(study) if Layout(study.folder).timings.exists() else []
