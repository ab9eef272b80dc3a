"""Seasons of a table, by the time between its rows."""

from typing import NamedTuple

from rnn_core.readers.times.week_codes import days_in_code

DAY_SECONDS = 86_400.0


class Season(NamedTuple):
    """Season of a table with a given step between rows.

    Attributes:
        name: Its name in messages.
        seconds: How long it is.
        shortest_step: Least seconds between rows that have it.
        longest_step: Most seconds between rows that have it.
        seen: How many of them a model should see to start from.
    """

    name: str
    seconds: float
    shortest_step: float
    longest_step: float
    seen: int

    def rows(self, step_seconds: float) -> int:
        """Number of rows."""
        return round(self.seconds / step_seconds)


SEASONS = (
    Season("day", DAY_SECONDS, 300, DAY_SECONDS / 4, 14),
    Season("week", 7 * DAY_SECONDS, DAY_SECONDS, DAY_SECONDS, 8),
    Season("year", 365.25 * DAY_SECONDS, 7 * DAY_SECONDS, 100 * DAY_SECONDS, 2),
)


BUSINESS_WEEK = Season("week", 5 * DAY_SECONDS, DAY_SECONDS, DAY_SECONDS, 8)
"""The week of rows of business days."""


def season_of(step_seconds: float | None, step: str | None, a_day: int = 0) -> Season | None:
    """The season that rows have.

    Args:
        step_seconds: The time between them.
        step: Its code; see `rnn_core.readers.times.steps.step_code`.
        a_day: How many rows a day has, where it has some hours alone.
    """
    if step == "B":
        return BUSINESS_WEEK
    if step_seconds and (days := days_in_code(step)):
        return BUSINESS_WEEK._replace(seconds=len(days) * step_seconds)
    for season in SEASONS:
        if step_seconds and season.shortest_step <= step_seconds <= season.longest_step:
            shorter = a_day and season.name == "day"
            return season._replace(seconds=a_day * step_seconds) if shorter else season
    return None
