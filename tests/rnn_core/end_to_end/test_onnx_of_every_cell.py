"""Cells in onnxruntime, in every arrangement of layers, directions, states and lengths."""

from itertools import product

import pytest

from rnn_core.cells import REGISTRY
from rnn_core.layers.recurrent import Recurrent

ARRANGEMENTS = [(1, False), (2, True)]


@pytest.mark.parametrize(("state", "lengths"), [*product([False, True], repeat=2)])
@pytest.mark.parametrize(("layers", "bidirectional"), ARRANGEMENTS)
@pytest.mark.parametrize("cell", REGISTRY)
@pytest.mark.one_in(64)
def test_other_batches_and_lengths(in_onnx, cell, layers, bidirectional, state, lengths):
    layer = Recurrent(cell, 3, 5, layers, bidirectional=bidirectional, batch_first=lengths)
    exported = in_onnx(layer, state=state, lengths=lengths)
    sizes = [(steps, batch) for steps in (1, 4, 9) for batch in (1, 3, 8)]
    assert max(exported.difference(*size) for size in sizes) <= 1e-5
