"""Entries of a store, and places whose process dies."""

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory

KIND = "training"
FILES = {"config.json": b"{}\n", "weights.safetensors": bytes(range(256)) * 40, "a/b.txt": b"deep"}


def identity_of(text):
    return hashlib.sha256(str(text).encode()).hexdigest()


IDENTITY = identity_of("gru")
PATH = f"{KIND}/{IDENTITY[:2]}/{IDENTITY}"


def make_folder(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def content_of(folder):
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def taken_from(store, identity=IDENTITY):
    with TemporaryDirectory() as place:
        folder = Path(place) / "new/folder"
        store.get(KIND, identity, folder)
        assert [path.name for path in folder.parent.iterdir()] == ["folder"]
        return content_of(folder)


class Dead(BaseException):
    """The process has died; nothing is tidied up."""


class Dying:
    """A place whose process dies in its k-th change, with half of it done or nothing."""

    def __init__(self, place, lasts, *, halves=True):
        self._place, self._left, self._halves = place, lasts, halves

    def __getattr__(self, name):
        found = getattr(self._place, name)
        if name not in {"upload", "write", "rename", "remove"}:
            return found

        def operation(*arguments):
            self._left -= 1
            if self._left > 0:
                return found(*arguments)
            if self._left == 0 and self._halves:
                self.half(name, *arguments)
            raise Dead

        return operation

    def half(self, name, *arguments):
        if name == "upload":
            source, path = arguments
            self._place.upload(source, path)
            self._place.write(path, source.read_bytes()[: source.stat().st_size // 2])
        elif name == "write":
            path, content = arguments
            self._place.write(path, content[: len(content) // 2])
        elif name == "remove":
            (path,) = arguments
            for inner in self._place.names(path)[:1]:
                self._place.remove(f"{path}/{inner}")
