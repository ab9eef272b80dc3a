"""Windows of a table beside their forecasts, and forecasts without a recurrent cell."""

import torch
from torch import Tensor, nn

from rnn_core.baselines.linear_forecasts import dlinear_forecast, linear_forecast
from rnn_core.files import rounded
from rnn_core.metric import Split
from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.shows import Illustration, Shows
from rnn_core.tasks.forecasting.learn import Learning
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
        rows = self.rows(data, split)
        past, truth = self.windows(data, rows[spread(len(rows), ILLUSTRATED)])
        forecasts = self.point(self.allowed(model(past)))
        series = [
            {
                "name": self.meta.parameters.targets[0],
                "past": self.first_target(window[-2 * self.meta.horizon :]),
                "truth": self.first_target(after),
                "forecast": self.first_target(forecast),
            }
            for window, after, forecast in zip(past, truth, forecasts, strict=True)
        ]
        return {"kind": "forecast", "series": series}

    def first_target(self, values: Tensor) -> list[float | None]:
        """Rounded numbers of the first column of values (T, C), in units of the raw data."""
        raw = values[:, 0].double() * self.meta.std[0] + self.meta.mean[0]
        return [rounded(value) for value in raw.tolist()]

    def baselines(self, data: Data) -> dict[str, float]:
        """Squared errors of the values that are there in the test side's windows.

        `repeat_last` repeats the last value; `repeat_day`, `repeat_week` or
        `repeat_year` the last season, where the step between rows has one that the
        lookback holds; `linear` and `dlinear` are `rnn_core.baselines.linear_forecasts`. Of
        counts that seldom are above 0, `zeros` and `mean` are the same always.
        """
        past, future = self.windows(data, self.rows(data, "test"))
        past = past[:, :, self.targets]
        forecasts = {"repeat_last": past[:, -1:]}
        seconds = self.meta.step_seconds
        if seconds and (season := season_of(seconds, self.meta.step, len(self.meta.sessions))):
            length = season.rows(seconds)
            if length <= self.meta.lookback:
                places = torch.arange(self.meta.horizon) % length + self.meta.lookback - length
                forecasts[f"repeat_{season.name}"] = past[:, places]
        train_past, train_future = self.windows(data, self.rows(data, "train"))
        train = train_past[:, :, self.targets], train_future
        forecasts["linear"] = linear_forecast(*train, past)
        forecasts["dlinear"] = dlinear_forecast(*train, past)
        forecasts |= self.constants(data)
        known = ~future.isnan()
        return {
            name: float(
                (self.allowed(forecast.expand_as(future)) - future)[known].double().square().mean()
            )
            for name, forecast in forecasts.items()
        }

    def constants(self, data: Data) -> dict[str, Tensor]:
        """0 and the mean of each target on the training side, (C,), where demand is seldom.

        That is so where what cannot be below 0 is above it less than once in 1.32 rows
        (Syntetos, Boylan & Croston, "On the categorization of demand patterns", Journal of the
        Operational Research Society 56, 2005).
        """
        start, end = self.meta.borders["train"]
        train = data["values"][start:end, self.targets]
        known = ~train.isnan()
        above = int((known & (train > self.zeros)).sum())
        if not self.meta.parameters.nonnegative or above * SELDOM >= int(known.sum()):
            return {}
        return {"zeros": self.zeros, "mean": train.double().nanmean(dim=0).float()}
