"""States in Prefect of runs that are cancelled, killed, or wait for each other are true."""

import signal
from dataclasses import dataclass, field
from functools import partial

import psutil
import pytest
import waiting
from mlflow import MlflowClient
from prefect_api import prefect_api
from usual_study import SALES, USUAL

from flows.layout import Layout
from flows.running.mark import read_mark
from flows.system.servers import free_port

wait_for = partial(waiting.wait_for, seconds=240)

ENDLESS = SALES | {"training": {"epochs": 100_000, "patience": 100_000}}

STUDY = {
    **USUAL,
    "study": "regions",
    "seeds": {"first": 1, "most": 1},
    "cells": ["gru"],
    "datasets": {"quick": SALES, "endless": ENDLESS},
}


@dataclass
class Story:
    """Observations, by the name of the run or of the moment."""

    runs: dict[str, dict] = field(default_factory=dict)
    tasks: dict[str, dict[str, str]] = field(default_factory=dict)
    printed: dict[str, str] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    models: dict[str, set[str]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def story(study_at, served, database_in, tmp_path_factory):
    """One run goes on all the time, and is cancelled at last; runs of another study of the same
    name are killed, and overlap."""
    place = tmp_path_factory.mktemp("prefect")
    cancelled, killed = (study_at(place / f"{name}/study", STUDY) for name in ("one", "other"))
    for study in (cancelled, killed):
        database = database_in(study.folder.parent)
        study.environment.update(served, MLFLOW_TRACKING_URI=database)
    found = Story()
    with prefect_api(served["PREFECT_API_URL"]) as api:
        long, long_id = begin(cancelled)
        try:
            kill_one(found, killed, api)
            overlap(found, killed, api)
            look(found, "goes on", long_id, api)
            found.printed["status"] = cancelled.run("gatewise", "status")
            give_up(found, cancelled, api)
            assert read_mark(Layout(cancelled.folder)).run == long_id
            look(found, "goes on beside", long_id, api)
            workers = psutil.Process(long.pid).children(recursive=True)
            cancel(long_id, api)
            found.printed["cancelled"], _ = long.communicate(timeout=60)
            assert not psutil.wait_procs(workers, timeout=10)[1]
        finally:
            long.kill()
            long.wait()
        found.codes["cancelled"] = long.returncode
        look(found, "cancelled", long_id, api)
        found.models["cancelled"] = models_of(cancelled)
    return found


def begin(study):
    """Start a run; returns it and Prefect's id of it once the endless training goes on."""
    layout = Layout(study.folder)
    process = study.start("gatewise", "run", start_new_session=True)

    def trains():
        assert process.poll() is None, process.communicate()[0]
        done = layout.comparison("quick").exists()
        return done and list(layout.training.glob("*/metrics.jsonl"))

    wait_for(trains)
    return process, read_mark(layout).run


def kill_one(found, study, api):
    """Kill a run in the middle."""
    process, run = begin(study)
    look(found, "alive", run, api)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    found.runs["killed"] = {"id": run}


def overlap(found, study, api):
    """Two runs at the same time, of what can be trained in no time, after one that was killed."""
    study.write_parameters(study.parameters() | {"datasets": {"quick": SALES, "again": SALES}})
    layout = Layout(study.folder)
    first = study.start("gatewise", "run")
    wait_for(lambda: (mark := read_mark(layout)) and mark.process == first.pid)
    ids = [read_mark(layout).run]
    second = study.start("gatewise", "run")
    for name, process in (("first", first), ("second", second)):
        found.printed[name], _ = process.communicate(timeout=240)
        found.codes[name] = process.returncode
    ids.append(latest(api))
    for name, run in zip(("first", "second"), ids, strict=True):
        look(found, name, run, api)
    look(found, "killed", found.runs["killed"]["id"], api)
    found.models["overlapping"] = models_of(study)


def give_up(found, study, api):
    """Cancel a run that waits for another."""
    process = study.start("gatewise", "run")
    try:
        line = process.stdout.readline()
        assert line == "waiting for another process that works on flow\n"
        run = latest(api)
        look(found, "waits", run, api)
        cancel(run, api)
        found.printed["given up"], _ = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    found.codes["given up"] = process.returncode
    look(found, "given up", run, api)


def cancel(run, api):
    """Do what the button of Prefect's page does."""
    state = {"state": {"type": "CANCELLING"}}
    api.post(f"/flow_runs/{run}/set_state", json=state).raise_for_status()


def latest(api):
    """The id of the run that began last."""
    body = {"sort": "START_TIME_DESC", "limit": 1}
    return api.post("/flow_runs/filter", json=body).raise_for_status().json()[0]["id"]


def look(found, name, run, api):
    """Ask Prefect for a run and its tasks."""
    found.runs[name] = api.get(f"/flow_runs/{run}").raise_for_status().json()
    body = {"flow_runs": {"id": {"any_": [run]}}}
    tasks = api.post("/task_runs/filter", json=body).raise_for_status().json()
    found.tasks[name] = {task["name"]: task["state_name"] for task in tasks}


def models_of(study):
    return {model.name for model in MlflowClient(study.mlflow_uri).search_registered_models()}


def test_cancelled_run_ends_at_once_and_promotes_nothing(story):
    assert story.codes["cancelled"] == 1
    assert story.printed["cancelled"].splitlines()[-1].startswith("error: the run was cancelled")
    assert "Traceback" not in story.printed["cancelled"]
    assert story.runs["cancelled"]["state_name"] == "Cancelled"
    tasks = story.tasks["cancelled"]
    assert {tasks["train@endless"]} == {"Cancelled"}
    assert set(tasks.values()) <= {"Cancelled", "Completed", "Cached"}
    assert tasks["compare@quick"] == "Completed"
    assert story.models["cancelled"] == set()


def test_run_that_waits_for_another_can_be_cancelled(story):
    assert story.runs["waits"]["state_name"] == "Running"
    assert story.codes["given up"] == 1
    assert story.printed["given up"].splitlines()[-1].startswith("error: the run was cancelled")
    assert "Traceback" not in story.printed["given up"]
    assert story.runs["given up"]["state_name"] == "Cancelled"
    assert story.tasks["given up"] == {}
    assert story.runs["goes on beside"]["state_name"] == "Running"
    assert story.tasks["goes on beside"] == story.tasks["goes on"]


def test_killed_run_and_its_tasks_are_crashed_after_the_next_run(story):
    assert story.runs["alive"]["state_name"] == "Running"
    assert story.tasks["alive"]["train@endless"] == "Running"
    assert story.runs["killed"]["state_name"] == "Crashed"
    assert story.tasks["killed"]["train@endless"] == "Crashed"
    assert set(story.tasks["killed"].values()) <= {"Crashed", "Completed", "Cached"}


def test_run_of_another_folder_with_the_same_name_is_left_alone(story):
    assert story.runs["goes on"]["state_name"] == "Running"
    assert story.tasks["goes on"]["train@endless"] == "Running"


def test_second_run_waits_for_the_first(story):
    assert [story.codes[name] for name in ("first", "second")] == [0, 0]
    assert "waiting for another process" in story.printed["second"]
    assert [story.runs[name]["state_name"] for name in ("first", "second")] == ["Completed"] * 2
    assert story.runs["first"]["end_time"] < story.runs["second"]["end_time"]
    assert story.tasks["first"]["train@again"] == "Completed"
    assert story.tasks["second"]["train@again"] == "Cached"
    assert story.models["overlapping"] == {"regions.quick", "regions.again"}


def test_status_says_that_a_run_goes_on(story):
    assert "a run of this study has been going since " in story.printed["status"]
    assert "stale" not in story.printed["status"]
    assert "quick" in story.printed["status"]


def test_server_that_is_off_is_named_in_one_line(new_study):
    study = new_study(STUDY)
    address = f"http://127.0.0.1:{free_port()}/api"
    study.environment["PREFECT_API_URL"] = address
    (line,) = study.run("gatewise", "run", code=1).splitlines()
    assert line.startswith("error: ")
    assert address in line
    assert "PREFECT_API_URL" in line
    assert not Layout(study.folder).training.exists()
