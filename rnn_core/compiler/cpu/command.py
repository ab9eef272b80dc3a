"""The system's C compiler, found without PyTorch."""

import os
import shlex
import shutil

NO_COMPILER = "no C compiler (cc, gcc, clang) is on the path"


def compiler_command() -> tuple[str, ...] | None:
    """The C compiler: $CC with its arguments, cc, gcc or clang; None if none is on the path."""
    for command in (os.environ.get("CC", ""), "cc", "gcc", "clang"):
        name, *arguments = shlex.split(command) or [""]
        path = shutil.which(name) if name else None
        if path:
            return path, *arguments
    return None
