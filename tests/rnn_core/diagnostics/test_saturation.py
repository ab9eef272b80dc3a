"""Saturated shares against counts by hand."""

import numpy as np
import pytest
import torch
from scipy.special import expit
from torch.nn import functional

from rnn_core.cells import REGISTRY
from rnn_core.cells.base import Cell
from rnn_core.diagnostics.saturation import Activations, saturated_share
from rnn_core.layers.recurrent import Recurrent

T, B, I, H = 7, 4, 3, 5
LENGTHS = torch.tensor([7, 2, 5, 1])


class Gate(Cell):
    """Shows the gate and the tanh of its input."""

    gates = ("h",)
    weights = {}

    def step(self, x, state, w):
        return (functional.sigmoid(x.h) * x.h.tanh(),)


def numpy_lstm(layer, x):
    """Gates and tanhs of an LSTM that reads one sequence (T, I): (n, H) each."""
    (direction,) = layer.directions
    w = {name: weight.detach().numpy() for name, weight in direction.weights.items()}
    projected = (x @ direction.input_weight.T + direction.input_bias).detach().numpy()
    h = c = np.zeros(H)
    gates, tanhs = [], []
    for row in projected:
        i, f, g, o = np.split(row, 4)
        i, f, o = (expit(a + h @ w[n]) for a, n in ((i, "i"), (f, "f"), (o, "o")))
        g = np.tanh(g + h @ w["g"])
        c = f * c + i * g
        h = o * np.tanh(c)
        gates += [i, f, o]
        tanhs += [g, np.tanh(c)]
    return np.stack(gates), np.stack(tanhs)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("lengths", [None, LENGTHS])
def test_shares_are_those_of_an_lstm_written_out(pass_through, lengths):
    layer = Recurrent("lstm", I, H)
    x = 4 * torch.randn(T, B, I)
    found = saturated_share(pass_through(layer, x, torch.ones(T, B, H), lengths=lengths))
    ends = [T] * B if lengths is None else lengths.tolist()
    pieces = [numpy_lstm(layer, x[:end, b]) for b, end in enumerate(ends)]
    gates, tanhs = (np.concatenate(part) for part in zip(*pieces, strict=True))
    assert found.left == pytest.approx((gates < 0.1).mean())
    assert found.right == pytest.approx((gates > 0.9).mean())
    assert found.tanh == pytest.approx((abs(tanhs) > 0.9).mean())
    assert min(found.left, found.right, found.tanh) > 0


def test_bounds_are_0_1_and_0_9(pass_through):
    layer = Recurrent(Gate(), 1, 1)
    direction = layer.directions[0]
    with torch.no_grad():
        direction.input_weight.fill_(1)
        direction.input_bias.zero_()
    gates = torch.tensor([0.05, 0.099, 0.101, 0.5, 0.899, 0.901, 0.95, 0.99])
    found = saturated_share(pass_through(layer, torch.logit(gates)[:, None, None], torch.ones(1)))
    assert (found.left, found.right) == (2 / 8, 3 / 8)
    tanhs = torch.tensor([-0.95, -0.89, 0.0, 0.89, 0.91])
    found = saturated_share(pass_through(layer, torch.atanh(tanhs)[:, None, None], torch.ones(1)))
    assert found.tanh == 2 / 5


@pytest.mark.parametrize("name", REGISTRY)
def test_of_every_cell_only_real_steps_count(name, pass_through):
    layer = Recurrent(name, I, H, num_layers=2, bidirectional=True)
    x = 4 * torch.randn(T, B, I)
    padded = saturated_share(pass_through(layer, x, torch.ones(1), lengths=LENGTHS))
    counts = {"left": 0.0, "right": 0.0, "tanh": 0.0}
    for b, length in enumerate(LENGTHS.tolist()):
        alone = saturated_share(pass_through(layer, x[:length, b : b + 1], torch.ones(1)))
        for kind, count in counts.items():
            value = getattr(alone, kind)
            counts[kind] = None if value is None else count + value * length
    for kind, count in counts.items():
        expected = None if count is None else count / int(LENGTHS.sum())
        assert getattr(padded, kind) == pytest.approx(expected)


def test_cells_without_gates_or_without_tanh_have_no_share(pass_through):
    x = torch.randn(T, B, I)
    plain = saturated_share(pass_through(Recurrent("memoryless", I, H), x, torch.ones(1)))
    assert (plain.left, plain.right) == (None, None)
    assert plain.tanh is not None
    minimal = saturated_share(pass_through(Recurrent("mingru", I, H), x, torch.ones(1)))
    assert minimal.left is not None
    assert minimal.tanh is None


def test_only_the_last_steps_of_each_sequence_count(pass_through):
    """Sequence 0 saturates at its first steps, sequence 1 nowhere."""
    layer = Recurrent("memoryless", 1, 1)
    with torch.no_grad():
        layer.directions[0].input_weight.fill_(1)
    x = torch.zeros(6, 2, 1)
    x[:3, 0] = 5
    passage = pass_through(layer, x, torch.ones(1), lengths=torch.tensor([5, 2]))
    assert saturated_share(passage).tanh == 3 / 7
    assert saturated_share(passage, most_steps=3).tanh == 1 / 5


def test_activations_are_seen_under_every_name_of_torch():
    x = torch.randn(3)
    sigmoids = (torch.sigmoid, torch.Tensor.sigmoid, functional.sigmoid, torch.special.expit)
    with Activations() as seen:
        for function in (*sigmoids, torch.nn.Sigmoid(), torch.nn.Tanh(), torch.tanh):
            function(x)
        x.clone().sigmoid_()
        x.clone().tanh_()
        torch.relu(x)
    assert {kind: len(results) for kind, results in seen.results.items()} == {
        "sigmoid": 6,
        "tanh": 3,
    }
