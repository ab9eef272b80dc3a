"""Texts in which nothing is unusual are read at once, and just as others are."""

import io

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_core.readers.formats import separated_text as separated
from rnn_core.readers.formats.separated_text import read_fields, read_plain
from rnn_core.readers.formats.text_layout import Layout

CELLS = st.text(st.sampled_from("ab1.- ;\té中\r"), max_size=4)


def layout_of(text, header=True):
    width = len(text.split("\n", 1)[0].split(","))
    return Layout(separator=",", quoting="double", above=0, header=header, width=width, share=1.0)


def both(text, **options):
    content = text.encode()
    layout = layout_of(text, **options)
    found = [
        read(lambda: io.BytesIO(content), "utf-8", layout) for read in (read_plain, read_fields)
    ]
    return [
        fields and (fields.names, fields.first, list(fields.lines), table(fields))
        for fields in found
    ]


def table(fields):
    return [[v for piece in column for v in piece.to_pylist()] for column in fields.columns]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.lists(CELLS, min_size=2, max_size=3), min_size=1, max_size=6),
    st.booleans(),
    st.sampled_from(["\n", "\r\n"]),
)
def test_what_is_read_at_once_is_what_is_read_row_by_row(rows, header, end):
    text = end.join(["a,b", *(",".join(row) for row in rows), ""])
    plain, slow = both(text, header=header)
    if plain is not None:
        assert plain == slow


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("header", [True, False])
def test_usual_text_is_read_at_once(end, header):
    plain, slow = both(end.join(["a,b", "1,x y", ",2", "3,"]), header=header)
    assert plain == slow
    assert plain[2] == ([2, 3, 4] if header else [1, 2, 3, 4])


UNUSUAL = [
    'a,b\n"1",2\n',
    "a,b\n1, 2\n",
    "a,b\n 1,2\n",
    "a,b\n1,2\n\n3,4\n",
    "a,b\r\n1,2\r\n\r\n3,4\r\n",
    "\na,b\n1,2\n",
    "a,b\n1,2,3\n",
    "a,b\n1\n",
    "a,b\n1,2\r3,4\n",
    "a,b\n1,2\n,\n",
    "a,b\n",
]


@pytest.mark.parametrize("text", UNUSUAL)
def test_unusual_text_is_not_read_at_once(text):
    assert both(text)[0] is None


def test_pieces_that_meet_within_what_is_unusual_are_seen(monkeypatch):
    """A quotation mark, or a separator and a blank, on either side of a border."""
    monkeypatch.setattr("rnn_core.readers.formats.encodings.PIECE", 5)
    for text in ("a,b\n1, 2\n", 'a,b\n1"2,3\n', "a,b\n1\r,2\n"):
        assert not separated.is_plain(lambda text=text: io.BytesIO(text.encode()), b",")
    assert separated.is_plain(lambda: io.BytesIO(b"a,b\r\n1,2\r\n3,4\r\n"), b",")


def test_both_agree_with_the_parser_of_pandas():
    text = "a,b\n" + "".join(f"{i},{i % 7}.5\n" for i in range(50_000))
    plain, slow = both(text)
    assert plain == slow
    frame = pd.read_csv(io.StringIO(text), dtype=str)
    assert plain[3] == [frame["a"].tolist(), frame["b"].tolist()]
