"""A small training of the same work for every random seed; workers import it by its name."""

import torch
from torch import nn
from torch.nn import functional as F

from rnn_core.layers.recurrent import Recurrent

STEPS, SEQUENCES, INPUTS, HIDDEN = 64, 32, 8, 64


def train(seed: int, updates: int) -> float:
    """Train a GRU to remember the mean of its inputs; returns the loss of the last update."""
    torch.manual_seed(seed)
    layer, head = Recurrent("gru", INPUTS, HIDDEN), nn.Linear(HIDDEN, 1)
    optimiser = torch.optim.Adam([*layer.parameters(), *head.parameters()])
    for _ in range(updates):
        x = torch.randn(STEPS, SEQUENCES, INPUTS)
        outputs, _ = layer(x)
        loss = F.mse_loss(head(outputs[-1])[:, 0], x.mean((0, 2)))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return loss.item()
