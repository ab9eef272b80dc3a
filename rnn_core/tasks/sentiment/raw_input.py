"""The user's own texts without labels, read like those that a model was trained on."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rnn_core.errors import DataError
from rnn_core.readers.class_files import may_be_texts
from rnn_core.readers.faults import Faults, some
from rnn_core.readers.folders import visible_files
from rnn_core.readers.formats.packed import inside
from rnn_core.readers.labelled_lines import LineKind, encoding_of, kind_of_file, texts_of_lines
from rnn_core.readers.labelled_texts import TEXT_NAMES, texts_of
from rnn_core.readers.plain_text import read_plain_text
from rnn_core.readers.table_files import (
    TableFile,
    TableForm,
    is_table_file,
    read_table_file,
)
from rnn_core.readers.text_files import PLAIN, is_plain
from rnn_core.readers.text_folders import texts_in
from rnn_core.tasks.base.serves import row_names

if TYPE_CHECKING:
    import pandas as pd

TEXT = "text"
"""Accepted names of a column of texts, besides its name in training."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """Facts about the files that a model was trained on.

    Attributes:
        form: How the table was written; None: there was none.
        lines: Where labels are if each line is a text; see `Found.lines`.
        text: The column of texts.
        label: The column of labels.
        classes: The labels.
        encoding: Of texts that are not in UTF-8.
    """

    form: TableForm | None = None
    lines: LineKind | Literal["file"] | None = None
    text: str = TEXT
    label: str = ""
    classes: Collection[str] = ()
    encoding: str | None = None


def read_raw_input(path: Path, known: Known) -> "pd.DataFrame":
    """Read a table, the lines of a text, or the texts of a folder.

    Args:
        path: The file or folder.
        known: What is known of the files of the training.

    Returns:
        The table as it is, or a column `text`; the index, `row`, has the user's names of rows.

    Raises:
        DataError: If it cannot be read.
    """
    if path.is_dir():
        return of_folder(path, known)
    plain = not is_table_file(path) or is_plain(
        Path(inside(path, Faults(), path.name, is_table_file).name)
    )
    if known.lines not in {None, "file"} and (plain or kind_of_file(path, None) == known.lines):
        return frame_of(of_lines(path, known))
    if not plain:
        return read_like(path, known.form, known.text).frame
    if known.form is not None and (table := table_in_text(path, known)):
        return table.frame
    return frame_of(of_lines(path, known))


def frame_of(texts: Mapping[Any, str]) -> "pd.DataFrame":
    """A column of texts by the user's names of rows."""
    import pandas as pd  # noqa: PLC0415 - training does without

    return pd.DataFrame({TEXT: list(texts.values())}, index=pd.Index([*texts], name="row"))


def of_folder(folder: Path, known: Known) -> "pd.DataFrame":
    """The texts of a folder, a row each: its text files, or their lines if the training's were."""
    faults = Faults()
    texts: dict[str, str] = {}
    if known.lines is None:
        texts = dict(texts_in(folder, folder, faults, known.encoding))
    else:
        for file in filter(may_be_texts, visible_files(folder)):
            name = file.relative_to(folder).as_posix()
            with faults.noted():
                lines = of_lines(file, known).items()
                texts |= {f"{name}, line {line}": text for line, text in lines if text}
    faults.check()
    if not texts:
        others = [file.relative_to(folder).as_posix() for file in visible_files(folder)]
        there = f"only {some(others)}" if others else "nothing"
        raise DataError(
            f"{folder} holds no text ({' or '.join(PLAIN)}), {there}; name a file, or a folder of "
            "texts"
        )
    return frame_of(texts)


def of_lines(file: Path, known: Known) -> dict[int, str]:
    """The texts of lines by their numbers, without labels; blank ones at the end are none."""
    lines = read_plain_text(file, own_encoding(file, known)).rstrip().split("\n")
    if known.lines is not None and known.lines != "file":
        lines = texts_of_lines([*map(str.strip, lines)], known.lines, known.classes)
    return dict(enumerate(lines, start=1))


def own_encoding(file: Path, known: Known) -> str | None:
    """The encoding that a text tells, or else that of the training; None: UTF-8."""
    try:
        found = encoding_of(file, None, Faults())
    except DataError:
        found = known.encoding or "utf-8"
    return None if found.startswith("utf-8") else found


def read_like(path: Path, form: TableForm | None, column: str) -> TableFile:
    """Read a table, as that was written that a model was trained on if it is so.

    Raises:
        DataError: If it is no table, or has no column of texts.
    """
    first: DataError | None = None
    read: list[TableFile] = []
    for tried in forms(form):
        faults = Faults()
        try:
            found = read_table_file(path, tried, faults)
            faults.check()
        except DataError as error:
            first = first or error
            continue
        if column_of_texts(list(found.frame.columns), column) is not None:
            return found
        read.append(found)
    if not read:
        assert first is not None
        raise first
    if all(len(found.frame.columns) == 1 for found in read):
        return lone_column(path, read[-1])
    names = list(read[-1].frame.columns)
    raise DataError(f"{path.name} has no column {column_names(column)}, only {names}")


def lone_column(path: Path, found: TableFile) -> TableFile:
    """A table of texts alone; its first row is one too, unless it is what texts are called."""
    if str(found.frame.columns[0]).lower() not in TEXT_NAMES:
        found = read_table_file(path, replace(found.form, header=False), Faults())
    return replace(found, frame=found.frame.set_axis([TEXT], axis="columns"))


def forms(form: TableForm | None) -> Iterator[TableForm]:
    """Forms to read a table by, the likeliest first; its own encoding goes before that known."""
    if form is not None:
        yield replace(form, encoding=None)
        yield form
    yield TableForm()


def table_in_text(path: Path, known: Known) -> TableFile | None:
    """The table that a .txt is; None if it is lines of text.

    It is one if it has the column's name in its first line, or, where columns have no names,
    tabs as that which a model was trained on, or labels in the column of labels.
    """
    assert known.form is not None
    faults = Faults()
    try:
        found = read_table_file(path, replace(known.form, encoding=None), faults)
        faults.check()
    except DataError:
        return None
    names = list(found.frame.columns)
    if len(names) < 2 or known.text not in names:
        return None
    labelled = known.form.header or known.form.separator == "\t" or has_labels(found, known)
    return found if labelled else None


def has_labels(found: TableFile, known: Known) -> bool:
    """Return whether most rows of a table have a label that is known."""
    if known.label not in found.frame.columns:
        return False
    labels = texts_of(found.frame[known.label])
    return sum(label in known.classes for label in labels) > len(labels) // 2


def column_of_texts(names: Sequence[str], column: str) -> str | None:
    """Column with the texts; None if there is none.

    Args:
        names: Of all columns.
        column: That of the training.
    """
    return next((name for name in (column, TEXT) if name in names), None)


def column_names(column: str) -> str:
    """Possible names of the column of texts."""
    return repr(TEXT) if column == TEXT else f"{column!r} or {TEXT!r}"


def texts_in_table(table: "pd.DataFrame", column: str) -> list[str]:
    """The texts of raw input.

    Raises:
        DataError: If there is no column of texts, or a row has none.
    """
    names = list(table.columns)
    found = column_of_texts(names, column)
    if found is None:
        raise DataError(f"the input has no column {column_names(column)}, only {names}")
    texts = texts_of(table[found])
    for row, text in zip(row_names(table), texts, strict=True):
        if not text:
            raise DataError(f"the input, row {row} has no text")
    return texts
