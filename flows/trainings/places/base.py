"""The operations on files that a store needs.

A path is relative to the store's root, with slashes. A missing file raises a `FileNotFoundError`;
any other failure is an `OSError`, or a `StoreError` if the place cannot be reached at all.
"""

from pathlib import Path
from typing import Protocol

from rnn_core.errors import GatewiseError

VARIABLE = "GATEWISE_STORE"
"""The variable that names the store: a folder, or a URL such as sftp://host/folder."""


class StoreError(GatewiseError):
    """The store cannot be reached, or an entry is missing or broken."""


class Place(Protocol):
    """A place where a store keeps its files.

    Attributes:
        shown: The address to show to users, without a password.
        renames: Whether it renames a folder in one step.
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
        """Names in a folder, sorted; empty if there is no such folder."""

    def changed(self, path: str) -> float:
        """When a file, or any file of a folder, was last written, in seconds since 1970."""

    def remove(self, path: str) -> None:
        """Remove a file or folder, if it is there."""


def unreachable(shown: str, error: Exception) -> str:
    """The message that says why a store cannot be used, and what to do."""
    reason = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, ImportError):
        problem, advice = "needs a package that is not installed", "install it, or set"
    else:
        problem, advice = "cannot be used", "set"
    return f"the store {shown} {problem}: {reason}; {advice} {VARIABLE} to one that can be used"
