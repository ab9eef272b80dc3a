"""Tables inside a value of JSON: rows of objects, columns, or what web services answer."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

from rnn_core.readers.formats.json_names import rows_by_names, rows_by_place
from rnn_core.readers.formats.json_values import DAY, are_times, is_plain_list, is_time
from rnn_core.readers.formats.text_layout import is_header

DEEPEST = 3
"""Names that lead to a table inside an object, at most."""

ALIKE = 3
"""Times as many rows as another one that a table may have, and hold rows of the same kind."""

MOST_LOOKED_AT = 100
"""Rows in which times are looked for."""


class Inside(NamedTuple):
    """A table inside a value.

    Attributes:
        name: The names that lead to it, with points between.
        rows: Objects.
        notes: What was decided in finding it.
    """

    name: str
    rows: list[Any]
    notes: tuple[str, ...] = ()


def rows_of(whole: dict[str, Any], notes: list[str]) -> list[Any]:
    """The rows of a table that is one object.

    It may hold a list of rows under one name, the rows by their names, or columns: lists, or
    objects by the names of rows. `DataFrame.to_json` has these forms as table, index, columns and
    split. It may hold tables deeper inside, as answers of web services do, or be GeoJSON. Another
    object is a row.

    Args:
        whole: The object.
        notes: Where it is noted what is left out.
    """
    values = list(whole.values())
    lists = [value for value in values if isinstance(value, list)]
    if rows := rows_of_split(whole) or rows_by_names(whole):
        return rows
    if len(lists) == 1 and lists[0] and all(isinstance(row, dict) for row in lists[0]):
        listed = table_of_list(lists[0], "")
        notes += listed.notes
        return listed.rows
    if values and len(lists) == len(values) and are_columns(lists):
        return rows_of_columns(whole)
    if found := longest_in(whole):
        notes += found.notes
        return found.rows
    if values and all(isinstance(value, dict) for value in values):
        return rows_of_objects(whole)
    return [whole]


def rows_of_split(whole: dict[str, Any]) -> list[Any]:
    """The rows of an object with the names of columns and lists of values; none of another one."""
    columns, data = whole.get("columns"), whole.get("data", whole.get("values"))
    if not isinstance(columns, list) or not isinstance(data, list):
        return []
    names = list(dict.fromkeys(map(str, columns)))
    widths = {len(row) if isinstance(row, list) else None for row in data}
    if not widths == {len(columns)} == {len(names)}:
        return []
    rows = [dict(zip(names, row, strict=True)) for row in data]
    index = whole.get("index")
    same = isinstance(index, list) and len(index) == len(rows)
    return with_index(rows, list(map(str, index))) if index and same else rows


def table_of_list(objects: list[dict[str, Any]], name: str) -> Inside:
    """The table of a list of objects: its rows are these, or those of the tables that each has.

    Such tables are series, of places or sensors, as web services answer.
    """
    parts: list[Inside] = []
    for one in objects:
        found = longest_in(one)
        if found is None or not have_times(found.rows):
            return Inside(name, objects)
        parts.append(found)
    facts = [plain_values(one) for one in objects]
    columns = [*facts[0]] if len(facts) == 1 else differing(facts)
    inner = {column for part in parts for row in part.rows[:1] for column in row}
    called = {k: f"{k} of the whole" if k in inner else k for k in columns}
    apart = (told_apart(len(parts), called.values()),) if len(parts) > 1 else ()
    rows = [
        {**{called[k]: own.get(k) for k in columns}, **row}
        for own, part in zip(facts, parts, strict=True)
        for row in part.rows
    ]
    return Inside(
        name, rows, (*dict.fromkeys(note for part in parts for note in part.notes), *apart)
    )


def differing(facts: list[dict[str, Any]]) -> list[str]:
    """The names by which objects have different values."""
    names = dict.fromkeys(name for own in facts for name in own)
    return [name for name in names if len({str(own.get(name)) for own in facts}) > 1]


def have_times(rows: list[dict[str, Any]]) -> bool:
    """Return whether a column has times in its first rows."""
    head = rows[:MOST_LOOKED_AT]
    return any(all(is_time(row.get(column)) for row in head) for column in rows[0])


def plain_values(whole: dict[str, Any]) -> dict[str, Any]:
    """The values of an object, and of those in it, that are no list and no object."""
    return {k: v for k, v in named_values(whole) if not isinstance(v, list | dict)}


def longest_in(whole: dict[str, Any] | list[Any]) -> Inside | None:
    """The table inside a value, or of several that do not fit together the longest one.

    Returns:
        None if there is none.
    """
    found = [table for table in tables_in(whole, ()) if table.rows]
    if len(found) < 2:
        return found[0] if found else None
    if together := beside(found) or below(found):
        own = dict.fromkeys(note for table in found for note in table.notes)
        return together._replace(notes=(*own, *together.notes))
    longest = max(found, key=lambda table: len(table.rows))
    names = ", ".join(dict.fromkeys(table.name for table in found))
    told = f"of its tables ({names}), {longest.name} alone, which has the most rows"
    return longest._replace(notes=(told, *longest.notes))


def beside(found: list[Inside]) -> Inside | None:
    """Tables that share nothing but their times, as one; None if they do not fit together."""
    shared = set[str].intersection(*(set(table.rows[0]) for table in found))
    if len(shared) != 1 or not all(have_times(table.rows) for table in found):
        return None
    (column,) = shared
    first, *others = ([row.get(column) for row in table.rows] for table in found)
    if any(one != first for one in others):
        return None
    return Inside(
        found[0].name,
        [
            {name: value for row in rows for name, value in row.items()}
            for rows in zip(*(table.rows for table in found), strict=True)
        ],
    )


def below(found: list[Inside]) -> Inside | None:
    """Tables with the same columns, as one with a column of their names, such as of stores.

    Returns:
        None if they do not fit together, as with days in one and months in the other.
    """
    first, *others = (set(table.rows[0]) for table in found)
    lengths = [len(table.rows) for table in found]
    alike = max(lengths) <= ALIKE * min(lengths) and all(one == first for one in others)
    if not alike or not all(have_times(table.rows) for table in found):
        return None
    column = "table" if "name" in first else "name"
    rows = [{column: table.name, **row} for table in found for row in table.rows]
    return Inside("", rows, (told_apart(len(found), [column]),))


def told_apart(number: int, columns: Collection[str]) -> str:
    """A note on tables that became one."""
    by = f", told apart by {', '.join(columns)}" if columns else ""
    return f"its {number} tables are one below the other{by}"


def tables_in(value: Any, names: tuple[str, ...]) -> Iterator[Inside]:
    """The tables inside a value.

    Args:
        value: The value.
        names: Those that lead to it.
    """
    name = ".".join(names)
    if isinstance(value, dict):
        yield from tables_in_object(value, names)
    elif not isinstance(value, list):
        return
    elif all(isinstance(row, dict) for row in value):
        alone = len(value) == 1 and (rows_of_split(value[0]) or holds_columns(value[0]))
        yield from tables_in(value[0], names) if alone else [table_of_list(value, name)]
    elif is_grid(value):
        yield Inside(name, [dict(zip(value[0], row, strict=True)) for row in value[1:]])
    elif are_pairs(value):
        column = names[-1] if names else "value"
        yield Inside(name, [{"time": time, column: one} for time, one in value])
    elif rows := rows_by_place(value, anything=not names):
        yield Inside(name, rows)
    elif not names:
        for place, inner in enumerate(value, 1):
            yield from tables_in(inner, (f"part {place}",))


def tables_in_object(value: dict[str, Any], names: tuple[str, ...]) -> Iterator[Inside]:
    """The tables that an object is, or has inside; see `tables_in`."""
    name = ".".join(names)
    if rows := rows_of_split(value) or rows_by_names(value):
        yield Inside(name, rows)
    elif holds_columns(value):
        yield Inside(name, rows_of_columns(value))
    elif columns := columns_with_times(value):
        yield Inside(name, rows_of_columns(columns))
    elif holds_times(value):
        yield Inside(name, rows_of_objects(value))
    elif len(names) < DEEPEST:
        for own, inner in value.items():
            for found in tables_in(inner, (*names, own)):
                yield found._replace(rows=with_lists(found.rows, value))


def with_lists(rows: list[Any], whole: dict[str, Any]) -> list[Any]:
    """Rows with the lists next to their table that have as many values, such as dates."""
    beside = {
        name: one
        for name, one in whole.items()
        if rows and is_plain_list(one) and len(one) == len(rows) and name not in rows[0]
    }
    if not beside:
        return rows
    added = zip(*beside.values(), strict=True)
    return [dict(zip(beside, own, strict=True)) | row for own, row in zip(added, rows, strict=True)]


def are_pairs(value: list[Any]) -> bool:
    """Return whether lists are times with a value each."""
    return len(value) > 1 and all(
        is_plain_list(row) and len(row) == 2 and is_time(row[0]) for row in value
    )


def is_grid(value: list[Any]) -> bool:
    """Return whether lists are the names of columns, and rows with numbers below them."""
    names = value[0] if value else []
    if not all(isinstance(row, list) and len(row) == len(value[0]) for row in value):
        return False
    named = all(isinstance(name, str) for name in names) and len({*names}) == len(names) > 1
    below = value[1 : 1 + MOST_LOOKED_AT]
    if named and all(isinstance(cell, str) for row in below for cell in row):
        return len(names) > 2 and is_header(names, below)  # two may be a time and its value
    return named and any(isinstance(cell, int | float) for row in value[1:] for cell in row)


def holds_times(value: Any) -> bool:
    """Return whether a value is an object of rows by their times."""
    if not isinstance(value, dict) or len(value) < 2:
        return False
    return all(isinstance(row, dict) for row in value.values()) and are_times(value)


def holds_columns(value: Any) -> bool:
    """Return whether a value is an object of columns of several rows, as weather services write."""
    lists = list(value.values()) if isinstance(value, dict) else []
    if not all(isinstance(one, list) for one in lists):
        return False
    return len(lists) > 1 and len(lists[0]) > 1 and are_columns(lists)


def are_columns(lists: list[list[Any]]) -> bool:
    """Return whether lists are as long as each other, and one or more have plain values."""
    return len({*map(len, lists)}) == 1 and any(map(is_plain_list, lists))


def columns_with_times(value: dict[str, Any]) -> dict[str, list[Any]]:
    """The lists of an object that are as long as its longest one, if one of them has times."""
    lists = {name: one for name, one in value.items() if is_plain_list(one) and len(one) > 1}
    longest = max(map(len, lists.values()), default=0)
    found = {name: one for name, one in lists.items() if len(one) == longest}
    timed = len(found) > 1 and any(all(map(is_time, one)) for one in found.values())
    return found if timed else {}


def rows_of_columns(whole: dict[str, list[Any]]) -> list[Any]:
    """The rows of an object of columns."""
    return [dict(zip(whole, row, strict=True)) for row in zip(*whole.values(), strict=True)]


def rows_of_objects(whole: dict[str, dict[str, Any]]) -> list[Any]:
    """The rows of an object of rows, or of columns, whose values have the names of rows."""
    names = list(dict.fromkeys(name for value in whole.values() for name in value))
    if are_row_names(names) and not are_row_names(whole):
        rows = [{column: value.get(name) for column, value in whole.items()} for name in names]
        return with_index(rows, names)
    return [whole] if len(whole) == 1 else with_index(list(whole.values()), list(whole))


def are_row_names(names: Iterable[str]) -> bool:
    """Return whether names are those of rows: numbers, days, or months."""
    return all(name.removeprefix("-").isdecimal() or DAY.match(name) for name in names)


def with_index(rows: list[Any], names: list[str]) -> list[Any]:
    """Rows with a column of their names, where these do not only count rows."""
    if names == [str(place) for place in range(len(names))]:
        return rows
    column = "date" if are_times(names) and not any("date" in row for row in rows) else "index"
    if any(column in row for row in rows):
        return rows
    return [{column: name, **row} for name, row in zip(names, rows, strict=True)]


def named_values(found: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The values of an object, and of the objects in it, which have names such as data.text."""
    for name, value in found.items():
        if isinstance(value, dict) and value:
            yield from ((f"{name}.{key}", one) for key, one in value.items())
        else:
            yield name, None if value == {} else value
