"""Processes of workers, and how their work ended."""

from pathlib import Path

import psutil

WAIT_SECONDS = 20


def processes_below(pid=None):
    return {process.pid for process in psutil.Process(pid).children(recursive=True)}


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def error_of(future):
    return future.exception(WAIT_SECONDS)
