"""Forecasts of the rows after the user's own table."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rnn_core.errors import DataError
from rnn_core.readers.faults import Faults
from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.serves import Serves
from rnn_core.tasks.forecasting.ahead.calendar import CALENDAR, calendar_of
from rnn_core.tasks.forecasting.ahead.newest import Newest
from rnn_core.tasks.forecasting.ahead.raw_input import in_own_sign, read_as_trained
from rnn_core.tasks.forecasting.ahead.recursion import ForecastAnswer, forecast
from rnn_core.tasks.forecasting.ahead.rows import example_of, known_rows
from rnn_core.tasks.forecasting.intervals.following import following
from rnn_core.tasks.forecasting.intervals.levels import intervals_of
from rnn_core.tasks.forecasting.intervals.widening import FOLLOWED
from rnn_core.tasks.forecasting.learn import SCORING_BATCH, Learning
from rnn_core.tasks.forecasting.long_table import Places, called, places_of, slices_of, stacked
from rnn_core.tasks.forecasting.parameters import Series
from rnn_core.tasks.forecasting.prepare import Scale, refuse_farthest, scale_of
from rnn_core.tasks.forecasting.reading import NAME, last_values, times_in, times_of_each
from rnn_core.tasks.forecasting.steps import check_times
from rnn_core.tasks.forecasting.units import refuse_other_units
from rnn_core.tasks.forecasting.windows import fill
from rnn_core.wording import amount, option

if TYPE_CHECKING:
    import pandas as pd

WHOLE = "the model was trained on a table without any"
"""Why gaps cannot be answered by a model."""


class Serving(Learning, Serves):
    """Answers tables."""

    AnswerParameters = ForecastAnswer
    rows_stand_alone = False
    takes = ("table",)
    requirements = ("babel",)

    def read_input(self, path: Path) -> "pd.DataFrame":
        """Read any table, or the one of a folder; see `read_as_trained`."""
        return read_as_trained(path, self.meta)

    def answer(
        self, model: nn.Module, table: "pd.DataFrame", parameters: ForecastAnswer
    ) -> "pd.DataFrame":
        """Predict the `horizon` rows that follow a table, or each series of it.

        The table has at least `lookback` rows, of each series if there are several, all columns
        that the model reads, that of series if the model was trained with one, and the timestamps
        as a column or as the index in the same way; so has the answer, except for features that are
        no targets. Numbers and timestamps may be texts, as the file of the training has them.
        Numbers before the lookback are not read, except that a series which the model was not
        trained on is scaled by all its rows, and that prediction intervals follow the errors that
        the model makes on the rows before. The answer begins with the first of the rows at the end
        without a target. Of these, what is known ahead is read, and nothing else.

        A model that was trained with `loss: quantile` answers the median of each target, and the
        ends of the intervals in columns such as `y_lo_80` and `y_hi_80`; beyond the horizon that
        it was trained for these are empty.
        """
        count, faults = self.rows_to_predict(parameters), Faults()
        windows = self.windows_after(table, count, faults)
        faults.check()
        return self.answer_of_all(model, windows, count)

    def answer_some(
        self, model: nn.Module, table: "pd.DataFrame", parameters: ForecastAnswer
    ) -> "tuple[pd.DataFrame, Faults]":
        """Predict the rows that follow each series that can be answered."""
        count, faults = self.rows_to_predict(parameters), Faults()
        windows = self.windows_after(table, count, faults)
        if not windows:
            faults.check()
        return self.answer_of_all(model, windows, count), faults

    def windows_after(self, table: "pd.DataFrame", count: int, faults: Faults) -> list[Newest]:
        """The inputs of a forecast of each series that has them.

        Args:
            table: Raw input.
            count: How many rows to predict.
            faults: Where it is noted why a series is left out.

        Raises:
            DataError: If nothing of the table can be answered.
        """
        table, times = self.in_time_order(table)
        places = places_of(table, self.meta.parameters.series, NAME)
        ends = last_values(table, places, self.meta.parameters.targets, faults)
        if not ends:
            faults.check()
        ahead = count if self.meta.parameters.known else 0
        kept = {series: places[series][: end + ahead] for series, end in ends.items()}
        order, rows, windows = stacked(kept), slices_of(kept), []
        table, known = table.iloc[order], None if times is None else times[order]
        told = self.meta.parameters, NAME, self.meta.day_first
        for series, own in times_of_each(table, rows, *told, faults, known).items():
            part = table.iloc[rows[series]]
            with faults.noted():
                windows.append(self.newest(series, part, own, ends[series], count))
        return windows

    def answer_of_all(
        self, model: nn.Module, windows: Sequence[Newest], count: int
    ) -> "pd.DataFrame":
        """The rows that follow each window, one below the other."""
        import pandas as pd  # noqa: PLC0415 - training does without

        outputs = self.outputs(model, windows, count)
        return pd.concat(map(self.answer_of, windows, outputs), ignore_index=True)

    def rows_to_predict(self, parameters: ForecastAnswer) -> int:
        """Number of rows to predict.

        Raises:
            DataError: If they are more than the model can predict, since it reads columns
                whose future is unknown.
        """
        count = parameters.horizon or self.meta.horizon
        if count > self.meta.horizon and (features := self.meta.parameters.features):
            raise DataError(
                f"horizon {count}: the model predicts {self.meta.horizon} rows; for more it would "
                f"have to know {', '.join(features)} in these (where that is so, train it with "
                f"{option('future', ','.join(features))})"
            )
        return count

    def as_read(self, table: "pd.DataFrame") -> "pd.DataFrame":
        """A table with names of rows, a column of timestamps, and the decimal sign of the training.

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
        return in_own_sign(tables.numbered(table), self.meta)

    def in_time_order(
        self, table: "pd.DataFrame"
    ) -> tuple["pd.DataFrame", "pd.DatetimeIndex | None"]:
        """A table as read, each series from its oldest row on, and its timestamps.

        None if there are none, or if they cannot be read, which `times_of` reports.
        """
        from rnn_core.readers.times.order import AS_IT_IS, oldest_first  # noqa: PLC0415 - as above

        table = self.as_read(table)
        try:
            times = self.times_of(table)
        except DataError:
            return table, None
        series = table.get(self.meta.parameters.series)
        turned = AS_IT_IS if times is None else oldest_first(times, series)
        return table.iloc[turned], times if times is None else times[turned]

    def with_values(self, table: "pd.DataFrame", places: Mapping[str, Places]) -> dict[str, int]:
        """Number of rows of each series up to the last one that has a value of a target.

        Raises:
            DataError: If a series has none; names all such series.
        """
        faults = Faults()
        found = last_values(table, places, self.meta.parameters.targets, faults)
        faults.check()
        return found

    def times_of(self, table: "pd.DataFrame") -> "pd.DatetimeIndex | None":
        """The timestamps of a table; None if the model was trained without any.

        All of the table is read, since earlier rows may tell day from month.
        """
        asked = self.meta.parameters
        if asked.date is None:
            return None
        return times_in(table, asked, NAME, self.meta.day_first).times

    def newest(
        self,
        series: str,
        table: "pd.DataFrame",
        times: "pd.DatetimeIndex | None",
        until: int,
        count: int,
    ) -> Newest:
        """The lookback of a series, how it is scaled, and what is known of what follows.

        Args:
            series: Its name.
            table: Its rows, those that are known ahead last.
            times: Their timestamps.
            until: How many of the rows are not to be predicted.
            count: How many rows are.

        Raises:
            DataError: If it has too few rows, gaps that the model was not trained to fill, or
                rows that are not in time as those that the model was trained on.
        """
        name, length = called(NAME, series), self.meta.lookback
        if until < length:
            cure = "; give it more, or leave it out" if series else ""
            raise DataError(f"{name} has {amount(until, 'row')}; {length} are needed{cure}")
        whole = None if times is None else times[:until]
        if times is not None:
            rows = slice(until - length, None)
            times = self.checked_times(times[rows], table.iloc[rows], name)
        known = self.meta.by_name.get(series)
        values = self.numbers_of(table.iloc[until - length if known else 0 : until], name)
        mean, std = known_scale(known) if known else self.new_scale(values)
        recent = values[-length:]
        scaled = (recent - mean) / std
        refuse_farthest(scaled, recent, table.index[until - length :], self.meta.columns, name)
        before = self.rows_before(table.iloc[:until], whole, name, (mean, std))
        past, after = self.in_time(times, count)
        ahead = known_rows(table.iloc[until:], after, count, self.meta, name)
        ahead = (ahead - mean[self.known]) / std[self.known]
        inputs = self.with_calendar(scaled, past), self.with_calendar(ahead, after)
        return Newest(series, *inputs, after, mean, std, before)

    def rows_before(
        self, table: "pd.DataFrame", times: "pd.DatetimeIndex | None", name: str, scale: Scale
    ) -> Data:
        """Prepared data of the rows that intervals follow; empty if there are none to be read."""
        rows = slice(-(self.meta.lookback + self.meta.horizon + FOLLOWED - 1), None)
        if not self.model.levels:
            return {}
        try:
            if times is not None:
                times = self.checked_times(times[rows], table.iloc[rows], name)
            columns = (self.numbers_of(table.iloc[rows], name) - scale[0]) / scale[1]
        except DataError:
            return {}
        parts = self.meta.parameters.calendar
        calendar = {CALENDAR: calendar_of(times, parts)} if parts else {}
        return {"values": torch.from_numpy(columns).float(), **calendar}

    def in_time(
        self, times: "pd.DatetimeIndex | None", count: int
    ) -> tuple["pd.DatetimeIndex | None", "pd.DatetimeIndex | None"]:
        """The timestamps of a lookback, and of `horizon` rows after it.

        Where the table has such rows, they are as it says.
        """
        if times is None:
            return None, None
        past, given = times[: self.meta.lookback], times[self.meta.lookback :]
        return past, given if len(given) else self.times_after(past, count)

    def with_calendar(
        self, columns: NDArray[np.float64], times: "pd.DatetimeIndex | None"
    ) -> Tensor:
        """Rows as a model reads them, float32 (T, C), with what their timestamps say."""
        rows = torch.from_numpy(columns).float()
        if not self.meta.parameters.calendar:
            return rows
        return torch.cat([rows, calendar_of(times, self.meta.parameters.calendar)], dim=1)

    def numbers_of(self, table: "pd.DataFrame", name: str) -> NDArray[np.float64]:
        """The numbers that the model reads, float64 (T, F), NaN where there is a gap."""
        from rnn_core.readers import tables  # noqa: PLC0415 - training does without

        columns, flags = self.meta.columns, self.meta.parameters.given
        decimal, units = self.meta.form.decimal, dict[str, str]()
        numbers = tables.select_columns(table, columns, name, decimal, flags=flags, units=units)
        refuse_other_units(units, self.meta.units, name)
        recent = numbers.iloc[-self.meta.lookback :]
        if self.meta.parameters.missing == "error":
            tables.check_gaps(recent, name, f"fill it, since {WHOLE}")
        tables.check_values(recent, {"last rows": slice(None)}, name)
        return numbers.to_numpy(np.float64)

    def checked_times(
        self, times: "pd.DatetimeIndex", table: "pd.DataFrame", name: str
    ) -> "pd.DatetimeIndex":
        """The timestamps of a lookback, in the zone of those that the model was trained on.

        Raises:
            DataError: If they are not in time as the rows that the model was trained on.
        """
        from rnn_core.readers.times.columns import count_since_1970, in_zone  # noqa: PLC0415 - as above
        from rnn_core.readers.times.steps import as_far_apart  # noqa: PLC0415 - as above

        asked, trained = self.meta.parameters, self.meta.step_seconds
        if self.meta.zone and times.tz is None and count_since_1970(table, asked.date):
            times = times.tz_localize("UTC")
        times = in_zone(times, self.meta.zone, name)
        cure = f"add the missing rows, since {WHOLE}"
        step = check_times(times, self.others_of(table), asked, name, cure)
        if step.seconds and trained and not as_far_apart(times, trained, asked.irregular):
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

    def outputs(self, model: nn.Module, windows: Sequence[Newest], count: int) -> Iterator[Tensor]:
        """Yield the answer for each window, (N, C) or (N, C, Q)."""
        with torch.inference_mode():
            for first in range(0, len(windows), SCORING_BATCH):
                some = windows[first : first + SCORING_BATCH]
                past = fill(torch.stack([one.past for one in some]))
                ahead = torch.stack([one.ahead for one in some])
                lowest = torch.stack([one.scaled(self.lowest)[self.targets] for one in some])
                sizes = self.meta.horizon, count
                found = forecast(model, past, ahead, lowest, self.model.levels, *sizes)
                for one, output in zip(some, found, strict=True):
                    yield following(self, model, one.before, output)

    def answer_of(self, window: Newest, output: Tensor) -> "pd.DataFrame":
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
            answer.insert(0, asked.date, window.times)
        if asked.series is not None:
            answer.insert(0, asked.series, window.series)
        return answer

    @property
    def lowest(self) -> float:
        """Below what no answer is."""
        return 0.0 if self.meta.parameters.nonnegative else -np.inf

    def times_after(self, times: "pd.DatetimeIndex", count: int) -> "pd.DatetimeIndex":
        """The timestamps of the rows that follow."""
        from rnn_core.readers.times import steps  # noqa: PLC0415 - training does without
        from rnn_core.readers.times.sessions import following_sessions  # noqa: PLC0415 - as above

        if self.meta.sessions:
            return following_sessions(times, count, list(self.meta.sessions))
        return steps.following(times, count, self.meta.step)

    def others_of(self, table: "pd.DataFrame") -> "pd.DataFrame":
        """The columns that are neither read nor the timestamps."""
        asked = self.meta.parameters
        used = {*asked.read_columns, asked.date, *asked.time_parts, asked.series}
        return table[[column for column in table.columns if column not in used]]

    def input_columns(self) -> dict[str, bool]:
        """All columns may hold text; timestamps may be the index."""
        asked = self.meta.parameters
        found = {} if asked.series is None else {asked.series: True}
        found |= {asked.date: False} if asked.date else {}
        found |= dict.fromkeys(asked.time_parts, False)
        return found | dict.fromkeys(asked.read_columns, True)

    def example(self, raw: Path) -> "pd.DataFrame":
        """The first consecutive rows without a gap; the first rows if there are none."""
        return example_of(raw, self.meta)


def known_scale(series: Series) -> Scale:
    """The scale of a series that the model was trained on."""
    return np.array(series.mean), np.array(series.std)
