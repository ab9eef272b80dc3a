"""Requests that wait are answered together, and none suffers from another."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import SimpleNamespace

import pandas as pd
import pytest

from flows.serving.desk import Desk
from flows.serving.failures import RefusedError
from flows.serving.version import Limits, Version
from flows.tracking.rows import numbered
from rnn_core.errors import DataError


@dataclass(frozen=True)
class Asked:
    """Request for an answer."""

    plus: int = 0


class Adding:
    """A task that adds; it waits until it is let go, and keeps what it was asked at once."""

    rows_stand_alone = True

    def __init__(self):
        self.asked, self.open = [], threading.Event()
        self.open.set()

    def answer(self, _model, table, parameters):
        self.asked.append(table["n"].tolist())
        assert self.open.wait(30)
        for row, value in zip(table.index, table["n"], strict=True):
            if value < 0:
                raise DataError(f"row {row} is {value}")
            if value > 1000:
                raise RuntimeError("a mistake of ours")
        return pd.DataFrame({"n": table["n"] + parameters.plus})


class Series(Adding):
    """A task whose rows belong together."""

    rows_stand_alone = False


@pytest.fixture
def pool():
    with ThreadPoolExecutor(2) as made:
        yield made


def desk_of(task, pool, **limits):
    schema = SimpleNamespace(names=frozenset({"n"}))
    version = Version("m", "1", "d", "adding", task, None, schema, None, {})
    rows = []
    desk = Desk(version, Limits(**limits), pool, rows.append)
    return desk, rows


def table(*values):
    return numbered(pd.DataFrame({"n": values}))


async def held(task, desk, *requests):
    """Let the first request be answered, and the others wait until all are there."""
    task.open.clear()
    first = asyncio.ensure_future(desk.answer(*requests[0]))
    while not task.asked:
        await asyncio.sleep(0.001)
    others = [asyncio.ensure_future(desk.answer(*request)) for request in requests[1:]]
    await asyncio.sleep(0.01)
    task.open.set()
    found = await asyncio.gather(first, *others, return_exceptions=True)
    return [f if isinstance(f, Exception) else [row["n"] for row in f] for f in found]


def test_requests_that_wait_are_answered_as_one(pool):
    task = Adding()
    desk, rows = desk_of(task, pool)
    asked = [(table(i, 10 * i), Asked()) for i in range(1, 6)]
    found = asyncio.run(held(task, desk, *asked))
    assert found == [[i, 10 * i] for i in range(1, 6)]
    assert task.asked == [[1, 10], [2, 20, 3, 30, 4, 40, 5, 50]]
    assert rows == [2, 8]


def test_request_with_a_wrong_row_spoils_no_other(pool):
    task = Adding()
    desk, _ = desk_of(task, pool)
    asked = [(table(1), Asked()), (table(2), Asked()), (table(3, -4), Asked()), (table(5), Asked())]
    first, second, wrong, last = asyncio.run(held(task, desk, *asked))
    assert (first, second, last) == ([1], [2], [5])
    assert isinstance(wrong, RefusedError)
    assert (wrong.status, wrong.reason) == (422, "row 2 is -4"), "the row of its own request"


def test_mistake_of_ours_spoils_no_other(pool):
    task = Adding()
    desk, _ = desk_of(task, pool)
    asked = [(table(1), Asked()), (table(2), Asked()), (table(3000), Asked())]
    first, second, wrong = asyncio.run(held(task, desk, *asked))
    assert (first, second) == ([1], [2])
    assert isinstance(wrong, RuntimeError)


def test_requests_that_ask_otherwise_are_answered_apart(pool):
    task = Adding()
    desk, _ = desk_of(task, pool)
    asked = [
        (table(1), Asked()),
        (table(2), Asked(1)),
        (table(3), Asked(2)),
        (table(4), Asked(1)),
        (table(5).assign(other=1), Asked(1)),
    ]
    assert asyncio.run(held(task, desk, *asked)) == [[1], [3], [5], [5], [6]]
    assert task.asked == [[1], [2, 4], [3], [5]]


def test_rows_that_belong_together_are_answered_one_request_at_a_time(pool):
    task = Series()
    desk, _ = desk_of(task, pool)
    asked = [(table(i, i), Asked()) for i in range(3)]
    assert asyncio.run(held(task, desk, *asked)) == [[0, 0], [1, 1], [2, 2]]
    assert task.asked == [[0, 0], [1, 1], [2, 2]]


def test_batch_has_no_more_rows_than_it_may(pool):
    task = Adding()
    desk, _ = desk_of(task, pool, batch=4)
    asked = [(table(*range(n)), Asked()) for n in (1, 3, 3, 1, 9)]
    found = asyncio.run(held(task, desk, *asked))
    assert found == [list(range(n)) for n in (1, 3, 3, 1, 9)]
    assert task.asked[1:] == [[0, 1, 2, 0], [0, 1, 2], [0, 1, 2, 3], [4, 5, 6, 7], [8]]


def test_request_that_finds_too_many_waiting_is_sent_away(pool):
    task = Adding()
    desk, _ = desk_of(task, pool, waiting=2)
    found = asyncio.run(held(task, desk, *[(table(i), Asked()) for i in range(6)]))
    assert found[:3] == [[0], [1], [2]]
    assert [(f.status, f.headers) for f in found[3:]] == [(429, {"Retry-After": "1"})] * 3
    assert asyncio.run(desk.answer(table(7), Asked())) == [{"n": 7}]


def test_request_that_waits_or_is_answered_too_long_is_told_so(pool):
    task = Adding()
    desk, _ = desk_of(task, pool, seconds=0.2)

    async def ask():
        task.open.clear()
        both = [desk.answer(table(1), Asked()), desk.answer(table(2), Asked(1))]
        found = await asyncio.gather(*both, return_exceptions=True)
        task.open.set()
        while desk.is_busy:
            await asyncio.sleep(0.001)
        return found, await desk.answer(table(3), Asked())

    (begun, waiting), later = asyncio.run(ask())
    assert (begun.status, waiting.status) == (504, 503)
    assert waiting.headers == {"Retry-After": "1"}
    assert later == [{"n": 3}]
    assert task.asked == [[1], [3]], "nobody waits for the second any more"


def test_long_request_is_given_up_in_between(pool):
    class Slow(Adding):
        def answer(self, model, table, parameters):
            time.sleep(0.05)
            return super().answer(model, table, parameters)

    task = Slow()
    desk, _ = desk_of(task, pool, batch=1, seconds=0.2)

    async def ask():
        with pytest.raises(RefusedError, match="takes longer than"):
            await desk.answer(table(*range(1000)), Asked())
        while desk.is_busy:
            await asyncio.sleep(0.001)

    asyncio.run(ask())
    assert 1 <= len(task.asked) <= 10


def test_nobody_waits_for_the_event_loop_while_an_answer_is_computed(pool):
    task = Adding()
    desk, _ = desk_of(task, pool)

    async def ask():
        task.open.clear()
        answer = asyncio.ensure_future(desk.answer(table(1), Asked()))
        for _ in range(100):
            await asyncio.sleep(0)
        was_busy = not answer.done()
        task.open.set()
        return was_busy, await answer

    assert asyncio.run(ask()) == (True, [{"n": 1}])
