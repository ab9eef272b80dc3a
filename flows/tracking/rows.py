"""Tables as rows of JSON, and back."""

import base64
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

Row = dict[str, Any]


def rows_of(table: pd.DataFrame) -> list[Row]:
    """The rows of a table; missing values and NaN become null.

    Timestamps are written in ISO 8601, contents of files in base64.
    """
    columns = [plain(table[name]) for name in table.columns]
    names = [str(name) for name in table.columns]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def plain(column: "pd.Series[Any]") -> list[Any]:
    """The values of a column as JSON values."""
    return [plain_value(value) for value in column.tolist()]


def plain_value(value: Any) -> Any:
    """A value as a JSON value."""
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, np.generic):
        return plain_value(value.item())
    return value if isinstance(value, str | int | bool) else str(value)


def table_of(rows: Sequence[Mapping[str, Any]], columns: Collection[str]) -> pd.DataFrame:
    """A table of rows, with the columns that any row has; its index is called `row`.

    Args:
        rows: One or more rows.
        columns: All possible columns, in their order.
    """
    there = [name for name in columns if any(name in row for row in rows)]
    content = {name: [row.get(name) for row in rows] for name in there}
    return numbered(pd.DataFrame(content, index=range(len(rows))))


def numbered(table: pd.DataFrame) -> pd.DataFrame:
    """A table whose rows are numbered from 1."""
    return table.set_axis(pd.RangeIndex(1, len(table) + 1, name="row"))


def texts_in(table: pd.DataFrame) -> set[str]:
    """All texts of a table and its column names, which messages must not repeat."""
    found = {str(name) for name in table.columns}
    for name in table.columns:
        found.update(value for value in table[name].tolist() if isinstance(value, str))
    return found
