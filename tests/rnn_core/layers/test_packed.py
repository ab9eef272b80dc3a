"""Packed sequences in and out, against `torch.nn` on the same ones."""

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pack_sequence

from rnn_core.errors import ParameterError
from rnn_core.layers.conversion import from_torch
from rnn_core.layers.recurrent import Recurrent

pytestmark = pytest.mark.usefixtures("float64")

T, B, I, H = 7, 4, 3, 5
EXACT = {"rtol": 1e-12, "atol": 1e-12}
MODULES = {"rnn_tanh": nn.RNN, "lstm": nn.LSTM, "gru_reset_after": nn.GRU}

LENGTHS = {"sorted": [7, 5, 5, 2], "unsorted": [2, 7, 1, 5], "shorter than padded": [3, 4, 1, 4]}


def leaves(packed, state):
    parts = state if isinstance(state, tuple) else (state,)
    return [packed.data, *parts]


def run(layer, packed, hx):
    """Outputs, final states, and gradients of data and initial states."""
    data = packed.data.detach().requires_grad_()
    hx = [part.detach().requires_grad_() for part in hx]
    state = tuple(hx) if len(hx) > 1 else hx[0]
    outputs, final = layer(packed._replace(data=data), state)
    found = leaves(outputs, final)
    sum((part.sin() * (1 + n)).sum() for n, part in enumerate(found)).backward()
    return outputs, [part.detach() for part in found], [data.grad, *(part.grad for part in hx)]


@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=list(LENGTHS))
@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}])
@pytest.mark.parametrize("cell", MODULES)
def test_packed_sequences_give_what_torch_gives(cell, options, lengths):
    module = MODULES[cell](I, H, batch_first=True, **options)
    layer = from_torch(module)
    packed = pack_padded_sequence(
        torch.randn(T, B, I), lengths, enforce_sorted=lengths == LENGTHS["sorted"]
    )
    hx = [torch.randn(len(layer.directions), B, H) for _ in layer.cell.states]
    ours, our_values, our_gradients = run(layer, packed, hx)
    theirs, their_values, their_gradients = run(module, packed, hx)
    torch.testing.assert_close(our_values, their_values, **EXACT)
    torch.testing.assert_close(our_gradients, their_gradients, **EXACT)
    assert isinstance(ours, PackedSequence)
    for field in ("batch_sizes", "sorted_indices", "unsorted_indices"):
        mine, other = getattr(ours, field), getattr(theirs, field)
        assert (mine is other is None) or torch.equal(mine, other)


def test_packed_sequences_of_any_cell_are_read_as_if_alone():
    layer = Recurrent("lstm_peephole", I, H, bidirectional=True)
    alone = [torch.randn(n, I) for n in (2, 6, 3)]
    outputs, (h, c) = layer(pack_sequence(alone, enforce_sorted=False))
    unpacked = nn.utils.rnn.unpack_sequence(outputs)
    for b, x in enumerate(alone):
        expected, (h_alone, c_alone) = layer(x)
        torch.testing.assert_close(unpacked[b], expected, **EXACT)
        torch.testing.assert_close(h[:, b], h_alone, **EXACT)
        torch.testing.assert_close(c[:, b], c_alone, **EXACT)


def test_every_state_of_packed_sequences_is_packed():
    layer = Recurrent("lstm", I, H)
    alone = [torch.randn(n, I) for n in (2, 6, 3)]
    (outputs, cells), _ = layer.every_state(pack_sequence(alone, enforce_sorted=False))
    for b, x in enumerate(alone):
        (expected, expected_cells), _ = layer.every_state(x)
        torch.testing.assert_close(nn.utils.rnn.unpack_sequence(outputs)[b], expected, **EXACT)
        torch.testing.assert_close(nn.utils.rnn.unpack_sequence(cells)[b], expected_cells, **EXACT)


def test_what_does_not_fit_packed_sequences_is_refused():
    layer = Recurrent("gru", I, H)
    packed = pack_sequence([torch.randn(n, I) for n in (4, 2)])
    with pytest.raises(ParameterError, match="lengths of its own"):
        layer(packed, lengths=[4, 2])
    with pytest.raises(ParameterError, match=r"hx must be a tensor \(1, 2, 5\), not \(1, 3, 5\)"):
        layer(packed, torch.zeros(1, 3, H))
    with pytest.raises(ParameterError, match="input_size = 3 features"):
        layer(pack_sequence([torch.randn(n, I + 1) for n in (4, 2)]))
