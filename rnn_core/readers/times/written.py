"""Timestamps as people write them, read where what is meant is certain."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from pandas.tseries.api import guess_datetime_format

from rnn_core.errors import DataError
from rnn_core.readers.times.column_names import QUARTERS, WEEKS, words_of
from rnn_core.readers.times.month_names import WORD, in_english
from rnn_core.readers.times.parsing import (
    AT_ONCE,
    OFFSET,
    DayFirst,
    Times,
    in_pieces,
    kinds_of,
    parse,
    refuse_unread,
    to_datetime,
)
from rnn_core.readers.times.slashes import SLASHED, WITH_MONTH, times_of_slashes

ZONE = r"\d{1,2}:\d{2}\S*?\s?(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)$"
HAS_ZONE = r"[0-9]:[0-9]{2}.*(?:Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)$"
QUARTER = r"^(?:(?P<y1>\d{4})[- ]?Q(?P<q1>[1-4])|Q?(?P<q2>[1-4])(?:Q|[-/ ]|Q[-/ ])(?P<y2>\d{4}))$"
HALF = r"^(?P<year>\d{4})[- ]?H(?P<half>[12])$"
DAY_OF_YEAR = r"^\d{4}-\d{3}$"
SHORT_QUARTER = r"^(?:Q(?P<q1>[1-4])[-/' ]'?(?P<y1>\d\d)|(?P<q2>[1-4])Q[-/' ]?'?(?P<y2>\d\d))$"
SHORT_YEAR = r"^(?P<month>[A-Za-z]{3})[a-z]*\.?(?P<mark>[-/ ]?'|[-/ ])(?P<year>\d\d)$"
MONTH = r"^(?P<year>\d{4})-?M(?P<month>\d{1,2})$"
WEEK = r"^(?P<year>\d{4})-?W(?P<week>\d{1,2})(?:-?(?P<day>[1-7]))?$"
CLOCK_ALONE = r"^\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AaPp][Mm])?$"
NUMERIC_WEEK = r"^(?P<year>\d{4})[-/ ]?(?P<week>\d{1,2})$"

MORNING, AFTERNOON = (
    "\u4e0a\u5348|\u5348\u524d|\uc624\uc804",
    "\u4e0b\u5348|\u5348\u5f8c|\uc624\ud6c4",
)
"""Halves of a day in Chinese, Japanese and Korean; they are written before the clock."""


def half_last(match: re.Match[str]) -> str:
    """A day, the half of it, and the clock, with AM or PM last."""
    return f"{match[1]} {match[3]} {'AM' if match[2] in MORNING else 'PM'}"


MONTH_IN_SIGNS = r"^(\d{4})\s?[\u5e74\ub144]\s?(\d{1,2})\s?[\u6708\uc6d4]"
PLAIN_FORMS: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (MONTH_IN_SIGNS + r"\s?(\d{1,2})\s?[\u65e5\uc77c]", r"\1-\2-\3"),
    (MONTH_IN_SIGNS + "$", r"\1-\2"),
    (r"^(\d{4})\. (\d{1,2})\. (\d{1,2})\.?", r"\1-\2-\3"),
    (r"(\d{1,2})\s?[\u6642\u65f6\u70b9\uc2dc]\s?(\d\d)\s?[\u5206\ubd84]$", r"\1:\2"),
    (rf"^(.*?)\s?({MORNING}|{AFTERNOON})\s?(\d{{1,2}}:\d\d(?::\d\d)?)$", half_last),
    (r"^(\d{1,4}([./-])\d{1,2}\2\d{1,4}),\s?", r"\1 "),
    (r"^(\S*\d )(\d{1,2})[.h](\d\d)$", r"\1\2:\3"),
    (r"^(\S*\d )(\d{1,2})\.(\d\d)\.(\d\d)$", r"\1\2:\3:\4"),
    (r"(:\d\d) ?(?:Uhr|h)$", r"\1"),
    (r"^(\d{1,2}[/ -]?[A-Za-z]{3}[/ -]?\d{4}):", r"\1 "),  # as servers and SAS write it
    (r"\b(\d{1,2})(?:st|[nr]d|th)\b", r"\1"),
    (r"^(.*\d:\d\d(?::\d\d)?) [-\u2013] (?:.* )?\d{1,2}:\d\d(?::\d\d)?$", r"\1"),
    (r"^(\d{4}-\d\d-\d\d)/\d{4}-\d\d-\d\d$", r"\1"),
    (r"^(\d{1,2}([./-])\d{1,2}\2\d{4}) ?[-\u2013] ?\d{1,2}\2\d{1,2}\2\d{4}$", r"\1"),
    (r"(?i)^(?:[KC]?W|Week|Woche) ?(\d{1,2})[-/, ] ?(\d{4})$", r"\2-W\1"),
    (r"(?i)^(\d{4})[-/ ] ?(?:[KC]W|Week|Woche) ?(\d{1,2})$", r"\1-W\2"),
    (r"^(\d{4})[/.](Q[1-4])$", r"\1-\2"),
    (r"(?i)\b([ap])\.\s?m\.", r"\1m"),
    (r" ?[\[(][A-Za-z][\w /+-]*[\])]$", ""),  # the name of a zone after its offset
)
"""Forms of dates, such as those with the signs for year, month and day in Chinese, Japanese and
Korean, from one time to another, of weeks, or with the clock of a language, and what is read in
their place."""

MAY = r"(?i)\bmay\b"


def times_of_text(values: "pd.Series[Any]", name: str, day_first: DayFirst) -> Times:
    """Timestamps that are written out.

    Args:
        values: The texts, without blanks around.
        name: What to call the table in errors.
        day_first: Whether 01/02/2024 is the first of February, if it is known; see `DayFirst`.

    Raises:
        DataError: If they cannot be read, or not with certainty.
    """
    first = values.iloc[0]
    if re.match(CLOCK_ALONE, first):
        raise DataError(
            f"{name}, row {values.index[0]}, column {values.name!r}: {first!r} has no day; write "
            "day and time into one column"
        )
    values = in_plain_form(values)
    first = values.iloc[0]
    if re.match(SHORT_YEAR, first):
        return Times(refuse_unread(values, months_of_short_years(values), name))
    for shape, read in SHAPES:
        if re.match(shape, first, re.IGNORECASE):
            return Times(refuse_unread(values, read(values, shape), name))
    if words_of(str(values.name)) & WEEKS and re.match(NUMERIC_WEEK, first):
        return Times(refuse_unread(values, weeks_of(values, NUMERIC_WEEK), name))
    if re.match(r"^[1-4][-/]\d{4}$", first):
        return Times(quarters_or_months(values, name))
    if SLASHED.match(first) or WITH_MONTH.match(first):
        return times_of_slashes(values, name, day_first)
    return Times(in_one_zone(values, name))


def in_plain_form(values: "pd.Series[Any]") -> "pd.Series[Any]":
    """Texts in forms that pandas reads, where those of the first have another one."""
    first = values.iloc[0]
    for shape, plain in PLAIN_FORMS:
        if re.search(shape, first):
            values = values.str.replace(shape, plain, regex=True).str.strip()
    return in_english(values) if re.search(WORD, first) else values


def quarters_of(values: "pd.Series[Any]", shape: str = QUARTER) -> "pd.Series[pd.Timestamp]":
    """The first day of quarters such as 2015-Q1, Q1 2015 and 1-2015, or Q1/24 and 1Q24."""
    parts = values.str.extract(re.compile(shape, re.IGNORECASE))
    year, quarter = parts["y1"].fillna(parts["y2"]), parts["q1"].fillna(parts["q2"])
    month = pd.to_numeric(quarter, errors="coerce") * 3 - 2
    form = "%y-%m" if shape == SHORT_QUARTER else "%Y-%m"
    return parse(year.str.cat(month.astype("Int64").astype("str"), sep="-"), form)


def days_of_years(values: "pd.Series[Any]") -> "pd.Series[pd.Timestamp]":
    """Days such as 2024060, the 60th of 2024; NaT for the 366th of a shorter year."""
    times = parse(values, "%Y%j")
    return times.where(times.dt.strftime("%Y%j") == values)


def halves_of(values: "pd.Series[Any]", shape: str) -> "pd.Series[pd.Timestamp]":
    """The first day of half years such as 2015H1."""
    parts = values.str.extract(re.compile(shape, re.IGNORECASE))
    month = parts["half"].map({"1": "01", "2": "07"})
    return parse(parts["year"].str.cat(month, sep="-"), "%Y-%m")


def months_of(values: "pd.Series[Any]", shape: str) -> "pd.Series[pd.Timestamp]":
    """The first day of months such as 2024M01."""
    parts = values.str.extract(re.compile(shape, re.IGNORECASE))
    return parse(parts["year"].str.cat(parts["month"], sep="-"), "%Y-%m")


def weeks_of(values: "pd.Series[Any]", shape: str) -> "pd.Series[pd.Timestamp]":
    """The Monday of ISO weeks such as 2024-W05, or a day of them."""
    parts = values.str.extract(re.compile(shape, re.IGNORECASE))
    day = parts["day"].fillna("1") if "day" in parts else "1"
    return parse(parts["year"] + "-" + parts["week"].str.zfill(2) + "-" + day, "%G-%V-%u")


SHAPES: "tuple[tuple[str, Callable[[pd.Series[Any], str], pd.Series[pd.Timestamp]]], ...]" = (
    (
        r"^(\d{4}[- ]?Q[1-4]|Q[1-4][-/ ]?\d{4}|[1-4]Q[-/ ]?\d{4})$",
        lambda v, _: quarters_of(v),
    ),
    (HALF, halves_of),
    (SHORT_QUARTER, quarters_of),
    (DAY_OF_YEAR, lambda v, _: days_of_years(v.str.replace("-", ""))),
    (MONTH, months_of),
    (WEEK, weeks_of),
)
"""Forms of parts of a year, and their readers."""


def months_of_short_years(values: "pd.Series[Any]") -> "pd.Series[pd.Timestamp]":
    """The first day of months such as Jan-24 and Jan '24; NaT if 24 may be a day.

    It is none where there are several months, in order. Years before 1969 are not written so.
    """
    parts = values.str.extract(SHORT_YEAR)
    times = parse(parts["month"].str.cat(parts["year"], sep="-"), "%b-%y")
    steps = times.diff().iloc[1:]
    several = parts["month"].nunique() > 1 or (parts["mark"].str.endswith("'")).all()
    forward = bool((steps > pd.Timedelta(0)).all()) or bool((steps < pd.Timedelta(0)).all())
    return times if several and forward else times.mask(times.notna())


def quarters_or_months(values: "pd.Series[Any]", name: str) -> pd.DatetimeIndex:
    """Times such as 1-2015: quarters in a column that is called so, months where 5 to 12 occur.

    Raises:
        DataError: If neither is certain.
    """
    counts = pd.to_numeric(values.str.extract(r"^(\d{1,2})")[0], errors="coerce")
    if words_of(str(values.name)) & QUARTERS and counts.max() <= 4:
        return refuse_unread(values, quarters_of(values), name)
    if counts.max() <= 4 and len(values) > 4:
        raise DataError(
            f"{name}, row {values.index[0]}, column {values.name!r}: {values.iloc[0]!r} can be a "
            "quarter or a month; write 2015-Q1, or 2015-01"
        )
    return refuse_unread(values, parse(values.str.replace("/", "-"), "%m-%Y"), name)


def in_one_zone(values: "pd.Series[Any]", name: str) -> pd.DatetimeIndex:
    """Timestamps whose offsets from UTC may differ.

    Where they do, they are read as UTC; but days, which begin at the same time of the clock
    whatever the offset, are left to the clock.

    Raises:
        DataError: If some have an offset and others have none.
    """
    some = values.str.contains(HAS_ZONE, regex=True)
    if not some.any():
        return refuse_unread(values, written_times(values), name)
    zones, codes = kinds_of(values, ZONE)
    if zones and (codes < 0).any():
        place = int(np.argmax((codes < 0) != (codes[0] < 0)))
        raise DataError(
            f"{name}, row {values.index[place]}: {values.iloc[place]} and {values.iloc[0]} mix "
            "timestamps with and without a time zone"
        )
    if len(zones) > 1:
        clocks, _ = kinds_of(values, rf"(\d{{1,2}}:\d{{2}}\S*?){OFFSET}$")
        if len(clocks) == 1:
            values = values.str.replace(f"{OFFSET}$", "", regex=True)
            return refuse_unread(values, written_times(values), name)
        return refuse_unread(values, in_pieces(values, to_utc), name)
    return refuse_unread(values, written_times(values), name)


def to_utc(values: "pd.Series[Any]") -> "pd.Series[pd.Timestamp]":
    """Texts with offsets as UTC; NaT where they cannot be read."""
    return to_datetime(values, "ISO8601", utc=True)


def written_times(values: "pd.Series[Any]") -> "pd.Series[pd.Timestamp]":
    """Texts in ISO 8601, or in the form of the first one."""
    times = parse(values, "ISO8601")
    if times.notna().iloc[0]:
        return times
    times, form = parse(values, form_of(values)), guess_datetime_format(values.iloc[0])
    if form is None:  # then what is missing in a text is taken from the day of today
        times = times.where(values.str.contains(r"\d{4}", regex=True))
    return times


def form_of(values: "pd.Series[Any]") -> str | None:
    """The form of the first text, or of the first with another month than May.

    May is both a whole name and a short one.
    """
    for text in values.iloc[:AT_ONCE] if re.search(MAY, values.iloc[0]) else ():
        if not re.search(MAY, text):
            return guess_datetime_format(text)
    return None
