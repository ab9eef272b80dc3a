"""Texts as timestamps: a part of them at a time, since many of them take much memory."""

import re
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnn_core.errors import DataError
from rnn_core.readers.formats.memory import give_back

AT_ONCE = 50_000
"""Texts that are read at once; a bound on memory only."""


class Times(NamedTuple):
    """Timestamps that were read.

    Attributes:
        times: In the order of the rows.
        day_first: Whether the day is written before the month; None where neither is first.
    """

    times: pd.DatetimeIndex
    day_first: bool | None = None


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
            times: pd.Series[pd.Timestamp] = pd.to_datetime(piece, format=form, errors="coerce")
        give_back()
        return times

    return read(values) if form is None else in_pieces(values, read)


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
    """The timestamps, if all of them could be read."""
    unread = times.isna()
    if not unread.any():
        return pd.DatetimeIndex(times)
    place = int(np.argmax(unread))
    value = values.iloc[place]
    where = f"{name}, row {values.index[place]}, column {values.name!r}: {value!r}"
    if place > 0 and parse(values.iloc[[place]], "mixed").notna().all():
        raise DataError(f"{where} is not written as the timestamps before it ({values.iloc[0]!r})")
    zone = re.search(r"\d (?P<zone>[A-Z]{3,4})$", value)
    hint = "; write the time zone as an offset, such as +01:00" if zone else ""
    raise DataError(f"{where} is not a timestamp ({int(unread.sum())} such rows){hint}")
