"""In which order a run does things, whatever they are."""

import threading
from concurrent.futures import CancelledError, Future
from types import SimpleNamespace

import pytest

from flows.running.execution import Execution

NAMES = ("a", "b")
VERBS = ("ingest", "prepare", "train", "evaluate", "compare")
STAGES = {"code", "report", *(f"{verb}@{name}" for verb in VERBS for name in NAMES)}


class NotingClosing:
    """Notes what is done with a dataset that is compared."""

    shown = ()

    def __init__(self, note, edited=()):
        self.note = note
        self.edited = edited
        self.run_ids = {}

    def record(self, dataset, ran):
        self.note(f"record@{dataset}")
        future = Future()
        future.set_result(dataset not in self.edited)
        return future

    def track(self, dataset):
        self.note(f"track@{dataset}")

    def promote(self, dataset):
        self.note(f"promote@{dataset}")


CLOSINGS = {f"{what}@{name}" for what in ("record", "track", "promote") for name in NAMES}


class Noting(Execution):
    """Notes what is done; what it is told to wait for comes first, or nothing happens."""

    def __init__(self, first: dict[str, str] | None = None, edited=()) -> None:
        study = SimpleNamespace(datasets=dict.fromkeys(NAMES))
        display = SimpleNamespace(ended=lambda name, outcome: None)
        inputs = SimpleNamespace(study=study)
        closing = NotingClosing(self.note, edited)
        super().__init__(None, inputs, STAGES, STAGES, None, display, closing)
        self.first = first or {}
        self.done = {name: threading.Event() for name in (*STAGES, *CLOSINGS, "record@")}
        self.order = []

    def note(self, name):
        if name in self.first:
            assert self.done[self.first[name]].wait(20)
        self.order.append(name)
        self.done[name].set()

    def stage(self, verb, dataset=""):
        self.note(f"{verb}@{dataset}" if dataset else verb)


def test_report_does_not_wait_for_mlflow():
    execution = Noting({"track@a": "report", "track@b": "report"})
    execution.run()
    assert set(execution.order) == {*STAGES, *CLOSINGS, "record@"}


def test_dataset_is_recorded_shown_and_registered_while_another_is_trained():
    execution = Noting({"train@b": "promote@a"})
    execution.run()
    assert not execution.failures
    assert execution.order.index("promote@a") < execution.order.index("train@b")
    for name in NAMES:
        steps = [f"{what}@{name}" for what in ("compare", "record", "track", "promote")]
        assert sorted(steps, key=execution.order.index) == steps


def test_dataset_that_is_not_recorded_is_not_registered():
    execution = Noting(edited={"a"})
    execution.run()
    assert "promote@a" not in execution.order
    assert "promote@b" in execution.order


@pytest.mark.parametrize(
    ("broken", "lost"),
    [
        ("train@a", {"train@a", "evaluate@a", "compare@a", "track@a", "promote@a", "report"}),
        ("track@a", {"track@a", "promote@a"}),
    ],
)
def test_what_fails_stops_what_waits_for_it_and_no_more(broken, lost):
    class Failing(Noting):
        def note(self, name):
            if name == broken:
                raise ValueError("as asked for")
            super().note(name)

    execution = Failing()
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

    class Ending(Noting):
        def note(self, name):
            if name == broken:
                raise EndError
            super().note(name)

    with pytest.raises(EndError):
        Ending().run()


def test_what_the_end_of_the_run_cut_off_is_not_told_as_a_failure():
    told = []

    class CutOff(Noting):
        def note(self, name):
            if name == "train@a":
                raise CancelledError
            if name == "train@b":
                raise ValueError("no such file")
            super().note(name)

    execution = CutOff()
    execution.display = SimpleNamespace(ended=lambda name, outcome: told.append((name, outcome)))
    execution.run()
    assert set(execution.failures) == {"train@a", "train@b"}
    assert [one for one in told if one[1]] == [("train@b", "failed: no such file")]
