"""Faults of MLflow are reported with their place, their cause and what to do."""

import errno
import os
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import OperationalError

from flows.commands import predict
from flows.operations.champion import champions
from flows.operations.drift import history
from flows.operations.lineage import trace
from flows.tracking.projection import TrackingError, connect
from flows.tracking.refusals import refusal_of
from flows.tracking.registered import registered_models
from flows.tracking.searches import all_versions
from rnn_core.errors import ParameterError, StudyError

ENDPOINT = "API request to endpoint /api/2.0/mlflow/experiments/search failed with error code "
UNSENT = (
    "API request to http://x/api failed with exception HTTPConnectionPool(host='x', port=1): Max "
    "retries exceeded with url: /api/2.0/mlflow/registered-models/search (Caused by "
)

REFUSED = "Failed to establish a new connection: [Errno 111] Connection refused"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (f"{ENDPOINT}401 != 200. Response body: ''", "answered 401: it wants a login; set MLFLOW_"),
        (f"{ENDPOINT}404 != 200. Response body: ''", "answered 404: it is no server of MLflow"),
        (
            f"{ENDPOINT}404 != 200. Response body: '<title>Jupyter</title>\n<p>a page'",
            "answered 404: Jupyter; it is no server of MLflow",
        ),
        (f"{ENDPOINT}403 != 200. Response body: ''", "answered 403: it wants a login; set MLFLOW_"),
        (
            f"{ENDPOINT}403 != 200. Response body: '<html>\n<title>403 Forbidden</title>'",
            "answered 403: it wants a login; set MLFLOW_",
        ),
        (
            f"{ENDPOINT}403 != 200. Response body: '\nInvalid Host header\nas it is'",
            "answered 403: Invalid Host header",
        ),
        (
            f"{ENDPOINT}413 != 200. Response body: '<h1>A body has 1 MB at most</h1>'",
            "answered 413: A body has 1 MB at most",
        ),
        (f"{ENDPOINT}400 != 200. Response body: 'Bad Request'", "answered 400: bad request"),
        (f"{UNSENT}ResponseError('too many 429 error responses'))", "429: too many requests"),
        (f"{UNSENT}ResponseError('too many 500 error responses'))", "answered 500: its log has"),
        (
            f"{UNSENT}NewConnectionError(\"HTTPConnection(host='x', port=1): {REFUSED}\"))",
            f"does not answer: {REFUSED}; start it or",
        ),
        (
            "the body was not in a valid JSON format. Response body: 'hi'",
            "answered with a web page",
        ),
        (
            "The experiment 7 must be in the 'active' state. Current state is deleted.",
            "experiment 7 was deleted in MLflow at http://host:5000: restore it",
        ),
        (
            "Detected out-of-date database schema (found version 7, but expected 8)",
            'back it up, then call `mlflow db upgrade "$MLFLOW_TRACKING_URI"`; if that fails',
        ),
    ],
)
def test_each_kind_of_refusal_has_its_own_cure(said, told, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ada:planted@host:5000")
    text = refusal_of(MlflowException(said))
    assert told in text
    assert "http://host:5000" in text
    assert "planted" not in text


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("sqlite:///{}/text.db", r"sqlite:.* cannot be used: .*file is not a database; restore it"),
        ("{}/mlruns", r"refused that: The filesystem tracking backend"),
        ("foo://bar", r"refused that: .*got unsupported URI 'foo://bar'"),
        ("mysql://ada:planted@127.0.0.1:1/x", r"needs a package .*No module named 'MySQLdb'"),
    ],
)
def test_place_that_mlflow_cannot_use_is_told_in_a_line(address, told, tmp_path, monkeypatch):
    """Where the client is made, where a model is looked for, and without a password."""
    (tmp_path / "text.db").write_text("no database\n" * 100)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address.format(tmp_path))
    with pytest.raises(TrackingError, match=told) as first:
        champions(None)
    with pytest.raises(StudyError, match=told) as second:
        predict.load("shop.sales")
    assert "planted" not in f"{first.value} {second.value}"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OperationalError("SELECT 1", {}, OSError("refused")), "MLflow's database at {} cannot be"),
        (TimeoutError("timed out"), "MLflow at {} does not answer: timed out; start it"),
        (ConnectionResetError("reset"), "MLflow at {} does not answer: reset; start it"),
        (
            PermissionError(13, "Permission denied"),
            "MLflow's files at {} cannot be used: Permission denied; choose a file that",
        ),
    ],
)
def test_each_kind_of_error_names_what_cannot_be_used(error, told, monkeypatch):
    """A database and a server that is too slow were called files."""
    place = "postgresql://host/mlflow"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", place)
    assert refusal_of(error).startswith(told.format(place))


def test_database_that_another_process_holds_is_told_as_such(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/busy.db")
    with (
        closing(sqlite3.connect(tmp_path / "busy.db", isolation_level=None)) as holder,
        closing(sqlite3.connect(tmp_path / "busy.db", timeout=0)) as other,
        pytest.raises(sqlite3.OperationalError) as refused,
    ):
        holder.execute("BEGIN EXCLUSIVE")
        other.execute("SELECT * FROM sqlite_master")
    error = OperationalError("SELECT 1", {}, refused.value)
    wrapped = MlflowException("(raised as a result of Query-invoked autoflush; consider more)")
    wrapped.__cause__ = error
    text = refusal_of(error)
    assert refusal_of(wrapped) == text
    assert text.endswith(
        "is locked; another process is writing to it; try again when that has ended"
    )


def test_database_of_an_older_mlflow_is_told_with_the_command_for_it(tmp_path, monkeypatch):
    """MLflow's own advice has no address, and was cut off."""
    address = f"sqlite:///{tmp_path}/my data.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    text = refusal_of(MlflowException("Detected out-of-date database schema (found version 7)"))
    assert shlex.split(text.split("`")[1]) == ["mlflow", "db", "upgrade", address]


def test_models_after_the_first_hundred_are_found(database):
    client = MlflowClient()
    for number in range(105):
        client.create_registered_model(f"many.{number:03}")
    assert registered_models() == [f"many.{number:03}" for number in range(105)]
    assert champions("many.104")[0].version is None
    with pytest.raises(ParameterError, match=r"many\.009 and 95 more$"):
        champions("other")


def test_versions_of_a_model_with_an_apostrophe_are_found(database):
    client = MlflowClient()
    client.create_registered_model("ada's")
    client.create_model_version("ada's", source="file:///nowhere")
    assert [version.version for version in all_versions(client, "ada's")] == [1]


def test_model_whose_files_are_gone_is_not_called_unknown(database):
    client = MlflowClient()
    client.create_registered_model("ada")
    client.create_model_version("ada", source="file:///nowhere")
    client.set_registered_model_alias("ada", "champion", "1")
    for name in ("ada", "ada@1"):
        with pytest.raises(StudyError, match="its files are gone"):
            predict.load(name)
    with pytest.raises(ParameterError, match="ada has no version 2"):
        predict.load("ada@2")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("ada", "ada has no champion; `gatewise champion promote ada VERSION` .*; it has 1, 2$"),
        ("ada@5", "ada has no version 5; it has 1, 2$"),
        ("models:/ada/7", "ada has no version 7; it has 1, 2$"),
        ("ada@best", "ada has no version with the alias 'best'; it has 1, 2$"),
        ("models:/ada@best", "ada has no version with the alias 'best'; it has 1, 2$"),
        ("bare@1", "bare has no versions; gatewise run registers them$"),
        ("bare", "bare has no versions; gatewise run registers them$"),
        ("models:/adda/1", "there is no model 'adda'; did you mean 'ada'\\?$"),
        ("runs:/0123/model", "there is no model 'runs:/0123/model'; registered: ada, bare$"),
    ],
)
def test_version_that_is_not_there_is_told_with_those_that_are(asked, told, database):
    """The same words wherever it is asked for: a registered model was called unknown."""
    client = MlflowClient()
    client.create_registered_model("ada")
    client.create_registered_model("bare")
    for _ in range(2):
        client.create_model_version("ada", source="file:///nowhere")
    with pytest.raises(ParameterError, match=told):
        predict.load(asked)
    if not asked.startswith("runs:"):
        with pytest.raises(ParameterError, match=told):
            trace(asked, Path())
        with pytest.raises(ParameterError, match=told):
            history(asked)


def test_database_of_another_user_is_refused_at_once(database, monkeypatch):
    """MLflow tried again for two minutes, with a page of text for each time."""
    file = Path(database.removeprefix("sqlite:///"))
    usual = Path.open

    def deny(path, *arguments, **options):
        if path == file:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(file))
        return usual(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", deny)
    with pytest.raises(TrackingError) as caught:
        connect()
    cure = "Permission denied; choose a file that you may use, or ask its owner"
    assert str(caught.value) == f"MLflow's files at {database} cannot be used: {file}: {cure}"
