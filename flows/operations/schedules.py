"""Schedules of a study's runs; says what is wrong with one before anything is deployed."""

from zoneinfo import available_timezones

from prefect.client.schemas.schedules import CronSchedule
from pydantic import ValidationError

from rnn_core.errors import ParameterError, hint

FIELDS = {
    "minute": "0 to 59",
    "hour": "0 to 23",
    "day of the month": "1 to 31",
    "month": "1 to 12",
    "day of the week": "0 to 7, with Sunday as both",
}
"""The fields of cron, and their numbers."""

SHORT = ("@hourly", "@daily", "@weekly", "@monthly", "@yearly")
"""Schedules that stand for five fields."""


def schedules_of(cron: str | None, timezone: str) -> list[CronSchedule]:
    """The schedule of runs as a list; empty if there is none.

    Args:
        cron: Five fields of cron, or one of `SHORT`; None: no schedule.
        timezone: Its time zone.

    Raises:
        ParameterError: If one of them is not valid.
    """
    zones = available_timezones()
    if timezone not in zones:
        advice = hint(timezone, zones) or "write its name, such as Europe/Vienna"
        raise ParameterError(f"--timezone {timezone!r}: there is no such time zone; {advice}")
    if cron is None:
        return []
    if fault := fault_of(cron):
        raise ParameterError(f"--cron {cron!r}: {fault}")
    return [CronSchedule(cron=cron, timezone=timezone)]


def fault_of(cron: str) -> str | None:
    """Say what is wrong with a schedule; None if nothing is.

    Prefect takes six fields too, with seconds at the end, where other programs have them first.
    """
    fields = cron.split()
    if cron.startswith("@"):
        return None if cron in SHORT else f"write {', '.join(SHORT)}, or five fields"
    if len(fields) != len(FIELDS):
        return f"it must have five fields, not {len(fields)}: {', '.join(FIELDS)}"
    for place, (name, numbers) in enumerate(FIELDS.items()):
        alone = ["*"] * len(FIELDS)
        alone[place] = fields[place]
        if not is_valid(" ".join(alone)):
            return f"{fields[place]!r} is no {name}, which is {numbers}"
    return None if is_valid(cron) else "these fields do not fit together"


def is_valid(cron: str) -> bool:
    """Return whether Prefect takes a schedule."""
    try:
        CronSchedule(cron=cron)
    except ValidationError:
        return False
    return True
