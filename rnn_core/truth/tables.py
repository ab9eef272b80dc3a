"""Match forecasts with the later rows of a table."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnn_core.errors import DataError
from rnn_core.metric import Metric
from rnn_core.tasks.forecasting.reading import read_table
from rnn_core.tasks.forecasting.serve import known_scale
from rnn_core.tasks.forecasting.task import Forecasting

if TYPE_CHECKING:
    import pandas as pd


class Forecasts:
    """Rows, recognised by their time, and by their series if there are several."""

    metric = Metric("mse", "mean squared error of standardised targets", "lower")

    def keys(self, task: Forecasting, table: "pd.DataFrame", answer: "pd.DataFrame") -> list[str]:
        date, series = self.date_of(task), task.meta.parameters.series
        import pandas as pd  # noqa: PLC0415 - training does not need it

        names = [""] * len(answer) if series is None else answer[series].astype(str).tolist()
        return [
            f"{name} {stamp(pd.Timestamp(t))}" for name, t in zip(names, answer[date], strict=True)
        ]

    def date_of(self, task: Forecasting) -> str:
        """The column of timestamps.

        Raises:
            DataError: If there is none, so that it is not known which row was forecast.
        """
        date = task.meta.parameters.date
        if date is None:
            raise DataError("its rows have no timestamps by which they are known again")
        return date

    def truths(self, task: Forecasting, raw: Path) -> dict[str, Any]:
        self.date_of(task)
        asked = replace(task.meta.parameters, missing="fill")
        targets, found = list(asked.targets), dict[str, Any]()
        for series, part in read_table(raw, asked).parts.items():
            assert part.times is not None
            rows = part.numbers[targets].to_numpy(np.float64)
            known = task.meta.by_name.get(series)
            if known is None:
                continue
            std = known_scale(known)[1][: len(targets)]
            for time, row in zip(part.times, rows, strict=True):
                if not np.isnan(row).any():
                    found[f"{series} {stamp(time)}"] = row, std
        return found

    def score(self, task: Forecasting, row: Mapping[str, Any], truth: Any) -> float:
        values, std = truth
        answered = np.array([row[target] for target in task.meta.parameters.targets], np.float64)
        return float(np.mean(((answered - values) / std) ** 2))


def stamp(time: "pd.Timestamp") -> str:
    """A time as text, in UTC if it has a zone."""
    return str((time if time.tzinfo is None else time.tz_convert("UTC")).isoformat())
