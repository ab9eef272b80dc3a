"""Kinds of values of JSON: times, and lists of plain values."""

import re
from collections.abc import Iterable
from typing import Any

DAY = re.compile(r"\d{4}[-/]\d\d(?:[-/]\d\d)?(?!\d)")
"""Names of rows that are days or months."""

COUNTED = re.compile(r"(?P<seconds>[1-3]\d{9}|[1-9]\d{8})(?P<rest>(?:\d{3}){0,3})")
"""Numbers that may count seconds, or parts of them, from 1970 to a day from 1973 to 2096."""


def is_plain_list(value: Any) -> bool:
    """Return whether a value is a list of values that have none inside."""
    return isinstance(value, list) and not any(isinstance(one, list | dict) for one in value)


def are_times(names: Iterable[str]) -> bool:
    """Return whether names of rows are times; those before 1970 count milliseconds."""
    listed = list(names)
    if any(name.startswith("-") for name in listed):
        return all(re.fullmatch(r"-?\d+", name) and int(name) % 60_000 == 0 for name in listed)
    return all(DAY.match(name) or counts_time(name) for name in listed)


def is_time(value: Any) -> bool:
    """Return whether a value is a day or month, or counts what has gone by since 1970."""
    if isinstance(value, int | float) and abs(value) < float("inf"):
        return counts_time(str(int(value)))
    return isinstance(value, str) and are_times([value])


def counts_time(name: str) -> bool:
    """Return whether a number may count what has gone by since 1970; until 2001, whole minutes."""
    found = COUNTED.fullmatch(name)
    if found is None or len(found["seconds"]) == len("1000000000"):
        return found is not None
    return int(found["seconds"]) % 60 == 0 and not found["rest"].strip("0")
