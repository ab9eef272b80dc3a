"""The optimiser is PyTorch's, to the bit, and goes on from its state."""

import pytest
import torch
from torch import nn

from rnn_core.training.adamw import AdamW


def network():
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 2), nn.Linear(9, 9))


def backward(model, step):
    """A gradient for all but the last layer, which is not used."""
    draw = torch.Generator().manual_seed(step)
    x = torch.randn(4, 5, generator=draw)
    model[2](model[1](model[0](x))).square().mean().backward()


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_steps_are_those_of_torch(decay):
    ours, theirs = network(), network()
    optimizer = AdamW(ours.parameters(), 0.01, decay)
    reference = torch.optim.AdamW(theirs.parameters(), 0.01, weight_decay=decay, fused=True)
    for step in range(6):
        optimizer.learning_rate = reference.param_groups[0]["lr"] = 0.01 / (step + 1)
        for model, adam in ((ours, optimizer), (theirs, reference)):
            adam.zero_grad()
            backward(model, step)
            adam.step()
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(mine, other)


def test_restored_state_goes_on_as_if_nothing_had_happened():
    one, two = network(), network()
    first, second = (AdamW(model.parameters(), 0.05, 0.01) for model in (one, two))
    for step in range(3):
        first.zero_grad()
        backward(one, step)
        first.step()
    two.load_state_dict(one.state_dict())
    second.restore({name: tensor.clone() for name, tensor in first.state().items()})
    for model, adam in ((one, first), (two, second)):
        adam.zero_grad()
        backward(model, 9)
        adam.step()
    for mine, other in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.equal(mine, other)
