"""The process of a stage: one at a time for each stage, and none that outlives DVC."""

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from filelock import FileLock, Timeout

from flows.layout import Layout
from flows.system.bound import die_with_parent

CALLED = "GATEWISE_CALLED"
"""Variable with the time at which DVC called for a stage whose process was there before."""


def run_stage(verb: str, *names: str) -> None:
    """Run a stage of the study in the current folder, on one thread.

    Args:
        verb: The stage's verb, which is also its module and function.
        names: The dataset, or the dataset and the cell, if the stage has them.
    """
    use_one_thread()
    layout = Layout()
    stage = "@".join([verb, "-".join(names)]) if names else verb
    with stage_process(layout, stage):
        run: Callable[..., None] = getattr(import_module(f"flows.stages.{verb}"), verb)
        run(layout, *names)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # torch takes half a second to tidy up a process that is done


def use_one_thread() -> None:
    """Keep numeric libraries from using more; they read it when they are first imported."""
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ[f"{library}_NUM_THREADS"] = "1"


@contextmanager
def stage_process(layout: Layout, stage: str) -> Iterator[None]:
    """Be the one process of a stage, and note what it took.

    Args:
        layout: Where the study keeps things.
        stage: Name of the stage, such as "train@co2-gru".
    """
    die_with_parent()
    startup = age_seconds()
    with exclusive(layout, stage):
        yield
    layout.state.mkdir(parents=True, exist_ok=True)
    record = {
        "stage": stage,
        "seconds": round(age_seconds(), 3),
        "startup_seconds": round(startup, 3),
        "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "time": round(time.time()),
    }
    with layout.timings.open("a") as file:
        file.write(json.dumps(record) + "\n")


def age_seconds() -> float:
    """How long the stage has lived: since DVC called for it, if its process is older."""
    if called := os.environ.get(CALLED):
        return now() - float(called)
    after_name = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    started = int(after_name[19]) / os.sysconf("SC_CLK_TCK")
    return now() - started


def now() -> float:
    """Seconds since the machine was started, by the clock that does not jump."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@contextmanager
def exclusive(layout: Layout, name: str) -> Iterator[None]:
    """Hold a lock of the study; wait, and say so, while another process holds it.

    The kernel releases the lock when its holder ends, however that ends.
    """
    layout.locks.mkdir(parents=True, exist_ok=True)
    lock = FileLock(layout.locks / f"{name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        sys.stderr.write(f"waiting for another process that works on {name}\n")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
