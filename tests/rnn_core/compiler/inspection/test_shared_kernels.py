"""Cells that compute the same share a kernel, and those of other code have their own."""

import copy
import dataclasses
import functools
import sys
import types

import pytest
import torch
from factory_cells import assert_all_as_the_loop, cell_of, plain
from torch import nn
from torch.nn import functional

from rnn_core.compiler.cpu import build
from rnn_core.compiler.running import search


@pytest.mark.parametrize("make", [type, types.new_class, dataclasses.make_dataclass])
def test_cells_from_a_factory_are_told_apart_by_their_code(make):
    """Their classes say that they belong to a module of Python's."""

    def elman(act):
        def step(self, x, state, w):
            return (act(x.a + state[0] @ w.u),)

        return cell_of(step, make=make)

    assert_all_as_the_loop([elman(act) for act in (torch.tanh, torch.sigmoid, torch.relu)])


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
