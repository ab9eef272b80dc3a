"""Where sequences of different lengths still go on."""

import torch
from torch import Tensor


def presence(lengths: Tensor, num_steps: int) -> Tensor:
    """Where sequences of the given lengths (B,) still go on: bool (T, B, 1)."""
    steps = torch.arange(num_steps, device=lengths.device)
    return (steps[:, None] < lengths[None, :]).unsqueeze(-1)
