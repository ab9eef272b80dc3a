"""Layout of a text with fields between separators: the one that fits most of its lines."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rnn_core.readers.formats.text_records import BrokenQuoteError, Quoting, records

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
"""Candidates for separators, the likeliest first."""

SAID = re.compile(r"^sep=(.)\s*$", re.IGNORECASE)
"""The line that names the separator for Excel."""

NUMERIC = re.compile(r"^[^\w]{0,3}\d[\d.,:/TZ%\s+-]*([eE][+-]?\d+)?$")
"""Texts with digits and no words: numbers, dates, times."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Layout of a text.

    Attributes:
        separator: One character.
        quoting: See `Quoting`.
        above: Lines above the table: a title, comments.
        header: Whether its first row has the names of columns.
        width: Fields of a row.
        share: Share of the first rows with this number of fields.
        commented: Whether the names of columns are in a comment.
    """

    separator: str
    quoting: Quoting
    above: int
    header: bool
    width: int
    share: float
    commented: bool = False


def find_layouts(
    lines: Sequence[str],
    *,
    separator: str | None,
    quoting: Quoting | None,
    header: bool | None,
    own: str,
) -> list[Layout]:
    """The layouts by the separator that most of the first lines fit, the likelier first.

    Args:
        lines: See `first_lines`.
        separator: Where it is known.
        quoting: Where it is known.
        header: Where it is known.
        own: The separator that the file's ending stands for.
    """
    above = comments(lines)
    if above < len(lines) and (said := SAID.match(lines[above])):
        separator, above = separator or said[1], above + 1
    candidates = [separator] if separator else [own, *(s for s in SEPARATORS if s != own)]
    kinds: tuple[Quoting, ...] = (quoting,) if quoting else ("double", "none")
    layouts = [lay_out(lines, above, mark, kind, header) for mark in candidates for kind in kinds]
    several = [layout for layout in layouts if layout.width > 1]
    if not several and separator is None:
        several = [one for kind in kinds if (one := aligned(lines, above, kind, header))]
        layouts = several or layouts
    best = max(several or layouts, key=lambda layout: layout.share)
    found = [layout for layout in layouts if layout.separator == best.separator]
    found = [named_by_comment(lines, layout, header) for layout in found]
    return sorted(found, key=lambda one: -one.share) if best.separator == "\t" else found


def aligned(
    lines: Sequence[str], above: int, quoting: Quoting, header: bool | None
) -> Layout | None:
    """The layout of lines whose fields blanks align; None where it is not certain.

    It is where nearly all lines have as many fields, and one of them is numbers.
    """
    found = lay_out(lines, above, " ", quoting, header)
    if found.width < 2 or found.share < 0.9:
        return None
    rows, _ = sample_of(lines, found.above, " ", quoting)
    whole = (fields for _, fields in rows[found.header :] if len(fields) == found.width)
    columns = zip(*whole, strict=True)
    numeric = any(all(map(NUMERIC.match, column)) for column in columns)
    return found if numeric else None


def named_by_comment(lines: Sequence[str], given: Layout, header: bool | None) -> Layout:
    """The layout in which the last comment above the table has the names of its columns.

    It has them if the table has none, and the comment as many fields, none of them a number.
    """
    layout = given
    if header:  # which may be the comment
        layout = lay_out(lines, comments(lines), given.separator, given.quoting, None)
    last = layout.above - 1
    if layout.header or header is False or last < 0 or not lines[last].startswith("#"):
        return given
    bare = [*lines[:last], lines[last].lstrip("#"), *lines[last + 1 :]]
    named = lay_out(bare, last, layout.separator, layout.quoting, header)
    fits_all = named.header and named.width == layout.width > 1 and named.above == last
    return replace(named, commented=True) if fits_all and named.share >= layout.share else given


def comments(lines: Sequence[str]) -> int:
    """Number of lines at the start that are comments, or blank before these."""
    last = 0
    for place, line in enumerate(lines):
        if line.startswith("#"):
            last = place + 1
        elif line.strip():
            break
    return last


def lay_out(
    lines: Sequence[str], above: int, separator: str, quoting: Quoting, header: bool | None
) -> Layout:
    """The layout that lines have by a separator."""
    rows, unread = sample_of(lines, above, separator, quoting)
    widths = Counter(len(fields) for _, fields in rows[1:] or rows)
    usual = max(widths, key=lambda width: (widths[width], width), default=1)
    first = first_of_table(rows, usual, header)
    table = [fields for _, fields in rows[first:]]
    named = header if header is not None else bool(table) and is_header(table[0], table[1:])
    if named and table:
        usual = len(table[0]) + has_row_names(table, separator)
    fitting = sum(fits(fields, usual) for fields in table)
    return Layout(
        separator=separator,
        quoting=quoting,
        above=rows[first][0] - 1 if first else above,
        header=named,
        width=usual,
        share=fitting / max(len(rows) + unread, 1),
    )


def has_row_names(table: Sequence[Sequence[str]], separator: str) -> bool:
    """Return whether rows are numbered in a column without a name, as R writes them.

    With commas between fields, the further one may come from decimals.
    """
    names, *below = table
    numbered = all(
        len(fields) == len(names) + 1 and fields[0].strip() == str(number) and fields[-1].strip()
        for number, fields in enumerate(below, 1)
    )
    return len(below) > 1 and separator != "," and numbered


def sample_of(
    lines: Sequence[str], above: int, separator: str, quoting: Quoting
) -> tuple[list[tuple[int, list[str]]], int]:
    """The first rows that are not blank, and how many lines after them cannot be read.

    A quoted field may be cut by the end of the sample: a few lines are left out.
    """
    rows: list[tuple[int, list[str]]] = []
    try:
        for line, fields in records(iter(lines[above:]), separator, quoting, above + 1):
            if any(map(str.strip, fields)):
                rows.append((line, fields))
    except BrokenQuoteError as error:
        left = len(lines) - error.line + 1
        return rows, left if left > 0.1 * len(lines) or error.inside else 0
    return rows, 0


def first_of_table(rows: Sequence[tuple[int, list[str]]], width: int, header: bool | None) -> int:
    """The place of the first row of the table: a title above it has fewer fields."""
    place = next((place for place, (_, fields) in enumerate(rows) if len(fields) >= width), 0)
    if place == 0 or header is False:
        return place
    below = [fields for _, fields in rows[place + 1 :]]
    return place if below and is_header(rows[place][1], below) else 0


def fits(fields: Sequence[str], width: int) -> bool:
    """Return whether a row has `width` fields; a separator may follow the last one."""
    return len(fields) == width or (len(fields) == width + 1 and not fields[-1].strip())


def is_header(first: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Return whether a row has the names of columns, not values as the rows below it.

    Names have no digits alone where values have; and are none of a column's few values.
    """
    if is_count([value.strip() for value in first]):
        return True
    values = False
    below = [fields for fields in below if fields != first]  # of files that were joined
    for place, name in enumerate(first):
        column = [fields[place].strip() for fields in below if place < len(fields)]
        column = [value for value in column if value]
        numeric = sum(bool(NUMERIC.match(value)) for value in column)
        if column and numeric >= 0.9 * len(column):
            if name.strip() and not NUMERIC.match(name.strip()):
                return True
            values = values or bool(name.strip())
        elif len(set(column)) < len(column):
            values = values or name.strip() in column
    return not values


def is_count(names: Sequence[str]) -> bool:
    """Return whether names count: 0, 1, 2 as pandas writes them, or years side by side."""
    numbers = [int(name) for name in names if name.isdecimal() and len(name) < 9]
    others = [name for name in names if name and not name.isdecimal()]
    if len(numbers) < 2 or any(map(NUMERIC.match, others)):
        return False
    counted = numbers == [*range(numbers[0], numbers[0] + len(numbers))]
    years = 1900 <= numbers[0] <= 2100 and (bool(others) or len(numbers) > 2)
    return counted and (years or (numbers[0] == 0 and not others))
