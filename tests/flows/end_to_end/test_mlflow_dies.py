"""MLflow dies while a study is trained: nothing that it should show is lost, and nobody waits."""

import os
import time

import psutil
import pytest
from mlflow import MlflowClient
from usual_study import SALES, USUAL

from flows.layout import Layout
from flows.system import servers
from flows.system.servers import free_port
from flows.trainings.records import read_records
from rnn_core.files import read_json_lines
from rnn_core.training.run_folder import METRICS

DEAD_SECONDS = float(os.environ.get("GATEWISE_MLFLOW_DEAD_SECONDS", "3"))
"""Seconds that MLflow is dead; with more, the training is longer too, and its time is compared."""

EPOCHS_A_SECOND = 250
"""About as many as a fast machine trains a second: the training must outlast MLflow's death."""

SLOWER = 0.05
"""By how much a training may be slower that loses MLflow."""

SEED = {"seeds": {"first": 1, "most": 1}, "cells": ["gru"]}


def study_of(epochs, name):
    training = {"epochs": round(epochs), "batch_size": 64}
    return {**USUAL, **SEED, "study": name, "datasets": {"sales": {**SALES, "training": training}}}


@pytest.fixture
def mlflow_at(tmp_path, monkeypatch):
    """Starts MLflow's server on one database and one port, as often as it dies."""
    port = free_port()
    monkeypatch.setattr(servers, "home", lambda: tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setenv("MLFLOW_ARTIFACTS_DESTINATION", f"{tmp_path}/artifacts")
    return lambda: servers.mlflow(port)


def kill(server):
    """End MLflow's server at once, with all processes that it has started."""
    first = psutil.Process(server.process.pid)
    for process in (first, *first.children(recursive=True)):
        process.kill()
    server.process.wait()


def trained_seconds(study):
    (one,) = [r for r in read_records(Layout(study.folder)) if r.what == "train"]
    return one.seconds


def until(there, seconds=400.0):
    deadline = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def shown_epochs(tracking, name):
    """The epochs that MLflow's database shows of the one training."""
    client = MlflowClient(tracking)
    experiment = client.get_experiment_by_name(f"{name}/sales")
    if experiment is None:
        return []
    runs = client.search_runs([experiment.experiment_id], "tags.`gatewise.kind` = 'seed'")
    found = [client.get_metric_history(run.info.run_id, "epoch") for run in runs]
    return sorted(metric.step for metrics in found for metric in metrics)


@pytest.mark.skipif(
    "GATEWISE_MLFLOW_DEAD_SECONDS" not in os.environ, reason="takes minutes: make mlflow-dies"
)
def test_nothing_is_lost_of_a_training_in_which_mlflow_was_dead(
    study_at, served, mlflow_at, tmp_path
):
    epochs = EPOCHS_A_SECOND * (8 + 2 * DEAD_SECONDS)
    study = study_at(tmp_path / "studies/study", study_of(epochs, "mortal"))
    with mlflow_at() as server:
        server.wait()
        study.environment.update(served, MLFLOW_TRACKING_URI=server.url)
        run = study.start("gatewise", "run")
        database = f"sqlite:///{tmp_path}/mlflow.db"
        until(lambda: shown_epochs(database, "mortal"))
        before = shown_epochs(database, "mortal")
        kill(server)
    time.sleep(DEAD_SECONDS)
    with mlflow_at() as server:
        server.wait()
        output, _ = run.communicate(timeout=600)
        assert run.returncode in {0, 1}, output
        study.run("gatewise", "sync")
        (folder,) = {path.parent for path in (study.folder / "runs").rglob(METRICS)}
        epochs_of_folder = [int(record["epoch"]) for record in read_json_lines(folder / METRICS)]
        assert shown_epochs(database, "mortal") == epochs_of_folder
        assert len(before) < len(epochs_of_folder)
        client = MlflowClient(server.url)
        champion = client.get_model_version_by_alias("mortal.sales", "champion")
        assert str(champion.version) == "1"
    if DEAD_SECONDS >= 30:
        undisturbed = study_at(tmp_path / "others/study", study_of(epochs, "quiet"))
        undisturbed.environment.update(served)
        undisturbed.run("gatewise", "run")
        disturbed, quiet = trained_seconds(study), trained_seconds(undisturbed)
        assert disturbed <= (1 + SLOWER) * quiet, "seconds with MLflow dead, and without"
