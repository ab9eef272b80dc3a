"""JSON files whose content is a dataclass."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from rnn_core.errors import DataError
from rnn_core.files import read_json, write_json

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    R = TypeVar("R", bound=DataclassInstance)
else:
    R = TypeVar("R")

NO_OTHER_KEYS: Mapping[str, str] = {"extra": "forbid"}
"""The `__pydantic_config__` of records, which holds for the dataclasses inside them too."""


def write_record(path: Path, record: "DataclassInstance") -> None:
    """Write a dataclass as JSON; the same values give the same bytes.

    Raises:
        ValueError: If a number is not finite.
    """
    # Keys that are numbers become strings before they are sorted.
    write_json(path, json.loads(json.dumps(asdict(record))))


def read_record(path: Path, kind: type[R]) -> R:
    """Read a dataclass from JSON.

    Args:
        path: The file.
        kind: The dataclass.

    Raises:
        DataError: If the file is missing, is not JSON, or holds something else.
    """
    return read_checked(read_json(path), kind, path)


def parse_record(text: bytes, kind: type[R], name: str) -> R:
    """Turn the bytes of a JSON file into a dataclass.

    Args:
        text: What the file holds.
        kind: The dataclass.
        name: Of the file, for errors.

    Raises:
        DataError: If it is not JSON, or holds something else.
    """
    try:
        content = json.loads(text)
    except ValueError as error:
        raise DataError(f"{name} is not JSON: {error}") from None
    return read_checked(content, kind, Path(name))


def read_checked(content: Any, kind: type[R], path: Path) -> R:
    """Turn plain JSON into a dataclass.

    Args:
        content: The JSON.
        kind: The dataclass.
        path: The file that it stands in, for errors.

    Raises:
        DataError: If a key is missing or unknown, or a value has another type.
    """
    try:
        found: R = adapter(kind).validate_python(content)
    except ValidationError as error:
        problem = error.errors()[0]
    else:
        return found
    place = ".".join(map(str, problem["loc"])) or "all of it"
    told = "is missing" if problem["type"] == "missing" else f"is wrong: {problem['msg']}"
    raise DataError(
        f"{path} is not of the form that is read here: {place} {told}; it may be of an older "
        "version, so run the stage that makes it"
    )


@cache
def adapter(kind: type[R]) -> TypeAdapter[R]:
    """Validator of a dataclass; it takes some milliseconds to make."""
    return TypeAdapter(kind)
