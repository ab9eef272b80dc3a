"""python -m flows.trainings.worker_process [MODULE ...]: the process that workers are forked from.

It imports the modules once. Then it forks a worker for each request that it reads from the socket
on its standard input: a message with the worker's device, and two connections. The first carries
jobs to the worker and their outcomes back. Over the second this process reports the worker's
process id and, when the worker has ended, its exit code.

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
    """Import the modules and fork workers until the pool has ended."""
    die_with_parent()
    name_process("gatewise pool")
    use_one_thread()
    collect_seldom()
    requests = take_standard_input()
    error = import_all(sys.argv[1:])
    gc.freeze()  # pages that the collector never touches stay shared
    serve(requests, error)
    os._exit(0)


def take_standard_input() -> socket.socket:
    """Take over the socket on standard input; jobs that read standard input get nothing."""
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
    except BaseException as error:  # noqa: BLE001 - each request for a worker gets it
        return portable(error)
    return None


def serve(requests: socket.socket, error: Exception | None) -> None:
    """Fork the requested workers and report their ends, until the pool closes the socket.

    Args:
        requests: The socket that requests come from.
        error: The reason why no worker can be forked; None if there is none.
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
    """Read a request: the device of the worker and its two connections; None at the end."""
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
    """Send something to the pool, unless it has closed the connection."""
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
    """Fork a worker; returns its process id."""
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
    """Close the connections that a worker inherits but does not use."""
    others = list(ready.get_map().values())
    ready.close()
    for key in others:
        os.close(key.fd)
        if key.data:
            _, reports = key.data
            reports.close()


def be_worker(device: str | None, jobs: Connection) -> NoReturn:
    """Do jobs one after another, until the connection closes.

    Args:
        device: The one device that jobs can use; None if they can use all.
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
    """Do a job; returns a pickled pair of its result and its error; one of them is None."""
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
    """An error that can be pickled: the same one if possible, else a StudyError with its text."""
    try:
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - pickled in the line itself
    except Exception:  # noqa: BLE001 - each library pickles its errors in its own way
        copy = None
    if isinstance(copy, Exception) and str(copy) == str(error):
        return copy
    return StudyError(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
