"""A layer that takes the size of its input from the first one."""

import pytest
import torch
from torch import nn

from rnn_core.errors import ParameterError
from rnn_core.layers.lazy import LazyRecurrent
from rnn_core.layers.recurrent import Recurrent

pytestmark = pytest.mark.usefixtures("float64")

T, B, I, H = 5, 3, 4, 6
OPTIONS = {"bidirectional": True, "initial_state": "learned"}


def seeded():
    return torch.Generator().manual_seed(3)


@pytest.mark.parametrize("kind", ["batch", "single", "packed", "every state"])
def test_first_call_makes_it_the_layer_that_it_would_have_been(kind):
    layer = LazyRecurrent("lstm", H, 2, generator=seeded(), **OPTIONS)
    plain = Recurrent("lstm", I, H, 2, generator=seeded(), **OPTIONS)
    x = torch.randn(T, B, I)
    if kind == "every state":
        torch.testing.assert_close(layer.every_state(x), plain.every_state(x))
    elif kind == "packed":
        packed = nn.utils.rnn.pack_padded_sequence(x, [5, 3, 2])
        torch.testing.assert_close(layer(packed)[0].data, plain(packed)[0].data)
    else:
        x = x[:, 0] if kind == "single" else x
        torch.testing.assert_close(layer(x), plain(x))
    assert type(layer) is Recurrent
    assert layer.input_size == I
    assert repr(layer) == repr(plain)
    torch.testing.assert_close(layer.state_dict(), plain.state_dict())
    with pytest.raises(ParameterError, match="input_size = 4"):
        layer(torch.randn(T, B, I + 1))


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_what_is_wrong_with_the_first_input_leaves_it_open():
    layer, state = LazyRecurrent("gru", H), torch.get_rng_state()
    for wrong, message in (
        (torch.randn(I), "not 1-D"),
        (torch.randn(T, B, 0), "at least one feature"),
        (torch.randn(T, B, I).float(), "input is float32"),
        ([1.0], "must be a tensor"),
        (torch.randn(0, B, I), "at least one step"),
        (torch.nested.nested_tensor([torch.randn(2, I), torch.randn(3, 1)]), "not a nested one"),
        (torch.randn(T, I).to_sparse(), "not sparse_coo"),
    ):
        with pytest.raises(ParameterError, match=message):
            layer(wrong)
    assert "gru, hidden_size=6, input_size not known yet" in repr(layer)
    torch.set_rng_state(state)
    outputs, _ = layer(torch.ones(T, B, I))
    torch.set_rng_state(state)
    torch.testing.assert_close(outputs, Recurrent("gru", I, H)(torch.ones(T, B, I))[0])


def test_loaded_weights_give_the_size():
    plain, x = nn.Sequential(Recurrent("gru", I, H, 2)), torch.randn(T, B, I)
    lazy = nn.Sequential(LazyRecurrent("gru", H, 2)).double()
    lazy.load_state_dict(plain.state_dict())
    assert type(lazy[0]) is Recurrent
    torch.testing.assert_close(lazy(x), plain(x))


def test_an_optimizer_may_hold_the_parameters_before():
    layer, x = LazyRecurrent("gru", H), torch.randn(T, B, I)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    before, _ = layer(x)
    before.square().sum().backward()
    weight = layer.directions[0].input_weight
    expected = weight.detach() - 0.1 * weight.grad
    optimizer.step()
    torch.testing.assert_close(weight.detach(), expected)
