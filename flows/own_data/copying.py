"""Copy your own files into a study."""

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from rnn_core.errors import ParameterError
from rnn_core.readers.faults import Faults
from rnn_core.readers.folders import is_hidden, is_left

CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
"""Characters that no name should hold, and that no line can show."""


def check_data(folder: Path, data: Sequence[Path]) -> None:
    """Check that data can be copied into the folder of a study.

    Raises:
        ParameterError: If an argument is not possible.
        DataError: If files cannot be copied; names all of them.
    """
    if not data:
        raise ParameterError("no data: give --data FILE (twice for two aligned text files)")
    for path in data:
        if not path.exists():
            raise ParameterError(f"--data {path}: there is no such file or folder")
    if len(data) > 1 and not all(path.is_file() for path in data):
        raise ParameterError("--data: give one folder, or files, not both")
    if len({path.name for path in data}) < len(data):
        raise ParameterError("--data: two files have the same name; rename one")
    for path in data:
        if path.is_dir() and folder.resolve().is_relative_to(path.resolve()):
            raise ParameterError(
                f"{folder} is inside its own data, {path}; make the study elsewhere"
            )
    faults = Faults()
    for path in data:
        check_files(path, faults)
    faults.check()


def check_files(data: Path, faults: Faults) -> None:
    """Collect the files of a folder that cannot be copied."""
    own = os.fsencode(data)
    for folder, folders, files in os.walk(own, followlinks=True):
        if os.path.realpath(folder) in {os.path.realpath(up) for up in above(folder, own)}:
            faults.add(f"{shown(folder, own)} is a link to a folder above it", "remove it")
            folders.clear()
            continue
        if is_link_inside(folder, own):
            what = f"{shown(folder, own)} is a link to a folder that is in the data too"
            faults.add(what, "remove it, since its files would be there twice")
            folders.clear()
            continue
        folders[:] = kept(folders)
        for name in (*folders, *kept(files)):
            path = os.path.join(folder, name)  # noqa: PTH118 - bytes, which pathlib does not take
            if (fault := fault_of(path)) is not None:
                what, cure = fault
                label = shown(path, own)
                faults.add(f"{repr(label) if CONTROL.search(name) else label} {what}", cure)


def fault_of(path: bytes) -> tuple[str, str] | None:
    """Say what prevents a copy of a file or folder, and what to do; None if nothing does."""
    name = os.path.basename(path)  # noqa: PTH119
    if CONTROL.search(name):
        return "has a name with a line break or another control character", "rename it"
    if not is_utf8(name):
        return "has a name that is not UTF-8", "rename it"
    if not os.path.exists(path):  # noqa: PTH110
        return "is a link to nothing", "remove it, or repair it"
    if not (os.path.isfile(path) or os.path.isdir(path)):  # noqa: PTH112, PTH113
        return "is not a file", "move it out of the folder"
    return None


def kept(names: Sequence[bytes]) -> list[bytes]:
    """The names without those of what a system left there, which is not copied."""
    return [name for name in names if not is_left(os.fsdecode(name))]


def is_link_inside(folder: bytes, top: bytes) -> bool:
    """Return whether a folder is a link to another one below `top`, and both are read.

    Hidden folders are not, which Kubernetes lays beside links to them.
    """
    target, inside = os.path.realpath(folder), os.path.realpath(top)
    if not os.path.islink(folder) or folder == top or not target.startswith(inside + b"/"):  # noqa: PTH114
        return False
    parts = [*shown(folder, top).split("/"), *shown(target, inside).split("/")]
    return not any(map(is_hidden, parts))


def above(folder: bytes, top: bytes) -> list[bytes]:
    """The parents of a folder, up to `top`."""
    found = []
    while folder != top:
        folder = os.path.dirname(folder)  # noqa: PTH120
        found.append(folder)
    return found


def shown(path: bytes, top: bytes) -> str:
    """A path below a folder, for messages; bytes that are not text are written as numbers."""
    return os.path.relpath(path, top).decode("utf-8", "backslashreplace")


def is_utf8(name: bytes) -> bool:
    """Return whether a name is UTF-8."""
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def copy_data(data: Sequence[Path], target: Path) -> None:
    """Copy a folder, or files, into a folder."""
    if data[0].is_dir():
        shutil.copytree(data[0], target, ignore=lambda _, names: {*filter(is_left, names)})
        return
    target.mkdir(parents=True)
    for file in data:
        shutil.copy(file, target)
