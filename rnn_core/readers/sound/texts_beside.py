"""Texts of recordings without a table: a file for each, or lists of names and texts."""

import re
from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from rnn_core.errors import DataError
from rnn_core.readers.faults import Faults, FaultsError
from rnn_core.readers.plain_text import one_line, read_file_lines
from rnn_core.readers.sound.name_tokens import SEPARATORS, Item, items_of
from rnn_core.readers.sound.recording_columns import known_names
from rnn_core.readers.sound.recording_files import RECORDINGS, Files, bare_name
from rnn_core.readers.sound.recording_index import Index, alike
from rnn_core.readers.sound.transcript_tables import Row, check_row
from rnn_core.wording import amount

ENDINGS = (".normalized.txt", ".txt", ".lab", ".text")
"""Endings of a text file of one recording, the first one goes before the others."""

OF_KALDI = frozenset({"utt2dur", "utt2num_frames", "utt2lang", "spk2gender", "utt2uniq"})
"""Lists of Kaldi's that begin with the name of a recording, and hold no text."""

NAMED = 0.9
"""Share of the lines of a list that begin with the name of a recording."""

HALF = 0.5
"""Share of the recordings with a text file of their own, where these are their texts."""

LOOKED_AT = 20
"""Lines at the start of a file that show whether it is a list."""

SAMPLES = re.compile(r"\d+ \d+ (?P<text>.*)")
"""A text after its first and last sample, as TIMIT has it."""

FESTIVAL = re.compile(r'\(\s*(?P<name>\S+)\s+"(?P<text>.*)"\s*\)')
"""A line of a list of CMU Arctic."""


NOTHING_ELSE = (None, None, None)
"""Speaker, take and split where only a text is known."""


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


def texts_beside(raw: Path, files: Files, faults: Faults) -> Texts | None:
    """The texts of recordings that lists or files of their own give; None if nothing does.

    Lists are those of LibriSpeech (`84-121.trans.txt`), Kaldi (`text`), and others whose lines
    begin with the name of a recording. A file of its own has the name of the recording.

    Raises:
        FaultsError: If two lists have texts for the same recordings.
    """
    own = own_files(files)
    found = of_lists(raw, files, frozenset(own.values()), faults)
    if found is None and len(own) >= max(HALF * len(files.recordings), 1):
        found = of_own_files(raw, files.recordings, own, faults)
    if found is None:
        return None
    known = {item.path: item for item in items_of(raw, files)[0]}
    speakers = speakers_in_folders(list(known.values()))
    rows = []
    for path, told in found.rows:
        split = known[path].split if path in known else None
        row = told._replace(split=split, speaker=told.speaker or speakers.get(path))
        check_row(row, faults)
        rows.append((path, row))
    return found._replace(rows=rows)


def speakers_in_folders(items: Sequence[Item]) -> dict[Path, str]:
    """Speakers by the outermost folder that the names of its recordings begin with.

    So it is in LibriSpeech (84/121/84-121-0000) and in VCTK (p225/p225_001).
    """
    depth = min((len(item.folders) for item in items), default=0)
    for level in range(depth):
        if all(begins_with(item.bare, item.folders[level]) for item in items):
            return {item.path: item.folders[level] for item in items}
    return {}


def begins_with(name: str, folder: str) -> bool:
    """Return whether a name begins with that of a folder, and goes on after a separator."""
    rest = name.removeprefix(folder)
    return rest != name and rest[:1] in set(SEPARATORS)


# --- A file for each recording ---


def of_own_files(
    raw: Path, recordings: Sequence[Path], own: Mapping[Path, Path], faults: Faults
) -> Texts:
    """The texts of files that are called after their recording; those that lack one are noted."""
    texts: dict[Path, str] = {}
    for path, file in own.items():
        with faults.noted():
            texts[path] = " ".join(read_file_lines(file))
    texts = without_samples(texts)
    rows = []
    for path in recordings:
        name = path.relative_to(raw).as_posix()
        if path in texts:
            where = own[path].relative_to(raw).as_posix()
            rows.append((path, Row(where, own[path], name, one_line(texts[path]), *NOTHING_ELSE)))
        elif path not in own:
            faults.add(
                f"{name} has no text file as the others have",
                "write one, with the same name and .txt at its end, or remove the recording",
            )
    one = min(own.values()).relative_to(raw).as_posix()
    return Texts(rows, frozenset(own.values()), f"texts are read from a file each, such as {one}")


def without_samples(texts: dict[Path, str]) -> dict[Path, str]:
    """Texts without the numbers of their first and last sample, if all have them."""
    matches = {path: SAMPLES.fullmatch(text) for path, text in texts.items()}
    found = {path: match["text"] for path, match in matches.items() if match}
    return found if len(found) == len(texts) else texts


def own_files(files: Files) -> dict[Path, Path]:
    """The text file of each recording that has one: beside it, or the only one of that name."""
    beside: dict[Path, Path] = {}
    anywhere: dict[str, list[Path]] = defaultdict(list)
    for ending in reversed(ENDINGS):
        for path in files.others:
            if path.name.lower().endswith(ending):
                bare = alike(path.name[: -len(ending)])
                beside[path.parent / bare] = path
                anywhere[bare].append(path)
    found = {}
    for path in files.recordings:
        bare = alike(bare_name(path))
        same = anywhere.get(bare, [])
        if own := beside.get(path.parent / bare, same[0] if len(same) == 1 else None):
            found[path] = own
    return found


# --- Lists ---


class Line(NamedTuple):
    """A line of a list.

    Attributes:
        number: Its place in the file, from 1.
        name: What it calls the recording.
        text: The rest.
    """

    number: int
    name: str
    text: str


def of_lists(raw: Path, files: Files, own: Container[Path], faults: Faults) -> Texts | None:
    """The texts of lists whose lines begin with the name of a recording; None if there is none.

    Args:
        raw: The folder.
        files: All of its files.
        own: Those that are called after one recording, which are no lists.
        faults: Where it is noted what is wrong.
    """
    known = known_names(files.recordings)
    called = names_of_kaldi(raw, files)
    rows: dict[Path, Row] = {}
    used: set[Path] = set()
    for file in files.others:
        lines = lines_of(file) if file not in own and may_be_list(file) else []
        if not is_list(lines, known, called):
            continue
        used |= {file, *beside_kaldi(file)}
        for path, row in rows_of(
            raw, file, lines, called, Index(raw, files.recordings, file.parent), faults
        ):
            if path in rows:
                raise FaultsError(
                    {"keep one": [f"{row.where}: {row.file} is in {rows[path].where} too"]}
                )
            rows[path] = row
    if not rows:
        return None
    lists = sorted({row.table for row in rows.values()})
    note = f"texts are read from {amount(len(lists), 'list')} of names and texts, such as "
    note += lists[0].relative_to(raw).as_posix()
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
        name = name if index.called(name) else PurePosixPath(name).name
        path = index.find(where, name, faults)
        if path is not None:
            text = one_line(line.text)
            yield path, Row(where, file, name, text, speakers.get(line.name), *NOTHING_ELSE[1:])


def may_be_list(file: Path) -> bool:
    """Return whether a file may be a list of texts, by its name."""
    if file.name in OF_KALDI or file.name in {"wav.scp", "utt2spk", "segments"}:
        return False
    return file.is_file() and file.suffix.lower() in {"", ".txt", ".text", ".data", ".done"}


def lines_of(file: Path) -> list[Line]:
    """The lines of a file that have a first word and more; of one that is no text, none."""
    try:
        texts = read_file_lines(file)
    except DataError:
        return []
    lines = []
    for number, text in enumerate(texts, 1):
        if match := FESTIVAL.fullmatch(text.strip()):
            lines.append(Line(number, match["name"], match["text"]))
        elif text.strip():
            name, *rest = text.split(maxsplit=1)
            lines.append(Line(number, name, " ".join(rest)))
    return lines


def is_list(lines: Sequence[Line], known: Container[str], called: Mapping[str, str]) -> bool:
    """Return whether lines are names of recordings with their texts, which are no numbers."""
    for some in (lines[:LOOKED_AT], lines):
        names = [PurePosixPath(called.get(line.name, line.name)).name for line in some]
        fit = [
            alike(name) in known and line.text != "" and not is_number(line.text)
            for name, line in zip(names, some, strict=True)
        ]
        if not some or sum(fit) < NAMED * len(some):
            return False
    return True


def is_number(text: str) -> bool:
    """Return whether a text is a number, as in a list of durations."""
    return re.fullmatch(r"[\d.,:eE+-]+(\s+[\d.,:eE+-]+)*", text) is not None


def names_of_kaldi(raw: Path, files: Files) -> dict[str, str]:
    """The recordings that Kaldi's lists `wav.scp` give for the names of utterances.

    Raises:
        FaultsError: If a recording holds several utterances.
    """
    for file in files.others:
        if file.name == "segments":
            what = f"{file.relative_to(raw).as_posix()} cuts recordings into utterances"
            raise FaultsError({"save each utterance as a recording of its own": [what]})
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
