"""Workers are gone with the process that has them, whatever ends it."""

import os
import signal
import subprocess
import sys

import psutil
import pytest
from waiting import lives, wait_for
from worker_processes import WAIT_SECONDS, processes_below

PROGRAM = """
import sys, time
from pathlib import Path
import worker_jobs
from flows.trainings.workers import Pool
preload, *work = sys.argv[1:]
with Pool(2, preload=preload.split(), log=Path("log")) as pool:
    for code in work:
        future = pool.submit(*eval(code))
    try:
        print("ready", flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        Path("interrupted").touch()
    print(future.result(20), flush=True)
"""


@pytest.fixture
def start(jobs, tmp_path):
    """Starts a program with a pool of two, as the first of a group; ends it with the test."""
    started = []

    def run(*arguments):
        path = os.pathsep.join(map(os.path.abspath, sys.path))
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{path}"},
            stdout=subprocess.PIPE,
            text=True,
            process_group=0,
        )
        started.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def at_work(parent, names):
    """The processes below one, once those with certain names have computed for a while."""
    below = [psutil.Process(pid) for pid in processes_below(parent.pid)]
    busy = [p.name() for p in below if lives(p.pid) and p.cpu_times().user > 0.1]
    return processes_below(parent.pid) if busy == names else None


def kill_and_wait(parent, below):
    """Kill a process and wait until those that were below it are gone."""
    parent.kill()
    try:
        wait_for(lambda: not any(map(lives, below)))
    finally:
        for pid in filter(lives, below):
            os.kill(pid, signal.SIGKILL)


class TestSignals:
    def test_workers_are_gone_after_a_kill_of_their_parent_whatever_they_do(self, start):
        """One is in a Python loop, one in a long call of C that no other thread interrupts."""
        parent = start("", "(worker_jobs.spin,)", "(sum, range(10**12))")
        below = wait_for(lambda: at_work(parent, ["gatewise worker"] * 2))
        assert len(below) == 3
        kill_and_wait(parent, below)

    def test_import_for_workers_is_gone_after_a_kill_of_their_parent(self, start, tmp_path):
        (tmp_path / "endless.py").write_text("open('begun', 'w').close()\nsum(range(10**12))\n")
        parent = start("endless")
        wait_for((tmp_path / "begun").exists)
        (importing,) = processes_below(parent.pid)
        kill_and_wait(parent, [importing])

    def test_interrupt_of_the_group_is_left_to_the_parent(self, start, tmp_path):
        parent = start("", "(worker_jobs.wait_for_file, 'interrupted', 'begun')")
        wait_for((tmp_path / "begun").exists)
        os.killpg(parent.pid, signal.SIGINT)
        assert parent.communicate(timeout=WAIT_SECONDS)[0] == "it is there\n"
