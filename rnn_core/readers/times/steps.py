"""Steps between timestamps: found, checked, and continued.

A step is what lies between two rows: an hour, a business day, a month whatever its days.
"""

import warnings
from collections import Counter
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import BaseOffset, CustomBusinessDay

from rnn_core.errors import DataError
from rnn_core.readers.times.week_codes import days_in_code, weekday_code, weekdays_in_words
from rnn_core.readers.times.weekdays import follow_weekdays, weekday_step, weekdays_of

WINDOW = 8
"""Rows that a step is read from where not all rows are regular: more than a week of
business days, so that they are not taken for days."""

MOST_WINDOWS = 200
"""Such windows that are looked at, spread over the table."""

PARTS = {"M": "month", "Q": "quarter", "Y": "year"}
WORDS = {
    "ms": "millisecond",
    "s": "second",
    "min": "minute",
    "h": "hour",
    "D": "day",
    "B": "business day",
    "W": "week",
    "MS": "month",
    "ME": "month",
    "QS": "quarter",
    "QE": "quarter",
    "YS": "year",
    "YE": "year",
    **{f"B{part}S": f"business {word} start" for part, word in PARTS.items()},
    **{f"B{part}E": f"business {word} end" for part, word in PARTS.items()},
}
"""Names of pandas' steps in messages."""


def increasing(times: pd.DatetimeIndex) -> bool:
    """Return whether each row is after the row before."""
    return bool((np.diff(times.asi8) > 0).all())


def changes_within(
    values: NDArray[np.int64] | NDArray[np.float64], series: NDArray[np.int32]
) -> NDArray[Any]:
    """The changes from row to row within each series, series by series.

    Args:
        values: Of each row, (N,).
        series: The series of each row, (N,).
    """
    order = np.argsort(series, kind="stable")
    return np.asarray(np.diff(values[order])[np.diff(series[order]) == 0])


def check_steps(times: pd.DatetimeIndex, rows: "pd.Index[Any]", name: str, cure: str) -> None:
    """Refuse timestamps that are not one step apart.

    Args:
        times: The timestamps.
        rows: What a row is called.
        name: What to call the table in errors.
        cure: What to do about it.

    Raises:
        DataError: If they are not; names the first such row.
    """
    if regular(times):
        return
    step = find_step(times)
    odd = ~follows(times, step)
    place = int(np.argmax(odd)) + 1
    apart = times[place] - times[place - 1]
    raise DataError(
        f"{name}, row {rows[place]}: {shown(times[place])} comes {shown(apart)} after the row "
        f"before, where the usual step is {step_in_words(step)} ({int(odd.sum())} such rows); "
        f"{cure}"
    )


def regular(times: pd.DatetimeIndex) -> bool:
    """Return whether all rows are one step apart."""
    return len(times) < 3 or bool(follows(times, find_step(times)).all())


def shown(time: pd.Timestamp | pd.Timedelta) -> str:
    """A time, without a clock at midnight."""
    return str(time).removesuffix(" 00:00:00")


def step_in_words(step: BaseOffset) -> str:
    """A step in words, such as 15 minutes or 1 business day."""
    if months := months_of(step):
        return f"{months} month{'s' if months > 1 else ''}"
    if days := weekdays_of(step):
        return weekdays_in_words(days)
    word = WORDS.get(step.rule_code.partition("-")[0]) if step.n > 0 else None
    return f"{step.n} {word}{'s' if step.n > 1 else ''}" if word else str(step.freqstr)


def follows(times: pd.DatetimeIndex, step: BaseOffset) -> NDArray[np.bool_]:
    """Find the rows, except the first, that are a step after the row before."""
    if months := months_of(step):
        clock = np.diff(clocks(times)) == 0
        steps = np.diff(month_numbers(times)) == months
        monthly: NDArray[np.bool_] = steps & clock & on_day(times)[1:]
        return monthly
    if days := weekdays_of(step):
        return follow_weekdays(times, days)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pd.errors.PerformanceWarning)  # of rare calendars
        expected = times[:-1] + step
    equal: NDArray[np.bool_] = np.asarray(times[1:] == expected)
    return equal


def months_of(step: BaseOffset) -> int | None:
    """Number of months in a step to the same day of a later month; None if it is another step."""
    return step.kwds.get("months") if type(step) is pd.DateOffset else None


def month_numbers(times: pd.DatetimeIndex) -> NDArray[np.int64]:
    """Months since year 0."""
    return (times.year * 12 + times.month - 1).to_numpy(np.int64)


def clocks(times: pd.DatetimeIndex) -> NDArray[np.int64]:
    """The time of day of each row, in the units that the timestamps count."""
    local = times.tz_localize(None)
    return np.asarray((local - local.normalize()).asi8)


def on_day(times: pd.DatetimeIndex) -> NDArray[np.bool_]:
    """Find rows on the same day of the month, or on its last where it is too short."""
    wanted = np.minimum(times.day.max(), times.days_in_month)
    return np.asarray(times.day == wanted)


def find_step(times: pd.DatetimeIndex) -> BaseOffset:
    """Most common step between rows.

    A step of the calendar, such as a business day or the end of a month, is found where
    all rows have it, or most windows of some rows; days of the week where most rows follow them;
    else it is the median time.

    Args:
        times: At least 2, increasing.
    """
    if step := infer_step(times) or weekday_step(times):
        return step
    starts = np.linspace(0, max(len(times) - WINDOW, 0), MOST_WINDOWS).astype(int)
    windows = [infer_step(times[start : start + WINDOW]) for start in np.unique(starts)]
    found = Counter(step for step in windows if step is not None)
    if found:
        return found.most_common(1)[0][0]
    apart = pd.Timedelta(int(np.median(np.diff(times.asi8))), unit=times.unit)
    whole_days = apart % pd.Timedelta(days=1) == pd.Timedelta(0)
    return pd.offsets.Day(apart.days) if whole_days else to_offset(apart)


def infer_step(times: pd.DatetimeIndex) -> BaseOffset | None:
    """The step that all rows have, if they have one."""
    if len(times) < 3:
        return None
    with pd.option_context("future.infer_freq_returns_offset", True):
        # Options belong to the process: another thread may reset it, and then this is a text.
        step = to_offset(pd.infer_freq(times))
    if step is None:
        months = np.diff(month_numbers(times))
        if (
            (clocks(times) == clocks(times)[0]).all()
            and (months == months[0]).all()
            and months[0] > 0
            and on_day(times).all()
        ):
            return pd.DateOffset(months=int(months[0]))
    return step


def seconds_apart(times: pd.DatetimeIndex) -> NDArray[np.float64]:
    """Time between rows, (N - 1,)."""
    second = pd.Timedelta(seconds=1) // pd.Timedelta(1, unit=times.unit)
    return np.asarray(np.diff(times.asi8) / second)  # numbers, since zones make objects


def median_seconds(times: pd.DatetimeIndex) -> float:
    """Median time between rows."""
    return float(np.median(seconds_apart(times)))


def as_far_apart(
    times: pd.DatetimeIndex, seconds: float, irregular: Literal["error", "allow"]
) -> bool:
    """Return whether rows, at least 2, are about as far apart as others usually are.

    A few rows that may be irregular have another median by chance: then their middle half counts.
    """
    ends = [0.25, 0.75] if irregular == "allow" else [0.5, 0.5]
    least, most = np.quantile(seconds_apart(times), ends)
    return bool(most > seconds / 2 and least < seconds * 2)


def step_code(times: pd.DatetimeIndex) -> str | None:
    """Code of the step between rows, of pandas or of days of the week; None where it has none."""
    step = find_step(times)
    if days := weekdays_of(step):
        return weekday_code(days)
    try:
        named = to_offset(step.freqstr)
    except ValueError:
        return None
    return str(step.freqstr) if named == step else None


def following(times: pd.DatetimeIndex, count: int, code: str | None) -> pd.DatetimeIndex:
    """The timestamps after the last.

    Args:
        times: The last ones, at least 2 if there is no code.
        count: How many follow.
        code: The step as `step_code` calls it; it is read from the timestamps where
            there is none, or where more of them follow another.
    """
    step = step_of_code(code)
    if step is None or (len(times) > 1 and not follows(times, step).all()):
        own = find_step(times)
        if step is None or follows(times, own).mean() > follows(times, step).mean():
            step = own
    if months := months_of(step):
        return later_months(times, count, months)
    dates = pd.date_range(times[-1], periods=count + 2, freq=step)
    return dates[dates > times[-1]][:count]


def step_of_code(code: str | None) -> BaseOffset | None:
    """The step that `step_code` calls so; None without a code."""
    if days := days_in_code(code):
        return CustomBusinessDay(weekmask=" ".join(days))
    return to_offset(code) if code else None


def later_months(times: pd.DatetimeIndex, count: int, months: int) -> pd.DatetimeIndex:
    """The same day of later months; the last day of those that are too short."""
    first = times[-1].replace(day=1)
    firsts = pd.DatetimeIndex(
        [first + pd.DateOffset(months=months * (i + 1)) for i in range(count)]
    )
    days = np.minimum(times.day.max(), firsts.days_in_month)
    return pd.DatetimeIndex(firsts + pd.to_timedelta(days - 1, unit="D"))
