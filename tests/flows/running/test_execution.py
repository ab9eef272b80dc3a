"""In which order a run does things, whatever they are."""

import threading
from types import SimpleNamespace

import pytest

from flows.running.execution import Execution

NAMES = ("a", "b")
VERBS = ("ingest", "prepare", "train", "evaluate", "compare")
STAGES = {"code", "report", *(f"{verb}@{name}" for verb in VERBS for name in NAMES)}


class Noting(Execution):
    """Notes what is done; what it is told to wait for comes first, or nothing happens."""

    def __init__(self, first: dict[str, str] | None = None) -> None:
        study = SimpleNamespace(datasets=dict.fromkeys(NAMES))
        display = SimpleNamespace(ended=lambda name, outcome: None)
        inputs = SimpleNamespace(study=study)
        super().__init__(None, inputs, STAGES, STAGES, None, None, display, ())
        self.first = first or {}
        self.done = {name: threading.Event() for name in (*STAGES, "track@a", "track@b")}
        self.order = []

    def note(self, name):
        if name in self.first:
            assert self.done[self.first[name]].wait(20)
        self.order.append(name)
        self.done[name].set()

    def stage(self, verb, dataset=""):
        self.note(f"{verb}@{dataset}" if dataset else verb)

    def track(self, dataset):
        self.note(f"track@{dataset}")


def test_report_does_not_wait_for_mlflow():
    execution = Noting({"track@a": "report", "track@b": "report"})
    execution.run()
    assert set(execution.order) == {*STAGES, "track@a", "track@b"}


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
