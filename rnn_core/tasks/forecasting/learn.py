"""A model of a table's windows: made, trained and scored."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnn_core.errors import ParameterError
from rnn_core.layers.recurrent import MakeCell, State
from rnn_core.metric import Metric, Split
from rnn_core.models.forecaster import Channels, Forecaster, Normalisation
from rnn_core.tasks.base.learns import Batch, Learns
from rnn_core.tasks.base.model_parameters import ModelParameters
from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.scores import Scores
from rnn_core.tasks.forecasting.parameters import ForecastingMeta
from rnn_core.tasks.forecasting.windows import fill, first_rows, with_values

SCORING_BATCH = 512
"""Windows scored at once; a bound on memory only."""

CLUSTER_HORIZONS = 3
"""Windows that begin within so many horizons are taken together. Neighbours have targets in
common across the border of two clusters; with more horizons that matters less."""


@dataclass(frozen=True, kw_only=True)
class ForecastingModel(ModelParameters):
    """The forecaster; see `rnn_core.models.forecaster.Forecaster`.

    Attributes:
        segment: As the next three, see there.
        embedding_size: See there.
        normalisation: See there.
        channels: See there.
        loss: What training lowers: the mean squared or absolute error; the metric is
            the squared one all the same.
    """

    segment: int = 1
    embedding_size: int = 0
    normalisation: Normalisation = "last_value"
    channels: Channels = "together"
    loss: Literal["mse", "l1"] = "mse"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.segment < 1 or self.embedding_size < 0:
            raise ValueError("segment must be at least 1 and embedding_size at least 0")


class Learning(Learns):
    """Makes, trains and scores a forecaster."""

    metric = Metric(
        "mse",
        "squared standard deviations",
        "lower",
        "mean over the values of all windows, steps and targets that are there; standardised by "
        "the training side",
    )
    meta: ForecastingMeta
    model: ForecastingModel

    def check(self) -> None:
        if self.meta.lookback % self.model.segment:
            raise ParameterError(
                f"model.segment {self.model.segment} does not divide "
                f"data.lookback {self.meta.lookback}"
            )

    @property
    def targets(self) -> list[int]:
        """Columns to predict, as indices."""
        return list(range(len(self.meta.parameters.targets)))

    @property
    def reach(self) -> int:
        return self.meta.lookback // self.model.segment

    def build_model(self, make_cell: MakeCell) -> nn.Module:
        return Forecaster(
            make_cell,
            num_features=len(self.meta.columns),
            targets=self.targets,
            lookback=self.meta.lookback,
            horizon=self.meta.horizon,
            segment=self.model.segment,
            embedding_size=self.model.embedding_size,
            normalisation=self.model.normalisation,
            channels=self.model.channels,
            dropout=self.model.dropout,
        )

    def rows(self, data: Data, split: Split) -> Tensor:
        """First row of the lookback of every window of a side, int64 (N,)."""
        ahead = self.meta.lookback, self.meta.horizon
        rows = first_rows(self.meta.borders, split, *ahead)
        return with_values(data["values"], rows, *ahead, len(self.targets))

    def windows(self, data: Data, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Past (B, L, F) and future (B, N, C) of windows that start at rows (B,).

        Gaps of the past are filled, and those of the future NaN.
        """
        length = self.meta.lookback + self.meta.horizon
        offsets = torch.arange(length, device=rows.device)
        window = data["values"][rows[:, None] + offsets]
        past, future = window[:, : self.meta.lookback], window[:, self.meta.lookback :]
        return fill(past), future[:, :, self.targets]

    def training_batches(
        self, data: Data, batch_size: int, generator: torch.Generator
    ) -> Iterator[Batch]:
        rows = self.rows(data, "train")
        order = rows[torch.randperm(len(rows), generator=generator).to(rows.device)]
        for batch in order.split(batch_size):
            yield self.windows(data, batch)

    def loss(
        self, model: nn.Module, batch: Batch, state: State | None
    ) -> tuple[Tensor, State | None]:
        """The error of the values that are there; what a gap would have been is not guessed."""
        past, future = batch
        known = ~future.isnan()
        distance = functional.mse_loss if self.model.loss == "mse" else functional.l1_loss
        return distance(model(past)[known], future[known]), None

    def scores(self, model: nn.Module, data: Data, split: Split) -> Scores:
        """Mean squared error of every window, and the mean absolute error of them all.

        Of a window, the values that are there count; it weighs what they are of all that it
        predicts. Windows that are less than a horizon apart have targets in common, and so make
        clusters.
        """
        squared, absolute, shares = [], [], []
        rows = self.rows(data, split)
        for batch in rows.split(SCORING_BATCH):
            past, future = self.windows(data, batch)
            known = ~future.isnan()
            error = torch.where(known, (model(past) - future).double(), 0)
            count = known.sum(dim=(1, 2))
            squared.append((error.square().sum(dim=(1, 2)) / count).cpu())
            absolute.append((error.abs().sum(dim=(1, 2)) / count).cpu())
            shares.append((count.double() / future[0].numel()).cpu())
        value, share = torch.cat(squared), torch.cat(shares)
        mae = float((torch.cat(absolute) * share).sum() / share.sum())
        return Scores(
            value,
            share,
            loss=mae if self.model.loss == "l1" else None,
            others={"mae": mae},
            clusters=((rows - rows[0]) // (CLUSTER_HORIZONS * self.meta.horizon)).cpu(),
        )
