"""The user's own tables as numbers, checked row by row.

The index of a table that was read is called "row", and has the row's number in the file;
errors name rows by it.
"""

import math
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnn_core.errors import DataError, unknown
from rnn_core.readers.faults import Faults, some
from rnn_core.readers.folders import visible_in
from rnn_core.readers.formats.memory import give_back
from rnn_core.readers.formats.odd_rows import rows_of_units
from rnn_core.readers.formats.typed_tables import numbered as count_rows
from rnn_core.readers.formats.written_numbers import Decimal, is_gap, read_numbers
from rnn_core.readers.indicators import Indicator, column_of, indicator_of, ones_where
from rnn_core.readers.table_files import TableFile, TableForm, is_table_file, read_table_file

NUMBERS = re.compile(r"\d+")

PIECE = re.compile(r"-\d+-of-(\d+)")
"""Place of a piece of a table among others, and their number, in the name of its file."""

MOST_NOTES = 10
"""Rows below the last blank one that may be notes below a table, at most."""

LARGEST = 1e100
"""Numbers beyond it have no variance that can be written down."""


def table_files(raw: Path) -> list[Path]:
    """The one table of a folder, or the files that it was cut into, in their order.

    Files are parts of one table if their names differ in numbers alone, as part-1.csv and
    part-2.csv do.

    Raises:
        DataError: If there is none, or more than one.
    """
    files = visible_in(raw)
    found = [file for file in files if is_table_file(file)]
    tables = [file for file in found if file.suffix.lower() != ".txt"] or found
    refuse_other_pieces(tables)
    if are_parts(tables):
        return sorted(tables, key=in_order)
    names = ", ".join(file.name for file in tables[:5])
    if tables:
        raise DataError(
            f"the data holds {len(tables)} tables ({names}), not exactly one; call parts of one "
            "table alike except for a number, such as part-1.csv and part-2.csv"
        )
    others = ", ".join(file.name for file in files[:3])
    hint = f"; export {others} as one" if others else ""
    raise DataError(
        "the data holds 0 tables (.csv, .tsv, .txt, .dat, .xlsx, .parquet, .jsonl), not exactly "
        f"one{hint}"
    )


def refuse_other_pieces(files: Sequence[Path]) -> None:
    """Refuse pieces that say of one table that it was cut into different numbers of them.

    Raises:
        DataError: If there are any.
    """
    first: dict[str, tuple[int, Path]] = {}
    for file in files:
        if found := PIECE.search(file.name):
            pieces = int(found[1])
            whole, before = first.setdefault(PIECE.sub("", file.name), (pieces, file))
            if whole != pieces:
                raise DataError(
                    f"{before.name} and {file.name} are pieces of two tables, since one was cut "
                    f"into {whole:,} and the other into {pieces:,}; keep those of one"
                )


def are_parts(files: Sequence[Path]) -> bool:
    """Return whether there is one file, or the names of several differ in numbers alone."""
    return len({NUMBERS.sub("#", file.name) for file in files}) == 1


def in_order(file: Path) -> list[tuple[int, str]]:
    """Sort key of a file: its name, with numbers by their size."""
    parts = re.split(r"(\d+)", file.name)
    return [(int(part) if part.isdecimal() else 0, part) for part in parts]


def name_of(files: Sequence[Path]) -> str:
    """Name of a table in errors."""
    first, last = files[0].name, files[-1].name
    return first if len(files) == 1 else f"{first} to {last}"


def load_table(files: Sequence[Path], form: TableForm) -> TableFile:
    """Read a table without blank rows; see `read_table_file`.

    Args:
        files: The file, or those of its parts in their order. Rows of parts are called by the
            name of their file too.
        form: What is known of how it is written.

    Raises:
        DataError: If it cannot be read; names all rows that do not fit.
    """
    faults, parts = Faults(), []
    for file in files:
        with faults.noted():
            parts.append(load_part(file, form))
    faults.check()
    return joined(parts, files)


def load_part(file: Path, form: TableForm) -> TableFile:
    """Read a file without blank rows.

    Raises:
        DataError: If it cannot be read; names all rows that do not fit.
    """
    faults = Faults()
    part = read_table_file(file, form, faults)
    last = part.frame.index.max()
    for row in part.blank:
        notes = ", or with all below it if these are notes" if last - row < MOST_NOTES else ""
        faults.add(f"{file.name}, row {row} is blank", f"remove it{notes}, or fill it")
    faults.check()
    return without_units(part)


def joined(parts: Sequence[TableFile], files: Sequence[Path]) -> TableFile:
    """Parts of a table, which have the same columns, as one.

    Raises:
        DataError: If they do not, or are written in different ways; names all.
    """
    first, faults = parts[0], Faults()
    if len(parts) == 1:
        return first
    for part, file in zip(parts, files, strict=True):
        if set(part.frame.columns) != set(first.frame.columns):
            own = ", ".join(map(str, part.frame.columns))
            faults.add(
                f"{file.name} has other columns ({own}) than {files[0].name}",
                "give all parts of a table the same columns, or leave it out",
            )
    decimals = {part.form.decimal for part in parts} - {None}
    if len(decimals) > 1 or len({part.form.separator for part in parts}) > 1:
        faults.add(
            f"{name_of(files)} differ in the separator of fields or the decimal sign",
            "write all parts of a table alike",
        )
    faults.check()
    rows = pd.concat(
        [
            pd.Series(part.frame.index.astype("str") + f" of {file.name}", dtype="str")
            for part, file in zip(parts, files, strict=True)
        ]
    )
    encodings = {part.form.encoding for part in parts}
    encoding = first.form.encoding if len(encodings) == 1 else None  # then it is found again
    frame = pd.concat([part.frame[list(first.frame.columns)] for part in parts])
    notes = [note for part in parts for note in part.notes]
    return replace(
        first,
        frame=frame.set_axis(pd.Index(rows, name="row")),
        form=replace(first.form, decimal=next(iter(decimals), None), encoding=encoding),
        notes=(f"{len(parts)} files are its parts, in this order: {some_of(files)}", *notes),
    )


def some_of(files: Sequence[Path]) -> str:
    """The names of the first files, and how many more there are."""
    return some([file.name for file in files])


def without_units(table: TableFile) -> TableFile:
    """A table without the rows right below its column names that tell units of numbers."""
    frame = table.frame
    left = rows_of_units(frame) if table.form.header else 0
    if not left:
        return table
    told = [f"row {row} ({', '.join(map(str, frame.loc[row]))})" for row in frame.index[:left]]
    why = "left out, since no number or day is in it where all others have one"
    return replace(
        table, frame=frame.iloc[left:], notes=(*table.notes, f"{why}: {' and '.join(told)}")
    )


def numbered(table: pd.DataFrame) -> pd.DataFrame:
    """The table with rows numbered from 1, unless it was read from a file."""
    return table if table.index.name == "row" else count_rows(table)


def select_columns(
    table: pd.DataFrame,
    columns: list[str],
    name: str,
    decimal: Decimal | None,
    *,
    flags: Collection[str] = (),
    take: bool = False,
    units: dict[str, str] | None = None,
) -> pd.DataFrame:
    """The given columns as numbers; float64, with NaN where there is no value.

    Args:
        table: The table.
        columns: Their names.
        name: What to call the table in errors.
        decimal: Decimal sign of numbers that are texts, if it is known.
        flags: Those of them in which true is 1 and false is 0, and which may be indicators of
            columns of texts, such as `holiday = Easter`.
        take: Whether they leave the table, one by one, since texts take more memory.
        units: Where it is noted which unit a column has, if it has one.

    Raises:
        DataError: If a column is not there, or holds something that is not a number; names all.
    """
    read = {name: column_of(name) if name in flags else name for name in columns}
    check_there(table, read.values(), name)
    numbers, faults = {}, Faults()
    last = {source: column for column, source in read.items()}
    for column, source in read.items():
        values = table.pop(source) if take and last[source] == column else table[source]
        if column in flags:
            values = with_flags_as_numbers(values, indicator_of(column))
        numbers[column] = as_numbers(values, name, decimal, faults, {} if units is None else units)
        del values
        give_back()
    for column, found in numbers.items():
        beyond = np.flatnonzero((found > LARGEST) | (found < -LARGEST))
        rows = table.index[beyond].tolist()
        for row, place in zip(rows, beyond.tolist(), strict=True):
            size = "infinite" if np.isinf(found[place]) else "too large"
            where = f"{name}, row {row}, column {column!r}"
            faults.add(f"{where} is {size}", "leave it empty, or write another number")
    faults.check()
    return pd.DataFrame(numbers, index=table.index, copy=False)


def check_there(table: pd.DataFrame, columns: Iterable[str], name: str) -> None:
    """Refuse columns that a table does not have.

    Raises:
        FaultsError: If there are any; names all.
    """
    faults, known = Faults(), [str(column) for column in table.columns]
    unnamed = known == [str(place + 1) for place in range(len(known))]
    hint = ", since the file has no row of column names" if unnamed else ""
    for column in dict.fromkeys(columns):
        if column not in table.columns:
            faults.add(f"{name}: {unknown('column', column, known)}{hint}", "")
    faults.check()


def with_flags_as_numbers(
    values: "pd.Series[Any]", indicator: Indicator | None
) -> "pd.Series[Any]":
    """A column with 1 for true and 0 for false, or 1 where it has the text of an indicator."""
    if indicator is not None:
        return pd.Series(ones_where(values, indicator.value), index=values.index)
    if are_flags(values):
        return values.map(truth_of, na_action="ignore").astype(np.float64)
    return values


def are_flags(values: "pd.Series[Any]") -> bool:
    """Return whether a column holds true and false, or these words, and nothing else."""
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return False
    kinds = values.dropna().unique()
    return all(truth_of(kind) is not None for kind in kinds) and any(
        truth_of(kind) in {0.0, 1.0} for kind in kinds
    )


def truth_of(value: object) -> float | None:
    """1 for true and 0 for false; None for anything else but a gap, which is NaN."""
    word = str(value).strip().lower()
    return math.nan if is_gap(word) else {"true": 1.0, "false": 0.0}.get(word)


def as_numbers(
    values: "pd.Series[Any]",
    name: str,
    decimal: Decimal | None,
    faults: Faults,
    units: dict[str, str],
) -> NDArray[np.float64]:
    """A column as float64, NaN where there is no value; its unit is noted in `units`."""
    kind = None
    kinds = values.dropna().infer_objects() if values.dtype == object else values
    if pd.api.types.is_bool_dtype(kinds):
        kind, cure = "true and false", "write 1 and 0"
    elif pd.api.types.is_datetime64_any_dtype(values):
        kind, cure = "timestamps, not numbers", ""
    elif pd.api.types.is_timedelta64_dtype(values):
        kind, cure = "durations, not numbers", "write them as numbers of a unit, such as hours"
    if kind is not None:
        faults.add(f"{name}: column {values.name!r} holds {kind}", cure)
        return np.full(len(values), np.nan)
    if pd.api.types.is_numeric_dtype(values):
        return values.to_numpy(np.float64, na_value=np.nan)
    return read_numbers(values, name, decimal, faults, units)


def check_gaps(numbers: pd.DataFrame, name: str, cure: str) -> None:
    """Refuse gaps.

    Raises:
        DataError: Names all.
    """
    faults = Faults()
    rows, columns = np.nonzero(numbers.isna().to_numpy())
    for row, column in zip(numbers.index[rows], columns.tolist(), strict=True):
        where = f"{name}, row {row}, column {numbers.columns[column]!r}"
        faults.add(f"{where} has no value", cure)
    faults.check()


def check_values(numbers: pd.DataFrame, parts: dict[str, slice], name: str) -> None:
    """Refuse columns that have no value at all in a split.

    Raises:
        DataError: Names all.
    """
    faults = Faults()
    for part, rows in parts.items():
        empty = numbers.iloc[rows].isna().all()
        for column in empty.index[empty]:
            faults.add(f"{name}: column {column!r} has no value at all in the {part}", "")
    faults.check()
