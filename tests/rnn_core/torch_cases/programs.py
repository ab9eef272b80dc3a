"""Programs made of a model with a layer: traced, compiled and exported ones."""

import io
import tempfile
import warnings
from functools import partial
from pathlib import Path

import onnxruntime
import torch
from torch import fx, nn
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

EVERY = "rnn relu gru lstm"


def model_of(side, **options):
    """A layer of float32, as is exported, and an input."""
    layer = side.make(3, 4, 2, dtype=torch.float32, **options).eval()
    return layer, torch.randn(5, 2, 3, dtype=torch.float32)


def flat(results):
    found, state = results
    return [found, *(state if isinstance(state, tuple) else (state,))]


def quietly(make):
    """Make something, and discard the maker's output."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make()


def through_file(program):
    file = io.BytesIO()
    torch.jit.save(program, file)
    file.seek(0)
    return torch.jit.load(file)


def traced(side, graph, saved, **options):
    """A trace, asked for another input of the same sizes than it was made with."""
    layer, x = model_of(side, **options)
    with torch.set_grad_enabled(graph):
        program = quietly(lambda: torch.jit.trace(layer, (x,)))
        program = quietly(lambda: through_file(program)) if saved else program
        return [part.detach() for part in flat(quietly(lambda: program(x.flip(0))))]


def traced_with_state(side):
    layer, x = model_of(side)
    hx = side.state(2, 2, 4)
    hx = tuple(part.float() for part in hx) if isinstance(hx, tuple) else hx.float()
    program = quietly(lambda: torch.jit.trace(layer, (x, hx)))
    return [part.detach() for part in flat(quietly(lambda: program(x.flip(0), hx)))]


class Packing(nn.Module):
    """Sequences of several lengths in and out of a layer."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x, lengths):
        packed, _ = self.layer(pack_padded_sequence(x, lengths))
        return pad_packed_sequence(packed)[0]


def traced_when_packed(side):
    layer, x = model_of(side)
    lengths = torch.tensor([5, 3])
    program = quietly(lambda: torch.jit.trace(Packing(layer), (x, lengths)))
    return quietly(lambda: program(x.flip(0), lengths)).detach()


def scripted(side):
    layer, x = model_of(side)
    return quietly(lambda: torch.jit.script(Model(layer)))(x).detach()


class Model(nn.Module):
    """A layer between others."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer
        self.head = nn.Linear(4, 2, dtype=torch.float32)

    def forward(self, x):
        return self.head(torch.relu(self.layer(x)[0]))


class Leaves(fx.Tracer):
    """Layers are kept whole, as those of `torch.nn` are by default."""

    def is_leaf_module(self, module, name):
        return name == "layer" or super().is_leaf_module(module, name)


def symbolic(side):
    """The model around the layer as a graph."""
    layer, x = model_of(side)
    model = Model(layer)
    graph = Leaves().trace(model)
    return [node.op for node in graph.nodes], fx.GraphModule(model, graph)(x).detach()


def symbolic_by_itself(side):
    return [node.op for node in fx.symbolic_trace(Model(model_of(side)[0])).graph.nodes]


def exported(side, saved, **options):
    layer, x = model_of(side, **options)
    program = quietly(lambda: torch.export.export(layer, (x,)))
    if saved:
        file = io.BytesIO()
        quietly(lambda: torch.export.save(program, file))
        file.seek(0)
        program = quietly(lambda: torch.export.load(file))
    return [part.detach() for part in flat(quietly(lambda: program.module()(x.flip(0))))]


def recorded(side, of_gradient):
    """Results of recorded operations for another input."""
    layer, x = side.make(3, 4, 2), torch.randn(5, 2, 3)

    def function(x):
        if not of_gradient:
            return flat(layer(x))
        x = x.detach().requires_grad_()
        return torch.autograd.grad(layer(x)[0].sin().sum(), [x])

    with torch.set_grad_enabled(of_gradient):
        return list(make_fx(function)(x)(2 * x))


def compiled(side):
    """One graph, forward and backward, of a layer that is compiled; eager on the other side."""
    layer = side.make(3, 4, 2)
    x = torch.randn(5, 2, 3)
    program = torch.compile(layer, backend="aot_eager", fullgraph=True) if side.ours else layer
    outputs, _ = program(x)
    outputs.sin().sum().backward()
    return outputs, side.gradients(layer)


def as_onnx(side, dynamo, with_state=False, **options):
    """Results of onnxruntime for a model in a file, with an input it was not made with."""
    layer, x = model_of(side, **options)
    directions = 4 if options.get("bidirectional") else 2
    hx = side.state(directions, 2, 4, proj_size=options.get("proj_size", 0))
    hx = tuple(part.float() for part in hx) if isinstance(hx, tuple) else hx.float()
    given = (x, hx) if with_state else (x,)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        quietly(lambda: torch.onnx.export(layer, given, path, dynamo=dynamo, verbose=False))
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [part.name for part in session.get_inputs()]
    values = [x.flip(0), *(hx if isinstance(hx, tuple) else (hx,))] if with_state else [x.flip(0)]
    fed = dict(zip(names, (part.numpy() for part in values), strict=True))
    return [torch.from_numpy(part) for part in session.run(None, fed)]


JIT = "test_jit.py: test_nn_LSTM, test_nn_GRU"
TRACE = "onnx/test_utility_funs.py: test_rnn_trace_override"
ONNX = "onnx/test_pytorch_onnx_onnxruntime.py: RNN, LSTM and GRU"
EXPORT = "export/test_export.py: RNN modules"

SAME = [
    ("traced", TRACE, EVERY, partial(traced, graph=True, saved=False)),
    ("traced without a graph", TRACE, EVERY, partial(traced, graph=False, saved=False)),
    ("traced and saved", TRACE, EVERY, partial(traced, graph=False, saved=True)),
    (
        "traced, both directions",
        TRACE,
        EVERY,
        partial(traced, graph=True, saved=True, bidirectional=True),
    ),
    ("traced with a state", TRACE, EVERY, traced_with_state),
    ("traced when packed", TRACE, EVERY, traced_when_packed),
    ("a graph around it", "test_fx.py: module tests", EVERY, symbolic),
    ("exported", EXPORT, "lstm", partial(exported, saved=False)),
    ("exported and saved", EXPORT, "gru", partial(exported, saved=True)),
    ("recorded", "test_proxy_tensor.py", EVERY, partial(recorded, of_gradient=False)),
    ("its gradient recorded", "test_proxy_tensor.py", EVERY, partial(recorded, of_gradient=True)),
    ("compiled", "inductor/test_cpu_repro.py: test_lstm_packed", "lstm", compiled),
    ("as ONNX by a trace", ONNX, EVERY, partial(as_onnx, dynamo=False)),
    (
        "as ONNX by a trace, both directions",
        ONNX,
        EVERY,
        partial(as_onnx, dynamo=False, bidirectional=True, bias=False, batch_first=True),
    ),
    (
        "as ONNX by a trace with a state",
        ONNX,
        EVERY,
        partial(as_onnx, dynamo=False, with_state=True),
    ),
    ("as ONNX", ONNX, "lstm", partial(as_onnx, dynamo=True)),
]

DIFFERENT = [
    ("scripted", JIT, EVERY, scripted, "torch.jit.script"),
    (
        "as ONNX by a trace, projected",
        ONNX,
        "lstm",
        partial(as_onnx, dynamo=False, proj_size=2),
        "ONNX",
    ),
    ("a graph by itself", "test_fx.py: module tests", EVERY, symbolic_by_itself, "torch.fx"),
]
