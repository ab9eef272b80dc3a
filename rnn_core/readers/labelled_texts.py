"""Tables of texts with labels: their columns found, and their rows checked.

Rows are numbered by the line of the file, or the row of the sheet.
"""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from rnn_core.errors import DataError, unknown
from rnn_core.readers.faults import Faults, some, then
from rnn_core.readers.formats.typed_tables import LEFT_OUT
from rnn_core.readers.labelled_lines import (
    OPINIONS,
    LineKind,
    is_few,
    most_few,
    numbered_lines,
    read_any,
)
from rnn_core.readers.plain_text import CONTROL, as_seen
from rnn_core.readers.splits import says_splits
from rnn_core.readers.table_files import TableFile, TableForm

if TYPE_CHECKING:
    import pandas as pd

Column: TypeAlias = str | int
"""The name of a column, or its position from 1."""

TEXT_NAMES = ("text", "sentence", "review", "comment", "message", "content", "phrase")
LABEL_NAMES = (
    *("label", "sentiment", "class", "category", "polarity", "target", "rating", "stars"),
    *("score", "overall"),
)
"""Usual names of columns, the likeliest first."""

WORD = re.compile(r"(?<!\S)[^\s\d]+(?!\S)")
"""A word without any digit."""

DIGIT = re.compile(r"[+-]?\d")

LOOKED_AT = 10_000
"""Rows in which the column with the most words is looked for, the first ones; and at once."""

MOST_SPLITS = 100
"""Ways to write names of splits in a column, at most."""

MOST_TOLD = 20
"""Columns that are named, at most."""

ONE_LABEL = (
    "if the labels are there, write one value in place of each list, since a text has one class: "
    "`jq -c '.NAME |= first' FILE.jsonl > labelled.jsonl`, with the name of the column"
)
"""Advice for labels that are lists, as where a text may have several."""


class NoColumnError(DataError):
    """A table has no such column.

    Args:
        message: Says so.
        column: The column.
    """

    def __init__(self, message: str, column: str) -> None:
        super().__init__(message)
        self.column = column

    def __reduce__(self) -> tuple[type["NoColumnError"], tuple[str, str]]:
        """A copy for another process, made of what this one was made of."""
        return type(self), (str(self), self.column)


@dataclass(frozen=True, kw_only=True)
class LabelledTexts:
    """A table of texts with labels.

    Attributes:
        table: Columns `text` and `label`, and `split` if it is asked for, with the rows of the
            file as its index, `row`.
        form: How the file is written.
        text: Name of the column of texts; its position in a table without names.
        label: The same for the column of labels.
        kind: Where each line has its label; None: it is a table.
        others: Further columns that may be the one of labels.
        unread: All columns but these; positions in a table without names.
        notes: What was decided in reading it, a line each.
    """

    table: "pd.DataFrame"
    form: TableForm
    text: str
    label: str
    kind: LineKind | None = None
    others: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read_texts(
    file: Path,
    text: Column,
    label: Column,
    form: TableForm,
    faults: Faults,
    kind: LineKind | None = None,
    split: Column | None = None,
) -> LabelledTexts:
    """Read a table of texts with labels, or lines with both.

    Args:
        file: The table.
        text: The column of texts.
        label: The column of labels, which are taken as they are written.
        form: What is known of how it is written.
        faults: Where it is noted what is wrong with rows.
        kind: Where lines have their label, if that is known.
        split: The column of splits; None if none has them.

    Raises:
        DataError: If the file is no such table.
    """
    import pandas as pd  # noqa: PLC0415 - training does without

    found, kind = read_any(file, form, faults, kind)
    names = list(found.frame.columns)
    columns = (text, label) if split is None else (text, label, split)
    places = [place_of(file.name, found, column) for column in columns]
    if places[0] == places[1]:
        raise DataError(f"text and label are the same column of {file.name}, {names[places[0]]!r}")
    values = [texts_of(found.frame.iloc[:, place]) for place in places]
    table = pd.DataFrame(
        {"text": values[0], "label": values[1]}, index=found.frame.index, dtype=object
    )
    if split is not None:
        table["split"] = values[2]
    check_rows(file.name, table, faults)
    few = few_valued(found.frame)
    return LabelledTexts(
        table=table,
        form=found.form,
        text=names[places[0]],
        label=names[places[1]],
        kind=kind,
        others=tuple(names[i] for i in few if i not in places and is_usual_label(names[i])),
        unread=tuple(str(name) for i, name in enumerate(names) if i not in places),
        notes=found.notes,
    )


def texts_of(column: "pd.Series[str]") -> list[str]:
    """The values of a column as texts as they are seen; nothing is an empty text."""
    return [as_text(value) for value in column.tolist()]


def as_text(value: object) -> str:
    """A value as the text that is seen, without blanks around; a whole number has no decimals."""
    if isinstance(value, str):
        return as_seen(value).strip()
    if value is None or value != value:  # noqa: PLR0124 - NaN and NaT are not themselves
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def place_of(name: str, found: TableFile, column: Column) -> int:
    """The place of a column in a table, from 0.

    Raises:
        NoColumnError: If there is no such column.
    """
    names = [str(one) for one in found.frame.columns]
    wanted = str(column).strip()
    if isinstance(column, str) and wanted in names:
        return names.index(wanted)
    if wanted.isdecimal():
        if 1 <= int(wanted) <= len(names):
            return int(wanted) - 1
        raise NoColumnError(f"{name} has {len(names)} columns; there is no {wanted}", wanted)
    header = found.form.header is not False
    without = "" if header else " (it has no row of names: give positions)"
    what = f"{name}: {unknown('column', wanted, names)}{without}{told_notes(found)}"
    raise NoColumnError(what, wanted)


def guess_columns(
    name: str, found: TableFile, text: Column | None = None, label: Column | None = None
) -> tuple[Column, Column]:
    """Find the columns of texts and labels, by their names or else by what they hold.

    A text has more words than the fields of other columns; labels are a few values, each
    in several rows.

    Args:
        name: What to call the table in errors.
        found: The table.
        text: The column of texts, where it is known.
        label: The column of labels, where it is known.

    Returns:
        Their names; positions in a table without names.

    Raises:
        DataError: If no column, or more than one, can be the one of labels.
    """
    names = [str(one) for one in found.frame.columns]
    header = found.form.header is not False
    at_label = None if label is None else place_of(name, found, label)
    at_text = None if text is None else place_of(name, found, text)
    if at_label is None and header:
        at_label = named_place(names, LABEL_NAMES, besides=at_text)
    if at_text is None and header:
        at_text = named_place(names, TEXT_NAMES, besides=at_label)
    if at_text is None:
        at_text = wordiest(found.frame, besides=at_label)
    if at_label is None:
        at_label = few_valued_place(name, found, besides=at_text)
    return (names[at_text], names[at_label]) if header else (at_text + 1, at_label + 1)


def few_valued_place(name: str, found: TableFile, besides: int) -> int:
    """The place of the one column of a few values, or of those the one of usual labels.

    Raises:
        DataError: If none is, or several are.
    """
    split = guess_split(found, ())
    few = [
        place
        for place in few_valued(found.frame)
        if place != besides and split not in {str(found.frame.columns[place]), place + 1}
    ]
    if len(few) > 1:
        few = [place for place in few if are_usual_labels(found.frame.iloc[:, place])] or few
    if len(few) != 1:
        raise DataError(
            f"{name}: cannot tell which column holds the labels; name it: --target ... "
            f"(columns: {some(told_columns(found), MOST_TOLD)}){told_notes(found)}"
        )
    return few[0]


def told_notes(found: TableFile) -> str:
    """Notes on a table in which labels are missing, with what to do where some were left out."""
    inside = any(note.startswith(LEFT_OUT) for note in found.notes)
    return then((*found.notes, *[ONE_LABEL] * inside))


def guess_split(found: TableFile, besides: Collection[Column]) -> Column | None:
    """The column that says the split of each row; None if none does for certain.

    Args:
        found: The table.
        besides: Columns that are read otherwise.
    """
    for place, name in enumerate(map(str, found.frame.columns)):
        column, values = (
            place + 1 if found.form.header is False else name,
            found.frame.iloc[:, place],
        )
        there = {*map(as_text, distinct(values, MOST_SPLITS)), *[""] * values.hasnans}
        if column not in besides and says_splits(name, there):
            return column
    return None


def named_place(names: Sequence[str], usual: Sequence[str], besides: int | None) -> int | None:
    """The place of the first usual name among names of columns, whatever its case."""
    lower = [name.lower() if place != besides else "" for place, name in enumerate(names)]
    last = [last_word(name) for name in lower]
    exact = next((lower.index(name) for name in usual if name in lower), None)
    return exact if exact is not None else next((last.index(n) for n in usual if n in last), None)


def last_word(name: str) -> str:
    """The last word of a column's name: `sentiment` of `airline_sentiment`."""
    return re.split(r"[\s_.-]+", name)[-1]


def told_columns(found: TableFile) -> list[str]:
    """The names of columns; where these are positions, with the first value of each."""
    names = [str(name) for name in found.frame.columns]
    if found.form.header is not False or found.frame.empty:
        return names
    firsts = [as_text(value)[:20] for value in found.frame.iloc[0]]
    return [f"{name} with {first!r}" for name, first in zip(names, firsts, strict=True)]


def is_usual_label(name: str) -> bool:
    """Return whether labels are often in a column of this name."""
    return name.lower() in LABEL_NAMES


def refuse_prose(file: Path, found: TableFile, faults: Faults) -> None:
    """Refuse sentences that were taken for a table, since they have commas or as many words.

    Args:
        file: The file.
        found: What was read as a table.
        faults: Of rows that do not fit it.

    Raises:
        DataError: If a plain text is no table of texts and labels.
    """
    frame, names = found.frame, [str(name) for name in found.frame.columns]
    apart = found.form.separator not in {",", " "} and len(names) > 1
    plain = not apart and Path(file.name.lower()).suffix == ".txt"
    text = wordiest(frame, besides=None)
    few = [place for place in few_valued(frame) if place != text]
    wrong = sum(map(len, faults.found.values())) + faults.more.total()
    named = named_place(names, LABEL_NAMES, besides=None) is not None
    if plain and not named and (len(few) != 1 or wrong > len(frame)):
        lines = numbered_lines(file, found.form.encoding or "utf-8", Faults())
        _, first = next(lines)
        raise DataError(
            f"{file.name} is no table of texts and labels: it begins with {first[:60]!r}; write a "
            "label, a tabulator and a text into each line, or save it as CSV with columns text "
            "and label"
        )


def wordiest(frame: "pd.DataFrame", besides: int | None) -> int:
    """The place of the column with the most words; numbers, as in dates, are none if others are."""
    columns = [texts_of(frame.iloc[:LOOKED_AT, place]) for place in range(frame.shape[1])]
    words = [
        (
            sum(len(WORD.findall(value)) for value in column),
            sum(len(value.split()) for value in column),
        )
        for column in columns
    ]
    return max((p for p in range(len(words)) if p != besides), key=lambda p: words[p], default=0)


def are_usual_labels(column: "pd.Series[str]") -> bool:
    """Return whether all values of a column are words of opinions, or all are single digits."""
    values = {value.lower() for value in texts_of(column)}
    return values <= {*OPINIONS} or all(map(DIGIT.fullmatch, values))


def few_valued(frame: "pd.DataFrame") -> list[int]:
    """Places of columns with a few values, each in several rows on average."""
    rows, places = len(frame), range(frame.shape[1])
    return [p for p in places if is_few(len(distinct(frame.iloc[:, p], most_few(rows))), rows)]


def distinct(column: "pd.Series[Any]", most: int) -> set[Any]:
    """The values of a column; where they are more than `most`, some of them that are more.

    It does not hold those of a column of texts, since it ends after a part of these.
    """
    found: set[Any] = set()
    for start in range(0, len(column), LOOKED_AT):
        found.update(column.iloc[start : start + LOOKED_AT].dropna().tolist())
        if len(found) > most:
            break
    return found


def check_rows(name: str, table: "pd.DataFrame", faults: Faults) -> None:
    """Note rows without text or without label, and texts that are none."""
    for row, text, label in zip(table.index, table["text"], table["label"], strict=True):
        for what, value in (("text", text), ("label", label)):
            if not value:
                faults.add(f"{name}, row {row} has no {what}", "complete it, or remove it")
        if control := CONTROL.search(text):
            faults.add(
                f"{name}, row {row} holds the control character U+{ord(control[0]):04X}",
                "remove it; a text holds none",
            )


def check_classes(labels: Sequence[str], faults: Faults) -> None:
    """Note labels that are not two or more classes with several rows each."""
    counts = Counter(labels)
    if len(counts) == 1:
        faults.add(
            f"all rows have the label {labels[0]!r}",
            "at least two classes are needed; --target names the column of labels",
        )
    elif len(counts) > max(2, len(labels) // 2):
        faults.add(
            f"{len(labels)} rows have {len(counts)} different labels",
            "labels must be classes, not numbers or texts; --target names their column",
        )
    else:
        for label in sorted(label for label, count in counts.items() if count == 1):
            faults.add(
                f"the class {label!r} has a single row",
                "add rows of it, or remove it (if it is the name of the column: --set header=true)",
            )
