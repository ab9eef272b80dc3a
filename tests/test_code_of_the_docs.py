"""Every block of Python in the docs runs, and prints what is written beside it."""

import ast
import re
import runpy
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
ELSEWHERE = {
    "docs/guides/export.md": "tests/rnn_core/exports/test_page.py",
    "docs/guides/mlflow.md": "tests/flows/end_to_end/test_readme.py",
    "docs/index.md": "tests/flows/end_to_end/test_readme.py",
}
"""Pages whose blocks need more than a moment, and the test that runs them."""

PARSED = {"docs/guides/cluster.md"}
"""Pages whose blocks need a cluster."""


def blocks_of(page):
    return re.findall(r"^```python\n(.*?)^```$", (REPOSITORY / page).read_text(), re.M | re.S)


PAGES = {
    str(page.relative_to(REPOSITORY))
    for page in (*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md"))
}
WITH_CODE = {page for page in PAGES if blocks_of(page)}
PRINTED = re.compile(r"^print\(.*\)  # (.*)$", re.MULTILINE)


def test_pages_that_run_elsewhere_are_named_there():
    for page, test in ELSEWHERE.items():
        assert page in (REPOSITORY / test).read_text()
    assert {*ELSEWHERE, *PARSED} <= WITH_CODE


@pytest.mark.parametrize("page", sorted(WITH_CODE - ELSEWHERE.keys() - PARSED))
def test_code_runs_and_prints_what_it_says(page, tmp_path, capsys):
    """The blocks of a page belong together; a file has them, since the compiler reads sources."""
    code = "\n".join(blocks_of(page))
    (tmp_path / "page.py").write_text(code)
    runpy.run_path(str(tmp_path / "page.py"))
    told = PRINTED.findall(code)
    assert told
    assert capsys.readouterr().out.splitlines() == told


@pytest.mark.parametrize("page", sorted(PARSED))
def test_code_can_be_parsed(page):
    assert all(ast.parse(block).body for block in blocks_of(page))
