"""The user's own texts: the files, and their rows by split."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rnn_core.errors import DataError, ParameterError
from rnn_core.features.words import cut_words
from rnn_core.metric import SPLITS, Split
from rnn_core.readers.class_files import (
    are_opinions,
    find_class_files,
    labels_beside,
    read_class_files,
)
from rnn_core.readers.faults import Faults, some
from rnn_core.readers.folders import (
    files_besides,
    is_note,
    only_these,
    visible_files,
    visible_in,
)
from rnn_core.readers.formats.arrow import refuse_arrow
from rnn_core.readers.formats.packed import refuse_packed
from rnn_core.readers.label_forms import same_numbers
from rnn_core.readers.labelled_lines import LineKind
from rnn_core.readers.labelled_texts import (
    Column,
    LabelledTexts,
    NoColumnError,
    check_classes,
    read_texts,
)
from rnn_core.readers.splits import (
    NO_SPLIT,
    SPLIT_NAMES,
    TEST,
    TRAIN,
    VALIDATION,
    splits_named,
)
from rnn_core.readers.table_files import is_table_file
from rnn_core.readers.tables import PIECE, are_parts, in_order, refuse_other_pieces
from rnn_core.readers.text_files import is_plain
from rnn_core.readers.text_folders import (
    ClassFolder,
    find_class_folders,
    is_text,
    texts_of_classes,
)
from rnn_core.readers.text_splits import later_copies, stratified_splits, with_two_labels
from rnn_core.tasks.sentiment.parameters import Found, SentimentData
from rnn_core.wording import option

if TYPE_CHECKING:
    import pandas as pd

OF_LINES = (".label", ".train", ".valid", ".dev", ".test", ".ft", ".fasttext")
"""Further endings of files whose lines have labels."""

NUMBER = re.compile(r"([-_])\d+(-of-\d+)?(?=\.|$)")
"""Number of a file among those that a set was cut into: of train-00000-of-00002, and of val_1."""


@dataclass(frozen=True, kw_only=True)
class SplitTexts:
    """Texts with labels, each on a split.

    Attributes:
        table: Columns `text`, `label`, `words` as a model reads them, with a blank between, and
            `split`, the index of `SPLITS`.
        found: What was found out about the files.
        left_out: Rows that are not in the table, since their text is in a later split too.
    """

    table: "pd.DataFrame"
    found: Found
    left_out: int


def read_splits(raw: Path, parameters: SentimentData) -> SplitTexts:
    """Read all rows, with the words of each and its split.

    A row whose text is also in the file of a later split is left out.

    Raises:
        DataError: If a file cannot be used; names all rows that are wrong.
    """
    import pandas as pd  # noqa: PLC0415 - training does without

    faults = Faults()
    table, found = read_files(raw, parameters, faults)
    faults.check()
    whole = same_numbers(table["label"].tolist())
    table["label"] = [whole.get(label, label) for label in table["label"]]
    check_classes(table["label"].tolist(), faults)
    faults.check()
    texts, cut = joined_words(table["text"], parameters)
    table["split"] = drawn_splits(table, texts, parameters, faults)
    faults.check()
    copies = later_copies(texts, table["split"].tolist())
    two = with_two_labels(texts, table["label"].tolist())
    table["words"] = pd.Series(texts, index=table.index, dtype=object)
    kept = table[[not copy for copy in copies]].reset_index(drop=True)
    return SplitTexts(
        table=kept,
        found=replace(
            found,
            rows=len(table),
            cut=cut,
            one_class=tuple(sorted(whole)),
            two_labels=len(two),
            such_as=two[0][:60] if two else "",
        ),
        left_out=sum(copies),
    )


def joined_words(texts: Iterable[str], parameters: SentimentData) -> tuple[list[str], int]:
    """The words of each text that a model reads, with a blank between, and how many were cut."""
    found, cut = [], 0  # apart, each word takes ten times the memory of its letters
    for text in texts:
        words = cut_words(text, lowercase=parameters.lowercase)
        found.append(" ".join(words[: parameters.max_words]))
        cut += len(words) > parameters.max_words
    return found, cut


def drawn_splits(
    table: "pd.DataFrame", texts: Sequence[str], parameters: SentimentData, faults: Faults
) -> list[int]:
    """The split of each row: that of its file, or drawn where there is no file of a split."""
    splits = table["split"].tolist()
    shares = (
        0.0 if VALIDATION in splits else parameters.validation_share,
        0.0 if TEST in splits else parameters.test_share,
    )
    if not any(shares):
        return list(splits)
    open_rows = [row for row, split in enumerate(splits) if split in {NO_SPLIT, TRAIN}]
    labels = table["label"].tolist()
    drawn = stratified_splits(
        [texts[row] for row in open_rows],
        [labels[row] for row in open_rows],
        shares,
        parameters.split_seed,
        faults,
    )
    for row, split in zip(open_rows, drawn, strict=True):
        splits[row] = split
    return list(splits)


def read_files(
    raw: Path, parameters: SentimentData, faults: Faults
) -> tuple["pd.DataFrame", Found]:
    """Read the files of the splits, or the only one, or folders or files of classes.

    Returns:
        Columns `text`, `label` and `split`, and what was found out about the files.
    """
    import pandas as pd  # noqa: PLC0415 - training does without

    if (of_classes := read_classes(raw, parameters, faults)) is not None:
        return of_classes
    read: list[tuple[int, Path, LabelledTexts]] = []
    files = files_of(raw, parameters)
    for split, file in ((split, file) for split, parts in files.items() for file in parts):
        with faults.noted():
            kind = read[0][2].kind if read else None
            read.append((split, file, read_file(file, split, parameters, kind)))
    faults.check()
    train, column = read[0][2], parameters.split_column
    tables = [with_splits(one, file.name, split, column, faults) for split, file, one in read]
    faults.check()
    parts = [told for each in files.values() if (told := told_parts(each))]
    return pd.concat(tables), Found(
        form=train.form,
        lines=train.kind,
        text=train.text,
        label=train.label,
        others=train.others,
        unread=train.unread,
        notes=(*parts, *train.notes),
        left_out=files_besides(raw, {file for each in files.values() for file in each}),
    )


def with_splits(
    read: LabelledTexts, name: str, split: int, column: Column | None, faults: Faults
) -> "pd.DataFrame":
    """Rows with the split of each: that of its file, or what a column says."""
    if column is None:
        return read.table.assign(split=split)
    named = splits_named({*read.table["split"]})
    for row, value in read.table["split"].items():
        if value not in named:
            what = f"{name}, row {row}: {value!r} in column {column!r} is no split"
            faults.add(what, "write train, validation or test, or set data.split_column to null")
    splits = [SPLITS.index(named.get(value, "train")) for value in read.table["split"]]
    return read.table.assign(split=splits)


def read_classes(
    raw: Path, parameters: SentimentData, faults: Faults
) -> tuple["pd.DataFrame", Found] | None:
    """Read folders or files of classes; None if there are none, or there is a table."""
    tables = tables_of(raw)
    if parameters.train is not None or not all(map(is_plain, tables)):
        return None
    if folders := folders_of(raw, bool(tables)):
        table = texts_of_classes(folders, raw, faults, parameters.encoding or "utf-8")
        faults.check()
        assert table is not None
        read = {raw / name for name in table.index}
        notes = ("a file each, in folders of their classes",)
        return table, Found(notes=notes, left_out=files_besides(raw, read))
    if not (files := find_class_files(raw)):
        return None
    names = some([one.file.relative_to(raw).as_posix() for one in files], 4)
    labels = sorted({one.label for one in files})
    return read_class_files(files, raw, parameters.encoding, faults), Found(
        lines="file",
        notes=(f"a line each, in files of their classes: {names}",),
        left_out=files_besides(raw, {one.file for one in files}),
        by_name=() if are_opinions(labels) else tuple(labels),
    )


def folders_of(raw: Path, beside: bool) -> list[ClassFolder]:
    """The folders of classes; none if another kind of data is likelier.

    Args:
        raw: The folder.
        beside: Whether it has a text file beside the folders, which may be a table.
    """
    found = find_class_folders(raw)
    texts = [sum(map(is_text, visible_in(one.folder))) for one in found]
    several = len({one.folder.name for one in found}) > 1
    return found if several and (min(texts) > 1 or not beside) else []


def read_file(
    file: Path, split: int, parameters: SentimentData, kind: LineKind | None
) -> LabelledTexts:
    """Read the file of a split; its lines have labels where the training file has them.

    Raises:
        DataError: If it cannot be used; names all rows that are wrong.
    """
    faults = Faults()
    columns = (parameters.text, parameters.label)
    try:
        found = read_texts(file, *columns, parameters.form, faults, kind, parameters.split_column)
    except NoColumnError as error:
        if split in {TRAIN, NO_SPLIT} or error.column != str(parameters.label):
            raise
        raise DataError(
            f"{error}; texts without labels are for `gatewise predict`, and not for training: "
            f"leave {file.name} out ({option('set', f'train={parameters.train}')} names the other "
            "file alone)"
        ) from None
    faults.check()
    return found


def without_files(raw: Path) -> str:
    """Describe that there are no texts with labels, and where they may be."""
    there = find_class_folders(raw)
    tables = [file for file in visible_files(raw) if is_table_file(file)]
    places = sorted({file.parent.relative_to(raw).as_posix() for file in tables} - {"."})
    hint = ""
    if there and not splits_named(file.stem for file in tables):
        hint = f"; there is one folder of texts, {there[0].folder.name}, and a class needs another"
    elif len(places) == 1:
        hint = f"; there are tables in {places[0]}: give this folder, or one of them"
    only = "" if there else only_these(visible_in(raw))
    return f"the data holds no table and no folders of texts{only}; {NO_FILES}{hint}"


NO_FILES = (
    "texts with labels are in a table such as .csv, .tsv, .xlsx, .parquet or .jsonl, or are .txt "
    "files in folders that are called after their labels, or lines of such files"
)


def files_of(raw: Path, parameters: SentimentData) -> dict[int, list[Path]]:
    """The file of each split that has one, or the only file; of one in pieces, all of these."""
    if parameters.train is None:
        return {NO_SPLIT: only_table(raw)}
    named = {i: getattr(parameters, split) for i, split in enumerate(SPLITS)}
    found = {i: files_called(raw, name) for i, name in named.items() if name is not None}
    for i, files in found.items():
        if not files:
            raise ParameterError(f"{SPLITS[i]}: there is no {named[i]} in the data")
    return {NO_SPLIT: found[TRAIN]} if len(found) == 1 else found


def files_called(raw: Path, name: str) -> list[Path]:
    """The file of a name, or those in whose names a star stands for something."""
    if "*" in name:
        return sorted((file for file in raw.glob(name) if file.is_file()), key=in_order)
    return [raw / name] if (raw / name).is_file() else []


def tables_of(raw: Path) -> list[Path]:
    """The tables of a folder, in the order of their names; notes beside them are none.

    Raises:
        DataError: If they are tables of Arrow.
    """
    refuse_arrow(visible_files(raw))
    files = [file for file in visible_in(raw) if file.is_file()]
    found = [file for file in files if is_table_file(file) or file.suffix.lower() in OF_LINES]
    found = found or [file for file in files if not file.suffix]
    return [file for file in found if not is_note(file.name)]


def only_table(raw: Path) -> list[Path]:
    """The one table of a folder, or the files that it was cut into, in their order.

    Raises:
        DataError: If there is not exactly one.
    """
    files = tables_of(raw)
    if beside := labels_beside(raw):
        raise DataError(
            f"{beside[1]} seems to have the label of each line of {beside[0]}; put both into one "
            f"table, such as by: paste {beside[1]} {beside[0]} > texts.tsv"
        )
    if not files:
        refuse_packed(visible_files(raw))
        raise DataError(without_files(raw))
    if len(files) > 1 and are_parts(files) and not all(map(is_plain, files)):
        return sorted(files, key=in_order)
    if len(files) > 1:
        names = [file.name for file in files]
        train, test = option("set", f"train={names[0]}"), option("set", f"test={names[1]}")
        raise DataError(
            f"there are {len(files)} tables, {some(names, 5)}; say which is which: {train} {test} "
            "(and --set validation=..., which is else drawn from the training file); if each has "
            "the texts of one class, join them into a table with their labels"
        )
    return files


def usual_files(raw: Path) -> dict[Split, str]:
    """The tables that are called after splits, as data sets usually are, such as val.csv.

    So are files whose split could be cut into pieces: train-00000-of-00001, or train-0. Of several
    pieces, a star stands for their numbers. None are where several files of a set are no pieces,
    or the star stands for a part of another name too.

    Raises:
        DataError: If pieces are those of two tables.
    """
    tables = tables_of(raw)
    refuse_other_pieces(tables)
    of: dict[str, list[str]] = {}
    for file in tables:
        of.setdefault(word_of_split(file).lower(), []).append(file.name)
    stems = {word: names[0] if len(names) == 1 else starred(names[0]) for word, names in of.items()}
    named = splits_named(stems)
    if any({file.name for file in files_called(raw, stems[word])} != {*of[word]} for word in named):
        return {}
    usual = sorted(named, key=[*SPLIT_NAMES].index, reverse=True)
    return {named[stem]: stems[stem] for stem in usual}


def word_of_split(file: Path) -> str:
    """The part of a file's name that may say its split: its ending, or what is before it."""
    if file.suffix.lower() in OF_LINES and file.suffix[1:].lower() in SPLIT_NAMES:
        return file.suffix[1:]
    return NUMBER.split(file.name.partition(".")[0])[0]


def told_parts(files: Sequence[Path]) -> str:
    """Describe parts of a table, and whether some are missing; empty for a whole one."""
    found = [PIECE.search(file.name) for file in files]
    number = max((int(one[1]) for one in found if one), default=len(files))
    missing = "" if number == len(files) else f"; by their names there are {number:,}"
    if len(files) > 1:
        names = some([file.name for file in files])
        return f"{len(files)} files are parts of one table: {names}{missing}"
    return f"{files[0].name} is one part of a table{missing}" if missing else ""


def starred(name: str) -> str:
    """The name of a piece with a star for its number."""
    return NUMBER.sub(r"\1*\2", name, count=1)


def words_of(text: str, lowercase: bool, max_words: int) -> list[str]:
    """The words of a text that a model reads."""
    return cut_words(text, lowercase=lowercase)[:max_words]
