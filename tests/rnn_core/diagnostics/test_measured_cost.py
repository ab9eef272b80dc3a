"""Times by a clock of the test's own, and memory that an answer takes and gives back."""

import mmap
import statistics

import pytest

from rnn_core.diagnostics import measured_cost
from rnn_core.diagnostics.measured_cost import measure
from rnn_core.errors import ParameterError

MEGABYTE = 1 << 20


class Clock:
    """Goes on by what an answer is said to take."""

    def __init__(self, seconds):
        self.now, self.left = 100.0, list(seconds)

    def answer(self):
        self.now += self.left.pop(0)

    def __call__(self):
        return self.now


def test_percentiles_are_of_the_timed_answers_alone():
    timed = [(7 * n) % 40 / 1000 for n in range(1, 41)]
    clock = Clock([9.0, 9.0, 9.0, *timed])
    found = measure(clock.answer, repeats=40, warmup=3, clock=clock)
    cuts = statistics.quantiles([1000 * t for t in timed], n=20, method="inclusive")
    assert found.median_ms == pytest.approx(statistics.median(1000 * t for t in timed))
    assert found.p95_ms == pytest.approx(cuts[-1])
    assert found.repeats == 40
    assert clock.left == []


def test_peak_is_what_an_answer_takes_even_if_it_gives_it_back():
    if measured_cost.resident_after_reset() is None:
        pytest.skip("this system does not tell")

    def answer():
        with mmap.mmap(-1, 64 * MEGABYTE) as memory:
            memory[:] = b"1" * len(memory)  # twice: the text, and the memory

    answer()
    large = measure(answer, repeats=2, warmup=0).peak_bytes
    small = measure(lambda: None, repeats=2, warmup=0).peak_bytes
    assert 127 * MEGABYTE < large < 160 * MEGABYTE
    assert small < 16 * MEGABYTE, "what was taken before is not counted again"


def test_memory_that_earlier_work_left_free_counts_where_an_answer_takes_it_again():
    """Pieces that are too small for mappings of their own stay in the heap of a C library."""
    if measured_cost.resident_after_reset() is None:
        pytest.skip("this system does not tell")

    def answer():
        return [bytes([1]) * 60_000 for _ in range(1000)]

    pieces = answer()
    last = bytes([1]) * 60_000  # holds the end of the heap, which is else given back at once
    del pieces
    found = measure(answer, repeats=1, warmup=0)
    assert 50 * MEGABYTE < found.peak_bytes < 80 * MEGABYTE, len(last)


def test_where_the_system_tells_nothing_there_is_no_peak(monkeypatch, tmp_path):
    monkeypatch.setattr(measured_cost, "RESET", tmp_path / "no such folder" / "clear_refs")
    assert measure(lambda: None, repeats=1).peak_bytes is None


def test_no_answer_at_all_is_refused():
    with pytest.raises(ParameterError, match="repeats must be at least 1, not 0"):
        measure(lambda: None, repeats=0)
