"""Killed in the middle of training, once or again and again: the next run ends the same."""

import signal
import sqlite3
import time

import psutil
import pytest
from mlflow import MlflowClient

from rnn_core.files import read_json_lines

SLOW = {
    "study": "interrupted",
    "device": "cpu",
    "seeds": [0, 1],
    "cells": ["gru"],
    "sizes": ["equal"],
    "tuning": None,
    "datasets": {
        "sales": {
            "source": "sales.csv",
            "task": "forecasting",
            "data": {"targets": ["y"], "lookback": 24, "horizon": 3},
            "model": {"hidden_size": 32},
            "training": {"epochs": 60, "patience": 60, "batch_size": 16},
        }
    },
}


@pytest.fixture(scope="module")
def uninterrupted(study_at, tmp_path_factory):
    """The lock of the study when nothing happens to it."""
    study = study_at(tmp_path_factory.mktemp("uninterrupted") / "studies/study", SLOW)
    study.run("dvc", "repro", "--quiet")
    return study.read_lock()


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def is_in_second_seed(study, since):
    """Whether a process that was started then trains the second seed."""
    finished = list(study.folder.glob(".gatewise/seeds/*"))
    growing = [
        file
        for file in study.folder.glob(".gatewise/training/*/metrics.jsonl")
        if file.stat().st_mtime > since
    ]
    return len(finished) == 1 and growing and len(read_json_lines(growing[0])) > 5


def start(study, command):
    """Start a command; returns its process once that trains the second seed."""
    since = time.time()
    process = study.start(*command, start_new_session=True)
    wait_for(lambda: process.poll() is not None or is_in_second_seed(study, since))
    assert process.returncode is None, process.communicate()[0]
    return process


def descendants(process):
    """Processes by the part that they play: all, and those that run the stage that trains."""
    own = psutil.Process(process.pid)
    found = own.children(recursive=True)
    by_name = {child.name(): child for child in found}
    templates = [child for child in own.children() if "flows.recording.template" in child.cmdline()]
    return {
        "all": found,
        "template": templates[0] if templates else None,
        "dvc": by_name.get("dvc"),
        "trainer": by_name.get("train sales gru"),
    }


def check_same_ending(study, command, expected):
    study.run(*command)
    assert study.read_lock() == expected
    check_nothing_is_left(study)
    assert study.run("dvc", "status").strip() == "Data and pipelines are up to date."


def check_nothing_is_left(study):
    assert list(study.folder.glob(".gatewise/training/*")) == []
    assert list(study.folder.glob(".gatewise/scratch/*")) == []


def check_nothing_goes_on(study, family):
    wait_for(lambda: not any(map(lives, family["all"])), seconds=10)
    # Init may take its time with zombies, and what they had locked is locked for DVC till then.
    wait_for(lambda: not any(child.is_running() for child in family["all"]))
    seeds = list(study.folder.glob(".gatewise/seeds/*"))
    assert len(seeds) == 1, "it was not in the middle of training"


def check_killed(study, command, victim):
    """Kill one process in the middle of the second seed; returns what is printed."""
    process = start(study, command)
    family = descendants(process)
    target = process if victim == "command" else family[victim]
    target.send_signal(signal.SIGKILL)
    output, _ = process.communicate(timeout=60)
    check_nothing_goes_on(study, family)
    return process.returncode, output


def lives(process):
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(scope="module")
def again(study_at, served, tmp_path_factory):
    """A study of which the next tests interrupt one run after the other."""
    study = study_at(tmp_path_factory.mktemp("again") / "studies/study", SLOW)
    study.environment.update(served)
    return study


TRAIN = ("gatewise", "run", "--only", "train@*")


@pytest.mark.parametrize("victim", ["trainer", "dvc", "template"])
def test_killed_stage_of_the_flow(again, victim):
    code, output = check_killed(again, TRAIN, victim)
    assert code == 1
    last = " ".join(output.split("error: ")[-1].split())
    assert last.startswith("train@sales-gru:")
    assert ("template.log" if victim == "template" else "train@sales-gru.log") in last
    assert "Traceback" not in output


def test_terminated_flow_ends_its_stages_at_once(again):
    process = start(again, TRAIN)
    family = descendants(process)
    process.terminate()
    process.communicate(timeout=20)
    assert process.returncode in (-signal.SIGTERM, 128 + signal.SIGTERM)
    check_nothing_goes_on(again, family)


def test_killed_dvc(again):
    code, _ = check_killed(again, ("dvc", "repro"), "command")
    assert code == -signal.SIGKILL


def test_after_all_that_flow_and_dvc_end_as_if_nothing_had_happened(again, uninterrupted):
    again.run(*TRAIN)
    lock = again.read_lock()
    assert lock == {stage: uninterrupted[stage] for stage in lock}
    assert "train@sales-gru" in lock
    check_nothing_is_left(again)
    check_same_ending(again, ("dvc", "repro"), uninterrupted)


def test_killed_flow(new_study, uninterrupted, tmp_path):
    study = new_study(SLOW)
    study.environment["MLFLOW_TRACKING_URI"] = f"sqlite:///{tmp_path}/mlflow.db"
    code, _ = check_killed(study, ("gatewise", "run"), "command")
    assert code == -signal.SIGKILL
    check_same_ending(study, ("gatewise", "run"), uninterrupted)
    client = MlflowClient(study.mlflow_uri)
    experiment = client.get_experiment_by_name("interrupted/sales").experiment_id
    runs = client.search_runs([experiment])
    assert [run.info.status for run in runs] == ["FINISHED"] * 3
    for run in runs:
        if run.data.tags["gatewise.kind"] == "seed":
            history = client.get_metric_history(run.info.run_id, "train_loss")
            assert [metric.step for metric in history] == list(range(1, 61))
    with sqlite3.connect(f"{study.environment['PREFECT_HOME']}/prefect.db") as database:
        states = database.execute(
            "SELECT state_name FROM flow_run WHERE json_extract(parameters, '$.study') LIKE ?"
            " ORDER BY start_time",
            [f"%{study.folder.parent.parent.name}%"],
        ).fetchall()
    assert [name for (name,) in states] == ["Crashed", "Completed"]
