"""Outputs of a layer may be changed in place before the backward pass, as with torch.nn."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from rnn_core.compiler.cpu import operators
from rnn_core.layers.conversion import from_torch
from rnn_core.layers.execution_path import eager_only
from rnn_core.layers.recurrent import Recurrent

T, B, I, H = 5, 4, 3, 6
NEAR = {"rtol": 1e-4, "atol": 1e-6}

pytestmark = [
    # Beyond H and B a Triton program computes with numbers that mean nothing.
    pytest.mark.filterwarnings("ignore::RuntimeWarning:triton"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning:numpy"),
]

CHANGES = {
    "relu": torch.relu_,
    "dropout": nn.Dropout(0.5, inplace=True),
    "a step": lambda outputs: outputs[0].zero_(),
    "doubled": lambda outputs: outputs.mul_(2),
    "a view": lambda outputs: outputs[..., ::2].sin_(),
}
OPTIONS = {
    "one layer": {},
    "two": {"num_layers": 2},
    "two-way": {"bidirectional": True},
    "batch first": {"batch_first": True},
}


@pytest.fixture
def calls(monkeypatch):
    """The names of the kernels' functions that are called."""
    made = []
    genuine = operators.run

    def run(kernel, direction, *others):
        made.append(direction)
        genuine(kernel, direction, *others)

    monkeypatch.setattr(operators, "run", run)
    return made


def changed(layer, x, change, every_state=False):
    """Outputs, last states and gradients, after all outputs and states were changed in place."""
    torch.manual_seed(1)
    every, final = layer.every_state(x) if every_state else layer(x)
    every = every if every_state else (every,)
    ends = (final,) if isinstance(final, torch.Tensor) else final
    for part in (*every, *ends):
        change(part)
    loss = sum((part + 0.1).square().sum() for part in (*every, *ends))
    gradients = torch.autograd.grad(loss, [x, *layer.parameters()])
    return [part.detach() for part in (*every, *ends)], gradients


@pytest.mark.parametrize("path", ["", "cuda", "triton"])
@pytest.mark.parametrize("every_state", [False, True])
@pytest.mark.parametrize("cell", ["gru", "lstm", "minlstm"])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.one_in(3)
def test_gradients_of_changed_outputs_are_right(cell, change, every_state, path, monkeypatch):
    monkeypatch.setenv("GATEWISE_FUSED", path)
    layer, x = Recurrent(cell, I, H).double(), torch.randn(T, B, I).double().requires_grad_()
    ours = changed(layer, x, CHANGES[change], every_state)
    with eager_only():
        theirs = changed(layer, x, CHANGES[change], every_state)
    assert_close(ours, theirs)


@pytest.mark.parametrize("kind", OPTIONS)
@pytest.mark.parametrize("change", CHANGES)
def test_changed_outputs_are_those_of_torch(kind, change):
    """The same changes with `torch.nn.LSTM` and the same weights give the same results."""
    theirs = nn.LSTM(I, H, **OPTIONS[kind]).double()
    ours = from_torch(theirs)
    shape = (B, T, I) if kind == "batch first" else (T, B, I)
    x = torch.randn(*shape, dtype=torch.float64, requires_grad=True)
    found, (d_x, *_) = changed(ours, x, CHANGES[change])
    expected, (their_d_x, *_) = changed(theirs, x, CHANGES[change])
    assert_close((found, d_x), (expected, their_d_x))


def test_outputs_that_nobody_changed_are_computed_once(calls):
    layer, x = Recurrent("lstm", I, H), torch.randn(T, B, I)
    outputs, (h, _) = layer(x)
    h.mul_(2)
    (outputs.exp().sum() + h.sum()).backward()
    assert calls == ["forward", "backward"]


@pytest.mark.parametrize("part", [slice(None), 1])
def test_change_that_autograd_does_not_see_leaves_the_derivative_as_it_was(part, calls):
    """Twice over, with another change between the two."""
    layer, x = Recurrent("gru", I, H), torch.randn(T, B, I, requires_grad=True)
    (expected,) = torch.autograd.grad(layer(x)[0].sum(), x)
    outputs, _ = layer(x)
    loss = outputs.sum()
    calls.clear()
    with torch.no_grad():
        outputs[part].mul_(3)
    (first,) = torch.autograd.grad(loss, x, retain_graph=True)
    with torch.no_grad():
        outputs.zero_()
    (second,) = torch.autograd.grad(loss, x)
    assert_close((first, second), (expected, expected), rtol=0, atol=0)
    assert calls == ["forward", "backward"] * 2


def test_what_tells_of_changes_keeps_no_memory():
    layer, x = Recurrent("gru", I, H), torch.randn(T, B, I)
    every, _ = layer.every_state(x)
    (witness,) = every[0].grad_fn.witnesses
    before = witness._version
    every[0][0].add_(1)
    assert witness._version == before + 1
    assert witness.untyped_storage().nbytes() == 0


@pytest.mark.parametrize("which", ["x", "state", "weight", "bias"])
def test_changed_input_is_noticed(which):
    layer, x, state = Recurrent("gru", I, H), torch.randn(T, B, I), torch.randn(1, B, H)
    outputs, _ = layer(x, state)
    torch.relu_(outputs)
    (direction,) = layer.directions
    inputs = {"x": x, "state": state, "weight": direction.input_weight}
    with torch.no_grad():
        inputs.get(which, direction.input_bias).mul_(2).add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        outputs.sum().backward()


def test_outputs_of_a_compiled_layer_may_be_changed(calls):
    layer, x = Recurrent("gru", I, H), torch.randn(T, B, I, requires_grad=True)
    torch._dynamo.reset()
    compiled = torch.compile(layer, backend="aot_eager")
    ours = changed(compiled, x, torch.relu_)
    assert calls == ["forward", "backward"]
    assert_close(ours, changed(layer, x, torch.relu_), **NEAR)


@pytest.mark.parametrize("reentrant", [False, True])
def test_outputs_of_a_checkpoint_may_be_changed(reentrant):
    layer, x = Recurrent("gru", I, H), torch.randn(T, B, I)

    def run(function):
        leaf = x.clone().requires_grad_()
        outputs = function(leaf)
        torch.relu_(outputs)
        outputs.square().sum().backward()
        return leaf.grad

    def checkpointed(x):
        return torch.utils.checkpoint.checkpoint(plain, x, use_reentrant=reentrant)

    def plain(x):
        return layer(x)[0]

    assert_close(run(checkpointed), run(plain), **NEAR)


def test_saved_tensors_elsewhere_are_of_use_when_outputs_change():
    layer, x = Recurrent("lstm", I, H), torch.randn(T, B, I, requires_grad=True)
    expected = changed(layer, x, torch.relu_)
    with torch.autograd.graph.save_on_cpu():
        found = changed(layer, x, torch.relu_)
    assert_close(found, expected, rtol=0, atol=0)
