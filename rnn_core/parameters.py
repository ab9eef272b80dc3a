"""params.yaml, and its sections as dataclasses; errors name the place in the file."""

import math
from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

import yaml
from pydantic import TypeAdapter, ValidationError

from rnn_core.errors import ParameterError, unknown

FILE = "params.yaml"

T = TypeVar("T")


KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "a text",
    "tuple": "a list, such as [1, 2]",
    "list": "a list",
    "dict": "names with values",
}
"""Names of Python's kinds, by the first word of pydantic's names of errors."""


def read_yaml(folder: Path) -> Any:
    """The content of the params.yaml of a folder.

    Raises:
        ParameterError: If it is missing, or is not YAML.
    """
    file = folder / FILE
    try:
        return yaml.safe_load(file.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        if folder.is_file():
            raise ParameterError(f"{folder} is a file; a study is a folder with a {FILE}") from None
        raise ParameterError(
            f"{file} is missing; a study is a folder with one; `gatewise new` makes one"
        ) from None
    except OSError as error:
        raise ParameterError(f"{file} cannot be read: {error.strerror}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", error)
        raise ParameterError(f"{file}{line} is not YAML: {problem}") from None


def parse(kind: type[T], content: Any, where: str, source: str = FILE) -> T:
    """Turn a section of the file into its dataclass.

    Args:
        kind: The dataclass that declares what the section may hold.
        content: The section.
        where: Its place in the file.
        source: What to call the file in errors.

    Raises:
        ParameterError: If a key is unknown or missing, or a value is not possible.
    """
    check_keys(kind, content, where, source)
    try:
        return TypeAdapter(kind).validate_python(content)
    except ValidationError as error:
        problem = error.errors()[0]
    place = ".".join(str(part) for part in (where, *problem["loc"]) if part != "")
    message = reason_of(problem)
    if problem["type"] not in {"missing", "value_error"}:
        message = f"{message}, not {problem['input']!r}"
    raise ParameterError(": ".join(filter(None, [source, place, message])))


def reason_of(problem: Mapping[str, Any]) -> str:
    """Describe one of pydantic's errors in plain words."""
    kind = problem["type"]
    if kind == "missing":
        return "is required"
    first, _, rest = kind.partition("_")
    if first in KINDS and rest in {"type", "parsing", "from_float"}:
        return f"must be {KINDS[first]}"
    words: str = problem["msg"].removeprefix("Value error, ")
    return words.replace("Input should be", "must be", 1)


def check_complete(kind: type[Any], content: Mapping[str, Any]) -> None:
    """Refuse a file that lacks keys of the dataclass, those with a default too.

    Args:
        kind: The dataclass.
        content: The file.

    Raises:
        ParameterError: If it lacks any; names all, with the lines to add.
    """
    missing = [field for field in fields(kind) if field.name not in content]
    if missing:
        names = ", ".join(field.name for field in missing)
        lines = ", ".join(f"`{line_of(field)}`" for field in missing)
        raise ParameterError(f"{FILE}: {names} missing, which dvc.yaml reads; add {lines}")


def line_of(field: "Field[Any]") -> str:
    """The line of a file that says the default of a key; dots where it has none."""
    value = field.default
    if value is MISSING:
        return f"{field.name}: ..."
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    value = list(value) if isinstance(value, tuple) else value
    told = yaml.safe_dump({field.name: value}, default_flow_style=True, width=math.inf)
    return told.strip().removeprefix("{").removesuffix("}")


def check_keys(kind: type[Any], content: Any, where: str, source: str) -> None:
    """Refuse keys that the dataclass does not have, in sections of sections too."""
    known = {field.name: field.type for field in fields(kind)}
    if not isinstance(content, Mapping):
        told = f"{where or 'it'} must hold keys and values: {', '.join(known)}"
        raise ParameterError(f"{source}: {told}")
    for key, value in content.items():
        if key not in known:
            place = f"{where}: " if where else ""
            raise ParameterError(f"{source}: {place}{unknown('key', str(key), known)}")
        place = f"{where}.{key}" if where else str(key)
        if is_number(known[key]) and isinstance(value, bool):
            told = f"{place} must be a number, not {str(value).lower()}"
            raise ParameterError(f"{source}: {told}, which is what YAML reads of yes and no too")
        check_inside(known[key], value, place, source)


def is_number(kind: Any) -> bool:
    """Return whether a key holds a number, for which pydantic would take true as 1."""
    kinds = {kind, *get_args(kind)}
    return get_origin(kind) is not tuple and bool(kinds & {int, float}) and bool not in kinds


def check_inside(kind: Any, content: Any, where: str, source: str) -> None:
    """Refuse unknown keys below a key: in a section, or in several by name."""
    for inner in (kind, *get_args(kind)):
        if not isinstance(inner, type) or not is_dataclass(inner) or content is None:
            continue
        if get_origin(kind) is not dict:
            check_keys(inner, content, where, source)
        elif isinstance(content, Mapping):
            for name, section in content.items():
                check_keys(inner, section, f"{where}.{name}", source)
