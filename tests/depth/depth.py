"""The tests that a run leaves out to be quick; `make test-all` leaves out none."""

import os
import re
from collections import defaultdict

import pytest

LEAVES_OUT = "GATEWISE_TEST_ALL" not in os.environ


def number(*, quick: int, whole: int) -> int:
    """A number of draws or rounds: the smaller one if a run is to be quick."""
    return quick if LEAVES_OUT else whole


def leave_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take out of `items` what is left out, unless tests are asked for by their names."""
    named = any("::" in argument for argument in config.args) or config.getoption("keyword")
    if LEAVES_OUT and not named:
        left_out = left_out_of(items)
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def left_out_of(items: list[pytest.Item]) -> list[pytest.Item]:
    """Find the tests marked `thorough`, and all but one in n of those marked `one_in(n)`.

    A combination of values has a place: the sum of the places of its values, each in the order of
    its `parametrize`. Every n-th place stays. So each value stays somewhere, if it is combined
    with at least n values.
    """
    places: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    found = []
    for item in items:
        mark, place = item.get_closest_marker("one_in"), 0
        for names, value in values_of(item):
            known = places[item.nodeid.partition("[")[0], names]
            place += known.setdefault(value, len(known))
        if item.get_closest_marker("thorough") or (mark and place % mark.args[0]):
            found.append(item)
    return found


def values_of(item: pytest.Item) -> list[tuple[str, str]]:
    """The names of each `parametrize` of a test, with the values that it gives."""
    given = item.callspec.params if hasattr(item, "callspec") else {}
    marks = [str(mark.args[0]) for mark in item.iter_markers("parametrize")]
    return [
        (names, repr([given[name] for name in re.findall(r"\w+", names) if name in given]))
        for names in marks
    ]
