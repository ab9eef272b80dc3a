"""The rows after the last target, which hold values that are known ahead."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnn_core.readers.faults import Faults
from rnn_core.tasks.forecasting.parameters import ForecastingMeta

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
        columns, first = ", ".join(asked.known), "" if times is None else shown(times[0])
        faults.add(
            f"{name}: the model knows {columns} ahead, and of the {count} rows to predict"
            f"{first and f', from {first} on,'} {len(table)} are there",
            f"add them with {columns} filled and {', '.join(asked.targets)} empty"
            + (f", or ask for horizon={len(table)}" if len(table) else ""),
        )
    faults.check()
    numbers = tables.select_columns(
        table, list(asked.known), name, meta.form.decimal, flags=asked.known
    )
    tables.check_gaps(numbers, name, CURE)
    return numbers.to_numpy(np.float64)
