"""Gradients by lag against Jacobians, closed forms and torch; spectral radii against NumPy."""

import itertools

import numpy as np
import pytest
import torch
from torch.autograd.functional import jacobian

from rnn_core.cells import REGISTRY, get_cell
from rnn_core.cells.base import Cell, named
from rnn_core.diagnostics.gradients import gradient_by_lag, spectral_radius
from rnn_core.diagnostics.passage import record
from rnn_core.diagnostics.seed import training_batch
from rnn_core.layers.conversion import to_torch
from rnn_core.layers.execution_path import eager_only
from rnn_core.layers.recurrent import Recurrent
from rnn_core.sources.random_symbols import RandomSymbols
from rnn_core.tasks.base.model_parameters import ModelParameters
from rnn_core.tasks.copy_memory.parameters import CopyData
from rnn_core.tasks.copy_memory.task import CopyMemory
from rnn_core.training.models import build_model

T, B, I, H = 6, 3, 4, 5
LENGTHS = torch.tensor([6, 2, 5])
EXACT = {"rtol": 1e-9, "atol": 1e-14}


class Decay(Cell):
    """The linear cell h_t = a * h_{t-1} + x_t, whose gradients are powers of a."""

    gates = ("h",)
    weights = {"a": ("H",)}

    def step(self, x, state, w):
        (h,) = state
        return (x.h + w.a * h,)


class Linear(Cell):
    """The linear cell h_t = h_{t-1} W + x_t."""

    gates = ("h",)
    weights = {"w": ("H", "H")}

    def step(self, x, state, w):
        (h,) = state
        return (x.h + h @ w.w,)


def step_function(layer, x):
    """A step of one sequence, (I,), as a function of its states joined, (S * H,)."""
    direction, cell = layer.directions[-len(layer.reversals)], layer.cell
    w = named(tuple(cell.weights))(*(direction.weights[name].detach() for name in cell.weights))
    projected = (x @ direction.input_weight.T + direction.input_bias).detach()
    given = [torch.full((1, H), direction.zoneout)] * len(direction.cell.given)
    gates = projected[None].chunk(len(cell.gates), dim=-1)
    fields = named((*cell.gates, *direction.cell.given))(*gates, *given)

    def step(joined):
        return torch.cat(direction.cell.step(fields, joined[None].split(H, dim=-1), w), dim=-1)[0]

    return step


def by_jacobians(layer, x, asked):
    """Norms by lag of one sequence (T, I), for a gradient (S * H,) by the states at its end."""
    steps = [step_function(layer, one) for one in x]
    joined = torch.zeros(len(layer.cell.states) * H)
    states = [joined := step(joined) for step in steps]
    product, norms = torch.eye(len(joined)), [asked.norm()]
    for t in reversed(range(1, len(steps))):
        product = product @ jacobian(steps[t], states[t - 1])
        norms.append((product.T @ asked).norm())
    return torch.stack(norms)


def root_mean_square(norms):
    """Over the sequences that are long enough for a lag."""
    rows = itertools.zip_longest(*norms)
    return torch.stack(
        [torch.stack([n for n in row if n is not None]).square().mean().sqrt() for row in rows]
    )


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("zoneout", [0.0, 0.3])
@pytest.mark.parametrize("name", REGISTRY)
@pytest.mark.one_in(4)
def test_gradient_by_lag_is_the_product_of_jacobians(name, zoneout, pass_through):
    layer = Recurrent(name, I, H, zoneout=zoneout)
    x, of_outputs = torch.randn(T, B, I), torch.randn(T, B, H)
    of_final = [torch.randn(B, H) for _ in layer.cell.states]
    passage = pass_through(layer, x, of_outputs, of_final, LENGTHS)
    asked = []
    for b, length in enumerate(LENGTHS.tolist()):
        parts = [part[b] for part in of_final]
        parts[0] = parts[0] + of_outputs[length - 1, b]
        asked.append(torch.cat(parts))
    expected = root_mean_square(
        [by_jacobians(layer, x[:n, b], asked[b]) for b, n in enumerate(LENGTHS.tolist())]
    )
    torch.testing.assert_close(gradient_by_lag(passage), expected, **EXACT)


@pytest.mark.usefixtures("float64")
def test_gradient_of_a_linear_cell_is_a_power(pass_through):
    layer = Recurrent(Decay(), I, 2)
    factors, asked = torch.tensor([0.5, -1.25]), torch.tensor([3.0, 0.2])
    with torch.no_grad():
        layer.directions[0].weights["a"].copy_(factors)
    norms = gradient_by_lag(pass_through(layer, torch.randn(30, 1, I), asked))
    lags = torch.arange(30)[:, None]
    torch.testing.assert_close(norms, (asked * factors**lags).norm(dim=1), **EXACT)


@pytest.mark.usefixtures("float64")
def test_gradient_of_an_lstm_is_that_of_torch(pass_through):
    layer = Recurrent("lstm", I, H)
    module = to_torch(layer)
    x, of_outputs = torch.randn(T, B, I), torch.randn(T, B, H)
    norms = gradient_by_lag(pass_through(layer, x, of_outputs))
    for lag in range(T):
        first = T - 1 - lag
        _, state = module(x[: first + 1])
        entered = tuple(part.detach().requires_grad_() for part in state)
        final = module(x[first + 1 :], entered)[1] if lag else entered
        loss = (final[0][0] * of_outputs[-1]).sum()
        gradients = torch.autograd.grad(loss, entered, materialize_grads=True)
        square = sum(part.square().sum() for part in gradients)
        torch.testing.assert_close(norms[lag], (square / B).sqrt(), **EXACT)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("name", ["gru", "lstm"])
def test_of_a_deep_layer_the_last_ones_forward_direction_counts(name, pass_through):
    deep = Recurrent(name, I, H, num_layers=2, bidirectional=True)
    x, of_outputs = torch.randn(T, B, I), torch.randn(T, B, 2 * H)
    below = Recurrent(name, I, H, bidirectional=True)
    for mine, its in zip(below.directions, deep.directions, strict=False):
        mine.load_state_dict(its.state_dict())
    single = Recurrent(name, 2 * H, H)
    single.directions[0].load_state_dict(deep.directions[2].state_dict())
    expected = pass_through(single, below(x)[0].detach(), of_outputs[..., :H])
    torch.testing.assert_close(
        gradient_by_lag(pass_through(deep, x, of_outputs)), gradient_by_lag(expected), **EXACT
    )


@pytest.mark.usefixtures("float64")
def test_last_step_is_the_last_that_the_loss_looks_at(pass_through):
    """As in a decoder, whose sentences are padded and whose loss leaves padding out."""
    layer = Recurrent("gru", I, H)
    x, of_outputs = torch.randn(T, B, I), torch.randn(T, B, H)
    told = pass_through(layer, x, of_outputs, lengths=LENGTHS)
    steps = torch.arange(T)[:, None, None]
    untold = pass_through(layer, x, of_outputs * (steps < LENGTHS[:, None]))
    torch.testing.assert_close(gradient_by_lag(untold), gradient_by_lag(told), **EXACT)


@pytest.mark.usefixtures("float64")
def test_sequences_that_the_loss_does_not_look_at_do_not_count(pass_through):
    layer = Recurrent("gru", I, H)
    x, of_outputs = torch.randn(T, B, I), torch.randn(T, B, H)
    of_outputs[:, 1] = 0
    some = gradient_by_lag(pass_through(layer, x, of_outputs))
    alone = gradient_by_lag(pass_through(layer, x[:, [0, 2]], of_outputs[:, [0, 2]]))
    torch.testing.assert_close(some, alone, **EXACT)
    assert len(gradient_by_lag(pass_through(layer, x, of_outputs * 0))) == 0


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("name", ["lstm", "mingru"])
def test_gradient_starts_from_the_state_that_a_sequence_started_with(name, pass_through):
    layer = Recurrent(name, I, H, initial_state="learned")
    with torch.no_grad():
        layer.directions[0].start.normal_()
    x, of_outputs = torch.randn(T, B, I), torch.randn(T, B, H)
    start = tuple(row.expand(1, B, H).detach() for row in layer.directions[0].start)
    zeros = Recurrent(name, I, H)
    zeros.load_state_dict(layer.state_dict(), strict=False)
    given = pass_through(zeros, x, of_outputs, state=start if len(start) > 1 else start[0])
    learned = pass_through(layer, x, of_outputs)
    torch.testing.assert_close(gradient_by_lag(given), gradient_by_lag(learned), **EXACT)
    for passage in (given, learned):
        assert torch.equal(passage.before[0][0], start[0][0])


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("name", REGISTRY)
def test_kernel_and_loop_pass_the_same(name, pass_through):
    layer, x, of_outputs = Recurrent(name, I, H), torch.randn(T, B, I), torch.randn(T, B, H)
    ours = gradient_by_lag(pass_through(layer, x, of_outputs, lengths=LENGTHS))
    with eager_only():
        theirs = gradient_by_lag(pass_through(layer, x, of_outputs, lengths=LENGTHS))
    torch.testing.assert_close(ours, theirs, **EXACT)


def test_looking_changes_nothing(pass_through):
    layer, x = Recurrent("gru", I, H), torch.randn(T, B, I)

    def gradients():
        return torch.autograd.grad(layer(x)[0].square().sum(), list(layer.parameters()))

    before = gradients()
    pass_through(layer, x, torch.randn(T, B, H))
    assert all(itertools.starmap(torch.equal, zip(before, gradients(), strict=True)))
    assert not layer.directions[0]._forward_hooks


def test_small_gradients_are_not_zero(pass_through):
    """float32 ends at 1e-45."""
    layer = Recurrent("rnn_sigmoid", I, H)
    norms = gradient_by_lag(pass_through(layer, torch.randn(150, B, I), torch.randn(150, B, H)))
    assert 0 < norms[-1] < 1e-60


def test_most_steps_cuts_the_list(pass_through):
    passage = pass_through(Recurrent("gru", I, H), torch.randn(T, B, I), torch.randn(T, B, H))
    assert torch.equal(gradient_by_lag(passage, 3), gradient_by_lag(passage)[:3])


def copy_gradients(folder, cell, **start):
    """Norms by lag relative to lag 0, of a cell on the copy problem before it is trained."""
    RandomSymbols(num_lines=200, length=5, seed=1).fetch(folder)
    data, meta = CopyMemory.prepare(folder, CopyData(lag=100))
    task = CopyMemory(meta, ModelParameters(hidden_size=64, **start))
    batch = training_batch(task, data, 32, torch.device("cpu"))
    norms = gradient_by_lag(record(task, build_model(task, cell).eval(), batch)["recurrent"])
    assert len(norms) == 111
    return norms / norms[0]


@pytest.mark.parametrize("gated", ["lstm", "gru"])
def test_gradients_of_rnn_tanh_vanish_before_those_of_gated_cells_do(tmp_path, gated):
    """With matrices as `torch.nn` draws them, whose spectral radius is about 1/sqrt(3)."""
    plain = copy_gradients(tmp_path, "rnn_tanh", recurrent_init="uniform")
    other = copy_gradients(tmp_path, gated, recurrent_init="uniform", forget_bias=1.0)
    orders = (other / plain).log10()
    assert orders[50] > 3
    assert orders[100] > 7
    assert (orders[30:].diff() > 0).all(), "by a factor more at each step"


def test_orthogonal_matrices_keep_the_gradients_of_rnn_tanh(tmp_path):
    """They are the default, and Saxe et al., arXiv:1312.6120v3, say why."""
    orthogonal = copy_gradients(tmp_path, "rnn_tanh")
    uniform = copy_gradients(tmp_path, "rnn_tanh", recurrent_init="uniform")
    assert orthogonal[100] > 1e-3
    assert uniform[100] < 1e-15


def test_forget_bias_keeps_the_gradients_of_an_lstm(tmp_path):
    without = copy_gradients(tmp_path, "lstm", forget_bias=0.0)
    usual = copy_gradients(tmp_path, "lstm", forget_bias=1.0)
    chrono = copy_gradients(tmp_path, "lstm", longest_memory=100)
    assert usual[100] > 1e5 * without[100]
    assert chrono[100] > 1e1 * usual[100]


def test_spectral_radius_is_that_of_numpy():
    layer = Recurrent("lstm_peephole", I, H, num_layers=2)
    (_, top) = layer.directions
    with torch.no_grad():
        for weight in top.weights.values():
            weight.normal_()
    found = spectral_radius(top)
    assert set(found) == {"i", "f", "g", "o"}
    for name, radius in found.items():
        values = np.linalg.eigvals(top.weights[name].detach().double().numpy())
        assert radius == pytest.approx(np.abs(values).max(), rel=1e-10)


def test_orthogonal_matrix_has_spectral_radius_1():
    (direction,) = Recurrent("gru", I, H).directions
    assert spectral_radius(direction) == pytest.approx({"z": 1.0, "r": 1.0, "n": 1.0}, abs=1e-6)


@pytest.mark.usefixtures("float64")
def test_gradient_of_a_linear_cell_falls_by_its_spectral_radius(pass_through):
    layer = Recurrent(Linear(), I, H)
    with torch.no_grad():
        layer.directions[0].weights["w"].uniform_(0, 0.3)
    norms = gradient_by_lag(pass_through(layer, torch.randn(80, B, I), torch.randn(80, B, H)))
    radius = spectral_radius(layer.directions[0])["w"]
    assert float(norms[70] / norms[69]) == pytest.approx(radius, rel=1e-6)


@pytest.mark.parametrize("name", [n for n in REGISTRY if not get_cell(n).weights])
def test_cell_without_recurrent_matrices_has_no_spectral_radius(name):
    assert spectral_radius(Recurrent(name, I, H).directions[0]) == {}
