"""Columns of texts as numbers: `holiday = Easter` is 1 where the holiday is Easter, else 0."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

SIGN = " = "
"""Stands between a column and one of its texts; names of columns hardly have it."""


class Indicator(NamedTuple):
    """A column that says whether another one has a value.

    Attributes:
        column: The other one, a column of texts.
        value: The value.
    """

    column: str
    value: str

    @property
    def name(self) -> str:
        """The name of the indicator."""
        return f"{self.column}{SIGN}{self.value}"


def indicator_of(name: str) -> Indicator | None:
    """The indicator that a name stands for; None if it is that of a column."""
    column, sign, value = name.partition(SIGN)
    return Indicator(column, value) if sign else None


def column_of(name: str) -> str:
    """The column of a table that is read for a name."""
    return name.partition(SIGN)[0]


def columns_of(names: Iterable[str]) -> list[str]:
    """The columns of a table that are read for some names that may be indicators, each once."""
    return list(dict.fromkeys(map(column_of, names)))


def written_as(values: "pd.Series[Any]") -> "pd.Series[Any]":
    """The texts of a column as they are compared; gaps are empty."""
    from rnn_core.readers.formats.written_numbers import are_gaps  # noqa: PLC0415 - has pandas

    if values.dtype.kind == "f" or values.dtype == object:  # of a spreadsheet: 2 is 2.0 there
        values = values.map(without_decimals, na_action="ignore")
    texts = values.astype("str").str.strip().str.normalize("NFC")
    return texts.mask(values.isna() | are_gaps(texts), "")


def without_decimals(value: object) -> object:
    """A whole number without decimals; any other value as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def kinds_of(values: "pd.Series[Any]") -> list[str]:
    """The different texts of a column, sorted, gaps left out."""
    return sorted({kind for kind in written_as(values).unique() if kind})


def ones_where(values: "pd.Series[Any]", value: str) -> NDArray[np.float64]:
    """1 where a column has a value, and 0 where it has another or none, (N,)."""
    return np.asarray(written_as(values) == value, np.float64)


def as_texts(numbers: "pd.DataFrame", given: Iterable[str]) -> "pd.DataFrame":
    """A table of numbers whose indicators are columns of texts again; empty where none is 1.

    Args:
        numbers: The table.
        given: Those of its columns that may be indicators.
    """
    found = numbers
    for name in given:
        one = indicator_of(name)
        if one is None:
            continue
        if one.column not in found:
            found = found.assign(**{one.column: ""})
        found = found.drop(columns=name)
        found.loc[numbers[name] == 1, one.column] = one.value
    return found
