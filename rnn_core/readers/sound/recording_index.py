"""Recordings by what a table or a list may call them."""

import posixpath
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path, PurePosixPath

from rnn_core.readers.faults import Faults
from rnn_core.readers.sound.recording_files import names_of

BESIDE = ("", "clips/", "wavs/", "wav/", "audio/", "recordings/")
"""Folders beside a table in which public collections have the recordings that it names."""


class Index:
    """Recordings by what a table may call them.

    Args:
        raw: The folder that all lie in.
        recordings: All of them.
        unclear: Whether rows are missing, or do not name their recording.
    """

    def __init__(self, raw: Path, recordings: Sequence[Path], unclear: bool = False) -> None:
        self.raw = raw
        self.unclear = unclear
        self.by_name: dict[str, Path] = {}
        self.by_bare: dict[str, list[Path]] = defaultdict(list)
        self.by_last: dict[str, list[Path]] = defaultdict(list)
        self.by_small: dict[str, list[Path]] = defaultdict(list)
        for path in recordings:
            for last in names_of(path):
                self.by_last[alike(last)].append(path)
                self.by_small[alike(last).lower()].append(path)
            name = PurePosixPath(path.relative_to(raw).as_posix())
            self.by_name[alike(name.as_posix())] = path
            for bare in names_of(path)[1:] or [path.name]:
                self.by_bare[alike(name.with_name(bare).as_posix())].append(path)

    def find(self, folder: Path, where: str, file: str, faults: Faults) -> Path | None:
        """The recording of a row; None, and noted, if that is not a single one of the folder.

        Args:
            folder: That of the table.
            where: The table and the row, for messages.
            file: What the row calls it.
            faults: Where it is noted.
        """
        name = posixpath.normpath(file.replace("\\", "/"))
        if name.startswith(("/", "../")) or name[1:3] == ":/":
            self.unclear = True
            what = f"{where}: {file} is not named from the folder of the table"
            faults.add(what, "write names such as `clips/a.wav`, and copy the recordings there")
            return None
        found = self.called(folder, name)
        if len(found) == 1:
            return found[0]
        if found:
            self.unclear = True
            names = " and ".join(path.relative_to(self.raw).as_posix() for path in found)
            faults.add(f"{where}: {file} may be {names}", "write which of them")
        elif any((place / name).is_file() for place in (folder, self.raw)):
            what = f"{where}: {file} is no recording, by its ending and its first bytes"
            faults.add(what, "convert it to wav, and write its new name")
        else:
            faults.add(
                f"{where}: there is no file {file!r} in the folder", "add it or drop the row"
            )
        return None

    def called(self, folder: Path, name: str) -> list[Path]:
        """The recordings that a name may mean, beside the table or else in any folder.

        Args:
            folder: That of the table.
            name: With slashes between folders, with or without what tells the kind of the file.
        """
        base = folder.relative_to(self.raw).as_posix()
        places = [alike(posixpath.normpath(f"{base}/{beside}{name}")) for beside in BESIDE]
        for place in places:
            if path := self.by_name.get(place):
                return [path]
        if found := [path for place in places for path in self.by_bare.get(place, [])]:
            return found
        last, parts = alike(posixpath.basename(name)), alike(posixpath.dirname(name))
        return self.nearest(folder, self.by_last.get(last, []), parts) or self.nearest(
            folder, self.by_small.get(last.lower(), []), parts, any_case=True
        )

    def nearest(
        self,
        folder: Path,
        found: Sequence[Path],
        above: str,
        *,
        any_case: bool = False,
    ) -> list[Path]:
        """Those of some recordings that are in folders of a name, the nearest ones to a table.

        Args:
            folder: That of the table.
            found: The recordings.
            above: The folders, with slashes between.
            any_case: Whether folders may be written in other capitals.
        """
        parts = PurePosixPath(above.lower() if any_case else above).parts
        folders = {path: self.folders(path) for path in found}
        if any_case:
            folders = {path: tuple(map(str.lower, own)) for path, own in folders.items()}
        anywhere = [
            path for path in found if folders[path][len(folders[path]) - len(parts) :] == parts
        ]
        near = [shared(self.folders(path), folder.relative_to(self.raw).parts) for path in anywhere]
        return [path for path, depth in zip(anywhere, near, strict=True) if depth == max(near)]

    def folders(self, path: Path) -> tuple[str, ...]:
        """The folders of a recording, from the outermost one."""
        return tuple(map(alike, path.relative_to(self.raw).parent.parts))


def shared(folders: Sequence[str], others: Sequence[str]) -> int:
    """The number of outer folders that two places share."""
    pairs = zip(folders, map(alike, others), strict=False)
    return len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))


def alike(name: str) -> str:
    """A name in one Unicode form: systems store it in one or the other."""
    return unicodedata.normalize("NFC", name)
