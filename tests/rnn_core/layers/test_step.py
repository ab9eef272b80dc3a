"""`Recurrent.step`: it sees every change of a weight, and does what `forward` does."""

from contextlib import ExitStack

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize, prune

from rnn_core.errors import ParameterError
from rnn_core.layers import one_step
from rnn_core.layers.execution_path import eager_only
from rnn_core.layers.recurrent import Recurrent

SOME = ["lstm", "gru", "lstm_layernorm"]


def assert_near(ours, theirs):
    """Equal except for the rounding of sums in another order."""
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def assert_equal(ours, theirs):
    """Equal to the bit."""
    torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


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


def write_before_each_call(layer):
    weight = torch.randn(24, 5)

    def write(module, _):
        module.input_weight.data.copy_(weight)

    layer.directions[0].register_forward_pre_hook(write)


CHANGES = (
    write_before_each_call,
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
def test_changed_weight_is_seen_by_the_next_step(steps, change):
    layer = Recurrent("gru", 5, 8, num_layers=2)
    x, hx = torch.randn(2, 5), steps.start(layer, 2)
    before = steps.alone(layer, x, hx)
    change(layer)
    after = steps.step(layer, x, hx)
    with eager_only():
        assert_near(after, steps.forward(layer, x, hx))
    assert (after[0] - before[0]).abs().max() > 1e-3


def test_weights_of_a_functional_call_are_used(steps):
    class Stream(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = Recurrent("gru", 5, 8)

        def forward(self, x, hx):
            return self.layer.step(x, hx)[0]

    model = Stream()
    x, hx = torch.randn(2, 5), steps.start(model.layer, 2)
    others = {name: torch.randn_like(value) for name, value in model.named_parameters()}
    found = torch.func.functional_call(model, others, (x, hx))
    model.load_state_dict(others)
    assert_near([found], steps.forward(model.layer, x, hx)[:1])


def test_layers_that_are_one_module_are_both_read(steps):
    layer = Recurrent("gru", 8, 8, num_layers=3)
    layer.directions[2] = layer.directions[0]
    x, hx = torch.randn(2, 8), steps.start(layer, 2)
    assert_near(steps.alone(layer, x, hx), steps.forward(layer, x, hx))


# What an ordinary call is for.


@pytest.mark.parametrize("cell", SOME)
def test_gradient_goes_through_a_step(steps, cell):
    layer = Recurrent(cell, 5, 9, num_layers=2).double()
    x, hx = (
        torch.randn(3, 5).double(),
        steps.mapped(torch.Tensor.requires_grad_, steps.start(layer, 3)),
    )
    found = []
    for run in (steps.step, steps.forward):
        with torch.enable_grad():
            loss = sum(part.square().sum() for part in run(layer, x, hx))
            found.append(torch.autograd.grad(loss, [*steps.parts(hx), *layer.parameters()]))
    assert all(gradient.abs().max() > 0 for gradient in found[0])
    assert_equal(*found)


def test_frozen_layer_needs_no_context_to_be_quick(steps):
    layer = Recurrent("gru", 5, 9).requires_grad_(requires_grad=False)
    x, hx = torch.randn(3, 5), steps.start(layer, 3)
    with torch.enable_grad():
        assert_equal(steps.alone(layer, x, hx), steps.step(layer, x, hx))
        assert one_step.step_alone(layer, x.requires_grad_(), hx) is None
        assert layer.step(x, hx)[0].requires_grad


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
@pytest.mark.parametrize("watch", ["autocast", "forward mode", "vmap"])
def test_transformed_step_is_that_of_forward(steps, watch):
    layer = Recurrent("gru", 5, 9)
    x, hx = torch.randn(3, 5), steps.start(layer, 3)

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

    found = run(steps.step)
    assert_equal(found, run(steps.forward))


@pytest.mark.parametrize("option", ["dropout", "recurrent_dropout", "zoneout"])
def test_step_while_training_drops_what_forward_drops(steps, option):
    layer = Recurrent("lstm", 5, 9, num_layers=2, **{option: 0.5})
    x, hx = torch.randn(3, 5), steps.start(layer, 3)
    found = []
    for run in (steps.step, steps.forward, steps.alone):
        torch.manual_seed(3)
        found.append(run(layer.train(run is not steps.alone), x, hx))
    assert_equal(found[0], found[1])
    assert (found[0][1] - found[2][1]).abs().max() > 1e-3


@pytest.mark.parametrize("whose", ["layer", "direction"])
def test_hooks_are_called(steps, whose):
    layer = Recurrent("gru", 5, 9)
    module = layer if whose == "layer" else layer.directions[0]
    calls = []
    module.register_forward_hook(lambda *_: calls.append(1))
    steps.step(layer, torch.randn(2, 5))
    assert calls == [1]


@pytest.mark.parametrize("options", [{}, {"batch_first": True}, {"initial_state": "learned"}])
@pytest.mark.parametrize("batch", [(), (4,)])
def test_stream_that_starts_anew(steps, options, batch):
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
    assert_near([torch.stack(outputs), *state], [whole, *final])


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
