"""A layer as a model of its own, and a task that asks of it what a test wants."""

from types import SimpleNamespace

import pytest
import torch

from rnn_core.diagnostics.passage import record


@pytest.fixture
def pass_through():
    """Read a batch by a layer, with a loss that weighs its outputs and its final states."""

    def passage(layer, x, of_outputs=None, of_final=None, lengths=None, state=None):
        def loss(model, batch, start):
            outputs, final = model(*batch, lengths=lengths)
            total = outputs.sum() * 0
            if of_outputs is not None:
                total = total + (outputs * of_outputs).sum()
            finals = final if isinstance(final, tuple) else (final,)
            for part, weight in zip(finals, of_final or (), strict=False):
                total = total + (part * weight).sum()
            return total, start

        batch = (x,) if state is None else (x, state)
        return record(SimpleNamespace(loss=loss), layer.eval(), batch)[""]

    return passage


@pytest.fixture
def draw():
    """Numbers from N(0, 1)."""
    return torch.randn
