"""dvc.lock survives a kill while DVC rewrites it."""

import pytest
import yaml

from flows.layout import Layout
from flows.recording.lock_file import kept_copy, lock_file, put_back, read_lock, rewriting

BEFORE = {"schema": "2.0", "stages": {"code": {"cmd": "exec gatewise code"}}}


@pytest.fixture
def layout(tmp_path):
    layout = Layout(tmp_path)
    lock_file(layout).write_text(yaml.safe_dump(BEFORE))
    return layout


class Killed(BaseException):
    """Stands for an end in the middle."""


def test_what_was_written_stays_if_all_went_well(layout):
    with rewriting(layout):
        lock_file(layout).write_text("stages:\n  report: {cmd: x}\n")
    assert read_lock(layout) == {"report": {"cmd": "x"}}
    assert not put_back(layout)
    assert read_lock(layout) == {"report": {"cmd": "x"}}


@pytest.mark.parametrize("half", ["", "stages:\n  report: {cmd: [", "schema: '2.0'\n"])
def test_rewriting_that_fails_is_undone_at_once(layout, half):
    before = lock_file(layout).read_bytes()
    with pytest.raises(Killed), rewriting(layout):
        lock_file(layout).write_text(half)
        raise Killed
    assert lock_file(layout).read_bytes() == before
    assert not put_back(layout)


def test_rewriting_that_a_kill_cut_off_is_undone_later(layout):
    """Nothing runs after a kill: the block is left as if it had never been entered."""
    before = lock_file(layout).read_bytes()
    going_on = rewriting(layout)
    going_on.__enter__()
    lock_file(layout).write_text("stages:\n  rep")
    assert read_lock(layout) == {}
    assert put_back(layout)
    assert lock_file(layout).read_bytes() == before
    assert read_lock(layout) == BEFORE["stages"]
    assert not put_back(layout)


def test_first_lock_that_is_cut_off_is_removed(layout):
    lock_file(layout).unlink()
    going_on = rewriting(layout)
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
    with pytest.raises(Killed), rewriting(layout):
        raise AssertionError("nothing may be written without a copy")
    assert not put_back(layout)
    assert lock_file(layout).read_bytes() == before


@pytest.mark.parametrize("content", [None, "", "[]", "stages:\n", "stages: {a: [", "{}"])
def test_lock_that_says_nothing_has_no_stages(tmp_path, content):
    layout = Layout(tmp_path)
    if content is not None:
        lock_file(layout).write_text(content)
    assert read_lock(layout) == {}
