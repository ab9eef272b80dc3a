"""A table becomes standardised numbers and sides."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnn_core.errors import DataError
from rnn_core.metric import SPLITS, Split
from rnn_core.tasks.forecasting.parameters import ForecastingData, ForecastingMeta
from rnn_core.tasks.forecasting.windows import Borders, first_rows, with_values

if TYPE_CHECKING:
    import pandas as pd


def prepare(raw: Path, parameters: ForecastingData) -> tuple[dict[str, Tensor], ForecastingMeta]:
    """Standardise the columns of the one table of a folder by its training side."""
    from rnn_core.readers import (  # noqa: PLC0415 - training does without
        tables,
        timestamps,
    )

    columns = [*parameters.targets, *parameters.features]
    file = tables.table_file(raw)
    table = tables.load_table(file)
    step = Step(None, None)
    if parameters.date is not None:
        times = timestamps.read_times(table, parameters.date, file.name)
        step = check_times(times, table.index, parameters, file.name)
    numbers = tables.select_columns(table, columns, file.name)
    borders = split_rows(len(table), parameters, file.name)
    sides = {f"{split} side": slice(*borders[split]) for split in SPLITS}
    values = tables.with_gaps(numbers, sides, parameters.missing, file.name)
    start, end = borders["train"]
    refuse_constant(values, values[start:end], columns, parameters.targets, file.name)
    mean, std = np.nanmean(values[start:end], axis=0), np.nanstd(values[start:end], axis=0)
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
            split: count_windows(scaled, borders, split, parameters, file.name) for split in SPLITS
        },
    )
    return {"values": scaled}, meta


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


class Step(NamedTuple):
    """What lies between two rows.

    Attributes:
        code: What pandas calls it, such as B for a business day; None if it has no name.
        seconds: Its median.
    """

    code: str | None
    seconds: float | None


def check_times(
    times: "pd.DatetimeIndex", rows: "pd.Index[Any]", parameters: ForecastingData, name: str
) -> Step:
    """Refuse timestamps out of order, and gaps in time unless they are allowed.

    Raises:
        DataError: Names the first such row.
    """
    from rnn_core.readers import timestamps  # noqa: PLC0415 - training does without

    timestamps.check_order(times, rows, name)
    if parameters.irregular == "error":
        timestamps.check_steps(times, rows, name)
    if len(times) < 2:
        return Step(None, None)
    return Step(timestamps.step_code(times), timestamps.median_seconds(times))


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
