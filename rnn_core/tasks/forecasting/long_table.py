"""Several series in one table, their rows below each other or in turn."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnn_core.errors import DataError, unknown
from rnn_core.readers.faults import Faults

if TYPE_CHECKING:
    import pandas as pd

Places = NDArray[np.int64]
"""Places of rows in a table, from 0."""

AT_ONCE = 50_000
"""Rows whose series are looked up at once; a bound on memory only."""


def places_of(table: "pd.DataFrame", column: str | None, name: str) -> dict[str, Places]:
    """Where the rows of each series of a table are, in the order in which series begin.

    See `series_of`.
    """
    names, codes = series_of(table, column, name)
    return dict(zip(names, grouped(codes), strict=True))


def series_of(
    table: "pd.DataFrame", column: str | None, name: str
) -> tuple[list[str], NDArray[np.int32]]:
    """Names of the series of a table in their order, and the series of each row, (N,).

    Args:
        table: The table.
        column: Says the series of a row; None: the table is one, whose name is empty.
        name: What to call the table in errors.

    Raises:
        DataError: If there is no such column, there are no rows, or one has no series.
    """
    import pandas as pd  # noqa: PLC0415 - training does without

    if column is None:
        return [""], np.zeros(len(table), np.int32)
    if column not in table.columns:
        raise DataError(f"{name}: {unknown('column', column, map(str, table.columns))}")
    if table.empty:
        raise DataError(f"{name} has no rows")
    values, faults, found = table[column], Faults(), dict[str, int]()
    codes = np.empty(len(values), np.int32)
    for start in range(0, len(values), AT_ONCE):
        places, kinds = pd.factorize(values.iloc[start : start + AT_ONCE])
        names = [in_words(kind) for kind in kinds]
        own = [found.setdefault(name, len(found)) if name.strip() else -1 for name in names]
        codes[start : start + AT_ONCE] = np.array([*own, -1], np.int32)[places]
    for row in table.index[codes < 0]:
        faults.add(
            f"{name}, row {row}: column {column!r} is empty", "name its series, in each row of it"
        )
    faults.check()
    return list(found), codes


def grouped(codes: NDArray[np.int32]) -> list[Places]:
    """Where each of the numbers from 0 on is among some, in order."""
    order = np.arange(len(codes))
    if (codes[1:] < codes[:-1]).any():
        order = np.argsort(codes, kind="stable")
    return np.split(order, np.cumsum(np.bincount(codes))[:-1])


def stacked(places: Mapping[str, Places]) -> Places | slice:
    """Index that takes the rows of all series out of a table, series by series."""
    pieces = [piece for piece in places.values() if len(piece)]
    starts = [piece[0] for piece in pieces]
    after = [piece[-1] + 1 for piece in pieces]
    stand = all(len(piece) == piece[-1] - piece[0] + 1 for piece in pieces)
    if pieces and stand and starts[1:] == after[:-1]:
        return slice(int(starts[0]), int(after[-1]))  # which copies nothing
    return np.concatenate(list(places.values()))


def slices_of(places: Mapping[str, Places]) -> dict[str, slice]:
    """Where the rows of each series are once they stand together."""
    ends = np.cumsum([len(rows) for rows in places.values()]).tolist()
    pairs = zip([0, *ends], ends, strict=False)
    return {series: slice(*pair) for series, pair in zip(places, pairs, strict=True)}


def in_words(value: object) -> str:
    """A value as the name of a series; a whole number as people write it."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def called(name: str, series: str) -> str:
    """Name of a series of a table in errors."""
    return f"{name}, series {series!r}" if series else name
