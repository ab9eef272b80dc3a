"""Names of days of the week, and the code of a step between some of them. Imports no pandas."""

NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
"""Days of the week as pandas calls them, in its order."""

CODE = "on "
"""Start of the code of a step, before the days that have rows; pandas has none."""


def weekday_code(days: list[str]) -> str:
    """The code of the step to the next of some days."""
    return CODE + " ".join(days)


def days_in_code(code: str | None) -> list[str]:
    """The days of the week that a code names; none if it is that of another step."""
    return code.removeprefix(CODE).split() if code and code.startswith(CODE) else []


def weekdays_in_words(days: list[str]) -> str:
    """The step to the next of some days in words: `1 day except Sun`, or `1 day on Tue and Fri`."""
    closed = [name for name in NAMES if name not in days]
    if len(closed) < len(days):
        return f"1 day except {' and '.join(closed)}"
    return f"1 day on {' and '.join(days)}"
