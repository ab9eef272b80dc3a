"""Rows of a table of texts that are none of its values: units, and column names again."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rnn_core.readers.formats.text_layout import NUMERIC
from rnn_core.readers.formats.written_numbers import is_gap

if TYPE_CHECKING:
    import pandas as pd

UNNAMED = "Unnamed: "
"""Start of the names of columns that have none."""

MOST_UNITS = 3
"""Rows of units, at most."""

NEARLY_ALL = 0.9
"""Share of the values of a column above which it is one of numbers."""

LOOKED_AT = 100
"""Rows below them that tell which columns are numbers."""


def without_repeated_names(
    frame: "pd.DataFrame", names: Sequence[str]
) -> tuple["pd.DataFrame", list[int]]:
    """A table without rows that have the names of its columns, as where files were joined.

    Returns:
        The table, and which rows are left out.
    """
    if len(names) < 2 or frame.empty:
        return frame, []
    again = frame.iloc[:, 0] == names[0]
    for place in range(1, frame.shape[1]):
        if not again.any():
            return frame, []
        again &= frame.iloc[:, place] == names[place]
    return frame[~again], frame.index[again].tolist()


def names_below(frame: "pd.DataFrame") -> list[str] | None:
    """Names of columns in the row below those of groups of columns; None where there is none.

    A group has its name once, or over each of its columns. Names of columns are all there, and
    differ, and none is a sign for a missing value; two columns or more hold numbers, or days in the
    first, so that a first row with another such sign is not taken for names.
    """
    groups = [str(name) for name in frame.columns]
    named = [name for name in groups[1:] if not name.startswith(UNNAMED)]
    if len({*named}) == len(groups) - 1 or len(frame) <= MOST_UNITS:
        return None
    row = [value.strip() if isinstance(value, str) else "" for value in frame.iloc[0]]
    if not all(row) or len({*row}) < len(row) or any(map(is_gap, row)):
        return None
    below = frame.iloc[1 : 1 + LOOKED_AT]
    told = (
        below.iloc[:, place].astype("str").str.match(NUMERIC.pattern) for place in range(len(row))
    )
    number = [bool(one.mean() > NEARLY_ALL) for one in told]
    mixed = any(NUMERIC.match(value) for value, one in zip(row, number, strict=True) if one)
    return row if any(number[1:]) and sum(number) > 1 and not mixed else None


def rows_of_units(frame: "pd.DataFrame") -> int:
    """Number of rows of units at the start of a table.

    In such a row nothing is a number or a day, where nearly all values below are.
    """
    import pandas as pd  # noqa: PLC0415 - takes long

    head = frame.iloc[: MOST_UNITS + LOOKED_AT]
    texts = [head.iloc[:, place] for place in range(head.shape[1])]
    if len(head) <= MOST_UNITS or not all(map(pd.api.types.is_string_dtype, texts)):
        return 0
    below = [one.iloc[MOST_UNITS:].str.strip().str.match(NUMERIC.pattern) for one in texts]
    numeric = [
        one for one, numbers in zip(texts, below, strict=True) if numbers.mean() > NEARLY_ALL
    ]
    for left in range(MOST_UNITS + 1):
        row = [str(one.iloc[left]).strip() for one in numeric]
        if any(map(NUMERIC.match, row)) or all(map(is_gap, row)):
            return left
    return 0
