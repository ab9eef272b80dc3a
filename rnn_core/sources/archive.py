"""Archives from the network: only the files that a source names, written by us.

`tarfile.extractall` is not used: its filters have been bypassed repeatedly (among them
CVE-2025-4517 and CVE-2026-11940). Nothing of a member but its bytes is taken over, and
the name it gets is ours.
"""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from rnn_core.errors import SourceError
from rnn_core.files import digest_of
from rnn_core.sources.base import Source
from rnn_core.sources.download import download
from rnn_core.wording import amount


@dataclass(frozen=True, kw_only=True)
class RemoteArchive(Source):
    """A source of many small files in one compressed tar archive.

    Attributes:
        url: Where the archive is.
        folder: The folder in the archive that holds the files.
        names: Names of the files to take, all of which must be there.
        digest: SHA-256 over the sorted `sha256  name` lines of the files taken; the
            archive itself may be compressed again by its host.
        largest_file: No file may be larger than this many bytes.
    """

    url: str
    folder: str
    names: frozenset[str]
    digest: str
    largest_file: int

    def fetch(self, folder: Path) -> None:
        with TemporaryDirectory(dir=folder.parent) as temporary:
            archive = Path(temporary) / "archive"
            download(self.url, archive)
            extract(archive, folder, self)
        if (digest := digest_of(folder)) != self.digest:
            raise SourceError(
                f"the files of {self.url} have the digest {digest}, expected "
                f"{self.digest}; the archive there has changed or is damaged"
            )


def extract(archive: Path, folder: Path, source: RemoteArchive) -> None:
    """Write the files that a source names from an archive into a folder.

    Raises:
        SourceError: If the archive is broken, or a file is missing, there twice, not a
            regular file, or too large.
    """
    missing = set(source.names)
    try:
        for name, content in _named_files(archive, source):
            if name not in missing:
                raise SourceError(f"{source.url} holds {name} twice; it cannot be trusted")
            missing.remove(name)
            (folder / name).write_bytes(content.read())
    except (tarfile.TarError, EOFError, OSError) as error:
        raise SourceError(f"{source.url} is not a whole archive: {error}") from error
    if missing:
        raise SourceError(
            f"{source.url} lacks {amount(len(missing), 'file')}, such as {min(missing)}"
        )


def _named_files(archive: Path, source: RemoteArchive) -> Iterator[tuple[str, IO[bytes]]]:
    wanted = {f"{source.folder}/{name}": name for name in source.names}
    with tarfile.open(archive, "r|*") as tar:
        for member in tar:
            if member.name not in wanted:
                continue
            if not member.isreg() or member.size > source.largest_file:
                raise SourceError(
                    f"{source.url}: {member.name} is not a regular file of at most "
                    f"{source.largest_file} bytes; the archive cannot be trusted"
                )
            content = tar.extractfile(member)
            assert content is not None
            yield wanted[member.name], content
