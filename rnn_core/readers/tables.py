"""Tables of a person's own: read, and checked row by row.

The index of a table that was read is called "row" and counts as a person does who looks
for the place: in a CSV file by its lines, the first of which has the column names; in a
parquet file from 1. Errors name rows by it.
"""

import csv
import io
import re
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnn_core.errors import DataError, unknown

Missing: TypeAlias = Literal["error", "fill"]

BINARY = {b"PK\x03\x04": "an Excel or zip file", b"\x1f\x8b": "a gzip file", b"PAR1": "parquet"}
"""What files that are no text begin with."""

WIDE_TEXT = (b"\xff\xfe", b"\xfe\xff")
"""What a text in UTF-16 begins with."""

OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}

DECIMAL_COMMA = re.compile(r"\s*[+-]?\d+,\d+\s*")
THOUSANDS = re.compile(r"\s*[+-]?\d{1,3}([,.' \u00a0\u202f\u2019]\d{3})+([.,]\d+)?\s*")
WITH_UNIT = re.compile(r"\s*([^\w\s+-]{1,3}\s*[+-]?\d[\d.,]*|[+-]?\d[\d.,]*\s*[^\W\d_%]*%?)\s*")


def table_file(raw: Path) -> Path:
    """The one table of a raw folder.

    Raises:
        DataError: If there is none, or more than one.
    """
    files = sorted(file for file in raw.iterdir() if not file.name.startswith("."))
    tables = [file for file in files if file.suffix.lower() in {".csv", ".parquet"}]
    if len(tables) > 1:
        names = ", ".join(file.name for file in tables)
        raise DataError(f"{raw} holds {len(tables)} tables ({names}), not exactly one")
    if not tables:
        others = ", ".join(file.name for file in files[:3])
        hint = f"; export {others} as one" if others else ""
        raise DataError(f"{raw} holds 0 tables (.csv, .parquet), not exactly one{hint}")
    return tables[0]


def load_table(file: Path) -> pd.DataFrame:
    """Read a CSV file with column names and commas, in UTF-8, or a parquet file.

    Raises:
        DataError: If it cannot be read, or its rows do not fit its column names.
    """
    table = read_parquet(file) if file.suffix.lower() == ".parquet" else read_csv(file)
    if table.empty:
        raise DataError(f"{file.name} has column names and no rows below them")
    return table


def read_parquet(file: Path) -> pd.DataFrame:
    """Read a parquet file; an index with a name becomes a column."""
    try:
        table = pd.read_parquet(file)
    except (ValueError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{file.name} is not a readable parquet file: {reason}") from None
    if table.index.names != [None]:
        table = table.reset_index()
    return numbered(table.reset_index(drop=True))


def read_csv(file: Path) -> pd.DataFrame:
    """Read a CSV file whose every row has as many fields as there are column names."""
    text = read_text(file)
    rows = csv_rows(text, file.name)
    table = pd.read_csv(io.StringIO(text), skipinitialspace=True, index_col=False, low_memory=False)
    table.index = pd.Index(rows, name="row")
    return table


def read_text(file: Path) -> str:
    """The text of a file in UTF-8, with or without a byte order mark."""
    content = file.read_bytes()
    if not content.strip():
        raise DataError(f"{file.name} is not a readable table: it is empty")
    for start, kind in BINARY.items():
        if content.startswith(start):
            raise DataError(f"{file.name} is {kind}, not CSV; export it as CSV in UTF-8")
    if content.startswith(WIDE_TEXT):
        raise DataError(f"{file.name} is in UTF-16; save it in UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        raise DataError(
            f"{file.name}, row {row}: byte {byte:#04x} is not UTF-8; save the file in UTF-8"
        ) from None


def csv_rows(text: str, name: str) -> list[int]:
    """First line of each row below the column names.

    Raises:
        DataError: If a row does not have as many fields as there are column names.
    """
    reader = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True)
    rows: list[int] = []
    line, blank = 1, 0
    header: list[str] = []
    try:
        for fields in reader:
            if not header and fields:
                header = fields
                check_header(header, name)
            elif fields and blank:
                raise DataError(f"{name}, row {blank} is blank; remove it, or fill it")
            elif fields:
                check_width(fields, header, f"{name}, row {line}")
                rows.append(line)
            elif header:
                blank = blank or line
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{name}, row {line}: {error}; a quotation mark is opened and not closed, or "
            'stands inside a value (write it twice: "")'
        ) from None
    return rows


def check_header(header: list[str], name: str) -> None:
    """Refuse column names that are none, or separated by something else."""
    for mark, word in OTHER_SEPARATORS.items():
        if len(header) == 1 and mark in header[0]:
            raise DataError(
                f"{name}: row 1 {header[0]!r} is one column; the file is separated by {word}; "
                "save it with commas"
            )
    if all(map(is_number, header)) and header != [str(i) for i in range(len(header))]:
        raise DataError(f"{name}: row 1 holds numbers, not column names; add a row with names")
    named = [column for column in header if column]
    repeated = sorted({column for column in named if named.count(column) > 1})
    if repeated:
        raise DataError(f"{name}: row 1 has more than one column {repeated[0]!r}; rename one")


def check_width(fields: list[str], header: list[str], where: str) -> None:
    """Refuse a row with more or fewer fields than there are column names."""
    if len(fields) > len(header):
        raise DataError(
            f"{where} has {len(fields)} fields, and row 1 has {len(header)} column names; put "
            "values with a comma into quotation marks, write decimals with a point"
        )
    if len(fields) < len(header):
        raise DataError(
            f"{where} has {len(fields)} fields, fewer than the {len(header)} columns; is the "
            "file cut off?"
        )


def is_number(text: str) -> bool:
    """Whether a text is a number as Python writes it."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def numbered(table: pd.DataFrame) -> pd.DataFrame:
    """The table with rows numbered from 1, unless it was read from a CSV file."""
    if table.index.name == "row":
        return table
    return table.set_axis(pd.RangeIndex(1, len(table) + 1, name="row"), axis="index")


def select_columns(table: pd.DataFrame, columns: list[str], name: str) -> pd.DataFrame:
    """Keep the given columns, as numbers; float64, with NaN where there is no value.

    Raises:
        DataError: If a column is not there, or holds something that is not a number.
    """
    for column in columns:
        if column not in table.columns:
            raise DataError(f"{name}: {unknown('column', column, map(str, table.columns))}")
    return pd.DataFrame({c: as_numbers(table[c], name) for c in columns}, index=table.index)


def as_numbers(values: "pd.Series[Any]", name: str) -> "pd.Series[float]":
    """A column as float64."""
    if pd.api.types.is_bool_dtype(values.dropna().infer_objects()):
        raise DataError(f"{name}: column {values.name!r} holds true and false; write 1 and 0")
    if pd.api.types.is_datetime64_any_dtype(values):
        raise DataError(f"{name}: column {values.name!r} holds timestamps, not numbers")
    if not pd.api.types.is_numeric_dtype(values):
        values = values.where(values.astype(str).str.strip() != "")
    numbers: pd.Series[float] = pd.to_numeric(values, errors="coerce").astype("float64")
    wrong = values[numbers.isna() & values.notna()]
    if len(wrong):
        row, value = wrong.index[0], wrong.iloc[0]
        more = f" ({len(wrong)} such values in all)" if len(wrong) > 1 else ""
        refuse_value(value, f"{name}, row {row}, column {values.name!r}: {value!r} ", more)
    return numbers


def refuse_value(value: object, where: str, more: str) -> None:
    """Say what is wrong with a value that is not a number.

    Raises:
        DataError: Always.
    """
    text = str(value)
    if THOUSANDS.fullmatch(text) and not DECIMAL_COMMA.fullmatch(text):
        raise DataError(f"{where}has separators of thousands{more}; write it without them")
    if DECIMAL_COMMA.fullmatch(text):
        raise DataError(
            f"{where}is not a number{more}: it has a comma; write decimals with a point and "
            "thousands without a separator"
        )
    if WITH_UNIT.fullmatch(text):
        raise DataError(f"{where}has a unit{more}; keep the number alone")
    raise DataError(f"{where}is not a number{more}")


def check_numbers(numbers: pd.DataFrame, missing: Missing, name: str) -> None:
    """Refuse numbers that are infinite, and gaps unless they are to be filled.

    Raises:
        DataError: Names the first such row.
    """
    import pandera.pandas as pa  # noqa: PLC0415 - takes a second to import

    finite = pa.Check(lambda values: ~np.isinf(values), name="finite")
    column = pa.Column(float, finite, nullable=missing == "fill")
    try:
        pa.DataFrameSchema(dict.fromkeys(numbers.columns, column)).validate(numbers, lazy=True)
    except pa.errors.SchemaErrors as error:
        failures = error.failure_cases.sort_values("index", kind="stable")
    else:
        return
    first = failures.iloc[0]
    where = f"{name}, row {first['index']}, column {first['column']!r}"
    if first["check"] == "finite":
        raise DataError(f"{where} is infinite; leave it empty, or write a number")
    count = int((failures["check"] == "not_nullable").sum())
    raise DataError(
        f"{where} has no value ({count} gaps in all); fill them, or set data.missing to fill"
    )


def with_gaps(
    table: pd.DataFrame, sides: dict[str, slice], missing: Missing, name: str
) -> NDArray[np.float64]:
    """The numbers of a table, checked.

    Args:
        table: Numbers, with gaps.
        sides: Rows of each side.
        missing: "fill" if whoever reads the numbers fills gaps, "error" to refuse them.
        name: What to call the table in errors.

    Returns:
        The rows of all sides, float64 (N, columns), NaN where there is a gap.

    Raises:
        DataError: If there is a gap and it is not to be filled, or a column has no value at all
            on a side.
    """
    check_numbers(table, missing, name)
    pieces = []
    for side, rows in sides.items():
        piece = table.iloc[rows]
        empty = piece.isna().all()
        if empty.any():
            column = empty.index[int(np.argmax(empty))]
            raise DataError(f"{name}: column {column!r} has no value at all in the {side}")
        pieces.append(piece.to_numpy(np.float64))
    return np.concatenate(pieces)
