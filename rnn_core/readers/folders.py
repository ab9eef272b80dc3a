"""Files of a folder that belong to the user."""

import os
from collections import Counter
from collections.abc import Collection
from pathlib import Path

from rnn_core.wording import amount

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


def files_besides(folder: Path, read: Collection[Path]) -> tuple[str, ...]:
    """The names of files below a folder that are not read, those of whole folders first.

    A folder without any file that is read is one name, with its number of files.
    """
    used = {above for file in read for above in file.parents} | {folder}
    places: Counter[Path] = Counter()
    for file in visible_files(folder):
        if file not in read:
            place = file
            while place.parent not in used:
                place = place.parent
            places[place] += 1
    ordered = sorted(places, key=lambda place: (not place.is_dir(), place.as_posix()))
    names = {place: place.relative_to(folder).as_posix() for place in ordered}
    return tuple(
        f"{name} ({amount(places[place], 'file')})" if place.is_dir() else name
        for place, name in names.items()
    )
