"""Obstacles of a study are found and repaired, and live processes are left alone."""

import json
import os
import re
import socket
import sqlite3
import subprocess
import time
from collections import namedtuple
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import pytest
import yaml
from mlflow import MlflowClient
from prefect.settings import PREFECT_API_URL, temporary_settings
from silent_http import answering_as
from usual_study import USUAL

from flows.commands.services import doctor as command
from flows.layout import Layout
from flows.operations import dead_runs, doctor, unended_runs
from flows.running.mark import mark_file
from flows.system.exclusive import exclusive
from flows.system.servers import free_port
from flows.trainings.store import unfinished_name
from rnn_core.errors import StudyError

HOST = socket.gethostname()


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A study that has not run, and is unknown everywhere."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/none.db")
    monkeypatch.setattr(doctor, "PORTS", {})
    monkeypatch.setattr(doctor, "LEAST_FREE", 0)
    monkeypatch.setattr(doctor, "shown_pages", lambda: None)
    folder = tmp_path / "small"
    (folder / ".dvc/tmp").mkdir(parents=True)
    content = {**USUAL, "root": ".", "study": "small", "seeds": {"first": 1, "most": 1}}
    section = {"source": "y.csv", "task": "forecasting", "data": {}, "model": {}, "training": {}}
    content |= {"cells": ["gru"], "datasets": {"sales": section}}
    (folder / "params.yaml").write_text(yaml.safe_dump(content))
    (folder / "y.csv").touch()
    return Layout(folder)


@pytest.fixture
def dead():
    """The number of a process that is gone."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def found(layout, api=None):
    return {(f.where, f.what): f for f in doctor.examine(layout, api)}


def fixed(layout):
    """State after the repair."""
    for finding in doctor.examine(layout, None):
        if finding.fix is not None:
            finding.fix()
    return found(layout)


def test_sound_study_has_no_finding(study, capsys, monkeypatch):
    assert found(study) == {}
    monkeypatch.setattr(command, "enter_home", lambda folder: folder)
    monkeypatch.setattr(command, "known_prefect", lambda: None)
    monkeypatch.delenv(command.API, raising=False)
    command.doctor(study.folder, fix=False)
    assert capsys.readouterr().out == "Nothing hinders the study.\n"


def test_package_that_is_missing_or_of_another_version_is_told(study, monkeypatch):
    needs = ["numpy<2", "nosuchpackage>=1; extra == 'pipeline'", "pytest<1; extra == 'dev'"]
    monkeypatch.setattr(doctor, "requires", lambda _: [*needs, "pandas>=3"])
    told = {f.where: (f.what.split()[-1], f.cure) for f in doctor.packages()}
    assert told == {
        "numpy": ("installed", "pip install 'numpy<2'"),
        "nosuchpackage": ("installed", "pip install 'nosuchpackage>=1'"),
    }


def test_holder_of_a_port_is_named(study, monkeypatch):
    port = free_port()
    monkeypatch.setattr(doctor, "PORTS", {port: "MLflow", free_port(): "Prefect"})
    with socket.socket() as server:
        server.bind(("127.0.0.1", port))
        server.listen()
        ((where, what),) = found(study)
    assert where == f"port {port}, of MLflow"
    assert f"process {os.getpid()} (" in what


def test_disk_with_less_than_the_study_holds_is_told(study, monkeypatch):
    study.runs("sales").mkdir(parents=True)
    (study.runs("sales") / "weights").write_bytes(bytes(3000))
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage(9000, 0, 3001))
    assert found(study) == {}
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage(9000, 0, 2999))
    assert len(found(study)) == 1


@pytest.mark.parametrize(
    "name",
    ["code.json", "dvc.yaml", "comparisons/sales.json", ".dvc/tmp/rwlock"]
    + [f".gatewise/{name}" for name in ("run.json", "kept.json", "shown.json", "locks/flow.lock")],
)
def test_folder_in_place_of_a_file_is_told_and_left(study, name):
    """Some were not found, and at others the examination stopped."""
    place = study.folder / name
    place.mkdir(parents=True)
    (place / "mine").touch()
    for told in (found(study), fixed(study)):
        assert list(told) == [(str(place), "is a folder; a file belongs there")]
    assert (place / "mine").exists()


@pytest.fixture
def littered(study, dead):
    """A study with what kills leave, and the like of processes that live."""
    study.store.joinpath("unfinished").mkdir(parents=True)
    mine = unfinished_name("a" * 64)
    gone = mine.replace(f".{os.getpid()}.", f".{dead}.")
    remote = gone.replace(HOST, f"{HOST}-other")
    paths = {
        study.folder / f".a.json.{dead}.tmp": True,
        study.folder / f".b.json.{os.getpid()}.tmp": False,
        study.store / "unfinished" / gone: True,
        study.store / "unfinished" / mine: False,
        study.store / "unfinished" / remote: False,
    }
    for path in paths:
        path.mkdir() if path.parent.name == "unfinished" else path.touch()
    return paths


def test_half_written_files_of_the_dead_are_removed_and_no_others(study, littered):
    told = {where for where, _ in found(study)}
    assert told == {str(path) for path, is_litter in littered.items() if is_litter}
    assert all(path.exists() for path in littered)
    assert fixed(study) == {}
    assert {path for path in littered if path.exists()} == {
        path for path, is_litter in littered.items() if not is_litter
    }


@pytest.mark.parametrize("content", ["", '{"a": [', "\0\0"])
def test_table_of_locks_that_was_cut_off_is_dropped(study, content):
    table = study.folder / ".dvc/tmp/rwlock"
    table.write_text(content)
    ((where, what),) = found(study)
    assert (where, what) == (str(table), "was cut off by a kill")
    assert fixed(study) == {}
    assert not table.exists()


def test_lock_of_dvc_is_told_with_who_holds_it(study):
    lock = study.folder / ".dvc/tmp/lock"
    lock.write_text(f" {os.getpid()}\n")
    assert found(study) == {}
    code = "import fcntl, sys; f = open(sys.argv[1], 'r+'); fcntl.flock(f, 2); print(); input()"
    with subprocess.Popen(
        ["python3", "-u", "-c", code, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        told = found(study)
        process.communicate(b"\n")
    assert [(where, what) for where, what in told] == [
        (str(lock), f"held by process {os.getpid()}")
    ]
    assert lock.read_text() == f" {os.getpid()}\n"


def test_mark_of_a_killed_run_is_left_to_who_can_tell_prefect(study, dead):
    mark_file(study).parent.mkdir(exist_ok=True)
    run = str(uuid4())
    mark = {"run": run, "host": HOST, "process": dead, "started": 1.0}
    mark_file(study).write_text(json.dumps(mark))
    ((where, what),) = fixed(study)
    assert (where, what) == (
        str(mark_file(study)),
        f"run {run}, process {dead} of {HOST}, was killed",
    )
    mark_file(study).write_text("{")
    assert fixed(study) == {}


def test_study_that_runs_is_left_alone(study, littered):
    with exclusive(study, "flow"):
        ((_, what),) = found(study)
        assert what == "another run of this study is starting or ending"
        assert list(fixed(study)) == list(found(study))
    assert all(path.exists() for path in littered)


def test_runs_of_mlflow_end_whose_process_is_gone(study, database, dead, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", database)
    client = MlflowClient()
    places = {name: client.create_experiment(name) for name in ("small/sales", "smaller/sales")}
    later = round((time.time() + 1e6) * 1000)

    def begin(process, place="small/sales", start=None):
        tags = {"gatewise.process": process} if process else {}
        return client.create_run(places[place], start, tags).info.run_id

    gone = {begin(f"{HOST} {dead}"), begin(f"{HOST} {os.getpid()}", start=1000)}
    others = {
        begin(f"{HOST} {os.getpid()}", start=later),
        begin(f"{HOST}-other {dead}"),
        begin(None),
        begin(f"{HOST} {dead}", "smaller/sales"),
    }
    assert len(found(study)) == len(gone)
    assert fixed(study) == {}
    status = {run: client.get_run(run).info.status for run in gone | others}
    assert status == dict.fromkeys(gone, "KILLED") | dict.fromkeys(others, "RUNNING")


def drop(column):
    def spoil(file):
        with closing(sqlite3.connect(file)) as database:
            database.execute(column)

    return spoil


def overwrite(file):
    """Overwrite the pages of its last tables, as a failing disk may."""
    size = file.stat().st_size
    with file.open("r+b") as target:
        target.seek(size // 2 // 4096 * 4096)
        target.write(b"\xff" * (size // 4))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (drop("DROP TABLE registered_model_aliases"), "registered_model_aliases"),
        (drop("ALTER TABLE model_versions DROP COLUMN description"), "columns of them: model_vers"),
        (drop("DROP TABLE runs"), r"no such (table|column): runs"),
        (overwrite, "malformed|is damaged"),
    ],
)
def test_damaged_database_is_found_before_a_run_meets_it(study, database, monkeypatch, spoil, told):
    """MLflow opens it, and shows no error."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", database)
    MlflowClient().create_experiment("small/sales")
    assert found(study) == {}
    spoil(Path(database.removeprefix("sqlite:///")))
    (finding,) = found(study).values()
    assert re.search(told, finding.what)
    assert "restore it from a backup" in f"{finding.what} {finding.cure}"


def test_what_would_be_done_is_said_and_done_with_fix(study, littered, capsys, monkeypatch):
    monkeypatch.setattr(command, "enter_home", lambda folder: folder)
    monkeypatch.setattr(command, "known_prefect", lambda: None)
    monkeypatch.delenv(command.API, raising=False)
    with pytest.raises(StudyError, match="2 findings"):
        command.doctor(study.folder, fix=False)
    assert capsys.readouterr().out.count("  with --fix: remove it\n") == 2
    command.doctor(study.folder, fix=True)
    told = capsys.readouterr().out
    assert told.count("  done: remove it\n") == 2
    assert told.endswith("Nothing hinders the study.\n")


def test_missing_compiler_is_found(study, monkeypatch):
    (study.folder / "bin").mkdir()
    tool = study.folder / "bin/clang"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tool.parent))
    assert not [finding for finding in doctor.examine(study, None) if finding.where == "PATH"]
    tool.unlink()
    (finding,) = [finding for finding in doctor.examine(study, None) if finding.where == "PATH"]
    assert finding.what.startswith("no C compiler (cc, gcc, clang) is on the path")
    assert finding.fix is None


@contextmanager
def prefect_failing_after(healthy):
    """An API of Prefect that is healthy this often, and then refuses everything."""
    left = [healthy]

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            is_well = self.path.endswith("/health") and left[0] > 0
            left[0] -= is_well
            self.send_response(200 if is_well else 500)
            self.end_headers()
            self.wfile.write(b"true" if is_well else b"")

        def do_POST(self):
            self.do_GET()

    with answering_as(Answer) as address:
        yield f"{address}/api"


def test_mark_stays_if_prefect_refuses_to_be_told(study, dead, capsys, monkeypatch):
    """It was a traceback, and nothing else was examined."""
    mark_file(study).parent.mkdir(exist_ok=True)
    mark = {"run": str(uuid4()), "host": HOST, "process": dead, "started": 1.0}
    mark_file(study).write_text(json.dumps(mark))
    with prefect_failing_after(2) as api:
        monkeypatch.setattr(command, "enter_home", lambda folder: folder)
        monkeypatch.setattr(command, "known_prefect", lambda: api)
        monkeypatch.setenv(command.API, api)
        with temporary_settings({PREFECT_API_URL: api}), pytest.raises(StudyError):
            command.doctor(study.folder, fix=True)
    told = capsys.readouterr().out
    assert "not possible (Prefect at http://127.0.0.1:" in told
    assert "answered 500; its log has the reason. Then try again)" in told
    assert mark_file(study).exists()


def test_prefect_that_fails_while_it_is_asked_is_a_finding(study):
    for healthy in (1, 2):
        with prefect_failing_after(healthy) as api, temporary_settings({PREFECT_API_URL: api}):
            ((where, what),) = found(study, api)
        assert where == "Prefect"
        assert "answered 500" in what


def test_run_that_prefect_will_not_end_is_told_with_the_reason(monkeypatch):
    gone = SimpleNamespace(run=SimpleNamespace(name="lazy-fox", id=uuid4()), reason="is gone")
    monkeypatch.setattr(dead_runs, "find_dead", lambda client: [gone])
    with prefect_failing_after(2) as api, temporary_settings({PREFECT_API_URL: api}):
        (finding,) = unended_runs.dead_flow_runs(api)
        assert finding.where == "flow run lazy-fox"
        assert "answered 500" in command.attempt(finding.fix)
