"""Ways to take one step of a layer, for the tests that hold them against one another."""

from types import SimpleNamespace

import pytest
import torch

from rnn_core.layers import one_step


def parts(state):
    """The states as a tuple."""
    return (state,) if isinstance(state, torch.Tensor) else state


def mapped(function, state):
    """A state, with a function applied to each part."""
    changed = tuple(function(part) for part in parts(state))
    return changed if len(changed) > 1 else changed[0]


def start(layer, *batch):
    """A state to begin with."""
    weight = next(layer.parameters())
    shape = (layer.num_layers, *batch, layer.hidden_size)
    states = tuple(0.5 * torch.randn(shape, dtype=weight.dtype) for _ in layer.cell.states)
    return states if len(states) > 1 else states[0]


def alone(layer, x, hx=None):
    """Output and states after a step, which must not go through `forward`."""
    found = one_step.step_alone(layer, x, hx)
    assert found is not None, "an ordinary call"
    return [found[0], *parts(found[1])]


def by_step(layer, x, hx=None):
    """Output and states after a step."""
    output, state = layer.step(x, hx)
    return [output, *parts(state)]


def by_forward(layer, x, hx=None):
    """Output and states after a sequence of one step."""
    axis = 1 if layer.batch_first and x.ndim == 2 else 0
    outputs, state = layer(x.unsqueeze(axis), hx)
    return [outputs.squeeze(axis), *parts(state)]


@pytest.fixture
def steps():
    """Functions that tests of single steps share; they run without gradients."""
    torch.manual_seed(0)
    with torch.no_grad():
        yield SimpleNamespace(
            parts=parts, mapped=mapped, start=start, alone=alone, step=by_step, forward=by_forward
        )
