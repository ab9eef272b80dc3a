"""Raw input of a model, with its numbers written as those that it was trained on."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnn_core.errors import DataError
from rnn_core.readers.faults import Faults
from rnn_core.tasks.forecasting.parameters import ForecastingMeta
from rnn_core.tasks.forecasting.reading import NAME

if TYPE_CHECKING:
    import pandas as pd

OTHER_SIGN = str.maketrans(".,", ",.")
"""Points in place of commas, and commas in place of points."""


def read_as_trained(path: Path, meta: ForecastingMeta) -> "pd.DataFrame":
    """Read any table, as the one that a model was trained on, or the one of a folder.

    Where it is not written as that was, its form is found out again.
    """
    from rnn_core.readers import tables  # noqa: PLC0415 - training does without

    if not path.exists():
        raise DataError(f"there is no {path}")
    files = tables.table_files(path) if path.is_dir() else [path]
    with suppress(DataError):
        table = tables.load_table(files, meta.form).frame
        if set(meta.parameters.read_columns) <= set(table.columns):
            return table
    read = tables.load_table(files, meta.parameters.form)
    other = (read.form.decimal or ".") != (meta.form.decimal or ".")
    return with_other_sign(read.frame, meta.columns) if other else read.frame


def in_own_sign(table: "pd.DataFrame", meta: ForecastingMeta) -> "pd.DataFrame":
    """A table whose numbers that are texts have the decimal sign of the training.

    They have another if that is a comma, and points stand where none can be between thousands.
    Else 304.482 would be a number of thousands, and 304.48 next to it none.

    Raises:
        DataError: If it is not certain which sign they have; names such columns.
    """
    from rnn_core.readers.table_files import WITH_POINT, without_units  # noqa: PLC0415 - as above

    if meta.form.decimal != ",":
        return table
    texts = [table[column].dropna() for column in texts_among(table, meta.columns)]
    if any(text.str.contains(",", regex=False).any() for text in texts):
        return table
    numbers = [without_units(text.str.strip()) for text in texts]
    if any(text.str.fullmatch(WITH_POINT.pattern).any() for text in numbers):
        return with_other_sign(table, meta.columns)
    faults = Faults()
    for text in numbers:
        refuse_unclear_points(text, meta, faults)
    faults.check()
    return table


def refuse_unclear_points(numbers: "pd.Series[Any]", meta: ForecastingMeta, faults: Faults) -> None:
    """Note a column whose points may all be between thousands, if it is likelier that none is.

    That is where the numbers are nearer to those of the training set with decimals: the one
    reading is 1,000 times the other, so that the size between them is 1,000 ** 0.5 times less.
    """
    grouped = numbers[numbers.str.fullmatch(r"[+-]?[1-9]\d{0,2}\.\d{3}")]
    if grouped.empty:
        return
    place = meta.columns.index(str(numbers.name))
    usual = np.median([abs(one.mean[place]) + one.std[place] for one in meta.series])
    thousands = grouped.str.replace(".", "", regex=False).astype(float).abs().median()
    if thousands / 1_000**0.5 > usual:
        faults.add(
            f"{NAME}, row {grouped.index[0]}, column {numbers.name!r}: the point of "
            f"{grouped.iloc[0]!r} may be before decimals, or between thousands, since the model "
            "was trained on decimals with a comma",
            "write decimals with a comma, and thousands without a separator",
        )


def texts_among(table: "pd.DataFrame", columns: Iterable[str]) -> list[str]:
    """The columns that a table has and that hold texts."""
    from pandas.api.types import is_string_dtype  # noqa: PLC0415 - as above

    there = [column for column in columns if column in table.columns]
    return [column for column in there if is_string_dtype(table[column].dropna())]


def with_other_sign(table: "pd.DataFrame", columns: Iterable[str]) -> "pd.DataFrame":
    """A table with points and commas exchanged in numbers that are texts."""

    def exchanged(values: "pd.Series[Any]") -> "pd.Series[Any]":
        digits = values.str.contains(r"\d", regex=True, na=False)
        return values.where(~digits, values.str.translate(OTHER_SIGN))

    return table.assign(**{c: exchanged(table[c]) for c in texts_among(table, columns)})
