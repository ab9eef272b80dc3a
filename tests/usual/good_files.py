"""Small raw files of every task: those that its table of malformed files begins with."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

TABLES = Path(__file__).parents[1] / "rnn_core/malformed"


def read_table(task: str) -> ModuleType:
    """The table of malformed files of a task."""
    spec = importlib.util.spec_from_file_location(f"malformed_{task}", TABLES / f"{task}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def lay_out(task: str, folder: Path) -> dict[str, Any]:
    """Write the good files into a folder; returns the data parameters that go with them."""
    table = read_table(task)
    for name, content in table.good().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    parameters: dict[str, Any] = table.PARAMETERS
    return parameters
