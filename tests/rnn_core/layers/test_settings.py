"""Settings of a cell that change between calls of a compiled layer."""

import pytest
import torch

from rnn_core.cells.base import Cell
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
