"""Cells from a factory, and a comparison of layers around cells with the eager loop."""

import dataclasses
import types
import warnings

import torch
from torch.testing import assert_close

from rnn_core.cells.base import Cell
from rnn_core.compiler.inspection.aside import eager_only
from rnn_core.layers.recurrent import Recurrent


class Scaler:
    """Something that a cell holds and calls."""

    kind = 0.5

    def __init__(self, factor):
        self.factor = factor
        self.nested = types.SimpleNamespace(inner={"deep": [0.5]})

    def __call__(self, value):
        return self.factor * self.kind * value * self.nested.inner["deep"][0]


def cell_of(step, name="Elman", make=type, **members):
    """A cell from a factory."""
    body = {"gates": ("a",), "weights": {"u": ("H", "H")}, "step": step} | members
    if make is type:
        return type(name, (Cell,), body)()
    if make is types.new_class:
        return types.new_class(name, (Cell,), exec_body=lambda space: space.update(body))()
    return dataclasses.make_dataclass(name, [], bases=(Cell,), namespace=body)()


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


def plain(self, x, state, w):
    return (torch.tanh(x.a + state[0] @ w.u),)
