"""Tables of texts take a few bytes of memory for each byte of their files."""

import random
import tracemalloc

import pytest

from rnn_core.parameters import parse
from rnn_core.readers.formats import separated_text
from rnn_core.tasks import get_task


def said(draw, words):
    return " ".join(f"word{int(draw.paretovariate(0.7)) % 3000}" for _ in range(words))


def table(task, rows):
    draw, sentiment = random.Random(7), task == "sentiment"
    names = "text,label" if sentiment else "en,de"
    lines = [
        f"{said(draw, 90)},{draw.choice('ab')}" if sentiment else f"{said(draw, 9)},{said(draw, 9)}"
        for _ in range(rows)
    ]
    return "\n".join([names, *lines]) + "\n"


@pytest.mark.parametrize(
    ("task", "rows", "most"), [("sentiment", 900, 16), ("translation", 4000, 12)]
)
def test_a_table_of_texts_takes_little_memory_for_its_size(tmp_path, monkeypatch, task, rows, most):
    monkeypatch.setattr(separated_text, "ROWS_AT_ONCE", 100)
    kind, content = get_task(task), table(task, rows)
    (tmp_path / "t.csv").write_text(content)
    found = kind.suggest(tmp_path, {})["data"]  # and what is made once
    tracemalloc.start()
    kind.prepare(tmp_path, parse(kind.DataParameters, found, "", "--set"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < most * len(content)  # more than of a large one, which fills no reader's buffers
