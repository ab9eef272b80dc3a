"""Answer the requests to a version in the order of their arrival, in batches."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from flows.serving.failures import RefusedError, without_input
from flows.serving.version import Limits, Version
from flows.tracking.rows import Row, numbered, rows_of, texts_in
from rnn_core.errors import DataError

BUSY = {"Retry-After": "1"}


@dataclass
class Job:
    """A request that waits for its answer.

    Attributes:
        table: Its input.
        parameters: Options of the answer.
        deadline: Latest time of the answer, on the clock of `time.monotonic`.
        begun: Whether it is being answered.
        done: Gets the rows of the answer.
    """

    table: pd.DataFrame
    parameters: Any
    deadline: float
    done: "asyncio.Future[list[Row]]"
    begun: bool = field(default=False, init=False)

    def goes_with(self, other: "Job") -> bool:
        """Return whether both can be answered together."""
        return self.parameters == other.parameters and list(self.table) == list(other.table)

    def check_time(self) -> None:
        """Check that the request is still waiting.

        Raises:
            TimeoutError: If its time is over, or its sender has gone.
        """
        if time.monotonic() > self.deadline or self.done.cancelled():
            raise TimeoutError


class Desk:
    """A queue of requests to a version.

    One batch is answered at a time, in a thread: PyTorch releases Python's lock meanwhile. Requests
    that arrive in this time wait. They form the next batch, if rows of the task are independent.

    Args:
        version: The version that answers.
        limits: Limits on requests.
        pool: The threads.
        batched: Called with the number of rows of each batch.
    """

    def __init__(
        self, version: Version, limits: Limits, pool: Executor, batched: Callable[[int], None]
    ) -> None:
        self.version = version
        self.limits = limits
        self.streams = 0
        self._pool = pool
        self._batched = batched
        self._waiting: deque[Job] = deque()
        self._work: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Number of waiting requests."""
        return len(self._waiting)

    @property
    def is_busy(self) -> bool:
        """True while requests are being answered."""
        return self._work is not None

    async def answer(self, table: pd.DataFrame, parameters: Any) -> list[Row]:
        """Answer a table.

        Raises:
            RefusedError: If too many requests wait, it takes too long, or the input is wrong.
        """
        if len(self._waiting) >= self.limits.waiting:
            raise RefusedError(429, "too many requests wait for this model; try again", BUSY)
        deadline = time.monotonic() + self.limits.seconds
        job = Job(table, parameters, deadline, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        if self._work is None:
            self._work = asyncio.create_task(self._drain())
        try:
            async with asyncio.timeout(self.limits.seconds):
                return await job.done
        except TimeoutError:
            raise late(job.begun, self.limits.seconds) from None

    async def _drain(self) -> None:
        """Answer until no request waits."""
        loop = asyncio.get_running_loop()
        try:
            while batch := self._take():
                rows = sum(len(job.table) for job in batch)
                self._batched(rows)
                version, most = self.version, self.limits.batch
                found = await loop.run_in_executor(self._pool, answers, version, batch, most)
                for job, result in zip(batch, found, strict=True):
                    settle(job, result)
        finally:
            self._work = None

    def _take(self) -> list[Job]:
        """Take the next requests that can be answered together, without those that gave up."""
        while self._waiting and self._waiting[0].done.done():
            self._waiting.popleft()
        if not self._waiting:
            return []
        first = self._waiting.popleft()
        batch, rows, others = [first], len(first.table), []
        for job in self._waiting if self.version.task.rows_stand_alone else ():
            fits = rows + len(job.table) <= self.limits.batch and first.goes_with(job)
            if fits and not job.done.done():
                batch.append(job)
                rows += len(job.table)
            else:
                others.append(job)
        if len(batch) > 1:
            self._waiting = deque(others)
        for job in batch:
            job.begun = True
        return batch


def late(begun: bool, seconds: float) -> RefusedError:
    """The refusal of a request that took too long."""
    if begun:
        return RefusedError(
            504, f"the answer takes longer than {seconds:g} s; ask for less at once"
        )
    return RefusedError(503, f"the model was busy for {seconds:g} s; try again", BUSY)


def settle(job: Job, result: list[Row] | Exception) -> None:
    """Give a request its answer or error, if it still waits."""
    if job.done.done():
        return
    if isinstance(result, Exception):
        job.done.set_exception(result)
    else:
        job.done.set_result(result)


def answers(version: Version, jobs: Sequence[Job], most: int) -> list[list[Row] | Exception]:
    """Answer requests; an error in one does not affect the others.

    Args:
        version: The version that answers.
        jobs: Requests that can be answered together.
        most: Most rows that are answered at once.

    Returns:
        The rows, or the error, of each request.
    """
    if len(jobs) > 1:
        with suppress(Exception):  # each gets its own error below
            return together(version, jobs)
    return [outcome(version, job, most) for job in jobs]


def together(version: Version, jobs: Sequence[Job]) -> list[list[Row] | Exception]:
    """Answer several requests as one table."""
    names = list(jobs[0].table)
    columns = {n: [value for job in jobs for value in job.table[n].tolist()] for n in names}
    table = numbered(pd.DataFrame(columns))  # `pd.concat` takes as long as an answer
    rows = iter(rows_of(version.task.answer(version.model, table, jobs[0].parameters)))
    return [[next(rows) for _ in range(len(job.table))] for job in jobs]


def outcome(version: Version, job: Job, most: int) -> list[Row] | Exception:
    """Answer a single request; returns the rows or the error."""
    try:
        return [row for part in parts(version, job, most) for row in part]
    except DataError as error:
        return RefusedError(
            422, without_input(str(error), version.schema.names, texts_in(job.table))
        )
    except Exception as error:  # noqa: BLE001 - raised where it is awaited
        return error


def parts(version: Version, job: Job, most: int) -> Iterator[list[Row]]:
    """The rows of an answer, some at a time if rows of the task are independent."""
    task, table = version.task, job.table
    step = len(table) if not task.rows_stand_alone else 1 if version.streams else most
    for first in range(0, len(table), step):
        job.check_time()
        rows = table.iloc[first : first + step]
        yield rows_of(task.answer(version.model, rows, job.parameters))
