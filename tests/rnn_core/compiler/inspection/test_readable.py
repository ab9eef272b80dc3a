"""Objects that a step may reach, and those that differ each time or cannot be read."""

import collections
import functools
import itertools
import math
import os
import random
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from factory_cells import Scaler, assert_all_as_the_loop, cell_of, plain
from torch import nn
from torch.testing import assert_close

from rnn_core.cells import get_cell
from rnn_core.cells.base import Cell
from rnn_core.compiler.cpu import build
from rnn_core.compiler.inspection.code import read
from rnn_core.compiler.running import search
from rnn_core.layers.recurrent import Recurrent
from rnn_core.layers.zoneout import Zoneout

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
