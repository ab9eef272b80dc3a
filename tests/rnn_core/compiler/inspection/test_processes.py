"""Contents of a cell are the same in every process, and the next one notices changes."""

import os
import subprocess
import sys

import pytest

from rnn_core.cells import REGISTRY

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
