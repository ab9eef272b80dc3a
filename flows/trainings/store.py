"""Finished trainings, evaluations and prepared data, by the digest of what determines them.

An entry is a folder `<kind>/<first two digits>/<identity>` with its files and a manifest of
their SHA-256 digests. The manifest is written last, and without a whole one there is no entry.
Where a folder cannot be renamed in one step, as in S3, two writers of different bytes at the same
moment may mix their files. The manifest shows it: such an entry is broken and is never read.
"""

import hashlib
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args
from uuid import uuid4

from flows.layout import Layout
from flows.trainings.manifest import (
    MANIFEST,
    SHA256,
    Manifest,
    digest,
    manifest_of,
    parsed,
    rendered,
)
from flows.trainings.places import VARIABLE, Place, StoreError, place_of, unreachable
from rnn_core.files import sha256_of, whole_folder

__all__ = [
    "KINDS",
    "VARIABLE",
    "Entry",
    "Kind",
    "Store",
    "StoreConflictError",
    "StoreError",
    "open_store",
]

Kind: TypeAlias = Literal["training", "evaluation", "prepared"]
KINDS: tuple[Kind, ...] = get_args(Kind)

UNFINISHED = "unfinished"
"""Folder of entries that are being written, for places that can rename a folder in one step."""

CONFLICTS = "conflicts"
"""Folder of entries that differ from the one already stored under their identity."""


MISSING = (FileNotFoundError, IsADirectoryError, NotADirectoryError)
"""Errors that a missing file of an entry can raise."""


class StoreConflictError(StoreError):
    """An entry differs from the one already stored under its identity; both are kept."""


@dataclass(frozen=True)
class Entry:
    """Size and age of an entry.

    Attributes:
        kind: A training, an evaluation or prepared data.
        identity: Digest of what determines it.
        size: Bytes of its files.
        written: When it was written, in seconds since 1970.
    """

    kind: Kind
    identity: str
    size: int
    written: float


class Store:
    """Entries by kind and identity, in a folder or in any storage that fsspec reaches.

    Args:
        url: A folder, or an address such as `sftp://host/folder`.

    Raises:
        StoreError: If the address cannot be reached. Every method raises it too.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._place: Place = place_of(url)

    def __repr__(self) -> str:
        return f"Store({self._place.shown!r})"

    @property
    def address(self) -> str:
        """The address to show to users: without user name and password."""
        return self._place.shown

    def has(self, kind: Kind, identity: str) -> bool:
        """Return whether an entry is there, judged by its manifest alone."""
        with self._told():
            return self._manifest(path_of(kind, identity)) is not None

    def put(self, kind: Kind, identity: str, folder: Path) -> None:
        """Store all files of a folder as an entry; a broken entry is replaced.

        Raises:
            StoreConflictError: If the entry is already stored with different bytes.
        """
        path, manifest = path_of(kind, identity), manifest_of(folder)
        other = f"{CONFLICTS}/{kind}/{identity}/{digest(manifest)}"
        with self._told():
            if self._keep(path, folder, manifest):
                return
            self._keep(other, folder, manifest)
        raise StoreConflictError(
            f"{path} in the store {self._place.shown} has other bytes than what was made now, "
            f"which is kept there as {other}; compare the two and remove the one that is wrong"
        )

    def get(self, kind: Kind, identity: str, folder: Path) -> None:
        """Write the files of an entry into a new folder, all of them or none.

        Raises:
            StoreError: If the entry is missing or broken, or the folder has files.
        """
        if folder.exists() and any(folder.iterdir()):
            raise StoreError(f"{folder} has files already; an entry of the store needs a new one")
        path = path_of(kind, identity)
        with self._told(), whole_folder(folder, folder.with_name(f".{folder.name}.tmp")) as scratch:
            for name, file in self._entry(path).items():
                (scratch / name).parent.mkdir(parents=True, exist_ok=True)
                with self._broken_if_missing(path, name):
                    self._place.download(f"{path}/{name}", scratch / name)
                if sha256_of(scratch / name) != file.sha256:
                    raise self._broken(path, name)

    def read(self, kind: Kind, identity: str, name: str) -> bytes:
        """The content of one file of an entry.

        Raises:
            StoreError: If the entry or the file is missing or broken.
        """
        path = path_of(kind, identity)
        with self._told():
            file = self._entry(path).get(name)
            if file is None:
                raise StoreError(f"{path} in the store {self._place.shown} has no file {name}")
            with self._broken_if_missing(path, name):
                content = self._place.read(f"{path}/{name}")
            if hashlib.sha256(content).hexdigest() != file.sha256:
                raise self._broken(path, name)
            return content

    def identities(self, kind: Kind) -> list[str]:
        """The identities of all entries of a kind, sorted."""
        with self._told():
            found = [path for path in self._folders(kind) if self._manifest(path) is not None]
        return [path.rpartition("/")[2] for path in found]

    def remove(self, kind: Kind, identity: str) -> None:
        """Remove an entry, if it is there."""
        with self._told():
            self._remove(path_of(kind, identity))

    def entry(self, kind: Kind, identity: str) -> Entry:
        """Return the size and age of an entry.

        Raises:
            StoreError: If it is not there.
        """
        path = path_of(kind, identity)
        with self._told():
            size = sum(file.size for file in self._entry(path).values())
            return Entry(kind, identity, size, self._place.changed(f"{path}/{MANIFEST}"))

    def broken_files(self, kind: Kind, identity: str) -> list[str]:
        """The paths in the store of an entry's files that have changed since they were stored."""
        path = path_of(kind, identity)
        with self._told():
            return [f"{path}/{name}" for name in self._broken_names(path, self._entry(path))]

    def leftovers(self, before: float) -> list[str]:
        """Paths of unfinished and conflicting entries that were last written before a time."""
        with self._told():
            found = [f"{UNFINISHED}/{name}" for name in self._place.names(UNFINISHED)]
            for kind in KINDS:
                found += [path for path in self._folders(kind) if self._manifest(path) is None]
                for identity in self._place.names(f"{CONFLICTS}/{kind}"):
                    conflict = f"{CONFLICTS}/{kind}/{identity}"
                    found += [f"{conflict}/{name}" for name in self._place.names(conflict)]
            return [path for path in found if self._place.changed(path) < before]

    def discard(self, leftover: str) -> None:
        """Remove one of the leftovers."""
        with self._told():
            self._place.remove(leftover)

    def _folders(self, kind: Kind) -> list[str]:
        """The folders of all entries of a kind, complete or not."""
        tops = [f"{kind}/{name}" for name in self._place.names(kind)]
        found = [f"{top}/{name}" for top in tops for name in self._place.names(top)]
        return [path for path in found if SHA256.fullmatch(path.rpartition("/")[2])]

    def _manifest(self, path: str) -> Manifest | None:
        try:
            return parsed(self._place.read(f"{path}/{MANIFEST}"))
        except MISSING:
            return None

    def _entry(self, path: str) -> Manifest:
        manifest = self._manifest(path)
        if manifest is None:
            raise StoreError(f"{path} is not in the store {self._place.shown}")
        return manifest

    def _broken_names(self, path: str, manifest: Manifest) -> Iterator[str]:
        for name, file in manifest.items():
            try:
                whole = self._place.sha256(f"{path}/{name}") == file.sha256
            except MISSING:
                whole = False
            if not whole:
                yield name

    def _whole(self, path: str) -> Manifest | None:
        """The manifest of an entry; None if the entry is missing or broken."""
        manifest = self._manifest(path)
        broken = manifest is None or any(self._broken_names(path, manifest))
        return None if broken else manifest

    def _keep(self, path: str, folder: Path, manifest: Manifest) -> bool:
        """Store a folder unless a complete entry is there; returns whether the two are the same."""
        standing = self._whole(path)
        if standing is None:
            self._write(path, folder, manifest)
            standing = self._manifest(path)  # another process may have put it at this moment
        return standing == manifest

    def _write(self, path: str, folder: Path, manifest: Manifest) -> None:
        if not self._place.renames:  # files may come from another writer: keep them
            self._place.remove(f"{path}/{MANIFEST}")
            self._fill(path, folder, manifest)
            return
        identity = path.rpartition("/")[2]
        self._forget_dead(identity)
        aside = f"{UNFINISHED}/{unfinished_name(identity)}"
        try:
            self._fill(aside, folder, manifest)
            self._move(aside, path)
        finally:
            with suppress(OSError, StoreError):
                self._place.remove(aside)

    def _forget_dead(self, identity: str) -> None:
        """Remove what processes of this machine left when they died while writing this entry."""
        for name in self._place.names(UNFINISHED):
            if name.startswith(f"{identity}.") and is_of_the_dead(name):
                self._place.remove(f"{UNFINISHED}/{name}")

    def _fill(self, path: str, folder: Path, manifest: Manifest) -> None:
        for name in manifest:
            self._place.upload(folder / name, f"{path}/{name}")
        self._place.write(f"{path}/{MANIFEST}", rendered(manifest))

    def _move(self, aside: str, path: str) -> None:
        """Give a complete entry its final name, unless another process was first."""
        while True:
            try:
                self._place.rename(aside, path)
            except FileExistsError:
                if self._whole(path) is not None:
                    return
                self._remove(path)
            else:
                return

    def _remove(self, path: str) -> None:
        """Remove an entry, its manifest first, so that no part of it is read as a whole entry."""
        self._place.remove(f"{path}/{MANIFEST}")
        self._place.remove(path)

    def _broken(self, path: str, name: str) -> StoreError:
        return StoreError(
            f"{path}/{name} in the store {self._place.shown} is not as it was stored; "
            "`gatewise store verify --fix`, with the study's folder, removes broken entries, so "
            "that they are made again"
        )

    @contextmanager
    def _broken_if_missing(self, path: str, name: str) -> Iterator[None]:
        try:
            yield
        except MISSING:
            raise self._broken(path, name) from None

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(unreachable(self._place.shown, error)) from error


def unfinished_name(identity: str) -> str:
    """A unique name for an entry that this process is writing."""
    return f"{identity}.{os.getpid()}.{uuid4().hex}.{socket.gethostname()}"


def is_of_the_dead(name: str) -> bool:
    """Return whether an entry was being written by a process of this machine that has ended."""
    _, process, _, host = name.split(".", 3)
    return host == socket.gethostname() and not Path(f"/proc/{process}").exists()


def path_of(kind: Kind, identity: str) -> str:
    """The folder of an entry in a store.

    Raises:
        ValueError: If there can be no such entry.
    """
    if kind not in KINDS or not SHA256.fullmatch(identity):
        raise ValueError(f"no entry of a store can be {kind} {identity!r}")
    return f"{kind}/{identity[:2]}/{identity}"


def open_store(layout: Layout) -> Store:
    """The store that a study uses: `GATEWISE_STORE` if it is set, else a folder of its own.

    Raises:
        StoreError: If it cannot be reached.
    """
    url = os.environ.get(VARIABLE) or str(layout.store)
    if "://" not in url and url != str(layout.store) and not Path(url).expanduser().is_absolute():
        raise StoreError(f"{VARIABLE}={url} depends on the current folder; set it to a whole path")
    return Store(url)
