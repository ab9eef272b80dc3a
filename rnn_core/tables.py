"""Tables of a person's own: read, checked row by row, and filled where that is asked for."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnn_core.errors import DataError, unknown


def table_file(raw: Path) -> Path:
    """The one table of a raw folder.

    Raises:
        DataError: If there is none, or more than one.
    """
    files = sorted([*raw.glob("*.csv"), *raw.glob("*.parquet")])
    if len(files) != 1:
        raise DataError(f"{raw} holds {len(files)} tables (.csv, .parquet), not exactly one")
    return files[0]


def load_table(file: Path) -> pd.DataFrame:
    """Read a CSV or parquet file.

    Raises:
        DataError: If it cannot be read.
    """
    try:
        return pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(file)
    except (ValueError, OSError) as error:
        raise DataError(f"{file.name} is not a readable table: {error}") from None


def select_columns(table: pd.DataFrame, columns: list[str], name: str) -> pd.DataFrame:
    """Keep the given columns, as numbers."""
    for column in columns:
        if column not in table.columns:
            raise DataError(f"{name}: {unknown('column', column, map(str, table.columns))}")
    numbers: pd.DataFrame = table[columns].apply(pd.to_numeric, errors="coerce")
    wrong = numbers.isna() & table[columns].notna()
    for column in columns:
        if wrong[column].any():
            row = int(np.argmax(wrong[column]))
            raise DataError(
                f"{name}, row {row + 2}, column {column!r}: "
                f"{table[column].iloc[row]!r} is not a number"
            )
    return numbers


def check_dates(table: pd.DataFrame, date: str, name: str) -> None:
    """Refuse a table whose timestamps do not increase from row to row."""
    if date not in table.columns:
        raise DataError(
            f"{name}: {unknown('column', date, map(str, table.columns))} "
            "(set data.date to the column of timestamps, or to null)"
        )
    times = pd.to_datetime(table[date], errors="coerce")
    if times.isna().any():
        row = int(np.argmax(times.isna()))
        raise DataError(
            f"{name}, row {row + 2}, column {date!r}: {table[date].iloc[row]!r} is not a timestamp"
        )
    late = (times.diff() <= pd.Timedelta(0)).to_numpy()
    if late.any():
        row = int(np.argmax(late))
        raise DataError(
            f"{name}, row {row + 2}: {table[date].iloc[row]} does not come after the row "
            "before; sort the table and drop duplicates"
        )


def fill_gaps(
    table: pd.DataFrame, sides: list[slice], missing: str, name: str
) -> NDArray[np.float64]:
    """Interpolate gaps, each side by itself so that nothing leaks from a later one.

    Args:
        table: Numbers, with gaps.
        sides: Rows of each side.
        missing: "interpolate", or "error" to refuse gaps.
        name: What to call the table in errors.

    Returns:
        The rows of all sides, float64 (N, columns).

    Raises:
        DataError: If there is a gap and it is not to be interpolated.
    """
    gaps = table.isna()
    if gaps.to_numpy().any() and missing == "error":
        row = int(np.argmax(gaps.any(axis=1)))
        column = gaps.columns[int(np.argmax(gaps.iloc[row]))]
        count = int(gaps.to_numpy().sum())
        raise DataError(
            f"{name}, row {row + 2}, column {column!r} has no value ({count} gaps in all); "
            "fill them, or set data.missing to interpolate"
        )
    pieces = [table.iloc[side].interpolate(limit_direction="both") for side in sides]
    return np.concatenate([piece.to_numpy(np.float64) for piece in pieces])


def following_dates(dates: "pd.Series[Any]", horizon: int) -> pd.DatetimeIndex:
    """The timestamps after the last, as far apart as the last two."""
    times = pd.to_datetime(dates)
    step = times.iloc[-1] - times.iloc[-2]
    return pd.date_range(times.iloc[-1] + step, periods=horizon, freq=step)
