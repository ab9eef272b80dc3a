"""Recordings of single words in a folder: by a table or a list of labels, or by their names."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from rnn_core.errors import DataError
from rnn_core.readers.faults import Faults, FaultsError
from rnn_core.readers.folders import only_these
from rnn_core.readers.formats.packed import refuse_packed
from rnn_core.readers.sound.name_pattern import HOW
from rnn_core.readers.sound.name_tokens import Item, Recording, items_of
from rnn_core.readers.sound.recording_files import Files, find_files
from rnn_core.readers.sound.recording_labels import COVERED, by_lists, labelled
from rnn_core.readers.sound.recording_names import (
    by_all_names,
    by_form,
    check_alike,
    check_words_recur,
)


class Words(NamedTuple):
    """Recordings of words in a folder, in the order of their names.

    Attributes:
        recordings: The recordings.
        left_out: Messages about other files.
        doubts: What names may also mean.
        notes: Where the words come from, if not from names.
    """

    recordings: list[Recording]
    left_out: list[str]
    doubts: list[str]
    notes: list[str]


def list_words(raw: Path, form: str = "") -> list[Recording]:
    """All recordings of single words in a raw folder, in the order of their names.

    Args:
        raw: The folder.
        form: See `NameParameters`.

    Raises:
        FaultsError: If there are none, or names do not tell their words.
    """
    faults = Faults()
    words = find_words(raw, form, faults)
    faults.check()
    return words.recordings


def find_words(raw: Path, form: str, faults: Faults) -> Words:
    """As `list_words`, of the recordings that have a word; what is wrong is noted.

    A table of recordings and labels goes before names, and a list is read if names do not tell.

    Raises:
        FaultsError: If there are none at all.
    """
    files = find_files(raw)
    items, left_out = items_of(raw, files)
    if not items:
        refuse_packed(files.others)
        what = f"the data holds no recordings{only_these(files.others)}"
        raise FaultsError.one(what, "give a folder of recordings")
    if form:
        recordings, doubts = by_form(items, form, faults), list[str]()
        check_alike(recordings, faults, doubts)
        return Words(in_order(recordings), left_out, doubts, [])
    return by_names_or_labels(raw, files, items, left_out, faults)


def by_names_or_labels(
    raw: Path, files: Files, items: list[Item], left_out: list[str], faults: Faults
) -> Words:
    """Recordings whose words a table with a column of labels tells, or their names, or a list.

    Where names tell the same words as the table, they are taken: they may tell speakers too.
    """
    own, doubts = Faults(), list[str]()
    recordings = by_all_names(items, own, doubts)
    check_words_recur(recordings, own)
    check_alike(recordings, own, doubts)
    clear = not own.found and len({recording.word for recording in recordings}) > 1
    try:
        labels = labelled(raw, files, certain=clear, faults=faults)
    except FaultsError:
        if not clear:
            raise
        labels = None
    if clear and labels is not None:
        labels = labels._replace(recordings=with_speakers(labels.recordings, recordings))
    names = {recording.path: recording.word for recording in recordings}
    other = [r for r in labels.recordings if r.word != names.get(r.path)] if labels else []
    if labels is None or (clear and not other):
        with faults.noted():
            own.check()
        doubts += lists_not_read(raw, files, names) if clear else []
        return Words(in_order(recordings), left_out, doubts, [])
    doubts = []
    if clear:
        doubts.append(
            f"{other[0].name} is {other[0].word!r} there; by its name it would be "
            f"{names[other[0].path]!r}; if that is right, {HOW}"
        )
    check_labels_recur(labels.recordings, labels.notes[0], faults)
    check_alike(labels.recordings, faults, doubts)
    return Words(in_order(labels.recordings), labels.left_out, doubts, labels.notes)


def with_speakers(told: list[Recording], named: list[Recording]) -> list[Recording]:
    """Recordings as a table tells them, with speakers and takes of their names where it has none.

    It is so where each label goes with one word of the names. Words are better than their numbers.
    """
    names = {recording.path: recording for recording in named}
    pairs = {(names[r.path].word, r.word) for r in told if r.path in names}
    words, labels = ({pair[i] for pair in pairs} for i in (0, 1))
    if not len(pairs) == len(words) == len(labels) or len(told) > len(names):
        return told
    if all(map(str.isdecimal, labels)) and not any(map(str.isdecimal, words)):
        return [names[recording.path] for recording in told]
    return [
        one._replace(
            speaker=one.speaker or names[one.path].speaker, take=one.take or names[one.path].take
        )
        for one in told
    ]


def lists_not_read(raw: Path, files: Files, names: Mapping[Path, str]) -> list[str]:
    """A doubt about lists that tell other words of recordings than their names."""
    told = None
    with suppress(DataError):  # what cannot be read is not needed
        told = by_lists(raw, files, Faults())
    if told is None or len(told.rows) < COVERED * len(files.recordings):
        return []
    path, row = min(told.rows.items())
    if all(row.text == names.get(path) for path, row in told.rows.items()):
        return []
    doubt = (
        f"{row.where} has {row.text!r} for {path.name}, and is not read, since names tell words, "
        f"such as {names.get(path, '')!r}; if these are texts, take --task speech_transcription"
    )
    return [doubt]


def in_order(recordings: list[Recording]) -> list[Recording]:
    """Recordings in the order of their names."""
    return sorted(recordings, key=lambda recording: recording.name)


def check_labels_recur(recordings: list[Recording], note: str, faults: Faults) -> None:
    """Note that there are hardly fewer words than recordings, so that they are texts."""
    words = {recording.word for recording in recordings}
    if 2 * len(words) > len(recordings):
        faults.add(
            f"{note}: {len(words)} for {len(recordings)} recordings, such as {min(words)!r}",
            "for texts, take --task speech_transcription; for words, several recordings of each",
        )
