"""Texts a line each, in files that are called after their classes, such as pos.txt and neg.txt.

The class is the part in which their names differ. Folders or words of names may say the split:
train/pos.txt, or test_neg.txt.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rnn_core.metric import SPLITS
from rnn_core.readers.faults import Faults
from rnn_core.readers.folders import visible_files
from rnn_core.readers.labelled_lines import (
    OPINIONS,
    encoding_of,
    find_kind,
    is_table,
    numbered_lines,
    sample_lines,
)
from rnn_core.readers.labelled_texts import LABEL_NAMES, TEXT_NAMES, check_rows, one_form
from rnn_core.readers.splits import SPLIT_NAMES, split_word, splits_named
from rnn_core.readers.text_files import BESIDE, is_plain

if TYPE_CHECKING:
    import pandas as pd

NO_CLASS = frozenset(
    [f"{name}{s}" for name in (*TEXT_NAMES, *LABEL_NAMES, "data") for s in ("", "s")]
    + ["categories", "classes", *SPLIT_NAMES]
)
"""Words in names of files that hold no texts of one class."""

LABELS = frozenset(f"{name}{s}" for name in LABEL_NAMES for s in ("", "s"))


class ClassFile(NamedTuple):
    """A file of texts of one class.

    Attributes:
        file: The file.
        label: The class.
        side: The index of its split, or -1.
    """

    file: Path
    label: str
    side: int


def words_in_name(file: Path) -> list[str]:
    """The words of a file's name: its ending is one if it is a class."""
    name = file.name.removesuffix(".gz")
    bare = Path(name).stem if is_plain(file) else name
    return [word for word in re.split(r"[^\w]+|_+", bare) if word]


def may_be_texts(file: Path) -> bool:
    """Return whether a file is called as texts are, or ends in a class."""
    words = words_in_name(file)
    beside = any(word.lower() in BESIDE for word in words)
    ends = file.suffix[1:].lower() in OPINIONS
    return file.is_file() and bool(words) and not beside and (is_plain(file) or ends)


def find_class_files(raw: Path) -> list[ClassFile]:
    """Find files of a class each, in a folder or below it; none if that is not certain.

    It is where the names differ in one word, and no file is a table.
    """
    files = [file for file in visible_files(raw) if may_be_texts(file)]
    ends = [file for file in files if not is_plain(file)]
    files = ends if len(ends) > 1 else files
    splits = {file: split_word(file.relative_to(raw).as_posix()) for file in files}
    named = splits_named(word for word in splits.values() if word)
    given = [[w for w in words_in_name(file) if w.lower() not in SPLIT_NAMES] for file in files]
    shared = set.intersection(*({w.lower() for w in words} for words in given)) if given else set()
    labels = [" ".join(w for w in words if w.lower() not in shared) for words in given]
    if not are_classes(labels) or ("train" not in named.values() and named):
        return []
    certain = {label.lower() for label in labels} <= set(OPINIONS)
    some = len({word is None for word in splits.values()}) > 1
    if some or not all(has_lines(file, certain) for file in files):
        return []
    sides = [-1 if word is None else SPLITS.index(named[word]) for word in splits.values()]
    found = list(map(ClassFile, files, map(one_form, labels), sides))
    each = {(one.label, one.side) for one in found}
    return found if len(each) == len(found) else []


def are_classes(labels: Sequence[str]) -> bool:
    """Return whether parts of names are classes: words, and none that is called as data are."""
    lower = {label.lower() for label in labels}
    if len(lower) < 2:
        return False
    return lower <= set(OPINIONS) or all(
        label and not label[-1].isdigit() and not NO_CLASS & set(label.split()) for label in lower
    )


def has_lines(file: Path, certain: bool) -> bool:
    """Return whether a file has several lines that are texts alone, and are no table.

    Args:
        file: The file.
        certain: Whether its name tells a class, so that commas are in texts.
    """
    there = [line for line in sample_lines(file) if line.strip()]
    tabs = sum("\t" in line.strip() for line in there) > len(there) // 2
    table = tabs or find_kind(there) is not None or (not certain and is_table(there))
    return len(there) > 1 and not table


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
        Columns `text`, `label` and `side`, with the file and the line of each as the index, `row`.
    """
    import pandas as pd  # noqa: PLC0415 - training does without

    tables = []
    for file, label, side in classes:
        with faults.noted():
            texts = dict(numbered_lines(file, encoding_of(file, encoding, faults), faults))
            table = pd.DataFrame({"text": texts, "label": label, "side": side})
            check_rows(file.name, table, faults)
            name = file.relative_to(raw).as_posix()
            tables.append(table.set_axis([f"{name}, line {line}" for line in texts]))
    faults.check()
    return pd.concat(tables).rename_axis("row")


def labels_beside(raw: Path) -> tuple[str, str] | None:
    """The names of a file of texts, and of one of as many lines that is called after labels."""
    files = [file for file in visible_files(raw) if is_plain(file)]
    called = {file for file in files if {w.lower() for w in words_in_name(file)} & LABELS}
    if len(files) != 2 or len(called) != 1:
        return None
    counts = [file.read_bytes().rstrip().count(b"\n") for file in files]
    (labels,) = called
    (texts,) = set(files) - called
    return (texts.name, labels.name) if counts[0] == counts[1] else None
