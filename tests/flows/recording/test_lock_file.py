"""dvc.lock survives a kill while DVC rewrites it."""

import io

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from flows.layout import Layout
from flows.recording.lock_file import (
    apart,
    joined,
    kept_copy,
    lock_file,
    put_back,
    read_lock,
    split,
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
    new = {"a@1": OTHER_A.encode()}
    assert joined(old.encode(), new).decode() == f"# by hand\n{DVC_HEAD}{OTHER_A}{STAGE_B}"
    assert joined(b"", new).decode() == f"{DVC_HEAD}{OTHER_A}"
    appended = joined(f"{DVC_HEAD}{STAGE_B}".encode(), new).decode()
    assert appended == f"{DVC_HEAD}{STAGE_B}{OTHER_A}"


TEXTS = ["&id001", "*id001", "a - &id001 b", "x: *id001", "it's\nid001", "- &id002", "", "id001"]
LEAVES = st.one_of(st.integers(0, 3), st.sampled_from(TEXTS))
KEYS = st.sampled_from(["a", "b.c", "*", "d e", "- f", "&id001", "0"])
VALUES = st.one_of(st.lists(LEAVES, max_size=3), st.dictionaries(KEYS, LEAVES, max_size=3))


@st.composite
def lock_of_shared_values(draw):
    """Stages, each with values, some of which are the same object."""
    stages = {}
    for number in range(draw(st.integers(1, 4))):
        pool = draw(st.lists(VALUES, min_size=1, max_size=3))
        held = draw(st.dictionaries(KEYS, st.sampled_from(pool), max_size=5))
        listed = draw(st.lists(st.sampled_from(pool), max_size=3))
        stages[f"s@{number}"] = {"cmd": "x", "params": {"p": {**held, "all": listed}}}
    return stages


def dumped(stages):
    """As DVC writes a dvc.lock."""
    text = io.StringIO()
    writer = YAML()
    writer.default_flow_style = False
    writer.dump({"schema": "2.0", "stages": stages}, text)
    return text.getvalue().encode()


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(lock_of_shared_values())
def test_stages_that_were_written_apart_share_values_as_if_written_together(stages):
    apart = {}
    for name, stage in stages.items():
        apart |= split(dumped({name: stage}))[1]
    assert joined(b"", apart) == dumped(stages)


@pytest.mark.parametrize(
    "old",
    [
        "stages: {a@1: {cmd: one}}\nschema: '2.0'\n",
        "schema: '2.0'\nstages:\n    a@1:\n        cmd: one\n",
    ],
)
def test_lock_of_another_form_is_refused_and_not_guessed_at(old):
    with pytest.raises(StudyError, match=r"dvc\.lock is not in the form"):
        joined(old.encode(), {"a@1": OTHER_A.encode()})
