"""A model asked at many rows of a table, as if what follows each were not known yet."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import nn

from rnn_core.errors import DataError, ParameterError
from rnn_core.tasks.forecasting.ahead.newest import Newest
from rnn_core.tasks.forecasting.ahead.recursion import ForecastAnswer
from rnn_core.tasks.forecasting.long_table import called, places_of, slices_of, stacked
from rnn_core.tasks.forecasting.reading import NAME
from rnn_core.tasks.forecasting.seasons import season_of

if TYPE_CHECKING:
    import pandas as pd

    from rnn_core.tasks.forecasting.serve import Serving


@dataclass(frozen=True, kw_only=True)
class Origins:
    """From where forecasts are made.

    Attributes:
        start: The first row that is predicted: its time, or its number from 1 where the table has
            no timestamps. None: the first after those that the model was trained on or chosen by.
        stride: Rows from one origin to the next; 0: as many as are predicted.
        horizon: Rows that are predicted; 0: as many as the model was trained for.
    """

    start: str | None = None
    stride: int = 0
    horizon: int = 0

    @property
    def answer(self) -> ForecastAnswer:
        """Options of the forecast from each.

        Raises:
            ParameterError: If the horizon is out of bounds.
        """
        try:
            return ForecastAnswer(horizon=self.horizon)
        except ValueError as error:
            raise ParameterError(str(error)) from None


class Backtest(NamedTuple):
    """Result of a backtest.

    Attributes:
        forecasts: A row for each series, origin, step and target: the `truth`, the `forecast`, the
            ends of its intervals, and what simple forecasts say. The `origin` is the last row that
            was read.
        left_out: Why origins have no forecast.
        seen: How many origins are followed by rows that the model was trained on or chosen by.
    """

    forecasts: "pd.DataFrame"
    left_out: list[str]
    seen: int


class Origin(NamedTuple):
    """A row from which a series is forecast.

    Attributes:
        series: Name of the series.
        row: What the last row that is read is called: its time, or its number.
        past: Targets until then, (T, C), NaN where there is a gap.
        truth: Those that follow, (N, C).
    """

    series: str
    row: object
    past: NDArray[np.float64]
    truth: NDArray[np.float64]


def backtest(task: "Serving", model: nn.Module, table: "pd.DataFrame", asked: Origins) -> Backtest:
    """Forecast a table from many of its rows, each from what was known there.

    The model is that which is served at all origins: it is not trained again.

    Raises:
        DataError: If the table cannot be read, or no row of it can be forecast.
        ParameterError: If there is no such start.
    """
    import pandas as pd  # noqa: PLC0415 - training does without

    count = task.rows_to_predict(asked.answer)
    origins, windows, left_out, seen = [], [], [], 0
    for series, part, times in parts_of(task, table):
        first = first_row(task, series, times, asked.start)
        tested = 0 if times is None else first_row(task, series, times, None)
        for until in range(first, len(part) - count + 1, asked.stride or count):
            rows, own = part.iloc[: until + count], times
            own = None if times is None else times[: until + count]
            try:
                windows.append(task.newest(series, rows, own, until, count))
            except DataError as error:
                left_out.append(str(error))
                continue
            origins.append(origin_of(task, series, rows, own, until))
            seen += until < tested
    if not windows:
        raise DataError(left_out[0] if left_out else nothing_left(asked))
    outputs = task.outputs(model, windows, count)
    answers = map(task.answer_of, windows, outputs)
    found = [rows_of(task, *each) for each in zip(origins, windows, answers, strict=True)]
    return Backtest(pd.concat(found, ignore_index=True), left_out, seen)


def nothing_left(asked: Origins) -> str:
    """Why there is no origin."""
    where = f"from {asked.start} on" if asked.start else "after those that the model was trained on"
    return f"{NAME} has too few rows {where}; add later ones, or say an earlier start"


def parts_of(
    task: "Serving", table: "pd.DataFrame"
) -> Iterator[tuple[str, "pd.DataFrame", "pd.DatetimeIndex | None"]]:
    """Each series of a table, up to its last row with a target, and its timestamps."""
    from rnn_core.readers.times.columns import in_zone  # noqa: PLC0415 - training does without

    table, times = task.in_time_order(table)
    places = places_of(table, task.meta.parameters.series, NAME)
    rows = task.with_values(table, places)
    kept = {series: own[: rows[series]] for series, own in places.items()}
    order = stacked(kept)
    table = table.iloc[order]
    times = task.times_of(table) if times is None else times[order]
    if times is not None:
        times = in_zone(times, task.meta.zone, NAME)
    for series, own in slices_of(kept).items():
        yield series, table.iloc[own], None if times is None else times[own]


def first_row(
    task: "Serving", series: str, times: "pd.DatetimeIndex | None", start: str | None
) -> int:
    """The place of the first row of a series that is predicted.

    Raises:
        ParameterError: If it is unknown, or `start` is no time or number of a row.
    """
    lookback = task.meta.lookback
    if times is None:
        if start is None or not start.isdigit():
            raise ParameterError(
                f"{NAME} has no timestamps that tell which rows the model was trained on: give the "
                "number of the first row to predict as the start"
            )
        return max(int(start) - 1, lookback)
    if start is None:
        known = task.meta.by_name.get(series)
        start = known.tested_from if known else None
        if start is None:  # a series that the model was not trained on
            return lookback
    return max(int(times.searchsorted(time_of(start, times))), lookback)


def time_of(start: str, times: "pd.DatetimeIndex") -> "pd.Timestamp":
    """A start as a time in the zone of others.

    Raises:
        ParameterError: If it is none.
    """
    import pandas as pd  # noqa: PLC0415 - training does without

    try:
        time = pd.Timestamp(start)
    except ValueError:
        raise ParameterError(f"start {start!r} is no time such as 2024-05-31") from None
    if times.tz is None:
        return time.tz_localize(None)
    return time.tz_convert(times.tz) if time.tzinfo else time.tz_localize(times.tz)


def origin_of(
    task: "Serving",
    series: str,
    rows: "pd.DataFrame",
    times: "pd.DatetimeIndex | None",
    until: int,
) -> Origin:
    """An origin, and what is not known there."""
    from rnn_core.readers import tables  # noqa: PLC0415 - training does without

    targets, decimal = list(task.meta.parameters.targets), task.meta.form.decimal
    first = max(until - max(task.meta.lookback, task.season_rows), 0)
    values = tables.select_columns(rows.iloc[first:], targets, called(NAME, series), decimal)
    row = rows.index[until - 1] if times is None else times[until - 1]
    until -= first
    return Origin(series, row, values.to_numpy()[:until], values.to_numpy()[until:])


def rows_of(
    task: "Serving", origin: Origin, window: Newest, answer: "pd.DataFrame"
) -> "pd.DataFrame":
    """The forecasts from an origin, those of each target below each other."""
    import pandas as pd  # noqa: PLC0415 - training does without

    asked, count = task.meta.parameters, len(answer)
    found = []
    for place, target in enumerate(asked.targets):
        columns: dict[str, object] = {} if asked.series is None else {"series": origin.series}
        columns |= {"origin": origin.row, "step": np.arange(1, count + 1)}
        if window.times is not None:
            columns["date"] = window.times
        columns |= {"target": target, "truth": origin.truth[:, place], "forecast": answer[target]}
        ends = {column: column.removeprefix(f"{target}_") for column in answer.columns}
        columns |= {name: answer[c] for c, name in ends.items() if name[:3] in {"lo_", "hi_"}}
        columns |= simple_forecasts(task, origin.past[:, place], count)
        found.append(pd.DataFrame(columns))
    return pd.concat(found)


def simple_forecasts(
    task: "Serving", past: NDArray[np.float64], count: int
) -> dict[str, NDArray[np.float64]]:
    """The last value, and the last season where there is one, repeated for `horizon` rows."""
    known = np.flatnonzero(~np.isnan(past))
    if not len(known):
        return {}
    past = past[known[np.maximum(np.searchsorted(known, np.arange(len(past)), "right") - 1, 0)]]
    found = {"repeat_last": np.full(count, past[-1])}
    meta = task.meta
    season = season_of(meta.step_seconds, meta.step, len(meta.sessions))
    if season and task.season_rows <= len(past):
        found[f"repeat_{season.name}"] = past[
            np.arange(count) % task.season_rows - task.season_rows
        ]
    return found


def errors_by(forecasts: "pd.DataFrame", what: str) -> "pd.DataFrame":
    """The mean absolute errors of the forecasts by `step` or `origin`, for each target.

    Beside them stands the share of the truth that is inside of each interval, if there are any.
    """
    told = forecasts[forecasts["truth"].notna()]
    names = [str(column) for column in told]
    columns = {"model": "forecast"} | {c: c for c in names if c.startswith("repeat_")}
    found = {name: (told[column] - told["truth"]).abs() for name, column in columns.items()}
    for low in (c for c in names if c.startswith("lo_")):
        share = low.removeprefix("lo_")
        known = told[low].notna()
        inside = told["truth"].between(told[low], told[f"hi_{share}"]).astype(float)
        found[f"inside_{share}"] = inside.where(known)
    return told[["target", what]].assign(**found).groupby(["target", what], sort=False).mean()
