"""Trainings are shown in MLflow while they run, and studies are complete without it."""

import shutil
import socket
import time
from contextlib import contextmanager

import pytest
from mlflow import MlflowClient
from projecting import begin_training, find, history, project, runs_of
from waiting import wait_for

from flows.layout import Layout
from flows.tracking import follower as following_them
from flows.tracking import projection as tracking
from flows.tracking.follower import Follower
from flows.tracking.projection import Projection, TrackingError
from rnn_core.files import read_json_lines
from rnn_core.training.run_folder import METRICS, seed_folder


@pytest.fixture
def closed_address():
    """An address at which nobody answers."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    return f"http://127.0.0.1:{port}"


@contextmanager
def following(layout):
    """A flow that has just begun to follow the training of gru on sales."""
    grown = []
    with Follower(Projection(layout, "tiny", {}), grown.append) as follower:
        yield follower, grown


def epochs_shown(seed="0"):
    with_seed = [run for run in runs_of("sales") if run.data.tags.get("gatewise.seed") == seed]
    return [step for run in with_seed for step, _ in history(run)]


def test_epochs_appear_while_a_seed_trains_and_once(layout, database, monkeypatch):
    monkeypatch.setattr(following_them, "FOLLOW_SECONDS", 0.02)
    monkeypatch.setattr(following_them, "SHORT_SECONDS", 0.0)
    folder = begin_training(layout, "key", num_epochs=1)
    first, second = (
        (seed_folder(layout.run("sales", "gru"), "4", 0) / METRICS)
        .read_text()
        .splitlines(keepends=True)
    )
    MlflowClient().create_experiment("tiny/sales")
    with following(layout) as (_, grown):
        wait_for(lambda: epochs_shown() == [1])
        assert [len(seed.records) for seed in grown[-1]] == [1]
        with (folder / METRICS).open("a") as file:
            file.write(second[:20])
    with following(layout) as (follower, grown):
        wait_for(lambda: len(grown) > 2)
        (folder / METRICS).write_text(first + second)
        wait_for(lambda: epochs_shown() == [1, 2])
        seen = len(grown)
        wait_for(lambda: len(grown) > seen + 2)
        assert follower.failure is None
    assert epochs_shown() == [1, 2]
    growing = find(runs_of("sales"), kind="seed", cell="gru", seed="0")
    assert growing.info.status == "RUNNING"
    project(layout)
    finished = find(runs_of("sales"), kind="seed", cell="gru", seed="0")
    assert finished.info.run_id == growing.info.run_id
    assert finished.info.status == "FINISHED"
    assert epochs_shown() == [1, 2] * 2
    assert len(runs_of("sales")) == 6


def test_seed_is_known_by_its_folder_as_soon_as_it_has_a_config(layout):
    assert tracking.growing_seeds(layout) == []
    (layout.training / "just made").mkdir(parents=True)
    begin_training(layout, "key")
    (seed,) = tracking.growing_seeds(layout)
    assert (seed.key, seed.config.seed, len(seed.records)) == ("key", 0, 1)


@pytest.mark.parametrize("is_stored", [True, False])
def test_epochs_whose_answer_was_lost_are_shown_once(layout, database, monkeypatch, is_stored):
    """MLflow was killed between storing and answering; here a batch has one epoch."""
    monkeypatch.setattr(tracking, "BATCH", 5)
    begin_training(layout, "key", num_epochs=1)
    (seed,) = tracking.growing_seeds(layout)
    seed = seed._replace(records=[{**seed.records[0], "epoch": epoch} for epoch in range(1, 7)])
    projection, sent = Projection(layout, "tiny", {}), []
    log_batch = projection.client.log_batch

    def lost_at_first(run_id, **content):
        sent.extend(metric.step for metric in content.get("metrics", ()) if metric.key == "epoch")
        lost = sent == [1, 2]
        if is_stored or not lost:
            log_batch(run_id, **content)
        if lost:
            raise ConnectionError

    monkeypatch.setattr(projection.client, "log_batch", lost_at_first)
    with pytest.raises(TrackingError):
        projection.log_growing(seed)
    time.sleep(0.01)
    projection.log_growing(seed)
    assert epochs_shown() == [1, 2, 3, 4, 5, 6]
    Projection(layout, "tiny", {}).log_growing(seed)
    assert epochs_shown() == [1, 2, 3, 4, 5, 6]


def test_training_that_other_code_began_is_replaced(layout, database):
    projection = Projection(layout, "tiny", {})
    begin_training(layout, "before", num_epochs=2)
    projection.log_growing(tracking.growing_seeds(layout)[0])
    shutil.rmtree(layout.training / "before")
    begin_training(layout, "after", num_epochs=1)
    projection.log_growing(tracking.growing_seeds(layout)[0])
    assert epochs_shown() == [1]


def test_training_that_was_given_up_is_neither_current_nor_running(layout, database):
    begin_training(layout, "given-up", num_epochs=2, learning_rate=0.5)
    (seed,) = tracking.growing_seeds(layout)
    Projection(layout, "tiny", {}).log_growing(seed)
    left = {run.info.run_id for run in runs_of("sales")}
    project(layout)
    runs = {run.info.run_id: run for run in runs_of("sales")}
    assert len(left) == 2
    assert len(runs) == 2 + 6
    for run_id, run in runs.items():
        assert run.data.tags["gatewise.current"] == str(run_id not in left).lower()
        assert (run.info.status == "FINISHED") == (run_id not in left)
        assert run.info.status != "RUNNING"


def test_training_that_was_given_up_and_taken_up_again_ends_as_others(layout, database):
    begin_training(layout, "given-up", num_epochs=2, learning_rate=0.5)
    (seed,) = tracking.growing_seeds(layout)
    Projection(layout, "tiny", {}).log_growing(seed)
    project(layout)
    later = Projection(layout, "tiny", {})
    later.log_growing(seed)
    run_id = later.finished(seed.config, "seed", "a" * 64, None).info.run_id
    assert MlflowClient().get_run(run_id).info.status == "FINISHED"
    assert len(runs_of("sales")) == 2 + 6


def test_epochs_are_still_counted_without_mlflow(layout, closed_address, monkeypatch):
    monkeypatch.setattr(following_them, "FOLLOW_SECONDS", 0.02)
    monkeypatch.setattr(following_them, "SHORT_SECONDS", 0.0)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", closed_address)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    begin_training(layout, "key")
    with following(layout) as (follower, grown):
        wait_for(lambda: follower.failure is not None)
        seen = len(grown)
        wait_for(lambda: len(grown) > seen + 1)
        assert len(grown[-1]) == 1
    assert isinstance(follower.failure, TrackingError)
    assert closed_address in str(follower.failure)


def test_study_is_complete_without_mlflow_and_shown_afterwards(
    new_study, served, tiny, database, closed_address
):
    tiny |= {"study": "alone", "cells": ["memoryless"], "seeds": {"first": 1, "most": 1}}
    tiny["datasets"] = {"sales": tiny["datasets"]["sales"]}
    study = new_study(tiny)
    study.environment.update(served)
    study.environment["MLFLOW_TRACKING_URI"] = closed_address
    study.environment["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
    output = study.run("gatewise", "run", code=1)
    assert len(study.read_lock()) == 7
    assert (study.folder / "reports/report.md").exists()
    assert output.count("error: ") == 1
    last = " ".join(output[output.index("error: ") :].split())
    assert closed_address in last
    assert "gatewise sync" in last or "again" in last
    assert "Traceback" not in output
    study.environment["MLFLOW_TRACKING_URI"] = database
    output = " ".join(study.run("gatewise", "run").split())
    assert ", 0 stages run, 7 up to date." in output
    version = MlflowClient().get_model_version_by_alias("alone.sales", "champion")
    assert str(version.version) == "1"
    seeds = read_json_lines(
        seed_folder(Layout(study.folder).run("sales", "memoryless"), "4", 0) / METRICS
    )
    shown = find(runs_of("sales", "alone"), kind="seed")
    assert history(shown, "validation_mse") == [(r["epoch"], r["validation_mse"]) for r in seeds]
