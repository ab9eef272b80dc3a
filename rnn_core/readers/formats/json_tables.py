"""Tables in JSON, whose values have types."""

import io
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, BinaryIO

from rnn_core.readers.faults import Faults
from rnn_core.readers.formats.encodings import find_encoding
from rnn_core.readers.formats.json_inside import longest_in, named_values, rows_of
from rnn_core.readers.formats.typed_tables import Typed, in_words, left_out

TOO_DEEP = "too many values inside values"

OF_FEATURES = "the properties of its features alone, without their geometry"


def read_json(stream: BinaryIO, name: str, header: bool | None, faults: Faults) -> Typed:
    """Read objects of JSON, one a line or in a list, or what `DataFrame.to_json` writes."""
    import pandas as pd  # noqa: PLC0415 - takes long

    rows, objects, notes = [], [], list[str]()
    for row, value in json_objects(decoded(stream.read(), name, faults), name, faults, notes):
        one = value["properties"] if is_feature(value) else value
        if one is not value and OF_FEATURES not in notes:
            notes.append(OF_FEATURES)
        if isinstance(one, dict):
            rows.append(row)
            objects.append(once([*named_values(one)], f"{name}, row {row}", faults))
        else:
            faults.add(f"{name}, row {row} holds no object", "write one object a row")
    nested = without_nested(rows, objects, name, faults)
    if not objects:
        if not faults.found:
            faults.add(f"{name} holds no rows", "")
        faults.check()
    frame = pd.DataFrame(objects, index=pd.Index(rows, name="row")).rename(columns=in_words)
    named = list(frame) != [str(place) for place in range(1, len(frame.columns) + 1)]
    return Typed(frame, None if named else False, notes=(*notes, *left_out(nested)))


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
    of_whole = Faults()
    try:
        whole, error = whole_value(text, name, of_whole)
    except RecursionError:
        faults.add(f"{name} is not JSON: {TOO_DEEP}", "write one object a row")
        return
    if whole is not None:
        with faults.noted():
            of_whole.check()
    if isinstance(whole, dict):
        yield from enumerate(rows_of(whole, notes), 1)
    elif whole is not None:
        found = longest_in(whole)
        notes += found.notes if found else ()
        yield from enumerate(found.rows if found else whole, 1)
    elif error is not None and text.lstrip().startswith("["):
        faults.add(f"{name}, row {error.lineno} is not JSON: {error.msg}", "")
    else:
        yield from objects_of_lines(text, name, faults)


def once(pairs: list[tuple[str, Any]], name: str, faults: Faults) -> dict[str, Any]:
    """An object of names and values; a name twice is a fault, since one value would be lost."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        faults.add(f"{name}: an object has {twice!r} twice", "keep one of the two values")
    return found


def loaded(text: str, name: str, faults: Faults) -> Any:
    """A value of JSON, each of whose objects has a name once; see `once`.

    Raises:
        json.JSONDecodeError: If the text is not one value of JSON.
        RecursionError: If it has too many values inside values.
    """
    return json.loads(text, object_pairs_hook=lambda pairs: once(pairs, name, faults))


def whole_value(
    text: str, name: str, faults: Faults
) -> tuple[list[Any] | dict[str, Any] | None, json.JSONDecodeError | None]:
    """The list or object that a whole file is; None, with the error, if it has several values."""
    try:
        found = loaded(text, name, faults)
    except json.JSONDecodeError as error:
        return None, error
    return (found, None) if isinstance(found, list | dict) else (None, None)


def objects_of_lines(text: str, name: str, faults: Faults) -> Iterator[tuple[int, Any]]:
    """The values of JSON lines with their line."""
    for line, written in enumerate(text.split("\n"), 1):
        if written.strip():
            try:
                yield line, loaded(written, f"{name}, row {line}", faults)
            except (json.JSONDecodeError, RecursionError) as error:
                why = error.msg if isinstance(error, json.JSONDecodeError) else TOO_DEEP
                faults.add(f"{name}, row {line} is not JSON: {why}", "write one object a row")
