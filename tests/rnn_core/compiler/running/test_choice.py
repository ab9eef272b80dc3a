"""When a layer runs on a kernel, and what it says when it does not."""

import copy
import dataclasses
import gc
import pickle
import warnings
import weakref

import pytest
import torch
from torch.testing import assert_close

from rnn_core.cells.base import Cell
from rnn_core.compiler.running import search
from rnn_core.layers.execution_path import eager_only, kernel_for
from rnn_core.layers.recurrent import Recurrent

T, B, I, H = 4, 3, 2, 5


@pytest.fixture(autouse=True)
def forgetful(monkeypatch):
    monkeypatch.setattr(search, "warned", set())


def warnings_of(run, times=2):
    """The texts of all warnings, and the last result."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(times):
            result = run()
    return [str(one.message) for one in caught], result


def pickle_and_back(value):
    return pickle.loads(pickle.dumps(value))  # noqa: S301


def tensors_of(layer, x, state=None):
    (direction,) = layer.directions
    state = direction.first_state(x) if state is None else state
    weights = [direction.weights[name] for name in layer.cell.weights]
    return x, direction.input_weight, direction.input_bias, *state, *weights


def test_switch_asks_for_the_eager_loop_and_is_told_once(monkeypatch):
    monkeypatch.setenv("GATEWISE_FUSED", "0")
    layer, x = Recurrent("gru", I, H), torch.randn(T, B, I)
    messages, _ = warnings_of(lambda: layer(x))
    assert messages == ["GATEWISE_FUSED=0: cells run in the eager loop"]
    assert kernel_for(layer.cell, tensors_of(layer, x)) is None
    monkeypatch.delenv("GATEWISE_FUSED")
    assert kernel_for(layer.cell, tensors_of(layer, x)) is not None


def test_value_of_the_switch_that_means_nothing_is_reported_once(monkeypatch):
    monkeypatch.setenv("GATEWISE_FUSED", "off")
    layer, x = Recurrent("gru", I, H), torch.randn(T, B, I)
    messages, _ = warnings_of(lambda: layer(x))
    assert messages == ["GATEWISE_FUSED=off is ignored: it can be 0, cuda, triton"]
    assert kernel_for(layer.cell, tensors_of(layer, x)) is not None


def test_eager_loop_can_be_had_for_a_while_without_a_warning():
    layer, x = Recurrent("gru", I, H), torch.randn(T, B, I)
    with eager_only():
        messages, key = warnings_of(lambda: kernel_for(layer.cell, tensors_of(layer, x)))
    assert messages == []
    assert key is None
    assert kernel_for(layer.cell, tensors_of(layer, x)) is not None


class Cumulative(Cell):
    gates = ("a",)
    weights = {}

    def step(self, x, state, w):
        return (torch.cumsum(x.a, -1),)


class Deciding(Cell):
    gates = ("a",)
    weights = {}

    def step(self, x, state, w):
        return (x.a if x.a.sum() > 0 else -x.a,)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Cumulative, "it uses cumsum, which no kernel can be generated for"),
        (Deciding, "what it does depends on the values of tensors"),
    ],
)
def test_step_without_a_kernel_runs_in_the_eager_loop_and_says_why(kind, reason):
    layer, x = Recurrent(kind(), I, H), torch.randn(T, B, I)
    messages, (outputs, _) = warnings_of(lambda: layer(x))
    (message,) = messages
    start = f"{kind.__name__} runs in the eager loop, which is slower: {reason}"
    assert message.startswith(start)
    (direction,) = layer.directions
    projected = x @ direction.input_weight.T + direction.input_bias
    for step, output in zip(projected, outputs, strict=True):
        assert_close(output, kind().step(choice_fields(step), None, None)[0])


def choice_fields(gate):
    from types import SimpleNamespace

    return SimpleNamespace(a=gate)


def test_half_precision_runs_in_the_eager_loop_and_says_why():
    layer, x = Recurrent("gru", I, H).bfloat16(), torch.randn(T, B, I).bfloat16()
    messages, (outputs, _) = warnings_of(lambda: layer(x))
    assert len(messages) == 1
    assert "float32 and float64, not torch.bfloat16" in messages[0]
    assert_close(outputs.float(), layer.float()(x.float())[0], rtol=0.05, atol=0.05)


def test_tensors_that_no_kernel_takes_go_to_the_eager_loop_silently():
    layer, x = Recurrent("gru", I, H), torch.randn(T, B, I)
    tensors = tensors_of(layer, x)
    assert kernel_for(layer.cell, tensors) is not None

    def changed(index, tensor):
        return (*tensors[:index], tensor, *tensors[index + 1 :])

    with torch.autocast("cpu", torch.bfloat16):
        assert kernel_for(layer.cell, tensors) is None
    for index in range(len(tensors)):
        assert kernel_for(layer.cell, changed(index, tensors[index].double())) is None
        assert kernel_for(layer.cell, changed(index, tensors[index][..., 1:])) is None
        assert kernel_for(layer.cell, changed(index, tensors[index][None])) is None
    assert kernel_for(layer.cell, changed(0, x.to("meta"))) is None
    assert kernel_for(layer.cell, changed(0, x[:, :0])) is None


def test_empty_batch_has_empty_outputs():
    layer = Recurrent("lstm", I, H)
    outputs, (h, c) = layer(torch.randn(T, 0, I))
    assert outputs.shape == (T, 0, H)
    assert h.shape == c.shape == (1, 0, H)


class Scaled(Cell):
    gates = ("a",)
    weights = {}
    factor = 0.5

    def step(self, x, state, w):
        return (self.factor * x.a,)


def test_changed_attribute_is_a_changed_cell():
    layer, x = Recurrent(Scaled(), I, H), torch.randn(T, B, I)
    before, _ = layer(x)
    layer.cell.factor = 0.25
    assert_close(layer(x)[0], before / 2, rtol=0, atol=0)


@dataclasses.dataclass
class Field(Scaled):
    factor: float = 0.5


def test_cells_that_are_equal_or_have_no_hash_are_told_apart_and_forgotten():
    layers, x = [Recurrent(Field(f), I, H) for f in (0.5, 0.5, 2.0)], torch.randn(T, B, I)
    assert layers[0].cell == layers[1].cell
    for layer in layers:
        layer.load_state_dict(layers[0].state_dict())
        layer.cell.own = layer.cell.step  # what it runs on holds on to what it holds
    half, same, double = (layer(x)[0].detach() for layer in layers)
    assert_close(same, half, rtol=0, atol=0)
    assert_close(double, 4 * half, rtol=0, atol=0)
    cells = [weakref.ref(layer.cell) for layer in layers]
    del layer, layers
    gc.collect()
    assert [cell() for cell in cells] == [None] * 3


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle_and_back])
def test_copy_of_a_cell_is_a_cell_of_its_own(duplicate):
    layer, x = Recurrent(Scaled(), I, H), torch.randn(T, B, I)
    duplicate(layer.cell)  # the first time, Python leaves a note with the class
    before = layer(x)[0]
    layer.cell, first = duplicate(layer.cell), layer.cell
    layer.directions[0].cell = layer.cell
    layer.cell.factor = 0.25
    assert_close(layer(x)[0], before / 2, rtol=0, atol=0)
    assert "_answers" not in vars(first)


@pytest.mark.parametrize("mode", ["inference", "export", "meta", "no_grad"])
def test_first_use_may_come_in_the_middle_of_anything(mode, monkeypatch, tmp_path):
    """Tracing a step must not be disturbed by what its caller is doing."""
    from rnn_core.compiler.cpu import build

    monkeypatch.setattr(build, "LIBRARIES", {})
    monkeypatch.setattr(search, "FORMS", {})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    layer, x = Recurrent("rnn_tanh", I, H), torch.randn(T, B, I)
    with eager_only():
        expected = layer(x)[0].detach()
    modes = {
        "inference": torch.inference_mode(),
        "no_grad": torch.no_grad(),
        "meta": torch.device("meta"),
        "export": torch.no_grad(),
    }
    with modes[mode]:
        if mode == "export":
            outputs = torch.export.export(layer, (x,), strict=False).module()(x)[0]
        elif mode == "meta":
            state = torch.zeros(1, B, H, device="cpu")
            outputs = layer(x, state)[0].detach()
        else:
            outputs = layer(x)[0]
    assert_close(outputs.clone(), expected, rtol=1e-5, atol=1e-6)
    assert len(list(tmp_path.rglob("*.so"))) == 1
    x = x.clone().requires_grad_()
    (ours,) = torch.autograd.grad(layer(x)[0].sum(), x)
    with eager_only():
        (theirs,) = torch.autograd.grad(layer(x)[0].sum(), x)
    assert_close(ours, theirs, rtol=1e-4, atol=1e-6)
