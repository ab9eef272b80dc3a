"""Effects of `torch.nn.utils` and of users on the weights of a module."""

from functools import partial

import torch
from torch import nn
from torch.func import functional_call
from torch.nn.utils import (
    parametrizations,
    parametrize,
    prune,
    remove_weight_norm,
    spectral_norm,
    weight_norm,
)

EVERY = "rnn relu gru lstm"


def data():
    return torch.randn(5, 2, 3)


def outputs(layer, x):
    results, state = layer(x)
    return results.detach(), state


def descended(layer, x, weights, steps=3, make=None):
    """Outputs after each step of an optimiser of some weights."""
    optimiser = (make or partial(torch.optim.SGD, lr=0.1))(weights)
    found = []
    for _ in range(steps):
        optimiser.zero_grad()
        layer(x)[0].square().sum().backward()
        optimiser.step()
        found.append(outputs(layer, x))
    return found


def normed(side, wrap, unwrap, name="weight_ih_l0"):
    """Weights behind a norm: the same outputs, trained by their direction and length."""
    layer, x = side.make(3, 4), data()
    before = outputs(layer, x)
    module, own = side.slot(layer, name)
    wrap(module, own)
    parts = [p for n, p in module.named_parameters() if own in n]
    found = before, outputs(layer, x), descended(layer, x, parts)
    unwrap(module, own)
    return found, outputs(layer, x)


def rows_normed(module, name):
    return weight_norm(module, name)


def rows_parametrized(module, name):
    return parametrizations.weight_norm(module, name)


def bare(module, name):
    return parametrize.remove_parametrizations(module, name)


class Doubled(nn.Module):
    """A weight that is twice its parameter."""

    def forward(self, weight):
        return 2 * weight


def doubled(module, name):
    return parametrize.register_parametrization(module, name, Doubled())


def cached(side):
    """Inside of the cache a parametrised weight is computed once."""
    layer, x = side.make(3, 4), data()
    doubled(*side.slot(layer, "weight_ih_l0"))
    with parametrize.cached():
        return outputs(layer, x), outputs(layer, x)


def of_spectral_norm(side, make):
    layer, x = side.make(3, 4), data()
    make(*side.slot(layer, "weight_ih_l0"), n_power_iterations=50)
    return outputs(layer.eval(), x)


def pruned(side):
    """Half of a weight's numbers set to 0 by their size, and made plain again."""
    layer, x = side.make(3, 4), data()
    module, name = side.slot(layer, "weight_ih_l0")
    prune.l1_unstructured(module, name, 0.5)
    found = outputs(layer, x), descended(layer, x, [getattr(module, f"{name}_orig")])
    prune.remove(module, name)
    is_parameter = isinstance(getattr(module, name), nn.Parameter)
    return found, outputs(layer, x), is_parameter, name in dict(module.named_parameters())


def pruned_at_random(side):
    layer, x = side.make(3, 4), data()
    module, name = side.slot(layer, "weight_ih_l0")
    prune.random_unstructured(module, name, 0.5)
    return outputs(layer, x)


def called_with(side, factor):
    """The layer with other weights, which it does not keep."""
    layer, x = side.make(3, 4, 2), data()
    others = {name: factor * p.detach() for name, p in layer.named_parameters()}
    return functional_call(layer, others, (x,)), layer(x)


def tied(side):
    """Both directions read their input through the same weights, which stay the same."""
    layer, x = side.make(3, 4, bidirectional=True, bias=False), data()
    first, name = side.slot(layer, "weight_ih_l0")
    second, other = side.slot(layer, "weight_ih_l0_reverse")
    setattr(second, other, getattr(first, name))
    return descended(layer, x, layer.parameters())


def tied_layers(side):
    """Two layers read their input through the same weights."""
    layer, x = side.make(4, 4, 2, bias=False), torch.randn(5, 2, 4)
    first, name = side.slot(layer, "weight_ih_l0")
    second, other = side.slot(layer, "weight_ih_l1")
    setattr(second, other, getattr(first, name))
    return descended(layer, x, layer.parameters())


def exchanged(side, change):
    """A weight is another one after the first call."""
    layer, x = side.make(3, 4), data()
    before = outputs(layer, x)
    change(*side.slot(layer, "weight_ih_l0"))
    return before, outputs(layer, x), outputs(layer.to(torch.float64), x)


def replaced(module, name):
    setattr(module, name, nn.Parameter(2 * getattr(module, name).detach()))


def set_in_place(module, name):
    weight = getattr(module, name)
    with torch.no_grad():
        weight.set_(2 * weight)


def new_data(module, name):
    weight = getattr(module, name)
    weight.data = 2 * weight.data


def changed_in_place(module, name):
    with torch.no_grad():
        getattr(module, name).mul_(2)


def deleted_and_set_again(module, name):
    weight = getattr(module, name)
    delattr(module, name)
    assert not hasattr(module, name)
    module.double()
    setattr(module, name, weight)


def transposed_memory(module, name):
    """The same numbers in the other order of memory."""
    weight = getattr(module, name)
    weight.data = weight.data.T.contiguous().T


def a_tensor_in_its_place(module, name):
    weight = getattr(module, name)
    delattr(module, name)
    setattr(module, name, 3 * weight.detach())


def not_a_parameter(side):
    """A plain tensor is not taken for a parameter."""
    module, name = side.slot(side.make(3, 4), "weight_ih_l0")
    try:
        setattr(module, name, torch.zeros(4, 3))
    except TypeError as error:
        return type(error).__name__
    return None


def flattened(side):
    layer, x = side.make(3, 4, 2), data()
    return layer.flatten_parameters(), outputs(layer, x)


def drawn(side):
    """Weights that are drawn by what is in `torch.nn.init`, all alike."""
    layer, x = side.make(3, 4, bias=False), data()
    for parameter in layer.parameters():
        nn.init.constant_(parameter, 0.3)
    return outputs(layer, x)


def partly_frozen(side):
    layer, x = side.make(3, 4), data()
    module, name = side.slot(layer, "weight_ih_l0")
    getattr(module, name).requires_grad_(False)
    layer(x)[0].sum().backward()
    getattr(module, name).grad = torch.zeros_like(getattr(module, name))
    return side.gradients(layer)


def state_dict_of_another(side, spoil):
    """Weights that do not fit are refused by name."""
    layer, other = side.make(3, 4), side.make(3, 5)
    weights = dict(other.state_dict() if spoil == "sizes" else layer.state_dict())
    first = next(iter(weights))
    if spoil == "missing":
        del weights[first]
    if spoil == "unexpected":
        weights["another"] = torch.zeros(1)
    try:
        layer.load_state_dict(weights)
    except RuntimeError as error:
        return first in str(error) or "another" in str(error)
    return None


def loaded_partly(side):
    layer, x = side.make(3, 4), data()
    weights = {name: 2 * value for name, value in layer.state_dict().items()}
    missing = layer.load_state_dict(weights, strict=False)
    return [list(part) for part in missing], outputs(layer, x)


def named_as_torch(side):
    return sorted(side.make(3, 4).state_dict())


def has_stacked_weights(side):
    return hasattr(side.new(3, 4), "weight_hh_l0")


TEST_NORM = "test_nn.py: test_RNN_cudnn_weight_norm"
PARAMETRIZED = "nn/test_parametrization.py"
PRUNED = "nn/test_pruning.py: test_rnn_pruning"
FORMAT = "test_nn.py: test_cudnn_weight_format"

SAME = [
    ("weight norm", TEST_NORM, EVERY, partial(normed, wrap=rows_normed, unwrap=remove_weight_norm)),
    (
        "weight norm as a parametrization",
        PARAMETRIZED,
        EVERY,
        partial(normed, wrap=rows_parametrized, unwrap=bare),
    ),
    ("a parametrization", PARAMETRIZED, EVERY, partial(normed, wrap=doubled, unwrap=bare)),
    ("a parametrization, cached", PARAMETRIZED, EVERY, cached),
    (
        "spectral norm",
        "test_nn.py: test_spectral_norm",
        EVERY,
        partial(of_spectral_norm, make=spectral_norm),
    ),
    (
        "spectral norm as a parametrization",
        PARAMETRIZED,
        EVERY,
        partial(of_spectral_norm, make=parametrizations.spectral_norm),
    ),
    ("pruned", PRUNED, EVERY, pruned),
    ("pruned at random", PRUNED, EVERY, pruned_at_random),
    ("called with other weights", "test_stateless.py", EVERY, partial(called_with, factor=2)),
    ("called with its own weights", "test_stateless.py", EVERY, partial(called_with, factor=1)),
    ("tied", "test_nn.py: test_cudnn_weight_tying", EVERY, tied),
    ("tied layers", "test_nn.py: test_cudnn_weight_tying", EVERY, tied_layers),
    (
        "replaced",
        "test_nn.py: test_parameter_assignment",
        EVERY,
        partial(exchanged, change=replaced),
    ),
    ("set in place", FORMAT, EVERY, partial(exchanged, change=set_in_place)),
    ("new data", FORMAT, EVERY, partial(exchanged, change=new_data)),
    ("changed in place", FORMAT, EVERY, partial(exchanged, change=changed_in_place)),
    (
        "deleted and set again",
        "test_nn.py: test_partial_flat_weights",
        EVERY,
        partial(exchanged, change=deleted_and_set_again),
    ),
    ("in another order of memory", FORMAT, EVERY, partial(exchanged, change=transposed_memory)),
    (
        "a tensor in its place",
        PARAMETRIZED,
        EVERY,
        partial(exchanged, change=a_tensor_in_its_place),
    ),
    ("no parameter", "test_nn.py: test_parameter_assignment", EVERY, not_a_parameter),
    ("flattened", "test_nn.py: test_RNN_dropout_state", EVERY, flattened),
    ("drawn", "nn/test_init.py", EVERY, drawn),
    ("partly frozen", "test_autograd.py: requires_grad", EVERY, partly_frozen),
    *(
        (
            f"weights that do not fit, {spoil}",
            "nn/test_load_state_dict.py: test_load_state_dict",
            EVERY,
            partial(state_dict_of_another, spoil=spoil),
        )
        for spoil in ("sizes", "missing", "unexpected")
    ),
    ("loaded", "nn/test_load_state_dict.py: test_load_state_dict", EVERY, loaded_partly),
]

DIFFERENT = [
    ("names", "nn/test_load_state_dict.py", EVERY, named_as_torch, "Names of weights"),
    ("stacked weights", "nn/test_pruning.py", EVERY, has_stacked_weights, "Names of weights"),
]
