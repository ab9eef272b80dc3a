"""What a store asks of the place where its files are.

A path is relative to the store's root, with slashes. What is not there is a
`FileNotFoundError`; any other failure is an `OSError`, or a `StoreError` where nothing can be
reached at all.
"""

from pathlib import Path
from typing import Protocol

from rnn_core.errors import GatewiseError

VARIABLE = "GATEWISE_STORE"
"""The variable that names the store: a folder, or a URL such as sftp://host/folder."""


class StoreError(GatewiseError):
    """The store cannot be reached, or what is asked for is not in it as it was stored."""


class Place(Protocol):
    """What a store does with files.

    Attributes:
        shown: The address for a person, without a password.
        renames: Whether a folder is renamed in one step.
    """

    shown: str
    renames: bool

    def read(self, path: str) -> bytes:
        """The content of a file."""

    def sha256(self, path: str) -> str:
        """The digest of a file's content, in hexadecimal."""

    def download(self, path: str, target: Path) -> None:
        """Copy a file to this machine."""

    def upload(self, source: Path, path: str) -> None:
        """Copy a file of this machine, with the folders that it needs."""

    def write(self, path: str, content: bytes) -> None:
        """Write a small file into a folder that is there."""

    def rename(self, old: str, new: str) -> None:
        """Rename a folder in one step; a `FileExistsError` if the new one is there."""

    def names(self, folder: str) -> list[str]:
        """What is in a folder, sorted; nothing if it is not there."""

    def changed(self, path: str) -> float:
        """When a file, or any file of a folder, was last written, in seconds since 1970."""

    def remove(self, path: str) -> None:
        """Remove a file or folder, if it is there."""


def unreachable(shown: str, error: Exception) -> str:
    """Why a store cannot be used and what to do, for a person."""
    reason = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, ImportError):
        problem, advice = "needs a package that is not installed", "install it, or set"
    else:
        problem, advice = "cannot be used", "set"
    return f"the store {shown} {problem}: {reason}; {advice} {VARIABLE} to one that can be used"
