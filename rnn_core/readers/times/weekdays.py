"""Rows on some days of the week alone, such as those of a shop that is closed on Sundays."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.tseries.offsets import BaseOffset, CustomBusinessDay

from rnn_core.readers.times.week_codes import NAMES

LEAST_WEEKS = 2
"""Fewest rows of each such day that show it."""


def weekday_step(times: pd.DatetimeIndex) -> CustomBusinessDay | None:
    """The step to the next day of the week that has rows, if two to six of them have all.

    From Monday to Friday rows have business days, which is not found here.

    Args:
        times: Increasing.
    """
    counts = np.bincount(times.day_of_week, minlength=7)
    there = counts > 0
    days = [name for name, has in zip(NAMES, there, strict=True) if has]
    if len(days) not in range(2, 7) or days == [*NAMES[:5]] or counts[there].min() < LEAST_WEEKS:
        return None
    step = CustomBusinessDay(weekmask=" ".join(days))
    return step if follow_weekdays(times, days).mean() > 0.5 else None


def follow_weekdays(times: pd.DatetimeIndex, days: list[str]) -> NDArray[np.bool_]:
    """Find the rows, except the first, on the next of some days after the row before."""
    open_days = np.array([name in days for name in NAMES])
    ahead = np.array([1 + int(np.roll(open_days, -day - 1).argmax()) for day in range(7)])
    local = times.tz_localize(None)
    expected = local[:-1] + pd.to_timedelta(ahead[local[:-1].day_of_week], unit="D")
    return np.asarray(local[1:] == expected)


def weekdays_of(step: BaseOffset) -> list[str]:
    """The days of the week of such a step; none if it is another step."""
    return str(step.weekmask).split() if isinstance(step, CustomBusinessDay) else []
