"""The manifest of an entry of the store: its files with sizes and digests, to check it by."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from rnn_core.files import sha256_of

MANIFEST = "manifest.json"
"""Name of the file that is written last; without it there is no entry."""

SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class StoredFile:
    """A file of an entry.

    Attributes:
        sha256: Digest of its content, in hexadecimal.
        size: Its bytes.
    """

    sha256: str
    size: int


Manifest: TypeAlias = Mapping[str, StoredFile]
"""The files of an entry by their names, which are relative paths with slashes."""


def manifest_of(folder: Path) -> Manifest:
    """List the files of a folder with their digests.

    Raises:
        ValueError: If it holds no file, or one whose name an entry cannot have.
    """
    paths = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    if not paths or not all(is_possible(name) for name in paths):
        raise ValueError(f"{folder} cannot be an entry of the store: {sorted(paths)}")
    return {
        name: StoredFile(sha256_of(path), path.stat().st_size)
        for name, path in sorted(paths.items())
    }


def rendered(manifest: Manifest) -> bytes:
    """The bytes of a manifest; the same files give the same bytes."""
    content = {name: asdict(file) for name, file in manifest.items()}
    return (json.dumps(content, indent=2, sort_keys=True) + "\n").encode()


def digest(manifest: Manifest) -> str:
    """One SHA-256 for all files of an entry."""
    return hashlib.sha256(rendered(manifest)).hexdigest()


def parsed(content: bytes) -> Manifest | None:
    """Parse a manifest; None if it is cut off, not a manifest, or names files outside the entry."""
    try:
        found = json.loads(content)
        manifest = {name: StoredFile(**file) for name, file in found.items()}
    except (ValueError, TypeError, AttributeError):
        return None
    valid = all(is_possible(name) and is_valid(file) for name, file in manifest.items())
    return manifest if manifest and valid else None


def is_possible(name: str) -> bool:
    """Return whether a file of an entry may have this name: it is inside the entry's folder."""
    path = PurePosixPath(name)
    plain = path.as_posix() == name and "\\" not in name and "\0" not in name
    return plain and not path.is_absolute() and ".." not in path.parts and name != MANIFEST


def is_valid(file: StoredFile) -> bool:
    """Return whether a file's values in the manifest are a digest and a number of bytes."""
    digest_is = isinstance(file.sha256, str) and SHA256.fullmatch(file.sha256) is not None
    return digest_is and type(file.size) is int and file.size >= 0
