"""Batches of sequences of similar length."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from rnn_core.features.batches import by_length


@given(st.lists(st.integers(0, 20)), st.integers(1, 7))
def test_every_place_comes_once_and_from_the_shortest_to_the_longest(lengths, batch_size):
    batches = by_length(torch.tensor(lengths), batch_size)
    places = [place for batch in batches for place in batch.tolist()]
    assert places == sorted(range(len(lengths)), key=lambda place: lengths[place])
    assert all(1 <= len(batch) <= batch_size for batch in batches)
    assert all(len(batch) == batch_size for batch in batches[:-1])
