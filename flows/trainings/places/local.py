"""A folder of this machine."""

import errno
import shutil
from pathlib import Path

from rnn_core.files import sha256_of, sync, write_bytes


class LocalPlace:
    """A folder of this machine; files are synced to disk before they get their final name."""

    renames = True

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().absolute()
        self.shown = str(self.root)

    def read(self, path: str) -> bytes:
        return (self.root / path).read_bytes()

    def sha256(self, path: str) -> str:
        return sha256_of(self.root / path)

    def download(self, path: str, target: Path) -> None:
        shutil.copyfile(self.root / path, target)

    def upload(self, source: Path, path: str) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        sync(target)

    def write(self, path: str, content: bytes) -> None:
        write_bytes(self.root / path, content)

    def rename(self, old: str, new: str) -> None:
        folder, target = self.root / old, self.root / new
        target.parent.mkdir(parents=True, exist_ok=True)
        for inner in (path for path in folder.rglob("*") if path.is_dir()):
            sync(inner)
        try:
            folder.rename(target)
        except OSError as error:
            if error.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
                raise FileExistsError(target) from None
            raise
        sync(target.parent)

    def names(self, folder: str) -> list[str]:
        try:
            return sorted(path.name for path in (self.root / folder).iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []

    def changed(self, path: str) -> float:
        top = self.root / path
        return max(each.stat().st_mtime for each in (top, *top.rglob("*")))

    def remove(self, path: str) -> None:
        target = self.root / path
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)
