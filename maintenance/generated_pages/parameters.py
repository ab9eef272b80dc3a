"""The page of all keys of params.yaml, from the classes that read them."""

import inspect
import re
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from griffe import Docstring, DocstringSectionAttributes

from rnn_core.parameters import line_of
from rnn_core.study import EnsembleOf, Section, Seeds, Study, Tuning
from rnn_core.tasks import REGISTRY, get_task
from rnn_core.training.loop import TrainingParameters

HEAD = """\
# params.yaml

A study is described by its `params.yaml`. This page lists every key, from the classes that read
the file. A misspelt or missing key is an error that names the key and the nearest known one.

- The study itself needs every key. The default is what to write if you have no other wish.
- In the sections of a dataset, only the keys without a default are required.
- `null` is YAML's word for no value.
- The tables *answers* are no part of the file. They list what `gatewise predict --set` and
  `gatewise generate --set` take.
"""

SECTIONS: dict[str, type[Any]] = {
    "The study": Study,
    "A dataset": Section,
    "seeds": Seeds,
    "tuning": Tuning,
    "ensemble": EnsembleOf,
    "training": TrainingParameters,
}
"""Sections that every study may have."""

ANCHORS: dict[Any, str] = {
    kind: title.lower().replace(" ", "-") for title, kind in SECTIONS.items()
}
"""The anchor of each section that every study may have."""

PARTS = {
    "data": "DataParameters",
    "model": "ModelParameters",
    "answers": "AnswerParameters",
}
"""Sections of a task, and the classes that it declares for them."""

REFUSED = {"num_layers"}
"""Fields that a file may not set: `depths` does, and code derives these from it."""

COLUMNS = ("key", "type", "default", "meaning")

PAGES = {
    "rnn_core.cells": "[Cells](cells.md)",
    "rnn_core.comparison.race": "[Races and risk](guides/races.md)",
    "rnn_core.comparison.rolling_origin": (
        "[Trained on the validation set too]"
        "(concepts/decision.md#trained-on-the-validation-set-too)"
    ),
    "rnn_core.references": "[Is a recurrence needed?](guides/recurrence.md)",
    "rnn_core.training.sizes": "[Candidates](concepts/decision.md#candidates)",
}
"""Links to the pages that say for users what a module says for programmers."""

MODULE = re.compile(r"`(rnn_core\.[\w.]+)`")

WORDS: dict[Any, str] = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    NoneType: "null",
    Any: "keys and values",
}


def page() -> str:
    """The page, in Markdown."""
    parts = [HEAD]
    parts += [f"## {title}\n\n{table(kind)}" for title, kind in SECTIONS.items()]
    parts += [section_of(task) for task in REGISTRY]
    return "\n".join(parts)


def section_of(task: str) -> str:
    """The keys of a task: of its data, of its model, and of its answers."""
    kinds = {part: getattr(get_task(task), name) for part, name in PARTS.items()}
    tables = [f"### {task}: {part}\n\n{table(one)}" for part, one in kinds.items() if fields(one)]
    return "\n".join([f"## {task}\n", *tables])


def table(kind: type[Any]) -> str:
    """All keys of a class, those that it inherits too, as a table of Markdown."""
    rows = [COLUMNS, ("---",) * len(COLUMNS), *rows_of(kind)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def rows_of(kind: type[Any]) -> Iterator[tuple[str, ...]]:
    """A row for each key that you can set."""
    types, meanings = get_type_hints(kind), meanings_of(kind)
    for field in fields(kind):
        if field.name not in REFUSED:
            cells = (type_in_words(types[field.name]), default(field), linked(meanings[field.name]))
            yield (f"`{field.name}`", *(cell.replace("|", r"\|") for cell in cells))


def meanings_of(kind: type[Any]) -> dict[str, str]:
    """The description of each key by the class that describes it, or the nearest base that does."""
    found = dict[str, str]()
    for owner in reversed(kind.__mro__):
        for section in Docstring(inspect.getdoc(owner) or "").parse("google"):
            if isinstance(section, DocstringSectionAttributes):
                found |= {item.name: item.description for item in section.value}
    return found


def linked(description: str) -> str:
    """A description on one line, with links to pages in the place of modules.

    Raises:
        KeyError: If no page is known for a module.
    """
    text = " ".join(description.split())
    return MODULE.sub(lambda found: PAGES[found[1]], text)


def default(field: Field[Any]) -> str:
    """The default of a key as the file would have it; "required" where there is none."""
    if field.default is MISSING and field.default_factory is MISSING:
        return "required"
    return f"`{line_of(field).partition(': ')[2]}`"


def type_in_words(kind: Any) -> str:
    """A type of Python in the words of the page."""
    if is_dataclass(kind):
        return f"[section](#{ANCHORS[kind]})"
    return composed_in_words(kind) if get_args(kind) else WORDS[kind]


def composed_in_words(kind: Any) -> str:
    """The same of a type that is made from others."""
    inner = get_args(kind)
    match get_origin(kind):
        case origin if origin is Literal:
            return ", ".join(f"`{value}`" for value in inner)
        case origin if origin in {Union, UnionType}:
            return " or ".join(map(type_in_words, inner))
        case origin if origin is dict:
            return WORDS[Any] if inner[1] is Any else f"{type_in_words(inner[1])}, by name"
        case _ if len(inner) == 1 or inner[1] is ...:
            return f"list of {plural(inner[0])}"
    return f"[{', '.join(map(type_in_words, inner))}]"


def plural(kind: Any) -> str:
    """The plural of a type in words."""
    if get_origin(kind) in {Union, UnionType}:
        return " or ".join(map(plural, get_args(kind)))
    return f"{WORDS[kind]}s" if kind in WORDS else type_in_words(kind)
