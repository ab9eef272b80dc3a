"""`gatewise status` answers where nobody may write."""

import errno
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from filelock import FileLock

from flows.commands import upkeep
from flows.commands.dry_run import show_plan
from flows.commands.upkeep import NEVER, STOPPED, commit_of, freshness
from flows.layout import Layout
from flows.recording import inputs, plan
from flows.recording.plan import Due


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_study_that_cannot_be_written_is_told_as_such(number, tmp_path, monkeypatch):
    """It was an error, and what had been compared was not shown."""

    def refuse(*_, **__):
        raise OSError(number, os.strerror(number), "/archive/flow.lock")

    with monkeypatch.context() as patch:
        patch.setattr(FileLock, "acquire", refuse)
        told = freshness(Layout(tmp_path), tmp_path)
    assert told == [
        "Whether results are up to date cannot be seen, as /archive/flow.lock cannot be written."
    ]
    monkeypatch.setattr(Path, "mkdir", refuse)
    assert freshness(Layout(tmp_path / "other"), tmp_path) == told


def test_full_disk_is_an_error(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(FileLock, "acquire", full)
    with pytest.raises(OSError, match="No space left"):
        freshness(Layout(tmp_path), tmp_path)


def test_without_git_there_is_no_commit(tmp_path, monkeypatch):
    """It was the error that there is no such file."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commit_of(tmp_path / "dvc.lock") == ""


@pytest.mark.parametrize("trained", [False, True])
def test_run_that_was_stopped_is_not_none(tmp_path, monkeypatch, trained):
    """Its first trainings are in the store, and `status` said that nothing had been run."""
    layout, due = Layout(tmp_path), Due({"report"}, {"report"}, [])
    monkeypatch.setattr(inputs, "read_inputs", lambda layout: None)
    monkeypatch.setattr(plan, "find_due", lambda *_: due)
    monkeypatch.setattr(upkeep, "read_study", lambda folder: SimpleNamespace(datasets=["sales"]))
    if trained:
        layout.timings.parent.mkdir(parents=True, exist_ok=True)
        layout.timings.write_text("{}\n")
    (told,) = freshness(layout, Path("my study"))
    assert told == f"{STOPPED if trained else NEVER}. Run it: gatewise run 'my study'"


@pytest.mark.parametrize(
    ("stages", "stale", "planned"),
    [
        ({"code"}, "All is up to date.", "0 stages would run."),
        (
            {"code", "report"},
            "1 stage out of date: report. Renew: gatewise run",
            "1 stage would run: report",
        ),
    ],
)
def test_status_and_dry_run_name_the_same_stages(
    tmp_path, monkeypatch, capsys, stages, stale, planned
):
    """After the edit of a comment, `status` named `code`, and a run had nothing to do."""
    due = Due(stages, stages, [])
    one = SimpleNamespace(datasets=["sales"])
    monkeypatch.setattr(inputs, "read_inputs", lambda layout: None)
    monkeypatch.setattr(plan, "find_due", lambda *_: due)
    monkeypatch.setattr(upkeep, "read_study", lambda folder: one)
    layout = Layout(tmp_path)
    layout.runs("sales").mkdir(parents=True)
    assert freshness(layout, Path()) == [stale]
    show_plan(layout, SimpleNamespace(study=one), due)
    assert capsys.readouterr().out == f"{planned}\n"
