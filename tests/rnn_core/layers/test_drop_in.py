"""Usual code with, to and around a recurrent layer, against `torch.nn`'s own."""

import copy
import pickle

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune
from torch.utils.flop_counter import FlopCounterMode

from rnn_core.cells import REGISTRY, get_cell
from rnn_core.errors import ParameterError
from rnn_core.layers.conversion import from_torch
from rnn_core.layers.execution_path import eager_only
from rnn_core.layers.initialisation import Initialisation
from rnn_core.layers.recurrent import Recurrent

pytestmark = pytest.mark.usefixtures("float64")

T, B, I, H, P = 6, 3, 4, 5, 2
EXACT = {"rtol": 1e-12, "atol": 1e-12}

MODULES = {
    "rnn_tanh": nn.RNN,
    "rnn_relu": lambda *sizes, **options: nn.RNN(*sizes, nonlinearity="relu", **options),
    "lstm": nn.LSTM,
    "gru_reset_after": nn.GRU,
}


def close(ours, theirs):
    torch.testing.assert_close(ours, theirs, **EXACT)


def test_positional_arguments_stand_in_the_order_of_torch():
    arguments = (I, H, 2, False, True, 0.25, True)
    layer, module = Recurrent("gru_reset_after", *arguments), nn.GRU(*arguments)
    for name in (
        *("input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout"),
        *("bidirectional", "proj_size"),
    ):
        assert getattr(layer, name) == getattr(module, name)
    layer, module = (kind(*arguments, P) for kind in (lambda *a: Recurrent("lstm", *a), nn.LSTM))
    assert layer.proj_size == module.proj_size == P
    x = torch.randn(B, T, I)
    assert layer(x)[0].shape == module(x)[0].shape


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("cell", MODULES)
def test_arguments_of_a_call_are_called_as_torch_calls_them(cell, bias):
    module = MODULES[cell](I, H, bias=bias)
    layer, x = from_torch(module), torch.randn(T, B, I)
    hx = tuple(torch.randn(1, B, H) for _ in layer.cell.states)
    hx = hx if len(hx) > 1 else hx[0]
    close(layer(input=x, hx=hx), module(input=x, hx=hx))
    close(layer(x, hx), module(x, hx))


@pytest.mark.parametrize("name", REGISTRY)
def test_without_biases_a_layer_is_one_whose_biases_are_zero(name):
    layer = Recurrent(name, I, H, 2, bias=False, bidirectional=True)
    biased = Recurrent(name, I, H, 2, bidirectional=True)
    biases = {f"weights.{name}" for name in layer.cell.biases} | {"input_bias"}
    missing = biased.load_state_dict(layer.state_dict(), strict=False).missing_keys
    assert {key.split(".", 2)[2] for key in missing} == biases
    with torch.no_grad():
        for key in missing:
            biased.get_parameter(key).zero_()
    x = torch.randn(T, B, I)
    outputs, final = layer(x, lengths=[6, 2, 3])
    close((outputs, final), biased(x, lengths=[6, 2, 3]))
    assert not any(key.endswith("bias") for key in layer.state_dict())


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}])
def test_projection_gives_what_torch_gives(options, bias):
    module = nn.LSTM(I, H, proj_size=P, bias=bias, **options)
    layer, x = from_torch(module), torch.randn(T, B, I)
    number = len(layer.directions)
    hx = (torch.randn(number, B, P), torch.randn(number, B, H))
    x.requires_grad_()
    ours, theirs = layer(x, hx), module(x, hx)
    close(ours, theirs)
    (gradient,) = torch.autograd.grad(ours[0].sin().sum(), x)
    close(gradient, *torch.autograd.grad(theirs[0].sin().sum(), x))
    packed = nn.utils.rnn.pack_padded_sequence(x, [6, 2, 3], enforce_sorted=False)
    close(layer(packed, hx)[0].data, module(packed, hx)[0].data)


@pytest.mark.parametrize("name", ["lstm", "lstm_coupled", "lstm_peephole"])
def test_projection_is_a_product_of_the_output(name):
    """The equations, step by step, with matrices of the sizes that are stored."""
    layer, x = Recurrent(name, I, H, proj_size=P), torch.randn(T, B, I)
    (direction,) = layer.directions
    with torch.no_grad():
        for weight in layer.parameters():
            weight.uniform_(-0.9, 0.9)
        cell = get_cell(name)
        w = type("w", (), dict(direction.weights.items()))
        h, c = torch.zeros(B, P), torch.zeros(B, H)
        for t in range(T):
            gates = (x[t] @ direction.input_weight.T + direction.input_bias).split(H, dim=-1)
            fields = type("x", (), dict(zip(cell.gates, gates, strict=True)))
            wide, c = cell.step(fields, (h, c), w)
            h = wide @ w.projection
    outputs, (h_n, c_n) = layer(x)
    close((outputs[-1], h_n[0], c_n[0]), (h, h, c))
    assert layer.recurrent_parameters == sum(w.numel() for w in direction.weights.values())


def test_projection_goes_with_zoneout_and_a_learned_state():
    options = {"zoneout": 0.3, "initial_state": "learned", "num_layers": 2}
    layer = Recurrent("lstm", I, H, proj_size=P, **options).eval()
    x = torch.randn(T, B, I)
    outputs, final = layer(x, lengths=[6, 2, 3])
    with eager_only():
        close((outputs, final), layer(x, lengths=[6, 2, 3]))
    close(layer(x[:2, 1:2])[0], outputs[:2, 1:2])


@pytest.mark.parametrize("name", ["gru", "lstm_layernorm", "rnn_tanh", "mingru"])
def test_a_cell_that_cannot_be_projected_says_so(name):
    with pytest.raises(ParameterError, match=f"{name} cannot be projected; leave out proj_size"):
        Recurrent(name, I, H, proj_size=P)
    with pytest.raises(ParameterError, match="proj_size must be below hidden_size = 5"):
        Recurrent("lstm", I, H, proj_size=H)


def test_dropout_without_a_second_layer_gives_a_warning_as_torch_does():
    for make in (nn.GRU, lambda *sizes, **options: Recurrent("gru", *sizes, **options)):
        with pytest.warns(UserWarning, match="dropout"):
            make(I, H, dropout=0.5)


@pytest.mark.parametrize("name", REGISTRY)
def test_a_layer_on_the_meta_device_has_shapes_and_no_numbers(name):
    state = torch.get_rng_state()
    layer = Recurrent(name, I, H, 2, bidirectional=True, device="meta")
    assert torch.equal(torch.get_rng_state(), state)
    x = torch.randn(T, B, I)
    real = Recurrent(name, I, H, 2, bidirectional=True)
    for got, wanted in zip(
        torch.utils._pytree.tree_leaves(layer(x.to("meta"), lengths=[6, 2, 3])),
        torch.utils._pytree.tree_leaves(real(x, lengths=[6, 2, 3])),
        strict=True,
    ):
        assert got.is_meta
        assert got.shape == wanted.shape
    layer.to_empty(device="cpu")
    layer.load_state_dict(real.state_dict())
    close(layer(x), real(x))


def test_a_layer_of_which_initialisation_is_skipped_can_be_drawn_later():
    layer = nn.utils.skip_init(Recurrent, "lstm", I, H, initial_state="learned")
    layer.reset_parameters(torch.Generator().manual_seed(3))
    drawn = Recurrent(
        "lstm", I, H, initial_state="learned", generator=torch.Generator().manual_seed(3)
    )
    close(layer.state_dict(), drawn.state_dict())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
@pytest.mark.parametrize("default", [False, True])
@pytest.mark.filterwarnings("ignore:.*eager loop:RuntimeWarning")
def test_weights_of_another_type_are_those_of_float32_rounded(dtype, default):
    seeded = [torch.Generator().manual_seed(5) for _ in range(2)]
    start = Initialisation(longest_memory=20)
    expected = Recurrent(
        "lstm", I, H, dtype=torch.float32, initialisation=start, generator=seeded[0]
    )
    if default:
        torch.set_default_dtype(dtype)
    layer = Recurrent(
        "lstm",
        I,
        H,
        dtype=None if default else dtype,
        initialisation=start,
        generator=seeded[1],
    )
    for ours, wanted in zip(layer.parameters(), expected.parameters(), strict=True):
        assert ours.dtype is dtype
        torch.testing.assert_close(ours.float(), wanted, rtol=0.01, atol=0.01)
    assert layer(torch.zeros(T, B, I, dtype=dtype))[0].dtype is dtype


def test_representation_tells_cell_sizes_options_and_parameters():
    layer = Recurrent("lstm", I, H, 2, batch_first=True, bidirectional=True, proj_size=P)
    text = repr(layer)
    count = sum(p.numel() for p in nn.LSTM(I, H, 2, bidirectional=True, proj_size=P).parameters())
    ours = count - 4 * 4 * H  # one bias of each gate instead of two
    assert "lstm, 4, 5, num_layers=2, batch_first=True, bidirectional=True, proj_size=2" in text
    assert f"# {ours} parameters" in text
    assert "zoneout" not in text
    assert "(weights): Weights(i: (2, 5), " in text


def test_module_methods_that_people_call():
    layer = Recurrent("gru", I, H, 2)
    before = copy.deepcopy(layer.state_dict())
    layer.flatten_parameters()
    close(layer.state_dict(), before)
    assert [weight for part in layer.all_weights for weight in part] == list(layer.parameters())
    assert len(layer.all_weights) == len(nn.GRU(I, H, 2).all_weights) == 2


@pytest.mark.parametrize("again", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])  # noqa: S301
def test_a_copy_computes_the_same(again):
    layer = Recurrent("lstm", I, H, 2, proj_size=P, bias=False, zoneout=0.1).eval()
    x = torch.randn(T, B, I)
    close(again(layer)(x), layer(x))


def test_weights_of_torch_are_pointed_to_the_conversion():
    with pytest.raises(RuntimeError, match=r"convert the module by rnn_core\.from_torch"):
        Recurrent("gru_reset_after", I, H).load_state_dict(nn.GRU(I, H).state_dict())
    inside = nn.ModuleDict({"rnn": Recurrent("gru_reset_after", I, H)})
    with pytest.raises(RuntimeError, match="from_torch"):
        inside.load_state_dict(nn.ModuleDict({"rnn": nn.GRU(I, H)}).state_dict())


def masked(layer):
    """Half of the candidate's matrix is pruned."""
    prune.l1_unstructured(layer.directions[0].weights, "n", 0.5)


UTILITIES = {
    "parametrization": lambda layer: parametrize.register_parametrization(
        layer.directions[0].weights, "n", nn.Tanh(), unsafe=True
    ),
    "weight norm": lambda layer: parametrizations.weight_norm(layer.directions[0].weights, "n"),
    "weight norm of the input": lambda layer: parametrizations.weight_norm(
        layer.directions[0], "input_weight"
    ),
    "orthogonal": lambda layer: parametrizations.orthogonal(layer.directions[0].weights, "n"),
    "pruned": masked,
    "pruned input": lambda layer: prune.random_unstructured(
        layer.directions[0], "input_weight", 0.5
    ),
}


@pytest.mark.parametrize("utility", UTILITIES.values(), ids=list(UTILITIES))
def test_what_torch_does_to_a_weight_is_trained_through(utility):
    """The layer equals one whose weights are what the utility makes, before and after a step."""
    layer, plain = Recurrent("gru", I, H), Recurrent("gru", I, H)
    utility(layer)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.5)
    x = torch.randn(T, B, I)
    for _ in range(2):
        outputs, _ = layer(x)
        direction, other = layer.directions[0], plain.directions[0]
        with torch.no_grad():
            other.input_weight.copy_(direction.input_weight)
            other.input_bias.copy_(direction.input_bias)
            for name, weight in other.weights.items():
                weight.copy_(direction.weights[name])
        close(outputs, plain(x)[0])
        optimizer.zero_grad()
        outputs.square().sum().backward()
        assert all(parameter.grad.any() for parameter in layer.parameters())
        optimizer.step()
    assert not torch.equal(layer(x)[0], outputs)


def test_pruned_weights_stay_pruned_while_they_are_trained():
    layer, x = Recurrent("gru", I, H), torch.randn(T, B, I)
    masked(layer)
    zeros = layer.directions[0].weights["n"] == 0
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.5)
    layer(x)[0].sum().backward()
    optimizer.step()
    layer(x)
    weight = layer.directions[0].weights["n"]
    assert torch.equal(weight == 0, zeros)
    assert zeros.sum() == H * H // 2
    before = layer(x)[0]
    prune.remove(layer.directions[0].weights, "n")
    close(layer(x)[0], before)


def test_parameters_as_a_vector_and_from_outside():
    layer, other = Recurrent("lstm", I, H, 2), Recurrent("lstm", I, H, 2)
    x = torch.randn(T, B, I)
    vector = nn.utils.parameters_to_vector(other.parameters())
    outside = dict(other.named_parameters())
    close(torch.func.functional_call(layer, outside, (x,)), other(x))
    nn.utils.vector_to_parameters(vector, layer.parameters())
    close(layer(x), other(x))
    average = torch.optim.swa_utils.AveragedModel(layer)
    close(average(x), other(x))


def test_tied_weights_are_one_parameter_with_the_sum_of_both_gradients():
    layer, x = Recurrent("rnn_tanh", H, H, 2), torch.randn(T, B, H)
    first, second = (direction.weights for direction in layer.directions)
    with torch.no_grad():
        second["h"].copy_(first["h"])
    layer(x)[0].sum().backward()
    wanted = first["h"].grad + second["h"].grad
    second["h"] = first["h"]
    layer.zero_grad()
    layer(x)[0].sum().backward()
    close(first["h"].grad, wanted)
    assert len(list(layer.parameters())) == 5
    with pytest.raises(ParameterError, match=r"h is \(5, 5\), not \(4, 4\)"):
        second["h"] = nn.Parameter(torch.zeros(4, 4))
    with pytest.raises(ParameterError, match="unknown recurrent weight 'i'; known: h"):
        second["i"] = first["h"]


@pytest.mark.parametrize("cell", MODULES)
def test_operations_are_counted_as_those_of_torch(cell):
    """Products of the forward pass; what a backward pass needs depends on the initial state."""
    module = MODULES[cell](I, H, 2)
    layer, x = from_torch(module), torch.randn(T, B, I)
    counts = []
    for run in (layer, module):
        with FlopCounterMode(display=False) as counter:
            run(x)
        counts.append(counter.get_total_flops())
    assert counts == [2 * T * B * layer.multiply_accumulates] * 2
    with FlopCounterMode(display=False) as counter:
        layer(x)[0].sum().backward()
    assert 2.5 * counts[0] < counter.get_total_flops() < 3 * counts[0]
