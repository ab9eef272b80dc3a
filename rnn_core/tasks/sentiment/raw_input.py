"""The user's own texts without labels, read like those that a model was trained on."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rnn_core.errors import DataError
from rnn_core.readers.faults import Faults
from rnn_core.readers.labelled_texts import TEXT_NAMES, texts_of
from rnn_core.readers.plain_text import read_plain_text
from rnn_core.readers.table_files import (
    PACKED,
    TableFile,
    TableForm,
    is_table_file,
    read_table_file,
)
from rnn_core.readers.text_folders import texts_in
from rnn_core.tasks.base.serves import row_names

if TYPE_CHECKING:
    import pandas as pd

TEXT = "text"
"""Accepted names of a column of texts, besides its name in training."""


def read_raw_input(path: Path, form: TableForm | None, column: str) -> "pd.DataFrame":
    """Read a table, the lines of a text, or the .txt files of a folder.

    Args:
        path: The file or folder.
        form: How the table was written that a model was trained on; None: there was none.
        column: Its column of texts.

    Returns:
        The table as it is, or a column `text`; the index, `row`, has the user's names of rows.

    Raises:
        DataError: If it cannot be read.
    """
    if path.is_dir():
        return of_folder(path)
    suffixes = {suffix.lower() for suffix in path.suffixes} - {*PACKED}
    if is_table_file(path) and ".txt" not in suffixes:
        return read_like(path, form, column).frame
    if form is not None and (table := table_in_text(path, form, column)):
        return table.frame
    return of_lines(path)


def of_folder(folder: Path) -> "pd.DataFrame":
    """The .txt files of a folder, a row each."""
    import pandas as pd  # noqa: PLC0415 - training does without

    faults = Faults()
    texts = dict(texts_in(folder, folder, faults))
    faults.check()
    if not texts:
        raise DataError(f"{folder} holds no .txt file; name a file, or a folder of texts")
    return pd.DataFrame({TEXT: list(texts.values())}, index=pd.Index(list(texts), name="row"))


def of_lines(file: Path) -> "pd.DataFrame":
    """The lines of a text, a row each; blank ones at the end are none."""
    import pandas as pd  # noqa: PLC0415 - training does without

    lines = read_plain_text(file).rstrip().split("\n")
    return pd.DataFrame({TEXT: lines}, index=pd.RangeIndex(1, len(lines) + 1, name="row"))


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


def table_in_text(path: Path, form: TableForm, column: str) -> TableFile | None:
    """The table that a .txt is; None if it is lines of text.

    It is one if it has the column's name in its first line, or, where columns have no names,
    tabs as that which a model was trained on.
    """
    if form.header is False and form.separator != "\t":
        return None
    faults = Faults()
    try:
        found = read_table_file(path, replace(form, encoding=None), faults)
        faults.check()
    except DataError:
        return None
    names = list(found.frame.columns)
    return found if len(names) > 1 and column in names else None


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
