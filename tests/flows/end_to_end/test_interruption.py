"""Killed anywhere, again and again: the next run ends the same, and no process of it lives on."""

import os
import random
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from functools import partial

import psutil
import pytest
import waiting
from usual_study import USUAL

from flows.layout import Layout
from flows.trainings.store import open_store

wait_for = partial(waiting.wait_for, seconds=240, every=0.002)

SMALL = {
    **USUAL,
    "study": "interrupted",
    "seeds": {"first": 2, "most": 2},
    "cells": ["gru", "memoryless"],
    "datasets": {
        "sales": {
            "source": "sales.csv",
            "task": "forecasting",
            "data": {"targets": ["y"], "lookback": 12, "horizon": 3},
            "model": {"hidden_size": 8},
            "training": {"epochs": 12, "patience": 12, "batch_size": 16},
        }
    },
}

RUN = ("gatewise", "run")
REPRO = ("dvc", "repro", "--quiet")
ROUNDS = int(os.environ.get("GATEWISE_TEST_KILLS", "10"))
ENOUGH = 20
"""Rounds after which every kind of process was killed at least once while it was at work."""

OUTPUTS = ("runs", "evaluations", "comparisons", "reports", "dvc.lock")
MARK = "GATEWISE_TEST_OF_KILLS"


def contents(study):
    """The bytes of what a run records and makes, by path."""
    found = {"dvc.lock": (study.folder / "dvc.lock").read_bytes()}
    for name in ("runs", "evaluations", "comparisons"):
        for path in sorted((study.folder / name).rglob("*")):
            if path.is_file():
                found[str(path.relative_to(study.folder))] = path.read_bytes()
    return found


@pytest.fixture(scope="module")
def make(study_at, served, tmp_path_factory):
    """Make a study whose processes can be identified, at the end too."""
    places = []

    def new(name):
        study = study_at(tmp_path_factory.mktemp(name) / "studies/study", SMALL)
        study.environment.update(served, **{MARK: str(study.folder)})
        places.append(study)
        return study

    yield new
    for study in places:
        for process in ours(study):
            process.kill()


@pytest.fixture(scope="module")
def uninterrupted(make):
    """Results of the study without interruption, and its duration."""
    study = make("uninterrupted")
    started = time.monotonic()
    study.run(*RUN)
    return contents(study), time.monotonic() - started


@pytest.fixture(scope="module")
def again(make):
    """A study whose runs the next tests interrupt one after the other."""
    return make("again")


def ours(study):
    """The processes that were started for a study and live."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            marked = process.environ().get(MARK) == str(study.folder)
            if marked and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def part(process):
    """Role of a process in a run."""
    with suppress(psutil.Error):
        words = process.cmdline()
        if "flows.trainings.worker_process" in words:
            return "worker" if process.name() == "gatewise worker" else "pool"
        if "flows.system.bound" in words and "dvc" in words:
            return "commit" if "commit" in words else "dvc"
        return "command"
    return None


def children(process, name):
    """The processes below another that play a part."""
    with suppress(psutil.Error):
        return [c for c in psutil.Process(process.pid).children(True) if part(c) == name]
    return []


def is_putting(study):
    """Return whether an entry of the store is being written."""
    with suppress(FileNotFoundError):
        return any((study.folder / ".gatewise/store/unfinished").iterdir())
    return False


def strike(study, process, victim, delay, how):
    """Send a signal to a part of a run, a moment after it has begun its work.

    Returns:
        Whether it was there: a run may end before.
    """
    over = process.poll
    if victim == "store":
        wait_for(lambda: over() is not None or is_putting(study))
        target = process
    elif victim in {"worker", "commit"}:
        wait_for(lambda: over() is not None or children(process, victim))
        time.sleep(delay)
        target = (children(process, victim) or [None])[0]
    else:
        with suppress(subprocess.TimeoutExpired):
            process.wait(delay)
        target = process
    if over() is not None or target is None:
        return False
    with suppress(psutil.NoSuchProcess):
        target.send_signal(how)
    return True


def check_nothing_goes_on(study):
    wait_for(lambda: not ours(study), seconds=60)
    # Init may take its time with zombies, and what they had locked is locked for DVC till then.
    wait_for(lambda: not any(is_zombie_of(study, p) for p in psutil.process_iter()), seconds=60)


def is_zombie_of(study, process):
    with suppress(psutil.Error):
        return process.status() == psutil.STATUS_ZOMBIE and process.ppid() == os.getpid()
    return False


def check_nothing_is_left(study):
    layout = Layout(study.folder)
    assert not list(layout.training.glob("*"))
    assert not list(layout.scratch.glob("*"))
    assert not (layout.state / "run.json").exists()
    assert not (layout.state / "dvc.lock").exists()
    assert not is_putting(study)


def begin_anew(study):
    """Take away all that a run makes, except for what DVC has in its cache."""
    for name in (*OUTPUTS, ".gatewise", ".dvc/cache/runs"):
        path = study.folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


@pytest.mark.thorough
def test_killed_at_random_again_and_again_it_ends_the_same(again, uninterrupted):
    expected, seconds = uninterrupted
    draw = random.Random(20)
    struck, early = [], {}
    victims = ["flow", "flow", "worker", "store", "commit", "repro"]
    for number in range(ROUNDS):
        victim = victims[number % len(victims)]
        command = REPRO if victim == "repro" else RUN
        delay = draw.uniform(0.2, 0.8) * seconds if victim in {"flow", "repro"} else draw.random()
        process = again.start(*command, start_new_session=True)
        there = strike(again, process, victim, delay / early.get(victim, 1), signal.SIGKILL)
        early[victim] = early.get(victim, 1) * (1 if there else 2)  # it is quicker than it was
        struck.append((victim, there))
        output, _ = process.communicate(timeout=240)
        check_nothing_goes_on(again)
        if process.returncode == 0:  # it had ended, or went on without a worker that was lost
            assert contents(again) == expected, (number, struck, output)
            check_nothing_is_left(again)
            begin_anew(again)
    again.run(*RUN)
    assert contents(again) == expected
    check_nothing_is_left(again)
    check_nothing_goes_on(again)
    assert again.run("dvc", "status").strip() == "Data and pipelines are up to date."
    if ROUNDS >= ENOUGH:
        assert {victim for victim, there in struck if there} == set(victims), struck


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.one_in(2)
def test_run_that_is_told_to_end_ends_its_workers_at_once(again, uninterrupted, how):
    begin_anew(again)
    process = again.start(*RUN, start_new_session=True)
    assert strike(again, process, "worker", 0.1, 0), "no worker trained"
    process.send_signal(how)
    output, _ = process.communicate(timeout=60)
    assert process.returncode in {-how, 128 + how}
    assert "Traceback" not in output
    check_nothing_goes_on(again)
    again.run(*RUN)
    assert contents(again) == uninterrupted[0]


def test_lost_worker_costs_nothing_but_time(again, uninterrupted):
    begin_anew(again)
    process = again.start(*RUN, start_new_session=True)
    growing = Layout(again.folder).training
    wait_for(lambda: process.poll() is not None or list(growing.glob("*/metrics.jsonl")))
    assert strike(again, process, "worker", 0, signal.SIGKILL)
    output, _ = process.communicate(timeout=240)
    assert process.returncode == 0, output
    assert contents(again) == uninterrupted[0]
    store = open_store(Layout(again.folder))
    assert len(store.identities("training")) == 4
    check_nothing_is_left(again)
