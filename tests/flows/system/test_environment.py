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


def test_mlflow_says_that_it_tries_a_database_again_and_prints_no_traceback(caplog):
    environment.use_defaults()
    with caplog.at_level(logging.WARNING, logger=utils._logger.name):
        utils._logger.addHandler(caplog.handler)
        utils._logger.warning("will be retried in 0.1 seconds")
        utils._logger.error("could not be made", exc_info=ValueError("cannot be opened"))
        utils._logger.removeHandler(caplog.handler)
    assert {record.getMessage() for record in caplog.records} == {"will be retried in 0.1 seconds"}
