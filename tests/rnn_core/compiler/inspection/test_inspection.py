"""Keys of cells: their contents, changes that are noticed, and values that cannot be read."""

import builtins
import collections
import contextlib
import copy
import dataclasses
import enum
import functools
import itertools
import math
import os
import random
import subprocess
import sys
import threading
import time
import types
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.testing import assert_close

from rnn_core.cells import REGISTRY, get_cell
from rnn_core.cells.base import Cell
from rnn_core.compiler.cpu import build
from rnn_core.compiler.inspection.aside import eager_only
from rnn_core.compiler.inspection.code import read
from rnn_core.compiler.running import search
from rnn_core.layers.recurrent import Recurrent
from rnn_core.layers.zoneout import Zoneout

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


class Scaler:
    """Something that a cell holds and calls."""

    kind = 0.5

    def __init__(self, factor):
        self.factor = factor
        self.nested = types.SimpleNamespace(inner={"deep": [0.5]})

    def __call__(self, value):
        return self.factor * self.kind * value * self.nested.inner["deep"][0]


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


# The same numbers as the eager loop, before and after a change, in one process and the next.


def cell_of(step, name="Elman", make=type, **members):
    """A cell from a factory."""
    body = {"gates": ("a",), "weights": {"u": ("H", "H")}, "step": step} | members
    if make is type:
        return type(name, (Cell,), body)()
    if make is types.new_class:
        return types.new_class(name, (Cell,), exec_body=lambda space: space.update(body))()
    return dataclasses.make_dataclass(name, [], bases=(Cell,), namespace=body)()


@pytest.mark.parametrize("make", [type, types.new_class, dataclasses.make_dataclass])
def test_cells_from_a_factory_are_told_apart_by_their_code(make):
    """Their classes say that they belong to a module of Python's."""

    def elman(act):
        def step(self, x, state, w):
            return (act(x.a + state[0] @ w.u),)

        return cell_of(step, make=make)

    assert_all_as_the_loop([elman(act) for act in (torch.tanh, torch.sigmoid, torch.relu)])


def assert_all_as_the_loop(cells, zoneout=0.0):
    """Layers around the cells give what the eager loop gives, and all on a kernel."""
    x = torch.randn(6, 3, 4)
    for cell in cells:
        layer = Recurrent(cell, 4, 5, zoneout=zoneout).eval()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ours = layer(x)[0]
        with eager_only():
            assert_close(ours, layer(x)[0], rtol=1e-4, atol=1e-5)


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


PROCESS = """
import dataclasses, functools, sys, types, warnings
import torch
from rnn_core.cells.base import Cell
from rnn_core.compiler.cpu import build
from rnn_core.compiler.inspection.aside import eager_only
from rnn_core.layers.recurrent import Recurrent

build.FLAGS = ("-O1", *build.FLAGS[1:])
LEAK = float(sys.argv[1])
KIND = types.SimpleNamespace(leak=LEAK, table={"leak": [LEAK]})
module = types.ModuleType("some_module")
module.leak = LEAK
sys.modules["some_module"] = module

def mix(leak, x, s, w):
    return ((1 - leak) * s[0] + leak * torch.tanh(x.a + s[0] @ w.u),)

def by_default(x, s, w, leak=LEAK):
    return mix(leak, x, s, w)

def by_import(self, x, s, w):
    from some_module import leak
    return mix(leak, x, s, w)

@dataclasses.dataclass
class Held:
    leak: float = LEAK

class Slots:
    __slots__ = ("leak",)

def cell(step, make=type, **members):
    body = {"gates": ("a",), "weights": {"u": ("H", "H")}, "step": step} | members
    return make("Leaky", (Cell,), body)()

class Above(Cell):
    leak = LEAK

def held(value, read=lambda self: self.held.leak):
    made = cell(lambda self, x, s, w: mix(read(self), x, s, w))
    made.held = value
    return made

slots = Slots()
slots.leak = LEAK
closed = (lambda leak: lambda self, x, s, w: mix(leak, x, s, w))(LEAK)
cells = {
    "global": cell(lambda self, x, s, w: mix(LEAK, x, s, w)),
    "closure": cell(closed),
    "default": cell(lambda self, x, s, w: by_default(x, s, w)),
    "partial": cell(lambda self, x, s, w: self.f(x, s, w), f=functools.partial(mix, LEAK)),
    "class attribute": cell(lambda self, x, s, w: mix(self.leak, x, s, w), leak=LEAK),
    "base": type("Below", (Above,), {"gates": ("a",), "weights": {"u": ("H", "H")},
                                    "step": lambda self, x, s, w: mix(self.leak, x, s, w)})(),
    "property": cell(lambda self, x, s, w: mix(self.leak, x, s, w), leak=property(lambda s: LEAK)),
    "static method": cell(lambda self, x, s, w: mix(self.leak(), x, s, w),
                          leak=staticmethod(lambda: LEAK)),
    "object": held(KIND),
    "dictionary": held(KIND, lambda self: self.held.table["leak"][0]),
    "dataclass": held(Held()),
    "slots": held(slots),
    "import": cell(by_import),
    "tuple": held((1, (LEAK,)), lambda self: self.held[1][0]),
    "code": cell(eval(f"lambda self, x, s, w: mix({LEAK}, x, s, w)")),
    "wrapped": cell(functools.wraps(by_import)(closed)),
    "computed name": held(KIND, lambda self: getattr(self.held, "le" + "ak")),
}
warnings.simplefilter("error")
x = torch.randn(6, 3, 4)
for name, one in cells.items():
    for zoneout in (0.0, 0.1):
        layer = Recurrent(one, 4, 5, zoneout=zoneout).eval()
        ours = layer(x)[0]
        with eager_only():
            if not torch.allclose(ours, layer(x)[0], rtol=1e-4, atol=1e-5):
                print("wrong:", name)
"""


@pytest.mark.thorough
def test_next_process_notices_what_has_changed_since(tmp_path):
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
    for leak in ("0.1", "0.9"):
        command = [sys.executable, "-c", PROCESS, leak]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert (done.stdout, done.stderr) == ("", "")
    # With and without zoneout, of either leak: cells that compute the same share a kernel.
    assert len(list(tmp_path.rglob("*.so"))) == 4


def test_what_a_shipped_cell_consists_of_is_the_same_in_every_process():
    code = (
        "import hashlib\n"
        "from rnn_core.cells import REGISTRY, get_cell\n"
        "from rnn_core.compiler.inspection.code import read\n"
        "for name in REGISTRY:\n"
        "    print(hashlib.sha256(read(get_cell(name)).text.encode()).hexdigest())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    (output,) = outputs
    assert len(set(output.split())) == len(output.split()) == len(REGISTRY)


# What shares a kernel.


def plain(self, x, state, w):
    return (torch.tanh(x.a + state[0] @ w.u),)


def commented(self, x, state, w):
    """The same in other words."""
    (before,) = state
    total = x.a + before @ w.u  # a comment
    return (torch.tanh(total),)


def by_function(self, x, state, w):
    return (functional.tanh(x.a + state[0] @ w.u),)


def by_method(self, x, state, w):
    return (x.a.add(state[0] @ w.u).tanh(),)


def in_parts(self, x, state, w):
    def sum_of(*parts):
        return functools.reduce(lambda a, b: a + b, parts)

    return (torch.tanh(sum_of(x.a, state[0] @ w.u)),)


def looped(self, x, state, w):
    total = 0 * 1
    for part in (x.a, state[0] @ w.u):
        total = part if isinstance(total, int) else total + part
    return (torch.tanh(total),)


SHARING = {
    "another object": lambda: cell_of(plain),
    "a copy": lambda: copy.deepcopy(cell_of(plain)),
    "another name": lambda: cell_of(plain, name="Another"),
    "types.new_class": lambda: cell_of(plain, make=types.new_class),
    "a dataclass": lambda: cell_of(plain, make=dataclasses.make_dataclass),
    "other words": lambda: cell_of(commented),
    "another function for the same": lambda: cell_of(by_function),
    "methods for the same": lambda: cell_of(by_method),
    "functions of its own": lambda: cell_of(in_parts),
    "a loop": lambda: cell_of(looped),
    "a constant of one": lambda: cell_of(lambda s, x, h, w: (torch.tanh(x.a + h[0] @ w.u) * 1,)),
    "a method besides": lambda: cell_of(plain, plot=lambda self: sys.stdout.write(self.note)),
    "an attribute besides": lambda: cell_of(plain, note=object()),
    "another way to start": lambda: cell_of(plain, memory_gates={}),
    "a constant argument": lambda: cell_of(
        lambda s, x, h, w: (s.act(x.a + h[0] @ w.u),), act=staticmethod(torch.tanh)
    ),
    "PyTorch's module": lambda: cell_of(
        lambda s, x, h, w: (s.act(x.a + h[0] @ w.u),), act=nn.Tanh()
    ),
    "the shipped cell": lambda: cell_of(plain, __doc__="Another text."),
}


@pytest.mark.parametrize("what", SHARING)
def test_cells_that_compute_the_same_share_a_kernel(what):
    first = search.form_for(cell_of(plain), build.library, torch.float32)
    known = len(build.LIBRARIES)
    assert search.form_for(SHARING[what](), build.library, torch.float32) == first
    assert len(build.LIBRARIES) == known
    assert_all_as_the_loop([SHARING[what]()])


# What does not do the same each time, or cannot be read.

COUNT = [0]
NUMBERS = itertools.cycle([0.5, 2.0])
LOCAL = threading.local()
LOCAL.factor = 0.5


class Counter(Cell):
    gates = ("a",)
    weights = {}
    total = 0

    def __init__(self):
        self.count = 0
        self.list = []
        self.rng = np.random.default_rng(0)
        self.random = random.Random(0)
        self.numbers = itertools.cycle([0.5, 2.0])
        self.generated = (number for number in (0.5, 2.0) * 100)
        self.path = Path(__file__)


def counting(self, x, state, w):
    self.count += 1
    return (x.a * self.count,)


def counting_for_all(self, x, state, w):
    Counter.total += 1
    return (x.a * Counter.total,)


def counting_globally(self, x, state, w):
    COUNT[0] += 1
    return (x.a * COUNT[0],)


def listing(self, x, state, w):
    self.list.append(len(self.list))
    return (x.a * len(self.list),)


def counting_in_a_closure():
    count = 0

    def step(self, x, state, w):
        nonlocal count
        count += 1
        return (x.a * count,)

    return step


def with_gradients(self, x, state, w):
    return (x.a if torch.is_grad_enabled() else -x.a,)


SAME_ELSEWHERE = "which may do something else each time"
UNREADABLE = "whose state cannot be read"
REFUSED = {
    "a counter": (counting, "its step changes self.count, which it also reads"),
    "a counter of the class": (
        counting_for_all,
        "its step changes self.total, which it also reads",
    ),
    "a counter that is global": (counting_globally, "its step changes COUNT, which it also reads"),
    "a list that grows": (listing, "its step changes self.list, which it also reads"),
    "a counter in a closure": (counting_in_a_closure(), "its step changes count, which it also"),
    "gradients": (with_gradients, "its step gives other numbers when it is called again"),
    "random": (
        lambda s, x, h, w: (x.a * random.random(),),
        "random.random, a Random, " + UNREADABLE,
    ),
    "random.gauss": (lambda s, x, h, w: (x.a * random.gauss(0, 1),), "random.gauss, a part of"),
    "a generator of random numbers": (
        lambda s, x, h, w: (x.a * s.random.random(),),
        "self.random, a Random, " + UNREADABLE,
    ),
    "NumPy's generator": (lambda s, x, h, w: (x.a * s.rng.random(),), "self.rng, a Generator, "),
    "NumPy's random": (lambda s, x, h, w: (x.a * np.random.rand(),), "np.random.rand, "),
    "time": (lambda s, x, h, w: (x.a * time.time(),), "time.time, a part of python/time:time"),
    "the environment": (lambda s, x, h, w: (x.a * len(os.environ["HOME"]),), "os.environ, a part"),
    "the environment by a function": (
        lambda s, x, h, w: (x.a * len(os.getenv("HOME")),),
        "os.getenv, a part of python/os:getenv, " + SAME_ELSEWHERE,
    ),
    "an iterator": (lambda s, x, h, w: (x.a * next(s.numbers),), "self.numbers, a cycle, "),
    "a global iterator": (lambda s, x, h, w: (x.a * next(NUMBERS),), "NUMBERS, a cycle, "),
    "a generator": (lambda s, x, h, w: (x.a * next(s.generated),), "self.generated, a generator"),
    "a thread's own": (lambda s, x, h, w: (x.a * LOCAL.factor,), "LOCAL, a _local, " + UNREADABLE),
    "a file": (lambda s, x, h, w: (x.a * len(open(__file__).read(9)),), "open, " + SAME_ELSEWHERE),
    "a path": (lambda s, x, h, w: (x.a * len(s.path.read_text()[:9]),), "self.path, a part of"),
    "printing": (lambda s, x, h, w: (print("", end="") or x.a,), "print, " + SAME_ELSEWHERE),
    "PyTorch's seed": (
        lambda s, x, h, w: (x.a * (torch.initial_seed() % 7),),
        "torch.initial_seed",
    ),
    "evaluated text": (lambda s, x, h, w: (x.a * eval("1"),), "eval, " + SAME_ELSEWHERE),
    "a thread count": (
        lambda s, x, h, w: (x.a * torch.get_num_threads(),),
        "torch.get_num_threads",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_step_that_need_not_do_the_same_runs_in_the_eager_loop_and_says_why(what, monkeypatch):
    step, reason = REFUSED[what]
    monkeypatch.setattr(search, "warned", set())
    cell = type("Changing", (Counter,), {"step": step})()
    before = (dict(vars(cell)), list(cell.list), Counter.total, list(COUNT))
    with pytest.warns(RuntimeWarning) as caught:
        assert search.form_for(cell, build.library, torch.float32) is None
    (message,) = (str(one.message) for one in caught)
    assert message.startswith("Changing runs in the eager loop, which is slower: its step ")
    assert reason in message
    assert (dict(vars(cell)), list(cell.list), Counter.total, list(COUNT)) == before


def test_counter_goes_on_as_in_the_eager_loop(monkeypatch):
    monkeypatch.setattr(search, "warned", set())
    layer = Recurrent(type("Clock", (Counter,), {"step": counting})(), 2, 3)
    with pytest.warns(RuntimeWarning, match="Clock runs in the eager loop"):
        outputs = layer(torch.ones(4, 1, 2))[0]
    assert_close(outputs, outputs[0] * torch.arange(1.0, 5.0)[:, None, None])


def test_type_of_new_tensors_is_a_part_of_the_question():
    cell = cell_of(lambda s, x, h, w: (x.a * len(str(torch.get_default_dtype())),))
    layer, x = Recurrent(cell, 2, 3).double(), torch.randn(4, 1, 2, dtype=torch.float64)
    single = layer(x)[0]
    torch.set_default_dtype(torch.bfloat16)
    try:
        other = layer(x)[0]
    finally:
        torch.set_default_dtype(torch.float32)
    assert_close(other, single * len("torch.bfloat16") / len("torch.float32"))


# What may look strange and can be read.

Pair = collections.namedtuple("Pair", ["scale", "shift"])


@functools.lru_cache
def computed(number):
    return math.sqrt(number) + 1


READABLE = {
    "a named tuple": (lambda s, x, h, w: (x.a * s.held.scale,), Pair(0.5, 1.0)),
    "a cached function": (lambda s, x, h, w: (x.a * computed(s.held),), 2),
    "a module of PyTorch": (lambda s, x, h, w: (s.held(x.a),), nn.Hardtanh(-0.5, 0.5)),
    "a bound method": (lambda s, x, h, w: (s.held(x.a),), Scaler(0.5).__call__),
    "a number of NumPy": (lambda s, x, h, w: (x.a * float(np.sqrt(s.held)),), np.float64(0.5)),
    "an ordered dictionary": (
        lambda s, x, h, w: (x.a * sum(s.held.values()),),
        collections.OrderedDict(a=0.5, b=0.25),
    ),
    "a function without gradients": (
        lambda s, x, h, w: (x.a * s.held(x.a),),
        torch.no_grad()(torch.sigmoid),
    ),
    "a class that is called": (lambda s, x, h, w: (s.held(0.5)(x.a),), Scaler),
    "another cell": (lambda s, x, h, w: s.held.step(x, h, w), cell_of(lambda s, x, h, w: (x.a,))),
    "a cell that knows itself": (lambda s, x, h, w: (x.a * s.held["own"].factor,), {}),
}


@pytest.mark.parametrize("what", READABLE)
def test_step_may_reach(what):
    step, held = READABLE[what]
    cell = cell_of(step, weights={}, factor=0.5)
    cell.held = held
    if isinstance(held, dict) and not held:
        held["own"] = cell
    assert_all_as_the_loop([cell, cell], zoneout=0.1)
    assert_all_as_the_loop([cell])


def test_cell_within_zoneout_is_read_as_one_without():
    """Its parts besides its step are not read, though zoneout goes by names as well."""
    cell = cell_of(plain, plot=lambda self: sys.stdout.write(self.note), rng=random.Random(0))
    assert "tanh" in read(Zoneout(cell)).text
    assert get_cell("gru") is not get_cell("gru")
