"""The outputs of a recurrent layer at all steps, made one."""

import torch
from torch import Tensor

from rnn_core.layers.presence import presence
from rnn_core.layers.recurrent import Recurrent, State


def last_output(recurrent: Recurrent, state: State) -> Tensor:
    """The final output of each direction of the last layer, (B, H)."""
    final = state if isinstance(state, Tensor) else state[0]
    return torch.cat(final[-len(recurrent.reversals) :].unbind(0), dim=-1)


def beyond(lengths: Tensor, outputs: Tensor) -> Tensor:
    """Where sequences of the lengths (B,) are over, bool (B, T, 1), for outputs (B, T, H)."""
    return ~presence(lengths, outputs.shape[1]).transpose(0, 1)


def mean_output(outputs: Tensor, lengths: Tensor) -> Tensor:
    """Mean (B, H) over the steps of outputs (B, T, H), which are 0 past each length (B,)."""
    return outputs.sum(dim=1) / lengths.unsqueeze(-1)


def largest_output(outputs: Tensor, lengths: Tensor) -> Tensor:
    """The largest (B, H) of each output (B, T, H) over the steps before each length (B,)."""
    return outputs.masked_fill(beyond(lengths, outputs), -torch.inf).amax(dim=1)
