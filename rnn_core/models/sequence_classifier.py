"""A recurrent classifier of whole sequences."""

from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

from rnn_core.layers.recurrent import MakeCell
from rnn_core.models.pooling import beyond, largest_output, last_output, mean_output
from rnn_core.models.ports import Port, Ports

Pooling: TypeAlias = Literal["mean", "last", "max", "attention"]


class SequenceClassifier(nn.Module):
    """Reads a sequence and assigns it to one class.

    Args:
        make_cell: Makes the recurrent layer.
        input_size: Features of each step, I.
        num_classes: Number of classes, C.
        bidirectional: Whether sequences are also read from their end.
        pooling: What is classified: the mean of all outputs; the output of the last
            step (of the first step, in the direction from the end); the largest value
            of each output over time; or a mean whose weights are a softmax of a linear
            map of the outputs.
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
        if pooling == "attention":
            self.attention = nn.Linear(self.recurrent.output_size, 1)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(self.recurrent.output_size, num_classes)

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Map frames (B, T, I) of the given lengths (B,) to logits (B, C)."""
        outputs, state = self.recurrent(frames, lengths=lengths)
        pooled = (
            last_output(self.recurrent, state)
            if self.pooling == "last"
            else self.over_time(outputs, lengths)
        )
        logits: Tensor = self.output(self.dropout(pooled))
        return logits

    def over_time(self, outputs: Tensor, lengths: Tensor) -> Tensor:
        """Pool outputs (B, T, H) of the given lengths to (B, H)."""
        if self.pooling == "mean":
            return mean_output(outputs, lengths)
        if self.pooling == "max":
            return largest_output(outputs, lengths)
        hidden = beyond(lengths, outputs)
        weights = self.attention(outputs).masked_fill(hidden, -torch.inf).softmax(dim=1)
        pooled: Tensor = (outputs * weights).sum(dim=1)
        return pooled

    def ports(self) -> Ports:
        """Inputs and outputs."""
        size = self.recurrent.input_size
        frames = Port(
            name="frames", meaning="standardised features", shape=("batch", "length", size)
        )
        lengths = Port(
            name="lengths", meaning="frames of each sequence", shape=("batch",), counts="length"
        )
        logits = Port(
            name="logits",
            meaning="logits of the classes",
            shape=("batch", self.output.out_features),
        )
        return Ports(
            inputs=(frames, lengths),
            outputs=(logits,),
            apart="turning sound into frames, and the softmax",
        )
