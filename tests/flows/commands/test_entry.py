"""The program `gatewise` where only the library is installed."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from flows.commands.entry import NEEDED, main

PROJECT = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]

PROGRAM = """
import sys

LACKING = {lacking}

class Absent:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in LACKING:
            return self.finder.find_spec(name, path, target)

sys.meta_path[:] = [Absent(finder) for finder in sys.meta_path]
from flows.commands.entry import main

sys.argv = ["gatewise", "--help"]
try:
    main()
finally:
    print(*sys.modules)
"""


def names(requirements):
    """The distributions of requirements, as PyPI compares names."""
    found = {re.match(r"[\w.-]+", requirement).group().lower() for requirement in requirements}
    return {name.replace("_", "-") for name in found}


def started(lacking):
    command = [sys.executable, "-c", PROGRAM.format(lacking=lacking)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("lacking", [set(NEEDED), {"typer"}, {"mlflow"}])
def test_without_the_pipeline_it_says_what_to_install(lacking):
    done = started(lacking)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.endswith("in a clone of Gatewise: pip install '.[pipeline]'\n")
    assert all(name in done.stderr for name in lacking)
    ours = {name for name in done.stdout.split() if name.startswith(("flows", "rnn_core"))}
    assert ours == {"flows", "flows.commands", "flows.commands.entry"}


@pytest.mark.parametrize(
    "moment", ["flows.commands.entry.find_spec", "flows.commands.main.collect_seldom"]
)
def test_ctrl_c_ends_it_in_silence_from_its_first_moment(moment, monkeypatch, capsys):
    """In the first second, while modules were imported, it was a traceback."""

    def press(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(moment, press)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert capsys.readouterr() == ("", "")


def test_with_all_of_it_it_runs():
    done = started(set())
    assert done.returncode == 0
    assert "Usage: " in done.stdout


def test_it_looks_for_all_that_the_pipeline_installs():
    extras = PROJECT["optional-dependencies"]
    installed = names([*extras["pipeline"], *extras["tasks"]]) - {"gatewise"}
    owners = packages_distributions()  # some share a module
    assert all(names(owners[module]) & installed for module in NEEDED)
    assert {name for module in NEEDED for name in names(owners[module])} >= installed


def test_the_library_by_itself_needs_little():
    assert names(PROJECT["dependencies"]) == {"numpy", "safetensors", "torch"}
