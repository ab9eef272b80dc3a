"""Parameters to start from, for a table of a person's own."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnn_core.errors import DataError, ParameterError
from rnn_core.tasks.base.prepares import Suggestion
from rnn_core.tasks.forecasting.seasons import season_of

if TYPE_CHECKING:
    import pandas as pd


START_STEPS = 2_000
"""Steps of the optimiser that a suggested training has about, within 20 to 100 epochs."""

LEAST_ROWS = 40
"""Rows below which nothing is suggested: the shorter sides have 8 then."""

START_SPLIT = (0.6, 0.2, 0.2)
"""Sides that are suggested: for short tables too, the shorter ones hold some windows."""

LONGEST_LOOKBACK = 336

LONGEST_HORIZON = 48
"""Rows that are suggested at most; a longer season is predicted by its quarter."""


def suggest(raw: Path, wanted: Mapping[str, Any]) -> Suggestion:
    """Parameters for a table, of which a person has to know the targets alone.

    The column of timestamps is found; lookback and horizon follow from the step
    between rows and their number. Gaps in columns and in time are declared, with
    `missing: fill` and `irregular: allow`, so that the person sees them.
    """
    from rnn_core.readers import (  # noqa: PLC0415 - training does without
        tables,
        timestamps,
    )

    file = tables.table_file(raw)
    table = tables.load_table(file)
    columns = wanted_columns(table, wanted, file.name)
    numbers = tables.select_columns(table, columns, file.name)
    found = None if "date" in wanted else timestamps.find_dates(table, columns, file.name)
    date = wanted.get("date", found)
    data = {"date": date, "split": list(START_SPLIT), **wanted}
    if numbers.isna().to_numpy().any():
        data.setdefault("missing", "fill")
    seconds = None
    if date is not None:
        times = timestamps.read_times(table, date, file.name)
        timestamps.check_order(times, table.index, file.name)
        seconds = timestamps.median_seconds(times)
        if not timestamps.regular(times):
            data.setdefault("irregular", "allow")
    data |= suggest_windows(len(table), seconds, data, file.name)
    return {"data": data} | suggest_training(len(table), data)


def wanted_columns(table: "pd.DataFrame", wanted: Mapping[str, Any], name: str) -> list[str]:
    """Targets and features that a person asks for.

    Raises:
        ParameterError: If none is asked for, or one is not a column of numbers.
    """
    from pandas.api.types import is_bool_dtype, is_numeric_dtype  # noqa: PLC0415 - as above

    numeric = [c for c in table if is_numeric_dtype(table[c]) and not is_bool_dtype(table[c])]
    known = f"columns of numbers: {', '.join(map(str, numeric)) or 'none'}"
    if not wanted.get("targets"):
        raise ParameterError(f"{name}: no targets, the columns to predict, are given; {known}")
    columns = [*wanted["targets"], *wanted.get("features", ())]
    for column in columns:
        if column not in table:
            raise ParameterError(f"{name} has no column {column!r}; {known}")
        if column not in numeric and not table[column].astype(str).str.contains(r"\d").any():
            raise ParameterError(f"{name}: column {column!r} holds no numbers; {known}")
    return columns


def suggest_windows(
    num_rows: int, step_seconds: float | None, data: Mapping[str, Any], name: str
) -> dict[str, int]:
    """A horizon and lookback for the step between rows, as long as the rows allow.

    Raises:
        DataError: If there are too few rows.
        ParameterError: If there are too few for the horizon or lookback that is wanted.
    """
    if num_rows < LEAST_ROWS:
        raise DataError(f"{name} has {num_rows} rows; at least {LEAST_ROWS} are needed")
    unit = 1 if min(data["split"]) >= 1 else num_rows
    train, shortest = int(data["split"][0] * unit), int(min(data["split"]) * unit)
    season = season_of(step_seconds)
    length = season.rows(step_seconds) if season and step_seconds else 12
    ahead = length if length <= LONGEST_HORIZON else length // 4
    horizon = data.get("horizon", min(ahead, shortest // 2))
    behind = length * min(season.seen if season else 4, max(LONGEST_LOOKBACK // length, 1))
    lookback = data.get("lookback", max(min(behind, train // 2 - horizon), 1))
    if horizon > shortest or lookback + horizon > train:
        raise ParameterError(
            f"{name} has {num_rows} rows, too few for a lookback of {lookback} and a horizon of "
            f"{horizon}; the training side has {train}, the shortest {shortest}"
        )
    return {"lookback": lookback, "horizon": horizon}


def suggest_training(num_rows: int, data: Mapping[str, Any]) -> Suggestion:
    """A model and a training for so many rows, the larger the more there are."""
    windows = min(int(data["split"][0] * num_rows), num_rows) - data["lookback"] - data["horizon"]
    apart = len(data["targets"]) > 3 and not data.get("features")
    batch_size = min(max(2 ** int(np.log2(max(windows, 1) / 40 + 1)), 16), 256)
    model = {
        "hidden_size": 16 if windows < 300 else 32 if windows < 3_000 else 64,
        "segment": suggest_segment(data["lookback"]),
        "normalisation": "last_value",
        "channels": "apart" if apart else "together",
        "dropout": 0.1,
    }
    training = {
        "epochs": min(max(START_STEPS * batch_size // max(windows, 1), 20), 100),
        "batch_size": batch_size,
        "learning_rate": 0.005,
        "schedule": "cosine",
        "warmup_steps": 20,
    }
    return {"model": model, "training": training}


def suggest_segment(lookback: int) -> int:
    """Of a long lookback, the longest divisor up to 24 that leaves 12 steps or more."""
    if lookback <= 96:
        return 1
    return max(d for d in range(1, 25) if lookback % d == 0 and (d == 1 or lookback >= 12 * d))
