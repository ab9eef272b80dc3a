"""A table of a person's own, answered with the rows that follow it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rnn_core.errors import DataError
from rnn_core.readers.faults import Faults
from rnn_core.tasks.base.serves import AnswerParameters, Serves
from rnn_core.tasks.forecasting.intervals import intervals_of
from rnn_core.tasks.forecasting.learn import SCORING_BATCH, Learning
from rnn_core.tasks.forecasting.long_table import Places, called, places_of, slices_of, stacked
from rnn_core.tasks.forecasting.parameters import Series
from rnn_core.tasks.forecasting.prepare import Scale, scale_of
from rnn_core.tasks.forecasting.reading import (
    Table,
    alike,
    check_times,
    measured,
    read_table,
    times_in,
)
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
        files = tables.table_files(path) if path.is_dir() else [path]
        try:
            table = tables.load_table(files, self.meta.form).frame
        except DataError:
            return tables.load_table(files, self.meta.parameters.form).frame
        if set(self.meta.columns) <= set(table.columns):
            return table
        return tables.load_table(files, self.meta.parameters.form).frame

    def answer(
        self, model: nn.Module, table: "pd.DataFrame", parameters: AnswerParameters
    ) -> "pd.DataFrame":
        """Predict the `horizon` rows that follow a table, or each series of it.

        The table has at least `lookback` rows, of each series if there are several, all columns
        that the model reads, that of series if the model was trained with one, and the timestamps
        as a column or as the index likewise; so has the answer, but for features that are no
        targets. Numbers and timestamps may be texts, as the file of the training has them. Numbers
        before the lookback are not read, except that a series which the model was not trained on
        is scaled by all its rows. Rows at the end without a target are not read either: the
        answer begins with the first of these.

        A model that was trained with `loss: quantile` answers the median of each target, and the
        ends of the intervals in columns such as `y_lo_80` and `y_hi_80`.
        """
        import pandas as pd  # noqa: PLC0415 - training does without

        table = self.as_read(table)
        places = self.with_values(table)
        table = table.iloc[stacked(places)]
        times, faults, windows = self.times_of(table), Faults(), []
        for series, rows in slices_of(places).items():
            with faults.noted():
                own = None if times is None else times[rows]
                windows.append(self.newest(series, table.iloc[rows], own))
        faults.check()
        outputs = self.outputs(model, windows)
        return pd.concat(map(self.answer_of, windows, outputs), ignore_index=True)

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

    def with_values(self, table: "pd.DataFrame") -> dict[str, Places]:
        """The rows of each series up to the last one that has a value of a target.

        Raises:
            DataError: If a series has none; names all such series.
        """
        places, targets = (
            places_of(table, self.meta.parameters.series, NAME),
            self.meta.parameters.targets,
        )
        if not set(targets) <= set(table.columns):
            return places  # which is told when the numbers are read
        blank = np.logical_and.reduce([is_blank(table[target]) for target in targets])
        kept, faults = {}, Faults()
        for series, rows in places.items():
            with faults.noted():
                kept[series] = rows[: measured(blank[rows], targets, called(NAME, series)).stop]
        faults.check()
        return kept

    def times_of(self, table: "pd.DataFrame") -> "pd.DatetimeIndex | None":
        """The timestamps of a table; None if the model was trained without any.

        All of the table is read, since earlier rows may tell day from month.
        """
        asked = self.meta.parameters
        if asked.date is None:
            return None
        return times_in(table, asked, NAME, self.meta.day_first).times

    def newest(
        self, series: str, table: "pd.DataFrame", times: "pd.DatetimeIndex | None"
    ) -> "Newest":
        """The lookback of a series, and how it is scaled.

        Raises:
            DataError: If it has too few rows, gaps that the model was not trained to fill, or
                rows that are not in time as those that the model was trained on.
        """
        name, length = called(NAME, series), self.meta.lookback
        if len(table) < length:
            raise DataError(f"{name} has {len(table)} rows; {length} are needed")
        if times is not None:
            times = self.checked_times(times[-length:], table.iloc[-length:], name)
        known = self.meta.by_name.get(series)
        values = self.numbers_of(table.iloc[-length:] if known else table, name)
        scale = known_scale(known) if known else self.new_scale(values)
        return Newest(series, values[-length:], times, *scale)

    def numbers_of(self, table: "pd.DataFrame", name: str) -> NDArray[np.float64]:
        """The numbers that the model reads, float64 (T, F), NaN where there is a gap."""
        from rnn_core.readers import tables  # noqa: PLC0415 - training does without

        numbers = tables.select_columns(table, self.meta.columns, name, self.meta.form.decimal)
        recent = numbers.iloc[-self.meta.lookback :]
        if self.meta.parameters.missing == "error":
            tables.check_gaps(recent, name, f"fill it, since {WHOLE}")
        tables.check_sides(recent, {"last rows": slice(None)}, name)
        return numbers.to_numpy(np.float64)

    def checked_times(
        self, times: "pd.DatetimeIndex", table: "pd.DataFrame", name: str
    ) -> "pd.DatetimeIndex":
        """The timestamps of a lookback, in the zone of those that the model was trained on.

        Raises:
            DataError: If they are not in time as the rows that the model was trained on.
        """
        from rnn_core.readers.times.columns import in_zone  # noqa: PLC0415 - as above

        times, trained = in_zone(times, self.meta.zone, name), self.meta.step_seconds
        cure = f"add the missing rows, since {WHOLE}"
        step = check_times(times, self.others_of(table), self.meta.parameters, name, cure)
        if not alike(step.seconds, trained):
            raise DataError(
                f"rows of {name} are {step.seconds:g} seconds apart, and the model was trained "
                f"on rows {trained:g} seconds apart"
            )
        return times

    def new_scale(self, values: NDArray[np.float64]) -> Scale:
        """The scale of a series that the model was not trained on, by its own rows, (T, C).

        A column that is the same in all of them has the scale that it has in the series that the
        model was trained on: their median, and if it is the same in all, their mean too.
        """
        mean, std = scale_of(values, self.meta.parameters.scaling)
        means, stds = (
            np.stack(each) for each in zip(*map(known_scale, self.meta.series), strict=True)
        )
        shared = (means == means[0]).all(axis=0) & (stds == stds[0]).all(axis=0)
        same = ~(std > 0)
        return np.where(same & shared, means[0], mean), np.where(same, np.median(stds, axis=0), std)

    def outputs(self, model: nn.Module, windows: Sequence["Newest"]) -> Iterator[Tensor]:
        """What a model puts out for each window, (N, C) or (N, C, Q)."""
        with torch.inference_mode():
            for first in range(0, len(windows), SCORING_BATCH):
                scaled = [one.scaled for one in windows[first : first + SCORING_BATCH]]
                yield from model(fill(torch.stack(scaled)))

    def answer_of(self, window: "Newest", output: Tensor) -> "pd.DataFrame":
        """The rows that follow a window, in the units of the table.

        The forecasts of all targets come first, then the ends of their intervals.
        """
        import pandas as pd  # noqa: PLC0415 - training does without

        asked = self.meta.parameters

        def raw(scaled: Tensor, place: int) -> NDArray[np.float64]:
            numbers = scaled.double().numpy() * window.std[place] + window.mean[place]
            return np.asarray(np.maximum(numbers, self.lowest))

        point = self.point(output)
        answer = pd.DataFrame({name: raw(point[:, i], i) for i, name in enumerate(asked.targets)})
        for place, name in enumerate(asked.targets):
            for interval in intervals_of(self.model.levels):
                low, high = interval.names(name)
                answer[low] = raw(output[:, place, interval.low], place)
                answer[high] = raw(output[:, place, interval.high], place)
        if window.times is not None:
            answer.insert(0, asked.date, self.times_after(window.times))
        if asked.series is not None:
            answer.insert(0, asked.series, window.series)
        return answer

    @property
    def lowest(self) -> float:
        """Below what no answer is."""
        return 0.0 if self.meta.parameters.nonnegative else -np.inf

    def times_after(self, times: "pd.DatetimeIndex") -> "pd.DatetimeIndex":
        """The timestamps of the rows that follow."""
        from rnn_core.readers.times import steps  # noqa: PLC0415 - training does without
        from rnn_core.readers.times.sessions import following_sessions  # noqa: PLC0415 - as above

        if self.meta.sessions:
            return following_sessions(times, self.meta.horizon, list(self.meta.sessions))
        return steps.following(times, self.meta.horizon, self.meta.step)

    def others_of(self, table: "pd.DataFrame") -> "pd.DataFrame":
        """The columns that are neither read nor the timestamps."""
        asked = self.meta.parameters
        used = {*self.meta.columns, asked.date, *asked.time_parts, asked.series}
        return table[[column for column in table.columns if column not in used]]

    def input_columns(self) -> dict[str, bool]:
        """All columns may hold text; timestamps may be the index."""
        asked = self.meta.parameters
        found = {} if asked.series is None else {asked.series: True}
        found |= {asked.date: False} if asked.date else {}
        found |= dict.fromkeys(asked.time_parts, False)
        return found | dict.fromkeys(self.meta.columns, True)

    def example(self, raw: Path) -> "pd.DataFrame":
        """The first rows in a row without a gap; the first rows if there are none such.

        So it is of the first two series that have enough rows, if there are several.
        """
        import pandas as pd  # noqa: PLC0415 - training does without

        table = read_table(raw, replace(self.meta.parameters, **vars(self.meta.form)))
        parts = table.parts.items()
        whole = [(s, part) for s, part in parts if len(part.numbers) >= self.meta.lookback]
        return pd.concat([self.without_gaps(*one) for one in whole[:2]], ignore_index=True)

    def without_gaps(self, series: str, table: Table) -> "pd.DataFrame":
        """The first lookback of a series without a gap; if there is none such, its first rows."""
        gaps = table.numbers.isna().any(axis=1).to_numpy()
        whole = np.lib.stride_tricks.sliding_window_view(~gaps, self.meta.lookback).all(axis=1)
        first, asked = int(np.argmax(whole)), self.meta.parameters
        rows = slice(first, first + self.meta.lookback)
        example = table.numbers.iloc[rows].reset_index(drop=True)
        if table.times is not None:
            example.insert(0, str(asked.date), table.times[rows])
        if asked.series is not None:
            example.insert(0, asked.series, series)
        return example


def is_blank(values: "pd.Series[Any]") -> NDArray[np.bool_]:
    """Which values of a column are none, (N,)."""
    from rnn_core.readers.formats.written_numbers import GAPS  # noqa: PLC0415 - as above

    blank = values.isna()
    if values.dtype.kind not in "biuf":
        blank |= values.astype("str").str.strip().str.lower().isin(GAPS)
    return blank.to_numpy()


class Newest(NamedTuple):
    """The lookback of a series.

    Attributes:
        series: Its name; empty where the table is one series.
        past: Its columns, (L, C), NaN where there is a gap.
        times: Its timestamps; None if the model was trained without any.
        mean: Where its columns are 0 for a model, (C,).
        std: How far from there they are 1, (C,).
    """

    series: str
    past: NDArray[np.float64]
    times: "pd.DatetimeIndex | None"
    mean: NDArray[np.float64]
    std: NDArray[np.float64]

    @property
    def scaled(self) -> Tensor:
        """The columns as a model reads them, but with their gaps, float32 (L, C)."""
        return torch.from_numpy((self.past - self.mean) / self.std).float()


def known_scale(series: Series) -> Scale:
    """The scale of a series that the model was trained on."""
    return np.array(series.mean), np.array(series.std)
