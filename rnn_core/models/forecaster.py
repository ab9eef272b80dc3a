"""A recurrent forecaster that predicts its whole horizon at once."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

from rnn_core.layers.recurrent import MakeCell
from rnn_core.models.ports import Port, Ports
from rnn_core.models.quantiles import Quantiles

Normalisation: TypeAlias = Literal["none", "last_value"]
Channels: TypeAlias = Literal["together", "apart"]

AHEAD_SIZE = 32
"""Features between what is known of a step and what it changes."""


class StepHead(nn.Module):
    """A correction of each step of a forecast, from the columns that are known ahead.

    All steps have the same weights, and see what was read of the past: the local network of
    MQ-RNN (arXiv:1711.11053v2), whose global one is the forecaster's linear layer here. A step
    sees what is known of itself alone.

    Args:
        known: What is known of a step, K numbers.
        context: What was read of the past, H numbers.
        outputs: Numbers that a step has, O.
    """

    def __init__(self, known: int, context: int, outputs: int) -> None:
        super().__init__()
        self.known = nn.Linear(known, AHEAD_SIZE)
        self.context = nn.Linear(context, AHEAD_SIZE, bias=False)
        self.output = nn.Linear(AHEAD_SIZE, outputs)

    def forward(self, ahead: Tensor, context: Tensor) -> Tensor:
        """Map what is known (B, N, K) and a context (B, H) to numbers (B, N, O)."""
        hidden = (self.known(ahead) + self.context(context)[:, None]).relu()
        found: Tensor = self.output(hidden)
        return found


class Forecaster(nn.Module):
    """Maps a window of the past to the values that follow it.

    With last-value normalisation, channels read apart by shared weights, segments as
    steps and direct output of all of the horizon, it is a small SegRNN
    (arXiv:2308.11200v1) without its decoder.

    Args:
        make_cell: Makes the recurrent layer.
        num_features: Input columns, F.
        targets: Columns to predict, as indices of input columns; there are C.
        lookback: Steps of the past, L.
        horizon: Steps to predict, N.
        segment: Steps of the past that form one step of the recurrent layer; divides
            the lookback.
        embedding_size: Size of a linear layer with ReLU in front of the recurrent one;
            0 for none.
        normalisation: "last_value" subtracts each column's last value and adds it back
            to the forecast.
        channels: "together" reads all features as one input; "apart" reads each target
            as a series of its own, with the same weights.
        dropout: Share of the last output dropped while training.
        levels: Probabilities of the quantiles to predict, Q, see `Quantiles`; empty where one
            value is predicted.
        known: K; the last K input columns are known ahead, and read as they are; see
            `StepHead`.
    """

    def __init__(
        self,
        make_cell: MakeCell,
        *,
        num_features: int,
        targets: list[int],
        lookback: int,
        horizon: int,
        segment: int,
        embedding_size: int,
        normalisation: Normalisation,
        channels: Channels,
        dropout: float,
        levels: Sequence[float] = (),
        known: int = 0,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.targets = targets
        self.lookback = lookback
        self.num_steps = lookback // segment
        self.horizon = horizon
        self.normalisation = normalisation
        self.channels = channels
        self.known = known
        step_size = segment * (1 + known if channels == "apart" else num_features)
        self.embedding = (
            nn.Sequential(nn.Linear(step_size, embedding_size), nn.ReLU())
            if embedding_size
            else nn.Identity()
        )
        self.recurrent = make_cell(embedding_size or step_size)
        self.dropout = nn.Dropout(dropout)
        self.width = len(levels) or 1
        outputs = (1 if channels == "apart" else len(targets)) * self.width
        self.output = nn.Linear(self.recurrent.output_size, horizon * outputs)
        self.step_head = StepHead(known, self.recurrent.output_size, outputs) if known else None
        self.quantiles = Quantiles(levels, len(targets)) if levels else None

    def forward(self, past: Tensor, ahead: Tensor | None = None) -> Tensor:
        """Map the past to a forecast.

        Args:
            past: (B, L, F).
            ahead: What is known of the steps to predict, (B, N, K); None where nothing is.

        Returns:
            (B, N, C), or quantiles (B, N, C, Q).
        """
        others = self.num_features - self.known
        past, known = past[:, :, :others], past[:, :, others:]
        last = past[:, -1:, :]
        if self.normalisation == "last_value":
            past = past - last
        if self.channels == "apart":
            past = past[:, :, self.targets].transpose(1, 2).reshape(-1, past.shape[1], 1)
        if self.known:
            past = torch.cat([past, self.shared(known)], dim=2)
        steps = past.reshape(past.shape[0], self.num_steps, -1)
        outputs, _ = self.recurrent(self.embedding(steps))
        context = self.dropout(outputs[:, -1])
        changes = self.output(context)
        if self.step_head is not None and ahead is not None:
            changes = changes + self.step_head(self.shared(ahead), context).flatten(1)
        forecast = self.arranged(changes)
        if self.normalisation == "last_value":
            forecast = forecast + last[:, :, self.targets, None]
        return forecast[..., 0] if self.quantiles is None else self.quantiles(forecast)

    def shared(self, known: Tensor) -> Tensor:
        """Known values of steps (B, T, K); once for each target, if these are read separately."""
        return known.repeat_interleave(len(self.targets) if self.channels == "apart" else 1, dim=0)

    def arranged(self, outputs: Tensor) -> Tensor:
        """Outputs as (B, N, C, Q), whether columns are read together or apart."""
        sizes = (self.horizon, len(self.targets), self.width)
        if self.channels == "apart":
            return outputs.reshape(-1, sizes[1], sizes[0], sizes[2]).transpose(1, 2)
        return outputs.reshape(-1, *sizes)

    def ports(self) -> Ports:
        """Inputs and outputs."""
        past = Port(
            name="past",
            meaning="standardised columns of the past",
            shape=("batch", self.lookback, self.num_features),
        )
        ahead = Port(
            name="ahead",
            meaning="the last columns of the past over what follows, which is known ahead",
            shape=("batch", self.horizon, self.known),
        )
        forecast = Port(
            name="forecast",
            meaning="standardised target columns of what follows",
            shape=("batch", self.horizon, len(self.targets)),
        )
        if self.quantiles is not None:
            levels = ", ".join(f"{level:g}" for level in self.quantiles.levels)
            forecast = Port(
                name=forecast.name,
                meaning=f"{forecast.meaning}, as quantiles of the probabilities {levels}",
                shape=(*forecast.shape, self.width),
            )
        return Ports(
            inputs=(past, ahead) if self.known else (past,),
            outputs=(forecast,),
            apart="subtracting each column's mean and dividing by its std, filling gaps with the "
            "last value before them, and the way back",
        )
