"""What a result was made by: the code a module stands on, and the numeric environment."""

import ast
import hashlib
import platform
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import torch

PACKAGE = Path(__file__).parent


def source_files(*modules: str) -> list[Path]:
    """Files of this package that modules stand on, themselves included, sorted.

    Imports are followed wherever they stand in a file, and C stands with the modules that
    lie beside it. The packages' own
    `__init__` files are left out: they hold registries of names, and a new name changes
    no result.

    Args:
        modules: Full names, such as "rnn_core.training.loop".

    Raises:
        ModuleNotFoundError: If one of them is no file of this package.
    """
    for module in modules:
        if _file_of(module) is None:
            raise ModuleNotFoundError(f"{module} is no file of {PACKAGE.name}", name=module)
    found: set[Path] = set()
    waiting = list(modules)
    while waiting:
        file = _file_of(waiting.pop())
        if file is not None and file not in found:
            found.add(file)
            waiting.extend(_imports(file))
    return sorted(found | {source for file in found for source in file.parent.glob("*.c")})


@cache  # a process does not see its own code change
def code_digest(*modules: str) -> str:
    """SHA-256 over the names and contents of `source_files`."""
    digest = hashlib.sha256()
    for file in source_files(*modules):
        digest.update(f"{file.relative_to(PACKAGE).as_posix()}\n".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def environment() -> dict[str, str]:
    """What, besides code and data, decides the bits of a training on the CPU."""
    return {
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "processor": torch.backends.cpu.get_cpu_capability(),
        "threads": str(torch.get_num_threads()),
    }


def _file_of(module: str) -> Path | None:
    parts = module.split(".")
    file = PACKAGE.parent.joinpath(*parts).with_suffix(".py")
    return file if parts[0] == PACKAGE.name and file.is_file() else None


def _imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
