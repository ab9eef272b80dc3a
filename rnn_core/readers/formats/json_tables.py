"""Tables in JSON, whose values have types."""

import io
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from rnn_core.readers.faults import Faults
from rnn_core.readers.formats.encodings import find_encoding
from rnn_core.readers.formats.typed_tables import Typed, in_words, left_out

DAY = re.compile(r"\d{4}[-/]\d\d(?:[-/]\d\d)?(?!\d)")
"""Names of rows that are days or months."""

COUNTED = re.compile(r"(?P<seconds>[1-3]\d{9}|[1-9]\d{8})(?P<rest>(?:\d{3}){0,3})")
"""Numbers that may count seconds, or parts of them, from 1970 to a day from 1973 to 2096."""

TOO_DEEP = "too many values inside values"

OF_FEATURES = "the properties of its features alone, without their geometry"

DEEPEST = 3
"""Names that lead to a table inside an object, at most."""


def read_json(stream: BinaryIO, name: str, header: bool | None, faults: Faults) -> Typed:
    """Read objects of JSON, one a line or in a list, or what `DataFrame.to_json` writes."""
    import pandas as pd  # noqa: PLC0415 - takes long

    rows, objects, notes = [], [], list[str]()
    for row, value in json_objects(decoded(stream.read(), name, faults), name, faults, notes):
        one = value["properties"] if is_feature(value) else value
        if one is not value and OF_FEATURES not in notes:
            notes.append(OF_FEATURES)
        found = flat(one) if isinstance(one, dict) else None
        if found is None:
            faults.add(f"{name}, row {row} holds no object", "write one object a row")
        else:
            rows.append(row)
            objects.append(found)
    nested = without_nested(rows, objects, name, faults)
    if not objects:
        faults.add(f"{name} holds no rows", "")
        faults.check()
    frame = pd.DataFrame(objects, index=pd.Index(rows, name="row")).rename(columns=in_words)
    return Typed(frame, notes=(*notes, *left_out(nested)))


def is_feature(value: Any) -> bool:
    """Return whether a value is a place of GeoJSON with its properties."""
    here = isinstance(value, dict) and value.get("type") == "Feature"
    return here and isinstance(value.get("properties"), dict)


def without_nested(
    rows: list[int], objects: list[dict[str, Any]], name: str, faults: Faults
) -> list[str]:
    """Take out the columns with values inside values, if there are others, and several rows.

    Returns:
        Their names; none where no others are left, and rows with such values are refused.
    """
    inside = [[k for k, one in found.items() if isinstance(one, dict | list)] for found in objects]
    nested = list(dict.fromkeys(key for keys in inside for key in keys))
    if len(objects) > 1 and any(key not in nested for found in objects for key in found):
        objects[:] = [{k: v for k, v in found.items() if k not in nested} for found in objects]
        return nested
    for row, keys in zip(rows, inside, strict=True):
        if keys:
            faults.add(f"{name}, row {row}: {keys[0]!r} holds further values", "write one value")
    kept = [place for place, keys in enumerate(inside) if not keys]
    rows[:], objects[:] = [rows[p] for p in kept], [objects[p] for p in kept]
    return []


def flat(found: dict[str, Any]) -> dict[str, Any]:
    """An object whose values that are objects are joined to it, with names such as data.text."""
    joined: dict[str, Any] = {}
    for name, value in found.items():
        inner = (
            value if isinstance(value, dict) and value else {None: None if value == {} else value}
        )
        joined |= {name if key is None else f"{name}.{key}": one for key, one in inner.items()}
    return joined


def decoded(content: bytes, name: str, faults: Faults) -> str:
    """The text of a file, in the encoding that is certain for it.

    Raises:
        FaultsError: If none is, or it does not fit.
    """
    encoding = find_encoding(lambda: io.BytesIO(content), name, faults)
    try:
        return content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        faults.add(f"{name}, byte {error.start + 1} is not {encoding}", "save the file in UTF-8")
        faults.check()
        raise


def json_objects(
    text: str, name: str, faults: Faults, notes: list[str]
) -> Iterator[tuple[int, Any]]:
    """The values of JSON lines with their line, or those of one value with their place."""
    try:
        whole, error = whole_value(text)
    except RecursionError:
        faults.add(f"{name} is not JSON: {TOO_DEEP}", "write one object a row")
        return
    if isinstance(whole, dict):
        yield from enumerate(rows_of(whole, notes), 1)
    elif whole is not None:
        rows = all(isinstance(row, dict) for row in whole)
        yield from enumerate(whole if rows else longest_in(whole, notes) or whole, 1)
    elif error is not None and text.lstrip().startswith("["):
        faults.add(f"{name}, row {error.lineno} is not JSON: {error.msg}", "")
    else:
        yield from objects_of_lines(text, name, faults)


def whole_value(text: str) -> tuple[list[Any] | dict[str, Any] | None, json.JSONDecodeError | None]:
    """The list or object that a whole file is; None, with the error, if it has several values."""
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        return None, error
    return (found, None) if isinstance(found, list | dict) else (None, None)


def objects_of_lines(text: str, name: str, faults: Faults) -> Iterator[tuple[int, Any]]:
    """The values of JSON lines with their line."""
    for line, written in enumerate(text.split("\n"), 1):
        if written.strip():
            try:
                yield line, json.loads(written)
            except (json.JSONDecodeError, RecursionError) as error:
                why = error.msg if isinstance(error, json.JSONDecodeError) else TOO_DEEP
                faults.add(f"{name}, row {line} is not JSON: {why}", "write one object a row")


def rows_of(whole: dict[str, Any], notes: list[str]) -> list[Any]:
    """The rows of a table that is one object.

    It may hold a list of rows under one name, the rows by their names, or columns: lists, or
    objects by the names of rows. `DataFrame.to_json` has these forms as table, index, columns and
    split. It may hold tables deeper inside, as answers of web services do, or be GeoJSON. Another
    object is a row.

    Args:
        whole: The object.
        notes: Where it is noted what is left out.
    """
    values = list(whole.values())
    lists = [value for value in values if isinstance(value, list)]
    split = [whole.get(name) for name in ("columns", "data")]
    columns, data = (one if isinstance(one, list) else [] for one in split)
    names = list(dict.fromkeys(map(str, columns)))
    widths = {len(row) if isinstance(row, list) else None for row in data}
    if data and widths == {len(columns)} == {len(names)}:
        rows = [dict(zip(names, row, strict=True)) for row in data]
        index = whole.get("index")
        same = isinstance(index, list) and len(index) == len(rows)
        return with_index(rows, list(map(str, index))) if index and same else rows
    if len(lists) == 1 and lists[0] and all(isinstance(row, dict) for row in lists[0]):
        return lists[0]
    if values and len(lists) == len(values) and len({len(one) for one in lists}) == 1:
        return rows_of_columns(whole)
    if rows := longest_in(whole, notes):
        return rows
    if values and all(isinstance(value, dict) for value in values):
        return rows_of_objects(whole)
    return [whole]


def longest_in(whole: dict[str, Any] | list[Any], notes: list[str]) -> list[Any]:
    """The rows of the longest table inside a value; none if there is no table."""
    found = [(name, rows) for name, rows in tables_in(whole, ()) if rows]
    if not found:
        return []
    name, rows = max(found, key=lambda table: len(table[1]))
    if len(found) > 1:
        names = ", ".join(dict.fromkeys(name for name, _ in found))
        notes.append(f"of its tables ({names}), {name} alone, which has the most rows")
    return rows


def tables_in(value: Any, names: tuple[str, ...]) -> Iterator[tuple[str, list[Any]]]:
    """The tables inside a value, and the names that lead to each."""
    if holds_columns(value):
        yield ".".join(names), rows_of_columns(value)
    elif holds_times(value):
        yield ".".join(names), rows_of_objects(value)
    elif isinstance(value, dict) and len(names) < DEEPEST:
        for name, inner in value.items():
            yield from tables_in(inner, (*names, name))
    elif isinstance(value, list) and all(isinstance(row, dict) for row in value):
        yield ".".join(names), value
    elif isinstance(value, list) and is_grid(value):
        yield ".".join(names), [dict(zip(value[0], row, strict=True)) for row in value[1:]]
    elif isinstance(value, list) and not names:
        for place, inner in enumerate(value, 1):
            yield from tables_in(inner, (f"part {place}",))


def is_grid(value: list[Any]) -> bool:
    """Return whether lists are the names of columns, and rows with numbers below them."""
    names = value[0]
    if not all(isinstance(row, list) and len(row) == len(value[0]) for row in value):
        return False
    named = all(isinstance(name, str) for name in names) and len({*names}) == len(names) > 1
    return named and any(isinstance(cell, int | float) for row in value[1:] for cell in row)


def holds_times(value: Any) -> bool:
    """Return whether a value is an object of rows by their times."""
    if not isinstance(value, dict) or len(value) < 2:
        return False
    return all(isinstance(row, dict) for row in value.values()) and are_times(value)


def holds_columns(value: Any) -> bool:
    """Return whether a value is an object of columns of several rows, as weather services write."""
    lists = list(value.values()) if isinstance(value, dict) else []
    if not all(isinstance(one, list) for one in lists):
        return False
    return len(lists) > 1 and len(lists[0]) > 1 and len({*map(len, lists)}) == 1


def rows_of_columns(whole: dict[str, list[Any]]) -> list[Any]:
    """The rows of an object of columns."""
    return [dict(zip(whole, row, strict=True)) for row in zip(*whole.values(), strict=True)]


def rows_of_objects(whole: dict[str, dict[str, Any]]) -> list[Any]:
    """The rows of an object of rows, or of columns, whose values have the names of rows."""
    names = list(dict.fromkeys(name for value in whole.values() for name in value))
    if are_row_names(names) and not are_row_names(whole):
        rows = [{column: value.get(name) for column, value in whole.items()} for name in names]
        return with_index(rows, names)
    return [whole] if len(whole) == 1 else with_index(list(whole.values()), list(whole))


def are_row_names(names: Iterable[str]) -> bool:
    """Return whether names are those of rows: numbers, days, or months."""
    return all(name.removeprefix("-").isdecimal() or DAY.match(name) for name in names)


def are_times(names: Iterable[str]) -> bool:
    """Return whether names of rows are times; those before 1970 count milliseconds."""
    listed = list(names)
    if any(name.startswith("-") for name in listed):
        return all(re.fullmatch(r"-?\d+", name) and int(name) % 60_000 == 0 for name in listed)
    return all(DAY.match(name) or counts_time(name) for name in listed)


def counts_time(name: str) -> bool:
    """Return whether a number may count what has gone by since 1970; until 2001, whole minutes."""
    found = COUNTED.fullmatch(name)
    if found is None or len(found["seconds"]) == len("1000000000"):
        return found is not None
    return int(found["seconds"]) % 60 == 0 and not found["rest"].strip("0")


def with_index(rows: list[Any], names: list[str]) -> list[Any]:
    """Rows with a column of their names, where these do not only count rows."""
    if names == [str(place) for place in range(len(names))]:
        return rows
    column = "date" if are_times(names) and not any("date" in row for row in rows) else "index"
    if any(column in row for row in rows):
        return rows
    return [{column: name, **row} for name, row in zip(names, rows, strict=True)]
