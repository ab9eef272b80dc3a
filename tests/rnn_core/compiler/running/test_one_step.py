"""One step of a layer equals a sequence of one, and reads no more than it is given."""

import copy
import threading

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.testing import assert_close

from rnn_core.cells.base import Cell
from rnn_core.compiler.running.unrolling import unroll
from rnn_core.layers import one_step
from rnn_core.layers.conversion import from_torch
from rnn_core.layers.recurrent import Recurrent

SIZES = [
    (1, 1, 1, 1),
    (2, 5, 7, 2),
    (3, 64, 64, 1),
    (8, 5, 130, 3),
    (1, 64, 7, 1),
    (17, 5, 64, 1),
]
"""Sequences, inputs, hidden units and layers."""

SOME = ["lstm", "gru", "lstm_layernorm", "Twice"]


def equations(steps, layer, x, hx):
    """Output and states after a step by the equations of the cell, in float64."""
    layer, x = copy.deepcopy(layer).double(), x.double()
    hx, after = steps.parts(steps.mapped(torch.Tensor.double, hx)), []
    for index, direction in enumerate(layer.directions):
        projected = functional.linear(x, direction.input_weight, direction.bias())
        weights, given = direction.recurrent_weights(), direction.given(x.unsqueeze(0))
        before = tuple(part[index] for part in hx)
        _, states = unroll(direction.cell, projected.unsqueeze(0), before, weights, given)
        after.append(states)
        x = states[0]
    return [x, *(torch.stack(part) for part in zip(*after, strict=True))]


def assert_equal(ours, theirs):
    """Equal to the bit."""
    assert_close(ours, theirs, rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_step_is_that_of_the_cell(steps, kernels, cell, dtype):
    names = cell.given
    for batch, inputs, hidden, layers in SIZES:
        cell.given = ()  # a layer refuses a cell that it has nothing to hand over to
        layer = Recurrent(cell, inputs, hidden, num_layers=layers).to(dtype)
        given = tuple(torch.randn(1, batch, hidden, dtype=dtype) for _ in names)
        if given:
            for direction in layer.directions:
                direction.cell.given = names
                direction.given = lambda x, given=given: tuple(g.to(x.dtype) for g in given)
        x, hx = torch.randn(batch, inputs, dtype=dtype), steps.start(layer, batch)
        run = steps.alone if batch <= one_step.MOST_SEQUENCES else steps.step
        found, tolerance = run(layer, x, hx), 1e-5 if dtype is torch.float32 else 1e-12
        kernels.assert_near(found, equations(steps, layer, x, hx), tolerance)
        kernels.assert_near(found, steps.forward(layer, x, hx), tolerance)


@pytest.mark.parametrize(
    ("whole", "single"),
    [(nn.GRU, nn.GRUCell), (nn.LSTM, nn.LSTMCell), (nn.RNN, nn.RNNCell)],
)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("batch", [(), (1,), (8,), (33,)])
def test_stream_is_that_of_torchs_cell(steps, whole, single, bias, batch):
    theirs, module = single(6, 20, bias=bias).double(), whole(6, 20, bias=bias).double()
    module.load_state_dict({f"{name}_l0": value for name, value in theirs.state_dict().items()})
    layer, state, hx = from_torch(module), None, None
    for _ in range(5):
        x = torch.randn(*batch, 6, dtype=torch.float64)
        output, hx = layer.step(x, hx)
        state = theirs(x, state)
        for ours, other in zip(steps.parts(hx), steps.parts(state), strict=True):
            assert_close(ours, other.unsqueeze(0), rtol=1e-12, atol=1e-12)
        assert_close(output, steps.parts(state)[0], rtol=1e-12, atol=1e-12)


# How tensors lie in memory.


def apart(tensor):
    """The same numbers, with others between and around them."""
    wide = tensor.new_full((*tensor.shape[:-1], 2 * tensor.shape[-1] + 3), float("nan"))
    wide[..., 1:-2:2] = tensor
    return wide[..., 1:-2:2]


def rows_apart(tensor):
    """The same numbers in dense rows, with others between these."""
    wide = tensor.new_full((*tensor.shape[:-1], tensor.shape[-1] + 3), float("nan"))
    wide[..., 1:-2] = tensor
    return wide[..., 1:-2]


@pytest.mark.parametrize("cell", SOME, indirect=True)
@pytest.mark.parametrize("loose", [apart, rows_apart])
def test_memory_layout_of_input_and_state_changes_no_bit(steps, cell, loose):
    layer = Recurrent(cell, 5, 9, num_layers=2)
    x, hx = torch.randn(3, 5), steps.start(layer, 3)
    assert not loose(x).is_contiguous()
    assert_equal(steps.alone(layer, loose(x), steps.mapped(loose, hx)), steps.alone(layer, x, hx))


def test_one_row_for_all_sequences_is_read_as_such(steps):
    layer = Recurrent("lstm", 5, 9)
    x, hx = torch.randn(1, 5), steps.start(layer, 1)
    rows, states = x.expand(4, 5), steps.mapped(lambda part: part.expand(1, 4, 9), hx)
    found = steps.alone(layer, rows, states)
    assert_equal(found, steps.alone(layer, rows.clone(), steps.mapped(torch.clone, states)))


@pytest.mark.parametrize("cell", SOME, indirect=True)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("sizes", [(1, 7), (5, 1), (33, 31), (16, 64)])
def test_nothing_beside_a_weight_is_read(steps, cell, dtype, sizes):
    layer = Recurrent(cell, *sizes).to(dtype)
    x, hx = torch.randn(3, sizes[0], dtype=dtype), steps.start(layer, 3)
    wanted = steps.alone(layer, x, hx)
    for weight in layer.parameters():
        around = weight.new_full((weight.numel() + 64,), float("nan"))
        around[32:-32] = weight.flatten()
        weight.data = around[32:-32].view_as(weight)
    assert_equal(steps.alone(layer, x, hx), wanted)


def test_numbers_that_are_negated_when_read(steps, kernels):
    layer = Recurrent("rnn_tanh", 1, 3)
    number = torch.complex(torch.randn(1, 1), torch.randn(1, 1))
    x = number.conj().imag  # of one number, thus dense in any case
    assert x.is_neg()
    kernels.assert_near(steps.step(layer, x), steps.alone(layer, -number.imag), 1e-6)


@pytest.mark.parametrize("cell", SOME, indirect=True)
def test_results_are_nobody_elses(steps, cell):
    layer = Recurrent(cell, 5, 9)
    x, hx = torch.randn(3, 5), steps.start(layer, 3)
    kept = [x.clone(), *(part.clone() for part in steps.parts(hx))]
    first = steps.alone(layer, x, hx)
    output, *states = steps.alone(layer, x, hx)
    output.zero_()
    assert_equal(states, first[1:])
    assert_equal([x, *steps.parts(hx)], kept)


# Threads.


def test_number_of_threads_changes_no_bit(steps, monkeypatch):
    found = []
    monkeypatch.setattr(one_step, "FEWEST_SHARED", 0)
    before = torch.get_num_threads()
    for threads in (1, 2, 3):
        for hidden in (1, 40, 150):
            torch.set_num_threads(1)  # the initial weights may depend on it
            torch.manual_seed(0)
            layer = Recurrent("lstm", 5, hidden, num_layers=2)
            torch.set_num_threads(threads)
            found.append(steps.alone(layer, torch.randn(3, 5), steps.start(layer, 3)))
    torch.set_num_threads(before)
    for index in range(3):
        assert_equal(found[index], found[index + 3])
        assert_equal(found[index], found[index + 6])


class ProductsOfProducts(Cell):
    """Products of what other products and the input's yield, with nothing in between."""

    gates = ("a",)
    weights = {"u": ("H", "H"), "v": ("H", "H")}

    def step(self, x, state, w):
        return (torch.tanh(state[0] @ w.u @ w.v + x.a @ w.v),)


def test_products_of_products_wait_for_all_columns(steps, kernels, monkeypatch):
    monkeypatch.setattr(one_step, "FEWEST_SHARED", 0)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    layer = Recurrent(ProductsOfProducts(), 5, 200).double()
    x, hx = torch.randn(2, 5).double(), steps.start(layer, 2)
    wanted = equations(steps, layer, x, hx)
    for _ in range(50):
        kernels.assert_near(steps.alone(layer, x, hx), wanted, 1e-12)


def test_streams_of_many_threads_do_not_mix():
    layer = Recurrent("lstm", 5, 33, num_layers=2)
    streams = [torch.randn(40, 1 + number % 3, 5) for number in range(8)]

    @torch.no_grad()
    def read(stream):
        state, outputs = None, []
        for x in stream:
            output, state = layer.step(x, state)
            outputs.append(output)
        return torch.stack(outputs)

    found = {}

    def note(number):
        found[number] = read(streams[number])

    threads = [threading.Thread(target=note, args=(number,)) for number in range(len(streams))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, stream in enumerate(streams):
        assert_equal(found[number], read(stream))
