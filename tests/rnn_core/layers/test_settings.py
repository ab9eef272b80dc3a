"""Settings of a cell that change between calls of a compiled layer."""

import copy
import functools
import math
import re
import types
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from rnn_core.cells.base import Cell
from rnn_core.compiler.cpu.build import library
from rnn_core.compiler.running import search
from rnn_core.compiler.running.search import form_for
from rnn_core.compiler.torch_internals import constant_result
from rnn_core.layers import execution_path, settings
from rnn_core.layers.execution_path import eager_only
from rnn_core.layers.recurrent import Recurrent

pytestmark = pytest.mark.usefixtures("float64")


class Leaky(Cell):
    """A cell with a setting of each kind."""

    gates = ("a",)
    weights = {"u": ("H", "H")}

    def __init__(self):
        self.leak, self.times, self.bounded, self.function = 0.1, 2, True, "tanh"

    def step(self, x, state, w):
        (h,) = state
        new = getattr(torch, self.function)(x.a + h @ w.u) * self.times
        new = new.clamp(-0.9, 0.9) if self.bounded else new
        return ((1 - self.leak) * h + self.leak * new,)


@pytest.mark.parametrize("zoneout", [0.0, 0.2])
def test_a_compiled_layer_follows_the_settings_of_its_cell(zoneout):
    torch.compiler.reset()  # it compiles a function only so often
    cell, x = Leaky(), torch.randn(6, 3, 4)
    layer = Recurrent(cell, 4, 5, zoneout=zoneout).eval()
    compiled = torch.compile(layer, backend="eager", fullgraph=True)
    changes = (("leak", 0.9), ("times", 3), ("bounded", False), ("function", "sin"), ("leak", 0.5))
    before = compiled(x)[0]
    for name, value in changes:
        setattr(cell, name, value)
        found = compiled(x)[0]
        assert not torch.allclose(found, before)
        with eager_only():
            torch.testing.assert_close(found, layer(x)[0], rtol=1e-12, atol=1e-12)
        before = found


class Nested(Cell):
    """A cell with settings inside of others."""

    gates = ("a",)
    weights = {"u": ("H", "H")}

    def __init__(self):
        self.steps, self.table, self.pair, self.limit = [0.5], {"leak": [0.1]}, (1.0, "tanh"), None

    def step(self, x, state, w):
        (h,) = state
        new = getattr(torch, self.pair[1])(x.a + h @ w.u) * self.pair[0]
        new = sum((new * factor for factor in self.steps), torch.zeros_like(new))
        new = new if self.limit is None else new.clamp(-self.limit, self.limit)
        leak = self.table["leak"][0]
        return ((1 - leak) * h + leak * new,)


CHANGES = {
    "element": lambda cell: cell.steps.__setitem__(0, 2.0),
    "another list": lambda cell: setattr(cell, "steps", [0.25]),
    "longer list": lambda cell: cell.steps.append(3.0),
    "inside of a dictionary": lambda cell: cell.table["leak"].__setitem__(0, 0.9),
    "text of a tuple": lambda cell: setattr(cell, "pair", (1.0, "sin")),
    "number for none": lambda cell: setattr(cell, "limit", 0.05),
}


@pytest.mark.one_in(2)
@pytest.mark.parametrize("zoneout", [0.0, 0.2])
@pytest.mark.parametrize("change", CHANGES)
def test_a_compiled_layer_follows_settings_that_are_inside_of_others(change, zoneout):
    torch.compiler.reset()
    cell, x = Nested(), torch.randn(6, 3, 4)
    layer = Recurrent(cell, 4, 5, zoneout=zoneout).eval()
    compiled = torch.compile(layer, backend="eager", fullgraph=True)
    before = compiled(x)[0]
    CHANGES[change](cell)
    found = compiled(x)[0]
    assert not torch.allclose(found, before)
    with eager_only():
        torch.testing.assert_close(found, layer(x)[0], rtol=1e-12, atol=1e-12)


def test_a_setting_that_is_no_number_leaves_a_cell_its_kernel(monkeypatch):
    """It was the eager loop without a warning, as such a value is never equal to itself."""
    torch.compiler.reset()
    cell, x = Nested(), torch.randn(6, 3, 4)
    cell.unknown = float("nan")
    cell.others = [float("nan")]
    layer, seen = Recurrent(cell, 4, 5), []
    original = execution_path.kernel_of

    def noted(*arguments):
        seen.append(original(*arguments))
        return seen[-1]

    monkeypatch.setattr(execution_path, "kernel_of", constant_result(noted))
    torch.compile(layer, backend="eager", fullgraph=True)(x)
    assert seen
    assert None not in seen


def test_settings_that_lead_back_to_themselves_are_followed():
    """It was an error of recursion."""
    torch.compiler.reset()
    cell, x = Nested(), torch.randn(6, 3, 4)
    cell.table["all"], cell.itself = cell.table, cell
    layer = Recurrent(cell, 4, 5)
    compiled = torch.compile(layer, backend="eager", fullgraph=True)
    before = compiled(x)[0]
    cell.table["leak"][0] = 0.9
    found = compiled(x)[0]
    assert not torch.allclose(found, before)
    with eager_only():
        torch.testing.assert_close(found, layer(x)[0], rtol=1e-12, atol=1e-12)


def test_settings_of_a_cell_are_read_once_each(monkeypatch):
    """A list of 1,000 numbers took half a minute, as all were read for each."""
    read, original = [], settings.held_by
    cell = Nested()
    cell.many = [0.5] * 50
    form_for(cell, library, torch.float64)

    def noted(cell, held, *more):
        read.append(held)
        return original(cell, held, *more)

    monkeypatch.setattr(settings, "held_by", noted)
    assert settings.are_watched(cell)
    assert sum(one is cell.many for one in read) == 3


FACTOR, OBJECT = 0.5, types.SimpleNamespace(factor=0.5)
MODULE = types.ModuleType("made_by_hand")  # it has no __builtins__, as modules of compiled code
MODULE.factor = 0.5


@dataclass
class Factor:
    """An object whose comparison reads a built-in value, `NotImplemented`."""

    factor: float = 0.5


def scaling(factor):
    return lambda value: value * factor


class Slotted:
    __slots__ = ("factor",)


def shifted(value, *, by=0.5):
    return value + by


def closing():
    factor = 0.5

    def change(to):
        nonlocal factor
        factor = to

    class Closing(Cell):
        """A cell that reads settings from everywhere."""

        gates = ("a",)
        weights = {"u": ("H", "H")}
        own = 0.5

        def __init__(self):
            self.object, self.slotted, self.set = Factor(), Slotted(), {2}
            self.slotted.factor = 0.5

        def step(self, x, state, w):
            scale = FACTOR + OBJECT.factor + factor + self.own + self.object.factor
            scale = scale + self.slotted.factor + sum(self.set) + MODULE.factor / math.pi
            return (torch.tanh(scale * x.a + state[0] @ w.u),)

    return Closing(), change


def test_a_compiled_layer_follows_a_variable_that_its_step_closes_over():
    """It kept all but what lay in the cell itself, in lists and in dictionaries."""
    torch.compiler.reset()
    (cell, change), x = closing(), torch.randn(6, 3, 4)
    layer = Recurrent(cell, 4, 5)
    compiled = torch.compile(layer, backend="eager", fullgraph=True)
    before = compiled(x)[0]
    change(0.9)
    found = compiled(x)[0]
    assert not torch.allclose(found, before)
    with eager_only():
        torch.testing.assert_close(found, layer(x)[0], rtol=1e-12, atol=1e-12)


def test_all_that_a_step_reads_is_compared(monkeypatch):
    cell, change = closing()
    form_for(cell, library, torch.float64)
    monkeypatch.setattr(search, "warned", set())
    assert settings.are_watched(cell)
    for alter in (
        lambda: monkeypatch.setitem(globals(), "FACTOR", 0.9),
        lambda: monkeypatch.setattr(OBJECT, "factor", 0.9),
        lambda: monkeypatch.setattr(MODULE, "factor", 0.9),
        lambda: change(0.9),
        lambda: setattr(type(cell), "own", 0.9),
        lambda: setattr(cell.object, "factor", 0.9),
        lambda: setattr(cell.slotted, "factor", 0.9),
        lambda: cell.set.add(3),
    ):
        before = settings.settings_of(cell)
        alter()
        assert settings.settings_of(cell) != before


def test_what_a_step_does_not_read_leaves_a_cell_its_kernel(monkeypatch):
    """A number of NumPy in any attribute refused the kernel, and each change compiled again."""
    cell, _ = closing()
    cell.title, cell.calls = np.float32(0.5), [0, np.float64(1.0)]
    copy.deepcopy(cell)  # it leaves names of slots in the class
    form_for(cell, library, torch.float64)
    monkeypatch.setattr(search, "warned", set())
    assert settings.are_watched(cell)
    before = settings.settings_of(cell)
    cell.title, cell.calls = 0.9, [1]
    assert settings.settings_of(cell) == before


HIDDEN = {
    "self.held": (np.array([0.5]), lambda self, a: a * float(self.held[0])),
    "self.number": (np.float32(0.5), lambda self, a: a * float(self.number)),
    "self.several['a'][0]": (
        {"a": [np.float64(0.5)]},
        lambda self, a: a * float(self.several["a"][0]),
    ),
    "self.partial": (
        functools.partial(torch.mul, other=0.5),
        lambda self, a: a * self.partial.keywords["other"],
    ),
    "a default of shifted": (None, lambda self, a: shifted(a)),
    "self.function": (
        scaling(0.5),
        lambda self, a: self.function(a),
    ),
}


@pytest.mark.parametrize("where", HIDDEN)
def test_a_kernel_is_not_compiled_in_where_a_change_would_not_be_seen(where, monkeypatch):
    """Numbers of arrays and what a function holds on to: their change went unseen."""
    monkeypatch.setattr(search, "warned", set())
    held, function = HIDDEN[where]
    members = {"gates": ("a",), "weights": {}, "scaled": function}
    members["step"] = lambda self, x, state, w: (torch.tanh(self.scaled(x.a)),)
    cell = type("Holding", (Cell,), members)()
    setattr(cell, where.removeprefix("self.").partition("[")[0], held)
    assert form_for(cell, library, torch.float64)
    with pytest.warns(RuntimeWarning, match=re.escape(f"changes of {where}")):
        assert not settings.are_watched(cell)
