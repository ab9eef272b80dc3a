"""What the code may import, what DVC must know of it, and what importing it may do."""

import ast
import json
import os
import pkgutil
import re
import subprocess
import sys
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import grimp
import pytest
import yaml

import flows
import rnn_core
from flows.stages import prepare as prepare_stage
from rnn_core import cells, sources, tasks
from rnn_core.provenance import source_files

REPOSITORY = Path(__file__).parents[1]
OURS = ("rnn_core", "flows")
CODE = sorted(f for p in (rnn_core, flows) for f in Path(p.__file__).parent.rglob("*.py"))
REGISTRIES = {package.__name__: package for package in (cells, sources, tasks)}

HOW_A_STAGE_IS_STARTED = {
    "flows/system/bound.py",
    "flows/layout.py",
    "flows/trainings/processes.py",
}
"""Exempt by the header of dvc.yaml; the other exemptions are computed."""


@cache
def imports():
    """Every import of our code, wherever it stands in a file, except for types only."""
    return grimp.build_graph(*OURS, exclude_type_checking_imports=True, cache_dir=None)


def file_of(module):
    return Path(*module.split(".")).with_suffix(".py")


def files_of(modules):
    """Files of modules without packages, which only hold names."""
    paths = {file_of(module) for module in modules}
    return {path.as_posix() for path in paths if (REPOSITORY / path).exists()}


def named_beside(files):
    """Files that are no modules and that a file of their folder names, such as templates."""
    found, waiting = set(), list(files)
    while waiting:
        file = REPOSITORY / waiting.pop()
        text = file.read_text()
        new = {
            path.relative_to(REPOSITORY).as_posix()
            for path in file.parent.iterdir()
            if path.is_file() and path.suffix != ".py" and f'"{path.name}"' in text
        } - found
        found |= new
        waiting += new
    return found


@cache
def registries_of(module):
    """The registries whose `get_...` a module imports."""
    file = REPOSITORY / file_of(module)
    return [
        node.module
        for node in ast.walk(ast.parse(file.read_bytes() if file.exists() else b""))
        if isinstance(node, ast.ImportFrom) and node.module in REGISTRIES
        if any(alias.name.startswith("get_") for alias in node.names)
    ]


def looked_up(module, names):
    """Modules that a module finds by name in a registry."""
    for registry in registries_of(module):
        kind = registry.rpartition(".")[2].removesuffix("s")
        known = REGISTRIES[registry].REGISTRY
        yield from (f"{registry}.{name}" for name in known if name in names[kind])


def closure(modules, names):
    """Modules with all that they import or, of the given names, look up."""
    found, waiting = set(), list(modules)
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += imports().find_modules_directly_imported_by(module)
            waiting += looked_up(module, names)
    return found


@cache
def hashed_by_prepare(task):
    """The code of which prepare puts a digest into the data of a task."""
    asked = []
    study = SimpleNamespace(
        section=lambda _: SimpleNamespace(task=task), parameters=lambda *_: None
    )
    kind = SimpleNamespace(DataParameters=None, prepare=lambda *_: ({}, {}))
    layout = SimpleNamespace(
        folder=Path(), scratch=Path(), raw=lambda _: None, prepared=lambda _: None
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prepare_stage, "code_digest", lambda *modules: asked.extend(modules))
        patch.setattr(prepare_stage, "read_study", lambda _: study)
        patch.setattr(prepare_stage, "get_task", lambda _: kind)
        patch.setattr(prepare_stage, "whole_folder", lambda *_: nullcontext())
        patch.setattr(prepare_stage, "write_prepared", lambda *_: None)
        prepare_stage.prepare(layout, "dataset")
    return {path.relative_to(REPOSITORY).as_posix() for path in source_files(*asked)}


GRAPH = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())["stages"]


def definition(stage):
    return GRAPH[stage].get("do", GRAPH[stage])


def listed_code(stage, task):
    """The code that a stage has as `deps`, for a task and for every cell and source."""
    found = set()
    for dep in definition(stage)["deps"]:
        path = dep.removeprefix("${root}/").replace("${item.task}", task)
        if path == "${item.source}":
            found |= files_of(f"rnn_core.sources.{name}" for name in sources.REGISTRY)
        elif "${item.cell}" in path and path.endswith(".py"):
            found |= {path.replace("${item.cell}", name) for name in cells.REGISTRY}
        elif dep.startswith("${root}/"):
            found.add(path)
    return found


def needed_code(stage, task):
    """The code that makes a stage's output, less what it learns of through its data."""
    names = {
        "source": sources.REGISTRY,
        "task": [task],
        "cell": cells.REGISTRY if "${item.cell}" in definition(stage)["cmd"] else [],
    }
    needed = files_of(closure([f"flows.stages.{stage}"], names)) - HOW_A_STAGE_IS_STARTED
    needed |= named_beside(needed)
    hashed = hashed_by_prepare(task)
    if stage == "prepare":
        return needed | hashed
    of_prepared_data = any(dep.startswith("data/prepared/") for dep in definition(stage)["deps"])
    return needed - hashed if of_prepared_data else needed


def test_graph_has_a_stage_for_each_module_of_the_stages_folder():
    assert {f"flows/stages/{stage}.py" for stage in GRAPH} == files_of(
        imports().find_children("flows.stages")
    )


@pytest.mark.parametrize("task", tasks.REGISTRY)
@pytest.mark.parametrize("stage", GRAPH)
def test_stage_depends_on_all_code_that_it_imports(stage, task):
    missing = needed_code(stage, task) - listed_code(stage, task)
    assert not missing, f"stage {stage} of a {task} dataset has no dep on {sorted(missing)}"


@pytest.mark.parametrize("stage", GRAPH)
def test_stage_depends_on_no_code_that_it_does_not_need(stage):
    listed = set.union(*(listed_code(stage, task) for task in tasks.REGISTRY))
    needed = set.union(*(needed_code(stage, task) for task in tasks.REGISTRY))
    assert not listed - needed, f"stage {stage} has needless deps on {sorted(listed - needed)}"


@pytest.mark.parametrize("task", tasks.REGISTRY)
def test_prepare_hashes_all_code_that_trains(task):
    names = {"source": [], "task": [task], "cell": []}
    roots = (f"rnn_core.tasks.{task}.learn", "rnn_core.training.loop", "rnn_core.devices")
    assert files_of(closure(roots, names)) <= hashed_by_prepare(task)


def importing_siblings(module, siblings):
    """Which of the others import a module or what is below it, themselves or below them."""
    below = {module, *imports().find_descendants(module)}
    importers = set().union(*map(imports().find_modules_that_directly_import, below)) - below
    return {
        sibling for sibling in siblings if any(f"{m}.".startswith(f"{sibling}.") for m in importers)
    }


@pytest.mark.parametrize("package", REGISTRIES.values(), ids=list(REGISTRIES))
def test_registry_names_the_modules_of_its_folder(package):
    """All but those that their siblings build on, such as base."""
    siblings = imports().find_children(package.__name__)
    shared = {m for m in siblings if importing_siblings(m, siblings)}
    names = {module.rpartition(".")[2] for module in siblings - shared}
    assert set(package.REGISTRY) == names
    (look_up,) = [value for name, value in vars(package).items() if name.startswith("get_")]
    assert all(look_up(name) for name in names)


def modules():
    for package in (rnn_core, flows):
        yield package.__name__
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            yield found.name


def foreign_imports():
    """What our modules import of others while they are imported: modules, and names of them."""
    for file in CODE:
        for node in ast.parse(file.read_bytes()).body:
            if isinstance(node, ast.Import):
                yield from ((alias.name, None) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module.split(".")[0] not in OURS:
                yield from ((node.module, alias.name) for alias in node.names)


IMPORT_ALL = """
import json, logging, os, random, signal, sys, threading, warnings
from importlib import import_module
from pathlib import Path

foreign, ours = json.loads(sys.argv[1])
for module, name in foreign:
    getattr(import_module(module), name or "__name__", None)
import numpy, psutil, torch

def state():
    return {
        "files": sorted(map(str, Path().rglob("*"))),
        "folder": os.getcwd(),
        "environment": dict(os.environ),
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "children": [child.pid for child in psutil.Process().children()],
        "torch generator": torch.get_rng_state().tolist(),
        "torch threads": torch.get_num_threads(),
        "torch type": str(torch.get_default_dtype()),
        "torch determinism": torch.are_deterministic_algorithms_enabled(),
        "torch gradients": torch.is_grad_enabled(),
        "numpy generator": str(numpy.random.get_state()),
        "numpy errors": numpy.geterr(),
        "random generator": str(random.getstate()),
        "warnings": len(warnings.filters),
        "log handlers": len(logging.getLogger().handlers),
        "signals": [str(signal.getsignal(n)) for n in signal.valid_signals()],
    }

before = state()
for module in ours:
    import_module(module)
after = state()
print(json.dumps({name: [before[name], after[name]] for name in before}))
"""


def test_importing_our_modules_changes_nothing(tmp_path):
    arguments = json.dumps([list(foreign_imports()), list(modules())])
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, arguments],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path), "PREFECT_HOME": str(tmp_path / "prefect")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    states = json.loads(done.stdout.splitlines()[-1])
    changed = {name: pair for name, pair in states.items() if pair[0] != pair[1]}
    assert not changed
    assert done.stdout.count("\n") == 1


HEAVY = {
    *("torch", "numpy", "pandas", "matplotlib", "statsmodels", "optuna"),
    *("mlflow", "prefect", "dvc"),
}


@pytest.mark.parametrize("command", ["", "ingest", "run", "cells", "cells show"])
def test_command_line_answers_without_heavy_imports(command):
    program = (
        "import sys\n"
        "from flows.commands.main import main\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        "    print(*sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *command.split(), "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"Usage: -c {command}".rstrip() in done.stdout
    loaded = {module.split(".")[0] for module in done.stderr.split()}
    assert "typer" in loaded
    assert not loaded & HEAVY


@pytest.mark.parametrize("stage", ["ingest", "tune"])
def test_stage_that_has_little_to_do_waits_for_no_heavy_import(stage):
    program = f"import sys, flows.stages.{stage}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not {module.split(".")[0] for module in done.stdout.split()} & HEAVY


def test_no_function_is_longer_than_60_lines():
    long = {
        f"{file.relative_to(REPOSITORY)}:{node.lineno} {node.name}"
        for file in CODE
        for node in ast.walk(ast.parse(file.read_bytes()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.body[0].lineno + 1 > 60
    }
    assert not long


def test_every_file_that_contributing_names_is_there():
    """But for `<name>`, which is to be chosen."""
    text = (REPOSITORY / "CONTRIBUTING.md").read_text()
    named = set(re.findall(r"`((?:flows|rnn_core|tests|docs|data)/[^`<>\s]*)`", text))
    assert len(named) > 20
    assert [name for name in sorted(named) if not (REPOSITORY / name).exists()] == []
