"""Stages are recorded with the inputs that they began with, or not at all."""

import os
import shutil
from dataclasses import replace

import pytest
import yaml

from flows.recording import inputs as module
from flows.recording import record as recording
from flows.recording.command import commit, stale_stages
from flows.recording.inputs import read_inputs
from flows.recording.lock_file import kept_copy, lock_file, read_lock
from flows.recording.plan import order
from flows.recording.record import record
from flows.stages import DATASET_VERBS
from flows.stages.code import code
from rnn_core.errors import StudyError

SALES = {f"{verb}@sales" for verb in DATASET_VERBS}
OPINIONS = {f"{verb}@opinions" for verb in DATASET_VERBS}


@pytest.fixture
def inputs(layout):
    """Inputs at the start of a run, before anything is recorded."""
    lock_file(layout).unlink()
    return read_inputs(layout)


def edit_source(layout, _):
    """In place, and with the time of before."""
    file = layout.folder / "sales.csv"
    before = file.stat()
    file.write_text(file.read_text().replace("1", "2"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_mtime_ns == before.st_mtime_ns


def edit_dataset(layout, _):
    file = layout.folder / "params.yaml"
    file.write_text(file.read_text().replace("lookback: 12", "lookback: 13"))


def edit_code(_, monkeypatch):
    fingerprints = module.fingerprints

    def edited(*arguments):
        code = fingerprints(*arguments)
        return replace(code, compare=code.compare | {"sales": "edited"})

    monkeypatch.setattr(module, "fingerprints", edited)


def edit_seeds(layout, _):
    file = layout.folder / "params.yaml"
    file.write_text(file.read_text().replace("most: 1", "most: 2"))


def break_parameters(layout, _):
    (layout.folder / "params.yaml").write_text("seeds: [")


def test_all_that_ran_is_recorded_and_dvc_finds_it_up_to_date(layout, inputs):
    assert record(layout, inputs, order(inputs)) == {}
    assert set(read_lock(layout)) == {"code", "report", *SALES, *OPINIONS}
    assert stale_stages(layout) == set()
    assert not kept_copy(layout).exists()


@pytest.mark.parametrize("edit", [edit_source, edit_dataset, edit_code])
def test_dataset_that_was_edited_while_it_ran_is_not_recorded_and_others_are(
    layout, inputs, edit, monkeypatch
):
    edit(layout, monkeypatch)
    assert record(layout, inputs, order(inputs)).keys() == {"sales"}
    assert set(read_lock(layout)) == OPINIONS


@pytest.mark.parametrize("edit", [edit_seeds, break_parameters])
def test_edit_that_concerns_every_dataset_lets_nothing_be_recorded(
    layout, inputs, edit, monkeypatch
):
    edit(layout, monkeypatch)
    assert record(layout, inputs, order(inputs)).keys() == {"sales", "opinions"}
    assert read_lock(layout) == {}


def test_edit_while_dvc_records_is_found_and_the_lock_is_as_before(layout, inputs, monkeypatch):
    """DVC reads the parameters itself, and would write down what nothing was made with."""
    record(layout, inputs, OPINIONS)
    before = lock_file(layout).read_bytes()

    def commit_late(*arguments):
        edit_dataset(layout, None)
        commit(*arguments)

    monkeypatch.setattr(recording, "commit", commit_late)
    with pytest.raises(StudyError, match="changed while DVC recorded"):
        record(layout, inputs, SALES)
    assert lock_file(layout).read_bytes() == before
    assert not kept_copy(layout).exists()


def test_edit_is_no_matter_to_a_run_in_which_nothing_ran(layout, inputs):
    edit_dataset(layout, None)
    assert record(layout, inputs, []) == {}


@pytest.mark.parametrize("before", [[], ["report", *sorted(OPINIONS), "prepare@sales"]])
@pytest.mark.one_in(2)
def test_lock_is_what_dvc_writes_that_records_all_at_once(layout, inputs, monkeypatch, before):
    """Whatever it held before, in whichever order, and however many stages DVC is given."""
    old = outdated(layout, before) if before else None
    stages = [stage for stage in order(inputs) if stage != "evaluate@opinions"]
    put_lock(layout, old)
    commit(layout, stages)
    expected = lock_file(layout).read_bytes()
    for size in (1, 5, 100):
        put_lock(layout, old)
        monkeypatch.setattr(recording, "BATCH", size)
        record(layout, inputs, stages)
        assert lock_file(layout).read_bytes() == expected, size


def outdated(layout, stages):
    """The lock of stages that ran with something else, one of which no longer exists."""
    commit(layout, stages)
    text = lock_file(layout).read_text().replace("size: ", "size: 1")
    return text.replace("evaluate@opinions", "evaluate@gone")


def put_lock(layout, text):
    if text is None:
        lock_file(layout).unlink(missing_ok=True)
    else:
        lock_file(layout).write_text(text)


def test_stages_are_written_in_the_order_of_dvc(layout, inputs):
    record(layout, inputs, sorted(order(inputs), reverse=True))
    assert list(read_lock(layout)) == order(inputs)


@pytest.mark.parametrize(
    ("before", "shared"),
    [
        ([], ("training", "model")),
        (["report", "prepare@sales"], ("data",)),
        (["code"], ("training",)),
    ],
)
@pytest.mark.thorough
def test_values_that_datasets_share_are_written_as_dvc_does_it(layout, monkeypatch, before, shared):
    """With `&` and `*` in params.yaml, a stage of DVC's names a value and repeats the name."""
    file = layout.folder / "params.yaml"
    found = yaml.safe_load(file.read_text())
    found["datasets"]["again"] = {**found["datasets"]["sales"]}
    for part in {"data", "model", "training"} - set(shared):
        found["datasets"]["again"][part] = dict(found["datasets"]["sales"][part])
    file.write_text(yaml.safe_dump(found))
    for place in (layout.raw, layout.prepared, layout.runs, layout.evaluations):
        shutil.copytree(place("sales"), place("again"))
    shutil.copy(layout.comparison("sales"), layout.comparison("again"))
    code(layout)
    lock_file(layout).unlink()
    inputs = read_inputs(layout)
    old = outdated(layout, before) if before else None
    put_lock(layout, old)
    commit(layout, order(inputs))
    expected = lock_file(layout).read_bytes()
    assert expected.count(b"&id00") >= 2 * len(shared)
    put_lock(layout, old)
    monkeypatch.setattr(recording, "BATCH", 3)
    record(layout, inputs, order(inputs))
    assert lock_file(layout).read_bytes() == expected
    assert stale_stages(layout) == set()
