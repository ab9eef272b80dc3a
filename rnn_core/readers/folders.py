"""Files of a folder that belong to the user."""

import os
from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path

from rnn_core.readers.faults import Faults, FaultsError, some
from rnn_core.wording import amount

BESIDE = ("readme", "license", "licence", "copying", "_about")
"""Files that lie beside texts and are about them."""

LEFT_BY_SYSTEMS = frozenset({"thumbs.db", "desktop.ini", "__macosx", ".ds_store", "icon\r"})
"""Names in small letters of what Windows and macOS leave in folders and archives."""


def is_left(name: str) -> bool:
    """Return whether a system left a file or folder there."""
    return name.startswith("._") or name.lower() in LEFT_BY_SYSTEMS


def is_hidden(name: str) -> bool:
    """Return whether a file or folder is hidden, or left there by a system."""
    return name.startswith(".") or is_left(name)


def is_note(name: str) -> bool:
    """Return whether a file is called as one that is about those beside it."""
    return name.rpartition("/")[2].lower().split(".")[0] in BESIDE


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


def existing_files(folder: Path) -> list[Path]:
    """All files below a folder but hidden ones, in the order of their names.

    Raises:
        FaultsError: If one is a link to nothing.
    """
    files, faults = visible_files(folder), Faults()
    for file in files:
        with faults.noted():
            check_link(file, file.relative_to(folder).as_posix())
    faults.check()
    return files


def check_link(file: Path, name: str) -> None:
    """Refuse a link to nothing, which is called `name` in errors.

    Raises:
        FaultsError: If it is one.
    """
    if not file.exists():
        raise link_to_nothing(name)


def link_to_nothing(name: str) -> FaultsError:
    """The error for a link to nothing."""
    return FaultsError.one(f"{name} is a link to nothing", "remove it, or repair it")


def only_these(files: Iterable[Path]) -> str:
    """Name the files of a folder that holds none of the wanted ones, for messages."""
    names = [file.name for file in files if not is_hidden(file.name)]
    return f", only {some(names)}" if names else ""


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
