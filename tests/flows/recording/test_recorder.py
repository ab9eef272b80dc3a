"""DVC records while other stages run: all that waits at once, in the order of `dvc repro`."""

import threading
from concurrent.futures import CancelledError

import pytest

from flows.recording import record as recording
from flows.recording.command import RecordingError, commit, stale_stages
from flows.recording.inputs import read_inputs
from flows.recording.lock_file import lock_file, read_lock
from flows.recording.plan import order
from flows.recording.recorder import Recorder
from flows.stages import DATASET_VERBS

SALES, OPINIONS = ([f"{verb}@{name}" for verb in DATASET_VERBS] for name in ("sales", "opinions"))


@pytest.fixture
def recorder(layout):
    """Of a run before which nothing was recorded."""
    lock_file(layout).unlink()
    return Recorder(layout, read_inputs(layout))


def edit(layout):
    file = layout.folder / "params.yaml"
    file.write_text(file.read_text().replace("lookback: 12", "lookback: 13"))


class Gate:
    """DVC, which begins when it is let."""

    def __init__(self):
        self.begun, self.open = threading.Event(), threading.Event()
        self.calls = []

    def commit(self, layout, stages):
        self.begun.set()
        assert self.open.wait(30)
        self.calls.append(list(stages))
        commit(layout, stages)


def test_what_ends_in_any_order_is_recorded_as_dvc_would_have_run_it(layout, recorder):
    with recorder.at_work():
        for stages in (OPINIONS, SALES, ["report", "code"]):
            recorder.ask(stages).result()
    assert list(read_lock(layout)) == order(recorder.inputs)
    assert stale_stages(layout) == set()
    assert recorder.changed == {}


def test_what_was_recorded_before_keeps_its_place(layout, recorder):
    commit(layout, ["report", "compare@opinions"])
    with recorder.at_work():
        recorder.ask(OPINIONS).result()
        recorder.ask(SALES).result()
    rest = [stage for stage in order(recorder.inputs) if stage in {*SALES, *OPINIONS[:-1]}]
    assert list(read_lock(layout)) == ["report", "compare@opinions", *rest]


def test_lock_is_as_it_was_until_the_end(layout, recorder):
    with recorder.at_work():
        recorder.ask(SALES).result()
        assert read_lock(layout) == {}
    assert set(read_lock(layout)) == set(SALES)


def test_dataset_that_is_edited_once_dvc_has_recorded_it_is_left_out(layout, recorder):
    with recorder.at_work():
        recorder.ask(SALES).result()
        recorder.ask(OPINIONS).result()
        recorder.ask(["code"]).result()
        edit(layout)
    assert recorder.changed == {"sales": ["params.yaml"]}
    assert set(read_lock(layout)) == set(OPINIONS)


def test_all_that_ends_while_dvc_is_at_work_is_recorded_together(recorder, monkeypatch):
    gate = Gate()
    monkeypatch.setattr(recording, "commit", gate.commit)
    with recorder.at_work():
        first = recorder.ask(SALES)
        assert gate.begun.wait(30)
        others = [recorder.ask(OPINIONS), recorder.ask(["code"])]
        gate.open.set()
        for one in (first, *others):
            one.result()
    assert gate.calls == [SALES, ["code", *OPINIONS]]


def test_dataset_that_was_edited_is_not_recorded_and_another_is(layout, recorder):
    with recorder.at_work():
        edit(layout)
        recorder.ask(SALES).result()
        recorder.ask(OPINIONS).result()
        recorder.ask(["report"]).result()
    assert recorder.changed == {"sales": ["params.yaml"]}
    assert set(read_lock(layout)) == set(OPINIONS)


def test_edit_that_was_undone_counts_too(layout, recorder):
    """A stage that ran in between may have read it."""
    file = layout.folder / "params.yaml"
    before = file.read_text()
    with recorder.at_work():
        edit(layout)
        recorder.ask(["ingest@opinions"]).result()
        file.write_text(before)
        recorder.ask(SALES).result()
        recorder.ask(["report"]).result()
    assert recorder.changed == {"sales": ["params.yaml"]}
    assert set(read_lock(layout)) == {"ingest@opinions"}


def test_error_of_dvc_reaches_who_asked_and_nothing_is_written(layout, recorder, monkeypatch):
    def refuse(*_):
        raise RecordingError("dvc commit failed")

    with recorder.at_work():
        with monkeypatch.context() as patch:
            patch.setattr(recording, "commit", refuse)
            with pytest.raises(RecordingError, match="dvc commit failed"):
                recorder.ask(SALES).result()
        recorder.ask(OPINIONS).result()
    assert read_lock(layout) == {}


def test_run_that_is_cut_off_records_no_more(layout, recorder, monkeypatch):
    class CutOffError(BaseException):
        pass

    gate, end = Gate(), recorder.end

    def end_and_let_dvc_go_on(*, drop):
        end(drop=drop)
        gate.open.set()

    monkeypatch.setattr(recording, "commit", gate.commit)
    monkeypatch.setattr(recorder, "end", end_and_let_dvc_go_on)
    with pytest.raises(CutOffError), recorder.at_work():
        recorder.ask(SALES)
        assert gate.begun.wait(30)
        late = recorder.ask(OPINIONS)
        raise CutOffError
    with pytest.raises(CancelledError):
        late.result()
    with pytest.raises(CancelledError):
        recorder.ask(["code"]).result()
    assert read_lock(layout) == {}
