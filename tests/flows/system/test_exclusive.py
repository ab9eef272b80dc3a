"""One process at a time where it matters."""

import subprocess
import sys

import pytest
from usual_study import SALES, USUAL

from flows.layout import Layout
from rnn_core.files import digest_of

WAIT_SECONDS = 20

SALES = {
    **USUAL,
    "study": "alone",
    "seeds": {"first": 1, "most": 1},
    "cells": ["gru"],
    "datasets": {"sales": SALES},
}


HOLD = """
import sys, time
from pathlib import Path
from flows.layout import Layout
from flows.system.exclusive import exclusive
with exclusive(Layout(Path()), sys.argv[1]):
    print("in", flush=True)
    time.sleep(float(sys.argv[2]))
print("out", flush=True)
"""


def test_second_process_says_that_it_waits_and_goes_on_when_the_first_is_killed(start):
    first = start(HOLD, "train@co2-gru", "30")
    assert first.stdout.readline() == "in\n"
    second = start(HOLD, "train@co2-gru", "0")
    told = second.stderr.readline()
    assert told == "waiting for another process that works on train@co2-gru\n"
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(timeout=0.5)
    first.kill()
    output, more = second.communicate(timeout=WAIT_SECONDS)
    assert (second.returncode, output, more) == (0, "in\nout\n", "")


def test_process_of_another_stage_does_not_wait(start):
    first = start(HOLD, "train@co2-gru", "30")
    assert first.stdout.readline() == "in\n"
    second = start(HOLD, "train@co2-lstm", "0")
    output, told = second.communicate(timeout=WAIT_SECONDS)
    assert (second.returncode, output, told) == (0, "in\nout\n", "")
    assert first.poll() is None


def test_lock_is_free_after_an_error_inside(tmp_path):
    program = HOLD.replace("time.sleep(float(sys.argv[2]))", "raise SystemExit(3)")
    for _ in range(2):
        command = [sys.executable, "-c", program, "flow"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (3, "in\n", "")


def test_two_processes_of_a_stage_at_once_do_not_disturb_each_other(new_study):
    study = new_study(SALES)
    study.run("gatewise", "ingest", "sales")
    study.run("gatewise", "prepare", "sales")
    layout = Layout(study.folder)
    alone = digest_of(layout.prepared("sales"))
    both = [study.start("gatewise", "prepare", "sales") for _ in range(2)]
    outputs = [process.communicate(timeout=WAIT_SECONDS * 3)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert sorted(outputs) == ["", "waiting for another process that works on prepare@sales\n"]
    assert digest_of(layout.prepared("sales")) == alone
    assert list(layout.scratch.iterdir()) == []
