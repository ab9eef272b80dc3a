"""Have challengers answer the requests to champions too; no sender waits for them."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pandas as pd

from flows.serving.answer_log import LoggedAnswer, log_file, write_answers
from flows.serving.desk import Desk
from flows.serving.shelf import Place, Shelf
from flows.serving.version import Limits, Version
from flows.system.os_errors import with_cure
from flows.tracking.alias import CHALLENGER
from flows.tracking.promoted import ALIAS
from flows.tracking.rows import Row, rows_of
from rnn_core.truth.matching import matcher_of

log = logging.getLogger("gatewise.serving")

MOST_WAITING = 8
"""Most requests that wait for challengers; while there are more, new ones are left out."""

ECHOED = "file"
"""The column of an answer that repeats the input."""


@dataclass(frozen=True)
class Answered:
    """A request and the answer of a version.

    Attributes:
        version: The version that answered.
        table: The input.
        parameters: Options of the answer.
        rows: The answer.
        seconds: Time of the answer.
    """

    version: Version
    table: pd.DataFrame
    parameters: Any
    rows: list[Row]
    seconds: float


class Shadows:
    """The challengers of all served champions, and the log of both answers.

    Args:
        limits: Limits on requests.
        seat: Makes the desk of a version.
        with_inputs: Whether the log has inputs too.
    """

    def __init__(
        self, limits: Limits, seat: Callable[[Version], Desk], *, with_inputs: bool
    ) -> None:
        self.shelf = Shelf((), limits, seat, follows_all=False)
        self.with_inputs = with_inputs
        self.left_out = 0
        self._logs = True
        self._going_on: set[asyncio.Task[None]] = set()

    async def refresh(self, champions: dict[str, Place]) -> None:
        """Load the current challengers."""
        for key, place in champions.items():
            if place.asked.alias == ALIAS and key not in self.shelf.places:
                asked = Place(type(place.asked)(key, place.asked.name, CHALLENGER, None))
                self.shelf.places[key] = asked
        await self.shelf.refresh()

    def ask(self, key: str, answered: Answered) -> None:
        """Have the challenger of a model answer a request to the champion."""
        place = self.shelf.places.get(key)
        if place is None or place.desk is None or place.problem is not None:
            return
        if len(self._going_on) >= MOST_WAITING:
            self.left_out += 1
            return
        task = asyncio.create_task(self._answer(place.desk, answered))
        self._going_on.add(task)
        task.add_done_callback(self._going_on.discard)

    async def settled(self) -> None:
        """Wait for the answers that are being computed."""
        while self._going_on:
            await asyncio.gather(*self._going_on)

    async def _answer(self, desk: Desk, answered: Answered) -> None:
        """Answer, and log both answers; errors are logged and have no other effect."""
        started = time.perf_counter()
        try:
            rows = await desk.answer(answered.table, answered.parameters)
            second = Answered(
                desk.version,
                answered.table,
                answered.parameters,
                rows,
                time.perf_counter() - started,
            )
            await self._log(answered, second)
        except Exception as error:  # noqa: BLE001 - the champion's answer has been sent
            log.warning(
                "%s: its challenger, version %s, gave no answer that could be logged: %s",
                answered.version.name,
                desk.version.number,
                type(error).__name__,
            )

    async def _log(self, first: Answered, second: Answered) -> None:
        """Log both answers; if that is not possible, as on a full disk, tell it once."""
        try:
            await asyncio.to_thread(note, first, second, with_inputs=self.with_inputs)
        except OSError as error:
            if self._logs:
                file, why = log_file(first.version.name), with_cure(error) or error
                log.warning("answers are not logged in %s: %s", file, why)
            self._logs = False
        else:
            self._logs = True


def note(first: Answered, second: Answered, *, with_inputs: bool) -> None:
    """Log the answers of a champion and of its challenger, row by row."""
    matcher, table = matcher_of(first.version.kind), first.table
    if matcher is None or len(first.rows) != len(second.rows):
        return
    keys = matcher.keys(first.version.task, table, pd.DataFrame(first.rows))
    is_by_row = with_inputs and len(table) == len(keys)
    given = rows_of(table) if is_by_row else [None] * len(keys)
    now, request = round(time.time(), 3), uuid4().hex
    entries = [
        LoggedAnswer(
            time=now,
            request=request,
            key=key,
            champion=first.version.number,
            challenger=second.version.number,
            answers=(without_echo(ours), without_echo(theirs)),
            seconds=(round(first.seconds, 6), round(second.seconds, 6)),
            given=row,
        )
        for key, ours, theirs, row in zip(keys, first.rows, second.rows, given, strict=True)
    ]
    write_answers(log_file(first.version.name), entries)


def without_echo(row: Row) -> Row:
    """A row without the column that repeats the input."""
    return {name: value for name, value in row.items() if name != ECHOED}
