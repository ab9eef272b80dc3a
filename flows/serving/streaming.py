"""Text sent piece by piece, as server-sent events (HTML Living Standard, section 9.2).

Events are `piece` with `text`, then `end` with what an answer has, or `error`.
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
"""How long pieces are gathered that are sent together; the first is sent at once."""


class Stream:
    """A text that is being written by a version.

    Args:
        desk: Where it answers.
        prompt: What to write on from.
        parameters: Of the task's `AnswerParameters`.
        pool: The threads in which it is written.
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
            RefusedError: If the prompt cannot be read, or as many texts are written as may be.
        """
        if self.desk.streams >= self.desk.limits.streams:
            raise RefusedError(429, "this model writes as many texts as it may; try again", BUSY)
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
        """Let others write."""
        if self._is_open:
            self._is_open = False
            self.desk.streams -= 1

    async def _take(self, seconds: float) -> list[str]:
        """Pieces that are written within some time, one at least; none at the end."""
        return await asyncio.get_running_loop().run_in_executor(
            self._pool, gather, self._pieces, seconds
        )

    async def events(self, failed: Callable[[Exception], str]) -> AsyncIterator[bytes]:
        """The events of the text.

        Args:
            failed: Notes an error, and returns what is told of it.
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
        except Exception as error:  # noqa: BLE001 - the response has begun; it is noted
            yield event("error", {"error": failed(error)})
        finally:
            self.close()


def gather(pieces: Iterator[str], seconds: float) -> list[str]:
    """Pieces that come within some time, one at least; none at the end."""
    end, found = time.monotonic() + seconds, []
    for piece in pieces:
        found.append(piece)
        if time.monotonic() >= end:
            break
    return found


def event(kind: str, content: dict[str, Any]) -> bytes:
    """An event; JSON has no line breaks of its own."""
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), to_json(content))
