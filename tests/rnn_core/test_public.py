"""Names at the library's top: imported on use, with PyTorch and NumPy alone."""

import subprocess
import sys

import pytest

import rnn_core
from rnn_core.cells.base import Cell
from rnn_core.layers.conversion import from_torch, to_torch
from rnn_core.layers.initialisation import Initialisation
from rnn_core.layers.lazy import LazyRecurrent
from rnn_core.layers.recurrent import Recurrent

NAMES = {
    "Cell": Cell,
    "Initialisation": Initialisation,
    "LazyRecurrent": LazyRecurrent,
    "Recurrent": Recurrent,
    "from_torch": from_torch,
    "to_torch": to_torch,
}


def said(program):
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_top_names_are_what_they_are_where_they_are_made():
    assert {name: getattr(rnn_core, name) for name in rnn_core.__all__} == NAMES
    assert set(NAMES) <= set(dir(rnn_core))


def test_name_that_there_is_not_is_an_error_as_of_any_module():
    with pytest.raises(AttributeError, match="module 'rnn_core' has no attribute 'Recurent'"):
        rnn_core.Recurent  # noqa: B018


def test_importing_the_library_imports_no_other():
    program = (
        "import sys; before = set(sys.modules); import rnn_core;"
        "print(*{n.split('.')[0] for n in set(sys.modules) - before}"
        " - set(sys.stdlib_module_names))"
    )
    assert said(program) == ["rnn_core"]


ALONE = """
import importlib.metadata, sys

# PyTorch, what it requires, NumPy, and safetensors.
LIBRARY = set(
    "torch torchgen functorch filelock typing_extensions setuptools _distutils_hack sympy mpmath "
    "networkx jinja2 markupsafe fsspec numpy safetensors".split()
)
OTHERS = set(importlib.metadata.packages_distributions()) - LIBRARY - {"rnn_core", "flows"}
assert {"dvc", "mlflow", "pandas", "prefect", "scipy"} <= OTHERS, OTHERS

class Refused:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in OTHERS:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Refused())

import torch
import rnn_core

class Slow(rnn_core.Cell):
    gates = ("n",)
    weights = {"w": ("H", "H")}

    def step(self, x, state, weights):
        return (state[0] * 0.9 + torch.tanh(x.n + state[0] @ weights.w),)

for cell in ("gru", Slow()):
    layer = rnn_core.Recurrent(cell, 3, 5)
    outputs, _ = layer(torch.ones(4, 2, 3))
    outputs.sum().backward()
    assert all(p.grad is not None for p in layer.parameters())
    layer.step(torch.ones(2, 3))
print(rnn_core.to_torch(rnn_core.from_torch(torch.nn.LSTM(3, 5))))
"""


def test_layer_needs_pytorch_and_numpy_alone():
    assert said(ALONE) == ["LSTM(3,", "5)"]
