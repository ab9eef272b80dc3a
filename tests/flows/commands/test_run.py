"""Lines of Prefect's log that a run shows on the terminal."""

import logging
from pathlib import Path

import pytest

from flows.commands import run
from flows.commands.run import SETUP, Options, explain_setup, is_not_told_twice, launch


@pytest.mark.parametrize(
    ("name", "level", "message", "shown"),
    [
        ("prefect.task_runs", logging.ERROR, "Task run failed with exception", False),
        ("prefect.flow_runs", logging.ERROR, "Finished in state Failed", False),
        ("prefect.flow_runs", logging.WARNING, "dvc.lock was put back", True),
        ("EventsWorker", logging.WARNING, "Still processing items: 1 items remaining...", False),
        ("prefect.server", logging.ERROR, "no such table", True),
    ],
)
def test_terminal_shows_what_is_said_nowhere_else(name, level, message, shown):
    record = logging.LogRecord(name, level, __file__, 1, message, None, None)
    assert is_not_told_twice(record) is shown


def test_wait_for_new_databases_is_explained_once(tmp_path, capsys):
    explain_setup(tmp_path)
    assert capsys.readouterr().err == SETUP
    (tmp_path / "prefect.db").touch()
    explain_setup(tmp_path)
    assert capsys.readouterr().err == ""


def test_stopped_run_says_how_to_go_on(tmp_path, monkeypatch, capsys):
    """Ctrl-C left dead progress bars and no word."""

    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "run_flow", stopped)
    monkeypatch.setattr(run, "enter_home", lambda folder: tmp_path)
    monkeypatch.setattr(run, "read_inputs", lambda layout: None)
    monkeypatch.setenv(run.API, "http://127.0.0.1:1/api")
    with pytest.raises(KeyboardInterrupt):
        launch(Path("my study"), Options())
    told = capsys.readouterr().err
    assert told == "Stopped. Finished trainings are kept; to go on: gatewise run 'my study'\n"
