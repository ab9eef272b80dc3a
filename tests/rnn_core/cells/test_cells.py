"""Every cell against something that is not ours, such as torch, ONNX or Keras."""

import inspect
import re
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx.reference import ReferenceEvaluator
from random_layers import B, H, I, T, random_layer
from torch.utils.flop_counter import FlopCounterMode

from rnn_core import cells
from rnn_core.cells import REGISTRY, get_cell
from rnn_core.errors import ParameterError
from rnn_core.layers.recurrent import Recurrent

pytestmark = pytest.mark.usefixtures("float64")


def copy_to_torch(layer, module, gates, recurrent_bias=None):
    """Copy our weights into a torch.nn module, whose gates come in the given order."""
    direction = layer.directions[0]
    places = [layer.cell.gates.index(gate) for gate in gates]
    with torch.no_grad():
        for theirs, ours in (
            (module.weight_ih_l0, "input_weight"),
            (module.bias_ih_l0, "input_bias"),
        ):
            parts = getattr(direction, ours).split(H)
            theirs.copy_(torch.cat([parts[p] for p in places]))
        module.weight_hh_l0.copy_(torch.cat([direction.weights[gate].T for gate in gates]))
        module.bias_hh_l0.zero_()
        if recurrent_bias:
            gate, weight = recurrent_bias
            module.bias_hh_l0.split(H)[gates.index(gate)].copy_(direction.weights[weight])


TORCH = {
    "rnn_tanh": (torch.nn.RNN, ("h",), None),
    "rnn_relu": (partial(torch.nn.RNN, nonlinearity="relu"), ("h",), None),
    "lstm": (torch.nn.LSTM, ("i", "f", "g", "o"), None),
    "gru_reset_after": (torch.nn.GRU, ("r", "z", "n"), ("n", "c")),
}


@pytest.mark.parametrize("name", TORCH)
def test_cell_matches_torch_forward_and_backward(name):
    kind, gates, recurrent_bias = TORCH[name]
    layer, module = random_layer(name), kind(I, H)
    copy_to_torch(layer, module, gates, recurrent_bias)
    ours_x = torch.randn(T, B, I, requires_grad=True)
    theirs_x = ours_x.detach().clone().requires_grad_()
    (ours, our_state), (theirs, their_state) = layer(ours_x), module(theirs_x)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(our_state, their_state, rtol=1e-12, atol=1e-12)
    weight = torch.randn_like(ours)
    (ours * weight).sum().backward()
    (theirs * weight).sum().backward()
    torch.testing.assert_close(ours_x.grad, theirs_x.grad, rtol=1e-11, atol=1e-11)
    our_gradient = layer.directions[0].weights[gates[-1]].grad
    their_gradient = module.weight_hh_l0.grad.split(H)[-1].T
    torch.testing.assert_close(our_gradient, their_gradient, rtol=1e-11, atol=1e-11)


def stacked(layer, order):
    """Input weights, recurrent weights and biases of a layer, as ONNX and torch stack them.

    `order` has our gate and a factor for each of theirs: -1 makes a gate its complement.
    """
    (direction,) = layer.directions
    w = dict(zip(layer.cell.gates, direction.input_weight.detach().split(H), strict=True))
    b = dict(zip(layer.cell.gates, direction.input_bias.detach().split(H), strict=True))
    u = {gate: direction.weights[gate].detach().T for gate, _ in order}
    return [torch.cat([factor * m[gate] for gate, factor in order]) for m in (w, u, b)]


def onnx_outputs(kind, layer, x, order, peepholes=(), **attributes):
    """Outputs of ONNX's reference evaluator for one of its recurrent operators."""
    w, u, b = (part.numpy()[None] for part in stacked(layer, order))
    feeds = {"X": x.numpy(), "W": w, "R": u, "B": np.concatenate([b, np.zeros_like(b)], axis=1)}
    names = list(feeds)
    if peepholes:
        weights = [layer.directions[0].weights[name].detach() for name in peepholes]
        feeds["P"] = torch.cat(weights).numpy()[None]
        names += ["", "", "", "P"]  # before P: lengths and initial states
    node = onnx.helper.make_node(kind, names, ["Y"], hidden_size=H, **attributes)
    inputs, outputs = (
        [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.DOUBLE, None) for n in of]
        for of in (feeds, "Y")
    )
    model = onnx.helper.make_model(onnx.helper.make_graph([node], kind, inputs, outputs))
    return torch.from_numpy(ReferenceEvaluator(model).run(None, feeds)[0][:, 0])


ONNX = {
    # z of ONNX keeps the old state, ours takes the new one.
    "gru": ("GRU", (("z", -1), ("r", 1), ("n", 1)), {"linear_before_reset": 0}),
    # A GRU whose reset gate is its update gate, the latter again as the complement.
    "mgu": ("GRU", (("f", -1), ("f", 1), ("n", 1)), {"linear_before_reset": 0}),
    "lstm": ("LSTM", (("i", 1), ("o", 1), ("f", 1), ("g", 1)), {}),
    "lstm_peephole": (
        "LSTM",
        (("i", 1), ("o", 1), ("f", 1), ("g", 1)),
        {"peepholes": ("pi", "po", "pf")},
    ),
}


@pytest.mark.parametrize("name", ONNX)
def test_cell_matches_the_reference_evaluator_of_onnx(name):
    kind, order, options = ONNX[name]
    layer, x = random_layer(name), torch.randn(T, B, I)
    theirs = onnx_outputs(kind, layer, x, order, **options)
    torch.testing.assert_close(layer(x)[0], theirs, rtol=1e-12, atol=1e-12)


def test_gru_matches_the_published_vector_of_keras():
    """Keras' own numbers for GRU(reset_after=False), keras/src/layers/rnn/gru_test.py."""
    layer = Recurrent("gru", 4, 3, batch_first=True)
    (direction,) = layer.directions
    with torch.no_grad():
        direction.input_weight.fill_(0.01)
        direction.input_bias.fill_(0.03)
        for weight in direction.weights.values():
            weight.fill_(0.02)
        # Keras keeps the old state with z, ours takes the new one with it: negate z.
        for z in (direction.input_weight[:3], direction.input_bias[:3], direction.weights["z"]):
            z.neg_()
    _, last = layer(torch.arange(72.0).reshape(3, 6, 4))
    expected = torch.tensor([0.51447755, 0.6426879, 0.40208298])
    torch.testing.assert_close(last[0], expected[:, None].expand(3, 3), rtol=1e-6, atol=1e-7)


def check_against(theirs, layer):
    """Compare outputs and the gradient of the input with a function of the input."""
    ours_x = torch.randn(T, B, I, requires_grad=True)
    theirs_x = ours_x.detach().clone().requires_grad_()
    ours, reference = layer(ours_x)[0], theirs(theirs_x)
    torch.testing.assert_close(ours, reference, rtol=1e-12, atol=1e-12)
    weight = torch.randn_like(ours)
    (ours * weight).sum().backward()
    (reference * weight).sum().backward()
    torch.testing.assert_close(ours_x.grad, theirs_x.grad, rtol=1e-11, atol=1e-11)


def load(module, weights, recurrent_weights, biases):
    """Give a module of torch.nn its weights, all biases on the input's side."""
    with torch.no_grad():
        module.weight_ih_l0.copy_(weights)
        module.weight_hh_l0.copy_(recurrent_weights)
        module.bias_ih_l0.copy_(biases)
        module.bias_hh_l0.zero_()
    return module


def test_lstm_coupled_is_the_lstm_of_torch_with_negated_weights_of_the_input_gate():
    """1 - sigmoid(a) is sigmoid(-a): torch's i is the complement of its f."""
    layer = random_layer("lstm_coupled")
    parts = stacked(layer, (("f", -1), ("f", 1), ("g", 1), ("o", 1)))
    module = load(torch.nn.LSTM(I, H), *parts)
    check_against(lambda x: module(x)[0], layer)


def test_rnn_sigmoid_is_the_tanh_network_of_torch_between_0_and_1():
    """sigmoid(a) is (1 + tanh(a / 2)) / 2, so that torch's state s is 2 h - 1, at first -1."""
    layer = random_layer("rnn_sigmoid")
    w, u, b = stacked(layer, (("h", 1),))
    module = load(torch.nn.RNN(I, H), w / 2, u / 4, b / 2 + u.sum(1) / 4)
    start = torch.full((1, B, H), -1.0)
    check_against(lambda x: (1 + module(x, start)[0]) / 2, layer)


def test_lstm_layernorm_is_a_loop_over_the_layer_norm_of_torch():
    layer = random_layer("lstm_layernorm")
    (direction,) = layer.directions
    w, u, b = stacked(layer, tuple((gate, 1) for gate in "ifgo"))
    v = {name: weight.detach() for name, weight in direction.weights.items()}
    norms = {name: torch.nn.LayerNorm(H) for name in "ifgoc"}
    for name, norm in norms.items():
        norm.load_state_dict({"weight": v[f"s{name}"], "bias": v["dc"] * (name == "c")})

    def run(x):
        h = c = torch.zeros(B, H)
        outputs = []
        for t in range(T):
            products = dict(zip("ifgo", (h @ u.T).split(H, dim=1), strict=True))
            inputs = dict(zip("ifgo", (x[t] @ w.T + b).split(H, dim=1), strict=True))
            i, f, g, o = (inputs[name] + norms[name](products[name]) for name in "ifgo")
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * norms["c"](c).tanh()
            outputs.append(h)
        return torch.stack(outputs)

    check_against(run, layer)


def test_registry_is_the_files_of_the_folder():
    folder = Path(cells.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "base"}
    assert set(REGISTRY) == files


@pytest.mark.parametrize("name", REGISTRY)
def test_docstring_has_equation_shapes_purpose_and_reference(name):
    text = inspect.getdoc(type(get_cell(name)))
    assert re.search(r"^Equations?, with x_t of size I", text, re.MULTILINE)
    assert re.search(r"^Use it ", text, re.MULTILINE)
    assert re.search(
        r"Reference:\n.*(arXiv:\d{4}\.\d{5}v\d|arXiv:\d{4}\.\d{4}v\d|doi:10\.)", text, re.DOTALL
    )


@pytest.mark.parametrize("name", REGISTRY)
def test_step_reads_like_an_equation(name):
    lines = inspect.getsource(type(get_cell(name)).step).splitlines()
    assert len(lines) <= 25
    assert sum(line.strip().startswith("if ") for line in lines) == 0


@pytest.mark.parametrize("name", REGISTRY)
def test_counted_cost_is_what_torch_counts(name, monkeypatch):
    monkeypatch.setenv("GATEWISE_FUSED", "0")  # what a kernel multiplies, torch does not see
    layer = Recurrent(name, I, H, num_layers=2, bidirectional=True)
    recurrent = sum(p.numel() for n, p in layer.named_parameters() if ".weights." in n)
    assert layer.recurrent_parameters == recurrent
    with FlopCounterMode(display=False) as counter:
        layer(torch.randn(T, B, I))
    assert counter.get_total_flops() == 2 * T * B * layer.multiply_accumulates


def test_memoryless_output_depends_on_its_own_input_only():
    layer, x = random_layer("memoryless"), torch.randn(T, 1, I)
    jacobian = torch.autograd.functional.jacobian(lambda x: layer(x)[0].sum((1, 2)), x).sum((2, 3))
    assert (jacobian.abs() > 0).equal(torch.eye(T, dtype=torch.bool))


@pytest.mark.parametrize("name", ["lstm", "gru", "gru_reset_after"])
def test_gated_cells_start_out_remembering(name):
    """A state halves about three times slower than with gates at one half."""
    layer = Recurrent(name, I, H)
    with torch.no_grad():
        for weight in layer.directions[0].weights.values():
            weight.zero_()
    first = torch.full((1, 1, H), 0.5)
    state = (first, first) if name == "lstm" else first
    _, after = layer(torch.zeros(1, 1, I), state)
    kept = after[1] if name == "lstm" else after
    torch.testing.assert_close(kept, first * torch.sigmoid(torch.tensor(1.0)))


def test_unknown_cell_is_named_with_the_nearest_one():
    with pytest.raises(ParameterError, match=r"unknown cell 'grru'; did you mean 'gru'\?"):
        Recurrent("grru", I, H)
