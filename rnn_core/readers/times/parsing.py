"""Texts as timestamps: a part of them at a time, since many of them take much memory."""

import re
import warnings
from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnn_core.errors import DataError
from rnn_core.readers.formats.memory import give_back

FIRST_YEAR = 1000
"""The first year that is written with four digits."""

AT_ONCE = 50_000
"""Texts that are read at once; a bound on memory only."""

OFFSET = r"\s?(?:Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)"
"""An offset from UTC after a time of day."""

LATE = rf"[T ]24:00(?::00(?:\.0+)?)?(?:{OFFSET})?$"
"""The end of a day as a time."""

FISCAL_CURE = "write the day on which that year or period begins, such as 2014-04-01"

SUMS_UP = "remove this last row if it sums up the others"

YEAR_FIRST: Final = "year"

DayFirst = bool | Literal["year"] | None
"""Order of 01/02/24: whether the day is first, or that the year is; None: unknown."""


class Times(NamedTuple):
    """Timestamps that were read.

    Attributes:
        times: In the order of the rows.
        day_first: Whether the day is written before the month, or that a year of two digits is
            before both; None where no order had to be found.
    """

    times: pd.DatetimeIndex
    day_first: DayFirst = None


def in_pieces(
    values: "pd.Series[Any]", read: "Callable[[pd.Series[Any]], pd.Series[pd.Timestamp]]"
) -> "pd.Series[pd.Timestamp]":
    """Read texts some at once, since many of them take much memory."""
    pieces = [read(values.iloc[i : i + AT_ONCE]) for i in range(0, len(values), AT_ONCE)]
    return pd.concat(pieces) if len(pieces) > 1 else pieces[0]


def parse(values: "pd.Series[Any]", form: str | None) -> "pd.Series[pd.Timestamp]":
    """Read text of one form, the first value's where none is given; NaT where it differs."""

    def read(piece: "pd.Series[Any]") -> "pd.Series[pd.Timestamp]":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that no form could be guessed
            times: pd.Series[pd.Timestamp] = to_datetime(piece, form)
        give_back()
        return times

    return read(values) if form is None else in_pieces(values, read)


def to_datetime(
    piece: "pd.Series[Any]", form: str | None, utc: bool = False
) -> "pd.Series[pd.Timestamp]":
    """Texts as timestamps; NaT where there are none, also where offsets from UTC differ.

    24:00 of a day is 00:00 of the next one.

    Args:
        piece: The texts.
        form: Their form; None: that of the first.
        utc: Whether times with offsets are turned into UTC.
    """
    late = piece.str.contains(LATE, regex=True).to_numpy(bool)
    if late.any():
        piece = piece.copy()
        piece[late] = [re.sub(LATE, at_midnight, text) for text in piece[late]]
    try:
        times: pd.Series[pd.Timestamp] = pd.to_datetime(
            piece, format=form, errors="coerce", utc=utc
        )
    except ValueError:
        return pd.Series(pd.NaT, index=piece.index, dtype="datetime64[s]")
    return times.mask(late, times + pd.Timedelta(days=1)) if late.any() else times


def at_midnight(late: re.Match[str]) -> str:
    """The end of a day as the time at which one begins."""
    return late[0].replace("24", "00", 1)


def kinds_of(values: "pd.Series[Any]", pattern: str) -> tuple[list[str], NDArray[np.int32]]:
    """The different texts that the one group of a pattern catches, and which of them each value
    has, (N,); -1 where the pattern is not found.
    """  # noqa: D205
    found: dict[str, int] = {}
    codes = np.empty(len(values), np.int32)
    for start in range(0, len(values), AT_ONCE):
        caught = values.iloc[start : start + AT_ONCE].str.extract(pattern)[0]
        places, kinds = pd.factorize(caught)
        own = [found.setdefault(kind, len(found)) for kind in kinds]
        codes[start : start + AT_ONCE] = np.array([*own, -1], np.int32)[places]
    give_back()
    return list(found), codes


def refuse_unread(
    values: "pd.Series[Any]", times: "pd.Series[pd.Timestamp]", name: str
) -> pd.DatetimeIndex:
    """The timestamps, if all of them could be read, and are what they seem to be."""
    unread = times.isna()
    if not unread.any():
        refuse_without_year(values, times, name)
        refuse_fiscal(values, name)
        return pd.DatetimeIndex(times)
    place = int(np.argmax(unread))
    value = values.iloc[place]
    where = f"{name}, row {values.index[place]}, column {values.name!r}: {value!r}"
    if place > 0 and parse(values.iloc[[place]], "mixed").notna().all():
        raise DataError(f"{where} is not written as the timestamps before it ({values.iloc[0]!r})")
    zone = re.search(r"\d (?P<zone>[A-Z]{3,4})$", value)
    hint = "; write the time zone as an offset, such as +01:00" if zone else ""
    if place == len(values) - 1 and place > 0 and not re.search(r"\d", value):
        hint = f"; {SUMS_UP}"
    if is_fiscal(value):
        hint = f"; {FISCAL_CURE}"
    rows = int(unread.sum())
    such = f" ({rows} such rows)" if rows > 1 else ""
    if rows == len(values) and not hint:
        hint = "; write 2024-01-31, 2024-01-31 13:00, 2024-01, 2024-Q1 or 2024-W05"
    raise DataError(f"{where} is not a timestamp{such}{hint}")


def is_fiscal(text: str) -> bool:
    """Return whether a text is a fiscal year or a period of one, such as 1950/51 or 2014P01."""
    years = re.fullmatch(r"(\d\d)?(\d\d)[/-](?:\1)?(\d\d)", text)
    follows = years is not None and (int(years[2]) + 1) % 100 == int(years[3])
    return follows or bool(re.fullmatch(r"FY\s?'?(\d\d){1,2}.*|\d{4}[- ]?P\d\d?", text))


def refuse_fiscal(values: "pd.Series[Any]", name: str) -> None:
    """Refuse fiscal years that look like months: 2008-09, 2009-10. No rows are 13 months apart.

    Raises:
        DataError: If all are, and they differ.
    """
    if not is_fiscal(values.iloc[0]):
        return
    kinds = values.unique()
    if len(kinds) > 1 and all(map(is_fiscal, kinds)):
        raise DataError(
            f"{name}, row {values.index[0]}, column {values.name!r}: {values.iloc[0]!r} is a "
            f"fiscal year, and no month; {FISCAL_CURE}"
        )


def refuse_without_year(
    values: "pd.Series[Any]", times: "pd.Series[pd.Timestamp]", name: str
) -> None:
    """Refuse days without a year, which pandas reads as those of the year 1."""
    early = (times.dt.year < FIRST_YEAR).to_numpy()
    if early.any():
        place = int(np.argmax(early))
        raise DataError(
            f"{name}, row {values.index[place]}, column {values.name!r}: {values.iloc[place]!r} "
            "has no year of four digits; write 2024-01-31"
        )
