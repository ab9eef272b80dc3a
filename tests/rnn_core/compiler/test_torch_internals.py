"""Behaviour of a layer with a PyTorch whose internals it does not know."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
ADAPTER = "rnn_core/compiler/torch_internals.py"
ELSEWHERE = {"rnn_core/devices.py": {"torch._C"}}
"""Names that other modules use; they do without those that are gone."""

PROGRAM = """
import json, sys, warnings
import torch
{change}
warnings.simplefilter("always")
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    import rnn_core

    torch.manual_seed(0)
    results = []
    for kind in (torch.nn.LSTM, torch.nn.GRU):
        module = kind(3, 5, dtype=torch.float64)
        layer = rnn_core.from_torch(module)
        x = torch.randn(4, 2, 3, dtype=torch.float64, requires_grad=True)
        for lengths in (None, [4, 2]):
            ours, _ = layer(x, lengths=lengths)
            packed = x if lengths is None else torch.nn.utils.rnn.pack_padded_sequence(x, lengths)
            theirs = module(packed)[0]
            if lengths:
                theirs, _ = torch.nn.utils.rnn.pad_packed_sequence(theirs)
            gradients = [torch.autograd.grad(y.square().sum(), x)[0] for y in (ours, theirs)]
            results.append(float((ours - theirs).abs().max()))
            results.append(float((gradients[0] - gradients[1]).abs().max()))
        with torch.no_grad():
            step, state = layer.step(x[0])
            results.append(float((step - module(x[:1])[0][0]).abs().max()))
ours = [str(w.message) for w in said if "eager loop" in str(w.message)]
print(json.dumps([max(results), ours]))
"""


def layer_after(change, tmp_path, monkeypatch):
    """The largest difference to torch.nn, what was warned of, and whether there are kernels."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # so that they have to be made
    monkeypatch.delenv("GATEWISE_FUSED", raising=False)
    command = [sys.executable, "-c", PROGRAM.format(change=change)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    kernels = [*tmp_path.rglob("*.so")] != []
    return *json.loads(done.stdout.splitlines()[-1]), kernels


UNKNOWN = {
    "later version": ("torch.__version__ = '2.16.0'", "2.16.0"),
    "earlier version": ("torch.__version__ = '2.12.1+cpu'", "2.12.1+cpu"),
    "name that tells of tensors": ("del torch._C._has_storage", "torch._C._has_storage"),
    "name that is asked at each step": (
        "del torch._C._functorch.peek_interpreter_stack",
        "torch._C._functorch.peek_interpreter_stack",
    ),
    "name that the eager loop asks by, too": (
        "del torch._C._functorch.is_functorch_wrapped_tensor",
        "torch._C._functorch.is_functorch_wrapped_tensor",
    ),
    "module of the tracer": (
        "sys.modules['torch._decomp'] = None",
        "torch._decomp.core_aten_decompositions",
    ),
}


@pytest.mark.parametrize("case", UNKNOWN)
@pytest.mark.one_in(3)
def test_unknown_pytorch_means_the_eager_loop_and_one_warning(case, tmp_path, monkeypatch):
    change, named = UNKNOWN[case]
    difference, said, kernels = layer_after(change, tmp_path, monkeypatch)
    assert len(said) == 1
    assert named in said[0]
    assert difference < 1e-12
    assert not kernels


def test_known_pytorch_means_kernels_and_no_warning(tmp_path, monkeypatch):
    difference, said, kernels = layer_after("", tmp_path, monkeypatch)
    assert said == []
    assert difference < 1e-12
    assert kernels


def chain(node):
    """The names of `a.b.c`, if it has this form."""
    names = []
    while isinstance(node, ast.Attribute):
        names.insert(0, node.attr)
        node = node.value
    return [node.id, *names] if isinstance(node, ast.Name) else []


def insides(file):
    """The names of PyTorch's that begin with an underscore, in a file."""
    tree, known = ast.parse(file.read_text()), {"torch": "torch"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "torch":
            for alias in node.names:
                known[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    named = set(known.values())
    for node in ast.walk(tree):
        first, *rest = chain(node) or [""]
        if first in known:
            named.add(".".join([known[first], *rest]))
    private = {
        name
        for name in named
        if any(part.startswith("_") and not part.endswith("__") for part in name.split("."))
    }
    return {name for name in private if not any(o.startswith(f"{name}.") for o in private)}


NOT_PYTORCHS = {"_asdict", "_exit", "_fields", "_lru_cache_wrapper", "_make", "_replace"}
"""Names of Python's that begin with an underscore; most of them are public."""

HOOKS = {"_load_from_state_dict", "_log_softmax"}
"""A method that PyTorch lets modules override, and an operator."""


def foreign(file):
    """Attributes that begin with an underscore, of objects that are not the file's own."""
    tree = ast.parse(file.read_text())
    found = {node for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    of_others = {node for node in found if ast.unparse(node.value) not in {"self", "cls"}}
    private = {node.attr for node in of_others if re.match("_[^_]", node.attr)}
    return private - NOT_PYTORCHS - HOOKS


def test_attributes_of_pytorchs_objects_are_read_in_one_file():
    files = sorted((REPOSITORY / "rnn_core").rglob("*.py"))
    assert len(files) > 300
    found = {file.relative_to(REPOSITORY).as_posix(): foreign(file) for file in files}
    assert found.pop(ADAPTER) >= {"_modules", "_version", "_forward_hooks"}
    assert {name: names for name, names in found.items() if names} == {
        "rnn_core/devices.py": {"_C"},
        "rnn_core/layers/settings.py": {"_answers"},  # of `Cell`
    }


def test_insides_of_pytorch_are_named_in_one_file():
    found = {}
    for package in ("rnn_core", "flows"):
        for file in sorted((REPOSITORY / package).rglob("*.py")):
            name = file.relative_to(REPOSITORY).as_posix()
            if name != ADAPTER and (inside := insides(file)):
                found[name] = inside
    assert found == ELSEWHERE
