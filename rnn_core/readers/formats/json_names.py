"""Lists of JSON whose names are apart from them, or that have none."""

from collections.abc import Iterator
from typing import Any

from rnn_core.readers.formats.json_values import is_plain_list, is_time


def rows_by_names(whole: dict[str, Any]) -> list[Any]:
    """The rows of an object with lists of values and the names of these apart; none of another one.

    The lists are rows or columns beside a list of names, as answers of databases have them, or each
    is in an object with its name, beside a list of times or other labels, as those of charts.
    """
    there = [(name, value) for name, value in inner_values(whole) if isinstance(value, list)]
    for place, (_, value) in enumerate(there):
        others = there[:place] + there[place + 1 :]
        if rows := rows_of_charts(value, others) or rows_of_grid(without_boxes(value), others):
            return rows
    return []


def inner_values(whole: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The values of an object, and of the objects in it, with their names."""
    for name, value in whole.items():
        yield from value.items() if isinstance(value, dict) else [(name, value)]


def rows_of_charts(objects: list[Any], others: list[tuple[str, Any]]) -> list[Any]:
    """Rows of named lists of numbers that are as long as one other list; none of others."""
    names = names_in(objects) if all(isinstance(one, dict) for one in objects) else []
    lists = [[*filter(holds_numbers, one.values())] for one in objects if names]
    if not names or {*map(len, lists)} != {1}:
        return []
    long = [name for name, one in others if is_plain_list(one) and len(one) == len(lists[0][0])]
    columns = [one for [one] in lists]
    if len(long) != 1 or {*map(len, columns)} != {len(columns[0])} or long[0] in names:
        return []
    labels = next(one for name, one in others if name == long[0])
    named = dict(zip([long[0], *names], [labels, *columns], strict=True))
    return [dict(zip(named, row, strict=True)) for row in zip(*named.values(), strict=True)]


def holds_numbers(value: Any) -> bool:
    """Return whether a value is a list of plain values, some of which are numbers."""
    return is_plain_list(value) and any(isinstance(one, int | float) for one in value)


def rows_of_grid(grid: list[Any], others: list[tuple[str, Any]]) -> list[Any]:
    """The rows of lists, which are rows or columns, beside the names of columns; none of others."""
    if not is_even(grid):
        return []
    found = [names for _, one in others if (names := names_in(one))]
    turned = [list(row) for row in zip(*grid, strict=True)]
    of_columns = len(grid) != len(grid[0]) or all(map(is_time, grid[0]))
    for names in found:
        if len(names) == len(grid) and of_columns:
            return [dict(zip(names, row, strict=True)) for row in turned]
        if len(names) == len(grid[0]):
            return [dict(zip(names, row, strict=True)) for row in grid]
    return []


def rows_by_place(grid: list[Any], *, anything: bool) -> list[Any]:
    """Rows of lists without names, whose columns are called 1, 2, 3; none of other lists.

    Args:
        grid: The lists.
        anything: Whether they are rows although none begins with a time.
    """
    if not is_even(grid) or not (anything or all(is_time(row[0]) for row in grid)):
        return []
    return [{str(place): value for place, value in enumerate(row, 1)} for row in grid]


def is_even(grid: list[Any]) -> bool:
    """Return whether a value is two or more lists of as many plain values, two or more."""
    even = len(grid) > 1 and all(map(is_plain_list, grid))
    return even and len({*map(len, grid)}) == 1 and len(grid[0]) > 1


def names_in(value: list[Any]) -> list[str]:
    """Different names that a list holds, or that its objects have; none of another list."""
    columns = [value]
    if value and all(isinstance(one, dict) for one in value):
        keys = sorted(value[0], key=lambda key: not key.lower().endswith(("name", "label")))
        columns = [[one.get(key) for one in value] for key in keys]
    for names in columns:
        if all(isinstance(name, str) for name in names) and len({*names}) == len(names):
            return names
    return []


def without_boxes(rows: list[Any]) -> list[Any]:
    """Lists of values, where each and each value in it is alone in an object of its own."""
    lists = [unboxed(row) for row in rows]
    return [list(map(unboxed, row)) if isinstance(row, list) else row for row in lists]


def unboxed(value: Any) -> Any:
    """The only value of an object; another value as it is."""
    return next(iter(value.values())) if isinstance(value, dict) and len(value) == 1 else value
