"""A table becomes standardised numbers and sides."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnn_core.errors import DataError
from rnn_core.metric import SPLITS, Split
from rnn_core.readers.faults import Faults
from rnn_core.tasks.forecasting.parameters import ForecastingData, ForecastingMeta
from rnn_core.tasks.forecasting.reading import Step, check_times, read_table
from rnn_core.tasks.forecasting.windows import Borders, first_rows, with_values

if TYPE_CHECKING:
    import pandas as pd

GAP_CURE = "fill it, or set data.missing to fill"


def prepare(raw: Path, parameters: ForecastingData) -> tuple[dict[str, Tensor], ForecastingMeta]:
    """Standardise the columns of the one table of a folder by its training side."""
    from rnn_core.readers import tables  # noqa: PLC0415 - training does without

    table = read_table(raw, parameters)
    times, columns = table.times, list(table.numbers.columns)
    step = Step(None, None)
    if times is not None:
        step = check_times(times, table.frame, parameters, table.name)
    if parameters.missing == "error":
        tables.check_gaps(table.numbers, table.name, GAP_CURE)
    borders = split_rows(len(table.numbers), parameters, table.name)
    sides = {f"{split} side": slice(*borders[split]) for split in SPLITS}
    tables.check_sides(table.numbers, sides, table.name)
    values = table.numbers.iloc[: borders["test"][1]].to_numpy(np.float64)
    start, end = borders["train"]
    refuse_constant(values, values[start:end], columns, parameters.targets, table.name)
    if parameters.nonnegative:
        refuse_negative(table.numbers[list(parameters.targets)], table.name)
    mean, std = scale_of(values[start:end], parameters.scaling)
    scaled = torch.from_numpy(np.ascontiguousarray((values - mean) / std, np.float32))
    meta = ForecastingMeta(
        parameters=parameters,
        columns=columns,
        mean=mean.tolist(),
        std=std.tolist(),
        step=step.code,
        step_seconds=step.seconds,
        borders=borders,
        items={
            split: count_windows(scaled, borders, split, parameters, table.name) for split in SPLITS
        },
        form=table.form,
        day_first=table.day_first,
        zone=str(times.tz) if times is not None and times.tz is not None else None,
        span=(str(times[0]), str(times[-1])) if times is not None else None,
        sessions=step.sessions,
        cut=table.cut,
    )
    return {"values": scaled}, meta


Scale: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Where columns are 0, and how far from there they are 1, (C,) each."""

IQR = 1.3489795003921634
"""Standard deviations that the interquartile range of the normal distribution has."""


def scale_of(train: NDArray[np.float64], scaling: Literal["standard", "robust"]) -> Scale:
    """The scale of columns (T, C) of the training side, gaps left out.

    Where half of the values of a column are the same, it has no interquartile range, and its
    standard deviation stands for it.
    """
    deviation = np.nanstd(train, axis=0)
    if scaling == "standard":
        return np.nanmean(train, axis=0), deviation
    low, median, high = np.nanquantile(train, [0.25, 0.5, 0.75], axis=0)
    return median, np.where(high > low, (high - low) / IQR, deviation)


def refuse_negative(targets: "pd.DataFrame", name: str) -> None:
    """Refuse targets below 0.

    Raises:
        DataError: Names all.
    """
    faults = Faults()
    for column in targets:
        for row, value in targets[column][targets[column] < 0].items():
            what = f"{name}, row {row}, column {column!r}: {value:g} is below 0"
            faults.add(what, "set data.nonnegative to false, or mend the value")
    faults.check()


def count_windows(
    values: Tensor, borders: Borders, split: Split, parameters: ForecastingData, name: str
) -> int:
    """How many windows of a side can be forecast and scored.

    Raises:
        DataError: If there is none.
    """
    ahead = parameters.lookback, parameters.horizon
    rows = first_rows(borders, split, *ahead)
    count = len(with_values(values, rows, *ahead, len(parameters.targets)))
    if not count:
        raise DataError(
            f"{name}: every window of the {split} side has a column without a value in its "
            f"lookback of {parameters.lookback} rows, or none of a target in the "
            f"{parameters.horizon} after it; raise data.lookback, or leave out what has the gaps"
        )
    return count


def refuse_constant(
    values: NDArray[np.float64],
    train: NDArray[np.float64],
    columns: list[str],
    targets: tuple[str, ...],
    name: str,
) -> None:
    """Refuse columns from which nothing can be learned.

    Raises:
        DataError: If one never changes, at all or on the training side.
    """
    for index, column in enumerate(columns):
        kind = "target" if column in targets else "feature"
        lowest, highest = np.nanmin(values[:, index]), np.nanmax(values[:, index])
        if lowest == highest:
            raise DataError(
                f"{name}: {kind} column {column!r} never changes: all rows have {lowest:g}; "
                "leave it out"
            )
        if np.nanmin(train[:, index]) == np.nanmax(train[:, index]):
            raise DataError(
                f"{name}: {kind} column {column!r} never changes on the training side; "
                "leave it out, or change data.split"
            )


def split_rows(num_rows: int, parameters: ForecastingData, name: str) -> Borders:
    """Cut rows into sides in their order.

    Raises:
        DataError: If a side is too short for one window.
    """
    unit = 1 if min(parameters.split) >= 1 else num_rows
    ends = [round(end * unit) for end in np.cumsum(parameters.split).tolist()]
    if ends[-1] > num_rows:
        raise DataError(f"{name}: data.split asks for {ends[-1]} rows, the table has {num_rows}")
    starts = [0, *ends[:-1]]
    borders: Borders = dict(zip(SPLITS, zip(starts, ends, strict=True), strict=True))
    for split in SPLITS:
        if len(first_rows(borders, split, parameters.lookback, parameters.horizon)) < 1:
            start, end = borders[split]
            raise DataError(
                f"{name}: the {split} side has {end - start} rows, too few for a lookback of "
                f"{parameters.lookback} and a horizon of {parameters.horizon}"
            )
    return borders
