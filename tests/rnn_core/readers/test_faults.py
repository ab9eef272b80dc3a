"""All faults of the user's files are reported at once."""

from copy import copy

import pytest

from rnn_core.errors import DataError
from rnn_core.readers.faults import MOST_TOLD, Faults, FaultsError


def test_one_fault_is_a_line():
    faults = Faults()
    faults.add("a.wav, byte 3 is odd", "record it again")
    with pytest.raises(DataError) as caught:
        faults.check()
    assert str(caught.value) == "a.wav, byte 3 is odd; record it again"


def test_nothing_noted_is_nothing_refused():
    faults = Faults()
    with faults.noted():
        pass
    faults.check()


def test_several_are_told_by_what_helps():
    faults = Faults()
    faults.add("row 2 is blank", "remove it")
    with faults.noted():
        raise DataError("there is no column y")
    faults.add("row 7 is blank", "remove it")
    with pytest.raises(DataError) as caught:
        faults.check()
    assert str(caught.value).splitlines() == [
        "3 faults",
        "  row 2 is blank",
        "  row 7 is blank",
        "    what to do: remove it",
        "  there is no column y",
    ]


def test_of_a_kind_ten_are_told_and_the_others_counted():
    faults = Faults()
    for row in range(MOST_TOLD + 13):
        faults.add(f"row {row} is blank", "remove it")
    with pytest.raises(DataError) as caught:
        faults.check()
    lines = str(caught.value).splitlines()
    assert lines[0] == "23 faults"
    assert lines[1:11] == [f"  row {row} is blank" for row in range(10)]
    assert lines[11:] == ["  ... and 13 more of this kind", "    what to do: remove it"]


def test_those_of_parts_are_counted_too():
    faults = Faults()
    for part in "ab":
        own = Faults()
        for row in range(1000):
            own.add(f"{part}, row {row} is blank", "remove it")
        with faults.noted():
            own.check()
    assert faults.found == {"remove it": [f"a, row {row} is blank" for row in range(MOST_TOLD)]}
    with pytest.raises(
        DataError, match=r"^2000 faults\n(.*\n)*  \.\.\. and 1990 more of this kind"
    ):
        faults.check()


def test_those_of_a_part_are_noted_among_the_others():
    part, faults = Faults(), Faults()
    part.add("b.wav is silent", "record it again")
    faults.add("a.wav is silent", "record it again")
    with faults.noted():
        part.check()
    assert faults.found == {"record it again": ["a.wav is silent", "b.wav is silent"]}


def test_a_copy_for_another_process_is_the_same():
    """It is made as pickle makes one."""
    error = FaultsError({"remove it": ["row 2 is blank", "row 3 is blank"]}, {"remove it": 5})
    again = copy(error)
    assert (str(again), again.found, again.more) == (str(error), error.found, error.more)
