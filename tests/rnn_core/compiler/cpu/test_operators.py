"""Kernels as PyTorch sees them: autograd, transforms, compilation, export and copies."""

import copy
import pickle

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from rnn_core.compiler.cpu import operators
from rnn_core.layers.execution_path import eager_only
from rnn_core.layers.recurrent import Recurrent

T, B, I, H = 5, 4, 3, 6
NEAR = {"rtol": 1e-4, "atol": 1e-6}


class Model(nn.Module):
    """A user's model around a layer."""

    def __init__(self, cell="gru"):
        super().__init__()
        self.layer = Recurrent(cell, I, H, bidirectional=True, batch_first=True)
        self.head = nn.Linear(2 * H, 2)

    def forward(self, x, lengths):
        outputs, _ = self.layer(x, lengths=lengths)
        return self.head(outputs.tanh())


@pytest.fixture
def batch():
    return torch.randn(B, T, I), torch.tensor([5, 2, 4, 1])


@pytest.fixture
def calls(monkeypatch):
    """The names of the kernels' functions that are called."""
    made = []
    genuine = operators.run

    def run(kernel, direction, values, dtype):
        made.append(direction)
        genuine(kernel, direction, values, dtype)

    monkeypatch.setattr(operators, "run", run)
    return made


def trained(model, batch):
    """Outputs, and the gradients of all parameters."""
    model.zero_grad()
    outputs = model(*batch)
    outputs.square().sum().backward()
    return outputs.detach(), [p.grad.clone() for p in model.parameters()]


@pytest.fixture
def expected(batch):
    """A function from a model to what it yields step by step."""

    def run(model):
        with eager_only():
            return trained(model, batch)

    return run


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_compiled_model_runs_the_kernel_and_gives_the_same_numbers(cell, batch, calls, expected):
    model = Model(cell)
    truth = expected(model)
    assert calls == []
    torch._dynamo.reset()
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    outputs, gradients = trained(compiled, batch)
    assert calls == ["forward"] * 2 + ["backward"] * 2
    assert_close((outputs, gradients), truth, **NEAR)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # what the compiler imports
@pytest.mark.thorough
def test_model_compiled_for_speed_gives_the_same_numbers(batch, calls, expected):
    model = Model()
    truth = expected(model)
    torch._dynamo.reset()
    result = trained(torch.compile(model, fullgraph=True), batch)
    assert calls.count("backward") == 2
    assert_close(result, truth, **NEAR)


def test_compiled_model_takes_batches_of_other_sizes(calls):
    model = Model()
    torch._dynamo.reset()
    compiled = torch.compile(model, backend="aot_eager", dynamic=True, fullgraph=True)
    for size in (4, 9, 2):
        batch = torch.randn(size, T + size, I), torch.randint(1, T, (size,))
        with eager_only():
            truth = trained(model, batch)
        assert_close(trained(compiled, batch), truth, **NEAR)
    assert calls.count("backward") == 6


@pytest.mark.parametrize("strict", [True, False])
def test_exported_model_runs_the_kernel_and_gives_the_same_numbers(strict, batch, calls):
    model = Model().eval()
    program = torch.export.export(model, batch, strict=strict)
    names = [str(node.target) for node in program.graph.nodes if node.op == "call_function"]
    assert names.count("gatewise.unroll.default") == 2
    with eager_only(), torch.no_grad():
        truth = model(*batch)
    calls.clear()
    assert_close(program.module()(*batch), truth, **NEAR)
    assert calls == ["forward"] * 2


def test_operator_passes_the_checks_of_pytorch(kernels):
    from rnn_core.cells import get_cell

    case = kernels.draw(get_cell("gru"), T=3, B=2, I=2, H=3, dtype=torch.float64)
    key = operators_key(case)
    tensors = [t.requires_grad_() for t in case.tensors]
    x, weight, bias, *others = tensors
    arguments = (x, weight, bias, others[:1], others[1:], [], None, False, True, key, True)
    tests = ("test_schema", "test_autograd_registration", "test_faketensor")
    assert set(torch.library.opcheck(operators.unroll, arguments, test_utils=tests).values()) == {
        "SUCCESS"
    }


def operators_key(case):
    from rnn_core.layers.execution_path import kernel_for

    return kernel_for(case.cell, case.tensors)


@pytest.mark.parametrize("transform", ["vmap", "grad"])
def test_transforms_of_functions_run_the_eager_loop(transform, calls):
    layer = Recurrent("gru", I, H)
    parameters = dict(layer.named_parameters())
    xs = torch.randn(3, T, B, I)

    def loss(parameters, x):
        return torch.func.functional_call(layer, parameters, (x,))[0].square().sum()

    if transform == "vmap":
        found = torch.func.vmap(loss, (None, 0))(parameters, xs)
        assert calls == []
        assert_close(found, torch.stack([loss(parameters, x) for x in xs]), **NEAR)
    else:
        found = torch.func.grad(loss)(parameters, xs[0])
        assert calls == []
        loss(parameters, xs[0]).backward()
        for name, parameter in layer.named_parameters():
            assert_close(found[name], parameter.grad, **NEAR)
    assert "forward" in calls


@pytest.mark.parametrize("cell", ["gru", "lstm", "lstm_peephole"])
@pytest.mark.parametrize("frozen", ["input_weight", "input_bias", "weights", "everything but x"])
def test_frozen_weights_get_no_gradient_and_the_others_the_same(cell, frozen):
    layer, x = Recurrent(cell, I, H), torch.randn(T, B, I, requires_grad=True)
    layer(x)[0].square().sum().backward()
    before = {name: p.grad for name, p in layer.named_parameters()} | {"x": x.grad}
    layer.zero_grad()
    x.grad = None
    for name, parameter in layer.named_parameters():
        parameter.requires_grad_(not (frozen in name or frozen == "everything but x"))
    layer(x)[0].square().sum().backward()
    for name, tensor in (*layer.named_parameters(), ("x", x)):
        expected = before[name] if tensor.requires_grad else None
        assert_close(tensor.grad, expected, rtol=0, atol=0)


def test_input_without_a_gradient_costs_none(calls):
    layer, x = Recurrent("gru", I, H), torch.randn(T, B, I)
    outputs, _ = layer(x)
    outputs.sum().backward()
    assert x.grad is None
    with torch.no_grad():
        assert_close(layer(x)[0], outputs, rtol=0, atol=0)
        assert not layer(x)[0].requires_grad
    assert calls == ["forward", "backward", "forward", "forward"]


def test_inference_mode_gives_the_same_numbers(calls):
    layer, x = Recurrent("lstm", I, H), torch.randn(T, B, I)
    outputs, (h, c) = layer(x)
    with torch.inference_mode():
        inferred, (last_h, last_c) = layer(x)
    assert inferred.is_inference()
    assert calls == ["forward"] * 2
    assert_close((inferred, last_h, last_c), (outputs, h, c), rtol=0, atol=0)


def test_results_stay_as_they_are_when_the_layer_runs_again():
    """Memory is used again, but not while anybody holds a result, or a view of it."""
    layer, x = Recurrent("lstm", I, H), torch.randn(T, B, I)
    with torch.no_grad():
        outputs, (h, _) = layer(x)
        row, copies = outputs[2, 1], (outputs.clone(), h.clone(), outputs[2, 1].clone())
        kept_outputs, _ = layer(2 * x)
        del outputs
        for _ in range(5):
            layer(torch.randn(T, B, I))
    assert_close((h, row), copies[1:], rtol=0, atol=0)
    with torch.no_grad():
        assert_close(kept_outputs, layer(2 * x)[0], rtol=0, atol=0)


def pickled(value):
    return pickle.loads(pickle.dumps(value))  # noqa: S301 - our own


@pytest.mark.parametrize("duplicate", [copy.deepcopy, pickled])
def test_copy_of_a_used_layer_gives_the_same_bits(duplicate):
    layer, x = Recurrent("lstm", I, H), torch.randn(T, B, I)
    outputs, state = layer(x)
    double = duplicate(layer)
    assert_close(double(x), (outputs, state), rtol=0, atol=0)
    assert_close(duplicate(outputs.detach()), outputs.detach(), rtol=0, atol=0)


def test_checkpointed_layer_has_the_same_gradients():
    layer, x = Recurrent("gru", I, H), torch.randn(T, B, I, requires_grad=True)
    (plain,) = torch.autograd.grad(layer(x)[0].square().sum(), x)
    again = torch.utils.checkpoint.checkpoint(lambda x: layer(x)[0], x, use_reentrant=False)
    (checkpointed,) = torch.autograd.grad(again.square().sum(), x)
    assert_close(checkpointed, plain, rtol=0, atol=0)


def test_mask_of_one_column_holds_for_all_sequences(kernels):
    from rnn_core.cells import get_cell

    case = kernels.draw(get_cell("gru"), T=4, B=3, I=2, H=5, lengths=[2])
    assert case.present.shape == (4, 1, 1)
    kernels.assert_kernel_matches(case)


def test_mask_of_another_batch_is_refused(kernels):
    from rnn_core.cells import get_cell

    case = kernels.draw(get_cell("gru"), T=4, B=3, I=2, H=5, lengths=[2, 1])
    with pytest.raises(RuntimeError, match="must match the existing size"):
        kernels.run_kernel(case)


@pytest.mark.parametrize("cell", ["gru", "lstm", "mingru"])
@pytest.mark.parametrize("grad", [False, True])
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_layer_that_is_traced_reads_its_input(cell, grad):
    """All that `torch.jit.trace` sees of a kernel is results, which it would keep for ever."""
    layer, x, other = Recurrent(cell, I, H), torch.randn(T, B, I), torch.randn(T, B, I)
    with torch.set_grad_enabled(grad):
        traced = torch.jit.trace(layer, (x,))
        assert_close(traced(other), layer(other), **NEAR)
