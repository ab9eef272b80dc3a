"""A recurrent model that gives the probability of each symbol at each step."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnn_core.layers.recurrent import MakeCell
from rnn_core.models.ports import Port, Ports


class Transcriber(nn.Module):
    """Reads frames, several at a step, and writes a symbol or the blank at each step.

    Args:
        make_cell: Makes the recurrent layer.
        input_size: Features of each frame, I.
        num_symbols: Number of symbols, C, the blank included.
        stack: Adjoining frames that are read as one step.
        bidirectional: Whether sequences are also read from their end.
        dropout: Share of the outputs of the recurrent layer dropped while training.
    """

    def __init__(
        self,
        make_cell: MakeCell,
        input_size: int,
        num_symbols: int,
        *,
        stack: int,
        bidirectional: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        self.stack = stack
        self.recurrent = make_cell(stack * input_size, bidirectional=bidirectional)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(self.recurrent.output_size, num_symbols)

    def forward(self, frames: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Map frames (B, T, I), 0 beyond their lengths (B,), to log-probabilities.

        Returns:
            Log-probabilities (B, S, C) and the steps of each sequence (B,), with
            S = ceil(T / stack).
        """
        batch, steps, features = frames.shape
        frames = functional.pad(frames, (0, 0, 0, -steps % self.stack))
        stacked = frames.reshape(batch, -1, self.stack * features)
        lengths = torch.div(lengths + self.stack - 1, self.stack, rounding_mode="floor")
        outputs, _ = self.recurrent(stacked, lengths=lengths)
        logits = self.output(self.dropout(outputs))
        return functional.log_softmax(logits, dim=-1), lengths

    def ports(self) -> Ports:
        """Inputs and outputs."""
        size, symbols = self.recurrent.input_size // self.stack, self.output.out_features
        frames = Port(
            name="frames", meaning="standardised features", shape=("batch", "length", size)
        )
        lengths = Port(
            name="lengths", meaning="frames of each sequence", shape=("batch",), counts="length"
        )
        log_probabilities = Port(
            name="log_probabilities",
            meaning="of the blank and of each symbol, at each step",
            shape=("batch", "steps", symbols),
        )
        steps = Port(
            name="num_steps", meaning="steps of each sequence", shape=("batch",), counts="steps"
        )
        return Ports(
            inputs=(frames, lengths),
            outputs=(log_probabilities, steps),
            apart="turning sound into frames, and the search for the likeliest text",
        )
