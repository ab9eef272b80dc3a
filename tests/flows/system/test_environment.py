"""The address of MLflow's database leads to the folder that it names."""

import logging

import pytest
from mlflow.store.db import utils
from sqlalchemy import make_url

from flows.system import environment
from rnn_core.errors import ParameterError


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("gatewise", True),
        ("it's #1 &$x %41;y", True),
        ('a "b"', True),
        ("what?", False),
        ('it\'s "x"', False),
    ],
)
def test_database_is_in_our_home_or_refused(tmp_path, monkeypatch, name, taken):
    """What follows a ? was taken for options, and the file lay beside the folder."""
    monkeypatch.setattr(environment, "home", lambda: tmp_path / name)
    if taken:
        address = environment.own_database()
        assert make_url(address).database == str(tmp_path / name / "mlflow.db")
        assert (tmp_path / name).is_dir()
    else:
        with pytest.raises(ParameterError, match="name a database by MLFLOW_TRACKING_URI"):
            environment.own_database()


def test_mlflow_prints_no_traceback_of_a_database_that_cannot_be_used(monkeypatch):
    """We tell such an error in a line, which came after 80 lines of its traceback."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///none.db")
    environment.use_defaults()
    assert not utils._logger.isEnabledFor(logging.ERROR)
