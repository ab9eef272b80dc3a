"""DVC's own files that a kill left half-written are repaired, and nothing else is touched."""

import fcntl
import json

import pytest
import yaml
from dvc.schema import COMPILED_LOCKFILE_SCHEMA

from flows.layout import Layout
from flows.recording.lock_file import apart
from flows.recording.repair import repair

FIRST, SECOND, THIRD = (
    f"""\
  {name}:
    cmd: exec gatewise {name}
    deps:
    - path: ./a
      hash: md5
      md5: 22f4747b33b9797074dca5307d5a113b.dir
      size: 33
      nfiles: 81
    params:
      params.yaml:
        seeds:
        - 0
    outs:
    - path: b
      hash: md5
      md5: 612365d0328503f9928ac48a0e22a38a
      size: 95
"""
    for name in ("code", "train@a", "report")
)
HEAD = "schema: '2.0'\nstages:\n"
LOCK = (HEAD + FIRST + SECOND + THIRD).encode()
"""As DVC writes it."""


@pytest.fixture
def layout(tmp_path):
    (tmp_path / ".dvc/tmp").mkdir(parents=True)
    return Layout(tmp_path)


def test_lock_that_is_cut_anywhere_keeps_its_whole_stages(layout):
    stages, file = yaml.safe_load(LOCK)["stages"], layout.folder / "dvc.lock"
    ends = {"code": len(HEAD + FIRST), "train@a": len(HEAD + FIRST + SECOND)}
    for cut in range(len(LOCK)):
        file.write_bytes(LOCK[:cut])
        repair(layout)
        kept = read(file) if file.exists() else {}
        assert set(kept) >= {name for name, end in ends.items() if end <= cut}, cut
        for name in list(kept)[:-1]:
            assert kept[name] == stages[name]
        if kept:
            last = list(kept)[-1]  # of this one, the end may lack: then DVC sees it changed
            assert all(item in stages[last]["deps"] for item in kept[last].get("deps", []))
            assert all(item in stages[last]["outs"] for item in kept[last].get("outs", []))


def read(file):
    """The stages of a dvc.lock that DVC accepts."""
    content = yaml.load(file.read_bytes(), yaml.CSafeLoader)
    return COMPILED_LOCKFILE_SCHEMA(content)["stages"]


def test_lock_in_which_branches_are_merged_is_left_for_a_person(layout):
    file = layout.folder / "dvc.lock"
    merged = LOCK.replace(b"  code:\n", b"<<<<<<< HEAD\n  code:\n=======\n", 1)
    file.write_bytes(merged)
    assert repair(layout) == []
    assert file.read_bytes() == merged


def test_lock_that_is_cut_off_is_put_back(layout):
    file = layout.folder / "dvc.lock"
    file.write_bytes(LOCK)
    kept = apart(layout)
    kept.__enter__()
    file.write_bytes(LOCK[:99])  # and here the process is killed
    (told,) = repair(layout)
    assert "dvc.lock" in told
    assert file.read_bytes() == LOCK
    assert repair(layout) == []


@pytest.mark.parametrize("content", ["", '{"write": {"/a": {"pid"'])
def test_table_of_locks_that_is_cut_off_is_dropped(layout, content):
    table = layout.folder / ".dvc/tmp/rwlock"
    table.write_text(content)
    (layout.folder / "deeper").mkdir()
    (told,) = repair(Layout(layout.folder / "deeper"))
    assert "locks" in told
    assert not table.exists()


def test_table_of_locks_that_is_whole_is_left(layout):
    table = layout.folder / ".dvc/tmp/rwlock"
    table.write_text(json.dumps({"write": {"/a": {"pid": 1, "cmd": "dvc repro"}}}))
    assert repair(layout) == []
    assert table.exists()


def test_table_of_locks_that_somebody_writes_right_now_is_waited_for(layout, monkeypatch):
    table = layout.folder / ".dvc/tmp/rwlock"
    table.write_text("")
    flock = fcntl.flock

    def ended(file, how):
        table.write_text("{}")  # which the other does before it lets go
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", ended)
    assert repair(layout) == []
    assert table.read_text() == "{}"
