"""A layer under the tracer of `torch.jit`, which sees the loop and not a kernel."""

import io
import subprocess
import sys

import onnxruntime
import pytest
import torch
from torch import nn

from rnn_core.layers.execution_path import eager_only
from rnn_core.layers.recurrent import Recurrent

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of TorchScript

LOAD = """
import sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)
import torch
layer, given = torch.jit.load(sys.argv[1]), torch.load(sys.argv[2])
assert "rnn_core" not in sys.modules
torch.save([layer(*inputs) for inputs in given], sys.argv[3])
"""


class Model(nn.Module):
    """A layer between two others, with lengths."""

    def __init__(self, cell):
        super().__init__()
        self.embedding = nn.Linear(3, 4)
        self.layer = Recurrent(cell, 4, 5, num_layers=2, bidirectional=True, batch_first=True)
        self.output = nn.Linear(10, 2)

    def forward(self, x, lengths):
        outputs, state = self.layer(self.embedding(x), lengths=lengths)
        return self.output(outputs), state


def inputs(batch, steps=4):
    return torch.randn(batch, steps, 3), torch.arange(batch) % (steps + 1)


def eager(model, given):
    with eager_only(), torch.no_grad():
        return model(*given)


@pytest.mark.parametrize(
    ("cell", "gradient"), [("gru", True), ("lstm_peephole", False), ("mingru", True)]
)
def test_a_traced_model_runs_in_another_process(tmp_path, cell, gradient):
    model = Model(cell).eval().requires_grad_(gradient)
    traced = torch.jit.trace(model, inputs(3))  # compares a second trace with the first
    given = [inputs(batch) for batch in (1, 8)]
    torch.jit.save(traced, tmp_path / "traced.pt")
    torch.save(given, tmp_path / "given.pt")
    names = [str(tmp_path / name) for name in ("traced.pt", "given.pt", "outputs.pt")]
    subprocess.run([sys.executable, "-c", LOAD, *names], check=True)
    outputs = torch.load(names[-1])
    expected = [eager(model, example) for example in given]
    torch.testing.assert_close(outputs, expected, rtol=1e-5, atol=1e-6)


def test_a_traced_model_trains():
    model = Model("lstm")
    traced = torch.jit.trace(model, inputs(3))
    x, lengths = inputs(4)
    traced(x, lengths)[0].square().sum().backward()
    ours = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    model(x, lengths)[0].square().sum().backward()
    torch.testing.assert_close(ours, [p.grad for p in model.parameters()], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("cell", ["gru", "lstm_layernorm", "minlstm"])
def test_the_older_exporter_to_onnx_reads_its_input(cell):
    """At the length of the example, as it unrolls the loop; at any batch."""
    model, file = Model(cell).eval(), io.BytesIO()
    torch.onnx.export(
        model,
        inputs(3),
        file,
        dynamo=False,
        input_names=["x", "lengths"],
        dynamic_axes={"x": {0: "batch"}, "lengths": {0: "batch"}},
    )
    session = onnxruntime.InferenceSession(file.getvalue())
    for batch in (1, 5):
        x, lengths = inputs(batch)
        outputs = session.run(None, {"x": x.numpy(), "lengths": lengths.numpy()})
        expected = torch.utils._pytree.tree_leaves(eager(model, (x, lengths)))
        found = [torch.from_numpy(output) for output in outputs]
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("make", [lambda: Recurrent("lstm", 3, 4), lambda: Model("mgu")])
def test_scripting_is_refused_with_the_ways_that_work(make):
    with pytest.raises(RuntimeError, match=r"torch\.jit\.trace, torch\.export or torch\.onnx\.ex"):
        torch.jit.script(make())
