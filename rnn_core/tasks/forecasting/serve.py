"""A table of a person's own, answered with the rows that follow it."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rnn_core.errors import DataError
from rnn_core.tasks.base.serves import AnswerParameters, Serves
from rnn_core.tasks.forecasting.intervals import intervals_of
from rnn_core.tasks.forecasting.learn import Learning
from rnn_core.tasks.forecasting.reading import check_times, measured, read_table
from rnn_core.tasks.forecasting.windows import fill

if TYPE_CHECKING:
    import pandas as pd

NAME = "the table"
"""What raw input is called in errors."""

WHOLE = "the model was trained on a table without any"
"""Why gaps cannot be answered by a model."""


class Serving(Learning, Serves):
    """Answers tables."""

    rows_stand_alone = False

    def read_input(self, path: Path) -> "pd.DataFrame":
        """Read any table, as the one that the model was trained on, or the one of a folder.

        Where it is not written as that was, its form is found out anew.
        """
        from rnn_core.readers import tables  # noqa: PLC0415 - training does without

        if not path.exists():
            raise DataError(f"there is no {path}")
        file = tables.table_file(path) if path.is_dir() else path
        try:
            table = tables.load_table(file, self.meta.form).frame
        except DataError:
            return tables.load_table(file, self.meta.parameters.form).frame
        if set(self.meta.columns) <= set(table.columns):
            return table
        return tables.load_table(file, self.meta.parameters.form).frame

    def answer(
        self, model: nn.Module, table: "pd.DataFrame", parameters: AnswerParameters
    ) -> "pd.DataFrame":
        """Predict the `horizon` rows that follow a table.

        The table has at least `lookback` rows, all columns that the model reads, and the
        timestamps as a column or as the index if the model was trained with any; so has the
        answer, but for features that are no targets. Numbers and timestamps may be texts, as
        the file of the training has them. Numbers before the lookback are not read, nor rows at
        the end without a target: the answer begins with the first of these.

        A model that was trained with `loss: quantile` answers the median of each target, and the
        ends of the intervals in columns such as `y_lo_80` and `y_hi_80`.
        """
        import pandas as pd  # noqa: PLC0415 - training does without

        from rnn_core.readers.times import steps  # noqa: PLC0415 - training does without
        from rnn_core.readers.times.sessions import following_sessions  # noqa: PLC0415 - as above

        table = self.with_values(self.as_read(table))
        if len(table) < self.meta.lookback:
            raise DataError(f"{NAME} has {len(table)} rows; {self.meta.lookback} are needed")
        times = self.recent_times(table)
        past = self.recent_numbers(table.iloc[-self.meta.lookback :])
        mean, std = np.array(self.meta.mean), np.array(self.meta.std)
        with torch.inference_mode():
            scaled = torch.from_numpy((past - mean) / std).float()
            output = model(fill(scaled[None]))[0]
        answer = pd.DataFrame(self.columns_of(output))
        if times is not None:
            if self.meta.sessions:
                ahead = following_sessions(times, self.meta.horizon, list(self.meta.sessions))
            else:
                ahead = steps.following(times, self.meta.horizon, self.meta.step)
            answer.insert(0, self.meta.parameters.date, ahead)
        return answer

    def as_read(self, table: "pd.DataFrame") -> "pd.DataFrame":
        """A table whose rows have names and whose timestamps are a column.

        Raises:
            DataError: If a column that the model reads is not there; names all.
        """
        import pandas as pd  # noqa: PLC0415 - training does without

        from rnn_core.readers import tables  # noqa: PLC0415 - training does without

        date = self.meta.parameters.date
        if date is not None and date not in table.columns:
            kinds = pd.DatetimeIndex | pd.PeriodIndex
            if isinstance(table.index, kinds) or table.index.name == date:
                table = table.assign(**{date: table.index}).reset_index(drop=True)
        return tables.numbered(table)

    def with_values(self, table: "pd.DataFrame") -> "pd.DataFrame":
        """The rows of a table up to the last one that has a value of a target."""
        from rnn_core.readers.formats.written_numbers import GAPS  # noqa: PLC0415 - as above

        blank = np.ones(len(table), np.bool_)
        for target in self.meta.parameters.targets:
            if target not in table.columns:
                return table  # which is told when the numbers are read
            values = table[target]
            empty = values.isna()
            if values.dtype.kind not in "biuf":
                empty |= values.astype("str").str.strip().str.lower().isin(GAPS)
            blank &= empty.to_numpy()
        return table.iloc[: measured(blank, self.meta.parameters.targets, NAME).stop]

    def recent_numbers(self, recent: "pd.DataFrame") -> "np.ndarray[Any, np.dtype[np.float64]]":
        """The numbers of the lookback, float64 (L, F), NaN where there is a gap."""
        from rnn_core.readers import tables  # noqa: PLC0415 - training does without

        numbers = tables.select_columns(recent, self.meta.columns, NAME, self.meta.form.decimal)
        if self.meta.parameters.missing == "error":
            tables.check_gaps(numbers, NAME, f"fill it, since {WHOLE}")
        tables.check_sides(numbers, {"last rows": slice(None)}, NAME)
        return numbers.to_numpy(np.float64)

    def columns_of(self, output: Tensor) -> dict[str, NDArray[np.float64]]:
        """Columns of an answer, in the units of the table, of what a model puts out, (N, C, ...).

        The forecasts of all targets come first, then the ends of their intervals.
        """
        targets, levels = self.meta.parameters.targets, self.model.levels

        def raw(scaled: Tensor, place: int) -> NDArray[np.float64]:
            numbers = scaled.double().numpy() * self.meta.std[place] + self.meta.mean[place]
            return np.asarray(np.maximum(numbers, self.lowest))

        point = self.point(output)
        found = {name: raw(point[:, place], place) for place, name in enumerate(targets)}
        for place, name in enumerate(targets):
            for interval in intervals_of(levels):
                low, high = interval.names(name)
                found[low] = raw(output[:, place, interval.low], place)
                found[high] = raw(output[:, place, interval.high], place)
        return found

    @property
    def lowest(self) -> float:
        """Below what no answer is."""
        return 0.0 if self.meta.parameters.nonnegative else -np.inf

    def recent_times(self, table: "pd.DataFrame") -> "pd.DatetimeIndex | None":
        """The timestamps of the lookback; None if the model was trained without any.

        All of the table is read, since earlier rows may tell day from month.

        Raises:
            DataError: If they are not in time as the rows that the model was trained on.
        """
        from rnn_core.readers.times.columns import in_zone, read_times  # noqa: PLC0415 - as above

        meta = self.meta
        if meta.parameters.date is None:
            return None
        recent = slice(-meta.lookback, None)
        read = read_times(table, meta.parameters.date, NAME, meta.day_first)
        times = in_zone(read.times[recent], meta.zone, NAME)
        cure = f"add the missing rows, since {WHOLE}"
        step = check_times(times, table.iloc[recent], meta.parameters, NAME, cure)
        trained = meta.step_seconds
        if step.seconds and trained and not 0.5 < step.seconds / trained < 2:
            raise DataError(
                f"rows of {NAME} are {step.seconds:g} seconds apart, and the model was trained "
                f"on rows {trained:g} seconds apart"
            )
        return times

    def input_columns(self) -> dict[str, bool]:
        """All columns may hold text; timestamps may be the index."""
        date = self.meta.parameters.date
        return ({date: False} if date else {}) | dict.fromkeys(self.meta.columns, True)

    def example(self, raw: Path) -> "pd.DataFrame":
        """The first rows in a row without a gap; the first rows if there are none such."""
        table = read_table(raw, replace(self.meta.parameters, **vars(self.meta.form)))
        gaps = table.numbers.isna().any(axis=1).to_numpy()
        whole = np.lib.stride_tricks.sliding_window_view(~gaps, self.meta.lookback).all(axis=1)
        first = int(np.argmax(whole))
        rows = slice(first, first + self.meta.lookback)
        example = table.numbers.iloc[rows].reset_index(drop=True)
        if table.times is not None:
            example.insert(0, str(self.meta.parameters.date), table.times[rows])
        return example
