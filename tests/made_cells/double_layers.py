"""Layers in float64, the paths that they take, and how near results have to be."""

import torch

from rnn_core.layers.recurrent import Recurrent

T, B, I, H = 4, 3, 2, 5
NEAR = {"rtol": 1e-9, "atol": 1e-11}
PATHS = ["", "triton", "cuda"]


def make(cell, **options):
    """A layer in float64 and an input that has a gradient."""
    layer = Recurrent(cell, I, H, **options).double()
    return layer, torch.randn(T, B, I, dtype=torch.float64, requires_grad=True)
