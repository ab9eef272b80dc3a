"""Planted passwords and a token are in nothing that a run, its servers and commands leave."""

import os
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest
from usual_study import SALES, USUAL

from flows.system import servers
from flows.system.servers import free_port

STUDY = {
    **USUAL,
    "study": "planted",
    "seeds": {"first": 1, "most": 1},
    "cells": ["gru"],
    "datasets": {"sales": SALES},
}

TRACKING, PREFECT, TOKEN = "planted-in-mlflow", "planted/in+prefect", "planted-token-of-the-server"


@pytest.fixture(scope="module")
def tracked(database_in, tmp_path_factory):
    """A server of MLflow, which takes any login, and its folder."""
    folder, port = tmp_path_factory.mktemp("tracked"), free_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(servers, "home", lambda: folder)
        patch.setenv("MLFLOW_TRACKING_URI", database_in(folder))
        patch.setenv("MLFLOW_ARTIFACTS_DESTINATION", f"{folder}/artifacts")
        with servers.mlflow(port) as server:
            server.wait()
            yield folder, f"http://ada:{TRACKING}@127.0.0.1:{port}"


@pytest.fixture(scope="module")
def planted(study_at, served, sftp_server, tracked, tmp_path_factory):
    """A study whose addresses all have a password."""
    study = study_at(tmp_path_factory.mktemp("planted") / "study", STUDY)
    address = served["PREFECT_API_URL"].replace("://", f"://ada:{quote(PREFECT, safe='')}@")
    study.environment.update(
        MLFLOW_TRACKING_URI=tracked[1],
        PREFECT_API_URL=address,
        GATEWISE_STORE=sftp_server.address("planted/store"),
        GATEWISE_SERVE_TOKEN=TOKEN,
    )
    return study


def secrets_of(sftp_server):
    plain = (TRACKING, PREFECT, TOKEN, sftp_server.password)
    return {form.encode() for one in plain for form in (one, quote(one, safe=""))}


def files_with(secrets, *folders):
    """The files that hold a secret, of all below some folders."""
    files = [file for folder in folders for file in Path(folder).rglob("*") if file.is_file()]
    assert len(files) > 50
    return [file for file in files if any(secret in file.read_bytes() for secret in secrets)]


COMMANDS = (
    ("predict", "planted.sales", "sales.csv"),
    ("drift", "planted.sales", "sales.csv"),
    ("deploy", "--watch", "60"),
    ("doctor",),
)


def lines_with(secrets, text):
    """The lines of what was printed that hold a secret."""
    return [line for line in text.splitlines() if any(s in line.encode() for s in secrets)]


def test_planted_secret_is_found_nowhere(planted, tracked, sftp_server, home):
    secrets = secrets_of(sftp_server)
    told = planted.run("gatewise", "run")
    assert "planted.sales" in told
    assert lines_with(secrets, told) == []
    running = [planted.start("gatewise", *command) for command in COMMANDS]
    outputs = [process.communicate(timeout=120)[0] for process in running]
    assert lines_with(secrets, "\n".join(outputs)) == []
    assert all(process.returncode == 0 for process in running), outputs
    assert files_with(secrets, planted.folder, tracked[0], home) == []


def test_planted_secret_is_told_by_no_command_whose_server_is_gone(planted, sftp_server):
    gone = dict(planted.environment)
    for name in ("MLFLOW_TRACKING_URI", "PREFECT_API_URL"):
        scheme, _, rest = gone[name].rpartition("@")
        gone[name] = f"{scheme}@127.0.0.1:1{'/api' if rest.endswith('/api') else ''}"
    gone["GATEWISE_STORE"] = f"{sftp_server.address('x').rpartition('@')[0]}@127.0.0.1:1/x"
    gone["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
    commands = (
        ("sync",),
        ("predict", "planted.sales", "sales.csv"),
        ("serve", "--port", str(free_port())),
        ("deploy",),
        ("store", "show"),
    )
    study = type(planted)(planted.folder, gone)
    running = {command: study.start("gatewise", *command) for command in commands}
    for command, process in running.items():
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 1, (command, output)
        assert not [s for s in secrets_of(sftp_server) if s in output.encode()], (command, output)


def test_list_of_processes_shows_no_password(tracked):
    children = psutil.Process(os.getpid()).children(recursive=True)
    commands = [" ".join(child.cmdline()) for child in children]
    assert [one for one in commands if "mlflow" in one]
    assert not [one for one in commands if "sqlite:///" in one]
