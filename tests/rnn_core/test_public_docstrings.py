"""Public names are documented, and documented parameters, fields and errors are the real ones."""

import ast
import builtins
import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest
import torch

import rnn_core
from rnn_core import cells, references

FILES = sorted(Path(rnn_core.__file__).parent.rglob("*.py"))
SECTION = re.compile(r"^(Args|Attributes|Raises):\n((?: {4}.*\n|\n)*)", re.MULTILINE)
ENTRY = re.compile(r"^ {4}\*{0,2}([A-Za-z_]\w*(?:, \w+)*):(?: |\n|$)", re.MULTILINE)


def entries(docstring, section):
    """The names that a section of a docstring lists, in order; None if there is no section."""
    bodies = dict(SECTION.findall(inspect.cleandoc(docstring) + "\n"))
    if section not in bodies:
        return None
    return [name for names in ENTRY.findall(bodies[section]) for name in names.split(", ")]


def parameters(function):
    """Names of a function's parameters, without those that the language gives."""
    a = function.args
    names = [one.arg for one in (*a.posonlyargs, *a.args)]
    names += [a.vararg.arg] if a.vararg else []
    names += [one.arg for one in a.kwonlyargs] + ([a.kwarg.arg] if a.kwarg else [])
    return [name for name in names if name not in {"self", "cls"}]


def documented():
    """Every function or class of the library with a docstring, and its place."""
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
                yield f"{file.relative_to(FILES[0].parents[1])}:{node.lineno}", node


def made_by(node):
    """The function whose arguments a docstring's `Args` describe; a class: its constructor."""
    if isinstance(node, ast.FunctionDef):
        return node
    return next((n for n in node.body if getattr(n, "name", "") == "__init__"), None)


def test_documented_parameters_are_the_real_ones():
    """All of them, in their order, wherever there are any."""
    wrong = {}
    for place, node in documented():
        listed, function = entries(ast.get_docstring(node), "Args"), made_by(node)
        if listed is not None and function is not None and listed != parameters(function):
            wrong[place] = (listed, parameters(function))
    assert wrong == {}


def test_documented_fields_of_dataclasses_are_the_real_ones():
    wrong = {}
    for place, node in documented():
        if not (isinstance(node, ast.ClassDef) and is_dataclass(node)):
            continue
        fields = [n.target.id for n in node.body if isinstance(n, ast.AnnAssign)]
        listed = entries(ast.get_docstring(node), "Attributes")
        if listed is not None and not set(listed) <= set(fields):
            wrong[place] = sorted(set(listed) - set(fields))
    assert wrong == {}


def is_dataclass(node):
    return any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list)


def test_documented_errors_exist():
    defined = re.compile(r"^class (\w+)\(.*(?:Error|Exception).*\):", re.MULTILINE)
    known = {*vars(builtins), *(name for f in FILES for name in defined.findall(f.read_text()))}
    wrong = {
        place: sorted(unknown)
        for place, node in documented()
        if (unknown := set(entries(ast.get_docstring(node), "Raises") or ()) - known)
    }
    assert wrong == {}


PUBLIC = {name: getattr(rnn_core, name) for name in rnn_core.__all__}
REGISTERED = {
    f"{package.__name__}.{name}": getattr(import_module(f"{package.__name__}.{name}"), kind)
    for package in (cells, references)
    for name, kind in package.REGISTRY.items()
}


@pytest.mark.parametrize("name", [*PUBLIC, *REGISTERED])
def test_public_name_and_all_its_members_are_documented(name):
    thing = (PUBLIC | REGISTERED)[name]
    assert inspect.getdoc(thing)
    own = vars(thing) if isinstance(thing, type) else {}
    bare = [
        member
        for member, value in own.items()
        if not member.startswith("_")
        if callable(value) or isinstance(value, property | classmethod | staticmethod)
        if not inspect.getdoc(getattr(thing, member))
    ]
    assert bare == []


def api():
    """The functions, classes and own methods at the library's top that take arguments."""
    for name, thing in PUBLIC.items():
        yield name, thing, thing
        for member, value in vars(thing).items() if isinstance(thing, type) else ():
            if inspect.isfunction(value) and not member.startswith("_"):
                yield f"{name}.{member}", value, getattr(thing, member)


API = {name: (value, thing) for name, value, thing in api()}


@pytest.mark.parametrize("name", API)
def test_every_parameter_of_the_api_is_described_and_tensors_have_shapes(name):
    function, thing = API[name]
    text = inspect.getdoc(thing) or ""
    taken = {
        key: one
        for key, one in inspect.signature(function).parameters.items()
        if key not in {"self", "cls"}
    }
    listed = entries(text, "Args") or entries(text, "Attributes") or []
    assert set(taken) <= set(listed), sorted(set(taken) - set(listed))
    for key, one in taken.items():
        if "Tensor" in str(one.annotation) or one.annotation is torch.Tensor:
            described = re.search(rf"^ {{4}}{key}: (.*(?:\n {{8}}.*)*)", text, re.MULTILINE)[1]
            assert re.search(r"\([A-Z1]|See `|As ", described), f"{key} has no shape: {described}"
