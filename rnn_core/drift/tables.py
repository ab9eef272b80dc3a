"""Traits of the rows of a table, by consecutive windows of rows."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rnn_core.drift.traits import Floats, Traits
from rnn_core.errors import DataError
from rnn_core.tasks.forecasting.long_table import called, places_of
from rnn_core.tasks.forecasting.reading import NAME, read_table
from rnn_core.tasks.forecasting.task import Forecasting

if TYPE_CHECKING:
    import pandas as pd

    from rnn_core.tasks.forecasting.parameters import ForecastingMeta

WINDOWS = 20
"""Fewest windows of a training set."""

SHORTEST = 4
"""Fewest rows of a window."""

LEVEL = 0.5
"""A level must move by this many standard deviations of the training set to matter."""

RELATIVE = 0.5
"""A standard deviation, a roughness or a step must change by this share to matter."""

SHARE = 0.05
"""The smallest change of a share of rows that matters."""


class Windows:
    """Consecutive windows of rows.

    If there are several series, the traits of a window are means over all series, since series of
    one table move together.
    """

    items = "windows of rows"
    in_time = True

    def of_input(self, task: Forecasting, table: "pd.DataFrame") -> Traits:
        from rnn_core.readers import tables  # noqa: PLC0415 - training does not need it

        meta = task.meta
        read, times = task.in_time_order(table)
        places = places_of(read, meta.parameters.series, NAME)
        ends = task.with_values(read, places)
        times = task.times_of(read) if times is None else times
        found = []
        for series, rows in places.items():
            kept = rows[: ends[series]]
            flags = meta.parameters.given
            numbers = tables.select_columns(
                read.iloc[kept], meta.columns, called(NAME, series), meta.form.decimal, flags=flags
            )
            own = None if times is None else times[kept]
            found.append(of_series(task, series, numbers.to_numpy(np.float64), own))
        if not any(map(len, found)):
            raise DataError(f"{NAME} has too few rows: {window_of(meta)} are needed")
        return mean_of(task, found)

    def of_training(self, task: Forecasting, raw: Path) -> Traits:
        meta, found = task.meta, []
        parts = read_table(raw, meta.parameters).parts.items()
        for (series, part), borders in zip(parts, meta.series_borders, strict=True):
            trained = slice(0, borders["train"][1] - borders["train"][0])
            own = None if part.times is None else part.times[trained]
            numbers = part.numbers[meta.columns].to_numpy(np.float64)[trained]
            found.append(of_series(task, series, numbers, own))
        traits = mean_of(task, found)
        matters = {name: mattering(name, each) for name, each in traits.numbers.items()}
        return Traits(num_items=traits.num_items, numbers=traits.numbers, matters=matters)


def mattering(name: str, values: Floats) -> float:
    """The smallest change of a trait that matters, given its mean in the training set."""
    kind = name.rpartition(", ")[2]
    if kind == "level":
        return LEVEL
    if kind == "missing":
        return SHARE
    there = values[~np.isnan(values)]
    return RELATIVE * abs(float(there.mean())) if len(there) else 0.0


def window_of(meta: "ForecastingMeta") -> int:
    """Rows of a window: those that the model reads, or fewer if the training set has few rows."""
    longest = max(end - start for start, end in meta.borders["train"])
    return max(SHORTEST, min(meta.lookback, longest // WINDOWS))


def of_series(
    task: Forecasting, series: str, values: Floats, times: "pd.DatetimeIndex | None"
) -> Floats:
    """The traits of each window of a series, (W, traits), in the order of `names_of`.

    Args:
        task: The task of the model.
        series: Its name; a series that the model was not trained on has no own level.
        values: Its columns, (T, C), NaN where there is a gap.
        times: Its timestamps.
    """
    size, known = window_of(task.meta), task.meta.by_name.get(series)
    count = len(values) // size
    first = len(values) - count * size
    if known is not None:
        zero, one = np.array(known.mean), np.array(known.std)
    else:
        zero, one = task.new_scale(values)
    scaled = ((values - zero) / one)[first:].reshape(count, size, values.shape[1])
    mean, spread = moments(scaled)
    parts = [np.isnan(scaled).mean(axis=1), spread, moments(np.diff(scaled, axis=1))[1]]
    if not reads_last(task):
        parts.append(mean if known else np.full(spread.shape, np.nan))
    if times is not None:
        stamps = times[first:].as_unit("ns").asi8.reshape(count, size) / 1e9
        parts.append(np.median(np.diff(stamps, axis=1), axis=1, keepdims=True))
    return np.concatenate(parts, axis=1)


def moments(values: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of windows, (W, C) each; NaN where a window has no value.

    Args:
        values: (W, rows, C), NaN where there is a gap.
    """
    there = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        number = there.sum(axis=1)
        mean = np.where(there, values, 0.0).sum(axis=1) / number
        squares = np.where(there, values - mean[:, None], 0.0) ** 2
        return mean, np.sqrt(squares.sum(axis=1) / number)


def reads_last(task: Forecasting) -> bool:
    """Return whether the model reads values relative to the last one, and so ignores levels."""
    return task.model.normalisation == "last_value"


def names_of(task: Forecasting) -> list[str]:
    """Names of the traits of a window."""
    kinds = ["missing", "spread", "roughness", *([] if reads_last(task) else ["level"])]
    timed = ["step (seconds)"] if task.meta.parameters.date is not None else []
    return [f"{column}, {kind}" for kind in kinds for column in task.meta.columns] + timed


def mean_of(task: Forecasting, found: Sequence[Floats]) -> Traits:
    """The mean over series of the traits of each window, counted from the last one back."""
    most = max(map(len, found))
    stack = np.full((len(found), most, len(names_of(task))), np.nan)
    for own, windows in zip(stack, found, strict=True):
        own[most - len(windows) :] = windows
    with np.errstate(invalid="ignore"):
        there = ~np.isnan(stack)
        means = np.nansum(stack, axis=0) / there.sum(axis=0)  # NaN where there is none
    return Traits(num_items=most, numbers=dict(zip(names_of(task), means.T, strict=True)))
