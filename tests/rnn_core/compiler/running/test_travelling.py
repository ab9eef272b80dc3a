"""Exported programs, loaded where there is no kernel, no compiler, or another type."""

import io
import os
import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from rnn_core.compiler.cpu import build
from rnn_core.compiler.inspection.aside import eager_only
from rnn_core.compiler.running import anywhere, differentiation, search
from rnn_core.layers.recurrent import Recurrent

LOAD = """
import sys, warnings
import torch
import rnn_core.layers.recurrent
from rnn_core.compiler.cpu import build

build.FLAGS = ("-O1", *build.FLAGS[1:])
warnings.simplefilter(sys.argv[3])
program = torch.export.load(sys.argv[1]).module()
results = []
for inputs in torch.load(sys.argv[2]):
    inputs[0].requires_grad_()
    outputs, final = program(*inputs)
    outputs.square().sum().backward()
    weights = dict(program.named_parameters())
    gradients = [inputs[0].grad, *(weights[name].grad.clone() for name in sorted(weights))]
    program.zero_grad()
    results.append((outputs.detach(), gradients))
torch.save(results, sys.argv[2])
print("rnn_core.compiler.trace" in sys.modules)
"""


class Network(nn.Module):
    """Two directions, two layers, lengths."""

    def __init__(self, cell):
        super().__init__()
        self.layer = Recurrent(cell, 3, 4, num_layers=2, bidirectional=True)

    def forward(self, x, lengths):
        return self.layer(x, lengths=lengths)


def expected(network, inputs):
    """Outputs and gradients by the eager loop."""
    x, lengths = inputs
    x = x.clone().requires_grad_()
    with eager_only():
        outputs = network(x, lengths)[0]
        outputs.square().sum().backward()
    weights = dict(network.named_parameters())
    gradients = [x.grad, *(weights[name].grad.clone() for name in sorted(weights))]
    network.zero_grad()
    return outputs.detach(), gradients


def drawn(steps, batch):
    return torch.randn(steps, batch, 3), torch.randint(1, steps + 1, (batch,))


@pytest.mark.parametrize("where", ["another machine", "a machine without a compiler"])
@pytest.mark.parametrize("cell", ["gru", "lstm_layernorm"])
@pytest.mark.one_in(2)
def test_program_gives_the_same_elsewhere(where, cell, tmp_path):
    network = Network(cell)
    shape = {0: torch.export.Dim("steps", min=2), 1: torch.export.Dim("batch", min=2)}
    dynamic = (shape, {0: shape[1]})
    program = torch.export.export(network, drawn(5, 2), dynamic_shapes=dynamic, strict=False)
    torch.export.save(program, tmp_path / "program.pt2")
    batches = [drawn(5, 2), drawn(9, 4)]
    torch.save(batches, tmp_path / "batches.pt")
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    if where != "another machine":
        environment |= {"PATH": str(tmp_path), "CC": "/nowhere/cc"}
    action = "error" if where == "another machine" else "always"
    files = [str(tmp_path / name) for name in ("program.pt2", "batches.pt")]
    command = [sys.executable, "-c", LOAD, *files, action]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stdout) == (0, "False\n"), done.stderr
    kernels = list((tmp_path / "cache").rglob("*.so"))
    assert len(kernels) == (where == "another machine")
    if not kernels:
        assert done.stderr.count("RuntimeWarning") == 1
        assert (
            "an exported program runs step by step, which is slower: no C compiler" in done.stderr
        )
    results = torch.load(tmp_path / "batches.pt")
    for inputs, (outputs, gradients) in zip(batches, results, strict=True):
        right, right_gradients = expected(network, inputs)
        assert_close(outputs, right, rtol=1e-4, atol=1e-5)
        for mine, theirs in zip(gradients, right_gradients, strict=True):
            assert_close(mine, theirs, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_program_may_be_run_with_another_type(dtype, monkeypatch):
    monkeypatch.setattr(search, "warned", set())
    monkeypatch.setattr(anywhere, "WITHOUT", {})
    layer, x = Recurrent("lstm", 3, 4), torch.randn(5, 2, 3)
    saved = io.BytesIO()
    torch.export.save(torch.export.export(layer, (x,), strict=False), saved)
    saved.seek(0)
    program = torch.export.load(saved).module().to(dtype)
    if dtype is torch.float64:
        outputs = program(x.to(dtype))[0]
    else:
        with pytest.warns(RuntimeWarning, match="runs step by step.* not torch.bfloat16"):
            outputs = program(x.to(dtype))[0]
    exact = 1e-6 if dtype is torch.float64 else 0.05
    assert outputs.dtype is dtype
    assert_close(outputs.double(), layer.double()(x.double())[0], rtol=exact, atol=exact)


def test_program_can_be_differentiated_twice(monkeypatch):
    """It has no cell any more, whose loop could be differentiated."""
    layer, x = Recurrent("lstm", 3, 4).double(), torch.randn(5, 2, 3).double().requires_grad_()
    program = torch.export.export(layer, (x,), strict=False).module()
    monkeypatch.setattr(differentiation, "CELLS", {})

    def penalty(run):
        (gradient,) = torch.autograd.grad(run(x)[0].square().sum(), x, create_graph=True)
        return torch.autograd.grad(gradient.square().sum(), x)[0]

    with eager_only():
        expected = penalty(layer)
    assert_close(penalty(program), expected, rtol=1e-9, atol=1e-11)


def test_program_with_weights_of_other_sizes_is_refused():
    """A kernel would read beyond their ends."""
    layer, x = Recurrent("gru", 3, 4), torch.randn(5, 2, 3)
    program = torch.export.export(layer, (x,), strict=False).module()
    parameter = next(p for p in program.parameters() if p.shape == (4, 4))
    parameter.data = parameter.data[:2, :2].clone()
    with pytest.raises(ValueError, match=r"weight \w is to be \(4, 4\), not \(2, 2\)"):
        program(x)


def test_program_whose_cell_is_no_cell_is_refused():
    layer, x = Recurrent("gru", 3, 4), torch.randn(5, 2, 3)
    program = torch.export.export(layer, (x,), strict=False)
    (node,) = (n for n in program.graph.nodes if n.target is torch.ops.gatewise.unroll.default)
    node.args = (*node.args[:9], "int main() { return 0; }", *node.args[10:])
    with pytest.raises(build.BuildError, match="the form of the cell cannot be used"):
        program.module()(x)
