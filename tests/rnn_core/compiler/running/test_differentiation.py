"""Derivatives beyond the first, and forward ones.

The oracle is the eager loop in float64, or finite differences.
"""

import pytest
import torch
from double_layers import NEAR, PATHS, B, H, I, T, make
from torch.autograd import forward_ad, gradcheck, gradgradcheck
from torch.autograd.functional import hessian, jacobian
from torch.testing import assert_close

from rnn_core.cells import REGISTRY, get_cell
from rnn_core.layers.execution_path import eager_only

SOME = ["gru", "lstm", "mingru"]

pytestmark = [
    # Beyond H and B a Triton program computes with numbers that mean nothing.
    pytest.mark.filterwarnings("ignore::RuntimeWarning:triton"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning:numpy"),
    # What PyTorch has to say to itself:
    pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated"),
    pytest.mark.filterwarnings("ignore:Dynamo detected a call to a `functools.lru_cache`"),
]


def both(function):
    """Results of a function with kernels and in the eager loop."""
    ours = function()
    with eager_only():
        return ours, function()


# Finite differences.


@pytest.mark.parametrize("cell", REGISTRY, indirect=True)
def test_derivatives_of_all_kinds_match_finite_differences(kernels, cell):
    """Of all inputs, backward, forward and in batches; of outputs and last states."""
    case = kernels.draw(cell, T=3, B=2, I=2, H=2, dtype=torch.float64, lengths=[3, 2])
    tensors = [t.requires_grad_() for t in case.tensors]

    def run(*tensors):
        return tuple(kernels.run_layer(case.over(tensors)))

    assert gradcheck(run, tensors, check_forward_ad=True, check_batched_grad=True, fast_mode=True)


@pytest.mark.parametrize("cell", REGISTRY, indirect=True)
def test_second_derivatives_match_finite_differences(kernels, cell):
    case = kernels.draw(cell, T=2, B=2, I=1, H=2, dtype=torch.float64, reverse=True)
    tensors = [t.requires_grad_() for t in case.tensors]

    def run(*tensors):
        return tuple(kernels.run_layer(case.over(tensors)))

    assert gradgradcheck(run, tensors, check_batched_grad=True, fast_mode=True)


# What people differentiate further for.


def penalty(layer, x):
    """The gradient of a gradient penalty, for all parameters and the input."""
    outputs, _ = layer(x)
    (gradient,) = torch.autograd.grad(outputs.tanh().sum(), x, create_graph=True)
    loss = (gradient.flatten(1).norm(dim=1) - 1).square().mean() + outputs.square().mean()
    return torch.autograd.grad(loss, [x, *layer.parameters()])


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("cell", SOME)
@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}])
def test_gradient_penalty_is_right(cell, path, options, runs, monkeypatch):
    monkeypatch.setenv("GATEWISE_FUSED", path)
    layer, x = make(cell, **options)
    ours, theirs = both(lambda: penalty(layer, x))
    assert_close(ours, theirs, **NEAR)
    assert runs or path == "cuda"


def test_third_derivative_is_right():
    layer, x = make("gru")

    def third():
        value = layer(x)[0].square().sum()
        for _ in range(3):
            (gradient,) = torch.autograd.grad(value, x, create_graph=True)
            value = gradient.sin().sum()
        return torch.autograd.grad(value, list(layer.parameters()))

    assert_close(*both(third), **NEAR)


def test_derivative_of_what_depends_on_another_input_counts_each_path_once():
    """The state here is made of the input: what goes through it comes in by the state."""
    layer, x = make("lstm")
    mix = torch.randn(I, H, dtype=torch.float64)

    def second():
        state = (x[0] @ mix).unsqueeze(0)
        outputs, _ = layer(x, (state, state.sin()))
        (gradient,) = torch.autograd.grad(outputs.square().sum(), x, create_graph=True)
        return gradient, torch.autograd.grad(gradient.cos().sum(), [x, *layer.parameters()])

    assert_close(*both(second), **NEAR)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("vectorize", [False, True])
def test_jacobian_and_hessian_are_right(path, vectorize, runs, monkeypatch):
    monkeypatch.setenv("GATEWISE_FUSED", path)
    layer, x = make("gru_reset_after")

    def outputs(x):
        return layer(x)[0][-1]

    assert_close(*both(lambda: jacobian(outputs, x, vectorize=vectorize)), **NEAR)
    assert runs or path == "cuda"
    found = both(lambda: hessian(lambda x: outputs(x).square().sum(), x, vectorize=vectorize))
    assert_close(*found, **NEAR)


@pytest.mark.parametrize("path", PATHS)
def test_gradients_in_batches_are_those_one_by_one(path, monkeypatch):
    monkeypatch.setenv("GATEWISE_FUSED", path)
    layer, x = make("lstm")
    cotangents = torch.randn(6, T, B, H, dtype=torch.float64)
    wanted = [x, *layer.parameters()]
    outputs, _ = layer(x, lengths=torch.tensor([4, 1, 3]))
    options = {"retain_graph": True}
    batched = torch.autograd.grad(outputs, wanted, cotangents, is_grads_batched=True, **options)
    single = [torch.autograd.grad(outputs, wanted, one, **options) for one in cotangents]
    assert_close(batched, tuple(torch.stack(g) for g in zip(*single, strict=True)), **NEAR)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("tangent_of", ["x", "state", "input_weight", "weights.n"])
@pytest.mark.parametrize("grad", [True, False])
def test_dual_numbers_have_the_right_tangent(path, tangent_of, grad, monkeypatch):
    monkeypatch.setenv("GATEWISE_FUSED", path)
    layer, x = make("gru")
    values = {f"0.{name}": p for name, p in layer.directions[0].named_parameters()}
    values = {f"directions.{name}": p.detach() for name, p in values.items()}
    values |= {"x": x.detach(), "state": torch.randn(1, B, H, dtype=torch.float64)}
    name = tangent_of if tangent_of in values else f"directions.0.{tangent_of}"
    tangent = torch.randn_like(values[name])

    def run(value):
        x, state, *_ = (value if key == name else values[key] for key in ("x", "state"))
        weights = {key: v for key, v in values.items() if key not in ("x", "state")}
        weights |= {name: value} if name in weights else {}
        return torch.func.functional_call(layer, weights, (x, state))[0]

    with torch.set_grad_enabled(grad), forward_ad.dual_level():
        found = forward_ad.unpack_dual(run(forward_ad.make_dual(values[name], tangent))).tangent
    step = 1e-5
    there, back = run(values[name] + step * tangent), run(values[name] - step * tangent)
    assert_close(found, (there - back) / (2 * step), rtol=1e-6, atol=1e-8)


def test_transforms_of_functions_are_right():
    layer, x = make("gru")
    x, tangent = x.detach(), torch.randn(T, B, I, dtype=torch.float64)

    def outputs(x):
        return layer(x)[0][-1]

    theirs = jacobian(outputs, x)
    assert_close(torch.func.jacrev(outputs)(x), theirs, **NEAR)
    assert_close(torch.func.jacfwd(outputs)(x), theirs, **NEAR)
    value, product = torch.func.jvp(outputs, (x,), (tangent,))
    assert_close((value, product), (outputs(x), (theirs * tangent).sum((2, 3, 4))), **NEAR)

    def square(x):
        return outputs(x).square().sum()

    assert_close(torch.func.hessian(square)(x), hessian(square, x), **NEAR)


@pytest.mark.parametrize("in_dim", [0, 1])
def test_weights_may_be_many(in_dim):
    """An ensemble: one input, and the weights of several layers as one tensor each."""
    layers = [make("lstm_peephole")[0] for _ in range(3)]
    x = torch.randn(T, B, I, dtype=torch.float64)
    weights, _ = torch.func.stack_module_state(layers)
    weights = {k: v.detach().movedim(0, in_dim).contiguous() for k, v in weights.items()}

    def run(weights):
        return torch.func.functional_call(layers[0], weights, (x,))[0]

    found = torch.vmap(run, in_dims=(in_dim,))(weights)
    assert_close(found, torch.stack([layer(x)[0] for layer in layers]).detach(), **NEAR)


@pytest.mark.parametrize("path", PATHS)
def test_transform_that_leaves_the_layer_alone_may_be_at_work(path, monkeypatch):
    """Nothing of the layer stands for several tensors here, but autograd's rules change."""
    monkeypatch.setenv("GATEWISE_FUSED", path)
    layer, x = make("gru")
    scales = torch.randn(3, dtype=torch.float64)
    found = torch.vmap(lambda scale: layer(x)[0] * scale)(scales)
    assert_close(found, scales.view(3, 1, 1, 1) * layer(x)[0], **NEAR)


def test_dropped_weights_may_differ_where_the_input_does_not():
    layer, x = make("gru", recurrent_dropout=0.5)
    torch.manual_seed(1)
    found = torch.vmap(lambda _: layer(x)[0], randomness="different")(torch.zeros(3))
    assert found.shape == (3, T, B, H)
    assert_close(found[:, 0], found[0, 0].expand(3, B, H), **NEAR)  # its state is 0, as no weight
    assert not torch.equal(found[0], found[1])


@pytest.mark.parametrize("transform", ["vmap", "grad"])
def test_compiled_transforms_are_right(transform):
    layer, x = make("rnn_tanh")
    xs = torch.stack([x.detach(), 2 * x.detach()])
    functions = {
        "vmap": torch.vmap(lambda x: layer(x)[0]),
        "grad": torch.func.grad(lambda x: layer(x[0])[0].square().sum()),
    }
    torch._dynamo.reset()
    compiled = torch.compile(functions[transform], backend="aot_eager")
    assert_close(compiled(xs), functions[transform](xs), **NEAR)


# Tensors, weights and cells of other kinds.


class Marked(torch.Tensor):
    """A subclass that only has another name."""


def test_second_derivative_of_a_subclass_is_right():
    layer, x = make("gru")

    def run(kind):
        return penalty(layer, x.detach().as_subclass(kind).requires_grad_())

    ours = [g.as_subclass(torch.Tensor) for g in run(Marked)]
    assert_close(ours, list(run(torch.Tensor)), **NEAR)


def test_gradients_of_frozen_weights_are_none_in_the_second_derivative_too():
    layer, x = make("lstm")
    layer.directions[0].input_bias.requires_grad_(False)
    assert len(penalty_of_some(layer, x)) == len(list(layer.parameters()))


def penalty_of_some(layer, x):
    (gradient,) = torch.autograd.grad(layer(x)[0].sum(), x, create_graph=True)
    wanted = [x, *(p for p in layer.parameters() if p.requires_grad)]
    return torch.autograd.grad(gradient.square().sum(), wanted)


def test_backward_under_autocast_is_in_the_type_of_the_tensors():
    layer, x = make("gru")

    def run():
        outputs, _ = layer(x)
        with torch.autocast("cpu", torch.bfloat16):
            (gradient,) = torch.autograd.grad(outputs.sum(), x, create_graph=True)
        return gradient, torch.autograd.grad(gradient.square().sum(), x)

    assert_close(*both(run), **NEAR)


def test_cells_that_are_run_by_hand_have_second_derivatives(kernels):
    case = kernels.draw(get_cell("gru"), T=3, B=2, I=2, H=3, dtype=torch.float64)
    tensors = [t.requires_grad_() for t in case.tensors]
    outputs = kernels.run_kernel(case)
    gradients = torch.autograd.grad(outputs[0].sum(), tensors, create_graph=True)
    ours = torch.autograd.grad(sum(g.square().sum() for g in gradients), tensors)
    outputs = kernels.run_eager(case)
    gradients = torch.autograd.grad(outputs[0].sum(), tensors, create_graph=True)
    theirs = torch.autograd.grad(sum(g.square().sum() for g in gradients), tensors)
    assert_close(ours, theirs, **NEAR)
