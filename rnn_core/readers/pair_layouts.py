"""Folders of aligned files and tables of pairs: which file is which, by their names alone.

Such as train.en, train.de, val.en and val.de; corpus.de-en.de and corpus.de-en.en; train/en and
train/de; or train.csv and test.csv.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import permutations
from os.path import commonprefix
from pathlib import Path
from typing import NamedTuple

from rnn_core.errors import DataError
from rnn_core.metric import SPLITS, Split
from rnn_core.readers.faults import some
from rnn_core.readers.folders import is_note
from rnn_core.readers.formats.packed import without_packing
from rnn_core.readers.languages import LANGUAGES
from rnn_core.readers.pair_files import files_in, is_table
from rnn_core.readers.splits import SETS, split_word, splits_named
from rnn_core.readers.text_files import ending_of, holds_text, is_plain
from rnn_core.wording import option

SIDES = {"src": 0, "source": 0, "tgt": 1, "trg": 1, "target": 1}
"""Names of files that are translated, 0, and of translations, 1."""

TOKEN = re.compile(
    r"(?<![A-Za-z])(?:[a-z]{3}_[A-Z][a-z]{3}|[a-z]{2}[-_][A-Z]{2}|[A-Za-z]+)(?![A-Za-z])"
)
"""A word in a name, or a code of a language with its script or country."""

TESTS = re.compile(r"newstest|devtest|tst", re.IGNORECASE)
"""Further names of test sets: of the conferences WMT and IWSLT, and of FLORES."""

OTHER_FORMAT = re.compile(r"\.(parquet|xlsx|json|tmx|xliff|xlf|po|zip)$", re.IGNORECASE)
"""Endings of files that are no longer valid when they are joined byte by byte."""

HOLE = "\0"
"""Stands for the language in the name of a file."""


class Layout(NamedTuple):
    """Names of files in a form that `files_of` reads.

    Attributes:
        source_file: File of the texts to translate, or table; `*` for the names of sets.
        target_file: That of the translations.
        splits: What the star stands for in each set; None where that is drawn.
    """

    source_file: str
    target_file: str | None
    splits: tuple[str, str | None, str | None] | None


def find_layout(raw: Path, source: str | None, target: str | None) -> Layout | None:
    """Find files by their names; None if these do not tell.

    Args:
        raw: The folder.
        source: What the user calls the texts to translate: one file of several, or with a `*`.
        target: The same for the translations.

    Raises:
        DataError: If several files could be meant.
    """
    names = [name for name in files_in(raw) if not is_note(name)]
    tables = [name for name in names if is_table(raw / name)]
    frames = aligned([name for name in names if name not in tables])
    if frames and not (source and is_table(raw / source)):
        return aligned_layout(frames, source, target)
    if source is not None or target is not None:
        return None
    if len(tables) == 1 and have_odd_names([raw / name for name in names if name not in tables]):
        return None
    texts = [name for name in names if is_plain(Path(name))]
    return table_layout(tables or texts)


def have_odd_names(files: Iterable[Path]) -> bool:
    """Return whether files beside a table may be aligned ones, whose names tell no language.

    They are called as texts are, have no ending, or differ in it alone: all.gsw and all.nds.
    """
    texts = [file for file in files if holds_text(file)]
    stems = Counter(stem_of(file) for file in texts)
    odd = [f for f in texts if is_plain(f) or not ending_of(f) or stems[stem_of(f)] > 1]
    return len(odd) > 1


def stem_of(file: Path) -> Path:
    """The path of a file without its ending, and that of a packed one."""
    return file.with_name(without_packing(file.name)).with_suffix("")


def aligned(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Files whose names differ in the language alone: each by language, by the rest of the name."""
    frames: dict[str, dict[str, str]] = {}
    for name in names:
        found = [match for match in TOKEN.finditer(name) if is_language(match.group())]
        if found:
            start, end = found[-1].span()
            frame = name[:start] + HOLE + name[end:]
            frames.setdefault(frame, {})[found[-1].group()] = name
    return {frame: files for frame, files in frames.items() if len(files) > 1}


def is_language(token: str) -> bool:
    """Return whether a word in the name of a file tells its language, or its side."""
    return token.lower() in LANGUAGES or token.lower() in SIDES or not token.isalpha()


def aligned_layout(
    frames: dict[str, dict[str, str]], source: str | None, target: str | None
) -> Layout | None:
    """The layout of aligned files."""
    asked = [
        pair
        for pair in directions(frames)
        if fits(source, pair[0], frames) and fits(target, pair[1], frames)
    ]
    if not asked:
        return None
    counts = Counter(pair for pair in asked for files in frames.values() if {*pair} <= {*files})
    pair = max(asked, key=counts.__getitem__)
    others = {language for one in asked for language in one} - {*pair}
    if others:
        there = ", ".join(sorted({*pair, *others}))
        example = [next(f[one] for f in frames.values() if one in f) for one in pair]
        raise DataError(
            f"the data holds texts in {there}; say which is translated into which, such as "
            f"{option('set', f'source_file={starred(example[0])}')} "
            f"{option('set', f'target_file={starred(example[1])}')}"
        )
    return layout_of({f: files for f, files in frames.items() if {*pair} <= {*files}}, pair)


def starred(name: str) -> str:
    """The name of a file with a star for its set."""
    word = split_word(TESTS.sub("test", name))
    return name.replace(word, "*", 1) if word else name


def directions(frames: dict[str, dict[str, str]]) -> list[tuple[str, str]]:
    """Pairs of languages, the likelier direction of each first.

    Names tell it, such as train.en-de.en or train.src; else the order of the alphabet is taken.
    """
    found = {pair for files in frames.values() for pair in permutations(files, 2)}
    return sorted(found, key=lambda pair: (not_told(pair, frames), pair))


def not_told(pair: tuple[str, str], frames: Iterable[str]) -> bool:
    """Return whether names do not tell that one language is translated into the other."""
    if pair[0].lower() in SIDES or pair[1].lower() in SIDES:
        return SIDES.get(pair[0].lower()) == 1 or SIDES.get(pair[1].lower()) == 0
    told = re.compile(rf"(?<![a-z]){pair[0]}([-_2]|-to-){pair[1]}(?![a-z])", re.IGNORECASE)
    return not any(told.search(frame) for frame in frames)


def fits(asked: str | None, language: str, frames: dict[str, dict[str, str]]) -> bool:
    """Return whether the user's name for one side is that of a language."""
    if asked is None:
        return True
    pattern = re.compile(re.escape(asked).replace(r"\*", ".*"))
    return any(pattern.fullmatch(files.get(language, "")) for files in frames.values())


def layout_of(frames: dict[str, dict[str, str]], pair: tuple[str, str]) -> Layout:
    """The layout of files in two languages.

    Raises:
        DataError: If there are several, and none is called after the training set.
    """
    if len(frames) == 1:
        ((_, files),) = frames.items()
        return Layout(files[pair[0]], files[pair[1]], None)
    pattern, splits = by_sets(list(frames), pair)
    return Layout(pattern.replace(HOLE, pair[0]), pattern.replace(HOLE, pair[1]), splits)


def table_layout(tables: Sequence[str]) -> Layout | None:
    """The layout of tables of pairs, which hold both languages."""
    if len(tables) == 1:
        return Layout(tables[0], None, None)
    if are_tables_in_parts(tables):
        raise DataError(f"{some([*tables])} are parts of one table; {joining(tables, ('',))}")
    if not any(split_word(TESTS.sub("test", name)) for name in tables):
        return None
    pattern, splits = by_sets(tables)
    return Layout(pattern, None, splits)


def by_sets(
    names: Sequence[str], languages: Sequence[str] = ("",)
) -> tuple[str, tuple[str, str | None, str | None]]:
    """A pattern for the names of the training, validation and test set, and what its star is.

    Of several validation or test sets the one with the shortest name is taken, such as val and
    not val-1.

    Args:
        names: Of tables, or of aligned files with a `HOLE` for their language.
        languages: Those that take the place of the hole.

    Raises:
        DataError: If there is no training set, or more than one, or their names have no pattern.
    """
    words = {name: split_word(TESTS.sub("test", name)) for name in names}
    named = splits_named(word for word in words.values() if word is not None)
    of: dict[Split, list[str]] = {split: [] for split in SPLITS}
    for name, word in words.items():
        if word is not None:
            of[named[word]].append(name)
    for split, found in of.items():
        if len(found) > 1 and (split == "train" or are_counted(found)):
            raise DataError(
                f"several files are called after the {SETS[split]}: {some([*map(shown, found)])}; "
                f"{joining(found, languages)}"
            )
    if not of["train"] or not (of["validation"] or of["test"]):
        raise DataError(
            f"the data holds several files of pairs, {some([*map(shown, names)])}; "
            f"{joining(names, languages)}, or call them after their sets, such as train and test"
        )
    there = {split: found for split, found in of.items() if found}
    return patterned({s: min(found, key=lambda n: len(Path(n).name)) for s, found in there.items()})


def are_tables_in_parts(names: Sequence[str]) -> bool:
    """Return whether files are parts of one table by their names; two texts may be aligned."""
    tables = all(is_table(Path(name)) for name in names)
    return len(names) > (1 if tables else 2) and differ_in_numbers(names)


def differ_in_numbers(names: Sequence[str]) -> bool:
    """Return whether names are the same except for their numbers."""
    return len({re.sub(r"\d+", "#", name) for name in names}) == 1


def are_counted(names: Sequence[str]) -> bool:
    """Return whether names differ in a count from 0 or 1 alone, and not in a year, as of tests."""
    first = min(int(number) for name in names for number in re.findall(r"\d+", name) or ["2"])
    return first < 2 and differ_in_numbers(names)


def joining(names: Sequence[str], languages: Sequence[str]) -> str:
    """Advice to join files, with commands where their names differ in numbers alone.

    Numbers of folders, and blanks, would need other commands.
    """
    plain = len({one.rpartition("/")[0] for one in names}) == 1 and " " not in names[0]
    if OTHER_FORMAT.search(names[0]) or not plain or not differ_in_numbers(names):
        return "join them"
    start = re.sub(r"\d+$", "", commonprefix(names))  # noqa: RUF071 - by letters
    end = re.sub(r"^\d+", "", commonprefix([name[::-1] for name in names])[::-1])  # noqa: RUF071
    folder, _, stem = start.rpartition("/")
    whole = str(Path(folder, re.sub(r"[-_.]$", "", stem) or "all")) + re.sub(r"^-of-\d+", "", end)
    commands = [f"cat {start}*{end} > {whole}".replace(HOLE, one) for one in languages]
    return f"join them, such as by `{' && '.join(commands)}`, and move the parts away"


def shown(frame: str) -> str:
    """The name of aligned files for messages."""
    return frame.replace(HOLE, "*")


def patterned(chosen: dict[Split, str]) -> tuple[str, tuple[str, str | None, str | None]]:
    """A pattern for names, and what its star stands for in each.

    Raises:
        DataError: If they have none.
    """
    names = list(chosen.values())
    ends = [name[::-1] for name in names]
    start = re.sub(r"[A-Za-z0-9]+$", "", commonprefix(names))  # noqa: RUF071 - by letters
    end = re.sub(r"^[A-Za-z0-9]+", "", commonprefix(ends)[::-1])  # noqa: RUF071 - by letters
    middles = {s: name[len(start) : len(name) - len(end)] for s, name in chosen.items()}
    if any(HOLE in middle or not middle for middle in middles.values()):
        raise DataError(
            f"the names of the sets differ in more than the set: {some([*map(shown, names)])}; "
            "call them alike, such as train.en, val.en and test.en"
        )
    splits = (middles["train"], middles.get("validation"), middles.get("test"))
    return f"{start}*{end}", splits
