"""Files of a folder that are recordings."""

from pathlib import Path
from typing import NamedTuple

from rnn_core.readers.folders import visible_files

SUFFIXES = """
.wav .wave .flac .mp3 .ogg .oga .opus .aiff .aif .aifc .au .snd .caf .w64 .rf64 .sph
.voc .nist .mp2 .m4a .mp4 .webm .aac .wma .amr .3gp .mkv .mka .mov .spx .wv .ape .dsf .ac3
.raw .pcm
"""
RECORDINGS = frozenset(SUFFIXES.split())
"""Endings of the names of recordings, some of which cannot be read, which an error says."""

HEADERLESS = frozenset({".raw", ".pcm"})
"""Those of files of samples alone; nothing tells their rate and bits."""

STARTS = (b"RIFF", b"RIFX", b"RF64", b"fLaC", b"OggS", b"ID3", b"FORM", b".snd", b"caff")
"""First bytes of recordings, by which a file without a telling name is known."""


UNFINISHED = frozenset({".part", ".crdownload", ".download", ".partial", ".tmp"})
"""Endings of files whose download has not ended."""


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


def is_recording(path: Path) -> bool:
    """Return whether a file is a recording, by its name or else by its first bytes."""
    if path.suffix.lower() in RECORDINGS:
        return True
    if not path.is_file() or path.suffix.lower() in UNFINISHED:
        return False
    with path.open("rb") as file:
        return file.read(4).startswith(STARTS)


def bare_name(path: Path) -> str:
    """The name of a file without what tells its kind, also of what it was converted from."""
    return names_of(path)[-1]


def names_of(path: Path) -> list[str]:
    """Names by which a file may be called: the whole one, and those with fewer endings."""
    names = [path.name]
    while path.suffix.lower() in RECORDINGS:
        path = path.with_suffix("")
        names.append(path.name)
    return names
