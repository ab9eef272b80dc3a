"""Calendar features of timestamps: the place of a row in the day, week, month and year."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnn_core.readers.faults import Faults

if TYPE_CHECKING:
    import pandas as pd

CalendarPart: TypeAlias = Literal["hour", "weekday", "monthday", "yearday", "month"]
"""The time of the day, the day of the week, of the month and of the year, and the month."""

CALENDAR = "calendar"
"""The tensor of prepared data that has them."""

PER_PART = 2
"""Numbers that a part is read as."""


def calendar_of(times: "pd.DatetimeIndex | None", parts: Sequence[CalendarPart]) -> Tensor:
    """Sine and cosine of where each row is in its day, week, month or year.

    So the last day of a week is next to the first of the one after, as `cyclic` encoders of darts
    have it.

    Args:
        times: T timestamps, local ones where they have a time zone.
        parts: P of them.

    Returns:
        float32 (T, 2 P), a part's two next to each other.
    """
    assert times is not None  # a table without any is refused when it is read
    found = [np.zeros((len(times), 0))]
    for part in parts:
        angle = 2 * np.pi * share_passed(times, part)
        found.append(np.stack([np.sin(angle), np.cos(angle)], axis=1))
    return torch.from_numpy(np.concatenate(found, axis=1)).float()


def share_passed(times: "pd.DatetimeIndex", part: CalendarPart) -> NDArray[np.float64]:
    """Share of the day, week, month or year that is over, from 0 to below 1, (T,)."""
    match part:
        case "hour":
            seconds = times.hour * 3600 + times.minute * 60 + times.second
            passed = seconds / 86_400
        case "weekday":
            passed = times.day_of_week / 7
        case "monthday":
            passed = (times.day - 1) / times.days_in_month
        case "yearday":
            passed = (times.day_of_year - 1) / (365 + times.is_leap_year.astype(int))
        case "month":
            passed = (times.month - 1) / 12
    return np.asarray(passed, np.float64)


def refuse_constant_parts(train: Tensor, parts: Sequence[CalendarPart], name: str) -> None:
    """Refuse parts from which nothing can be learned.

    Args:
        train: The training rows of all series, (R, 2 P).
        parts: P of them.
        name: What to call the table in errors.

    Raises:
        DataError: If some are the same in all these rows; names all.
    """
    faults = Faults()
    for place, part in enumerate(parts):
        own = train[:, PER_PART * place : PER_PART * (place + 1)]
        if bool((own == own[0]).all()):
            faults.add(
                f"{name}: {part!r} of data.calendar is the same in all rows of the training set",
                "leave it out",
            )
    faults.check()
