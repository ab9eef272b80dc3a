"""dvc.lock survives a kill while DVC rewrites it."""

import pytest
import yaml

from flows.layout import Layout
from flows.recording.lock_file import (
    apart,
    joined,
    kept_copy,
    lock_file,
    put_back,
    read_lock,
)
from rnn_core.errors import StudyError

BEFORE = {"schema": "2.0", "stages": {"code": {"cmd": "exec gatewise code"}}}


@pytest.fixture
def layout(tmp_path):
    layout = Layout(tmp_path)
    lock_file(layout).write_text(yaml.safe_dump(BEFORE))
    return layout


class Killed(BaseException):
    """Stands for an end in the middle."""


def test_what_dvc_wrote_apart_leaves_no_trace(layout):
    before = lock_file(layout).read_bytes()
    with apart(layout):
        assert not lock_file(layout).exists()
        lock_file(layout).write_text("stages:\n  report: {cmd: x}\n")
    assert lock_file(layout).read_bytes() == before
    assert not put_back(layout)


@pytest.mark.parametrize("half", ["", "stages:\n  report: {cmd: [", "schema: '2.0'\n"])
def test_writing_that_fails_is_undone_at_once(layout, half):
    before = lock_file(layout).read_bytes()
    with pytest.raises(Killed), apart(layout):
        lock_file(layout).write_text(half)
        raise Killed
    assert lock_file(layout).read_bytes() == before
    assert not put_back(layout)


def test_writing_that_a_kill_cut_off_is_undone_later(layout):
    """Nothing runs after a kill: the block is left as if it had never been entered."""
    before = lock_file(layout).read_bytes()
    going_on = apart(layout)
    going_on.__enter__()
    lock_file(layout).write_text("stages:\n  rep")
    assert put_back(layout)
    assert lock_file(layout).read_bytes() == before
    assert read_lock(layout) == BEFORE["stages"]
    assert not put_back(layout)


def test_first_lock_that_is_cut_off_is_removed(layout):
    lock_file(layout).unlink()
    going_on = apart(layout)
    going_on.__enter__()
    lock_file(layout).write_text("stages:\n  rep")
    assert put_back(layout)
    assert not lock_file(layout).exists()
    assert not kept_copy(layout).exists()


def test_kill_before_the_copy_is_whole_changes_nothing(layout, monkeypatch):
    before = lock_file(layout).read_bytes()

    def cut_off(*_):
        raise Killed

    monkeypatch.setattr("flows.recording.lock_file.write_bytes", cut_off)
    with pytest.raises(Killed), apart(layout):
        raise AssertionError("nothing may be written without a copy")
    assert not put_back(layout)
    assert lock_file(layout).read_bytes() == before


@pytest.mark.parametrize("half", [None, "stages:\n  rep", "stages:\n  report: {cmd: x}\n"])
def test_who_reads_while_it_is_rewritten_sees_what_it_was(layout, half):
    with apart(layout):
        if half is not None:
            lock_file(layout).write_text(half)
        assert read_lock(layout) == BEFORE["stages"]


@pytest.mark.parametrize("content", [None, "", "[]", "stages:\n", "stages: {a: [", "{}"])
def test_lock_that_says_nothing_has_no_stages(tmp_path, content):
    layout = Layout(tmp_path)
    if content is not None:
        lock_file(layout).write_text(content)
    assert read_lock(layout) == {}


STAGE_A, STAGE_B, OTHER_A = (
    f"  {name}:\n    cmd: {command}\n    params:\n      params.yaml:\n        a:\n          x: 1\n"
    for name, command in (("a@1", "one"), ("b", "two"), ("a@1", "three"))
)
DVC_HEAD = "schema: '2.0'\nstages:\n"


def test_joined_locks_keep_the_places_of_stages_and_what_stands_around_them():
    old = f"# by hand\n{DVC_HEAD}{STAGE_A}{STAGE_B}"
    new = f"{DVC_HEAD}{OTHER_A}".encode()
    assert joined(old.encode(), new).decode() == f"# by hand\n{DVC_HEAD}{OTHER_A}{STAGE_B}"
    assert joined(b"", new) == new
    appended = joined(f"{DVC_HEAD}{STAGE_B}".encode(), new).decode()
    assert appended == f"{DVC_HEAD}{STAGE_B}{OTHER_A}"


@pytest.mark.parametrize(
    "old",
    [
        "stages: {a@1: {cmd: one}}\nschema: '2.0'\n",
        "schema: '2.0'\nstages:\n    a@1:\n        cmd: one\n",
    ],
)
def test_lock_of_another_form_is_refused_and_not_guessed_at(old):
    with pytest.raises(StudyError, match=r"dvc\.lock is not in the form"):
        joined(old.encode(), f"{DVC_HEAD}{OTHER_A}".encode())
