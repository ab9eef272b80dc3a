"""Lists of texts of recordings: each line begins with the name of one."""

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from rnn_core.readers.faults import Faults, FaultsError
from rnn_core.readers.formats.encodings import encoding_by_mark
from rnn_core.readers.plain_text import one_line
from rnn_core.readers.sound.named_lines import AT_END, Line, line_of, lines_of, told_encodings
from rnn_core.readers.sound.recording_columns import NAMED, OTHER_FACTS, KnownNames, is_number
from rnn_core.readers.sound.recording_files import RECORDINGS, Files
from rnn_core.readers.sound.recording_index import Index, alike
from rnn_core.readers.sound.transcript_tables import LARGEST, Row
from rnn_core.wording import amount

OF_KALDI = frozenset(
    ("utt2dur", "utt2num_frames", "utt2lang", "spk2gender", "utt2uniq", "utt2spk", "wav.scp")
)
"""Lists of Kaldi's that begin with the name of a recording, and hold no text."""

LOOKED_AT = 20
"""Lines at the start of a file that show whether it is a list."""

START = 1 << 16
"""Bytes at the start of a file that show whether it is a list."""


class Texts(NamedTuple):
    """The texts that lie beside recordings.

    Attributes:
        rows: Recordings, and what is known of each.
        used: The files that hold the texts.
        note: Where the texts come from.
    """

    rows: list[tuple[Path, Row]]
    used: frozenset[Path]
    note: str


def of_lists(raw: Path, files: Files, own: Container[Path], faults: Faults) -> Texts | None:
    """The texts of lists whose lines begin with the name of a recording; None if there is none.

    Args:
        raw: The folder.
        files: All of its files.
        own: Those that are called after one recording, which are no lists.
        faults: Where it is noted what is wrong.
    """
    known = KnownNames(files.recordings)
    called = names_of_kaldi(raw, files)
    rows: dict[Path, Row] = {}
    used: set[Path] = set()
    index = Index(raw, files.recordings)
    for file in files.others:
        if file in own or not may_be_list(file) or not begins_as_list(file, known, called):
            continue
        lines = lines_of(file)
        if not is_list(lines, known, called):
            continue
        used |= {file, *beside_kaldi(file)}
        for path, row in rows_of(raw, file, lines, called, index, faults):
            if path in rows:
                raise FaultsError.one(
                    f"{row.where}: {row.file} is in {rows[path].where} too", "keep one"
                )
            rows[path] = row
    if not rows:
        return None
    lists = sorted({row.table for row in rows.values()})
    note = f"texts are read from {amount(len(lists), 'list')} of names and texts, such as "
    note += "; ".join([lists[0].relative_to(raw).as_posix(), *told_encodings(used)])
    return Texts(list(rows.items()), frozenset(used), note)


def rows_of(
    raw: Path,
    file: Path,
    lines: Sequence[Line],
    called: Mapping[str, str],
    index: Index,
    faults: Faults,
) -> Iterator[tuple[Path, Row]]:
    """The recordings of a list's lines, each with what is known of it."""
    speakers, shown = speakers_of_kaldi(file), file.relative_to(raw).as_posix()
    for line in lines:
        where, name = f"{shown}, line {line.number}", called.get(line.name, line.name)
        name = name if index.called(file.parent, name) else PurePosixPath(name).name
        path = index.find(file.parent, where, name, faults)
        if path is not None:
            text = one_line(line.text)
            yield path, Row(where, file, name, text, speakers.get(line.name))


def may_be_list(file: Path) -> bool:
    """Return whether a file may be a list of texts, by its name and size."""
    words = set(re.split(r"[^a-z0-9]+", file.name.lower()))
    if file.name in OF_KALDI or words & OTHER_FACTS:
        return False
    ends_so = file.suffix.lower() in {"", ".txt", ".text", ".data", ".done", *AT_END}
    return ends_so and file.is_file() and file.stat().st_size <= LARGEST


def begins_as_list(file: Path, known: Container[str], called: Mapping[str, str]) -> bool:
    """Return whether the first line of a file begins with the name of a recording."""
    with file.open("rb") as opened:
        start = opened.read(START)
    encoding = encoding_by_mark(start) or "utf-8"
    first = next((x for x in start.decode(encoding, "replace").splitlines() if x.strip()), "")
    name = line_of(1, first.lstrip("\ufeff"), file.suffix.lower() in AT_END).name
    return alike(PurePosixPath(called.get(name, name)).name) in known


def is_list(lines: Sequence[Line], known: Container[str], called: Mapping[str, str]) -> bool:
    """Return whether lines are names of recordings with their texts, which are no numbers."""
    for seen in (lines[:LOOKED_AT], lines):
        names = [PurePosixPath(called.get(line.name, line.name)).name for line in seen]
        fit = [
            alike(name) in known and line.text != "" and not is_number(line.text)
            for name, line in zip(names, seen, strict=True)
        ]
        if not seen or sum(fit) < NAMED * len(seen):
            return False
    return True


def names_of_kaldi(raw: Path, files: Files) -> dict[str, str]:
    """The recordings that Kaldi's lists `wav.scp` give for the names of utterances.

    Raises:
        FaultsError: If a recording holds several utterances.
    """
    for file in files.others:
        if file.name == "segments" and file.with_name("text").is_file():
            what = f"{file.relative_to(raw).as_posix()} cuts recordings into utterances"
            raise FaultsError.one(what, "save each utterance as a recording of its own")
    lists = [file for file in files.others if file.name == "wav.scp"]
    found = {}
    for line in (line for file in lists for line in lines_of(file)):
        words = [w for w in line.text.split() if PurePosixPath(w).suffix.lower() in RECORDINGS]
        if words:
            found[line.name] = words[-1]
    return found


def speakers_of_kaldi(file: Path) -> dict[str, str]:
    """The speakers that the list `utt2spk` beside a list of texts gives."""
    beside = [path for path in beside_kaldi(file) if path.name == "utt2spk"]
    return {line.name: line.text for path in beside for line in lines_of(path) if line.text}


def beside_kaldi(file: Path) -> list[Path]:
    """The lists of recordings and speakers beside Kaldi's list of texts."""
    names = ("wav.scp", "utt2spk") if file.name == "text" else ()
    return [file.with_name(name) for name in names if file.with_name(name).is_file()]
