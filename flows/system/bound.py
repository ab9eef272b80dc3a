"""python -m flows.system.bound MODULE [ARGUMENT ...]: run a module that ends with its parent.

With --group before the module, it runs as a child in a process group that ends with the
parent as a whole, for modules that start processes of their own.

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
from types import FrameType
from typing import NoReturn

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15

GRACE_SECONDS = 8
"""How long a group has to end by itself before it is made to."""

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

    def force(_signal: int, _frame: FrameType | None) -> None:
        os.killpg(0, signal.SIGKILL)

    def pass_on(_signal: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGALRM, force)
        signal.alarm(GRACE_SECONDS)
        os.killpg(0, signal.SIGTERM)

    child = subprocess.Popen(bound_command(*arguments))
    signal.signal(signal.SIGTERM, pass_on)
    die_with_parent(signal.SIGTERM)
    child.wait()
    os.killpg(0, signal.SIGKILL)
    raise AssertionError("a process that kills its group does not go on")


if __name__ == "__main__":
    if sys.argv[1] == "--group":
        run_group(sys.argv[2:])
    die_with_parent()
    collect_seldom()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
