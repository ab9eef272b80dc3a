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


def places_of(table: "pd.DataFrame", column: str | None, name: str) -> dict[str, Places]:
    """Where the rows of each series of a table are, in the order in which series begin.

    Args:
        table: Has at least one row.
        column: Says which series a row is of; None: the table is one, whose name is empty.
        name: What to call the table in errors.

    Raises:
        DataError: If there is no such column, or a row is of no series.
    """
    import pandas as pd  # noqa: PLC0415 - training does without

    if column is None:
        return {"": np.arange(len(table))}
    if column not in table.columns:
        raise DataError(f"{name}: {unknown('column', column, map(str, table.columns))}")
    values, faults = table[column], Faults()
    empty = values.isna()
    if values.dtype.kind not in "biuf":
        empty |= values.astype("str").str.strip() == ""
    for row in table.index[empty]:
        faults.add(f"{name}, row {row}: column {column!r} is empty", "say which series it is of")
    faults.check()
    codes, kinds = pd.factorize(values)
    codes_of_words, words = pd.factorize(np.array([in_words(kind) for kind in kinds], object))
    numbers = codes_of_words[codes]
    ends = np.cumsum(np.bincount(numbers))
    pieces = np.split(np.argsort(numbers, kind="stable"), ends[:-1])
    return dict(zip(words.tolist(), pieces, strict=True))


def stacked(places: Mapping[str, Places]) -> Places | slice:
    """What takes the rows of all series out of a table, those of each together."""
    pieces = list(places.values())
    if len(pieces) == 1 and len(pieces[0]) == pieces[0][-1] - pieces[0][0] + 1:
        return slice(int(pieces[0][0]), int(pieces[0][-1]) + 1)  # which copies nothing
    return np.concatenate(pieces)


def slices_of(places: Mapping[str, Places]) -> dict[str, slice]:
    """Where the rows of each series are once they stand together."""
    ends = np.cumsum([len(rows) for rows in places.values()]).tolist()
    pairs = zip([0, *ends], ends, strict=False)
    return {series: slice(*pair) for series, pair in zip(places, pairs, strict=True)}


def in_words(value: object) -> str:
    """A value as the name of a series; a whole number as people write it."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def called(name: str, series: str) -> str:
    """What to call a series of a table in errors."""
    return f"{name}, series {series!r}" if series else name
