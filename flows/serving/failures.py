"""The reasons in responses to requests that get no answer.

They say what is wrong and where, but never repeat the input: a log or a proxy may keep responses,
where it must not keep the input.
"""

import re
from collections.abc import Collection, Iterator
from typing import Any

from pydantic import ValidationError

from rnn_core.parameters import reason_of

MOST_CHARACTERS = 1000
"""Most characters of a reason."""

QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""")

HIDDEN = "…"
"""Text in place of a part of the input."""

SHORTEST = 3
"""Fewest characters of a quotation that is hidden; shorter ones are single letters or marks."""

SHORTEST_UNQUOTED = 8
"""Fewest characters of a text that is hidden; shorter ones may be usual words of a reason."""


class RefusedError(Exception):
    """A request that is not answered.

    Args:
        status: Status code of HTTP.
        reason: What is wrong, and what to do.
        headers: Headers of the response.
    """

    def __init__(self, status: int, reason: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = headers or {}


def without_input(reason: str, known: Collection[str], given: Collection[str] = ()) -> str:
    """Remove the input from a reason.

    Args:
        reason: The message of a task, which quotes parts of the input.
        known: Names that the model has, such as columns, which may be quoted.
        given: Texts of the input that the message may contain without quotation marks.
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
    """Describe what is wrong with values, by their place.

    The place of an unknown key is left out, since it would repeat the input.

    Args:
        error: The error of pydantic.
        whole: Name of what has the values, such as "the body".
    """
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    lines = list(dict.fromkeys(told_of(problem, whole) for problem in problems))
    more = f"; and {len(lines) - 3} more" if len(lines) > 3 else ""
    return "; ".join(lines[:3]) + more


def told_of(problem: Any, whole: str) -> str:
    """Describe one problem."""
    place, kind = list(problem["loc"]), problem["type"]
    if kind == "json_invalid":
        return f"{whole} is no JSON: " + str(problem["msg"]).removeprefix("Invalid JSON: ")
    if kind == "extra_forbidden":
        where = written(place[:-1])
        return f"{where or whole} has a name that the model does not know; see /openapi.json"
    reason = reason_of(problem)
    return f"{written(place) or whole}: {reason[:1].lower()}{reason[1:]}"


def written(place: list[Any]) -> str:
    """The place in JSON, written as in JavaScript, without pydantic's names of alternatives."""
    return "".join(parts(place)).removeprefix(".")


def parts(place: list[Any]) -> Iterator[str]:
    """Each part of a place."""
    for part in place:
        if isinstance(part, int):
            yield f"[{part}]"
        elif re.fullmatch(r"[\w ]{1,64}", part):
            yield f".{part}"
