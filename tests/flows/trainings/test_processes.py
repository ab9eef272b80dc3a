"""Processes: one at a time where it matters, and none that outlives what it works for."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from flows.layout import Layout
from flows.system import servers
from rnn_core.files import digest_of, read_json_lines

WAIT_SECONDS = 20

SALES = {
    "study": "alone",
    "device": "cpu",
    "seeds": [0],
    "cells": ["gru"],
    "sizes": ["equal"],
    "tuning": None,
    "datasets": {
        "sales": {
            "source": "sales.csv",
            "task": "forecasting",
            "data": {"targets": ["y"], "lookback": 12, "horizon": 3},
            "model": {"hidden_size": 4},
            "training": {"epochs": 1},
        }
    },
}


def wait_for(condition):
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.01)
    raise AssertionError("it did not happen in time")


def lives(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def start(tmp_path):
    """Starts Python on a program in a folder of its own; ends it with the test."""
    started = []

    def run(program, *arguments):
        process = subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


HOLD = """
import sys, time
from pathlib import Path
from flows.layout import Layout
from flows.system import servers
from flows.trainings.processes import exclusive
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


PARENT = """
import subprocess, sys, time
from flows.system import bound
make, alone = getattr(bound, sys.argv[1]), "group" in sys.argv[1]
subprocess.Popen(make("family", *sys.argv[2:]), start_new_session=alone)
time.sleep(60)
"""

FAMILY = """
import os, signal, subprocess, sys, time
if "grandchild" in sys.argv or "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
elif "with-grandchild" in sys.argv:
    subprocess.Popen([sys.executable, "family.py", "grandchild"])
print(os.getpid(), *sys.argv[1:], flush=True)
time.sleep(60)
"""


@pytest.fixture
def family(start, tmp_path):
    """Starts a parent with the given command, and tells the processes below it."""
    (tmp_path / "family.py").write_text(FAMILY)
    seen = []

    def begin(command, *arguments, size):
        parent = start(PARENT, command, *arguments)
        seen.extend(int(parent.stdout.readline().split()[0]) for _ in range(size))
        children = [child.pid for child in psutil.Process(parent.pid).children(recursive=True)]
        assert set(seen) <= set(children)
        seen.extend(children)
        return parent, children

    yield begin
    for pid in filter(lives, seen):
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_bound_child_is_gone_after_its_parent(family, how):
    parent, children = family("bound_command", "an argument", size=1)
    assert len(children) == 1
    parent.send_signal(how)
    wait_for(lambda: not any(map(lives, children)))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_bound_group_is_gone_after_its_parent(family, how):
    """Wrapper, child, and a grandchild that does not listen to SIGTERM."""
    parent, children = family("bound_group_command", "with-grandchild", size=2)
    assert len(children) == 3
    parent.send_signal(how)
    wait_for(lambda: not any(map(lives, children)))


def test_bound_group_that_does_not_listen_is_gone_after_its_parent(family):
    parent, children = family("bound_group_command", "stubborn", size=1)
    assert len(children) == 2
    parent.kill()
    wait_for(lambda: not any(map(lives, children)))


def test_bound_group_is_gone_after_its_first_process(family):
    _, children = family("bound_group_command", "with-grandchild", size=2)
    wrapper = next(pid for pid in children if "--group" in psutil.Process(pid).cmdline())
    os.kill(wrapper, signal.SIGTERM)
    wait_for(lambda: not any(map(lives, children)))


def test_bound_module_gets_its_arguments(start, tmp_path):
    (tmp_path / "told.py").write_text("import sys\nprint(__name__, *sys.argv[1:])\n")
    program = (
        "import subprocess, flows.system.bound as b;"
        "subprocess.run(b.bound_command('told', '--x', 'y'))"
    )
    output, errors = start(program).communicate(timeout=WAIT_SECONDS)
    assert (output, errors) == ("__main__ --x y\n", "")


def test_age_is_the_time_since_the_start(start):
    program = (
        "import time; from flows.trainings.processes import age_seconds; time.sleep(0.7);"
        "print(age_seconds(), time.monotonic())"
    )
    before = time.monotonic()
    process = start(program)
    after = time.monotonic()
    age, now = map(float, process.communicate(timeout=WAIT_SECONDS)[0].split())
    assert now - after - 0.2 < age < now - before + 0.2


def test_stage_that_fails_says_so_in_a_line_and_notes_no_time(new_study):
    study = new_study(SALES)
    (study.folder / "sales.csv").unlink()
    output = study.run("gatewise", "ingest", "sales", code=1)
    assert output.startswith("error: params.yaml: datasets.sales.source: there is no ")
    assert output.count("\n") == 1
    layout = Layout(study.folder)
    assert not layout.timings.exists()
    assert not layout.raw("sales").exists()


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
    stages = [record["stage"] for record in read_json_lines(layout.timings)]
    assert stages == ["ingest@sales"] + 3 * ["prepare@sales"]


def test_pages_of_prefect_ask_the_server_where_it_listens(monkeypatch, tmp_path):
    """Left to themselves, they ask at the default port."""
    program = "import os; print(os.environ['PREFECT_SERVER_UI_API_URL'])"
    monkeypatch.setattr(servers, "REPOSITORY", tmp_path)
    monkeypatch.setattr(servers, "bound_group_command", lambda *_: [sys.executable, "-c", program])
    with servers.prefect(4321) as server:
        server.process.wait(timeout=10)
    assert server.log.read_text() == "http://127.0.0.1:4321/api\n"


def test_garbage_is_still_collected_though_seldom():
    program = (
        "import gc\n"
        "from flows.system.bound import OBJECTS, collect_seldom\n"
        "collect_seldom()\n"
        "most = ended = 0\n"
        "class Cycle:\n"
        "    def __init__(self):\n"
        "        self.own = self\n"
        "    def __del__(self):\n"
        "        global ended\n"
        "        ended += 1\n"
        "for made in range(1, 3 * OBJECTS):\n"
        "    Cycle()\n"
        "    most = max(most, made - ended)\n"
        "assert OBJECTS / 4 < most < 2 * OBJECTS, most\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
