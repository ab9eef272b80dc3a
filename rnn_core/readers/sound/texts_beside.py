"""Texts of recordings without a table: in a file for each, or else in lists."""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rnn_core.readers.faults import Faults, FaultsError
from rnn_core.readers.plain_text import one_line, read_file_lines
from rnn_core.readers.sound.name_tokens import SEPARATORS, Item, is_no_word, items_of
from rnn_core.readers.sound.named_lines import Line, line_of, shared_encoding
from rnn_core.readers.sound.recording_columns import is_number
from rnn_core.readers.sound.recording_files import Files, bare_name, names_of
from rnn_core.readers.sound.recording_index import alike
from rnn_core.readers.sound.text_lists import Texts, of_lists
from rnn_core.readers.sound.transcript_tables import Row, check_row

ENDINGS = (".normalized.txt", ".txt", ".lab", ".text")
"""Endings of a text file of one recording, the first one goes before the others."""

HALF = 0.5
"""Share of the recordings with a text file of their own, where these are their texts."""

TIMES = re.compile(r"(?P<start>\d+(?:\.\d+)?)\s+(?P<end>\d+(?:\.\d+)?)\s+(?=\S)")
"""The first and last sample, or time, before a text."""

FIELD = re.compile(r"[\w ]{1,30}:(\s|$)")
"""A name of a fact, as in `speaker: bob`."""

MARK_AFTER_NAME = re.compile(r"^([^\s:|,;]+)\s*[:|,;]")
"""A name and the mark that separates it from a text."""

LAST_PART = re.compile(r"[-_. ][^-_. ]+$")
"""The last part of a name, after a separator."""


def texts_beside(raw: Path, files: Files, faults: Faults) -> Texts | None:
    """The texts of recordings that files of their own or lists give; None if nothing does.

    A file of its own has the name of the recording. Lists are those of LibriSpeech
    (`84-121.trans.txt`), Kaldi (`text`), and others whose lines begin with the name of a recording.

    Raises:
        FaultsError: If two lists have texts for the same recordings.
    """
    own = own_files(files)
    if len(own) >= max(HALF * len(files.recordings), 1):
        found: Texts | None = of_own_files(raw, files.recordings, own, faults)
    else:
        found = of_lists(raw, files, frozenset(own.values()), faults)
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
            raise FaultsError.one(f"{own[odd[0]].name} {what}: {lines[odd[0]][0][:60]!r}", cure)
    if field := same_field([each for each in lines.values() if each]):
        path = next(path for path, each in lines.items() if each)
        what = f"{own[path].name} and all others begin with {field!r}: {lines[path][0][:60]!r}"
        raise FaultsError.one(what, cure)
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
