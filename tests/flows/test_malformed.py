"""Malformed input: a clear error for each cause, no output left, and no check in vain.

The cases are the tables in `tests/rnn_core/malformed`, one module for each task.
"""

import ast
import importlib.util
import inspect
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from good_files import TABLES, read_table
from usual_study import USUAL

from flows.layout import Layout
from flows.stages.prepare import prepare
from rnn_core.errors import DataError, ParameterError
from rnn_core.readers.faults import Faults, told
from rnn_core.study import read_study
from rnn_core.tasks import REGISTRY, get_task

PACKAGE = Path(sys.modules["rnn_core"].__file__).parent
FAULTS = Path(sys.modules[Faults.__module__].__file__)


MODULES = {path.stem: read_table(path.stem) for path in sorted(TABLES.glob("*.py"))}
CASES = [(task, cause) for task, module in MODULES.items() for cause in module.CASES]


def lay_out(folder, task, files, parameters):
    """A study whose dataset `data` is ingested already."""
    raw = folder / "data/raw/data"
    raw.mkdir(parents=True)
    for name, content in files.items():
        (raw / name).parent.mkdir(parents=True, exist_ok=True)
        (raw / name).write_bytes(content)
    section = {"source": "data/raw/data", "task": task, "model": {}, "training": {}}
    study = {
        **USUAL,
        "root": ".",
        "study": "malformed",
        "seeds": {"first": 1, "most": 1},
        "cells": ["gru"],
        "datasets": {"data": {**section, "data": parameters}},
    }
    (folder / "params.yaml").write_text(yaml.safe_dump(study))
    return Layout(folder)


def outcome(folder, task, files, parameters):
    """The error of `prepare`, or None if it takes the files."""
    try:
        layout = lay_out(folder, task, files, parameters)
        prepare(layout, read_study(layout.folder), "data")
    except (DataError, ParameterError) as error:
        return error
    return None


def case(task, cause):
    module = MODULES[task]
    files, changes, message = module.CASES[cause]
    return files, module.PARAMETERS | changes, message


def test_every_task_has_a_table_and_there_are_at_least_60_causes():
    assert set(MODULES) == set(REGISTRY)
    assert len(CASES) >= 60


@pytest.mark.parametrize("task", MODULES)
def test_good_files_are_taken(tmp_path, task):
    module = MODULES[task]
    assert outcome(tmp_path, task, module.good(), module.PARAMETERS) is None
    assert (tmp_path / "data/prepared/data/meta.json").exists()


@pytest.mark.parametrize(("task", "cause"), CASES)
def test_malformed_input_has_one_clear_line_and_leaves_nothing(tmp_path, task, cause):
    files, parameters, message = case(task, cause)
    error = outcome(tmp_path, task, files, parameters)
    assert error is not None, "it was taken"
    assert message in str(error)
    assert "\n" not in str(error).strip()
    assert not (tmp_path / "data/prepared").exists() or not any(
        (tmp_path / "data/prepared").iterdir()
    )


def raising_line(error):
    """The file and line in our packages that raised an error."""
    found, trace = None, error.__traceback__
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        if file.is_relative_to(PACKAGE):
            found = file, trace.tb_lineno
        trace = trace.tb_next
    return found


class Noted:
    """Places where faults were found that are reported together.

    All of them are raised in the same line, which is no check of any.
    """

    def __init__(self, patch):
        self.places = []
        add, noted = Faults.add, Faults.noted

        def seen(faults, what, cure, **settings):
            caller = sys._getframe(1)
            place = Path(caller.f_code.co_filename), caller.f_lineno
            if place[0] != FAULTS:
                self.places.append(
                    (told({", or ".join((cure, *settings.values())): [what]}, {}), place)
                )
            add(faults, what, cure, **settings)

        @contextmanager
        def seen_within(faults):
            with noted(faults):
                try:
                    yield
                except DataError as error:
                    self.places.append((str(error), raising_line(error)))
                    raise

        patch.setattr(Faults, "add", seen)
        patch.setattr(Faults, "noted", seen_within)

    def find(self, message):
        """Where the fault of a message was found."""
        return next(place for text, place in self.places if message in text and place[0] != FAULTS)


class Removal(ast.NodeTransformer):
    """Takes one statement out of a module that raises an error, or notes a fault."""

    def __init__(self, line):
        self.line = line
        self.removed = 0

    def visit_Raise(self, node):
        if node.lineno <= self.line <= node.end_lineno:
            self.removed += 1
            return ast.copy_location(ast.Pass(), node)
        return node

    def visit_Expr(self, node):
        is_add = isinstance(node.value, ast.Call) and getattr(node.value.func, "attr", "") == "add"
        return self.visit_Raise(node) if is_add else node


def without_check(file, line, monkeypatch):
    """Put the code of a module without one of its checks into the module."""
    name = ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts)
    module = sys.modules[name]
    removal = Removal(line)
    tree = ast.fix_missing_locations(removal.visit(ast.parse(file.read_text())))
    assert removal.removed == 1
    changed = importlib.util.module_from_spec(module.__spec__)
    exec(compile(tree, str(file), "exec"), changed.__dict__)  # noqa: S102 - our own code
    replace_functions(module, changed, monkeypatch)


def replace_functions(module, changed, monkeypatch):
    """Let the functions of a module, and of its classes, run changed code."""
    for holder, source in [
        (module, changed),
        *(
            (value, getattr(changed, name))
            for name, value in vars(module).items()
            if isinstance(value, type) and value.__module__ == module.__name__
        ),
    ]:
        for name, value in list(vars(holder).items()):
            # a decorated function calls the one that was written
            function = inspect.unwrap(getattr(value, "__func__", value))
            new = vars(source).get(name)
            new = inspect.unwrap(getattr(new, "__func__", new))
            code = getattr(new, "__code__", None)
            if code is not None and getattr(function, "__module__", "") == module.__name__:
                monkeypatch.setattr(function, "__code__", code)


@pytest.mark.parametrize(("task", "cause"), CASES)
@pytest.mark.one_in(4)
def test_without_its_check_a_case_is_not_found(tmp_path, task, cause, monkeypatch):
    files, parameters, message = case(task, cause)
    get_task(task)
    with monkeypatch.context() as patch:
        noted = Noted(patch)
        place = raising_line(outcome(tmp_path / "with", task, files, parameters))
    assert place is not None
    without_check(*(noted.find(message) if place[0] == FAULTS else place), monkeypatch)
    try:
        other = outcome(tmp_path / "without", task, files, parameters)
    except Exception as crash:  # noqa: BLE001 - what is not checked may break anything
        other = crash
    assert message not in str(other)
