"""Illustrations in files: each kind is read back, and other files are refused."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_core.errors import DataError
from rnn_core.training.illustration import (
    FILE,
    Confusion,
    Continuation,
    Forecasts,
    Pair,
    Pairs,
    Series,
    Texts,
    read_illustration,
    write_illustration,
)

WORDS = st.text(max_size=9)
VALUES = st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False)).map(tuple)
OF = {"seed": st.integers(0, 9), "split": st.sampled_from(["validation", "test"])}
CONTINUATIONS = st.builds(Continuation, prompt=WORDS, text=WORDS)
SERIES = st.builds(Series, name=WORDS, past=VALUES, truth=VALUES, forecast=VALUES)
PAIRS = st.builds(Pair, source=WORDS, reference=WORDS, output=WORDS)
COUNTS = st.lists(st.lists(st.integers(0, 9)).map(tuple)).map(tuple)
SHOWN = st.one_of(
    st.builds(Texts, texts=st.lists(CONTINUATIONS).map(tuple), **OF),
    st.builds(Forecasts, series=st.lists(SERIES).map(tuple), **OF),
    st.builds(Confusion, labels=st.lists(WORDS).map(tuple), counts=COUNTS, **OF),
    st.builds(Pairs, pairs=st.lists(PAIRS).map(tuple), **OF),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("files")


@settings(deadline=None, derandomize=True, database=None, max_examples=60)
@given(shown=SHOWN)
def test_every_kind_comes_back(folder, shown):
    write_illustration(folder, shown)
    assert read_illustration(folder) == shown


def test_nothing_is_shown_of_trainings_that_diverged(folder):
    write_illustration(folder, None)
    assert read_illustration(folder) is None


OTHER = {
    "of no known kind": {"kind": "smell", "seed": 0, "split": "test"},
    "of no kind": {"seed": 0, "split": "test", "pairs": []},
    "without a seed": {"kind": "pairs", "split": "test", "pairs": []},
    "of another form": {"kind": "pairs", "seed": 0, "split": "test", "texts": []},
    "of a split that is none": {"kind": "pairs", "seed": 0, "split": "side", "pairs": []},
    "a list": [1],
}


@pytest.mark.parametrize("content", OTHER.values(), ids=OTHER)
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / FILE).write_text(json.dumps(content))
    with pytest.raises(DataError, match=re.escape(str(tmp_path / FILE))):
        read_illustration(tmp_path)
