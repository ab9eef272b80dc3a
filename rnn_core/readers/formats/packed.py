"""Packed files: one file in .gz, .bz2, .xz or .zip is read as if it were not packed.

Archives of several files are refused, with what unpacks them.
"""

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple, cast

from rnn_core.readers.faults import Faults, FaultsError
from rnn_core.readers.folders import is_hidden, is_note
from rnn_core.readers.formats.encodings import Opener

ENDINGS = (".gz", ".bz2", ".xz", ".zip")
"""Endings of the names of packed files."""

OPENERS: dict[bytes, Callable[[Path], object]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
}
"""Functions that open packed files, by first bytes of these."""

ZIP = b"PK\x03\x04"

TAR = slice(257, 262), b"ustar"
"""A place in an archive of tar, and what is there."""

OTHER_ARCHIVES = {
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"Rar!": "RAR",
    b"\x28\xb5\x2f\xfd": "Zstandard",
}
"""First bytes of further packed files, and what they are packed by."""

DOCUMENTS = frozenset({".docx", ".pptx", ".xlsx", ".odt", ".ods", ".odp", ".epub"})
"""Endings of documents, which are packed files of markup."""

BREAKS = (
    OSError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    RuntimeError,
    NotImplementedError,
)
"""Errors of what unpacks a broken file, or one with a password."""

UNPACK = "unpack it, and give what is in it"


def without_packing(name: str) -> str:
    """The name of a file without the endings of packed ones."""
    while name.lower().endswith(ENDINGS):
        name = name.rpartition(".")[0]
    return name


def unpacked(
    file: Path,
    faults: Faults,
    wanted: Callable[[str], bool] | None = None,
    called: str | None = None,
) -> tuple[Opener, str]:
    """Find the opener of a file, or of the one in a packed one, and its name.

    Args:
        file: The file.
        faults: Where it is noted that it cannot be unpacked.
        wanted: Whether a file in an archive is wanted, by its name; None: any.
        called: What to call the file in errors; None: by its name.

    Raises:
        FaultsError: If it cannot be unpacked, or is an archive of several files.
    """
    called = called or file.name
    opened, name, packed = inside(file, faults, called, wanted)
    if packed:
        refuse_broken(opened, called, faults)
    return opened, name


def name_inside(file: Path) -> str:
    """The name of a file, or of the one in a packed one, whose start alone is read.

    Raises:
        FaultsError: If it cannot be unpacked, or is an archive of several files.
    """
    return inside(file, Faults(), file.name).name


class Inside(NamedTuple):
    """A file, or the one in a packed one.

    Attributes:
        opened: Opens its bytes.
        name: Its name.
        packed: Whether it is in a packed one.
    """

    opened: Opener
    name: str
    packed: bool


def inside(
    file: Path, faults: Faults, called: str, wanted: Callable[[str], bool] | None = None
) -> Inside:
    """Find a file, or the one in a packed one, which may break off later on; see `unpacked`."""
    if not file.is_file():
        what = "is a folder" if file.is_dir() else "is not there"
        faults.add(f"{called} {what}", "give a file")
        faults.check()
    with file.open("rb") as stream:
        start = stream.read(512)
    if kind := kind_of_archive(start):
        faults.add(f"{called} is {kind}", UNPACK)
        faults.check()
    if start.startswith(ZIP):
        return member_of_zip(file, faults, called, wanted)
    for mark, opener in OPENERS.items():
        if start.startswith(mark):
            opened = cast("Opener", partial(opener, file))
            return Inside(opened, inner_name(file.name, opened, faults, called), packed=True)
    return Inside(cast("Opener", partial(file.open, "rb")), file.name, packed=False)


def kind_of_archive(start: bytes) -> str:
    """The kind of an archive that is not read, by its first 512 bytes; empty if it is none."""
    if start[TAR[0]] == TAR[1]:
        return "an archive of tar"
    by = next((by for mark, by in OTHER_ARCHIVES.items() if start.startswith(mark)), "")
    return f"packed by {by}" if by else ""


def inner_name(name: str, opened: Opener, faults: Faults, called: str) -> str:
    """The name of the file in a packed one, which is no archive."""
    if kind := kind_of_archive(read_start(opened, called, faults)):
        faults.add(f"{called} is {kind}", UNPACK)
        faults.check()
    return name.rpartition(".")[0] if name.lower().endswith(ENDINGS) else name


def member_of_zip(
    file: Path, faults: Faults, called: str, wanted: Callable[[str], bool] | None
) -> Inside:
    """Find the one wanted file in a zip file; Office's are no such."""
    try:
        names = zipfile.ZipFile(file).namelist()
    except zipfile.BadZipFile:
        faults.add(f"{called} is a broken zip file", "pack it again")
        faults.check()
        raise
    if "[Content_Types].xml" in names:
        return Inside(cast("Opener", partial(file.open, "rb")), file.name, packed=False)
    seen = visible_members(names)
    seen = [name for name in seen if not is_note(name)] or seen
    found = [name for name in seen if wanted is None or wanted(name)]
    if len(found) != 1:
        what = "files" if wanted is None else "tables"
        told = ", ".join(found[:3]) or ", ".join(seen[:3]) or "nothing"
        faults.add(f"{called} holds {len(found)} {what} ({told}), not exactly one", UNPACK)
        faults.check()

    if found[0].lower().endswith(ENDINGS):
        faults.add(f"{called} holds another packed file, {found[0]}", UNPACK)
        faults.check()

    def opened() -> BinaryIO:
        return cast("BinaryIO", zipfile.ZipFile(file).open(found[0]))

    return Inside(opened, PurePosixPath(found[0]).name, packed=True)


def visible_members(names: Sequence[str]) -> list[str]:
    """The files in an archive but hidden ones."""
    return [
        name
        for name in names
        if not name.endswith("/") and not any(map(is_hidden, {*PurePosixPath(name).parts} - {".."}))
    ]


def read_start(opened: Opener, name: str, faults: Faults) -> bytes:
    """The first 512 bytes of what is in a packed file."""
    with noted_if_broken(name, faults), opened() as stream:
        return stream.read(512)
    raise AssertionError("there is a fault")


def refuse_broken(opened: Opener, name: str, faults: Faults) -> None:
    """Refuse a packed file that cannot be unpacked."""
    with noted_if_broken(name, faults), opened() as stream:
        while stream.read(1 << 20):
            pass


@contextmanager
def noted_if_broken(name: str, faults: Faults) -> Iterator[None]:
    """Refuse a packed file if what unpacks it within finds it broken.

    Raises:
        FaultsError: If it does.
    """
    try:
        yield
    except BREAKS as error:
        faults.add(f"{name} cannot be unpacked: {error}", "unpack it, or pack it again")
        faults.check()


def refuse_packed(files: Iterable[Path]) -> None:
    """Refuse files that are packed, where unpacked ones are read alone.

    Raises:
        FaultsError: If there are any.
    """
    for file in files:
        if file.is_file() and is_packed(file):
            raise FaultsError.one(f"{file.name} is packed", UNPACK)


def is_packed(file: Path) -> bool:
    """Return whether a file is packed, by its first bytes, and is called as no document is."""
    with file.open("rb") as stream:
        start = stream.read(512)
    marked = start.startswith((ZIP, *OPENERS)) or bool(kind_of_archive(start))
    return marked and file.suffix.lower() not in DOCUMENTS
