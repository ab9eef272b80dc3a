"""The API page has every public name, and no name there or in params.yaml is undescribed."""

import re
from functools import cache
from pathlib import Path

import griffe
import pytest

import rnn_core
from rnn_core.tasks import REGISTRY, get_task

REPOSITORY = Path(__file__).parents[1]
TARGET = re.compile(r"^::: ([\w.]+)$", re.MULTILINE)
PAGE = "docs/api.md"
KINDS = ("DataParameters", "ModelParameters", "AnswerParameters")
TARGETS = TARGET.findall((REPOSITORY / PAGE).read_text())
OF_TASKS = {
    f"{kind.__module__}.{kind.__name__}"
    for task in REGISTRY
    for kind in (getattr(get_task(task), name) for name in KINDS)
}


@cache
def library():
    return griffe.load("rnn_core", search_paths=[REPOSITORY], docstring_parser="google")


def found(name):
    return library()[name.removeprefix("rnn_core.")]


def public(owner):
    """An object, and what it defines under names without an underscore, except type variables."""
    yield owner
    if owner.is_module or owner.is_class:
        for member in owner.members.values():
            if not member.is_alias and not re.match(r"_|[A-Z]$", member.name):
                yield from public(member)


def described(owner):
    """Names that a docstring describes in its sections."""
    sections = owner.docstring.parsed if owner.docstring else []
    return {
        item.name
        for section in sections
        if section.kind.value in {"parameters", "attributes"}
        for item in section.value
    }


def overrides(member):
    """True if a base class has this method, with its description."""
    bases = member.parent.mro() if member.parent and member.parent.is_class else []
    return any(member.name in base.members for base in bases)


def lacking(owner):
    """Public names of an object that have no description."""
    if owner.is_attribute:
        known = owner.docstring or owner.name in described(owner.parent)
    else:
        known = owner.docstring
    return [] if known or overrides(owner) else [owner.path]


def test_page_has_every_name_that_the_library_exports():
    names = {target.rpartition(".")[2] for target in TARGETS}
    assert set(rnn_core.__all__) <= names


@pytest.mark.parametrize("target", sorted({*TARGETS, *OF_TASKS}))
def test_every_public_name_is_described(target):
    assert [path for member in public(found(target)) for path in lacking(member)] == []
