"""Texts of errors: short enough for a terminal, whatever the user wrote."""

import pytest

from rnn_core.errors import DataError, ParameterError, unknown
from rnn_core.readers.faults import Faults, FaultsError


def test_the_middle_of_a_long_line_is_left_out():
    said = str(DataError(f"t.csv, row 3: {'9' * 9000} is no number; remove it"))
    assert said.startswith("t.csv, row 3: 999")
    assert said.endswith("99 is no number; remove it")
    assert " … " in said
    assert len(said) < 800


def test_a_name_as_long_as_a_file_leaves_room_for_the_rest():
    said = str(ParameterError(unknown("column", "Date", ["y" * 9000])))
    assert said.startswith("unknown column 'Date'; known: yyy")
    assert len(said) < 800


def test_each_of_several_faults_is_shown_in_part():
    faults = Faults()
    faults.add(f"row 1: {'a' * 5000} is no label", "remove it")
    faults.add("row 2 has 1 field", "complete it")
    with pytest.raises(FaultsError) as error:
        faults.check()
    lines = str(error.value).splitlines()
    assert lines[1].endswith("aa is no label")
    assert len(lines[1]) < 800
    assert lines[2:] == [
        "    what to do: remove it",
        "  row 2 has 1 field",
        "    what to do: complete it",
    ]


def test_a_message_of_usual_length_is_whole():
    text = ", ".join(f"column {number}" for number in range(60))
    assert str(DataError(text)) == text
