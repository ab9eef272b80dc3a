"""Tables of texts with labels: read, checked row by row, and dealt out to sides.

Lines are counted from 1, as an editor shows them; a row that spans lines has the number of
its first.
"""

import csv
import io
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from rnn_core.errors import DataError, unknown
from rnn_core.readers.plain_text import read_plain_text

if TYPE_CHECKING:
    import pandas as pd

Separator: TypeAlias = Literal["comma", "semicolon", "tab"]
Column: TypeAlias = str | int
"""The name of a column, or its position from 1 in a table without a header."""

SEPARATORS: dict[Separator, str] = {"comma": ",", "semicolon": ";", "tab": "\t"}
ENDINGS: dict[str, Separator] = {".csv": "comma", ".tsv": "tab"}

TEXT_NAMES = ("text", "sentence", "review", "comment", "message", "content", "phrase")
LABEL_NAMES = ("label", "sentiment", "class", "category", "polarity", "target", "rating", "stars")
"""Usual names of columns, the likeliest first."""


def table_files(raw: Path) -> list[Path]:
    """The tables of a folder, in the order of their names.

    Raises:
        DataError: If there is none.
    """
    files = sorted(file for ending in ENDINGS for file in raw.glob(f"*{ending}"))
    if not files:
        raise DataError(f"{raw} holds no .csv or .tsv file; the texts must be in one")
    return files


def read_rows(file: Path, separator: Separator | None) -> list[tuple[int, list[str]]]:
    """The rows of a table with the line of each; empty lines are left out.

    Fields with separators, quotes or line breaks are quoted, except that in a table
    separated by tabs a quote is a character as any other.

    Args:
        file: The table.
        separator: What separates fields; None: a comma in .csv, a tab in .tsv.

    Raises:
        DataError: If the file is not such a table.
    """
    kind = separator or ENDINGS[file.suffix]
    rows = list(parsed_rows(file, kind))
    first = rows[0][1]
    for other, character in SEPARATORS.items():
        if len(first) == 1 and character in first[0] and other != kind:
            raise DataError(
                f"{file.name}, line {rows[0][0]} has one field by {kind}, but holds a {other}; "
                f"set data.separator to {other} if that separates fields"
            )
    for line, row in rows:
        if len(row) > len(first):
            raise DataError(
                f"{file.name}, line {line} has {len(row)} fields, the first row {len(first)}; "
                f"a text with a {kind} must be quoted" + " (in a .csv file)" * (kind == "tab")
            )
        if len(row) < len(first):
            raise DataError(
                f"{file.name}, line {line} has only {len(row)} of {len(first)} fields; "
                "complete it, or remove it"
            )
    return rows


def parsed_rows(file: Path, separator: Separator) -> Iterator[tuple[int, list[str]]]:
    """The rows of a table as they stand, with the line of each."""
    reader = csv.reader(
        io.StringIO(read_plain_text(file)),
        delimiter=SEPARATORS[separator],
        quoting=csv.QUOTE_NONE if separator == "tab" else csv.QUOTE_MINIMAL,
        strict=True,
    )
    line = 1
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            if "expected after" in str(error):
                raise DataError(
                    f"{file.name}, line {line}: text follows a closing quote; write a quote "
                    'inside a quoted text twice ("")'
                ) from None
            raise DataError(
                f"{file.name}, line {line}: a quote is opened and not closed ({error})"
            ) from None
        if row is None:
            return
        if row:
            yield line, row
        line = reader.line_num + 1


def read_texts(
    file: Path, text: Column, label: Column, separator: Separator | None
) -> "pd.DataFrame":
    """Read a table of texts with labels.

    Args:
        file: The table; its first row is a header if columns are named.
        text: The column of texts.
        label: The column of labels, which are taken as they are written.
        separator: See `read_rows`.

    Returns:
        Columns `text` and `label`, and the line of each row as the index.

    Raises:
        DataError: If the file is not such a table; names the line.
    """
    import pandas as pd  # noqa: PLC0415 - training does without

    rows = read_rows(file, separator)
    places = [place_of(file, rows[0][1], column) for column in (text, label)]
    if isinstance(text, str):
        del rows[0]
    if not rows:
        raise DataError(f"{file.name} has a header and no rows")
    table = pd.DataFrame(
        [[row[place].strip() for place in places] for _, row in rows],
        columns=["text", "label"],
        index=[line for line, _ in rows],
        dtype=str,
    )
    check_rows(file, table)
    return table


def place_of(file: Path, first: Sequence[str], column: Column) -> int:
    """The place of a column in a row, from 0."""
    if isinstance(column, int):
        if not 1 <= column <= len(first):
            raise DataError(f"{file.name} has {len(first)} columns; there is no {column}.")
        return column - 1
    names = [name.strip()[:40] for name in first]
    if column not in names:
        raise DataError(
            f"{file.name}: {unknown('column', column, names)} (without a header, give positions)"
        )
    if names.count(column) > 1:
        raise DataError(f"{file.name} has more than one column {column!r}; rename them")
    return names.index(column)


def guess_separator(file: Path) -> Separator:
    """What separates the fields of a table's first line, the likeliest by its characters."""
    first = read_plain_text(file).lstrip().partition("\n")[0]
    own = ENDINGS[file.suffix]
    return max(SEPARATORS, key=lambda kind: (first.count(SEPARATORS[kind]) > 0, kind == own))


def guess_columns(
    file: Path,
    rows: Sequence[tuple[int, list[str]]],
    text: Column | None = None,
    label: Column | None = None,
) -> tuple[Column, Column]:
    """Find the columns of texts and labels, by their names or else by what they hold.

    A text has more words than the fields of other columns; labels are a few values, each
    in several rows. The first row is a header unless its label is also that of another.

    Args:
        file: What to call the table in errors.
        rows: All rows of it.
        text: The column of texts, where it is known.
        label: The column of labels, where it is known.

    Raises:
        DataError: If no column, or more than one, can be the one of labels.
    """
    first = [name.strip()[:40] for name in rows[0][1]]
    columns = list(zip(*(row for _, row in rows[1:]), strict=True))
    if not columns:
        raise DataError(f"{file.name} has a single row; a table of texts needs more")
    if text is None:
        at_text = named_place(first, TEXT_NAMES)
        sizes = [sum(map(len, map(str.split, column))) for column in columns]
        at_text = sizes.index(max(sizes)) if at_text is None else at_text
    else:
        at_text = place_of(file, first, text)
    at_label = named_place(first, LABEL_NAMES) if label is None else place_of(file, first, label)
    if at_label is None:
        few = range(2, max(2, len(rows) // 4) + 1)
        found = [i for i, c in enumerate(columns) if i != at_text and len(set(c)) in few]
        if len(found) != 1:
            raise DataError(
                f"{file.name}: cannot tell which column holds the labels; name it as "
                f"data.label (columns: {', '.join(first)})"
            )
        at_label = found[0]
    if isinstance(text, int) or isinstance(label, int) or first[at_label] in columns[at_label]:
        return at_text + 1, at_label + 1
    return first[at_text], first[at_label]


def named_place(names: Sequence[str], usual: Sequence[str]) -> int | None:
    """The place of the first usual name among names of columns, whatever its case."""
    lower = [name.lower() for name in names]
    return next((lower.index(name) for name in usual if name in lower), None)


def check_rows(file: Path, table: "pd.DataFrame") -> None:
    """Refuse a table with a row without text or without label."""
    import pandera.pandas as pa  # noqa: PLC0415 - takes a second to import

    schema = pa.DataFrameSchema(
        {
            "text": pa.Column(str, pa.Check.str_length(min_value=1, error="has no text")),
            "label": pa.Column(str, pa.Check.str_length(min_value=1, error="has no label")),
        }
    )
    try:
        schema.validate(table, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases.sort_values("index", kind="stable")
        first, count = cases.iloc[0], len(cases)
        raise DataError(
            f"{file.name}, line {first['index']} {first['check']} ({count} such rows in all); "
            "complete it, or remove it"
        ) from None


def check_classes(labels: Sequence[str]) -> None:
    """Refuse labels that are not two or more classes with several rows each.

    Raises:
        DataError: If they are not.
    """
    counts = Counter(labels)
    if len(counts) == 1:
        raise DataError(f"all rows have the label {labels[0]!r}; at least two classes are needed")
    if len(counts) > max(2, len(labels) // 2):
        raise DataError(
            f"{len(labels)} rows have {len(counts)} different labels; labels must be classes, "
            "not numbers or texts (is data.label the right column?)"
        )
    label, count = min(counts.items(), key=lambda item: (item[1], item[0]))
    if count == 1:
        raise DataError(
            f"the class {label!r} has a single row; add rows of it, or remove it (if it is "
            "the name of the column, give names of columns instead of positions)"
        )


def stratified_sides(
    texts: Sequence[str], labels: Sequence[str], shares: tuple[float, float], seed: int
) -> list[int]:
    """Deal rows out to the training, validation and test side.

    Every class has its share in every side, and all rows with the same text are on the
    same side. Which texts these are depends on the texts and the seed, not on the order
    of the rows.

    Args:
        texts: The text of each row.
        labels: The label of each row; a text with several counts to its first.
        shares: Of the texts of a class for the validation and the test side.
        seed: Seed of the draw.

    Returns:
        For each row 0, 1 or 2.

    Raises:
        DataError: If a class has too few texts.
    """
    members: dict[str, list[str]] = {label: [] for label in sorted(set(labels))}
    for text, label in dict(zip(reversed(texts), reversed(labels), strict=True)).items():
        members[label].append(text)
    side_of: dict[str, int] = {}
    for label, own in members.items():
        random.Random(f"{seed} {label}").shuffle(ordered := sorted(own))
        validation, test = (max(1, round(share * len(own))) for share in shares)
        if len(own) <= validation + test:
            raise DataError(
                f"the class {label!r} has {len(own)} different texts, too few for "
                f"{validation} in the validation side and {test} in the test side; "
                "add rows, or make the shares smaller"
            )
        sides = [1] * validation + [2] * test + [0] * (len(own) - validation - test)
        side_of.update(zip(ordered, sides, strict=True))
    return [side_of[text] for text in texts]


def later_copies(texts: Sequence[str], sides: Sequence[int]) -> list[bool]:
    """Whether the text of each row also stands in a side after its own."""
    last: dict[str, int] = {}
    for text, side in zip(texts, sides, strict=True):
        last[text] = max(side, last.get(text, 0))
    return [side < last[text] for text, side in zip(texts, sides, strict=True)]
