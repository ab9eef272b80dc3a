"""A table of a person's own, answered with the rows that follow it."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from rnn_core.errors import DataError
from rnn_core.tasks.base.serves import AnswerParameters, Serves
from rnn_core.tasks.forecasting.parameters import ForecastingMeta
from rnn_core.tasks.forecasting.prepare import check_times
from rnn_core.tasks.forecasting.windows import fill

if TYPE_CHECKING:
    import pandas as pd


class Serving(Serves):
    """Answers tables."""

    rows_stand_alone = False
    requirements = ("pandera",)
    meta: ForecastingMeta

    def read_input(self, path: Path) -> "pd.DataFrame":
        """Read a table, CSV or parquet, or the one table of a folder."""
        from rnn_core.readers import tables  # noqa: PLC0415 - training does without

        if not path.exists():
            raise DataError(f"there is no {path}")
        return tables.load_table(tables.table_file(path) if path.is_dir() else path)

    def answer(
        self, model: nn.Module, table: "pd.DataFrame", parameters: AnswerParameters
    ) -> "pd.DataFrame":
        """Predict the `horizon` rows that follow a table.

        The table has at least `lookback` rows, all columns that the model reads, and
        the column of timestamps if the model was trained with one; so has the answer,
        but for features that are no targets. Numbers before the lookback are not read.
        """
        import pandas as pd  # noqa: PLC0415 - training does without

        from rnn_core.readers import (  # noqa: PLC0415 - training does without
            tables,
            timestamps,
        )

        table = tables.numbered(table)
        if len(table) < self.meta.lookback:
            raise DataError(f"the table has {len(table)} rows; {self.meta.lookback} are needed")
        recent = table.iloc[-self.meta.lookback :]
        times = self.recent_times(table)
        numbers = tables.select_columns(recent, self.meta.columns, "the table")
        missing = self.meta.parameters.missing
        past = tables.with_gaps(numbers, {"last rows": slice(None)}, missing, "the table")
        mean, std = np.array(self.meta.mean), np.array(self.meta.std)
        with torch.inference_mode():
            scaled = torch.from_numpy((past - mean) / std).float()
            output = model(fill(scaled[None]))[0].numpy()
        width = len(self.meta.parameters.targets)
        forecast = output * std[:width] + mean[:width]
        answer = pd.DataFrame(forecast, columns=list(self.meta.parameters.targets))
        if times is not None:
            next_times = timestamps.following(times, self.meta.horizon, self.meta.step)
            answer.insert(0, self.meta.parameters.date, next_times)
        return answer

    def recent_times(self, table: "pd.DataFrame") -> "pd.DatetimeIndex | None":
        """The timestamps of the lookback; None if the model was trained without any.

        All of the table is read, since earlier rows may tell day from month.

        Raises:
            DataError: If they are not in time as the rows that the model was trained on.
        """
        from rnn_core.readers import timestamps  # noqa: PLC0415 - training does without

        parameters = self.meta.parameters
        if parameters.date is None:
            return None
        times = timestamps.read_times(table, parameters.date, "the table")[-self.meta.lookback :]
        step = check_times(times, table.index[-self.meta.lookback :], parameters, "the table")
        trained = self.meta.step_seconds
        if step.seconds and trained and not 0.5 < step.seconds / trained < 2:
            raise DataError(
                f"rows of the table are {step.seconds:g} seconds apart, and the model was trained "
                f"on rows {trained:g} seconds apart"
            )
        return times

    def example(self, raw: Path) -> "pd.DataFrame":
        """The first rows in a row without a gap; the first rows if there are none such."""
        from rnn_core.readers import tables  # noqa: PLC0415 - training does without

        table = tables.load_table(tables.table_file(raw))
        gaps = table[self.meta.columns].isna().any(axis=1).to_numpy()
        whole = np.lib.stride_tricks.sliding_window_view(~gaps, self.meta.lookback).all(axis=1)
        first = int(np.argmax(whole))
        rows = table.iloc[first : first + self.meta.lookback].reset_index(drop=True)
        date = self.meta.parameters.date
        return rows[[*([date] if date else []), *self.meta.columns]]
