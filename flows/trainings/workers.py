"""A pool of warm workers: processes with all imports done that take one job after another."""

import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import IO, Any, ParamSpec, Self, TypeVar

from rnn_core.errors import ParameterError, StudyError

P = ParamSpec("P")
T = TypeVar("T")

END_SECONDS = 5
"""Seconds that the end of a pool waits for workers that the kernel cannot end yet."""


class WorkerLostError(StudyError):
    """The process of a worker ended before its job did; the job may be tried again."""


@dataclass(frozen=True)
class Job:
    """A call that a worker makes.

    Attributes:
        call: The pickled function with its arguments.
        future: Gets its result or error.
    """

    call: bytes
    future: Future[Any]

    def cancel(self) -> None:
        """Cancel the future, also for those that already wait for it."""
        self.future.cancel()
        self.future.set_running_or_notify_cancel()


class Pool:
    """Workers on this machine, each a process with one thread; first come, first served.

    Modules are imported once, in the background, by the process that the workers are forked from;
    this process imports none of them. A worker starts with its first job. The kernel ends all
    workers with this process, however it ends. Only this process reacts to Ctrl-C.

    Args:
        num_workers: Number of workers, unless there are devices.
        devices: Devices as in CUDA_VISIBLE_DEVICES. Each has exactly one worker, which can use no
            other device.
        preload: Names of modules that jobs need.
        log: File that the output of jobs and tracebacks of their errors are appended to.
        cwd: Folder that jobs run in; the current one by default.

    Raises:
        ParameterError: If there would be no worker, or two on a device.
    """

    def __init__(
        self,
        num_workers: int,
        devices: Sequence[str] = (),
        preload: Sequence[str] = (),
        *,
        log: Path,
        cwd: Path | None = None,
    ) -> None:
        if num_workers < 1 and not devices:
            raise ParameterError(f"workers must be at least 1, not {num_workers}")
        if len(set(devices)) < len(devices):
            raise ParameterError(f"a device is named twice: {', '.join(devices)}")
        self._forkserver = _Forkserver(preload, log.absolute(), cwd or Path.cwd())
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._is_open = False
        places: Sequence[str | None] = devices or [None] * num_workers
        self._threads = [
            threading.Thread(target=self._tend_worker, args=[device], daemon=True)
            for device in places
        ]

    @property
    def num_workers(self) -> int:
        """Number of jobs that run at the same time."""
        return len(self._threads)

    def __enter__(self) -> Self:
        self._is_open = True
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.cancel()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(END_SECONDS)

    def submit(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Let the next free worker call a function.

        Args:
            function: A function of a module that workers can import.
            args: Its arguments; they and what it returns are pickled.
            kwargs: Its arguments by name.

        Returns:
            The future of its result. Its error is the one that the function raises, or a StudyError
            with the text of an error that cannot be pickled; WorkerLostError if the worker dies;
            CancelledError if the pool ends first.

        Raises:
            CancelledError: If the pool has ended, or was not entered.
        """
        future: Future[T] = Future()
        job = Job(pickle.dumps((function, args, kwargs)), future)
        with self._lock:
            if not self._is_open:
                raise CancelledError("these workers have ended")
            self._jobs.put(job)
        return future

    def cancel(self) -> None:
        """End all workers at once: all jobs fail, and no more are accepted."""
        with self._lock:
            self._is_open = False
            with suppress(Empty):
                while True:
                    if job := self._jobs.get_nowait():
                        job.cancel()
        self._forkserver.end()
        for _ in self._threads:
            self._jobs.put(None)

    def _tend_worker(self, device: str | None) -> None:
        """Give jobs to one worker at a time, and replace it when it dies, until the pool ends.

        The kernel ends the fork server with the thread that started it, which runs this method.
        """
        worker = None
        with suppress(OSError, CancelledError):  # the first job fails with it too, and reports it
            self._forkserver.start()
        while job := self._jobs.get():
            if job.future.set_running_or_notify_cancel():
                worker = self._do(job, worker, device)
            del job  # frees its memory while waiting for the next
        if worker:
            worker.close()

    def _do(self, job: Job, worker: "_Worker | None", device: str | None) -> "_Worker | None":
        """Have a job done, by a new worker if there is none; returns the worker if it lives."""
        try:
            if worker and worker.has_ended():
                worker.close()
                worker = None
            worker = worker or self._forkserver.fork_worker(device)
            result, error = pickle.loads(worker.do(job.call))  # noqa: S301 - our own worker's
        except Exception as problem:  # noqa: BLE001 - the future gets any error
            result, error = None, problem if self._is_open else CancelledError()
        if error is None:
            job.future.set_result(result)
        else:
            job.future.set_exception(error)
        return worker


class _Forkserver:
    """The process that workers are forked from; started again if it has died."""

    def __init__(self, preload: Sequence[str], log: Path, cwd: Path) -> None:
        self._preload = preload
        self._log = log
        self._cwd = cwd
        self._lock = threading.Lock()
        self._has_ended = False
        self._process: subprocess.Popen[bytes] | None = None
        self._requests: socket.socket | None = None

    def start(self) -> socket.socket:
        """Start the process unless it is running; returns the socket for requests."""
        with self._lock:
            if self._has_ended:
                raise CancelledError("these workers have ended")
            if self._requests and self._process and self._process.poll() is None:
                return self._requests
            if self._requests:
                self._requests.close()
            self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._log.parent.mkdir(parents=True, exist_ok=True)
            with theirs, self._log.open("ab") as log:
                self._process = self._start(theirs, log)
            return self._requests

    def _start(self, requests: socket.socket, log: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start the process with the module search path of this one."""
        path = os.pathsep.join(os.path.abspath(folder) for folder in sys.path)  # noqa: PTH100
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "flows.trainings.worker_process", *self._preload],
            env={**os.environ, "PYTHONPATH": path},
            cwd=self._cwd,
            stdin=requests.fileno(),
            stdout=log,
            stderr=log,
            process_group=0,  # so that it gets no signals that are sent to our group
        )

    def fork_worker(self, device: str | None) -> "_Worker":
        """Have a worker forked, once the modules have been imported.

        Raises:
            WorkerLostError: If the process died first.
            Exception: The error of an import.
        """
        requests = self.start()
        jobs, jobs_there = Pipe()
        reports, reports_there = Pipe(duplex=False)
        try:
            with jobs_there, reports_there:
                ends = [jobs_there.fileno(), reports_there.fileno()]
                socket.send_fds(requests, [pickle.dumps(device)], ends)
            answer = reports.recv()
            if isinstance(answer, int):
                return _Worker(os.pidfd_open(answer), jobs, reports, self._log)
        except (EOFError, OSError):
            answer = WorkerLostError(
                f"a worker, or what it is forked from, ended too early; {self._log} may say why"
            )
        jobs.close()
        reports.close()
        raise answer

    def end(self) -> None:
        """End the process, and the workers with it; no more are started."""
        with self._lock:
            self._has_ended = True
            if self._process:
                self._process.kill()
                self._process.wait()
            if self._requests:
                self._requests.close()


class _Worker:
    """A process that does jobs, one at a time.

    Args:
        process: File descriptor of the process.
        jobs: Connection for jobs and their outcomes.
        reports: Connection that its exit code comes from.
        log: File that its output goes to.
    """

    def __init__(self, process: int, jobs: Connection, reports: Connection, log: Path) -> None:
        self._process = process
        self._jobs = jobs
        self._reports = reports
        self._log = log

    def do(self, job: bytes) -> bytes:
        """Do a pickled job; returns the pickled outcome.

        Raises:
            WorkerLostError: If the process ended first.
        """
        try:
            self._jobs.send_bytes(job)
            if self._jobs in wait([self._jobs, self._process]):
                return self._jobs.recv_bytes()
        except (EOFError, OSError):
            pass
        wait([self._process])
        raise WorkerLostError(f"a worker {self._end()}; {self._log} may say why")

    def _end(self) -> str:
        """Describe how the process ended."""
        try:
            code = self._reports.recv()
        except EOFError:
            return "ended with the process that it was forked from"
        if code >= 0:
            return f"ended with code {code}"
        names = {number.value: number.name for number in signal.Signals}
        hint = ", as the kernel does where memory is short" if -code == signal.SIGKILL else ""
        return f"was ended by {names.get(-code, f'signal {-code}')}{hint}"

    def has_ended(self) -> bool:
        """Return whether its process has ended."""
        return bool(wait([self._process], 0))

    def close(self) -> None:
        """Wait for its process to end, and close the connections."""
        wait([self._process])
        os.close(self._process)
        self._jobs.close()
        self._reports.close()
