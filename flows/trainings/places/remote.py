"""A place that fsspec reaches by a URL."""

import os
import threading
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias, TypeVar
from urllib.parse import unquote, urlsplit

from flows.system.hidden import without_user
from flows.trainings.places.base import StoreError, unreachable
from rnn_core.files import sha256_of

RENAMING = {"sftp", "ssh"}
"""Protocols that rename a whole folder in one step; elsewhere files are written in place."""

FileSystem: TypeAlias = Any  # fsspec has no types
Result = TypeVar("Result")


class RemotePlace:
    """A place named by a URL. Each thread and process has its own connection.

    A connection may be lost while it is idle during a training. The operation that fails is then
    repeated once, with a new connection.
    """

    def __init__(self, url: str) -> None:
        self.url, self.shown = url, without_user(url)
        self.renames = urlsplit(url).scheme in RENAMING
        self._own = threading.local()

    def __reduce__(self) -> tuple[type["RemotePlace"], tuple[str]]:
        return RemotePlace, (self.url,)

    def connect(self) -> None:
        """Open this thread's connection.

        Raises:
            StoreError: If that is not possible.
        """
        try:
            self._own.pid, (self._own.files, root) = os.getpid(), connection(self.url)
        except Exception as error:
            raise StoreError(unreachable(self.shown, error)) from error
        self._own.root = root.rstrip("/")

    def read(self, path: str) -> bytes:
        content: bytes = self._do(lambda files, root: files.cat_file(f"{root}/{path}"))
        return content

    def sha256(self, path: str) -> str:
        with TemporaryDirectory() as folder:  # much faster than reading it in small parts
            self.download(path, Path(folder) / "file")
            return sha256_of(Path(folder) / "file")

    def download(self, path: str, target: Path) -> None:
        self._do(lambda files, root: files.get_file(f"{root}/{path}", str(target)))

    def upload(self, source: Path, path: str) -> None:
        self._do(lambda files, root: files.put_file(str(source), f"{root}/{path}"))

    def write(self, path: str, content: bytes) -> None:
        self._do(lambda files, root: files.pipe_file(f"{root}/{path}", content))

    def rename(self, old: str, new: str) -> None:
        def move(files: FileSystem, root: str) -> None:
            target = f"{root}/{new}"
            files.makedirs(target.rpartition("/")[0], exist_ok=True)
            try:
                files.mv(f"{root}/{old}", target)
            except OSError:  # servers say no more than that it failed
                if files.exists(target):
                    raise FileExistsError(target) from None
                raise

        self._do(move)

    def names(self, folder: str) -> list[str]:
        def listed(files: FileSystem, root: str) -> list[str]:
            files.invalidate_cache()
            paths = files.ls(f"{root}/{folder}", detail=False)
            return sorted(path.rstrip("/").rpartition("/")[2] for path in paths)

        try:
            return self._do(listed)
        except (FileNotFoundError, NotADirectoryError):
            return []

    def changed(self, path: str) -> float:
        def newest(files: FileSystem, root: str) -> float:
            times = [files.modified(file) for file in files.find(f"{root}/{path}")]
            aware = [time if time.tzinfo else time.replace(tzinfo=UTC) for time in times]
            return max((time.timestamp() for time in aware), default=0.0)

        return self._do(newest)

    def remove(self, path: str) -> None:
        try:
            self._do(lambda files, root: files.rm(f"{root}/{path}", recursive=True))
        except FileNotFoundError:
            return

    def _do(self, work: Callable[[FileSystem, str], Result]) -> Result:
        if getattr(self._own, "pid", None) != os.getpid():  # also after a fork
            self.connect()
        try:
            return work(self._own.files, self._own.root)
        except Exception as error:
            if not is_lost(self._own.files, error):
                raise as_os_error(error) from error
        self.connect()
        try:
            return work(self._own.files, self._own.root)
        except Exception as error:
            raise as_os_error(error) from error


def is_lost(files: FileSystem, error: Exception) -> bool:
    """Return whether the error was caused by a lost connection."""
    lost: Callable[[], bool] = getattr(files, "is_lost", bool)
    return isinstance(error, EOFError | TimeoutError | ConnectionError) or lost()


def as_os_error(error: Exception) -> OSError:
    """The same error as an OSError."""
    if isinstance(error, OSError):
        return error
    return OSError(f"{type(error).__name__}: {error}")


def connection(url: str) -> tuple[FileSystem, str]:
    """Connect to a URL; returns the file system and the path there.

    User name and password are passed separately, so that no library repeats them in an error.
    """
    from fsspec.core import url_to_fs  # noqa: PLC0415 - not needed for a folder

    parts, port = urlsplit(url), port_of(url)
    names = {"username": parts.username, "password": parts.password}
    login = {name: unquote(value) for name, value in names.items() if value}
    if parts.scheme in RENAMING:
        from flows.trainings.places.sftp import Sftp  # noqa: PLC0415 - needs paramiko

        return Sftp(parts.hostname, port=port or 22, **login, skip_instance_cache=True), parts.path
    address = url.replace(parts.netloc, parts.netloc.rpartition("@")[2], 1)
    files, root = url_to_fs(address, **login, skip_instance_cache=True)
    return files, str(root)


def port_of(url: str) -> int | None:
    """The port in an address; None if it has none."""
    try:
        return urlsplit(url).port
    except ValueError:  # its text may repeat a part of the password
        raise ValueError("what follows its host is not a port; is a / or @ not quoted?") from None
