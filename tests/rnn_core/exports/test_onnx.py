"""A layer exported by `torch.onnx.export` computes in onnxruntime what the eager loop does.

Every check is made at other lengths and batches than the one that was exported.
"""

import io

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx.reference import ReferenceEvaluator
from torch.nn.functional import logsigmoid

from rnn_core.cells import REGISTRY, get_cell
from rnn_core.cells.base import Cell
from rnn_core.cells.gru import GRU
from rnn_core.compiler.onnx.nodes import OPERATORS
from rnn_core.layers.recurrent import Recurrent

SIZES = [(7, 5), (1, 1), (3, 8)]


@pytest.mark.one_in(12)
@pytest.mark.parametrize("cell", REGISTRY)
def test_both_directions_with_a_state_and_lengths(in_onnx, cell):
    layer = Recurrent(cell, 3, 5, bidirectional=True, batch_first=True)
    exported = in_onnx(layer, state=True, lengths=True)
    assert exported.operators() == {OPERATORS[cell].name if cell in OPERATORS else "Scan"}
    assert max(exported.difference(*size) for size in SIZES) <= 1e-5


@pytest.mark.parametrize("cell", ["gru_reset_after", "lstm_layernorm"])
def test_a_layer_without_biases(in_onnx, cell):
    exported = in_onnx(Recurrent(cell, 3, 5, bias=False), state=True)
    assert max(exported.difference(*size) for size in SIZES) <= 1e-5


def test_a_projected_state(in_onnx):
    exported = in_onnx(Recurrent("lstm", 3, 5, bidirectional=True, proj_size=2), lengths=True)
    assert max(exported.difference(*size) for size in SIZES) <= 1e-5


@pytest.mark.parametrize("cell", ["lstm", "mgu"])
def test_a_single_sequence(cell):
    layer = Recurrent(cell, 3, 5).eval()
    program = torch.onnx.export(
        layer,
        (torch.randn(4, 3),),
        dynamo=True,
        dynamic_shapes=({0: torch.export.Dim.DYNAMIC},),
        verbose=False,
    )
    x = torch.randn(7, 3)
    expected = torch.utils._pytree.tree_leaves(layer(x))
    torch.testing.assert_close(list(program(x)), expected, rtol=0, atol=1e-5)


class Peculiar(Cell):
    """A choice, a mask, a state that counts, one that is handed on, and a constant."""

    gates = ("a", "b")
    weights = {"u": ("H", "H"), "v": ("H",)}
    states = ("h", "count", "before")

    def __init__(self, bound):
        self.bound = bound

    def step(self, x, state, w):
        h, count, before = state
        product = torch.tanh(x.a + h @ w.u + w.v * before)
        new = torch.where((x.b > 0) & (count < self.bound), product, -0.5 * h)
        return new, count + 1.0, h


@pytest.mark.parametrize("options", [{}, {"zoneout": 0.3, "initial_state": "learned"}])
def test_a_cell_of_ones_own(in_onnx, options):
    exported = in_onnx(Recurrent(Peculiar(3.0), 3, 5, num_layers=2, **options), lengths=True)
    assert exported.operators() == {"Scan"}
    assert max(exported.difference(*size) for size in SIZES) <= 1e-5


class Masked(Cell):
    """Holds a mask and a number as tensors."""

    gates = ("a",)
    weights = {"u": ("H", "H")}

    def __init__(self):
        self.mask = torch.arange(5) % 2 > 0
        self.scale = torch.tensor(0.5)

    def step(self, x, state, w):
        (h,) = state
        return (torch.where(self.mask, self.scale * torch.tanh(x.a + h @ w.u), 0.9 * h + x.a),)


def test_a_cell_that_holds_tensors(in_onnx):
    exported = in_onnx(Recurrent(Masked(), 3, 5, num_layers=2, bidirectional=True), lengths=True)
    assert max(exported.difference(*size) for size in SIZES) <= 1e-5


class Ratio(Cell):
    """The ratio of two gates that may both be shut so far that they round to 0."""

    gates = ("f", "i")
    weights = {}

    def step(self, x, state, w):
        (h,) = state
        ratio = logsigmoid(x.f) - logsigmoid(x.i)
        return (torch.sigmoid(ratio) * h + torch.sigmoid(-ratio) * 0.3,)


def test_logarithms_of_shut_gates(in_onnx):
    """PyTorch exports the function as log(sigmoid(x)), which gave NaN here."""
    exported = in_onnx(Recurrent(Ratio(), 3, 5), std=100.0)
    assert max(exported.difference(*size) for size in SIZES) <= 1e-5


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of TorchScript
def test_logarithms_of_shut_gates_by_the_older_exporter():
    layer, file = Recurrent(Ratio(), 3, 5).eval(), io.BytesIO()
    torch.nn.init.normal_(layer.directions[0].input_weight, std=100.0)
    x = torch.randn(7, 4, 3)
    torch.onnx.export(layer, (x,), file, dynamo=False, input_names=["x"])
    outputs, _ = onnxruntime.InferenceSession(file.getvalue()).run(None, {"x": x.numpy()})
    expected = layer(x)[0].detach().numpy()
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=1e-5)


class OtherUpdate(GRU):
    """Inherits from a cell that ONNX has, and is none itself."""

    def step(self, x, state, w):
        (h,) = state
        (new,) = super().step(x, state, w)
        return (0.5 * h + 0.5 * new,)


def test_a_subclass_is_not_taken_for_the_cell_that_onnx_has(in_onnx):
    exported = in_onnx(Recurrent(OtherUpdate(), 3, 5))
    assert exported.operators() == {"Scan"}
    assert max(exported.difference(*size) for size in SIZES) <= 1e-5


def test_double_precision_for_which_runtimes_have_no_operator(in_onnx, float64):
    exported = in_onnx(Recurrent("lstm", 3, 5, bidirectional=True))
    assert exported.operators() == {"Scan"}
    assert max(exported.difference(*size) for size in SIZES) <= 1e-12


class EveryState(torch.nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer.every_state(x)


def test_all_states_at_all_steps():
    layer = Recurrent("lstm", 3, 5).eval()
    x = torch.randn(6, 2, 3)
    program = torch.onnx.export(EveryState(layer).eval(), (x,), dynamo=True, verbose=False)
    outputs = program(x)
    states, finals = layer.every_state(x)
    torch.testing.assert_close(outputs, [*states, *finals], rtol=0, atol=1e-5)


@pytest.mark.parametrize(("cell", "flag"), [("gru", 0), ("gru_reset_after", 1)])
def test_the_gru_resets_where_its_flag_says(in_onnx, cell, flag):
    """Against ONNX's own definition; with the other flag the numbers are others."""
    exported = in_onnx(Recurrent(cell, 3, 5))
    (node,) = [node for node in exported.graph.node if node.op_type == "GRU"]
    (attribute,) = [a for a in node.attribute if a.name == "linear_before_reset"]
    assert attribute.i == flag
    x = torch.randn(7, 5, 3)
    expected = exported.layer(x)[0].detach().numpy()

    def by_definition():
        model = onnx.helper.make_model(
            exported.graph, opset_imports=[onnx.helper.make_opsetid("", 20)]
        )
        feed = {exported.graph.input[0].name: x.numpy()}
        return ReferenceEvaluator(model).run(None, feed)[0]

    np.testing.assert_allclose(by_definition(), expected, rtol=0, atol=1e-5)
    attribute.i = 1 - flag
    assert np.abs(by_definition() - expected).max() > 1e-2


def test_operators_are_those_of_registered_cells():
    for name, operator in OPERATORS.items():
        cell = get_cell(name)
        assert sorted(operator.gates) == sorted(cell.gates)
        used = {*operator.gates, *operator.peepholes, *operator.recurrent_bias.values()}
        assert used == set(cell.weights)
