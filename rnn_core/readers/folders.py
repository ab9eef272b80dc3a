"""Files of a folder that belong to the user."""

import os
from pathlib import Path

LEFT_BY_SYSTEMS = frozenset({"thumbs.db", "desktop.ini", "__macosx"})


def is_hidden(name: str) -> bool:
    """Return whether a file or folder is hidden, or left there by a system."""
    return name.startswith(".") or name.lower() in LEFT_BY_SYSTEMS


def visible_in(folder: Path) -> list[Path]:
    """The files and folders right in a folder but hidden ones, in the order of their names."""
    return sorted(path for path in folder.iterdir() if not is_hidden(path.name))


def visible_files(folder: Path) -> list[Path]:
    """All files below a folder but hidden ones, in the order of their names.

    Links to folders are followed, and those to nothing are files.
    """
    found: list[Path] = []
    above = {folder: {folder.resolve()}}
    for place, folders, files in os.walk(folder, followlinks=True):
        here = Path(place)
        folders[:] = [name for name in folders if not is_hidden(name)]
        for name in list(folders):
            target = (here / name).resolve()
            if target in above[here]:
                folders.remove(name)
            above[here / name] = above[here] | {target}
        found += [here / name for name in files if not is_hidden(name)]
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())
