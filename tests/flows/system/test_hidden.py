"""Messages hold no password and no token."""

import logging
import subprocess
import sys

import pytest

from flows.commands.front.failures import told
from flows.system.environment import artifact_root
from flows.system.hidden import (
    WithoutSecrets,
    cause_of,
    has_password,
    without_secrets,
    without_user,
)
from flows.tracking.projection import TrackingError, reachable
from rnn_core.errors import ParameterError, StudyError


@pytest.mark.parametrize(
    ("address", "left"),
    [
        ("http://ada:hunter2@host:4200/api", "http://host:4200/api"),
        ("http://ada@host/api", "http://host/api"),
        ("postgresql://ada:hun%40ter2@db/mlflow", "postgresql://db/mlflow"),
        ("sftp://ada:hun/ter2@host/x", "sftp://host/x"),
        ("sftp://ada:hun@ter2@host/x", "sftp://host/x"),
        ("sftp://ada:12/hunter2@host/x", "sftp://host/x"),
        (
            "postgresql://db/x?user=ada&password=hunter2&a=b",
            "postgresql://db/x?user=ada&password=***&a=b",
        ),
        ("s3://bucket/x?aws_secret_key=hunter2", "s3://bucket/x?aws_secret_key=***"),
        ("http://host/a@b", "http://host/a@b"),
        ("/a/folder", "/a/folder"),
        ("sqlite:////a/mlflow.db", "sqlite:////a/mlflow.db"),
        ("no http://a:bc@x/y, but http://d:ef@z", "no http://x/y, but http://z"),
    ],
)
def test_address_is_told_without_the_login(address, left):
    assert without_user(address) == left
    assert without_user(left) == left


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MLFLOW_TRACKING_URI", "http://ada:pl%40nted@host"),
        ("PREFECT_API_URL", "http://ada:pl%40nted@host/api"),
        ("PREFECT_API_DATABASE_CONNECTION_URL", "postgresql+asyncpg://ada:pl%40nted@db/p"),
        ("GATEWISE_STORE", "sftp://ada:pl%40nted@host/x"),
        ("MLFLOW_TRACKING_URI", "postgresql://db/x?password=pl%40nted"),
        ("GATEWISE_SERVE_TOKEN", "pl@nted"),
        ("MLFLOW_TRACKING_PASSWORD", "pl@nted"),
        ("AWS_SECRET_ACCESS_KEY", "pl@nted"),
    ],
)
def test_secret_of_the_environment_is_hidden_wherever_a_library_puts_it(
    variable, value, monkeypatch
):
    monkeypatch.setenv(variable, value)
    error = StudyError(f"login pl@nted failed for {value} of db")
    for text in (without_secrets(str(error)), cause_of(error), told(error)):
        assert "nted" not in text.replace(variable, "")
        assert text.endswith("of db")


def test_short_password_does_not_hide_words(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ada:a@host")
    assert without_secrets("a table at http://ada:a@host") == "a table at http://host"


def test_mlflow_that_does_not_answer_is_told_without_its_password(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ada:planted@127.0.0.1:1")
    with pytest.raises(TrackingError, match=r"MLflow at http://127.0.0.1:1 does not") as found:  # noqa: SIM117
        with reachable():
            raise ConnectionError("no way to http://ada:planted@127.0.0.1:1/api, 'planted'")
    assert "planted" not in str(found.value)
    assert found.value.__suppress_context__


def test_log_is_written_without_secrets(monkeypatch):
    monkeypatch.setenv("GATEWISE_SERVE_TOKEN", "planted-token-of-the-server")
    error = RuntimeError("Bearer planted-token-of-the-server")
    record = logging.LogRecord("x", 40, "", 0, "no", (), (type(error), error, None))
    text = WithoutSecrets("%(message)s").format(record)
    assert "RuntimeError: Bearer ***" in text
    assert "planted" not in text


def test_artifacts_may_not_have_a_password(monkeypatch):
    """Each run of MLflow would show it."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////x/mlflow.db")
    for address in ("ftp://ada:planted@host/x", "s3://bucket/x?secret=planted"):
        assert has_password(address)
        monkeypatch.setenv("GATEWISE_ARTIFACTS", address)
        with pytest.raises(ParameterError, match="GATEWISE_ARTIFACTS has a password") as found:
            artifact_root()
        assert "planted" not in str(found.value)
    monkeypatch.setenv("GATEWISE_ARTIFACTS", "sftp://ada@host/x/")
    assert artifact_root() == "sftp://ada@host/x"


UNEXPECTED = """
from flows.commands import main
def fail():
    raise RuntimeError("postgresql://ada:planted@db is not there")
main.app = fail
main.main()
"""


def test_error_that_nobody_foresaw_is_told_without_secrets():
    done = subprocess.run(
        [sys.executable, "-c", UNEXPECTED], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "RuntimeError: postgresql://db is not there" in done.stderr
    assert "in fail" in done.stderr
    assert "planted" not in done.stderr
