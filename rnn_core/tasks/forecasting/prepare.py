"""A table becomes standardised numbers and splits."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnn_core.errors import DataError
from rnn_core.metric import SPLITS, Split
from rnn_core.readers.faults import Faults
from rnn_core.tasks.forecasting.ahead.calendar import CALENDAR, calendar_of, refuse_constant_parts
from rnn_core.tasks.forecasting.parameters import ForecastingData, ForecastingMeta, Series
from rnn_core.tasks.forecasting.reading import Table, read_table
from rnn_core.tasks.forecasting.steps import Step, check_times, common_step
from rnn_core.tasks.forecasting.windows import Borders, by_split, closed_up, first_rows, with_values

if TYPE_CHECKING:
    import pandas as pd

GAP_CURE = "fill it, or set data.missing to fill"


def prepare(raw: Path, parameters: ForecastingData) -> tuple[dict[str, Tensor], ForecastingMeta]:
    """Standardise the columns of the one table of a folder by its training set.

    Each series of a table of several is standardised by its own training set.
    """
    from rnn_core.readers import tables  # noqa: PLC0415 - training does without

    table = read_table(raw, parameters)
    parts, times, columns = table.parts, table.times, list(table.numbers.columns)
    step = checked_step(table, parameters)
    if parameters.missing == "error":
        tables.check_gaps(table.numbers, table.name, GAP_CURE)
    if parameters.nonnegative:
        refuse_negative(table.numbers[list(parameters.targets)], table.name)
    kept, faults = [], Faults()
    for series, part in parts.items():
        with faults.noted():
            kept.append(kept_rows(series, part, parameters))
    faults.check()
    scales = scales_of(kept, columns, parameters, table.name)
    scaled = []
    for one, scale in zip(kept, scales, strict=True):
        with faults.noted():
            rows = parts[one.name].numbers.index
            scaled.append(in_scale(one.values, scale, rows, columns, table.name))
    faults.check()
    found = [
        Series(name=one.name, mean=mean.tolist(), std=std.tolist(), tested_from=one.tested_from)
        for one, (mean, std) in zip(kept, scales, strict=True)
    ]
    values, borders = torch.cat(scaled), closed_up(one.borders for one in kept)
    meta = ForecastingMeta(
        parameters=parameters,
        columns=columns,
        series=found,
        step=step.code,
        step_seconds=step.seconds,
        borders=by_split(borders),
        items={
            split: count_windows(values, borders, split, parameters, table.name) for split in SPLITS
        },
        form=table.form,
        day_first=table.day_first,
        zone=str(times.tz) if times is not None and times.tz is not None else None,
        span=(str(times.min()), str(times.max())) if times is not None else None,
        sessions=step.sessions,
        cut=table.cut,
        units=table.units,
    )
    return {"values": values} | calendar_rows(kept, parameters, table.name), meta


def calendar_rows(
    kept: Sequence["Kept"], parameters: ForecastingData, name: str
) -> dict[str, Tensor]:
    """Calendar features of all series, float32 (T, P); nothing if none are requested.

    Raises:
        DataError: If a part is the same on the whole training set.
    """
    if not parameters.calendar:
        return {}
    rows = [calendar_of(one.times, parameters.calendar) for one in kept]
    train = [part[: len(one.train)] for part, one in zip(rows, kept, strict=True)]
    refuse_constant_parts(torch.cat(train), parameters.calendar, name)
    return {CALENDAR: torch.cat(rows)}


class Kept(NamedTuple):
    """The rows of a series that are in a split.

    Attributes:
        name: Of the series.
        values: Its columns, (T, C), NaN where there is a gap.
        borders: The splits, counted from its first row.
        times: Its timestamps; None if there are none.
    """

    name: str
    values: NDArray[np.float64]
    borders: Borders
    times: "pd.DatetimeIndex | None"

    @property
    def train(self) -> NDArray[np.float64]:
        """The rows of its training set."""
        return self.values[slice(*self.borders["train"])]

    @property
    def tested_from(self) -> str | None:
        """The first timestamp of its test set."""
        first, end = self.borders["test"]
        return None if self.times is None or first == end else str(self.times[first])


def kept_rows(series: str, table: Table, parameters: ForecastingData) -> Kept:
    """Cut a series into splits, and check each; of one among several, the training set.

    Raises:
        DataError: If a split has no values, or is too short.
    """
    from rnn_core.readers import tables  # noqa: PLC0415 - training does without

    borders = split_rows(len(table.numbers), parameters, table.name)
    alone = parameters.series is None
    if alone:
        check_lengths(borders, parameters, table.name)
    checked: tuple[Split, ...] = SPLITS if alone else ("train",)
    parts = {f"{split} set": slice(*borders[split]) for split in checked}
    tables.check_values(table.numbers, parts, table.name)
    values = table.numbers.iloc[: borders["test"][1]].to_numpy(np.float64)
    times = None if table.times is None else table.times[: len(values)]
    return Kept(series, values, borders, times)


def checked_step(table: Table, parameters: ForecastingData) -> Step:
    """The step between the rows of a table, of several series that of the longest.

    Raises:
        DataError: If rows are not in the order of time, or a series has another step, if only at
            its end; names all such series.
    """
    if table.times is None:
        return Step(None, None)
    steps, faults = {}, Faults()
    for series, part in table.parts.items():
        assert part.times is not None
        with faults.noted():
            steps[series] = check_times(part.times, part.others, parameters, part.name)
    faults.check()
    usual = common_step(steps, table)
    if usual.seconds:
        refuse_other_ends(table, usual.seconds, parameters)
    return usual


def refuse_other_ends(table: Table, seconds: float, parameters: ForecastingData) -> None:
    """Refuse series whose last rows, from which a forecast is made, have another step than most.

    Raises:
        DataError: Names all.
    """
    from rnn_core.readers.times import steps  # noqa: PLC0415 - training does without

    faults = Faults()
    for part in table.parts.values():
        assert part.times is not None
        last = part.times[-parameters.lookback :]
        if len(last) > 1 and not steps.as_far_apart(last, seconds, parameters.irregular):
            faults.add(
                f"{part.name}: the last {len(last)} rows, from row {part.others.index[-len(last)]} "
                f"on, are {steps.median_seconds(last):g} seconds apart, and most rows {seconds:g}",
                "keep rows of one step alone, since a model counts rows, not time",
            )
    faults.check()


Scale: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Where columns are 0, and how far from there they are 1, (C,) each."""

FARTHEST = 1e15
"""Deviations from the mean that a value has at most; its square is in the range of float32."""

EXACT = 2**53
"""From here on, some whole numbers are read as their neighbours."""

IQR = 1.3489795003921634
"""Standard deviations that the interquartile range of the normal distribution has."""


def scale_of(train: NDArray[np.float64], scaling: Literal["standard", "robust"]) -> Scale:
    """The scale of columns (T, C) of the training set, gaps left out.

    Where half of the values of a column are the same, it has no interquartile range, and its
    standard deviation stands for it.
    """
    deviation = np.nanstd(train, axis=0)
    if scaling == "standard":
        return np.nanmean(train, axis=0), deviation
    low, median, high = np.nanquantile(train, [0.25, 0.5, 0.75], axis=0)
    return median, np.where(high > low, (high - low) / IQR, deviation)


def in_scale(
    values: NDArray[np.float64], scale: Scale, rows: "pd.Index[Any]", columns: list[str], name: str
) -> Tensor:
    """Columns in their scale, float32 (T, C); see `refuse_farthest`."""
    mean, std = scale
    scaled = (values - mean) / std
    refuse_farthest(scaled, values, rows, columns, name)
    return torch.from_numpy(np.ascontiguousarray(scaled, np.float32))


def refuse_farthest(
    scaled: NDArray[np.float64],
    values: NDArray[np.float64],
    rows: "pd.Index[Any]",
    columns: Sequence[str],
    name: str,
) -> None:
    """Refuse values that are too far from the others for their squares to be added up.

    Args:
        scaled: In their scale, (T, C).
        values: As they are, (T, C).
        rows: What each row is called; further ones may follow.
        columns: What each column is called.
        name: What to call the table in errors.

    Raises:
        DataError: Names all.
    """
    faults = Faults()
    for row, place in np.argwhere(np.abs(scaled) >= FARTHEST).tolist():
        where = f"{name}, row {rows[row]}, column {columns[place]!r}"
        what = f"{where}: {values[row, place]:g} is too far from the other values"
        faults.add(what, "leave it empty, or write another number")
    faults.check()


def refuse_negative(targets: "pd.DataFrame", name: str) -> None:
    """Refuse targets below 0.

    Raises:
        DataError: Names all.
    """
    faults = Faults()
    for column in targets:
        for row, value in targets[column][targets[column] < 0].items():
            what = f"{name}, row {row}, column {column!r}: {value:g} is below 0"
            faults.add(what, "set data.nonnegative to false, or correct the value")
    faults.check()


def scales_of(
    kept: Sequence[Kept], columns: list[str], parameters: ForecastingData, name: str
) -> list[Scale]:
    """The scale of each series, by its training set.

    Where a column is the same in all rows of that, it has the median of the scales that it has in
    other series. A feature that never changes within a series, such as the size of a store, has
    one scale for all.

    Raises:
        DataError: If a column has none.
    """
    refuse_constant(kept, columns, parameters, name)
    means, stds = (
        np.stack(each)
        for each in zip(*(scale_of(one.train, parameters.scaling) for one in kept), strict=True)
    )
    for place, column in enumerate(columns):
        changes = stds[:, place] > 0
        if changes.any():
            stds[~changes, place] = np.median(stds[changes, place])
        elif column in parameters.targets:
            if any(
                low[place] < high[place] for low, high in (range_of([one.train]) for one in kept)
            ):
                raise DataError(
                    f"{name}: the values of target column {column!r} differ by too little to be "
                    "scaled; write them in a smaller unit"
                )
            raise DataError(
                f"{name}: target column {column!r} never changes within a series on the training "
                "set; leave it out"
            )
        else:
            train = np.concatenate([one.train[:, [place]] for one in kept])
            mean, std = scale_of(train, parameters.scaling)
            means[:, place], stds[:, place] = mean, std
    return list(zip(means, stds, strict=True))


def count_windows(
    values: Tensor, borders: list[Borders], split: Split, parameters: ForecastingData, name: str
) -> int:
    """Number of windows of a split that can be forecast and scored.

    Raises:
        DataError: If there is none.
    """
    ahead = parameters.lookback, parameters.horizon
    rows = first_rows(borders, split, *ahead)
    if not len(rows):
        raise DataError(
            f"{name}: no series has a {split} set that is long enough for a lookback of "
            f"{parameters.lookback} and a horizon of {parameters.horizon}"
        )
    count = len(with_values(values, rows, *ahead, len(parameters.targets)))
    if not count:
        raise DataError(
            f"{name}: every window of the {split} set has a column without a value in its "
            f"lookback of {parameters.lookback} rows, or none of a target in the "
            f"{parameters.horizon} after it; raise data.lookback, or leave out what has the gaps"
        )
    return count


def refuse_constant(
    kept: Sequence[Kept], columns: list[str], parameters: ForecastingData, name: str
) -> None:
    """Refuse columns from which nothing can be learned.

    Raises:
        DataError: If one never changes, at all or on the training set.
    """
    kinds = dict.fromkeys(parameters.targets, "target") | dict.fromkeys(parameters.known, "known")
    whole = range_of([one.values for one in kept])
    train = range_of([one.train for one in kept])
    each = zip(columns, *whole, *train, strict=True)
    for column, lowest, highest, lowest_of_train, highest_of_train in each:
        kind = kinds.get(column, "feature")
        if lowest == highest and abs(lowest) >= EXACT:
            raise DataError(
                f"{name}: {kind} column {column!r} changes after its first 15 digits at most, and "
                "numbers are read no further; leave it out, or subtract the same from all"
            )
        if lowest == highest:
            raise DataError(
                f"{name}: {kind} column {column!r} never changes: all rows have {lowest:g}; "
                "leave it out"
            )
        if lowest_of_train == highest_of_train:
            raise DataError(
                f"{name}: {kind} column {column!r} never changes in the training set; "
                "leave it out, or change data.split"
            )


def range_of(parts: Sequence[NDArray[np.float64]]) -> tuple[NDArray[np.float64], ...]:
    """The lowest and the highest value of each column of parts (T, C), gaps left out, (C,) each."""
    lowest = np.min([np.nanmin(part, axis=0) for part in parts], axis=0)
    return lowest, np.max([np.nanmax(part, axis=0) for part in parts], axis=0)


def split_rows(num_rows: int, parameters: ForecastingData, name: str) -> Borders:
    """Cut rows into splits in their order.

    Raises:
        DataError: If there are fewer rows than are asked for.
    """
    unit = 1 if min(parameters.split) >= 1 else num_rows
    ends = [round(end * unit) for end in np.cumsum(parameters.split).tolist()]
    if ends[-1] > num_rows:
        raise DataError(f"{name}: data.split asks for {ends[-1]} rows, the table has {num_rows}")
    starts = [0, *ends[:-1]]
    return dict(zip(SPLITS, zip(starts, ends, strict=True), strict=True))


def check_lengths(borders: Borders, parameters: ForecastingData, name: str) -> None:
    """Refuse a split that is too short for one window.

    Raises:
        DataError: If there is one.
    """
    for split in SPLITS:
        if len(first_rows([borders], split, parameters.lookback, parameters.horizon)) < 1:
            start, end = borders[split]
            raise DataError(
                f"{name}: the {split} set has {end - start} rows, too few for a lookback of "
                f"{parameters.lookback} and a horizon of {parameters.horizon}"
            )
