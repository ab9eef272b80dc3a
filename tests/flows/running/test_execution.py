"""In which order a run does things, whatever they are."""

import errno
import os
import threading
from concurrent.futures import CancelledError, Future
from types import SimpleNamespace

import pytest

from flows.running.execution import Execution, StageTime

NAMES = ("a", "b")
VERBS = ("ingest", "prepare", "train", "evaluate", "compare")
STAGES = {"code", "report", *(f"{verb}@{name}" for verb in VERBS for name in NAMES)}


class NotingClosing:
    """Notes what is done with a dataset that is compared."""

    shown = ()
    promotes = True

    def __init__(self, note):
        self.do = note
        self.run_ids = {}
        self.noted = None

    def record(self, ran):
        self.do(f"record@{ran[0].partition('@')[2]}")
        future = Future()
        future.set_result(None)
        return future

    def track(self, dataset):
        self.do(f"track@{dataset}")
        self.run_ids[dataset] = {}

    def promote(self, dataset):
        self.do(f"promote@{dataset}")

    def note(self, datasets):
        self.noted = list(datasets)


CLOSINGS = {f"{what}@{name}" for what in ("record", "track") for name in NAMES}


class Noting(Execution):
    """Notes what is done; it first waits for a given event, or nothing happens."""

    def __init__(
        self, first: dict[str, str] | None = None, errors: dict[str, BaseException] | None = None
    ) -> None:
        study = SimpleNamespace(datasets=dict.fromkeys(NAMES))
        display = SimpleNamespace(ended=lambda name, outcome: None)
        inputs = SimpleNamespace(study=study)
        closing = NotingClosing(self.note)
        super().__init__(None, inputs, STAGES, STAGES, None, display, closing)
        self.first = first or {}
        self.errors = errors or {}
        names = (*STAGES, *CLOSINGS, "record@", *(f"promote@{name}" for name in NAMES))
        self.done = {name: threading.Event() for name in names}
        self.order = []

    def note(self, name):
        if name in self.errors:
            raise self.errors[name]
        if name in self.first:
            assert self.done[self.first[name]].wait(20)
        self.order.append(name)
        self.done[name].set()

    def stage(self, verb, dataset=""):
        name = f"{verb}@{dataset}" if dataset else verb
        self.note(name)
        self.ran.append(StageTime(name, 0.0))


def test_report_does_not_wait_for_mlflow():
    execution = Noting({"track@a": "report", "track@b": "report"})
    execution.run()
    assert set(execution.order) == {*STAGES, *CLOSINGS, "record@"}


def test_dataset_is_recorded_and_shown_while_another_is_trained():
    execution = Noting({"train@b": "track@a"})
    execution.run()
    assert not execution.failures
    for name in NAMES:
        steps = [f"{what}@{name}" for what in ("compare", "record", "track")]
        assert sorted(steps, key=execution.order.index) == steps


@pytest.mark.parametrize(
    ("broken", "edited", "registered"),
    [
        (None, (), ["a", "b"]),
        (None, ("a",), ["b"]),
        ("track@a", (), ["b"]),
        ("compare@b", (), ["a"]),
        ("promote@a", (), ["b"]),
    ],
)
def test_what_is_shown_recorded_and_not_edited_is_registered(broken, edited, registered):
    execution = Noting(errors={broken: ValueError("as asked for")})
    execution.run()
    execution.promote(edited)
    assert [n for n in execution.order if n.startswith("promote@")] == [
        f"promote@{name}" for name in registered
    ]


def test_nothing_is_registered_if_dvc_has_failed():
    execution = Noting()
    execution.run()
    execution.failures["record@a"] = ValueError("DVC is at a loss")
    execution.promote(())
    assert not [name for name in execution.order if name.startswith("promote@")]
    assert execution.closing.noted is None


@pytest.mark.parametrize(
    ("broken", "lost"),
    [
        ("train@a", {"train@a", "evaluate@a", "compare@a", "track@a", "report"}),
        ("track@a", {"track@a"}),
    ],
)
def test_what_fails_stops_what_waits_for_it_and_no_more(broken, lost):
    execution = Noting(errors={broken: ValueError("as asked for")})
    execution.run()
    assert set(execution.failures) == {broken}
    assert set(execution.order) == {*STAGES, *CLOSINGS, "record@"} - lost


def test_report_waits_for_the_last_comparison_though_others_are_shown_long_before():
    execution = Noting({"ingest@b": "track@a"})
    execution.run()
    assert execution.order.index("report") > execution.order.index("compare@b")
    assert not execution.failures


@pytest.mark.parametrize("broken", ["train@a", "track@a"])
def test_what_ends_a_thread_ends_the_run(broken):
    class EndError(BaseException):
        pass

    with pytest.raises(EndError):
        Noting(errors={broken: EndError()}).run()


def test_what_the_end_of_the_run_cut_off_is_not_told_as_a_failure():
    told = []

    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/there/runs")
    errors = {"train@a": CancelledError(), "train@b": full}
    execution = Noting(errors=errors)
    execution.display = SimpleNamespace(ended=lambda name, outcome: told.append((name, outcome)))
    execution.run()
    assert set(execution.failures) == {"train@a", "train@b"}
    (failed,) = [one for one in told if one[1]]
    assert failed == ("train@b", f"failed: /there/runs: {full.strerror}; free some space")


def test_recording_that_fails_is_told_and_is_no_task_that_ended():
    """The last lines of a run on a full disk had counts such as [10/9]."""
    counted, told, recorded = [], [], Future()
    recorded.set_exception(OSError("the disk is full"))
    execution = Noting()
    execution.closing.record = lambda _: recorded
    execution.display = SimpleNamespace(
        ended=lambda name, outcome: counted.append(name), tell=told.append
    )
    execution.run()
    records = ["record@a", "record@b", "record"]
    assert sorted(told) == sorted(f"{name}: failed: the disk is full" for name in records)
    assert not {*counted} & {*records}
