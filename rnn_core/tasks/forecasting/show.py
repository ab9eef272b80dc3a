"""Windows of a table beside their forecasts, and forecasts without a recurrent cell."""

from typing import Any

import torch
from torch import Tensor, nn

from rnn_core.baselines.holt_winters import holt_winters_forecast
from rnn_core.baselines.linear_forecasts import (
    dlinear_forecast,
    linear_forecast,
    linear_forecast_with_known,
)
from rnn_core.files import rounded
from rnn_core.metric import Split
from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.shows import Illustration, Shows
from rnn_core.tasks.forecasting.intervals.levels import intervals_of
from rnn_core.tasks.forecasting.learn import Learning
from rnn_core.tasks.forecasting.long_table import called
from rnn_core.tasks.forecasting.parameters import Series
from rnn_core.tasks.forecasting.seasons import season_of
from rnn_core.tasks.illustration import spread

ILLUSTRATED = 3
"""Windows that illustrate a model."""


SELDOM = 1.32
"""Rows from one demand to the next, above which it is called intermittent."""


class Showing(Learning, Shows):
    """Shows forecasts, and scores simple ones."""

    margin = 0.01

    def illustrate(self, model: nn.Module, data: Data, split: Split) -> Illustration:
        """The first, middle and last window of the first target."""
        every = self.rows(data, split)
        shown = spread(len(every), ILLUSTRATED)
        *inputs, truth = self.windows(data, every[shown])
        output = self.answers(model, data, split)[0][shown] if self.model.levels else model(*inputs)
        found = self.series_of(every[shown])
        series = [
            {
                "name": called(self.meta.parameters.targets[0], one.name),
                "past": first_target(window[-2 * self.meta.horizon :], one),
                "truth": first_target(after, one),
                "forecast": first_target(self.point(forecast), one),
                "intervals": self.bands(forecast, one),
            }
            for window, after, forecast, one in zip(
                inputs[0],
                truth,
                self.allowed(output, found),
                [self.meta.series[place] for place in found],
                strict=True,
            )
        ]
        return {"kind": "forecast", "series": series}

    def bands(self, forecast: Tensor, series: Series) -> list[dict[str, Any]]:
        """The intervals of the first target of a forecast (N, C, Q), in units of the raw data."""
        return [
            {
                "percent": interval.percent,
                "low": first_target(forecast[..., interval.low], series),
                "high": first_target(forecast[..., interval.high], series),
            }
            for interval in intervals_of(self.model.levels)
        ]

    def baselines(self, data: Data) -> dict[str, float]:
        """Squared errors of the values that are there in the test set's windows.

        `repeat_last` repeats the last value; `repeat_day`, `repeat_week` or
        `repeat_year` the last season, where the step between rows has one that the
        lookback holds; `linear` and `dlinear` are `rnn_core.baselines.linear_forecasts`, and
        `holt_winters` is `rnn_core.baselines.holt_winters`. Of counts that seldom are above 0,
        `zeros` and `mean` are the same always. Where anything is known ahead, `linear_known` reads
        it too.
        """
        rows = self.rows(data, "test")
        *given, future = self.windows(data, rows)
        past, series = given[0][:, :, self.targets], self.series_of(rows)
        forecasts = {"repeat_last": past[:, -1:]}
        seconds = self.meta.step_seconds
        if seconds and (season := season_of(seconds, self.meta.step, len(self.meta.sessions))):
            length = season.rows(seconds)
            if length <= self.meta.lookback:
                places = torch.arange(self.meta.horizon) % length + self.meta.lookback - length
                forecasts[f"repeat_{season.name}"] = past[:, places]
        *train_given, train_future = self.windows(data, self.rows(data, "train"))
        train = train_given[0][:, :, self.targets], train_future
        forecasts["linear"] = linear_forecast(*train, past)
        forecasts["dlinear"] = dlinear_forecast(*train, past)
        if self.meta.ahead:
            forecasts["linear_known"] = linear_forecast_with_known(
                len(self.targets), (*train_given, train_future), (*given,)
            )
        forecasts["holt_winters"] = self.smoothed(data, rows)
        forecasts |= {name: each[series][:, None] for name, each in self.constants(data).items()}
        known = ~future.isnan()
        errors = {
            name: self.allowed(forecast.expand_as(future), series) - future
            for name, forecast in forecasts.items()
        }
        return {
            name: float(error[known].double().square().mean()) for name, error in errors.items()
        }

    def smoothed(self, data: Data, rows: Tensor) -> Tensor:
        """Forecasts by exponential smoothing of windows that start at rows, float64 (B, N, C).

        It knows each series from its first row on, and not the lookback alone.
        """
        values, found = data["values"][:, self.targets], self.series_of(rows)
        forecasts = torch.empty(
            len(rows), self.meta.horizon, len(self.targets), dtype=torch.float64
        )
        each, width = self.meta.series_borders, len(self.targets)
        origins = [
            rows[found == place] + self.meta.lookback - borders["train"][0]
            for place, borders in enumerate(each)
        ]
        smooth = holt_winters_forecast(
            [one for own in each for one in values[own["train"][0] : own["test"][1]].unbind(1)],
            [own["train"][1] - own["train"][0] for own in each for _ in self.targets],
            [one for one in origins for _ in self.targets],
            self.season_rows,
            self.meta.horizon,
        )
        for place in range(len(each)):
            of_series = smooth[place * width : (place + 1) * width]
            forecasts[found == place] = torch.stack(of_series, dim=2)
        return forecasts

    def constants(self, data: Data) -> dict[str, Tensor]:
        """0 and the mean of each target on the training set, (S, C), where demand is seldom.

        That is so where what cannot be below 0 is above it less than once in 1.32 rows
        (Syntetos, Boylan & Croston, "On the categorization of demand patterns", Journal of the
        Operational Research Society 56, 2005).
        """
        if not self.meta.parameters.nonnegative:
            return {}
        borders = self.meta.borders["train"]
        parts = [data["values"][slice(*rows), self.targets] for rows in borders]
        known = sum(int((~part.isnan()).sum()) for part in parts)
        pairs = zip(parts, self.zeros, strict=True)
        above = sum(int((part > zeros).sum()) for part, zeros in pairs)
        if above * SELDOM >= known:
            return {}
        means = torch.stack([part.double().nanmean(dim=0).float() for part in parts])
        return {"zeros": self.zeros, "mean": means}


def first_target(values: Tensor, series: Series) -> list[float | None]:
    """Rounded numbers of the first column of values (T, C), in units of the raw data."""
    raw = values[:, 0].double() * series.std[0] + series.mean[0]
    return [rounded(value) for value in raw.tolist()]
