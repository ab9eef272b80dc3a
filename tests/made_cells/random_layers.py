"""Layers whose every weight and bias is random, and sizes of what they are given."""

import torch

from rnn_core.layers.recurrent import Recurrent

T, B, I, H = 7, 3, 4, 5


def random_layer(cell, **options):
    """A layer whose every weight and bias is random, so that none can be forgotten."""
    layer = Recurrent(cell, I, H, **options)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.uniform_(-0.9, 0.9)
    return layer
