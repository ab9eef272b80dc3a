"""Recordings with the texts that tables give them."""

import posixpath
import unicodedata
from collections import defaultdict
from collections.abc import Container
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

from rnn_core.errors import DataError, ParameterError
from rnn_core.metric import SPLITS
from rnn_core.readers.faults import Faults, FaultsError
from rnn_core.readers.sound.joined_words import Utterance, Utterances
from rnn_core.readers.sound.recording_files import bare_name, find_files
from rnn_core.readers.sound.recording_sides import (
    SplitParameters,
    check_groups,
    given_sides,
    share_sides,
)
from rnn_core.readers.sound.recordings import Named, read_all
from rnn_core.readers.sound.transcript_tables import OWN, Row, find_tables, read_tables
from rnn_core.readers.splits import SETS
from rnn_core.wording import amount

NONE = "the data holds no transcripts.tsv with the columns file and text"
NONE_CURE = "write one, or set data.strings to join recordings of single words"

BESIDE = ("", "clips/", "wavs/", "wav/", "audio/", "recordings/")
"""Folders beside a table in which public collections have the recordings that it names."""


class Listed(NamedTuple):
    """Recordings that tables list.

    Attributes:
        files: Each with its text.
        rows: What the tables say of it.
        left_out: Messages about other files.
        notes: What was decided in reading the tables.
    """

    files: list[Named]
    rows: list[Row]
    left_out: list[str]
    notes: list[str]


def has_tables(raw: Path) -> bool:
    """Return whether a folder has a table of transcripts."""
    return bool(find_tables(find_files(raw).others))


def list_transcripts(raw: Path, faults: Faults) -> Listed:
    """The recordings that tables of a folder list; what is wrong is noted.

    Raises:
        FaultsError: If there is no such table, or more than one of all recordings.
    """
    recordings, others = find_files(raw)
    tables = find_tables(others)
    if not tables:
        raise FaultsError({NONE_CURE: [NONE]})
    if len(tables) > 1 and tables[0].stem.lower() == tables[1].stem.lower():
        names = " and ".join(path.relative_to(raw).as_posix() for path in tables)
        raise FaultsError({"remove one of them": [f"the data holds {names}"]})
    before = len(faults.found)
    rows, notes = read_tables(tables, faults)
    index = Index(recordings, tables[0].parent, unclear=len(faults.found) > before)
    files, kept = [], []
    seen: dict[Path, str] = {}
    for row in rows:
        path = index.find(row, faults) if row.file else None
        if path is None:
            continue
        if path in seen:
            what = f"{row.where}: {row.file} is in {seen[path].split(', ')[1]} already"
            faults.add(what, "keep one")
            continue
        seen[path] = row.where
        files.append(Named(path, path.relative_to(raw).as_posix(), row.text))
        kept.append(row)
    listed = None if index.unclear else seen
    left_out = not_listed(raw, recordings, others, tables, listed, faults)
    return Listed(files, kept, left_out, notes)


def not_listed(
    raw: Path,
    recordings: list[Path],
    others: list[Path],
    tables: list[Path],
    listed: Container[Path] | None,
    faults: Faults,
) -> list[str]:
    """Describe the recordings that no table lists; the user's own table must list them all.

    Nothing is known of that where it is not clear what a table lists.
    """
    without = [
        path.relative_to(raw).as_posix()
        for path in recordings
        if listed is not None and path not in listed
    ]
    if tables[0].stem.lower() == OWN:
        for name in without:
            faults.add(f"{name} is not in {tables[0].name}", "add a row or remove the file")
        without = []
    unlisted = [f"what no table lists ({amount(len(without), 'recording')})"] if without else []
    return unlisted + [path.relative_to(raw).as_posix() for path in others if path not in tables]


class Index:
    """Recordings by what a table may call them.

    Args:
        recordings: All of them.
        folder: That of the table.
        unclear: Whether rows are missing, or do not name their recording.
    """

    def __init__(self, recordings: list[Path], folder: Path, unclear: bool) -> None:
        self.unclear = unclear
        self.by_name: dict[str, Path] = {}
        self.by_bare: dict[str, list[Path]] = defaultdict(list)
        for path in recordings:
            if path.is_relative_to(folder):
                name = PurePosixPath(path.relative_to(folder).as_posix())
                self.by_name[alike(name.as_posix())] = path
                bare = name.with_name(bare_name(path)).as_posix()
                self.by_bare[alike(bare)].append(path)

    def find(self, row: Row, faults: Faults) -> Path | None:
        """The recording of a row; None, and noted, if that is not a single one of the folder."""
        name = posixpath.normpath(row.file.replace("\\", "/"))
        if name.startswith(("/", "../")) or name[1:3] == ":/":
            self.unclear = True
            what = f"{row.where}: {row.file} is not named from the folder of the table"
            faults.add(what, "write names such as `clips/a.wav`, and copy the recordings there")
            return None
        for folder in BESIDE:
            if path := self.by_name.get(alike(folder + name)):
                return path
        found = [p for folder in BESIDE for p in self.by_bare.get(alike(folder + name), [])]
        if len(found) == 1:
            return found[0]
        if found:
            self.unclear = True
            names = " and ".join(path.name for path in found)
            faults.add(f"{row.where}: {row.file} may be {names}", "write which of them")
        else:
            faults.add(
                f"{row.where}: there is no file {row.file!r} in the folder",
                "add it or drop the row",
            )
        return None


def alike(name: str) -> str:
    """A name in one Unicode form: systems store it in one or the other."""
    return unicodedata.normalize("NFC", name)


def listed_utterances(
    raw: Path,
    split: SplitParameters,
    tokens: Literal["char", "word"],
    rate_hz: int | None = None,
) -> Utterances:
    """Recordings with the text that tables give them.

    Args:
        raw: The folder.
        split: Which of them are in which split.
        tokens: What a symbol is.
        rate_hz: See `read_all`.

    Returns:
        The recordings in the order of the tables.

    Raises:
        FaultsError: If files or rows cannot be used; with all of them.
        DataError: If rows do not tell what the split needs.
        ParameterError: If the split names what does not exist.
    """
    faults = Faults()
    listed = list_transcripts(raw, faults)
    sounds = read_all(listed.files, rate_hz, faults)
    rows = [listed.rows[i] for i in sounds.kept]
    names = [listed.files[i].name for i in sounds.kept]
    sides = listed_sides(rows, names, split)
    found = zip(names, sounds.samples, rows, sides, sounds.marks, strict=True)
    each = [
        Utterance(name, samples, symbols_of(row.text, tokens), side, row.speaker, (mark,))
        for name, samples, row, side, mark in found
    ]
    return Utterances(sounds.rate_hz, each, sounds.heard)


def symbols_of(text: str, tokens: Literal["char", "word"]) -> list[str]:
    """Words of a text, or its characters with single spaces between words."""
    return text.split() if tokens == "word" else list(" ".join(text.split()))


def listed_sides(rows: list[Row], names: list[str], split: SplitParameters) -> list[int]:
    """The split of each row: by shares, as tables give it, or by their column of speakers.

    Returns:
        Each as an index of `SPLITS`.

    Raises:
        DataError: If there is no such column, or too few rows.
        ParameterError: If the split names what does not exist.
    """
    table = rows[0].table.name
    if split.split_by == "share":
        shares = split.validation_share, split.test_share
        return share_sides([table] * len(rows), *shares, split.split_seed)
    if split.split_by == "given":
        sides = given_sides([row.split for row in rows], [table] * len(rows), names, split)
    else:
        by = split.split_by
        groups = [g for row in rows if (g := row.take if by == "take" else row.speaker)]
        if len(groups) < len(rows):
            raise DataError(
                f"{table} has no column {by!r} that is filled in every row; add it, or "
                "set data.split_by to share"
            )
        validation, test = set(map(str, split.validation)), set(map(str, split.test))
        check_groups(groups, validation | test, by)
        sides = [2 if group in test else int(group in validation) for group in groups]
    for side, name in enumerate(SPLITS):
        if side not in sides:
            raise ParameterError(
                f"no recording is left for the {SETS[name]}; change data.validation or data.test"
            )
    return sides
