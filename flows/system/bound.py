"""python -m flows.system.bound PARENT MODULE [ARGUMENT ...]: a module that ends with its parent.

With --group before the module, the module runs in a process group that ends with the parent. Use it
for modules that start other processes. Processes that these put into new groups end too; Prefect's
worker starts flow runs in that way.

The child makes the setting itself, since code between fork and exec is not safe in a parent
with threads. It knows the parent's process id, PARENT, because the parent may have ended before.
This file imports little, so that it starts quickly.
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
"""Seconds that a group has to end by itself before it is killed."""

LOOK_SECONDS = 0.02
"""Seconds between killing processes and looking for those that are left."""

OBJECTS = 50_000
"""New objects between two garbage collections; Python's 700 is too low for large libraries."""


def die_with_parent(how: signal.Signals = signal.SIGKILL, parent: int | None = None) -> None:
    """Have the kernel signal this process when its parent ends, however that ends.

    Args:
        how: The signal.
        parent: Process id of the parent, which may have ended already; the present parent if None.
            It is the thread that started this process whose end counts.
    """
    parent = os.getppid() if parent is None else parent
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, how)
    if os.getppid() != parent:
        os.kill(os.getpid(), how)


def name_process(name: str) -> None:
    """Have `ps` and `top` show a name for this process; the kernel keeps 15 bytes of it."""
    ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode())


def collect_seldom() -> None:
    """Collect garbage rarely, and not at exit; imports of our libraries take a quarter less time.

    Of the half a million objects that they create, almost none are garbage.
    """
    gc.set_threshold(OBJECTS)
    atexit.register(gc.freeze)


def bound_command(module: str, *arguments: str) -> list[str]:
    """The command that runs a module as a process that ends with its parent."""
    return [sys.executable, "-m", "flows.system.bound", str(os.getpid()), module, *arguments]


def bound_group_command(module: str, *arguments: str) -> list[str]:
    """The command that runs a module and its children as a group; start it in a new session."""
    return bound_command("--group", module, *arguments)


def run_group(parent: int, arguments: list[str]) -> NoReturn:
    """Run a module as a child; when it or the parent ends, kill the processes left in the group."""

    def begin(_signal: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        Ending().begin()

    # Processes that lose their parent become our children, so that `descendants` finds them.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    child = subprocess.Popen(bound_command(*arguments))
    signal.signal(signal.SIGTERM, begin)
    die_with_parent(signal.SIGTERM, parent)
    child.wait()
    end_all()


class Ending:
    """Asks all descendants of this process to end, and kills them after a while.

    The group is asked first. Once it can start nothing more, descendants in other sessions are
    asked, each second. So their parents can still see how they end.
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
        """Ask all descendants that have not been asked yet; when the time is over, kill them."""
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
    """Kill this process, its group, and all its descendants."""
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
    """The children of a process and their descendants, also ended ones that nobody waited for."""
    found: list[int] = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for thread in Path(f"/proc/{process}/task").iterdir():
            for child in map(int, (thread / "children").read_text(encoding="utf-8").split()):
                found += [child, *descendants(child)]
    return found


def send(process: int, what: signal.Signals) -> None:
    """Signal a process, unless it has ended."""
    with suppress(ProcessLookupError):
        os.kill(process, what)


if __name__ == "__main__":
    if sys.argv[2] == "--group":
        run_group(int(sys.argv[1]), sys.argv[3:])
    die_with_parent(parent=int(sys.argv[1]))
    collect_seldom()
    del sys.argv[:2]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
