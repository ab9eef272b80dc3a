"""Compiled code that Python leaves beside the files of a model when it is loaded from its folder.

It is no part of what was registered. Python runs it in place of the source, so that it has to be
what the source compiles to.
"""

import marshal
from importlib.util import MAGIC_NUMBER, source_from_cache
from pathlib import Path
from types import CodeType

FOLDER = "__pycache__"

HEADER = 16
"""Bytes before the code (PEP 552)."""

OPTIMISED = "opt-"
"""Begins the part of a file's name that tells how much was left out (PEP 488)."""


def foreign(folder: Path) -> list[Path]:
    """Compiled files below a folder that this Python would not compile from the sources there."""
    files = [file for there in folder.rglob(FOLDER) for file in there.rglob("*") if file.is_file()]
    return sorted(file for file in files if not is_of_source(file))


def is_of_source(file: Path) -> bool:
    """Return whether a compiled file holds the code of the source that it belongs to."""
    content = file.read_bytes()
    try:
        source = Path(source_from_cache(str(file)))
        found = marshal.loads(content[HEADER:])  # noqa: S302 - it is read, and not run
        wanted: CodeType = compile(
            source.read_bytes(), source, "exec", dont_inherit=True, optimize=left_out(file)
        )
    except (OSError, ValueError, TypeError, EOFError, SyntaxError):
        return False
    return content.startswith(MAGIC_NUMBER) and bool(found == wanted)


def left_out(file: Path) -> int:
    """The level of optimisation in the name of a compiled file."""
    *_, part, _ = file.name.split(".")
    return int(part.removeprefix(OPTIMISED)) if part.startswith(OPTIMISED) else 0
