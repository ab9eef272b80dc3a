"""python -m flows.system.bound MODULE [ARGUMENT ...]: run a module that ends with its parent.

With --group before the module, it runs as a child in a process group that ends with the
parent as a whole, for modules that start processes of their own. So do processes that these put
into groups of their own, as Prefect's worker does with what it runs.

A child makes the setting itself, since code between fork and exec is not safe in a parent
with threads. This file imports little, so that it costs little.
"""

import atexit
import ctypes
import gc
import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15
PR_SET_CHILD_SUBREAPER = 36

GRACE_SECONDS = 8
"""How long a group has to end by itself before it is made to."""

LOOK_SECONDS = 0.02
"""How long what was killed may take to be gone, before it is looked for again."""

OBJECTS = 50_000
"""New objects between two searches for garbage; Python's own 700 is not for large libraries."""


def die_with_parent(how: signal.Signals = signal.SIGKILL) -> None:
    """Have the kernel signal this process when its parent ends, however that ends.

    The parent is the thread that started this process.
    """
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, how)
    if os.getppid() != parent:
        os.kill(os.getpid(), how)


def name_process(name: str) -> None:
    """Have `ps` and `top` show a name for this process; the kernel keeps 15 bytes of it."""
    ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode())


def collect_seldom() -> None:
    """Search seldom for garbage, and not at the end; importing our libraries takes a quarter less.

    Of the half a million objects that they leave, next to none are garbage.
    """
    gc.set_threshold(OBJECTS)
    atexit.register(gc.freeze)


def bound_command(module: str, *arguments: str) -> list[str]:
    """The command that runs a module as a process that ends with its parent."""
    return [sys.executable, "-m", "flows.system.bound", module, *arguments]


def bound_group_command(module: str, *arguments: str) -> list[str]:
    """The command that runs a module and its children as a group; wants its own session."""
    return bound_command("--group", module, *arguments)


def run_group(arguments: list[str]) -> NoReturn:
    """Run a module as a child; once it ends, end what is left of the group."""

    def begin(_signal: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        Ending().begin()

    # What loses its parent becomes our child, so that it is found.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    child = subprocess.Popen(bound_command(*arguments))
    signal.signal(signal.SIGTERM, begin)
    die_with_parent(signal.SIGTERM)
    child.wait()
    end_all()


class Ending:
    """Asks all that descends from this process to end, and makes it after a while.

    The group is asked first, and then, again and again, what has sessions of its own: by then
    nothing starts any more of these, and who started them still hears how they end.
    """

    def __init__(self) -> None:
        self.asked: set[int] = set()
        self.rounds = 0

    def begin(self) -> None:
        """Ask the group."""
        self.ask(p for p in descendants(os.getpid()) if os.getsid(p) == os.getsid(0))
        signal.signal(signal.SIGALRM, self.go_on)
        signal.setitimer(signal.ITIMER_REAL, 1, 1)

    def go_on(self, _signal: int, _frame: FrameType | None) -> None:
        """Ask all that was not asked yet; once the time is over, end it."""
        self.rounds += 1
        if self.rounds == GRACE_SECONDS:
            end_all()
        self.ask(descendants(os.getpid()))

    def ask(self, processes: Iterable[int]) -> None:
        """Ask processes to end, each once."""
        for process in processes:
            if process not in self.asked:
                send(process, signal.SIGTERM)
                self.asked.add(process)


def end_all() -> NoReturn:
    """End this process, its group, and all that descends from it."""
    while found := descendants(os.getpid()):
        for process in found:
            send(process, signal.SIGKILL)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(LOOK_SECONDS)
    os.killpg(0, signal.SIGKILL)
    raise AssertionError("a process that kills its group does not go on")


def descendants(process: int) -> list[int]:
    """The children of a process, with theirs; those that have ended and are not waited for too."""
    found: list[int] = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for thread in Path(f"/proc/{process}/task").iterdir():
            for child in map(int, (thread / "children").read_text().split()):
                found += [child, *descendants(child)]
    return found


def send(process: int, what: signal.Signals) -> None:
    """Signal a process, unless it is gone."""
    with suppress(ProcessLookupError):
        os.kill(process, what)


if __name__ == "__main__":
    if sys.argv[1] == "--group":
        run_group(sys.argv[2:])
    die_with_parent()
    collect_seldom()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
