"""Your own cells: their names, and errors where their declarations are inconsistent."""

import warnings

import pytest
import torch

from rnn_core.cells.base import Cell
from rnn_core.errors import ParameterError
from rnn_core.layers.execution_path import eager_only
from rnn_core.layers.recurrent import Recurrent

pytestmark = pytest.mark.usefixtures("float64")

T, B, I, H = 5, 3, 4, 6


def make(step=lambda self, x, state, w: (x.a,), **declared):
    """An instance of a cell called Mine."""
    return type("Mine", (Cell,), {"gates": ("a",), "weights": {}, "step": step, **declared})()


def gradients(layer, x):
    layer.zero_grad()
    every, final = layer.every_state(x, lengths=[5, 2, 4])
    parts = [*every, *(final if isinstance(final, tuple) else (final,))]
    sum((part.sin() * (n + 1)).sum() for n, part in enumerate(parts)).backward()
    return [*(part.detach() for part in parts), *(p.grad.clone() for p in layer.parameters())]


def assert_runs_as_in_the_eager_loop(cell):
    """On a kernel, since the eager loop would give a warning."""
    layer, x = Recurrent(cell, I, H), torch.randn(T, B, I)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.uniform_(-0.9, 0.9)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours = gradients(layer, x)
    with eager_only():
        wanted = gradients(layer, x)
    torch.testing.assert_close(ours, wanted, rtol=1e-11, atol=1e-11)


ODD = ("update", "values", "copy", "get", "type", "half", "float", "weight", "training", "items")


@pytest.mark.parametrize("names", [ODD, ("forward", "state_dict", "to", "h", "T", "keys")])
def test_weights_may_have_the_names_of_methods(names):
    def step(self, x, state, w):
        return (torch.tanh(x.a + sum(state[0] @ getattr(w, name) for name in names)),)

    cell = make(step, weights=dict.fromkeys(names, ("H", "H")))
    assert_runs_as_in_the_eager_loop(cell)
    layer = Recurrent(cell, I, H)
    assert {f"directions.0.weights.{name}" for name in names} < set(layer.state_dict())
    again = Recurrent(cell, I, H)
    again.load_state_dict(layer.state_dict())
    x = torch.randn(T, B, I)
    torch.testing.assert_close(again(x), layer(x))
    assert not again.eval().directions[0].weights.training
    torch.testing.assert_close(again(x), layer(x))
    zeros = {name: torch.zeros_like(p) for name, p in layer.named_parameters()}
    assert not torch.func.functional_call(layer, zeros, (x,))[0].any()


@pytest.mark.parametrize("names", [("weight", "bias"), ("int", "restrict"), ("x", "workspace")])
def test_gates_may_be_called_as_anything_in_a_kernel_is(names):
    def step(self, x, state, w):
        first, second = (getattr(x, name) for name in names)
        return (torch.tanh(first * state[0] + second),)

    assert_runs_as_in_the_eager_loop(make(step, gates=names))


@pytest.mark.parametrize(
    "names",
    [
        *[("h", "step_h"), ("h", "gradient_h"), ("rows_h", "h"), ("h", "sequence_h")],
        *[("row", "step"), ("u", "u_transposed"), ("h", "h__h")],
    ],
)
def test_states_weights_and_masks_may_begin_as_parts_of_a_kernels_names(names):
    def step(self, x, state, w):
        one, two = state
        first, second = (getattr(w, name) for name in names)
        return torch.tanh(x.a + two @ first), torch.sigmoid(one * second) + two

    weights = dict(zip(names, (("H", "H"), ("H",)), strict=True))
    assert_runs_as_in_the_eager_loop(make(step, states=names, weights=weights))


class LowRank(Cell):
    """h' = tanh(W x + b + h U V), U and V of rank 2."""

    gates = ("a",)
    weights = {"u": ("H", "R"), "v": ("R", "H")}

    def shape(self, weight, hidden_size):
        return {"u": (hidden_size, 2), "v": (2, hidden_size)}[weight]

    def step(self, x, state, w):
        return (torch.tanh(x.a + state[0] @ w.u @ w.v),)


class Full(Cell):
    gates = ("a",)
    weights = {"u": ("H", "H")}

    def step(self, x, state, w):
        return (torch.tanh(x.a + state[0] @ w.u),)


def test_a_cell_with_shapes_of_its_own_runs_in_the_eager_loop_and_says_why():
    low = Recurrent(LowRank(), I, H, zoneout=0.2).eval()
    full = Recurrent(Full(), I, H, zoneout=0.2).eval()
    with torch.no_grad():
        weights, whole = low.directions[0].weights, full.directions[0]
        whole.input_weight.copy_(low.directions[0].input_weight)
        whole.input_bias.copy_(low.directions[0].input_bias)
        whole.weights["u"].copy_(weights["u"] @ weights["v"])
    x = torch.randn(T, B, I)
    with pytest.warns(RuntimeWarning, match=r"its weight 'u' has the shape \('H', 'R'\)"):
        outputs, _ = low(x)
    torch.testing.assert_close(outputs, full(x)[0])
    assert low.recurrent_parameters == 4 * H


def test_a_weight_may_be_a_single_number():
    def step(self, x, state, w):
        return (torch.tanh(x.a + w.k * state[0]),)

    cell = make(step, weights={"k": ()}, weight_start={"k": 0.5})
    assert_runs_as_in_the_eager_loop(cell)
    layer, x = Recurrent(cell, I, H), torch.randn(T, B, I)
    outputs, _ = layer(x)
    (direction,) = layer.directions
    h = torch.zeros(B, H)
    for at in x @ direction.input_weight.T + direction.input_bias:
        h = torch.tanh(at + 0.5 * h)
    torch.testing.assert_close(outputs[-1], h)


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"gates": "ab"}, r"gates of Mine must be a tuple of names, such as gates = .*, not 'ab'"),
        ({"states": "h"}, "states of Mine must be a tuple of names, .*, not 'h'"),
        ({"gates": ()}, "Mine needs at least one of its gates"),
        ({"states": ()}, "Mine needs at least one of its states"),
        ({"gates": ("a", "b", "a")}, "Mine has 'a' twice among its gates"),
        ({"states": ("h", "h")}, "Mine has 'h' twice among its states"),
        ({"given": ("a",)}, r"Mine declares given = \('a',\), which a layer has nothing"),
        ({"given": "mask"}, "Mine declares given = 'mask', which a layer has nothing"),
        ({"given": 5}, "Mine declares given = 5, which a layer has nothing"),
        ({"biases": 5}, r"biases of Mine must be a tuple of names, such as biases = .*, not 5"),
        ({"together": 5}, "together of Mine must be a tuple of names, such as .*, not 5"),
        ({"together": "h"}, "together of Mine must be a tuple of names, such as .*, not 'h'"),
        (
            {"weights": {"s": ("H",)}, "weight_start": {"s": "a"}},
            "weight_start of Mine for 's' must be a number, not 'a'",
        ),
        (
            {"weights": {"s": ("H",)}, "weight_start": {"s": float("inf")}},
            "weight_start of Mine for 's' must be finite, not inf",
        ),
        ({"gates": ("a b",)}, "'a b' among the gates of Mine is no name in Python"),
        ({"gates": ("lambda",)}, "'lambda' among the gates of Mine is no name"),
        ({"gates": (1,)}, "1 among the gates of Mine is no name"),
        ({"gates": ("_a",)}, "'_a' among the gates of Mine begins with _"),
        ({"weights": {"u.v": ("H",)}}, "'u.v' among the weights of Mine is no name"),
        ({"weights": ("u",)}, "weights of Mine must be shapes by name, .*, not tuple"),
        ({"weights": {"u": ("H", "R")}}, r"weight 'u' of Mine must be .*, not \('H', 'R'\); other"),
        ({"weights": {"u": "HH"}}, "weight 'u' of Mine must be .*, not 'HH'"),
        ({"weights": {"u": ("H", 4)}}, r"weight 'u' of Mine must be .*, not \('H', 4\)"),
        ({"weights": {"u": ("H",) * 3}}, "weight 'u' of Mine must be"),
        ({"memory_gates": {"f": 1}}, "memory_gates of Mine: unknown name 'f'; known: a"),
        ({"opposite_gates": {"a": "f"}}, "opposite_gates of Mine: unknown name 'f'"),
        ({"weight_start": {"u": 1.0}}, "weight_start of Mine: unknown name 'u'"),
        ({"memory_gates": ("a",)}, "memory_gates of Mine must be values by name, such as .*'a'"),
        ({"opposite_gates": ("a",)}, "opposite_gates of Mine must be values by name"),
        ({"weight_start": 1.0}, "weight_start of Mine must be values by name, .*, not 1.0"),
        ({"memory_gates": {"a": 2}}, "memory_gates of Mine must be 1 or -1, not 2"),
        ({"together": ("h", "c")}, "together of Mine: unknown name 'c'"),
        ({"given": ("mask",)}, r"Mine declares given = \('mask',\), which a layer has nothing"),
        ({"biases": ("c",)}, "biases of Mine: unknown name 'c'"),
    ],
)
def test_declarations_that_do_not_hold_together_are_refused(declared, message):
    with pytest.raises(ParameterError, match=message):
        Recurrent(make(**declared), I, H)


def test_a_missing_declaration_is_named():
    class Mine(Cell):
        def step(self, x, state, w):
            return state

    with pytest.raises(ParameterError, match=r"Mine declares no gates; such as gates = \(\"r\","):
        Recurrent(Mine(), I, H)
    Mine.gates = ("a",)
    with pytest.raises(ParameterError, match="Mine declares no weights"):
        Recurrent(Mine(), I, H)


@pytest.mark.filterwarnings("ignore:Mine runs in the eager loop:RuntimeWarning")
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(
    ("step", "message"),
    [
        (
            lambda s, x, state, w: x.a,
            r"must return a tuple of its states \(h, c\), not Tensor; a co",
        ),
        (lambda s, x, state, w: None, r"must return a tuple of its states \(h, c\), not NoneType"),
        (lambda s, x, state, w: (x.a, None), "must return a tuple of its states"),
        (lambda s, x, state, w: (x.a,), r"must return its 2 states \(h, c\), not 1"),
        (lambda s, x, state, w: (x.a,) * 3, "must return its 2 states .*, not 3"),
        (
            lambda s, x, state, w: (x.a, x.a.sum(-1, keepdim=True)),
            r"must return c of shape \(., 6\), as it got it, not \(., 1\)",
        ),
        (lambda s, x, state, w: (x.a[0], x.a), r"must return h of shape \(., 6\), .* not \(6,\)"),
    ],
)
def test_a_step_that_returns_something_else_is_told_so(step, message, batch):
    layer = Recurrent(make(step, states=("h", "c")), I, H)
    with pytest.raises(ParameterError, match=f"step of Mine {message}"):
        layer(torch.randn(T, batch, I))
