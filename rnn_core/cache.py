"""Files of the user's cache: compiled kernels, their fastest settings, fingerprints of code.

What is in the cache is run. So its folder and each file must belong to the user, or to root,
who could as well replace Python itself, and nobody else may be able to write to them. A digest
at the end of a file, of its name and content, tells whether it is whole; against one who can
write to the folder it would be no protection.

A folder is opened once, and all else is asked of what was opened: what its path leads to may
be another folder a moment later, where others can write to a folder above.
"""

import atexit
import hashlib
import os
import shutil
import stat
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

MARK = b"\n# sha256 "
SEAL_BYTES = len(MARK) + 64 + 1

Result = TypeVar("Result")


class CacheError(Exception):
    """Why there is no folder to keep anything in, in one line."""


def cache_folder() -> Path:
    """Where the user's cache is.

    Raises:
        CacheError: If the user has no home.
    """
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        return Path(base).expanduser() / "gatewise"
    except RuntimeError as error:
        raise CacheError("has no home folder to be in; set XDG_CACHE_HOME") from error


def read(name: str) -> bytes | None:
    """The content of a file of the cache; None if it is not there, or not to be trusted."""
    return load(name, lambda data, path: data)


def load(name: str, loader: Callable[[bytes, str], Result]) -> Result | None:
    """Read a file and convert it, given its content and path; None as for `read`."""
    for path in folders():
        with suppress(CacheError), opened(path) as folder:
            data = content(name, folder)
            if data is not None:
                held = Path(f"/proc/self/fd/{folder}/{name}")
                return loader(data, str(held if held.exists() else path / name))
    return None


def write(name: str, data: bytes) -> Path:
    """Put a file into the cache, whole or not at all; into this process's own if need be.

    Returns:
        Where it is.

    Raises:
        CacheError: If it can be put into neither.
    """
    try:
        return place(name, data, cache_folder())
    except CacheError as error:
        return place(name, data, private_folder(str(error)))


def content(name: str, folder: int) -> bytes | None:
    """The content of a file in an open folder; None if it is not there, or not to be trusted."""
    try:
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
    except OSError:
        return None
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode) or reason_against(status):
        os.close(file)
        return None
    with os.fdopen(file, "rb") as stream:
        data = stream.read()
    whole, end = data[:-SEAL_BYTES], data[-SEAL_BYTES:]
    return whole if end == seal(name, whole) else None


def seal(name: str, data: bytes) -> bytes:
    """End of a file: a digest of its name and content."""
    digest = hashlib.sha256(name.encode() + b"\0" + data).hexdigest()
    return MARK + digest.encode() + b"\n"


def place(name: str, data: bytes, path: Path) -> Path:
    """Write a file into a folder; a reader sees the old one or the new one.

    Raises:
        CacheError: If it cannot be written there.
    """
    passing = f"{name}.{os.getpid()}.{os.urandom(4).hex()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with opened(path) as folder:
            file = os.open(passing, flags, 0o600, dir_fd=folder)
            try:
                with os.fdopen(file, "wb") as stream:
                    stream.write(data + seal(name, data))
                os.replace(passing, name, src_dir_fd=folder, dst_dir_fd=folder)
            except OSError:
                os.unlink(passing, dir_fd=folder)
                raise
    except OSError as error:
        raise CacheError(f"{path} cannot be written: {error}") from error
    return path / name


def reason_against(status: os.stat_result) -> str | None:
    """Why a folder or a file is not to be trusted."""
    if status.st_uid not in (os.geteuid(), 0):
        return f"it belongs to the user with the number {status.st_uid}"
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "others may write to it; chmod go-w fixes that"
    return None


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """A folder, open.

    Raises:
        CacheError: If it is not there or not to be trusted.
    """
    try:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise CacheError(f"{path} cannot be opened: {error}") from error
    try:
        reason = reason_against(os.fstat(folder))
        if reason is not None:
            raise CacheError(f"{path} is not to be trusted: {reason}")
        yield folder
    finally:
        os.close(folder)


PRIVATE: dict[int, Path] = {}
"""The folder that a process has made for itself, by its number: a fork is another process."""


def folders() -> Iterator[Path]:
    """Where files may be, in the order to look there."""
    with suppress(CacheError):
        yield cache_folder()
    if os.getpid() in PRIVATE:
        yield PRIVATE[os.getpid()]


def private_folder(reason: str) -> Path:
    """A folder that goes with this process, instead of a cache that cannot be used.

    The reason is given once, since all that is made has to be made again by the next process.

    Raises:
        CacheError: If none can be made.
    """
    process = os.getpid()
    if process not in PRIVATE:
        try:
            path = Path(tempfile.mkdtemp(prefix="gatewise-"))
        except OSError as error:
            raise CacheError(f"{reason}; nor can a temporary folder be made: {error}") from error
        PRIVATE[process] = path
        atexit.register(remove_private_folder, process)
        message = f"kernels are compiled for this process only: the cache {reason}"
        warnings.warn(message, RuntimeWarning, stacklevel=2)
    return PRIVATE[process]


def remove_private_folder(process: int) -> None:
    """Remove a process's own folder when that process ends, and not when a fork of it does."""
    path = PRIVATE.pop(process, None) if os.getpid() == process else None
    if path is not None:
        shutil.rmtree(path, ignore_errors=True)
