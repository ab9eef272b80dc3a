"""The layer and the time loop: lengths, directions, depth, states, and foreign cells."""

import pytest
import torch
from torch import sigmoid, tanh
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from rnn_core.cells import REGISTRY
from rnn_core.cells.base import Cell
from rnn_core.errors import ParameterError
from rnn_core.layers.recurrent import Recurrent

pytestmark = pytest.mark.usefixtures("float64")

T, B, I, H = 6, 4, 3, 5
LENGTHS = torch.tensor([6, 1, 4, 3])
EXACT = {"rtol": 1e-12, "atol": 1e-12}


def parts(state):
    return state if isinstance(state, tuple) else (state,)


def copy_from_torch(layer, module):
    """Copy all layers and directions of a torch.nn.LSTM."""
    with torch.no_grad():
        for index, direction in enumerate(layer.directions):
            level, reverse = divmod(index, len(layer.reversals))
            suffix = f"l{level}" + ("_reverse" if reverse else "")
            direction.input_weight.copy_(getattr(module, f"weight_ih_{suffix}"))
            biases = (getattr(module, f"bias_{kind}_{suffix}") for kind in ("ih", "hh"))
            direction.input_bias.copy_(sum(biases))
            recurrent = getattr(module, f"weight_hh_{suffix}").split(H)
            for gate, weight in zip("ifgo", recurrent, strict=True):
                direction.weights[gate].copy_(weight.T)


def test_deep_bidirectional_layer_with_lengths_matches_torch_packed_sequences():
    module = torch.nn.LSTM(I, H, num_layers=2, bidirectional=True)
    layer = Recurrent("lstm", I, H, num_layers=2, bidirectional=True)
    copy_from_torch(layer, module)
    x = torch.randn(T, B, I)
    packed, expected_state = module(pack_padded_sequence(x, LENGTHS, enforce_sorted=False))
    expected, _ = pad_packed_sequence(packed)
    outputs, state = layer(x, lengths=LENGTHS)
    torch.testing.assert_close(outputs, expected, **EXACT)
    torch.testing.assert_close(state, expected_state, **EXACT)


@pytest.mark.parametrize("name", REGISTRY)
def test_each_sequence_of_a_batch_is_read_as_if_alone(name):
    layer, x = Recurrent(name, I, H, num_layers=2, bidirectional=True), torch.randn(T, B, I)
    outputs, state = layer(x, lengths=LENGTHS)
    for b, length in enumerate(LENGTHS.tolist()):
        alone, alone_state = layer(x[:length, b : b + 1])
        torch.testing.assert_close(outputs[:length, b : b + 1], alone, **EXACT)
        assert (outputs[length:, b] == 0).all()
        for batch_part, part in zip(parts(state), parts(alone_state), strict=True):
            torch.testing.assert_close(batch_part[:, b : b + 1], part, **EXACT)


@pytest.mark.parametrize("name", REGISTRY)
def test_nothing_beyond_a_length_has_a_gradient(name):
    layer, x = Recurrent(name, I, H, bidirectional=True), torch.randn(T, B, I, requires_grad=True)
    outputs, state = layer(x, lengths=LENGTHS)
    (outputs.square().sum() + sum(part.square().sum() for part in parts(state))).backward()
    for b, length in enumerate(LENGTHS.tolist()):
        assert (x.grad[length:, b] == 0).all()
        assert (x.grad[:length, b] != 0).all()


@pytest.mark.parametrize("name", REGISTRY)
def test_carried_state_continues_a_sequence(name):
    layer, x = Recurrent(name, I, H, num_layers=2), torch.randn(T, B, I)
    whole, final = layer(x)
    first, state = layer(x[:2])
    second, after = layer(x[2:], state)
    torch.testing.assert_close(torch.cat([first, second]), whole, **EXACT)
    torch.testing.assert_close(after, final, **EXACT)


def test_batch_first_only_swaps_axes():
    layer = Recurrent("gru", I, H, bidirectional=True)
    x = torch.randn(T, B, I)
    expected, state = layer(x, lengths=LENGTHS)
    layer.batch_first = True
    outputs, same_state = layer(x.transpose(0, 1), lengths=LENGTHS)
    torch.testing.assert_close(outputs.transpose(0, 1), expected, rtol=0, atol=0)
    torch.testing.assert_close(same_state, state, rtol=0, atol=0)


def test_backpropagation_through_time_matches_the_gradient_by_hand():
    """dL/dU of h_t = tanh(a_t + h_{t-1} U) with L = sum of the last h, unrolled on paper.

    With D_t = diag(1 - h_t^2), the error at step t is e_t = (U D_{t+1} ... ) applied to
    the error after it, and dL/dU = sum over t of h_{t-1}^T (e_t D_t).
    """
    layer, x = Recurrent("rnn_tanh", I, H), torch.randn(3, 1, I)
    (direction,) = layer.directions
    u = direction.weights["h"]
    with torch.no_grad():
        a1, a2, a3 = x @ direction.input_weight.T + direction.input_bias
        h1 = tanh(a1)
        h2 = tanh(a2 + h1 @ u)
        h3 = tanh(a3 + h2 @ u)
        e3 = torch.ones(1, H) * (1 - h3**2)
        e2 = e3 @ u.T * (1 - h2**2)
        by_hand = h2.T @ e3 + h1.T @ e2
    outputs, _ = layer(x)
    outputs[-1].sum().backward()
    torch.testing.assert_close(u.grad, by_hand, **EXACT)


def test_learned_initial_state_is_read_and_trained():
    layer, x = Recurrent("lstm", I, H, initial_state="learned"), torch.randn(T, B, I)
    (direction,) = layer.directions
    with torch.no_grad():
        direction.start.normal_()
    given = tuple(row.expand(1, B, H) for row in direction.start.detach())
    outputs, _ = layer(x)
    torch.testing.assert_close(outputs, layer(x, given)[0], **EXACT)
    outputs.sum().backward()
    assert (direction.start.grad != 0).all()


def test_random_initial_state_is_drawn_while_training_only():
    layer, x = Recurrent("gru", I, H, initial_state="random"), torch.randn(T, B, I)
    assert not torch.equal(layer(x)[0], layer(x)[0])
    layer.eval()
    torch.testing.assert_close(layer(x)[0], layer(x, torch.zeros(1, B, H))[0], **EXACT)


def test_dropout_acts_between_layers_only():
    torch.manual_seed(0)
    layer, x = Recurrent("gru", I, H, num_layers=2, dropout=0.5), torch.randn(T, B, I)
    first, second = layer(x), layer(x)
    assert not torch.equal(first[0], second[0])
    assert torch.equal(first[1][0], second[1][0])  # of the first layer, which reads x as it is
    layer.dropout = 1.0
    beneath = Recurrent("gru", H, H)
    beneath.directions[0].load_state_dict(layer.directions[1].state_dict())
    torch.testing.assert_close(layer(x)[0], beneath(torch.zeros(T, B, H))[0], **EXACT)
    layer.eval()
    assert torch.equal(layer(x)[0], layer(x)[0])


def test_initial_weights_follow_the_generator_and_leave_the_global_one_alone():
    before = torch.get_rng_state()
    first = Recurrent("lstm", I, H, generator=torch.Generator().manual_seed(7))
    second = Recurrent("lstm", I, H, generator=torch.Generator().manual_seed(7))
    assert torch.equal(torch.get_rng_state(), before)
    for ours, theirs in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    recurrent = first.directions[0].weights["f"]
    torch.testing.assert_close(recurrent @ recurrent.T, torch.eye(H), **EXACT)


class TwoStates(Cell):
    """A cell that nobody foresaw: two states, a vector weight, two dependent products."""

    gates = ("a", "b")
    weights = {"a": ("H", "H"), "b": ("H", "H"), "scale": ("H",)}
    states = ("h", "slow")

    def step(self, x, state, w):
        h, slow = state
        a = sigmoid(x.a + h @ w.a)
        b = tanh(x.b + (a * slow) @ w.b)
        slow = 0.9 * slow + 0.1 * b
        return torch.maximum(b, w.scale * slow), slow


def test_layer_runs_a_cell_that_it_does_not_know():
    layer, x = Recurrent(TwoStates(), I, H), torch.randn(T, 1, I)
    with torch.no_grad():
        layer.directions[0].weights["scale"].uniform_(0.5, 2)
    (direction,) = layer.directions
    w = direction.weights
    h = slow = torch.zeros(1, H)
    for t in range(T):
        xa, xb = (x[t] @ direction.input_weight.T + direction.input_bias).split(H, dim=-1)
        a = 1 / (1 + torch.exp(-(xa + h @ w["a"])))
        b = torch.tanh(xb + torch.einsum("bi,ij->bj", a * slow, w["b"]))
        slow = 0.9 * slow + 0.1 * b
        h = torch.where(b > w["scale"] * slow, b, w["scale"] * slow)
    _, state = layer(x)
    torch.testing.assert_close(state, (h[None], slow[None]), **EXACT)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden_size": 0}, "at least 1"),
        ({"hidden_size": 4, "num_layers": 0}, "at least 1"),
        ({"hidden_size": 4, "dropout": 1.1}, r"dropout must be in \[0, 1\], not 1.1"),
        ({"hidden_size": 4, "recurrent_dropout": -0.1}, r"recurrent_dropout must be in \[0, 1\)"),
        ({"hidden_size": 4, "zoneout": 1.5}, r"zoneout must be in \[0, 1\), not 1.5"),
    ],
)
def test_impossible_sizes_are_refused(options, message):
    with pytest.raises(ParameterError, match=message):
        Recurrent("gru", I, **options)


def test_sequences_without_a_step_are_refused():
    with pytest.raises(ParameterError, match="at least one step"):
        Recurrent("gru", I, H)(torch.zeros(0, B, I))
