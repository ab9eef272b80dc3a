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
from rnn_core.tasks.forecasting.ahead.calendar import CALENDAR, PER_PART
from rnn_core.tasks.forecasting.errors import naive_errors, scaled_error
from rnn_core.tasks.forecasting.intervals.levels import (
    check_levels,
    covered,
    intervals_of,
    pinball,
)
from rnn_core.tasks.forecasting.intervals.widening import (
    fitted_widening,
    followed_widening,
    widened,
)
from rnn_core.tasks.forecasting.parameters import ForecastingMeta
from rnn_core.tasks.forecasting.seasons import season_of
from rnn_core.tasks.forecasting.windows import fill, first_rows, with_values

SCORING_BATCH = 512
"""Windows scored at once; a bound on memory only."""

CLUSTER_HORIZONS = 3
"""Horizons within which windows belong to one cluster. Neighbours have targets in
common across the border of two clusters; with more horizons that matters less."""


@dataclass(frozen=True, kw_only=True)
class ForecastingModel(ModelParameters):
    """The forecaster; see `rnn_core.models.forecaster.Forecaster`.

    Attributes:
        segment: Rows of the past that form one step of the recurrent layer; divides `lookback`.
        embedding_size: Size of a linear layer with ReLU in front of the recurrent one; 0: there
            is none.
        normalisation: `last_value` subtracts each column's last value, and adds it back to the
            forecast; `none` does not.
        channels: `together` reads all columns as one input; `apart` reads each target by itself,
            with the same weights for all.
        loss: What training lowers: the mean squared or absolute error, or the pinball loss of
            quantiles, whose median is the forecast then. The metric is the squared error
            all the same.
        quantiles: Probabilities of the quantiles to predict, in pairs about 0.5; each pair is an
            interval. Read where loss is `quantile`.
    """

    segment: int = 1
    embedding_size: int = 0
    normalisation: Normalisation = "last_value"
    channels: Channels = "together"
    loss: Literal["mse", "l1", "quantile"] = "mse"
    quantiles: tuple[float, ...] = (0.025, 0.1, 0.5, 0.9, 0.975)

    @property
    def levels(self) -> tuple[float, ...]:
        """Probabilities of the quantiles that are predicted; none where one value is."""
        return tuple(self.quantiles) if self.loss == "quantile" else ()

    def __post_init__(self) -> None:
        super().__post_init__()
        check_levels(self.quantiles)
        if self.segment < 1 or self.embedding_size < 0:
            raise ValueError("segment must be at least 1 and embedding_size at least 0")


class Learning(Learns):
    """Makes, trains and scores a forecaster."""

    metric = Metric(
        "mse",
        "squared standard deviations",
        "lower",
        "mean over the values of all windows, steps and targets that are there; standardised by "
        "the training set",
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
    def known(self) -> list[int]:
        """Columns that are known ahead, as indices."""
        first = len(self.meta.columns) - len(self.meta.parameters.known)
        return list(range(first, len(self.meta.columns)))

    @property
    def reach(self) -> int:
        return self.meta.lookback // self.model.segment

    def build_model(self, make_cell: MakeCell) -> nn.Module:
        return Forecaster(
            make_cell,
            num_features=len(self.meta.columns) + PER_PART * len(self.meta.parameters.calendar),
            targets=self.targets,
            lookback=self.meta.lookback,
            horizon=self.meta.horizon,
            segment=self.model.segment,
            embedding_size=self.model.embedding_size,
            normalisation=self.model.normalisation,
            channels=self.model.channels,
            dropout=self.model.dropout,
            levels=self.model.levels,
            known=self.meta.ahead,
        )

    def point(self, output: Tensor) -> Tensor:
        """The forecast (..., C) in what the model puts out, which may be quantiles (..., C, Q)."""
        levels = self.model.levels
        return output[..., levels.index(0.5)] if levels else output

    @property
    def zeros(self) -> Tensor:
        """Standardised value of 0 for each target of each series, float32 (S, C)."""
        means, stds = (
            torch.tensor([getattr(one, name) for one in self.meta.series], dtype=torch.float64)
            for name in ("mean", "std")
        )
        zeros: Tensor = (-means / stds)[:, self.targets].float()
        return zeros

    def allowed(self, output: Tensor, series: Tensor) -> Tensor:
        """Forecasts, raised to 0 where they are below and that is not allowed.

        Args:
            output: (B, N, C), or quantiles (B, N, C, Q).
            series: Series of each window, int64 (B,).
        """
        if not self.meta.parameters.nonnegative:
            return output
        lowest = self.zeros[series][:, None].to(output)
        return torch.maximum(output, lowest if output.ndim == 3 else lowest[..., None])

    def series_of(self, rows: Tensor) -> Tensor:
        """The series of windows that start at rows, as indices of `meta.series`, on the CPU."""
        starts = torch.tensor([first for first, _ in self.meta.borders["train"]])
        return torch.bucketize(rows.cpu(), starts, right=True) - 1

    def clusters(self, rows: Tensor) -> Tensor:
        """Numbers of the clusters of windows that start at rows, in their order, int64 (N,).

        They are those of a series whose first rows are less than some horizons apart. That two
        series may go up and down together, is not seen.
        """
        series, rows = self.series_of(rows), rows.cpu()
        first = torch.zeros(len(self.meta.series), dtype=torch.int64)
        first = first.scatter_reduce(0, series, rows, "amin", include_self=False)
        blocks = (rows - first[series]) // (CLUSTER_HORIZONS * self.meta.horizon)
        return blocks + series * (int(blocks.max()) + 1)

    def rows(self, data: Data, split: Split) -> Tensor:
        """First row of the lookback of every window of a split, int64 (N,)."""
        ahead = self.meta.lookback, self.meta.horizon
        rows = first_rows(self.meta.series_borders, split, *ahead)
        return with_values(data["values"], rows, *ahead, len(self.targets))

    def windows(self, data: Data, rows: Tensor) -> tuple[Tensor, ...]:
        """Input of windows that start at rows (B,), and the future (B, N, C) last.

        It reads the past (B, L, F), and where anything is known ahead, that (B, N, K). Gaps of
        both are filled, and those of the future NaN.
        """
        length = self.meta.lookback + self.meta.horizon
        places = rows[:, None] + torch.arange(length, device=rows.device)
        window = data["values"][places]
        past, future = window[:, : self.meta.lookback], window[:, self.meta.lookback :]
        past, future = fill(past), future[:, :, self.targets]
        if not self.meta.ahead:
            return past, future
        known = [fill(window[:, :, self.known])]
        if CALENDAR in data:
            known.append(data[CALENDAR][places])
            past = torch.cat([past, known[1][:, : self.meta.lookback]], dim=2)
        return past, torch.cat(known, dim=2)[:, self.meta.lookback :], future

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
        *inputs, future = batch
        known = ~future.isnan()
        output, truth = model(*inputs)[known], future[known]
        if self.model.loss == "quantile":
            return pinball(output, truth, self.model.levels).mean(), None
        distance = functional.mse_loss if self.model.loss == "mse" else functional.l1_loss
        return distance(output, truth), None

    def settle(self, model: nn.Module, data: Data) -> None:
        """Widen the intervals of each target so that they hold on the validation set.

        A refit, which has none, keeps those that it was trained to.
        """
        if not self.model.levels or not self.meta.items["validation"]:
            return
        assert isinstance(model, Forecaster)
        assert model.quantiles is not None
        output, future = self.forecasts(model, data, self.rows(data, "validation"))
        for target, truth in enumerate(future.unbind(-1)):
            known = ~truth.isnan()
            if known.any():
                found = output[:, :, target][known]
                widening = fitted_widening(found, truth[known], self.model.levels)
                model.quantiles.widening[target] = widening

    def answers(self, model: nn.Module, data: Data, split: Split) -> tuple[Tensor, Tensor]:
        """Answers for all windows of a split, and the true values, on the CPU.

        On the test set, intervals follow the errors of the windows before, those of the
        validation set included.
        """
        rows = self.rows(data, split)
        if split != "test" or not self.model.levels:
            return self.forecasts(model, data, rows)
        every = self.rows_from_validation(data)
        output, future = self.forecasts(model, data, every)
        every, rows = every.cpu(), rows.cpu()
        starts = torch.tensor([start for start, _ in self.meta.borders["train"]])
        first = torch.searchsorted(every, starts[self.series_of(rows)])
        ended = torch.searchsorted(every, rows - self.meta.horizon, right=True)
        factors = followed_widening(output, future, first, ended, self.model.levels)
        asked = torch.searchsorted(every, rows)
        return widened(output[asked], factors[:, None]), future[asked]

    def rows_from_validation(self, data: Data) -> Tensor:
        """As `rows`, of the validation and the test set, and across the border of both."""
        both = [
            {**own, "test": (own["validation"][0], own["test"][1])}
            for own in self.meta.series_borders
        ]
        ahead = self.meta.lookback, self.meta.horizon
        return with_values(
            data["values"], first_rows(both, "test", *ahead), *ahead, len(self.targets)
        )

    def forecasts(self, model: nn.Module, data: Data, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Forecasts for windows that start at rows, and the true values, on the CPU."""
        outputs, futures = [], []
        for batch in rows.split(SCORING_BATCH):
            *inputs, future = self.windows(data, batch)
            outputs.append(model(*inputs).cpu())
            futures.append(future.cpu())
        return torch.cat(outputs), torch.cat(futures)

    def scores(self, model: nn.Module, data: Data, split: Split) -> Scores:
        """Mean squared error of every window; of them all, further metrics.

        These are the mean absolute error, the same in units of that of the seasonal naive
        forecast, `mase`, and where there are quantiles, their mean pinball loss and the share of
        values in each interval, such as `coverage_80`; of several series, also that of the series
        where it is the smallest, `coverage_80_least`.

        Of a window, the values that are there count; its weight is their share of all that
        it predicts. Windows that are less than a horizon apart have targets in common, and so make
        clusters.
        """
        return self.scored(*self.answers(model, data, split), data, split)

    def scored(self, output: Tensor, future: Tensor, data: Data, split: Split) -> Scores:
        """The scores of what a model put out for all windows of a split; see `scores`."""
        rows = self.rows(data, split)
        series = self.series_of(rows)
        output, known = self.allowed(output, series), ~future.isnan()
        error = torch.where(known, (self.point(output) - future).double(), 0)
        count = known.sum(dim=(1, 2))
        share = count.double() / future[0].numel()
        others = {"mae": float(error.abs().sum() / count.sum())}
        others |= self.interval_scores(output, future, series)
        distances = torch.where(known, error.abs(), torch.nan)
        scaled = scaled_error(distances, self.naive_errors(data)[series][:, None])
        others |= {} if scaled is None else {"mase": scaled}
        return Scores(
            error.square().sum(dim=(1, 2)) / count,
            share,
            loss=others.get({"l1": "mae", "quantile": "pinball"}.get(self.model.loss, "")),
            others=others,
            clusters=self.clusters(rows),
        )

    @property
    def season_rows(self) -> int:
        """Number of rows of the season; 1 where there is none."""
        seconds = self.meta.step_seconds
        season = season_of(seconds, self.meta.step, len(self.meta.sessions))
        return season.rows(seconds) if season and seconds else 1

    def naive_errors(self, data: Data) -> Tensor:
        """Mean distance of targets from a season before, by series, on its training set, (S, C)."""
        values, borders = data["values"][:, self.targets], self.meta.borders["train"]
        parts = (values[slice(*rows)].double().cpu() for rows in borders)
        return torch.stack([naive_errors(part, self.season_rows) for part in parts])

    def interval_scores(self, quantiles: Tensor, truth: Tensor, series: Tensor) -> dict[str, float]:
        """Metrics of the quantiles of windows; none where one value is predicted.

        Args:
            quantiles: (N, H, C, Q).
            truth: (N, H, C), NaN where it is not known.
            series: The series of each window, int64 (N,).
        """
        levels, known = self.model.levels, ~truth.isnan()
        if not levels:
            return {}
        pairs = quantiles[known].double(), truth[known].double()
        found = {"pinball": float(pinball(*pairs, levels).mean())}
        owner = series[:, None, None].expand_as(truth)[known]
        counts = owner.bincount()
        for interval in intervals_of(levels):
            inside = covered(quantiles[known], truth[known], interval).double()
            found[f"coverage_{interval.percent}"] = float(inside.mean())
            if len(self.meta.series) > 1:
                shares = owner.bincount(inside)[counts > 0] / counts[counts > 0]
                found[f"coverage_{interval.percent}_least"] = float(shares.min())
        return found
