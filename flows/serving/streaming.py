"""Send text piece by piece, as server-sent events (HTML Living Standard, section 9.2).

Events are `piece` with `text`, then `end` with the fields of an answer, or `error`.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor
from typing import Any

from pydantic_core import to_json

from flows.serving.desk import BUSY, Desk
from flows.serving.failures import RefusedError, without_input
from rnn_core.errors import DataError

TAKE_SECONDS = 0.03
"""Seconds of writing whose pieces are sent together; the first piece is sent at once."""


class Stream:
    """A text that a version is writing.

    Args:
        desk: The desk of the version.
        prompt: The text to continue.
        parameters: Options of the answer, the task's `AnswerParameters`.
        pool: The threads for writing.
    """

    def __init__(self, desk: Desk, prompt: str, parameters: Any, pool: Executor) -> None:
        task: Any = desk.version.task
        self.desk = desk
        self.prompt = prompt
        self._pieces: Iterator[str] = task.stream(desk.version.model, prompt, parameters)
        self._pool = pool
        self._deadline = time.monotonic() + desk.limits.seconds
        self._first: list[str] = []
        self._is_open = False

    async def begin(self) -> None:
        """Read the prompt and write the first piece.

        Raises:
            RefusedError: If the prompt cannot be read, or too many texts are being written.
        """
        if self.desk.streams >= self.desk.limits.streams:
            raise RefusedError(429, "this model is writing too many texts; try again", BUSY)
        self.desk.streams += 1
        self._is_open = True
        try:
            self._first = await self._take(0.0)
        except DataError as error:
            self.close()
            names = self.desk.version.schema.names
            raise RefusedError(422, without_input(str(error), names, {self.prompt})) from None
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Free the place for another text."""
        if self._is_open:
            self._is_open = False
            self.desk.streams -= 1

    async def _take(self, seconds: float) -> list[str]:
        """Take the pieces that are written within a time, at least one; empty at the end."""
        return await asyncio.get_running_loop().run_in_executor(
            self._pool, gather, self._pieces, seconds
        )

    async def events(self, failed: Callable[[Exception], str]) -> AsyncIterator[bytes]:
        """The events of the text.

        Args:
            failed: Logs an error, and returns the reason for the response.
        """
        count, started = 0, time.monotonic()
        pieces = self._first
        try:
            while pieces:
                count += len(pieces)
                yield event("piece", {"text": "".join(pieces)})
                if time.monotonic() > self._deadline:
                    limit = self.desk.limits.seconds
                    yield event("error", {"error": f"it was stopped after {limit:g} s"})
                    return
                pieces = await self._take(TAKE_SECONDS)
            passed = {"pieces": count, "seconds": round(time.monotonic() - started, 6)}
            yield event("end", self.desk.version.told | passed)
        except Exception as error:  # noqa: BLE001 - logged, since the response has begun
            yield event("error", {"error": failed(error)})
        finally:
            self.close()


def gather(pieces: Iterator[str], seconds: float) -> list[str]:
    """Collect the pieces that come within a time, at least one; empty at the end."""
    end, found = time.monotonic() + seconds, []
    for piece in pieces:
        found.append(piece)
        if time.monotonic() >= end:
            break
    return found


def event(kind: str, content: dict[str, Any]) -> bytes:
    """The bytes of an event; JSON has no line breaks, so that it is one line."""
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), to_json(content))
