"""Rules for imports: allowed ones, what DVC must know of them, and their effects."""

import ast
import json
import os
import pkgutil
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import grimp
import pytest
import yaml
from usual_study import USUAL

import flows
import rnn_core
from flows.layout import Layout
from flows.stages.code import code as write_code
from flows.tracking.promoted import Promotion
from flows.tracking.shown import note_shown
from rnn_core import cells, references, sources, tasks

REPOSITORY = Path(__file__).parents[1]
OURS = ("rnn_core", "flows")
CODE = sorted(f for p in (rnn_core, flows) for f in Path(p.__file__).parent.rglob("*.py"))
REGISTRIES = {package.__name__: package for package in (cells, references, sources, tasks)}


@cache
def imports():
    """Every import of our code, anywhere in a file, except for types only."""
    return grimp.build_graph(*OURS, exclude_type_checking_imports=True, cache_dir=None)


def file_of(module):
    return Path(*module.split(".")).with_suffix(".py")


def files_of(modules):
    """Files of modules without packages, which only hold names."""
    paths = {file_of(module) for module in modules}
    return {path.as_posix() for path in paths if (REPOSITORY / path).exists()}


GRAPH = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())["stages"]


def test_graph_has_a_stage_for_each_module_of_the_stages_folder():
    assert {f"flows/stages/{stage}.py" for stage in GRAPH} == files_of(
        imports().find_children("flows.stages")
    )


def test_graph_lists_no_code():
    """The stage `code` alone depends on it, as whole folders; the others on its fingerprints."""
    for name, stage in GRAPH.items():
        found = stage.get("do", stage)
        deps = [dep for dep in found.get("deps", []) if dep.startswith("${root}")]
        assert deps == (["${root}/flows", "${root}/rnn_core"] if name == "code" else [])
        keys = [list(p) for p in found["params"] if isinstance(p, dict)]
        assert keys == ([] if name == "code" else [["code.json"]])


def importing_siblings(module, siblings):
    """Siblings that import a module or one below it, themselves or in modules below them."""
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
    """Foreign modules that our modules import on import: modules, and names in them."""
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
    *("torch", "numpy", "pandas", "matplotlib", "statsmodels"),
    *("mlflow", "prefect", "dvc"),
}


@pytest.mark.parametrize(
    "command",
    ["", "code", "ingest", "run", "cells", "cells show", "store", "store gc", "champion", "verify"],
)
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


@pytest.mark.parametrize("stage", ["code", "ingest", "train", "evaluate"])
def test_stage_that_has_little_to_do_waits_for_no_heavy_import(stage):
    program = f"import sys, flows.stages.{stage}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not {module.split(".")[0] for module in done.stdout.split()} & HEAVY


def test_flow_leaves_pytorch_to_its_workers():
    program = "import sys, flows.study, flows.tracking.projection; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True
    )
    loaded = {module.split(".")[0] for module in done.stdout.split()}
    assert {"prefect", "mlflow"} <= loaded
    assert "torch" not in loaded


def test_registered_models_are_read_without_what_judges_and_trains_them():
    program = "import sys, flows.tracking.registered; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "mlflow" in loaded
    assert not loaded & {"torch", "scipy.stats", "statsmodels"}


RESULTS = (
    *(
        "rnn_core.comparison.outcome",
        "rnn_core.comparison.policies",
        "rnn_core.comparison.race",
        "rnn_core.comparison.verdict",
    ),
    *("flows.stages.compare", "flows.stages.report", "flows.running.summary"),
)


@pytest.mark.parametrize("module", RESULTS)
def test_results_are_read_and_judged_without_what_trains_and_runs(module):
    program = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = {module.split(".")[0] for module in done.stdout.split()}
    assert not loaded & {"torch", "pandas", "mlflow", "prefect", "dvc"}


NEEDLESS = {"torch", "prefect", "mlflow"}


@pytest.mark.parametrize("command", [["status"], ["code", "--check"], ["run"]])
def test_command_that_finds_nothing_to_do_imports_nothing_heavy(command, tmp_path, monkeypatch):
    """A study where DVC finds all up to date, and MLflow shows all that there is."""
    program = (
        "import sys\n"
        "from flows.commands.main import main\n"
        "from flows.recording import command\n"
        "command.stale_stages.__code__ = (lambda layout: set()).__code__\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        "    print(*sys.modules, file=sys.stderr)\n"
    )
    (tmp_path / "prices.csv").touch()
    section = {"source": "prices.csv", "task": "forecasting", "data": {}, "model": {}}
    content = {
        **USUAL,
        "root": ".",
        "study": "light",
        "seeds": {"first": 1, "most": 1},
        "cells": ["gru"],
    }
    content["datasets"] = {"prices": section | {"training": {}}}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content))
    (tmp_path / "dvc.yaml").symlink_to(REPOSITORY / "dvc.yaml")
    layout = Layout(tmp_path)
    layout.runs("prices").mkdir(parents=True)
    write_code(layout)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")  # which nobody asks
    monkeypatch.delenv("MLFLOW_REGISTRY_URI", raising=False)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    layout.shown.parent.mkdir(exist_ok=True)
    promotion = Promotion(
        dataset="prices",
        model="light.prices",
        version="1",
        action="promoted",
        reason="it is the first",
        test_score=1.0,
    )
    note_shown(layout, {"prices": promotion})
    done = subprocess.run(
        [sys.executable, "-c", program, *command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    if command == ["run"]:
        assert "Nothing to do: all is up to date." in done.stdout
    loaded = {module.split(".")[0] for module in done.stderr.split()}
    assert "flows" in loaded
    assert not loaded & NEEDLESS


def test_no_function_is_longer_than_60_lines():
    long = {
        f"{file.relative_to(REPOSITORY)}:{node.lineno} {node.name}"
        for file in CODE
        for node in ast.walk(ast.parse(file.read_bytes()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.body[0].lineno + 1 > 60
    }
    assert not long


PLACES = (*OURS, "benchmarks", "examples", "maintenance", "tests")


def test_no_file_is_longer_than_400_lines():
    files = [file for place in PLACES for file in (REPOSITORY / place).rglob("*.py")]
    lines = {str(file): len(file.read_text().splitlines()) for file in files}
    assert len(lines) > 500
    assert {name: number for name, number in lines.items() if number > 400} == {}


def test_every_file_that_contributing_names_is_there():
    """Except for `<name>`, which is to be chosen."""
    text = (REPOSITORY / "CONTRIBUTING.md").read_text()
    named = set(re.findall(r"`((?:flows|rnn_core|tests|docs|data)/[^`<>\s]*)`", text))
    assert len(named) > 20
    assert [name for name in sorted(named) if not (REPOSITORY / name).exists()] == []
