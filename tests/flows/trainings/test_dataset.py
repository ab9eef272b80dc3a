"""The driver of a dataset's trainings: what it has done, whom it waits for, and errors."""

import os
import socket
import subprocess
import sys
import threading
from concurrent.futures import Future
from dataclasses import replace

import pytest
from idle_crew import CODE, DROPOUT, Crew, Scores, plan

from flows.layout import Layout
from flows.trainings.planner import Asked, Tunes
from flows.trainings.store import Store, StoreError
from rnn_core.errors import GatewiseError, StudyError
from rnn_core.study import Tuning, is_for_tuning
from rnn_core.training.run_folder import SUMMARY

WAIT_SECONDS = 20


@pytest.fixture
def driving(trainings_of, crew):
    """Drives trainings in a thread of its own; tells how that went."""
    crew.at_once = False
    went: Future = Future()

    def drive():
        try:
            went.set_result(trainings_of(plan()).do(crew))
        except GatewiseError as error:
            went.set_exception(error)

    thread = threading.Thread(target=drive, daemon=True)
    thread.start()
    for _ in range(4):
        assert crew.has_begun.acquire(timeout=WAIT_SECONDS)
    yield went
    thread.join(WAIT_SECONDS)
    assert not thread.is_alive()


def test_everything_that_is_asked_for_is_trained_once(trainings_of, crew, store):
    found = trainings_of(plan()).do(crew)
    expected = [Asked(cell, 4, seed) for cell in ("gru", "lstm") for seed in (0, 1)]
    assert found.results == expected
    assert [(c.cell, c.seed) for c in crew.begun] == [(a.cell, a.seed) for a in expected]
    assert store.identities("training") == sorted(c.identity for c in crew.begun)


def test_what_the_store_has_is_not_trained(trainings_of, crew):
    first = trainings_of(plan()).do(crew)
    crew.begun.clear()
    assert trainings_of(plan()).do(crew) == first
    assert crew.begun == []
    more = trainings_of(plan(first=3)).do(crew)
    assert [(c.cell, c.seed) for c in crew.begun] == [("gru", 2), ("lstm", 2)]
    assert len(more.results) == 6


def test_training_of_other_code_is_another(trainings_of, crew):
    trainings_of(plan()).do(crew)
    crew.begun.clear()
    changed = trainings_of(plan())
    changed.code = replace(CODE, trains={"gru": "g", "lstm": "new"})
    changed.do(crew)
    assert [(c.cell, c.seed) for c in crew.begun] == [("lstm", 0), ("lstm", 1)]


def test_trials_go_on_from_those_that_the_store_has(trainings_of, crew, store, tmp_path):
    """As after a kill: of the tuning, only what is missing is trained, and it ends the same."""
    tuning = Tuning(trials=3, share=0.5, finalists=1, dropout=(0.0, 0.5))
    space = {"dropout": DROPOUT}
    tuned = plan(tunes=Tunes(dataset="sales", tuning=tuning, space=space, epochs=10))
    whole = trainings_of(tuned).do(crew)
    assert {c.training["epochs"] for c in crew.begun if is_for_tuning(c.seed)} == {5, 10}
    done = list(crew.begun)
    other = Store(str(tmp_path / "other"))
    for config in done[:5]:
        Scores().put(other, config, tmp_path / "again")
    resumed, again = trainings_of(tuned), Crew(other, tmp_path / "rest")
    resumed.store = other
    assert resumed.do(again) == whole
    assert {c.identity for c in again.begun} == {c.identity for c in done[5:]}


def test_error_is_raised_once_all_others_have_ended(driving, crew):
    crew.end("gru 1", StudyError("first"))
    crew.end("gru 0")
    assert not driving.done()
    crew.end("lstm 0", StudyError("second"))
    crew.end("lstm 1")
    with pytest.raises(StudyError, match="first"):
        driving.result(WAIT_SECONDS)
    assert len(crew.begun) == 4


def test_what_ended_before_an_error_is_kept(driving, crew, trainings_of):
    for name in ("lstm 1", "gru 0"):
        crew.end(name)
    for name in ("gru 1", "lstm 0"):
        crew.end(name, StudyError("lost"))
    with pytest.raises(StudyError, match="lost"):
        driving.result(WAIT_SECONDS)
    crew.begun.clear()
    crew.at_once = True
    trainings_of(plan()).do(crew)
    assert [(c.cell, c.seed) for c in crew.begun] == [("gru", 1), ("lstm", 0)]


def test_training_that_ended_without_a_trace_is_an_error(driving, crew):
    """Else it would be begun again and again."""
    crew.end("gru 0", stores=False)
    for name in ("gru 1", "lstm 0", "lstm 1"):
        crew.end(name)
    with pytest.raises(StoreError, match="is not in the store"):
        driving.result(WAIT_SECONDS)


@pytest.mark.parametrize(("device", "code"), [("cpu", "g"), ("cuda", "g gpu")])
def test_code_for_gpus_is_part_of_trainings_there_alone(device, code):
    assert CODE.training("gru", device) == code
    assert CODE.evaluation("gru", device) == f"e{code}"
    assert CODE.ensemble("gru", device) == CODE.evaluation("gru", device, "refit") == f"t{code}"
    assert CODE.training("gru", device, "refit") == f"{code} divides"


def test_store_is_asked_once_for_each_training(trainings_of, crew, store, monkeypatch):
    """A store may be far away, and the planner looks again after each end."""
    asked = []
    has = Store.has
    monkeypatch.setattr(Store, "has", lambda self, *what: asked.append(what) or has(self, *what))
    trainings_of(plan(first=5)).do(crew)
    assert len(asked) == len(set(asked)) == 10


def test_what_a_worker_left_of_a_stored_training_is_removed(trainings_of, crew, store, tmp_path):
    """It may be killed after it put the training into the store, before it tidied up."""
    first = trainings_of(plan())
    left = Layout(tmp_path).training / first.work(Asked("gru", 4, 0)).config.identity
    first.do(crew)
    left.mkdir(parents=True)
    (left / SUMMARY).touch()
    trainings_of(plan()).do(crew)
    assert not left.exists()


@pytest.mark.parametrize(("process", "stays"), [("self", True), ("gone", False)])
def test_what_a_killed_process_left_of_a_put_is_removed(store, tmp_path, process, stays):
    """By the next put of the same entry; one that is still written to stays."""
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    identity, number = "a" * 64, os.getpid() if process == "self" else dead.pid
    left = tmp_path / f"store/unfinished/{identity}.{number}.0.{socket.gethostname()}"
    left.mkdir(parents=True)
    (tmp_path / "entry").mkdir()
    (tmp_path / "entry/weights").touch()
    store.put("training", identity, tmp_path / "entry")
    assert left.exists() == stays
