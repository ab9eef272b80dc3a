"""What a request is told where it has no answer.

A person is told what is wrong and where, never the input itself: an answer may be kept in a log or
by a proxy where the input must not be.
"""

import re
from collections.abc import Collection, Iterator
from typing import Any

from pydantic import ValidationError

MOST_CHARACTERS = 1000
"""Longest reason."""

QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""")

HIDDEN = "…"
"""Stands for a part of the input."""

SHORTEST = 3
"""Characters from which on what is quoted is a text, and not a letter or mark of one."""

SHORTEST_UNQUOTED = 8
"""Characters from which on a text is no usual word, which a reason may hold by itself."""


class RefusedError(Exception):
    """A request that is not answered.

    Args:
        status: Of HTTP.
        reason: What is wrong, and what to do.
        headers: Of the response.
    """

    def __init__(self, status: int, reason: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = headers or {}


def without_input(reason: str, known: Collection[str], given: Collection[str] = ()) -> str:
    """A reason without what a person sent.

    Args:
        reason: What a task says is wrong; it quotes what was found.
        known: What the model itself has names for, such as columns, which may be quoted.
        given: Texts of the input that are not quoted where they stand.
    """
    long = (text for text in given if len(text) >= SHORTEST_UNQUOTED and text not in known)
    for text in sorted(long, key=len, reverse=True):
        reason = reason.replace(text, HIDDEN)

    def hidden(match: re.Match[str]) -> str:
        inside = match[0][1:-1]
        return match[0] if inside in known or len(inside) < SHORTEST else f"'{HIDDEN}'"

    told = QUOTED.sub(hidden, reason)
    return told if len(told) <= MOST_CHARACTERS else told[: MOST_CHARACTERS - 1] + HIDDEN


def told(error: ValidationError, whole: str) -> str:
    """What is wrong with values, by their place.

    Of keys that are not known the place would be the input's own.

    Args:
        error: What pydantic says.
        whole: What the values stand in.
    """
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    lines = list(dict.fromkeys(told_of(problem, whole) for problem in problems))
    more = f"; and {len(lines) - 3} more" if len(lines) > 3 else ""
    return "; ".join(lines[:3]) + more


def told_of(problem: Any, whole: str) -> str:
    """One thing that is wrong."""
    place, kind = list(problem["loc"]), problem["type"]
    if kind == "json_invalid":
        return f"{whole} is no JSON: " + str(problem["msg"]).removeprefix("Invalid JSON: ")
    if kind == "extra_forbidden":
        where = written(place[:-1])
        return f"{where or whole} has a name that the model does not know; see /openapi.json"
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{written(place) or whole}: {message[:1].lower()}{message[1:]}"


def written(place: list[Any]) -> str:
    """The place in JSON, as in JavaScript; without the kinds of a choice of several."""
    return "".join(parts(place)).removeprefix(".")


def parts(place: list[Any]) -> Iterator[str]:
    """Each part of a place."""
    for part in place:
        if isinstance(part, int):
            yield f"[{part}]"
        elif re.fullmatch(r"[\w ]{1,64}", part):
            yield f".{part}"
