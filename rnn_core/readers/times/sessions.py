"""Rows at the same times of each day alone, such as the hours of an exchange."""

import datetime as dt

import numpy as np
import pandas as pd

from rnn_core.readers.times.steps import clocks, following

LEAST_DAYS = 4
"""Fewest days that show such times."""

WHOLE_DAYS = 0.9
"""Share of the days that have to have a row at each of these times."""


def find_sessions(times: pd.DatetimeIndex) -> list[str]:
    """The times of the day at which there are rows, where each day has the same few; else none.

    A day with rows for all hours has none: its rows are one step apart.

    Args:
        times: Increasing.
    """
    days = times.normalize()
    count = days.nunique()
    slots = sorted(set(times[np.unique(clocks(times), return_index=True)[1]].time))
    if count < LEAST_DAYS or not 2 <= len(slots) <= len(times) // LEAST_DAYS:
        return []
    rows = np.unique(days.asi8, return_counts=True)[1]
    gaps = np.diff(seconds_of(slots))
    apart = 86_400 - seconds_of(slots)[-1] + seconds_of(slots)[0]
    whole = (rows == len(slots))[1:-1].mean() >= WHOLE_DAYS if count > 2 else False
    return [slot.isoformat() for slot in slots] if whole and apart > gaps.max() else []


def seconds_of(slots: list[dt.time]) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    """Seconds since midnight of times of the day."""
    return np.array([s.hour * 3600 + s.minute * 60 + s.second + s.microsecond / 1e6 for s in slots])


def following_sessions(
    times: pd.DatetimeIndex, count: int, sessions: list[str]
) -> pd.DatetimeIndex:
    """The timestamps after the last, at these times of days; of business days if all are.

    Else of days with the step of those that are there, such as all but Sundays.
    """
    known = times.normalize().unique()
    code = "B" if (known.day_of_week < 5).all() else "D" if len(known) < 2 else None
    days = known[-1:].append(following(known, count + 1, code))
    slots = pd.to_timedelta(seconds_of(list(map(dt.time.fromisoformat, sessions))), unit="s")
    later = pd.DatetimeIndex([day + slot for day in days for slot in slots])
    return later[later > times[-1]][:count]
