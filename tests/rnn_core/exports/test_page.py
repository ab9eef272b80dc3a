"""Code of docs/guides/export.md, run in its order."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def blocks(page, language):
    text = (ROOT / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of TorchScript
def test_every_block_of_python_holds(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in blocks("docs/guides/export.md", "python"):
        assert "assert " in block
        exec(compile(block, "docs/guides/export.md", "exec"), names)  # noqa: S102
