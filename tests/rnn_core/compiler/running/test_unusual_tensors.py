"""Gradients, and tensors, whose numbers are not in memory as they are.

The oracle is the eager loop in float64.
"""

import pytest
import torch
from double_layers import NEAR, PATHS, B, H, I, T, make
from torch import nn
from torch.testing import assert_close

from rnn_core.layers.execution_path import eager_only
from rnn_core.layers.recurrent import Recurrent

pytestmark = [
    # Beyond H and B a Triton program computes with numbers that mean nothing.
    pytest.mark.filterwarnings("ignore::RuntimeWarning:triton"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning:numpy"),
    # What PyTorch has to say to itself:
    pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated"),
    pytest.mark.filterwarnings("ignore:Dynamo detected a call to a `functools.lru_cache`"),
]


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
