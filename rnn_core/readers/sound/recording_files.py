"""Which files of a folder are recordings."""

import os
from pathlib import Path
from typing import NamedTuple

SUFFIXES = """
.wav .wave .flac .mp3 .ogg .oga .opus .aiff .aif .aifc .au .snd .caf .w64 .rf64 .sph
.m4a .mp4 .webm .aac .wma .amr .3gp .mkv .mka .mov
"""
RECORDINGS = frozenset(SUFFIXES.split())
"""Ends of the names of recordings, those among them that cannot be read, which are told so."""

STARTS = (b"RIFF", b"RIFX", b"RF64", b"fLaC", b"OggS", b"ID3", b"FORM", b".snd", b"caff")
"""First bytes of recordings, by which a file without a telling name is known."""

LEFT_BY_SYSTEMS = frozenset({"thumbs.db", "desktop.ini", "__macosx"})


class Files(NamedTuple):
    """Files below a folder, in the order of their names.

    Attributes:
        recordings: Those that are recordings by their names or first bytes.
        others: All others.
    """

    recordings: list[Path]
    others: list[Path]


def find_files(folder: Path) -> Files:
    """All files below a folder but hidden ones; links are followed."""
    files = Files([], [])
    for path in visible_files(folder):
        (files.recordings if is_recording(path) else files.others).append(path)
    return files


def visible_files(folder: Path) -> list[Path]:
    """All files below a folder, and links to nothing, in the order of their names."""
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


def is_hidden(name: str) -> bool:
    """Whether a file or folder is hidden, or left there by a system."""
    return name.startswith(".") or name.lower() in LEFT_BY_SYSTEMS


def is_recording(path: Path) -> bool:
    """Whether a file is a recording, by its name or else by its first bytes."""
    if path.suffix.lower() in RECORDINGS:
        return True
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4).startswith(STARTS)


def bare_name(path: Path) -> str:
    """The name of a file without what tells its kind."""
    return path.stem if path.suffix.lower() in RECORDINGS else path.name
