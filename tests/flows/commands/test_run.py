"""Output of a run on the terminal, besides its results."""

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from flows.commands import run
from flows.commands.run import (
    INSIDE,
    SETUP,
    Options,
    explain_setup,
    is_for_the_user,
    launch,
    time_account,
)
from flows.layout import Layout
from flows.study import StudyRun
from flows.trainings.records import Record, append, read_records

RECORD = Record(
    what="train",
    dataset="sales",
    cell="gru",
    hidden_size=8,
    seed=0,
    seconds=2.5,
    epochs=3,
    peak_megabytes=1,
    time=2_000_000_000,
)


@pytest.mark.parametrize(
    ("name", "level", "message", "shown"),
    [
        ("prefect.task_runs", logging.ERROR, "Task run failed with exception", False),
        ("prefect.flow_runs", logging.ERROR, "Finished in state Failed", False),
        ("prefect.flow_runs", logging.WARNING, "dvc.lock was put back", True),
        ("EventsWorker", logging.WARNING, "Still processing items: 1 items remaining...", False),
        ("prefect.server", logging.ERROR, "no such table", True),
        ("prefect.events.clients", logging.WARNING, "Unable to connect to 'ws://x'.", False),
        (INSIDE, logging.ERROR, "Service <APILogWorker> failed to process batch of size 9", False),
        ("EventsWorker", logging.WARNING, "Service 'EventsWorker' queue is full (9 items)", False),
        (INSIDE, logging.ERROR, "Service 'EventsWorker' failed with 0 pending items.", False),
        ("websockets.client", logging.ERROR, "keepalive ping failed", False),
        (INSIDE, logging.ERROR, "Call has no callback", True),
    ],
)
def test_terminal_shows_what_is_said_nowhere_else(name, level, message, shown):
    record = logging.LogRecord(name, level, __file__, 1, message, None, None)
    assert is_for_the_user(record) is shown


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


def test_trainings_of_a_run_are_counted_though_the_clock_was_put_back(tmp_path):
    """Those with a time before the start of the run were left out."""
    layout = Layout(tmp_path)
    for record in (RECORD, replace(RECORD, seed=1, time=1_900_000_000)):
        append(layout, record)
    (told,) = time_account(StudyRun(), layout, 1)
    assert ": 1 training, 0 stages run" in told


def test_records_around_a_line_that_was_cut_off_are_read(tmp_path):
    """A full disk cuts a line off, and all later runs ended with a traceback."""
    layout = Layout(tmp_path)
    append(layout, RECORD)
    with layout.timings.open("a") as file:
        file.write('{"what": "train", "dat')
    for seed in (1, 2):
        append(layout, replace(RECORD, seed=seed))
    assert [record.seed for record in read_records(layout)] == [0, 2]
