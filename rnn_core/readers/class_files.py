"""Texts a line each, in files that are called after their classes, such as pos.txt and neg.txt.

The class is the part in which their names differ. Folders or words of names may say the split:
train/pos.txt, or test_neg.txt.
"""

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain, combinations
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import regex

from rnn_core.errors import DataError
from rnn_core.metric import SPLITS
from rnn_core.readers.faults import Faults, some
from rnn_core.readers.folders import BESIDE, existing_files, is_note, visible_files
from rnn_core.readers.formats.packed import unpacked, without_packing
from rnn_core.readers.labelled_lines import (
    OPINIONS,
    encoding_of,
    find_kind,
    is_table,
    numbered_lines,
    sample_lines,
)
from rnn_core.readers.labelled_texts import LABEL_NAMES, TEXT_NAMES, check_rows
from rnn_core.readers.plain_text import as_seen
from rnn_core.readers.splits import NO_SPLIT, SPLIT_NAMES, split_word, splits_named
from rnn_core.readers.text_files import is_plain
from rnn_core.readers.writing_systems import UNSPACED

if TYPE_CHECKING:
    import pandas as pd


def with_plurals(words: Iterable[str]) -> frozenset[str]:
    """Words, and their plurals."""
    return frozenset(f"{word}{end}" for word in words for end in ("", "s"))


OTHER_FILES = (
    *("data", "id", "index", "name", "token", "url", "word", "stopword", "vocab", "lexicon"),
    *("source", "translation", "prediction", "output", "requirement", "note", "log"),
    *("author", "contributor"),
)
"""Words in names of files that lie beside texts, as one."""

LABELS = with_plurals(LABEL_NAMES) | {"categories", "classes", "gold"}
"""Words in names of files that hold the label of each line of another one."""

NO_CLASS = LABELS.union(
    with_plurals((*TEXT_NAMES, *OTHER_FILES)),
    ("vocabulary", "vocabularies", "dictionary", "indices"),
    ("about", "changelog", "citation", "todo", *SPLIT_NAMES),
)
"""Words in names of files that hold no texts of one class."""

LEAST_LINES = 100
"""Lines of files of equal length from which on it is certain that these are not aligned."""

BY_CHANCE = 3.0
"""Standard deviations up to which a correlation of the lengths of lines may be chance."""

ONE_WORD = regex.compile(rf"(?V1)[[\S]--[{UNSPACED}]]+")
"""A line that is no sentence; in scripts without spaces one may look so."""


class ClassFile(NamedTuple):
    """A file of texts of one class.

    Attributes:
        file: The file.
        label: The class.
        split: The index of its split, or `NO_SPLIT`.
    """

    file: Path
    label: str
    split: int


def words_in_name(file: Path) -> list[str]:
    """The words of a file's name: its ending is one if it is a class."""
    name = without_packing(file.name)
    bare = Path(name).stem if is_plain(file) else name
    return [word for word in re.split(r"[^\w]+|_+", bare) if word]


def may_be_texts(file: Path) -> bool:
    """Return whether a file is called as texts are, or ends in a class."""
    words = words_in_name(file)
    beside = is_note(file.name) or any(word.lower() in BESIDE for word in words)
    ends = file.suffix[1:].lower() in OPINIONS
    return file.is_file() and bool(words) and not beside and (is_plain(file) or ends)


def find_class_files(raw: Path) -> list[ClassFile]:
    """Find files of a class each, in a folder or below it; none if that is not certain.

    It is where the names differ in one word, and no file is a table. Of files among which some are
    called after opinions, these alone are taken.

    Raises:
        DataError: If they may also be aligned, or one is a link to nothing.
    """
    files = [file for file in existing_files(raw) if may_be_texts(file)]
    ends = [file for file in files if not is_plain(file)]
    labels = labels_of(ends if len(ends) > 1 else files)
    words = {file: split_word(file.relative_to(raw).as_posix()) for file in labels}
    named = splits_named(word for word in words.values() if word)
    if not are_classes(labels.values()) or ("train" not in named.values() and named):
        return []
    certain = are_opinions(labels.values())
    some = len({word is None for word in words.values()}) > 1
    if some or not all(has_lines(file, certain) for file in labels):
        return []
    splits = [NO_SPLIT if word is None else SPLITS.index(named[word]) for word in words.values()]
    found = list(map(ClassFile, labels, map(as_seen, labels.values()), splits))
    each = {(one.label, one.split) for one in found}
    if len(each) < len(found):
        return []
    if not certain:
        refuse_aligned(found, raw)
    return found


def labels_of(files: Sequence[Path]) -> dict[Path, str]:
    """The parts in which names of files differ; if several are opinions, of those files alone."""
    given = {
        file: [word for word in words_in_name(file) if word.lower() not in SPLIT_NAMES]
        for file in files
    }
    called = {f: words for f, words in given.items() if {*OPINIONS} & {w.lower() for w in words}}
    opinions = {f: label for f, label in apart(called).items() if label.lower() in OPINIONS}
    return opinions if are_opinions(opinions.values()) else apart(given)


def apart(given: Mapping[Path, Sequence[str]]) -> dict[Path, str]:
    """The words of each name without those that all names have."""
    each = [{word.lower() for word in words} for words in given.values()]
    shared = set.intersection(*each) if each else set()
    return {
        file: " ".join(word for word in words if word.lower() not in shared)
        for file, words in given.items()
    }


def are_opinions(labels: Collection[str]) -> bool:
    """Return whether several labels are there, and are usual ones of opinions."""
    lower = {label.lower() for label in labels}
    return len(lower) > 1 and lower <= {*OPINIONS}


def refuse_aligned(classes: Sequence[ClassFile], raw: Path) -> None:
    """Refuse files where line i of one may belong to line i of another.

    So it may be where each split has several files, of as many lines. In many lines, the lengths of
    those that belong together go together.

    Raises:
        DataError: If they may be aligned.
    """
    splits: dict[int, dict[str, list[int]]] = {}
    for one in classes:
        splits.setdefault(one.split, {})[one.label] = lengths_of(one.file)
    for own in splits.values():
        if len(own) < 2 or len({*map(len, own.values())}) > 1:
            return
    pairs = combinations({one.label for one in classes}, 2)
    if any(are_apart(pair, splits.values()) for pair in pairs):
        return
    names = [one.file.relative_to(raw).as_posix() for one in classes]
    columns = "text, label and split" if len(splits) > 1 else "text and label"
    raise DataError(
        f"{some(names)} have as many lines as each other, as texts and their translations have, "
        "and may be no classes; if each has the texts of one class, write a table with columns "
        f"{columns} in place of these files"
    )


def are_apart(pair: tuple[str, str], splits: Iterable[Mapping[str, Sequence[int]]]) -> bool:
    """Return whether two classes are certainly not aligned, by the lengths of their many lines.

    Args:
        pair: The classes.
        splits: The lengths of the lines of each class, for each split.
    """
    both = [own for own in splits if {*pair} <= {*own}]
    first, second = (list(chain.from_iterable(own[label] for own in both)) for label in pair)
    return len(first) >= LEAST_LINES and not go_together(first, second)


def go_together(first: Sequence[int], second: Sequence[int]) -> bool:
    """Return whether the lengths of lines are correlated more than by chance."""
    import numpy as np  # noqa: PLC0415 - as pandas below

    if len({*first}) == 1 or len({*second}) == 1:
        return True
    found = float(np.corrcoef(first, second)[0, 1])
    return found > BY_CHANCE / math.sqrt(len(first))


def lengths_of(file: Path) -> list[int]:
    """The length of each line of a text without blank ones at its end."""
    opened, _ = unpacked(file, Faults())
    with opened() as stream:
        return [*map(len, stream.read().rstrip().splitlines())]


def are_classes(labels: Collection[str]) -> bool:
    """Return whether parts of names are classes: words, and none that is called as data are."""
    lower = {label.lower() for label in labels}
    if len(lower) < 2:
        return False
    return are_opinions(lower) or all(
        label and not label[-1].isdigit() and not NO_CLASS & set(label.split()) for label in lower
    )


def has_lines(file: Path, certain: bool) -> bool:
    """Return whether a file has several lines that are texts alone, and are no table.

    Args:
        file: The file.
        certain: Whether its name tells a class, so that commas are in texts, and words are texts.
    """
    there = [line for line in sample_lines(file) if line.strip()]
    tabs = sum("\t" in line.strip() for line in there) > len(there) // 2
    table = tabs or find_kind(there) is not None or (not certain and is_table(there))
    words = sum(ONE_WORD.fullmatch(line.strip()) is not None for line in there)
    return len(there) > 1 and not table and (certain or 2 * words <= len(there))


def read_class_files(
    classes: Sequence[ClassFile], raw: Path, encoding: str | None, faults: Faults
) -> "pd.DataFrame":
    """Read the lines of files of a class each.

    Args:
        classes: The files.
        raw: The folder.
        encoding: Of them; None: each tells its own.
        faults: Where it is noted what is wrong.

    Returns:
        Columns `text`, `label` and `split`, with the file and the line of each as the index, `row`.
    """
    import pandas as pd  # noqa: PLC0415 - training does without

    tables = []
    for file, label, split in classes:
        with faults.noted():
            texts = dict(numbered_lines(file, encoding_of(file, encoding, faults), faults))
            table = pd.DataFrame({"text": texts, "label": label, "split": split})
            check_rows(file.name, table, faults)
            name = file.relative_to(raw).as_posix()
            tables.append(table.set_axis([f"{name}, line {line}" for line in texts]))
    faults.check()
    return pd.concat(tables).rename_axis("row")


def labels_beside(raw: Path) -> tuple[str, str] | None:
    """The names of a file of texts, and of one of as many lines that is called after labels."""
    files = [file for file in visible_files(raw) if is_plain(file) and file.is_file()]
    called = {file for file in files if {w.lower() for w in words_in_name(file)} & LABELS}
    if len(files) != 2 or len(called) != 1:
        return None
    counts = [len(lengths_of(file)) for file in files]
    (labels,) = called
    (texts,) = set(files) - called
    return (texts.name, labels.name) if counts[0] == counts[1] else None
