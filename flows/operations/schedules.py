"""Schedules of a study's runs; says what is wrong with one before anything is deployed."""

import asyncio
import re
from typing import NamedTuple
from zoneinfo import available_timezones

from prefect.client.schemas.schedules import CronSchedule
from prefect.server.schemas.schedules import CronSchedule as ServerSchedule
from pydantic import ValidationError

from rnn_core.errors import ParameterError, hint


class Field(NamedTuple):
    """A field of cron.

    Attributes:
        name: What it tells.
        values: What it holds, in words.
        size: The number of its values.
    """

    name: str
    values: str
    size: int


FIELDS = (
    Field("minute", "0 to 59", 60),
    Field("hour", "0 to 23", 24),
    Field("day of the month", "1 to 31", 31),
    Field("month", "1 to 12 or JAN to DEC", 12),
    Field("day of the week", "0 to 7, with Sunday as both, or SUN to SAT", 7),
)

SHORT = ("@hourly", "@daily", "@weekly", "@monthly", "@yearly")
"""Schedules that stand for five fields; Prefect has other names for some."""

STEP = re.compile(r"/(\d+)")
"""Matches the step of a field."""

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
    check_timezone(timezone)
    check_cron(cron)
    return [] if cron is None else [CronSchedule(cron=cron.strip(), timezone=timezone)]


def check_timezone(timezone: str) -> None:
    """Check the name of a time zone.

    Raises:
        ParameterError: If there is none of this name.
    """
    zones = available_timezones()
    if timezone not in zones:
        advice = hint(timezone, zones) or "write its name, such as Europe/Vienna"
        raise ParameterError(f"--timezone {timezone!r}: there is no such time zone; {advice}")


def check_cron(cron: str | None) -> None:
    """Check a schedule; None, for no schedule, is valid.

    Raises:
        ParameterError: If it is not valid.
    """
    if cron is not None and (fault := fault_of(cron.strip())):
        raise ParameterError(f"--cron {cron!r}: {fault}")


def fault_of(cron: str) -> str | None:
    """Say what is wrong with a schedule; None if nothing is.

    Prefect takes six fields too, with seconds at the end, where other programs have them first.
    """
    fields = cron.split()
    if cron.startswith("@"):
        return None if is_valid(cron) else f"write {', '.join(SHORT)}, or five fields"
    if len(fields) != len(FIELDS):
        names = ", ".join(field.name for field in FIELDS)
        return f"it must have five fields, not {len(fields)}: {names}"
    if fault := next(filter(None, map(fault_of_field, fields, range(len(FIELDS)))), None):
        return fault
    if not is_valid(cron):
        return "these fields do not fit together"
    return None if has_dates(cron) else "there is no such day in any year"


def fault_of_field(written: str, place: int) -> str | None:
    """Say what is wrong with a field, the first of which has place 0; None if nothing is."""
    field, alone = FIELDS[place], ["*"] * len(FIELDS)
    alone[place] = written
    if not is_valid(" ".join(alone)) or "(" in written:  # such as R(0-5): at random
        return f"{written!r} is no {field.name}, which is {field.values}"
    if one := ONE.search(written):
        return f"Prefect reads {one[0]!r} as every {field.name}; write {one[1]!r}"
    if any(int(step) >= field.size for step in STEP.findall(written)):
        return f"the step of {written!r} is too long for the {field.name}, {field.values}"
    return None


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
