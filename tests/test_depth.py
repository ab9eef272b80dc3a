"""The tests that a quick run leaves out, as pytest itself runs them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = "from depth import leave_out as pytest_collection_modifyitems"

FILE = """
import pytest


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("cell", ["a", "b", "c"])
@pytest.mark.one_in(2)
def test_crossed(cell, size):
    pass


@pytest.mark.parametrize(("before", "after"), [(0, 0), (1, 1), (2, 2)])
@pytest.mark.one_in(3)
def test_together(before, after):
    pass


@pytest.mark.thorough
def test_slow():
    pass


@pytest.mark.parametrize("size", [1, 2])
def test_usual(size):
    pass
"""

QUICK = {
    "test_crossed[a-1]",
    "test_crossed[b-2]",
    "test_crossed[c-1]",
    "test_together[0-0]",
    "test_usual[1]",
    "test_usual[2]",
}


OURS = ("GATEWISE_TEST_ALL", "PYTEST_ADDOPTS")
"""Variables that change what a run of pytest does."""


@pytest.fixture
def ran(tmp_path):
    """Gives the names of the tests that pytest runs of the file above."""
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_some.py").write_text(FILE)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    one_in\n    thorough\n")
    usual = {name: value for name, value in os.environ.items() if name not in OURS}

    def run(*arguments, **variables):
        command = [sys.executable, "-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider"]
        path = str(Path(__file__).parent / "depth")
        done = subprocess.run(
            [*command, *arguments],
            cwd=tmp_path,
            env=usual | variables | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=True,
        )
        return {line.partition("::")[2] for line in done.stdout.splitlines() if "::" in line}

    return run


def test_each_value_of_a_slow_test_stays_and_a_thorough_one_goes(ran):
    assert ran() == QUICK


def test_nothing_is_left_out_of_all_tests_nor_of_named_ones(ran):
    everything = ran(GATEWISE_TEST_ALL="1")
    assert everything > QUICK
    assert len(everything) == 6 + 3 + 1 + 2
    assert ran("test_some.py::test_slow") == {"test_slow"}
    assert len(ran("-k", "together")) == 3
