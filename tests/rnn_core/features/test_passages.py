"""Hashes of passages against sums of whole numbers."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rnn_core.features.passages import FACTOR, passage_hashes, powers


@given(st.lists(st.integers(1, 30), min_size=7, max_size=40), st.integers(1, 7))
def test_hashes_of_passages_are_those_of_a_sum(tokens, length):
    found = passage_hashes(np.array(tokens, np.uint64), length).tolist()
    assert len(found) == len(tokens) - length + 1
    for start, value in enumerate(found):
        run = tokens[start : start + length]
        total = sum(v * pow(FACTOR, i, 2**64) for i, v in enumerate(run)) % 2**64
        assert value == total ^ (total >> 32)


def test_powers_are_those_of_whole_numbers():
    assert powers(3, 5).tolist() == [1, 3, 9, 27, 81]
