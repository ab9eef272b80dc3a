"""Columns that the user asks for: of numbers, of true and false, or of a few different texts."""

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnn_core.errors import DataError, ParameterError
from rnn_core.readers.faults import some, then
from rnn_core.readers.indicators import Indicator, column_of, indicator_of, kinds_of, written_as
from rnn_core.tasks.forecasting.long_table import grouped, series_of

if TYPE_CHECKING:
    import pandas as pd

LOOKED_AT = 1_000
"""Rows in which numbers are looked for."""

HALF = 0.5
"""Share of numbers from which on a column is one of numbers, and other texts in it are faults."""

MOST_KINDS = 20
"""Different texts that a column may have, each of which becomes a column of 0 and 1."""

MOST_TOLD = 12
"""Columns that may be asked for that are named, at most."""

TIMES_ACROSS = "its columns are times: turn it round, so that each time is a row"

MAY_SEPARATE = re.compile(r"[^\w.]")
"""A character that may separate names of columns that were taken for one name."""

FEWEST_TIMES = 4
"""Fewest columns that make a table whose columns are times, if they are most of its columns."""


def numeric_columns(frame: "pd.DataFrame") -> list[str]:
    """The columns whose first values are numbers."""
    from pandas.api.types import is_bool_dtype  # noqa: PLC0415 - training does without

    from rnn_core.readers.times.columns import is_number  # noqa: PLC0415 - as above

    return [c for c in map(str, frame) if is_number(frame[c]) and not is_bool_dtype(frame[c])]


def known_columns(frame: "pd.DataFrame", asked: str = "") -> str:
    """Tell which columns may be asked for, or why there are none.

    Args:
        frame: The table.
        asked: What was asked for; of many columns, those with almost this name go first.
    """
    from pandas.api.types import is_string_dtype  # noqa: PLC0415 - as above

    if are_years(frame.columns) or any(map(are_times, (frame.columns, frame.iloc[0]))):
        return TIMES_ACROSS
    numeric = numeric_columns(frame)
    if len(numeric) > MOST_TOLD:
        like = get_close_matches(asked.casefold(), map(str.casefold, numeric), n=MOST_TOLD)
        numeric.sort(key=lambda column: [*like, column.casefold()].index(column.casefold()))
    first = str(frame.columns[0])
    if len(frame.columns) == 1 and not numeric and is_string_dtype(frame.iloc[:, 0]):
        how = ": name what separates fields, such as --set separator=semicolon"
        return f"it has one column alone, {first!r}{how if MAY_SEPARATE.search(first) else ''}"
    return f"columns of numbers: {some(numeric, MOST_TOLD) or 'none'}"


def are_years(names: Iterable[object]) -> bool:
    """Return whether most columns are called after years that follow one another."""
    listed = list(map(str, names))
    years = sorted(int(name) for name in listed if re.fullmatch(r"(1[89]|20)\d\d", name))
    following = years == [*range(years[0], years[0] + len(years))] if years else False
    return following and len(years) >= max(len(listed) / 2, FEWEST_TIMES)


def instead_of_numbers(values: "pd.Series[Any]") -> str:
    """Describe a column without any number."""
    from pandas.api.types import is_timedelta64_dtype  # noqa: PLC0415 - as above

    from rnn_core.readers import tables  # noqa: PLC0415 - as above

    if is_timedelta64_dtype(values):
        return "holds durations: write them as numbers of a unit, such as hours"
    texts = [text for text in written_as(values.iloc[:LOOKED_AT]) if text]
    if not texts:
        return "is empty"
    kinds = {text.lower() for text in texts}
    if tables.are_flags(values) or kinds <= {"yes", "no"}:
        return f"holds {' and '.join(sorted(kinds))}: write 1 and 0"
    return f"holds no numbers, but texts such as {texts[0][:40]!r}"


def are_times(texts: Iterable[object]) -> bool:
    """Return whether most of some texts are timestamps, and no numbers."""
    import pandas as pd  # noqa: PLC0415 - as above

    from rnn_core.readers.times.columns import is_written, read_times  # noqa: PLC0415 - as above

    found = pd.DataFrame({"time": [str(text) for text in texts]})
    written = found[found["time"].str.contains(r"\d")]
    if len(written) < max(len(found) / 2, FEWEST_TIMES) or not is_written(written["time"]):
        return False
    try:
        read_times(written, "time", "")
    except DataError:
        return False
    return True


def share_of_numbers(values: "pd.Series[Any]") -> float:
    """Share of the first texts of a column that are numbers, in whatever way they are written."""
    from rnn_core.readers.formats import written_numbers as written  # noqa: PLC0415 - as above

    texts = [text for text in written_as(values.iloc[:LOOKED_AT]) if text]
    count = 0
    for text in texts:
        try:
            written.read_written(text, None)
        except written.UnclearError as error:
            count += error.what != written.NO_NUMBER
        else:
            count += 1
    return count / max(len(texts), 1)


def wanted_columns(
    frame: "pd.DataFrame",
    wanted: Sequence[str],
    name: str,
    trained: NDArray[np.bool_] | None,
    notes: Sequence[str] = (),
) -> list[str]:
    """Columns that the user asks for; several may be named with commas between.

    Args:
        frame: The table.
        wanted: What is asked for.
        name: What to call the table in errors.
        trained: Which rows are in the training set, (N,), for columns that may hold true and
            false, or texts, which become indicators; None: they may not.
        notes: What was decided in reading the table, which may tell where a column is.

    Raises:
        ParameterError: If one is not a column of numbers.
    """
    from rnn_core.readers import tables  # noqa: PLC0415 - training does without

    asked: list[str] = []
    for column in wanted:
        parts = [part.strip() for part in column.split(",")]
        asked += parts if column not in frame and set(parts) <= set(frame) else [column]
    numeric, found = numeric_columns(frame), list[str]()
    for column in asked:
        if trained is not None and column not in frame and column_of(column) in frame:
            check_indicator(column, frame, name, trained)
            found.append(column)
            continue
        if column not in frame:
            told = known_columns(frame, column) + then(notes)
            raise ParameterError(f"{name} has no column {column!r}; {told}")
        flags = trained is not None and tables.are_flags(frame[column])
        share = 1.0 if flags or column in numeric else share_of_numbers(frame[column])
        if share > HALF or (trained is None and share):
            found.append(column)
        elif trained is None:
            holds = instead_of_numbers(frame[column])
            raise ParameterError(
                f"{name}: column {column!r} {holds}; {known_columns(frame, column)}"
            )
        else:
            found += indicators_in(frame[column], name, trained)
    return found


def check_indicator(
    asked: str, frame: "pd.DataFrame", name: str, trained: NDArray[np.bool_]
) -> None:
    """Refuse an indicator of a text that the training set does not have.

    Raises:
        ParameterError: If it is one; names texts that are there.
    """
    one = indicator_of(asked)
    assert one is not None
    kinds = kinds_of(frame[one.column][trained])
    if trained.any() and one.value not in kinds:
        raise ParameterError(
            f"{name}: no row of the training set has {one.value!r} in column {one.column!r}; there "
            f"are {some(kinds)}"
        )


def indicators_in(values: "pd.Series[Any]", name: str, trained: NDArray[np.bool_]) -> Iterator[str]:
    """Names of indicators of the texts of a column that the training set has.

    Raises:
        ParameterError: If there are too many, or there is none.
    """
    column, kinds = str(values.name), kinds_of(values[trained])
    if len(kinds) > MOST_KINDS:
        raise ParameterError(
            f"{name}: column {column!r} has {len(kinds):,} different texts, such as {kinds[0]!r}; "
            f"at most {MOST_KINDS} are read, each as a column of 0 and 1: join rare ones, or leave "
            "it out"
        )
    if not kinds and trained.any():
        raise ParameterError(f"{name}: column {column!r} is empty in the training set")
    yield from (Indicator(column, kind).name for kind in kinds)


def training_rows(
    frame: "pd.DataFrame", series: str | None, split: Sequence[float]
) -> NDArray[np.bool_]:
    """Find the rows of the training set, (N,), blank ends aside; none if series are not told."""
    found = np.zeros(len(frame), np.bool_)
    try:
        _, codes = series_of(frame, series, "")
    except DataError:  # reported when the table is read
        return found
    for rows in grouped(codes):
        found[rows[: round(split[0] * (1 if min(split) >= 1 else len(rows)))]] = True
    return found
