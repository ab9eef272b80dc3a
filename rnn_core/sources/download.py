"""Files from the network, or from a mirror of it, checked by length and SHA-256."""

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from rnn_core.errors import SourceError
from rnn_core.files import sha256_of
from rnn_core.sources.base import Source

ATTEMPTS = 4
"""Tries per file; they are 1, 2 and 4 seconds apart."""

TIMEOUT_SECONDS = 30.0
"""Longest silence of a server, not the length of a download."""

MIRROR_VARIABLE = "GATEWISE_MIRROR"
"""Environment variable with a folder to read `<host>/<path>` from instead."""


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """One file of a source.

    Attributes:
        url: Where it is.
        name: What it is called in the raw folder.
        size: Its length in bytes.
        sha256: SHA-256 of its content, in hexadecimal.
    """

    url: str
    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class RemoteFiles(Source):
    """A source of single files."""

    files: tuple[RemoteFile, ...]

    def fetch(self, folder: Path) -> None:
        for file in self.files:
            download(file.url, folder / file.name)
            check(folder / file.name, file)


def check(path: Path, file: RemoteFile) -> None:
    """Compare a downloaded file with what its source promises.

    Raises:
        SourceError: If length or checksum differ; the file is removed.
    """
    size, sha256 = path.stat().st_size, sha256_of(path)
    if (size, sha256) == (file.size, file.sha256):
        return
    path.unlink()
    raise SourceError(
        f"{file.url} has {size} bytes with SHA-256 {sha256}, expected {file.size} bytes "
        f"with {file.sha256}; the copy there has changed or is damaged"
    )


def download(url: str, target: Path) -> None:
    """Fetch a file; it appears under its name only when it arrived in full.

    Raises:
        SourceError: If it is not in the mirror, or could not be fetched in full.
    """
    partial = target.with_name(f".{target.name}.part")
    try:
        mirror = os.environ.get(MIRROR_VARIABLE)
        if mirror:
            _copy_from_mirror(url, Path(mirror), partial)
        else:
            _fetch_with_retries(url, partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _copy_from_mirror(url: str, mirror: Path, target: Path) -> None:
    parts = urlsplit(url)
    file = mirror / str(parts.hostname) / parts.path.lstrip("/")
    if not file.is_file():
        raise SourceError(f"the mirror has no {file}; add it, or unset {MIRROR_VARIABLE}")
    shutil.copyfile(file, target)


def _fetch_with_retries(url: str, target: Path) -> None:
    for attempt in range(ATTEMPTS):
        try:
            return _fetch(url, target)
        except httpx.HTTPStatusError as error:
            cause = f"the server says {error.response.status_code}"
            if error.response.is_client_error:
                break
        except httpx.HTTPError as error:
            cause = str(error) or type(error).__name__
        if attempt + 1 < ATTEMPTS:
            time.sleep(2**attempt)
    raise SourceError(
        f"could not fetch {url}: {cause}; check the network, or set {MIRROR_VARIABLE} to "
        "a folder that holds <host>/<path>"
    )


def _fetch(url: str, target: Path) -> None:
    """Fetch once; a body shorter than announced is an `httpx.RemoteProtocolError`."""
    request = httpx.stream("GET", url, follow_redirects=True, timeout=TIMEOUT_SECONDS)
    with request as response, target.open("wb") as file:
        response.raise_for_status()
        for chunk in response.iter_bytes():
            file.write(chunk)
