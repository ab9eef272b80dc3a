"""Texts of recordings without a table: a file for each, or lists of names and texts."""

import re
from collections import defaultdict
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from rnn_core.readers.faults import Faults, FaultsError
from rnn_core.readers.formats.encodings import encoding_by_mark
from rnn_core.readers.plain_text import one_line, read_file_lines
from rnn_core.readers.sound.name_tokens import SEPARATORS, Item, is_no_word, items_of
from rnn_core.readers.sound.named_lines import Line, line_of, lines_of, shared_encoding
from rnn_core.readers.sound.recording_columns import (
    NAMED,
    OTHER_FACTS,
    KnownNames,
    is_number,
)
from rnn_core.readers.sound.recording_files import RECORDINGS, Files, bare_name, names_of
from rnn_core.readers.sound.recording_index import Index, alike
from rnn_core.readers.sound.transcript_tables import LARGEST, Row, check_row
from rnn_core.wording import amount

ENDINGS = (".normalized.txt", ".txt", ".lab", ".text")
"""Endings of a text file of one recording, the first one goes before the others."""

OF_KALDI = frozenset(
    ("utt2dur", "utt2num_frames", "utt2lang", "spk2gender", "utt2uniq", "utt2spk", "wav.scp")
)
"""Lists of Kaldi's that begin with the name of a recording, and hold no text."""

HALF = 0.5
"""Share of the recordings with a text file of their own, where these are their texts."""

LOOKED_AT = 20
"""Lines at the start of a file that show whether it is a list."""

TIMES = re.compile(r"(?P<start>\d+(?:\.\d+)?)\s+(?P<end>\d+(?:\.\d+)?)\s+(?=\S)")
"""The first and last sample, or time, before a text."""

FIELD = re.compile(r"[\w ]{1,30}:(\s|$)")
"""A name of a fact, as in `speaker: bob`."""

MARK_AFTER_NAME = re.compile(r"^([^\s:|,;]+)\s*[:|,;]")
"""A name and the mark that separates it from a text."""

LAST_PART = re.compile(r"[-_. ][^-_. ]+$")
"""The last part of a name, after a separator."""

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


def texts_beside(raw: Path, files: Files, faults: Faults) -> Texts | None:
    """The texts of recordings that files of their own or lists give; None if nothing does.

    A file of its own has the name of the recording. Lists are those of LibriSpeech
    (`84-121.trans.txt`), Kaldi (`text`), and others whose lines begin with the name of a recording.

    Raises:
        FaultsError: If two lists have texts for the same recordings.
    """
    own = own_files(files)
    if len(own) >= max(HALF * len(files.recordings), 1):
        found = of_own_files(raw, files.recordings, own, faults)
    else:
        lists = of_lists(raw, files, frozenset(own.values()), faults)
        if lists is None:
            return None
        found = lists
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
    lines: dict[Path, list[str]] = {}
    encoding = shared_encoding({*own.values()})
    for path, file in own.items():
        with faults.noted():
            read = read_file_lines(file, encoding, file.relative_to(raw).as_posix())
            lines[path] = [line.strip() for line in read if line.strip()]
    lines = without_times(lines, own)
    named = begin_with_names(lines, own)
    lines = without_names(lines) if named else lines
    texts = {path: one_line(" ".join(each)) for path, each in lines.items()}
    rows = []
    for path in recordings:
        name = path.relative_to(raw).as_posix()
        if path in texts:
            where = own[path].relative_to(raw).as_posix()
            rows.append((path, Row(where, own[path], name, texts[path])))
        elif path not in own:
            faults.add(
                f"{name} has no text file as the others have",
                "write one, with the same name and .txt at its end, or remove the recording",
            )
    note = (
        f"texts are read from a file each, such as {min(own.values()).relative_to(raw).as_posix()}"
    )
    note += f"; they are read as {encoding}, since they are not UTF-8" if encoding else ""
    note += "; the name of its recording, which each begins with, is left out" if named else ""
    return Texts(rows, frozenset(own.values()), note)


def begin_with_names(lines: Mapping[Path, list[str]], own: Mapping[Path, Path]) -> bool:
    """Return whether each text begins with the name of its recording, and goes on.

    A name that may be a word may be said.
    """
    for path, each in lines.items():
        line = first_line(each)
        name = alike(line.name).lower()
        names = {alike(known).lower() for known in (*names_of(path), own[path].stem)}
        told = name in names and is_no_word(name)
        if not told or not (line.text or each[1:]):
            return False
    return bool(lines)


def without_names(lines: Mapping[Path, list[str]]) -> dict[Path, list[str]]:
    """The lines of texts, without the name that each text begins with."""
    return {path: [first_line(each).text.strip(), *each[1:]] for path, each in lines.items()}


def first_line(lines: Sequence[str]) -> Line:
    """The first line of a text as a name and what follows it, without a mark between."""
    return line_of(1, MARK_AFTER_NAME.sub(r"\1 ", lines[0]))


def without_times(lines: dict[Path, list[str]], own: Mapping[Path, Path]) -> dict[Path, list[str]]:
    """The lines of texts, without the two times or samples that TIMIT has before each text.

    Raises:
        FaultsError: If files hold parts with their times, numbers alone, or facts in fields.
    """
    cure = "write into each file what is said in its recording, and nothing else"
    for holds, what in ODD_TEXTS:
        odd = [path for path, each in lines.items() if each and holds(each)]
        if odd and len(odd) > HALF * len(lines):
            raise FaultsError({cure: [f"{own[odd[0]].name} {what}: {lines[odd[0]][0][:60]!r}"]})
    if field := same_field([each for each in lines.values() if each]):
        path = next(path for path, each in lines.items() if each)
        what = f"{own[path].name} and all others begin with {field!r}: {lines[path][0][:60]!r}"
        raise FaultsError({cure: [what]})
    if not all(has_times(each[0]) for each in lines.values() if each):
        return lines
    return {path: [TIMES.sub("", line) for line in each] for path, each in lines.items()}


def same_field(texts: Sequence[list[str]]) -> str:
    """The name of a fact that several texts of one line all begin with; empty if there is none."""
    starts = {found[0].strip() for each in texts if (found := FIELD.match(each[0]))}
    single = len(texts) > 1 and all(len(each) == 1 and FIELD.match(each[0]) for each in texts)
    return starts.pop() if single and len(starts) == 1 else ""


CLOCKS = re.compile(r".*\d:\d\d.*-->.*\d:\d\d")
"""The times of a part of a text, as SubRip and others write them."""

ODD_TEXTS: tuple[tuple[Callable[[list[str]], bool], str], ...] = (
    (lambda lines: all(map(is_number, lines)), "holds numbers"),
    (lambda lines: any(map(CLOCKS.match, lines)), "has parts of a text with their times"),
    (
        lambda lines: sum(map(has_times, lines)) > 1,
        "has parts of a text with their times",
    ),
    (
        lambda lines: len(lines) > 1 and all(FIELD.match(line) for line in lines),
        "has several fields",
    ),
)
"""Contents of text files that are not what is said, each with a test of its lines."""


def has_times(line: str) -> bool:
    """Return whether a line begins with the times of its text, the later one second."""
    found = TIMES.match(line)
    return found is not None and float(found["start"]) < float(found["end"])


def own_files(files: Files) -> dict[Path, Path]:
    """The text file of each recording that has one: beside it, or the only one of that name.

    Where most recordings have none so, the last part of their names does not count: VCTK has two
    microphones for each text. Capitals count last.
    """
    found: dict[Path, Path] = {}
    for form in (alike, lambda name: alike(name).lower()):
        beside, anywhere = texts_by_name(files.others, form)
        for left_out in (None, LAST_PART):
            for path in files.recordings:
                bare = form(bare_name(path))
                bare = left_out.sub("", bare) if left_out else bare
                same = anywhere.get(bare, [])
                if own := beside.get(path.parent / bare, same[0] if len(same) == 1 else None):
                    found.setdefault(path, own)
            if len(found) >= HALF * len(files.recordings):
                return found
    return found


def texts_by_name(
    files: Sequence[Path], form: Callable[[str], str]
) -> tuple[dict[Path, Path], dict[str, list[Path]]]:
    """Text files by their folder and the form of their name, and by that of their name alone."""
    beside: dict[Path, Path] = {}
    anywhere: dict[str, list[Path]] = defaultdict(list)
    for ending in reversed(ENDINGS):
        for path in files:
            if path.name.lower().endswith(ending) and path.is_file():
                bare = form(path.name[: -len(ending)])
                beside[path.parent / bare] = path
                anywhere[bare].append(path)
    return beside, anywhere


# --- Lists ---


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
    ends_so = file.suffix.lower() in {"", ".txt", ".text", ".data", ".done"}
    return ends_so and file.is_file() and file.stat().st_size <= LARGEST


def begins_as_list(file: Path, known: Container[str], called: Mapping[str, str]) -> bool:
    """Return whether the first line of a file begins with the name of a recording."""
    with file.open("rb") as opened:
        start = opened.read(START)
    encoding = encoding_by_mark(start) or "utf-8"
    first = next((x for x in start.decode(encoding, "replace").splitlines() if x.strip()), "")
    name = line_of(1, first.lstrip("\ufeff")).name
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
