"""python -m flows.trainings.worker_process [MODULE ...]: what workers are forked from.

It imports the modules once. Then it forks a worker for each request that comes by the socket on
its standard input: a message with the worker's device, and two connections. By the first a worker
is sent its jobs and returns what comes of them; by the second this process tells the id of the
worker and, when the worker has ended, its exit code.

The kernel ends this process with the thread that started it, and the workers with this process,
whatever they are doing then.
"""

import gc
import os
import pickle
import selectors
import socket
import sys
import traceback
from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module
from multiprocessing.connection import Connection
from typing import NoReturn

from flows.system.bound import collect_seldom, die_with_parent, name_process
from flows.system.process import use_one_thread
from rnn_core.errors import GatewiseError, StudyError

FAILED = 70
"""Exit code of a worker that failed outside of its job."""


def main() -> None:
    """Import everything and fork workers until the pool is gone."""
    die_with_parent()
    name_process("gatewise pool")
    use_one_thread()
    collect_seldom()
    requests = take_standard_input()
    error = import_all(sys.argv[1:])
    gc.freeze()  # what is never looked at by the collector stays shared
    serve(requests, error)
    os._exit(0)


def take_standard_input() -> socket.socket:
    """The socket on standard input; jobs that read from there find nothing."""
    requests = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return requests


def import_all(modules: Iterable[str]) -> Exception | None:
    """Import modules by name; returns the error of one that cannot be imported."""
    try:
        for module in modules:
            import_module(module)
    except BaseException as error:  # noqa: BLE001 - it is told to whoever asks for a worker
        return portable(error)
    return None


def serve(requests: socket.socket, error: Exception | None) -> None:
    """Fork the workers that are asked for and tell of their ends, until nobody asks any more.

    Args:
        requests: The socket by which the pool asks.
        error: Why no worker can be had.
    """
    with selectors.DefaultSelector() as ready:
        ready.register(requests, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                if key.fileobj is not requests:
                    ready.unregister(key.fileobj)
                    os.close(key.fd)
                    tell_end(*key.data)
                elif request := next_request(requests):
                    device, jobs, reports = request
                    with jobs:
                        answer(ready, device, jobs, reports, error)
                else:
                    return


def next_request(requests: socket.socket) -> tuple[str | None, Connection, Connection] | None:
    """The device of a worker that is asked for, and its two connections; None at the end."""
    message, files, _, _ = socket.recv_fds(requests, 1024, 2, socket.MSG_CMSG_CLOEXEC)
    if not files:
        return None
    jobs, reports = files
    device = pickle.loads(message)  # noqa: S301 - our parent's own
    return device, Connection(jobs), Connection(reports, readable=False)


def answer(
    ready: selectors.BaseSelector,
    device: str | None,
    jobs: Connection,
    reports: Connection,
    error: Exception | None,
) -> None:
    """Fork a worker and report its process, or report why there is none."""
    try:
        process = None if error else fork_worker(ready, device, jobs, reports)
    except OSError as problem:
        process, error = None, problem
    report(reports, process or error)
    if process:
        ready.register(os.pidfd_open(process), selectors.EVENT_READ, (process, reports))
    else:
        reports.close()


def report(reports: Connection, what: object) -> None:
    """Tell the pool something, unless it no longer wants to know."""
    with suppress(BrokenPipeError):
        reports.send(what)


def tell_end(process: int, reports: Connection) -> None:
    """Report the exit code of a worker that has ended."""
    _, status = os.waitpid(process, 0)
    with reports:
        report(reports, os.waitstatus_to_exitcode(status))


def fork_worker(
    ready: selectors.BaseSelector, device: str | None, jobs: Connection, reports: Connection
) -> int:
    """Fork a worker; returns its process."""
    parent = os.getpid()
    if process := os.fork():
        return process
    try:
        die_with_parent()
        if os.getppid() == parent:
            reports.close()
            drop(ready)
            be_worker(device, jobs)
    finally:
        os._exit(FAILED)


def drop(ready: selectors.BaseSelector) -> None:
    """Close what a worker has no business with."""
    others = list(ready.get_map().values())
    ready.close()
    for key in others:
        os.close(key.fd)
        if key.data:
            _, reports = key.data
            reports.close()


def be_worker(device: str | None, jobs: Connection) -> NoReturn:
    """Do the jobs that come, one after another, until there can come no more.

    Args:
        device: The one device that jobs see; None if they see all.
        jobs: Where jobs come from and outcomes go to.
    """
    name_process("gatewise worker")
    if device:
        os.environ["CUDA_VISIBLE_DEVICES"] = device
    while True:
        try:
            job = jobs.recv_bytes()
        except (EOFError, ConnectionError):
            os._exit(0)
        jobs.send_bytes(outcome_of(job))


def outcome_of(job: bytes) -> bytes:
    """Do a job; returns what it returned and what it raised, pickled; one of them is None."""
    try:
        function, arguments, keywords = pickle.loads(job)  # noqa: S301 - our parent's own
        outcome = pickle.dumps((function(*arguments, **keywords), None))
    except BaseException as error:  # noqa: BLE001 - the worker goes on
        if not isinstance(error, GatewiseError):
            traceback.print_exc()
        outcome = pickle.dumps((None, portable(error)))
    sys.stdout.flush()
    sys.stderr.flush()
    return outcome


def portable(error: BaseException) -> Exception:
    """An error as it can be sent to another process: itself, or one that has its text."""
    try:
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - pickled in the line itself
    except Exception:  # noqa: BLE001 - errors of any library are pickled in ways of their own
        copy = None
    if isinstance(copy, Exception) and str(copy) == str(error):
        return copy
    return StudyError(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
