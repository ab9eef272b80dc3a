"""The user's own texts: the files, and their rows by split."""

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rnn_core.errors import DataError, ParameterError
from rnn_core.features.words import cut_words
from rnn_core.metric import SPLITS, Split
from rnn_core.readers.faults import Faults, some
from rnn_core.readers.folders import visible_in
from rnn_core.readers.labelled_texts import (
    LabelledTexts,
    NoColumnError,
    check_classes,
    read_texts,
    same_numbers,
)
from rnn_core.readers.splits import SPLIT_NAMES, splits_named
from rnn_core.readers.table_files import is_table_file
from rnn_core.readers.text_folders import read_text_folders
from rnn_core.readers.text_splits import later_copies, stratified_sides, with_two_labels
from rnn_core.tasks.sentiment.parameters import Found, SentimentData

if TYPE_CHECKING:
    import pandas as pd

TRAIN, VALIDATION, TEST = range(len(SPLITS))

IN_ONE_PIECE = re.compile("-00000-of-00001.*")
"""Rest of a split's name whose file could have been cut into pieces."""

NO_SPLIT = -1
"""The split of a row that no file says a split of."""


@dataclass(frozen=True, kw_only=True)
class SplitTexts:
    """Texts with labels, each on a split.

    Attributes:
        table: Columns `text`, `label`, `words` as a model reads them, with a blank between, and
            `side`, the index of `SPLITS`.
        found: What was found out about the files.
        left_out: Rows that are not in the table, since their text is in a later split too.
    """

    table: "pd.DataFrame"
    found: Found
    left_out: int


def read_sides(raw: Path, parameters: SentimentData) -> SplitTexts:
    """Read all rows, with the words of each and its split.

    A row whose text is also in the file of a later split is left out.

    Raises:
        DataError: If a file cannot be used; names all rows that are wrong.
    """
    faults = Faults()
    table, found = read_files(raw, parameters, faults)
    faults.check()
    whole = same_numbers(table["label"].tolist())
    table["label"] = [whole.get(label, label) for label in table["label"]]
    check_classes(table["label"].tolist(), faults)
    faults.check()
    pieces = [cut_words(text, lowercase=parameters.lowercase) for text in table["text"]]
    texts = [" ".join(words[: parameters.max_words]) for words in pieces]
    table["side"] = drawn_sides(table, texts, parameters, faults)
    faults.check()
    copies = later_copies(texts, table["side"].tolist())
    two = with_two_labels(texts, table["label"].tolist())
    kept = table.assign(words=texts)[[not copy for copy in copies]].reset_index(drop=True)
    return SplitTexts(
        table=kept,
        found=replace(
            found,
            rows=len(table),
            cut=sum(len(words) > parameters.max_words for words in pieces),
            one_class=tuple(sorted(whole)),
            two_labels=len(two),
            such_as=two[0][:60] if two else "",
        ),
        left_out=sum(copies),
    )


def drawn_sides(
    table: "pd.DataFrame", texts: Sequence[str], parameters: SentimentData, faults: Faults
) -> list[int]:
    """The split of each row: that of its file, or drawn where there is no file of a split."""
    sides = table["side"].tolist()
    shares = (
        0.0 if VALIDATION in sides else parameters.validation_share,
        0.0 if TEST in sides else parameters.test_share,
    )
    if not any(shares):
        return list(sides)
    open_rows = [row for row, side in enumerate(sides) if side in {NO_SPLIT, TRAIN}]
    labels = table["label"].tolist()
    drawn = stratified_sides(
        [texts[row] for row in open_rows],
        [labels[row] for row in open_rows],
        shares,
        parameters.split_seed,
        faults,
    )
    for row, side in zip(open_rows, drawn, strict=True):
        sides[row] = side
    return list(sides)


def read_files(
    raw: Path, parameters: SentimentData, faults: Faults
) -> tuple["pd.DataFrame", Found]:
    """Read the files of the splits, or the only one, or folders of texts.

    Returns:
        Columns `text`, `label` and `side`, and what was found out about the files.
    """
    import pandas as pd  # noqa: PLC0415 - training does without

    if parameters.train is None and not tables_of(raw):
        in_folders = read_text_folders(raw, faults)
        if in_folders is None:
            raise DataError(NO_FILES)
        folders = {file.partition("/")[0] for file in in_folders.index}
        notes = ("a file each, in folders of their classes",)
        return in_folders, Found(notes=notes, left_out=names_but(raw, folders))
    read: dict[int, LabelledTexts] = {}
    files = files_of(raw, parameters)
    for side, file in files.items():
        with faults.noted():
            read[side] = read_file(file, side, parameters)
    faults.check()
    train = next(iter(read.values()))
    tables = [one.table.assign(side=side) for side, one in read.items()]
    return pd.concat(tables), Found(
        form=train.form,
        text=train.text,
        label=train.label,
        others=train.others,
        notes=train.notes,
        left_out=names_but(raw, {file.name for file in files.values()}),
    )


def names_but(raw: Path, read: Container[str]) -> tuple[str, ...]:
    """The files and folders of a folder but those that are read."""
    return tuple(path.name for path in visible_in(raw) if path.name not in read)


def read_file(file: Path, side: int, parameters: SentimentData) -> LabelledTexts:
    """Read the file of a split.

    Raises:
        DataError: If it cannot be used; names all rows that are wrong.
    """
    faults = Faults()
    try:
        found = read_texts(file, parameters.text, parameters.label, parameters.form, faults)
    except NoColumnError as error:
        if side in {TRAIN, NO_SPLIT} or error.column != str(parameters.label):
            raise
        raise DataError(
            f"{error}; texts without labels are for `gatewise predict`, and not for training: "
            f"leave {file.name} out (--set train={parameters.train} names the other file alone)"
        ) from None
    faults.check()
    return found


NO_FILES = (
    "there is no table and there are no folders of texts; texts with labels are in a table such as "
    ".csv, .tsv, .xlsx, .parquet or .jsonl, or are .txt files in folders that are called after "
    "their labels"
)


def files_of(raw: Path, parameters: SentimentData) -> dict[int, Path]:
    """The file of each split that has one, or the only file."""
    if parameters.train is None:
        return {NO_SPLIT: only_table(raw)}
    named = {i: getattr(parameters, split) for i, split in enumerate(SPLITS)}
    named = {i: name for i, name in named.items() if name is not None}
    for i, name in named.items():
        if not (raw / name).is_file():
            raise ParameterError(f"{SPLITS[i]}: there is no {name} in the data")
    if len(named) == 1:
        return {NO_SPLIT: raw / parameters.train}
    return {i: raw / name for i, name in named.items()}


def tables_of(raw: Path) -> list[Path]:
    """The tables of a folder, in the order of their names."""
    return [file for file in visible_in(raw) if file.is_file() and is_table_file(file)]


def only_table(raw: Path) -> Path:
    """The one table of a folder.

    Raises:
        DataError: If there is not exactly one.
    """
    files = tables_of(raw)
    if not files:
        raise DataError(NO_FILES)
    if len(files) > 1:
        names = [file.name for file in files]
        raise DataError(
            f"there are {len(files)} tables, {some(names, 5)}; say which is which: --set "
            f"train={names[0]} --set test={names[1]} (and --set validation=..., which is else "
            "drawn from the training file)"
        )
    return files[0]


def usual_files(raw: Path) -> dict[Split, str]:
    """The tables that are called after splits, as data sets usually are, such as val.csv.

    So are files whose split could be cut into pieces, if it is in one: train-00000-of-00001.
    """
    stems = {
        IN_ONE_PIECE.sub("", file.name.partition(".")[0]): file.name for file in tables_of(raw)
    }
    named = splits_named(stems)
    usual = sorted(named, key=lambda stem: [*SPLIT_NAMES].index(stem.lower()), reverse=True)
    return {named[stem]: stems[stem] for stem in usual}


def words_of(text: str, lowercase: bool, max_words: int) -> list[str]:
    """The words of a text that a model reads."""
    return cut_words(text, lowercase=lowercase)[:max_words]
