"""Schedules of a study's runs; says what is wrong with one before anything is deployed."""

import asyncio
import re
from zoneinfo import available_timezones

from prefect.client.schemas.schedules import CronSchedule
from prefect.server.schemas.schedules import CronSchedule as ServerSchedule
from pydantic import ValidationError

from rnn_core.errors import ParameterError, hint

FIELDS = {
    "minute": "0 to 59",
    "hour": "0 to 23",
    "day of the month": "1 to 31",
    "month": "1 to 12 or JAN to DEC",
    "day of the week": "0 to 7, with Sunday as both, or SUN to SAT",
}
"""The fields of cron, and what they hold."""

SHORT = ("@hourly", "@daily", "@weekly", "@monthly", "@yearly")
"""Schedules that stand for five fields; Prefect has other names for some."""

ONE = re.compile(r"\b(\w+)-\1\b", re.IGNORECASE)
"""Matches a range from a value to itself, which Prefect reads as all values."""


def schedules_of(cron: str | None, timezone: str) -> list[CronSchedule]:
    """The schedule of runs as a list; empty if there is none.

    Args:
        cron: Five fields of cron, or a name such as those of `SHORT`; None: no schedule.
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
    if fault := fault_of(cron.strip()):
        raise ParameterError(f"--cron {cron!r}: {fault}")
    return [CronSchedule(cron=cron.strip(), timezone=timezone)]


def fault_of(cron: str) -> str | None:
    """Say what is wrong with a schedule; None if nothing is.

    Prefect takes six fields too, with seconds at the end, where other programs have them first.
    """
    fields = cron.split()
    if cron.startswith("@"):
        return None if is_valid(cron) else f"write {', '.join(SHORT)}, or five fields"
    if len(fields) != len(FIELDS):
        return f"it must have five fields, not {len(fields)}: {', '.join(FIELDS)}"
    for place, (name, values) in enumerate(FIELDS.items()):
        alone = ["*"] * len(FIELDS)
        alone[place] = fields[place]
        if not is_valid(" ".join(alone)) or "(" in fields[place]:  # such as R(0-5): at random
            return f"{fields[place]!r} is no {name}, which is {values}"
        if one := ONE.search(fields[place]):
            return f"Prefect reads {one[0]!r} as every {name}; write {one[1]!r}"
    if not is_valid(cron):
        return "these fields do not fit together"
    return None if has_dates(cron) else "there is no such day in any year"


def is_valid(cron: str) -> bool:
    """Return whether Prefect takes a schedule."""
    try:
        CronSchedule(cron=cron)
    except ValidationError:
        return False
    return True


def has_dates(cron: str) -> bool:
    """Return whether a schedule has a next date; Prefect takes February 30 too."""
    try:
        return bool(asyncio.run(ServerSchedule(cron=cron).get_dates(1)))
    except ValueError:  # of the parser of cron
        return False
