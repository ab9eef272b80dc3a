"""The rows after the last target, which hold values that are known ahead; and an example."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnn_core.readers.faults import Faults
from rnn_core.readers.indicators import as_texts, columns_of
from rnn_core.tasks.forecasting.parameters import ForecastingData, ForecastingMeta
from rnn_core.tasks.forecasting.reading import Table, read_table
from rnn_core.tasks.forecasting.units import refuse_other_units

if TYPE_CHECKING:
    import pandas as pd

CURE = "fill it, since the model knows it ahead"


def known_rows(
    table: "pd.DataFrame",
    times: "pd.DatetimeIndex | None",
    count: int,
    meta: ForecastingMeta,
    name: str,
) -> NDArray[np.float64]:
    """Known values of the rows to predict, (N, K).

    Args:
        table: The rows after the last that has a value of a target.
        times: The timestamps of these; where there is no such row, those that are to be predicted.
        count: How many rows are to be predicted, N.
        meta: Says which K columns are known ahead.
        name: What to call the table in errors.

    Raises:
        DataError: If there are fewer rows, or one lacks a value; names all.
    """
    from rnn_core.readers import tables  # noqa: PLC0415 - training does without
    from rnn_core.readers.times.steps import shown  # noqa: PLC0415 - as above

    asked, faults = meta.parameters, Faults()
    if not asked.known:
        return np.zeros((count, 0))
    if len(table) < count:
        columns, first = (
            ", ".join(columns_of(asked.known)),
            "" if times is None else shown(times[0]),
        )
        faults.add(
            f"{name}: the model knows {columns} ahead, and of the {count} rows to predict"
            f"{first and f', from {first} on,'} {len(table)} are there",
            f"add them with {columns} filled and {', '.join(asked.targets)} empty"
            + (f", or ask for horizon={len(table)}" if len(table) else ""),
        )
    faults.check()
    units = dict[str, str]()
    numbers = tables.select_columns(
        table, list(asked.known), name, meta.form.decimal, flags=asked.known, units=units
    )
    refuse_other_units(units, meta.units, name)
    tables.check_gaps(numbers, name, CURE)
    return numbers.to_numpy(np.float64)


def example_of(raw: Path, meta: ForecastingMeta) -> "pd.DataFrame":
    """The first consecutive rows without a gap of a table; the first rows if there are none.

    If there are several series, it has the first two that have enough rows.
    """
    import pandas as pd  # noqa: PLC0415 - training does without

    asked = meta.parameters
    parts = read_table(raw, replace(asked, **vars(meta.form))).parts.items()
    length = asked.lookback + (asked.horizon if asked.known else 0)
    whole = [(series, part) for series, part in parts if len(part.numbers) >= length]
    examples = [without_gaps(*one, length, asked) for one in whole[:2]]
    return pd.concat(examples, ignore_index=True)


def without_gaps(
    series: str, table: Table, length: int, parameters: ForecastingData
) -> "pd.DataFrame":
    """The first rows of a series without a gap; if there are none, the first that can be answered.

    These end with a value of a target, and no column is empty in them.

    Rows after the lookback have only the columns that are known ahead.

    Args:
        series: The name of the series.
        table: Its rows.
        length: How many rows to return.
        parameters: What the model was trained with.
    """
    there = table.numbers.notna().to_numpy()
    whole = np.lib.stride_tricks.sliding_window_view(there.all(axis=1), length).all(axis=-1)
    if not whole.any():
        whole = usable_windows(there, length, parameters, table.numbers.columns)
    first = int(np.argmax(whole))
    rows = slice(first, first + length)
    example = table.numbers.iloc[rows].reset_index(drop=True)
    example.loc[parameters.lookback :, [*parameters.targets, *parameters.features]] = np.nan
    example = as_texts(example, parameters.given)
    if table.times is not None:
        example.insert(0, str(parameters.date), table.times[rows])
    if parameters.series is not None:
        example.insert(0, parameters.series, series)
    return example


def usable_windows(
    there: NDArray[np.bool_], length: int, parameters: ForecastingData, columns: "pd.Index[Any]"
) -> NDArray[np.bool_]:
    """Windows of rows that can be answered, (N,).

    Args:
        there: Which values there are, (T, C).
        length: How many rows a window has.
        parameters: What the model was trained with.
        columns: Names of the columns.
    """
    windows = np.lib.stride_tricks.sliding_window_view(there, length, axis=0)
    past, after = windows[..., : parameters.lookback], windows[..., parameters.lookback :]
    targets = len(parameters.targets)
    known = np.isin(columns, parameters.known)
    usable: NDArray[np.bool_] = np.logical_and.reduce(after[:, known], axis=(1, 2))
    usable &= past.any(axis=2).all(axis=-1) & past[:, :targets, -1].any(axis=-1)
    return usable
