"""Derivatives beyond the first, forward ones, and gradients that come in unusual shapes.

The oracle is the eager loop in float64, or finite differences.
"""

import pytest
import torch
from torch import nn
from torch.autograd import forward_ad, gradcheck, gradgradcheck
from torch.autograd.functional import hessian, jacobian
from torch.testing import assert_close

from rnn_core.cells import REGISTRY, get_cell
from rnn_core.compiler.cpu import operators
from rnn_core.compiler.gpu import operators as programs
from rnn_core.layers.execution_path import eager_only
from rnn_core.layers.recurrent import Recurrent

T, B, I, H = 4, 3, 2, 5
NEAR = {"rtol": 1e-9, "atol": 1e-11}
PATHS = ["", "triton", "cuda"]
SOME = ["gru", "lstm", "mingru"]

pytestmark = [
    # Beyond H and B a Triton program computes with numbers that mean nothing.
    pytest.mark.filterwarnings("ignore::RuntimeWarning:triton"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning:numpy"),
    # What PyTorch has to say to itself:
    pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated"),
    pytest.mark.filterwarnings("ignore:Dynamo detected a call to a `functools.lru_cache`"),
]


@pytest.fixture
def runs(monkeypatch):
    """The names of the kernels and programs that run."""
    made = []

    def noted(genuine, name_of):
        def function(*arguments):
            made.append(name_of(*arguments))
            return genuine(*arguments)

        return function

    of_kernel, of_program = (lambda _, direction, *__: direction), (lambda *_: "program")
    monkeypatch.setattr(operators, "run", noted(operators.run, of_kernel))
    monkeypatch.setattr(programs, "launch", noted(programs.launch, of_program))
    return made


def make(cell, **options):
    """A layer in float64 and an input that has a gradient."""
    layer = Recurrent(cell, I, H, **options).double()
    return layer, torch.randn(T, B, I, dtype=torch.float64, requires_grad=True)


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


# Gradients, and tensors, whose numbers are not in memory as they are.


def negative(tensor):
    """The same numbers, in memory with the other sign."""
    result = torch.complex(tensor, -tensor).conj().imag
    assert result.is_neg()
    return result


ODD = {
    "negative": negative,
    "expanded": lambda g: g[:, :, :1].expand(g.shape),
    "of one number": lambda g: g[:1, :1, :1].expand(g.shape),
    "strided": lambda g: g.repeat_interleave(2, -1)[..., ::2],
    "turned": lambda g: g.movedim(-1, 0).contiguous().movedim(0, -1),
    "sparse": lambda g: g.to_sparse(),
    "no numbers": lambda g: torch._efficientzerotensor(g.shape, dtype=g.dtype),
    "a parameter": nn.Parameter,
}


@pytest.mark.parametrize("path", ["", "triton"])
@pytest.mark.parametrize("kind", ODD)
def test_gradient_of_any_layout_is_read_right(kind, path, runs, monkeypatch):
    monkeypatch.setenv("GATEWISE_FUSED", path)
    layer, x = make("lstm")
    odd = ODD[kind](torch.randn(T, B, H, dtype=torch.float64))
    wanted = [x, *layer.parameters()]
    ours = torch.autograd.grad(layer(x)[0], wanted, odd)
    dense = odd.detach().to_dense() if odd.is_sparse else torch.zeros_like(x[..., :1]) + odd
    with eager_only():
        theirs = torch.autograd.grad(layer(x)[0], wanted, dense.detach())
    assert_close(ours, theirs, **NEAR)
    assert runs


def test_sparse_gradient_of_a_gather_is_read_right(runs):
    layer, x = make("gru")
    index = torch.randint(T, (1, B, H))

    def run(sparse):
        last = torch.gather(layer(x)[0], 0, index, sparse_grad=sparse)
        return torch.autograd.grad(last.square().sum(), [x, *layer.parameters()])

    ours = run(sparse=True)
    assert runs == ["forward", "backward"]
    assert_close(ours, run(sparse=False), rtol=0, atol=0)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("size", [1, I])
def test_input_of_the_other_sign_in_memory_is_read_right(size, path, monkeypatch):
    monkeypatch.setenv("GATEWISE_FUSED", path)
    layer = Recurrent("lstm", size, H).double()
    x, h, c = (torch.randn(*s, dtype=torch.float64) for s in ((T, B, size), (1, B, H), (1, B, H)))
    assert_close(layer(negative(x), (negative(h), negative(c))), layer(x, (h, c)), **NEAR)


def test_zeros_without_numbers_are_read_right():
    layer, x = make("gru")
    zeros = torch._efficientzerotensor((1, B, H), dtype=torch.float64)
    assert_close(layer(x, zeros)[0], layer(x)[0], **NEAR)


@pytest.mark.parametrize("device", ["meta"])
def test_state_of_another_device_is_refused(device):
    """A kernel would read an address that is none."""
    layer, x = make("gru")
    with pytest.raises(RuntimeError, match=r"(?i)device|meta"):
        layer(x, torch.zeros(1, B, H, dtype=torch.float64, device=device))[0].sum().item()


def test_layer_without_numbers_has_shapes():
    layer = Recurrent("lstm", I, H).to("meta")
    outputs, (h, c) = layer(torch.empty(T, B, I, device="meta"))
    assert (outputs.shape, h.shape, c.shape) == ((T, B, H), (1, B, H), (1, B, H))
    assert outputs.is_meta


class Wrapper(torch.Tensor):
    """A tensor that has no memory of its own, and unwraps whatever it meets."""

    @staticmethod
    def __new__(cls, inner):
        return torch.Tensor._make_wrapper_subclass(
            cls, inner.shape, strides=inner.stride(), dtype=inner.dtype, device=inner.device
        )

    def __init__(self, inner):
        self.inner = inner

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        from torch.utils._pytree import tree_map_only

        args, kwargs = tree_map_only(cls, lambda t: t.inner, (args, kwargs or {}))
        return function(*args, **kwargs)


def test_gradient_of_a_type_of_its_own_is_unwrapped(runs):
    layer, x = make("gru")
    gradient = torch.randn(T, B, H, dtype=torch.float64)
    ours = torch.autograd.grad(layer(x)[0], [x, *layer.parameters()], Wrapper(gradient))
    theirs = torch.autograd.grad(layer(x)[0], [x, *layer.parameters()], gradient)
    assert_close(ours, theirs, rtol=0, atol=0)
    assert runs == ["forward", "backward"] * 2


@pytest.mark.parametrize("which", ["state", "input_weight"])
def test_tensor_of_a_type_of_its_own_is_unwrapped_wherever_it_stands(which):
    layer, x = make("gru")
    state = torch.randn(1, B, H, dtype=torch.float64)
    expected = layer(x, state)[0].detach()
    with torch.no_grad():
        if which == "state":
            found = layer(x, Wrapper(state))[0]
        else:
            weight = {"directions.0.input_weight": Wrapper(layer.directions[0].input_weight)}
            found = torch.func.functional_call(layer, weight, (x, state))[0]
    assert_close(found, expected, **NEAR)


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
