"""A recurrent classifier of whole sequences."""

from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

from rnn_core.recurrent import MakeCell

Pooling: TypeAlias = Literal["mean", "last"]


class SequenceClassifier(nn.Module):
    """Reads a sequence and assigns it to one class.

    Args:
        make_cell: Makes the recurrent layer.
        input_size: Features of each step, I.
        num_classes: Number of classes, C.
        bidirectional: Whether sequences are also read from their end.
        pooling: What is classified: the mean of all outputs, or the output of the last
            step (of the first step, in the direction from the end).
        dropout: Share of the pooled outputs dropped while training.
    """

    def __init__(
        self,
        make_cell: MakeCell,
        input_size: int,
        num_classes: int,
        *,
        bidirectional: bool,
        pooling: Pooling,
        dropout: float,
    ) -> None:
        super().__init__()
        self.recurrent = make_cell(input_size, bidirectional=bidirectional)
        self.pooling = pooling
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(self.recurrent.output_size, num_classes)

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Map frames (B, T, I) of the given lengths (B,) to logits (B, C)."""
        outputs, state = self.recurrent(frames, lengths=lengths)
        if self.pooling == "mean":
            pooled = outputs.sum(dim=1) / lengths.unsqueeze(-1)
        else:
            final = state if isinstance(state, Tensor) else state[0]
            top = final[-len(self.recurrent.reversals) :]
            pooled = torch.cat(top.unbind(0), dim=-1)
        logits: Tensor = self.output(self.dropout(pooled))
        return logits
