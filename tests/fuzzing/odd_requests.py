"""Requests to a model server as they come from mistakes, other programs and ill will."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

JSON = "application/json"

ODD_TEXTS = (
    "",
    " ",
    "\0",
    "\ufeff",
    "\u202e",
    "nan",
    "-inf",
    "1e999",
    "0x10",
    "2024-02-30",
    "9999-12-31T23:59:59",
    "<script>",
    "'; drop table",
    "../../etc/passwd",
    "{{7*7}}",
    "a" * 3000,
    "é" * 300,
    "🙂🙂",
    "\n\n\n",
    "=1+1",
)
ODD_NUMBERS = (0, -1, 2**31, 2**63 - 1, -(2**63), 2**64, 10**40, 1e308, -1e308, 5e-324, -0.0)
ODD_TYPES = (
    "",
    "application/json; charset=utf-16",
    "APPLICATION/JSON",
    "application/json;;;",
    "text/plain",
    "text/csv",
    "text/tab-separated-values",
    "audio/wav",
    "audio/flac",
    "audio/mpeg",
    "audio/ogg",
    "application/octet-stream",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded",
    "é",
)
ODD_QUERIES = (
    {},
    {"all": "true"},
    {"top": "3"},
    {"top": "-1"},
    {"num_tokens": "99999999999999999999"},
    {"seed": "nan"},
    {"": ""},
    {"beam": "1", "beam_size": "2"},
    {"unknown_below": "1e999"},
    {"stop": "\0"},
)


@dataclass(frozen=True)
class Request:
    """A request to send."""

    body: bytes
    kind: str = JSON
    query: Mapping[str, Any] = field(default_factory=dict)


def values() -> st.SearchStrategy[Any]:
    """Any value of JSON, rarely a usual one."""
    plain = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=40),
        st.sampled_from(ODD_TEXTS),
        st.sampled_from(ODD_NUMBERS),
    )
    return st.recursive(
        plain,
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
        ),
        max_leaves=12,
    )


def places(content: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """All places in a value of JSON."""
    found = [before]
    if isinstance(content, dict):
        pairs = list(content.items())
    elif isinstance(content, list):
        pairs = list(enumerate(content))
    else:
        return found
    for key, inner in pairs:
        found += places(inner, (*before, key))
    return found


def replaced(content: Any, place: tuple[Any, ...], value: Any) -> Any:
    """A value of JSON with another one in a place."""
    if not place:
        return value
    key, *rest = place
    changed = dict(content) if isinstance(content, dict) else list(content)
    changed[key] = replaced(content[key], tuple(rest), value)
    return changed


@st.composite
def changed_json(draw: st.DrawFn, good: Mapping[str, Any]) -> Request:
    """A good request in which something is another."""
    content: Any = dict(good)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(places(content)))
        content = replaced(content, place, draw(values()))
    if draw(st.booleans()) and isinstance(content, dict):
        content[draw(st.text(max_size=10))] = draw(values())
    return Request(json.dumps(content).encode())


@st.composite
def changed_bytes(draw: st.DrawFn, good: bytes, kind: str) -> Request:
    """A good body that is cut, doubled, or has other bytes in it."""
    content = bytearray(good)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(content)))
        many = draw(st.integers(0, 40))
        how = draw(st.sampled_from(["put", "cut", "over", "end", "twice"]))
        new = draw(st.binary(max_size=40) | st.sampled_from(ODD_TEXTS).map(str.encode))
        if how == "put":
            content[at:at] = new
        elif how == "cut":
            del content[at : at + many]
        elif how == "over":
            content[at : at + len(new)] = new
        elif how == "end":
            del content[at:]
        else:
            content[at:at] = content[at : at + 10 * many]
    others = st.sampled_from(ODD_TYPES)
    told = draw(st.one_of(st.just(kind), st.just(kind), others))
    return Request(bytes(content), told, draw(st.sampled_from(ODD_QUERIES)))


def odd(good: Mapping[str, Any], files: Mapping[str, bytes]) -> st.SearchStrategy[Request]:
    """Requests near good ones, and others.

    Args:
        good: What is sent as JSON.
        files: What is sent as it is, by its type.
    """
    whole = json.dumps(good).encode()
    kinds = [changed_json(good), changed_bytes(whole, JSON)]
    kinds += [changed_bytes(content, kind) for kind, content in files.items()]
    noise = st.builds(
        Request,
        st.binary(max_size=200),
        st.sampled_from((JSON, *ODD_TYPES)),
        st.sampled_from(ODD_QUERIES),
    )
    return st.one_of(*kinds, noise)


def files_of(rows: list[dict[str, Any]]) -> dict[str, bytes]:
    """The rows of a good request as the files that hold the same."""
    if "wav" in rows[0]:
        content = base64.b64decode(rows[0]["wav"])
        return {"audio/wav": content}
    names = list(rows[0])
    table = [",".join(names), *(",".join(str(row[name]) for name in names) for row in rows)]
    text = "\n".join(str(row[names[0]]) for row in rows)
    return {"text/csv": "\n".join(table).encode(), "text/plain": text.encode()}
