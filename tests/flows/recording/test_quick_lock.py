"""dvc.lock as DVC itself would change it, to the byte."""

import re
import shutil
from contextlib import contextmanager
from copy import deepcopy

import pytest
from dvc.utils.serialize import _yaml

from flows.layout import REPOSITORY
from flows.recording.quick_lock import use_quick_locks

NEW = {
    "cmd": "exec x " + "of many words " * 12,
    "params": {"params.yaml": {"a": 1e-05, "b": "1e3", "c": "no", "d": [], "e": None, "f": True}},
    "outs": [{"path": "a b: c", "md5": "12345678901234567890123456789012", "size": 3}],
}


def add(stages):
    stages["train@co2-new"] = deepcopy(NEW)


def replace(stages):
    stages["prepare@numbers"] = deepcopy(NEW)


def edit(stages):
    stages["ingest@numbers"]["deps"][1]["size"] += 1


def remove(stages):
    del stages["ingest@agreement"]


def name_with_quotes(stages):
    stages["no"] = deepcopy(NEW)
    stages["a: b"] = deepcopy(NEW)


@contextmanager
def quick_locks():
    with pytest.MonkeyPatch.context() as patch:
        for name in ("parse_yaml_for_update", "_dump"):
            patch.setattr(_yaml, name, getattr(_yaml, name))
        use_quick_locks()
        yield


def change(file, change_stages):
    with _yaml.modify_yaml(file) as content:
        change_stages(content["stages"])


@pytest.mark.parametrize("study", [".", "studies/benchmark"])
def test_lock_is_changed_as_dvc_changes_it(study, tmp_path):
    check_same(REPOSITORY / study / "dvc.lock", [replace, add], tmp_path)


@pytest.mark.parametrize(
    "changes",
    [[add], [edit], [remove], [name_with_quotes, add], [edit, remove, add, edit], [replace, edit]],
)
def test_smaller_lock_is_changed_as_dvc_changes_it(changes, tmp_path):
    lines = (REPOSITORY / "dvc.lock").read_text().splitlines(keepends=True)
    stages = [i for i, line in enumerate(lines) if re.match("  [a-z]", line)]
    few = tmp_path / "few"
    few.write_text("".join([*lines[:2], *lines[stages[0] : stages[12]]]))
    check_same(few, changes, tmp_path)


def check_same(original, changes, tmp_path):
    slow, quick = (shutil.copy(original, tmp_path / name) for name in ("slow", "dvc.lock"))
    for each in changes:
        change(slow, each)
    with quick_locks():
        for each in changes:
            change(quick, each)
    assert quick.read_bytes() == slow.read_bytes()
    assert quick.read_bytes() != original.read_bytes()


@pytest.mark.parametrize(
    "text",
    [
        "stages:\n  a:\n    cmd: x\nschema: '2.0'\n",
        "schema: '2.0'\nstages:\n  a: {cmd: x}\n  'b':\n    cmd: y\n",
        "schema: '2.0'\nstages:\n  a:\n    cmd: x\ndatasets: []\n",
        "# by hand\nschema: '2.0'\nstages:\n  a:\n    cmd: |\n      x\n",
        "schema: '2.0'\nstages: {}\n",
    ],
)
def test_lock_that_was_written_otherwise_means_the_same(text, tmp_path):
    lock = tmp_path / "dvc.lock"
    lock.write_text(text)
    expected = _yaml.parse_yaml(text, lock)
    expected["stages"]["new"] = NEW
    with quick_locks():
        change(lock, lambda stages: stages.update(new=NEW))
    assert _yaml.load_yaml(lock) == expected


def test_lock_is_written_where_there_was_none(tmp_path):
    with quick_locks(), _yaml.modify_yaml(tmp_path / "dvc.lock") as content:
        content.update(schema="2.0", stages={"a": NEW})
    assert _yaml.load_yaml(tmp_path / "dvc.lock") == {"schema": "2.0", "stages": {"a": NEW}}


def test_comments_of_other_files_survive(tmp_path):
    file = tmp_path / "dvc.yaml"
    file.write_text("a: 1  # why\n")
    with quick_locks(), _yaml.modify_yaml(file) as content:
        content["b"] = 2
    assert file.read_text() == "a: 1  # why\nb: 2\n"
