"""One step of a layer equals a sequence of one, whatever happened to the weights in between."""

import copy
import ctypes
import platform
import subprocess
import threading
from contextlib import ExitStack

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrize, prune

from rnn_core.convert import from_torch
from rnn_core.errors import ParameterError
from rnn_core.fused import emit_step_c, one_step
from rnn_core.fused.build import FLAGS, find_compiler, whole_text
from rnn_core.fused.choice import eager_only
from rnn_core.recurrent import Recurrent
from rnn_core.unrolling import unroll

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


def parts(state):
    """The states as a tuple."""
    return (state,) if isinstance(state, torch.Tensor) else state


def mapped(function, state):
    """A state, each part of which a function made anew."""
    changed = tuple(function(part) for part in parts(state))
    return changed if len(changed) > 1 else changed[0]


def start(layer, *batch):
    """A state to begin with."""
    weight = next(layer.parameters())
    shape = (layer.num_layers, *batch, layer.hidden_size)
    states = tuple(0.5 * torch.randn(shape, dtype=weight.dtype) for _ in layer.cell.states)
    return states if len(states) > 1 else states[0]


def equations(layer, x, hx):
    """Output and states after a step by the equations of the cell, in float64."""
    layer, x = copy.deepcopy(layer).double(), x.double()
    hx, after = parts(mapped(torch.Tensor.double, hx)), []
    for index, direction in enumerate(layer.directions):
        projected = functional.linear(x, direction.input_weight, direction.bias())
        weights, given = direction.recurrent_weights(), direction.given(x.unsqueeze(0))
        before = tuple(part[index] for part in hx)
        _, states = unroll(direction.cell, projected.unsqueeze(0), before, weights, given)
        after.append(states)
        x = states[0]
    return [x, *(torch.stack(part) for part in zip(*after, strict=True))]


def alone(layer, x, hx=None):
    """Output and states after a step, which must not go through `forward`."""
    found = one_step.step_alone(layer, x, hx)
    assert found is not None, "an ordinary call"
    return [found[0], *parts(found[1])]


def by_step(layer, x, hx=None):
    """Output and states after a step."""
    output, state = layer.step(x, hx)
    return [output, *parts(state)]


def by_forward(layer, x, hx=None):
    """Output and states after a sequence of one step."""
    axis = 1 if layer.batch_first and x.ndim == 2 else 0
    outputs, state = layer(x.unsqueeze(axis), hx)
    return [outputs.squeeze(axis), *parts(state)]


def assert_equal(ours, theirs):
    """Equal to the bit."""
    torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


@pytest.fixture(autouse=True)
def _without_gradients():
    torch.manual_seed(0)
    with torch.no_grad():
        yield


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_step_is_that_of_the_cell(kernels, cell, dtype):
    for batch, inputs, hidden, layers in SIZES:
        layer = Recurrent(cell, inputs, hidden, num_layers=layers).to(dtype)
        given = tuple(torch.randn(1, batch, hidden, dtype=dtype) for _ in cell.given)
        if given:  # a layer hands such a cell nothing of its own accord
            for direction in layer.directions:
                direction.given = lambda x, given=given: tuple(g.to(x.dtype) for g in given)
        x, hx = torch.randn(batch, inputs, dtype=dtype), start(layer, batch)
        run = alone if batch <= one_step.MOST_SEQUENCES else by_step
        found, tolerance = run(layer, x, hx), 1e-5 if dtype is torch.float32 else 1e-12
        kernels.assert_near(found, equations(layer, x, hx), tolerance)
        kernels.assert_near(found, by_forward(layer, x, hx), tolerance)


@pytest.mark.parametrize(
    ("whole", "single"),
    [(nn.GRU, nn.GRUCell), (nn.LSTM, nn.LSTMCell), (nn.RNN, nn.RNNCell)],
)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("batch", [(), (1,), (8,), (33,)])
def test_stream_is_that_of_torchs_cell(whole, single, bias, batch):
    theirs, module = single(6, 20, bias=bias).double(), whole(6, 20, bias=bias).double()
    module.load_state_dict({f"{name}_l0": value for name, value in theirs.state_dict().items()})
    layer, state, hx = from_torch(module), None, None
    for _ in range(5):
        x = torch.randn(*batch, 6, dtype=torch.float64)
        output, hx = layer.step(x, hx)
        state = theirs(x, state)
        for ours, other in zip(parts(hx), parts(state), strict=True):
            torch.testing.assert_close(ours, other.unsqueeze(0), rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(output, parts(state)[0], rtol=1e-12, atol=1e-12)


# What may happen to the weights between two steps.


def train(layer):
    with torch.enable_grad():
        layer(torch.randn(3, 2, 5))[0].square().sum().backward()
    torch.optim.SGD(layer.parameters(), lr=0.5).step()


def write_through_data(layer):
    layer.directions[0].weights["n"].data[2, 3] += 1


def give_data(layer):
    layer.directions[0].weights["n"].data = torch.randn(8, 8)


def turn_data(layer):
    weight = layer.directions[0].weights["n"]
    weight.data = weight.data.t()  # the same memory, read the other way


def copy_in_place(layer):
    layer.directions[1].input_weight.copy_(torch.randn(24, 8))


def load(layer):
    layer.load_state_dict(Recurrent("gru", 5, 8, num_layers=2).state_dict())


def set_storage(layer):
    weight = layer.directions[0].input_bias
    with torch.no_grad():
        weight.set_(torch.randn(24))


def replace(layer):
    layer.directions[0].input_weight = nn.Parameter(torch.randn(24, 5))
    layer.directions[1].weights["r"] = nn.Parameter(torch.randn(8, 8))


def share(layer):
    layer.directions[1].weights["r"] = layer.directions[0].weights["z"]


def move_to_float64_and_back(layer):
    layer.double().float()
    layer.directions[0].input_bias.add_(1)


def write_through_numpy(layer):
    layer.directions[0].weights["z"].detach().numpy()[:] *= 2


class Halved(nn.Module):
    def forward(self, weight):
        return weight / 2


def parametrise(layer):
    parametrize.register_parametrization(layer.directions[0], "input_weight", Halved())


def prune_input(layer):
    prune.random_unstructured(layer.directions[0], "input_weight", amount=0.5)


def prune_recurrent(layer):
    prune.random_unstructured(layer.directions[0].weights, "n", amount=0.5)


def normalise(layer):
    prune_recurrent(layer)
    layer.directions[0].weights.n_orig.mul_(3)  # what a hook makes the weight of


CHANGES = (
    train,
    write_through_data,
    give_data,
    turn_data,
    copy_in_place,
    load,
    set_storage,
    replace,
    share,
    move_to_float64_and_back,
    write_through_numpy,
    parametrise,
    prune_input,
    prune_recurrent,
    normalise,
)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_changed_weight_is_seen_by_the_next_step(kernels, change):
    layer = Recurrent("gru", 5, 8, num_layers=2)
    x, hx = torch.randn(2, 5), start(layer, 2)
    before = alone(layer, x, hx)
    change(layer)
    after = by_step(layer, x, hx)
    with eager_only():
        kernels.assert_near(after, by_forward(layer, x, hx), 1e-5)
    assert (after[0] - before[0]).abs().max() > 1e-3


def test_weights_of_a_functional_call_are_used(kernels):
    class Stream(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = Recurrent("gru", 5, 8)

        def forward(self, x, hx):
            return self.layer.step(x, hx)[0]

    model = Stream()
    x, hx = torch.randn(2, 5), start(model.layer, 2)
    others = {name: torch.randn_like(value) for name, value in model.named_parameters()}
    found = torch.func.functional_call(model, others, (x, hx))
    model.load_state_dict(others)
    kernels.assert_near([found], equations(model.layer, x, hx)[:1], 1e-5)


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
def test_memory_layout_of_input_and_state_changes_no_bit(cell, loose):
    layer = Recurrent(cell, 5, 9, num_layers=2)
    x, hx = torch.randn(3, 5), start(layer, 3)
    assert not loose(x).is_contiguous()
    assert_equal(alone(layer, loose(x), mapped(loose, hx)), alone(layer, x, hx))


def test_one_row_for_all_sequences_is_read_as_such():
    layer = Recurrent("lstm", 5, 9)
    x, hx = torch.randn(1, 5), start(layer, 1)
    rows, states = x.expand(4, 5), mapped(lambda part: part.expand(1, 4, 9), hx)
    found = alone(layer, rows, states)
    assert_equal(found, alone(layer, rows.clone(), mapped(torch.clone, states)))


@pytest.mark.parametrize("cell", SOME, indirect=True)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("sizes", [(1, 7), (5, 1), (33, 31), (16, 64)])
def test_nothing_beside_a_weight_is_read(cell, dtype, sizes):
    layer = Recurrent(cell, *sizes).to(dtype)
    x, hx = torch.randn(3, sizes[0], dtype=dtype), start(layer, 3)
    wanted = alone(layer, x, hx)
    for weight in layer.parameters():
        around = weight.new_full((weight.numel() + 64,), float("nan"))
        around[32:-32] = weight.flatten()
        weight.data = around[32:-32].view_as(weight)
    assert_equal(alone(layer, x, hx), wanted)


def test_numbers_that_are_negated_when_read(kernels):
    layer = Recurrent("rnn_tanh", 1, 3)
    number = torch.complex(torch.randn(1, 1), torch.randn(1, 1))
    x = number.conj().imag  # of one number, thus dense in any case
    assert x.is_neg()
    kernels.assert_near(by_step(layer, x), alone(layer, -number.imag), 1e-6)


@pytest.mark.parametrize("cell", SOME, indirect=True)
def test_results_are_nobody_elses(cell):
    layer = Recurrent(cell, 5, 9)
    x, hx = torch.randn(3, 5), start(layer, 3)
    kept = [x.clone(), *(part.clone() for part in parts(hx))]
    first = alone(layer, x, hx)
    output, *states = alone(layer, x, hx)
    output.zero_()
    assert_equal(states, first[1:])
    assert_equal([x, *parts(hx)], kept)


# What an ordinary call is for.


@pytest.mark.parametrize("cell", SOME, indirect=True)
def test_gradient_goes_through_a_step(cell):
    layer = Recurrent(cell, 5, 9, num_layers=2).double()
    x, hx = torch.randn(3, 5).double(), mapped(torch.Tensor.requires_grad_, start(layer, 3))
    found = []
    for run in (by_step, by_forward):
        with torch.enable_grad():
            loss = sum(part.square().sum() for part in run(layer, x, hx))
            found.append(torch.autograd.grad(loss, [*parts(hx), *layer.parameters()]))
    assert all(gradient.abs().max() > 0 for gradient in found[0])
    assert_equal(*found)


def test_frozen_layer_needs_no_context_to_be_quick():
    layer = Recurrent("gru", 5, 9).requires_grad_(requires_grad=False)
    x, hx = torch.randn(3, 5), start(layer, 3)
    with torch.enable_grad():
        assert_equal(alone(layer, x, hx), by_step(layer, x, hx))
        assert one_step.step_alone(layer, x.requires_grad_(), hx) is None
        assert layer.step(x, hx)[0].requires_grad


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
@pytest.mark.parametrize("watch", ["autocast", "forward mode", "vmap"])
def test_transformed_step_is_that_of_forward(watch):
    layer = Recurrent("gru", 5, 9)
    x, hx = torch.randn(3, 5), start(layer, 3)

    def run(function):
        with ExitStack() as stack:
            if watch == "autocast":
                stack.enter_context(torch.autocast("cpu", torch.bfloat16))
                return function(layer, x, hx)
            if watch == "vmap":
                return torch.vmap(lambda row: function(layer, row, hx[:, 0])[0])(x)
            stack.enter_context(torch.autograd.forward_ad.dual_level())
            dual = torch.autograd.forward_ad.make_dual(x, torch.ones_like(x))
            return torch.autograd.forward_ad.unpack_dual(function(layer, dual, hx)[0]).tangent

    found = run(by_step)
    assert_equal(found, run(by_forward))


@pytest.mark.parametrize("option", ["dropout", "recurrent_dropout", "zoneout"])
def test_step_while_training_drops_what_forward_drops(option):
    layer = Recurrent("lstm", 5, 9, num_layers=2, **{option: 0.5})
    x, hx = torch.randn(3, 5), start(layer, 3)
    found = []
    for run in (by_step, by_forward, alone):
        torch.manual_seed(3)
        found.append(run(layer.train(run is not alone), x, hx))
    assert_equal(found[0], found[1])
    assert (found[0][1] - found[2][1]).abs().max() > 1e-3


@pytest.mark.parametrize("whose", ["layer", "direction"])
def test_hooks_are_called(whose):
    layer = Recurrent("gru", 5, 9)
    module = layer if whose == "layer" else layer.directions[0]
    calls = []
    module.register_forward_hook(lambda *_: calls.append(1))
    layer.step(torch.randn(2, 5))
    assert calls == [1]


@pytest.mark.parametrize("options", [{}, {"batch_first": True}, {"initial_state": "learned"}])
@pytest.mark.parametrize("batch", [(), (4,)])
def test_stream_that_starts_anew(kernels, options, batch):
    layer = Recurrent("lstm", 5, 9, num_layers=2, **options).eval()
    for direction in layer.directions if "initial_state" in options else ():
        direction.start.normal_()
    x = torch.randn(3, *batch, 5)
    state, outputs = None, []
    for row in x:
        output, state = layer.step(row, state)
        outputs.append(output)
    swap = bool(batch) and layer.batch_first
    whole, final = layer(x.transpose(0, 1) if swap else x)
    whole = whole.transpose(0, 1) if swap else whole
    kernels.assert_near([torch.stack(outputs), *state], [whole, *final], 1e-5)


def test_both_directions_are_refused():
    layer = Recurrent("gru", 5, 9, bidirectional=True)
    with pytest.raises(ParameterError, match="bidirectional layer cannot read step by step"):
        layer.step(torch.randn(2, 5))


@pytest.mark.parametrize(
    ("x", "hx", "says"),
    [
        (torch.zeros(1, 2, 5), None, r"one step, a tensor \(batch, 5\) or \(5,\), not \(1, 2, 5\)"),
        ([0.0] * 5, None, "one step, .* not a list"),
        (torch.zeros(2, 4), None, "5"),
        (torch.zeros(2, 5), torch.zeros(1, 3, 9), "batch is 2 here, not 3"),
        (torch.zeros(2, 5), torch.zeros(2, 9), "3-D"),
        (torch.zeros(5), torch.zeros(1, 2, 9), "2-D"),
        (torch.zeros(2, 5), torch.zeros(()), "1, 2, 9"),
        (torch.zeros(2, 5), (), "1, 2, 9"),
        (torch.zeros(2, 5), (torch.zeros(1, 2, 9),) * 2, "1, 2, 9"),
        (torch.zeros(2, 5), torch.zeros(1, 2, 9).double(), "float64"),
        (torch.zeros(2, 5).double(), torch.zeros(1, 2, 9).double(), "float64"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(x, hx, says):
    layer = Recurrent("gru", 5, 9)
    with pytest.raises(ParameterError, match=says):
        layer.step(x, hx)


def test_no_sequences_are_none():
    layer = Recurrent("gru", 5, 9)
    output, state = layer.step(torch.zeros(0, 5), torch.zeros(1, 0, 9))
    assert output.shape == (0, 9)
    assert state.shape == (1, 0, 9)


# Threads.


def test_number_of_threads_changes_no_bit(monkeypatch):
    found = []
    monkeypatch.setattr(one_step, "FEWEST_SHARED", 0)
    before = torch.get_num_threads()
    for threads in (1, 2, 3):
        for hidden in (1, 40, 150):
            torch.set_num_threads(1)  # the initial weights may depend on it
            torch.manual_seed(0)
            layer = Recurrent("lstm", 5, hidden, num_layers=2)
            torch.set_num_threads(threads)
            found.append(alone(layer, torch.randn(3, 5), start(layer, 3)))
    torch.set_num_threads(before)
    for index in range(3):
        assert_equal(found[index], found[index + 3])
        assert_equal(found[index], found[index + 6])


def test_streams_of_many_threads_do_not_mix():
    layer = Recurrent("lstm", 5, 33, num_layers=2)
    streams = [torch.randn(40, 1 + number % 3, 5) for number in range(8)]

    def read(stream):
        state, outputs = None, []
        for x in stream:
            output, state = layer.step(x, state)
            outputs.append(output)
        return torch.stack(outputs)

    found = {}

    def note(number):
        with torch.no_grad():
            found[number] = read(streams[number])

    threads = [threading.Thread(target=note, args=(number,)) for number in range(len(streams))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, stream in enumerate(streams):
        assert_equal(found[number], read(stream))


# The products, for every width of vectors that a processor may have.

WRAPPER = """
void both(integer rows, integer depth, integer columns, const REAL *left, const REAL *matrix,
          const REAL *turned, REAL *result, REAL *other)
{
    const integer P = padded(columns);
    begin(rows, 0, columns, 0, result, P);
    begin(rows, 0, columns, 0, other, P);
    add_product(rows, depth, left, depth, matrix, columns, 0, columns, result, P);
    add_transposed(rows, depth, left, depth, turned, depth, 0, columns, other, P);
}
"""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="flags are of x86-64")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("march", ["x86-64", "x86-64-v3"])
def test_products_with_narrow_vectors(tmp_path, kernels, dtype, march):
    if march == "x86-64-v3" and "AVX2" not in torch.backends.cpu.get_cpu_capability() + "AVX2":
        pytest.skip("the processor has no such vectors")
    source, library = tmp_path / "products.c", tmp_path / "products.so"
    source.write_text(whole_text(emit_step_c.direct_text() + WRAPPER, dtype))
    flags = [f"-march={march}" if flag == "-march=native" else flag for flag in FLAGS]
    command = [find_compiler(), *flags, str(source), "-o", str(library), "-lm"]
    subprocess.run(command, check=True)
    both = ctypes.CDLL(str(library)).both
    for rows in (1, 2, 3, 4, 7, 16):
        for depth, columns in ((1, 1), (5, 7), (17, 33), (64, 64), (40, 130)):
            left, matrix = torch.randn(rows, depth).to(dtype), torch.randn(depth, columns).to(dtype)
            turned = matrix.t().contiguous()
            width = -(-columns // 64) * 64
            results = [torch.zeros(rows * width, dtype=dtype) for _ in range(2)]
            tensors = (left, matrix, turned, *results)
            both(
                *map(ctypes.c_longlong, (rows, depth, columns)),
                *(ctypes.c_void_p(tensor.data_ptr()) for tensor in tensors),
            )
            wanted = (left.double() @ matrix.double()).to(dtype)
            for result in results:
                stride = padded(columns, march, dtype)
                found = result.as_strided((rows, columns), (stride, 1))
                kernels.assert_near([found], [wanted], 5e-6 if dtype is torch.float32 else 1e-13)


def padded(columns, march, dtype):
    """Numbers of a row of results: whole panels, of two vectors each."""
    panel = 2 * {"x86-64": 16, "x86-64-v3": 32}[march] // dtype.itemsize
    return -(-columns // panel) * panel
