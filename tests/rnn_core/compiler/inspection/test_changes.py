"""Changes of what a cell consists of are noticed, and layers follow them."""

import builtins
import contextlib
import dataclasses
import enum
import functools
import sys
import types

import numpy as np
import pytest
import torch
from factory_cells import Scaler
from torch import nn
from torch.testing import assert_close

from rnn_core.cells.base import Cell
from rnn_core.compiler.inspection.aside import eager_only
from rnn_core.compiler.inspection.code import read
from rnn_core.layers.recurrent import Recurrent

HERE = sys.modules[__name__]
FACTOR = 0.5
TABLE = {"factor": 0.5}
SETTINGS = types.SimpleNamespace(factor=0.5)
MODULE = types.ModuleType("some_module")
MODULE.FACTOR = 0.5
MODULE.scaled = lambda value: 0.5 * value
MODULE.helped = types.FunctionType((lambda value: FACTOR * value).__code__, vars(MODULE))
LISTED = [0.5]
ARRAY = np.array([0.5])


def called(value, *, power=1, scale=(1.0,)):
    return FACTOR * inner(value) * power * scale[0]


def inner(value):
    return value


def decorated(function):
    @functools.wraps(function)
    def wrapper(value):
        return function(value) * FACTOR

    return wrapper


@decorated
def wrapped(value):
    return value


@contextlib.contextmanager
def scope():
    yield inner(1)


def counted():
    factor = 0.5

    def change(to):
        nonlocal factor
        factor = to

    return (lambda value: factor * value), change


CLOSED, CHANGE_CLOSED = counted()


class Slotted:
    __slots__ = ("factor",)

    def __init__(self, factor):
        self.factor = factor


@dataclasses.dataclass
class Data:
    factor: float = 0.5


class Mode(enum.Enum):
    FAST = 0.5
    SLOW = 0.25


class Above(Cell):
    """A separate base, whose methods the cell inherits."""

    def method(self, value):
        return self.factor * self.scaler(value) * self.computed

    def raised(self, value):
        return value


class Base(Above):
    """A cell whose step depends on whatever can be changed from outside."""

    gates = ("a",)
    weights = {"u": ("H", "H"), "v": ("H", "H")}
    factor = 0.5
    ready = 1.0

    def __init__(self):
        self.own = 0.5
        self.listed = [0.5]
        self.scaler = Scaler(0.5)
        self.function = lambda value: 0.5 * value
        self.partial = functools.partial(torch.mul, other=0.5)
        self.slotted = Slotted(0.5)
        self.data = Data()
        self.mode = Mode.FAST
        self.activation = nn.LeakyReLU(0.5)
        self.array = np.array([0.5])
        self.keys = {"a", "b"}

    @property
    def computed(self):
        return self.own

    @functools.cached_property
    def once(self):
        return 0.5 * self.own

    @staticmethod
    def static(value):
        return value

    @classmethod
    def of_class(cls, value):
        return cls.factor * value

    def raised(self, value):
        return super().raised(value)

    def step(self, x, state, w):
        import some_module

        (h,) = state
        a = x.a + h @ w.u + self.static(h) @ w.v + len(self.keys)
        a = a * TABLE["factor"] * SETTINGS.factor * MODULE.FACTOR + MODULE.scaled(a)
        a = a * self.listed[0] * self.slotted.factor * self.data.factor * self.mode.value
        a = self.activation(self.partial(self.function(a))) * float(self.array[0]) * self.ready
        a = self.of_class(self.raised(a)) * self.once * LISTED[0] + some_module.helped(a)
        with scope() as factor:
            a = CLOSED(wrapped(a)) * factor * float(ARRAY[0])
        return (called(self.method(torch.tanh(a) * max(0.5, 0.25))),)


@pytest.fixture(autouse=True)
def module(monkeypatch):
    monkeypatch.setitem(sys.modules, "some_module", MODULE)


def assign(target, name, value):
    def change(cell, patch):
        patch.setattr(cell if target is None else target, name, value)

    return change


def within(path, name, value):
    """Assign to an attribute of something that the cell holds."""

    def change(cell, patch):
        patch.setattr(functools.reduce(getattr, path.split("."), cell), name, value)

    return change


def fill(array, value):
    array[...] = value


CHANGES = {
    "an attribute": assign(None, "own", 0.25),
    "an attribute, from a number to a truth value": assign(None, "ready", True),
    "an attribute, from zero to minus zero": assign(None, "own", -0.0),
    "a list in an attribute": lambda cell, patch: cell.listed.append(1),
    "an element of a list": lambda cell, patch: cell.listed.__setitem__(0, 0.25),
    "a set in an attribute": lambda cell, patch: cell.keys.add("c"),
    "an object in an attribute": within("scaler", "factor", 0.25),
    "an object in an object's attribute": lambda cell, patch: cell.scaler.nested.inner[
        "deep"
    ].__setitem__(0, 0.25),
    "the class of an object in an attribute": assign(Scaler, "__call__", lambda self, value: value),
    "a class attribute of an object's class": assign(Scaler, "kind", 0.25),
    "another class of an object": within("scaler", "__class__", type("Other", (Scaler,), {})),
    "the attributes of an object, all at once": within("data", "__dict__", {"factor": 0.25}),
    "a slot": within("slotted", "factor", 0.25),
    "a field": within("data", "factor", 0.25),
    "a member of an enumeration": assign(None, "mode", Mode.SLOW),
    "an attribute of PyTorch's module": within("activation", "negative_slope", 0.25),
    "the class of PyTorch's module": assign(None, "activation", nn.Tanh()),
    "an array": lambda cell, patch: fill(cell.array, 0.25),
    "a function in an attribute": assign(None, "function", lambda value: 0.25 * value),
    "the code of a function": lambda cell, patch: patch.setattr(
        inner, "__code__", (lambda value: 2 * value).__code__
    ),
    "a partial function": assign(None, "partial", functools.partial(torch.mul, other=0.25)),
    "a keyword of a partial function": lambda cell, patch: patch.setitem(
        cell.partial.keywords, "other", 0.25
    ),
    "a class attribute": assign(Base, "factor", 0.25),
    "a class attribute by one of the object's own": assign(None, "factor", 0.25),
    "a class attribute of a base": assign(Above, "method", lambda self, value: value),
    "a method that is called by super": assign(Above, "raised", lambda self, value: 2 * value),
    "a property": assign(Base, "computed", property(lambda self: 2 * self.own)),
    "a static method": assign(Base, "static", staticmethod(lambda value: 2 * value)),
    "a class method": assign(Base, "of_class", classmethod(lambda cls, value: 2 * value)),
    "a method": assign(Base, "method", lambda self, value: value),
    "the step": assign(Base, "step", lambda self, x, state, w: (torch.tanh(x.a),)),
    "a constant": assign(HERE, "FACTOR", 0.25),
    "a constant, from a number to an integer": assign(HERE, "FACTOR", 1),
    "a called function": assign(HERE, "called", lambda value: value),
    "a function that a called one calls": assign(HERE, "inner", lambda value: 2 * value),
    "a function behind a decorator": assign(HERE, "wrapped", decorated(lambda value: 2 * value)),
    "a default": assign(called, "__kwdefaults__", {"power": 2, "scale": (1.0,)}),
    "an entry of the defaults": lambda cell, patch: patch.setitem(
        called.__kwdefaults__, "power", 2
    ),
    "an entry of a table": lambda cell, patch: patch.setitem(TABLE, "factor", 0.25),
    "a list that is global": assign(HERE, "LISTED", [0.25]),
    "an array that is global": assign(HERE, "ARRAY", np.array([0.25])),
    "a field of a global object": assign(SETTINGS, "factor", 0.25),
    "a constant of a module": assign(MODULE, "FACTOR", 0.25),
    "a function of a module": assign(MODULE, "scaled", lambda value: 0.25 * value),
    "a module that the step imports": lambda cell, patch: patch.setitem(
        sys.modules, "some_module", types.SimpleNamespace(helped=inner)
    ),
    "a function of PyTorch": assign(torch, "tanh", lambda value: value),
    "a built-in function": assign(builtins, "max", min),
    "a built-in function, by a global one": lambda cell, patch: patch.setattr(
        HERE, "max", min, raising=False
    ),
    "the order of weights": assign(Base, "weights", {"v": ("H", "H"), "u": ("H", "H")}),
    "the kind of a weight": assign(Base, "weights", {"u": ("H", "H"), "v": ("H",)}),
    "the names of gates": assign(Base, "gates", ("b",)),
    "the shape of a weight": assign(Base, "shape", lambda self, name, size: (size, 1)),
}


@pytest.mark.parametrize("what", CHANGES)
def test_change_is_noticed_by_what_was_read_and_by_who_reads_again(what, monkeypatch):
    cell = Base()
    before = read(cell)
    assert read(Base()).text == before.text
    assert before.guards.changed() is None
    with monkeypatch.context() as patch:
        CHANGES[what](cell, patch)
        noticed, after = before.guards.changed(), read(cell)
    assert noticed is not None
    assert after.text != before.text


def test_variable_that_a_function_closes_over_is_noticed():
    cell, before = Base(), read(Base())
    CHANGE_CLOSED(0.25)
    try:
        assert before.guards.changed().where == "factor"
        assert read(cell).text != before.text
    finally:
        CHANGE_CLOSED(0.5)


def test_bases_of_a_class_are_noticed():
    class One(Cell):
        gates, weights, leak = ("a",), {}, 0.5

    class Other(Cell):
        gates, weights, leak = ("a",), {}, 0.25

    class Child(One):
        def step(self, x, state, w):
            return (self.leak * x.a,)

    before = read(Child())
    Child.__bases__ = (Other,)
    assert before.guards.changed() is not None
    assert read(Child()).text != before.text


def test_attribute_that_no_code_names_is_not_read():
    cell, other = Base(), Base()
    other.note = object()
    other.plot = lambda: sys.stdout.write("")
    assert read(cell).text == read(other).text


# The same numbers as the eager loop, before and after a change.


class Leaky(Cell):
    gates = ("a",)
    weights = {"u": ("H", "H")}
    kind = 0.1

    def __init__(self, leak):
        self.leak = leak
        self.settings = types.SimpleNamespace(leak=leak)

    def step(self, x, state, w):
        leak = self.leak + self.settings.leak + self.kind + SETTINGS.factor
        return ((1 - leak) * state[0] + leak * torch.tanh(x.a + state[0] @ w.u),)


@pytest.mark.parametrize("zoneout", [0.0, 0.1])
@pytest.mark.parametrize("what", ["attribute", "nested", "class", "global"])
def test_layer_follows_a_change(zoneout, what, monkeypatch):
    cell = Leaky(0.1)
    layer, x = Recurrent(cell, 4, 5, zoneout=zoneout).eval(), torch.randn(6, 3, 4)
    before = layer(x)[0]
    targets = {"attribute": cell, "nested": cell.settings, "class": Leaky, "global": SETTINGS}
    name = {"class": "kind", "global": "factor"}.get(what, "leak")
    monkeypatch.setattr(targets[what], name, 0.7)
    after = layer(x)[0]
    with eager_only():
        assert_close(after, layer(x)[0], rtol=1e-5, atol=1e-6)
    assert (after - before).abs().max() > 0.01
    monkeypatch.undo()
    assert_close(layer(x)[0], before, rtol=0, atol=0)
