"""The user's own tables; refusals are in malformed/forecasting.py."""

import mmap
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from rnn_core.errors import DataError
from rnn_core.readers.faults import Faults
from rnn_core.readers.formats.memory import give_back
from rnn_core.readers.table_files import TableForm
from rnn_core.readers.tables import (
    as_numbers,
    check_gaps,
    check_values,
    load_table,
    select_columns,
    table_files,
)

PLAIN = "date,y\n2024-01-01,1.5\n2024-01-02,2.5\n"


def test_other_files_of_the_folder_do_not_matter(tmp_path):
    for name in ("SALES.CSV", "._SALES.CSV", "readme.txt"):
        (tmp_path / name).write_text(PLAIN)
    assert [file.name for file in table_files(tmp_path)] == ["SALES.CSV"]


READ = {
    "1,234,567": (None, 1_234_567),
    "1,234.5": (None, 1234.5),
    "1'234.50": (None, 1234.5),
    "1 234": (None, 1234),
    "1\u202f234": (None, 1234),
    "1,234": (".", 1234),
    "12,34,567": (None, 1_234_567),
    "1,234 ": (",", 1.234),
    "-0,25": (",", -0.25),
    "1.234,5": (",", 1234.5),
    "1.234": (",", 1234),
    "0.125": (",", 0.125),
    "$12": (None, 12),
    "US$12": (None, 12),
    "CHF 1'234": (None, 1234),
    "-$5": (None, -5),
    "\u20ac 3": (None, 3),
    "(5.00)": (None, -5),
    "($1,000.50)": (None, -1000.5),
    "5.00-": (None, -5),
    "\u22123": (None, -3),
    "1.50M": (None, 1.5e6),
    "900K": (None, 9e5),
    "10.038\u00a0": (None, 10.038),
    "'10.038": (None, 10.038),
    "1e-3": (None, 0.001),
    "12 %": (None, 12),
    "12.5 kg": (None, 12.5),
    "Rs.1,234.50": (None, 1234.5),
    "kr. 1.234,50": (",", 1234.5),
    "NOK -7": (None, -7),
    "3,25 m3": (",", 3.25),
    "8 kWh/m2": (None, 8),
    "Rs.500/-": (None, 500),
    "CHF 12.-": (None, 12),
    "kr 1.200,-": (",", 1200),
    "7.5 g CO2": (None, 7.5),
}


def numbers_of(values, decimal=None):
    faults = Faults()
    rows = [*range(2, len(values) + 2)]
    found = as_numbers(pd.Series(values, name="y", index=rows), "t.csv", decimal, faults, {})
    return found, faults


@pytest.mark.parametrize("text", READ)
def test_numbers_are_read_as_they_are_meant(text):
    """Beside others of their kind; against numbers written by hand."""
    decimal, number = READ[text]
    found, faults = numbers_of([text, text], decimal)
    faults.check()
    assert found.tolist() == [number, number]


GAPS = [
    "",
    "  ",
    "NA",
    "n/a",
    "NaN",
    "null",
    "None",
    ".",
    "-",
    "--",
    "?",
    "#N/A",
    "..",
    ":",
    "\\N",
    "#DIV/0!",
    "#BEZUG!",
    "#\u00bfNOMBRE?",
    "#N/D",
    "#N/A Field Not Applicable",
    "Err:508",
    None,
]


@pytest.mark.parametrize("text", GAPS)
def test_what_stands_for_no_value_is_a_gap(text):
    found, faults = numbers_of(["1", text, "-2.5"])
    faults.check()
    np.testing.assert_array_equal(found, [1, np.nan, -2.5])


UNCLEAR = {
    "12,5": "has a comma; write decimals with a point .*; for a new study .*--set decimal=,",
    "1,234": "has a comma before decimals, or between thousands; write decimals with a",
    "1.234,5": "has a comma",
    "12 %": "has a unit, and others have none",
    "12.5 kg": "has a unit, and others have none",
    "many": "is not a number; write a number, or leave it empty",
    "######": "is not a number",  # of a cell that was too narrow
    "#7": "is not a number",
    "Room 5": "is not a number",
    "5 m30": "is not a number",
    "10x2": "is not a number",
    "12B3": "is not a number",
    "5 -": "is not a number",
    "#ok": "is not a number",
    "2024-01-01": "is not a number",
    "(5": "is not a number",
    "--5": "is not a number",
    "1,23,45": "has a comma",
}


@pytest.mark.parametrize("text", UNCLEAR)
def test_what_is_no_number_for_certain_is_told(text):
    _, faults = numbers_of(["1", text])
    with pytest.raises(DataError, match=rf"t\.csv, row 3, column 'y': .*{UNCLEAR[text]}"):
        faults.check()


def test_two_units_of_a_column_are_told():
    _, faults = numbers_of(["$5", "\u20ac6", "3 kg"])
    with pytest.raises(DataError, match="3 faults") as error:
        faults.check()
    assert str(error.value).count("has a unit, and others have none, or another") == 3


@pytest.mark.parametrize("text", ["True", "false"])
def test_texts_of_true_and_false_are_no_numbers(text):
    _, faults = numbers_of([text, "True"])
    with pytest.raises(DataError, match="column 'y' holds true and false; write 1 and 0"):
        faults.check()


def test_durations_are_no_numbers():
    _, faults = numbers_of(pd.to_timedelta([1, 2], unit="h").tolist())
    with pytest.raises(DataError, match="column 'y' holds durations, not numbers"):
        faults.check()


@pytest.mark.parametrize("values", [[True, False], [True, None, False]])
def test_true_and_false_are_no_numbers(values):
    _, faults = numbers_of(values)
    with pytest.raises(DataError, match="column 'y' holds true and false"):
        faults.check()


@pytest.mark.parametrize("kind", ["Int64", "Float64", "float32", "object"])
def test_numbers_of_any_kind_become_float64(kind):
    values = pd.Series([1, None, 3], dtype=kind, name="y")
    if kind == "object":
        values = values.map(lambda value: None if value is None else Decimal(value))
    numbers = as_numbers(values, "t.csv", None, Faults(), {})
    assert numbers.dtype == np.float64
    np.testing.assert_array_equal(numbers, [1, np.nan, 3])


def test_all_flaws_are_told():
    table = pd.DataFrame(
        {"a": [1, 2, np.nan, np.nan], "x": ["1", "", "3", "inf"]}, index=[2, 3, 4, 5]
    )
    with pytest.raises(DataError, match="row 5, column 'x' is infinite; leave it empty"):
        select_columns(table, ["a", "x"], "t.csv", None)
    with pytest.raises(DataError, match="row 5, column 'x' is too large"):
        select_columns(table.replace("inf", "1e308"), ["a", "x"], "t.csv", None)
    numbers = select_columns(table[:3], ["a", "x"], "t.csv", None)
    with pytest.raises(DataError) as error:
        check_gaps(numbers, "t.csv", "fill it")
    assert str(error.value).splitlines() == [
        "2 faults",
        "  t.csv, row 3, column 'x' has no value",
        "  t.csv, row 4, column 'a' has no value",
        "    what to do: fill it",
    ]


def test_split_without_a_value_is_told():
    y = pd.DataFrame({"y": [1.0, np.nan, 3, np.nan, np.nan, 5]})
    check_values(y, {"a": slice(0, 3), "b": slice(3, 6)}, "t.csv")
    with pytest.raises(DataError, match=r"t\.csv: column 'y' has no value at all in the b"):
        check_values(y, {"a": slice(0, 3), "b": slice(3, 5)}, "t.csv")


def test_blank_rows_are_told_with_those_that_do_not_fit(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n\n3,4\n\n5\n6,7\n")
    with pytest.raises(DataError) as error:
        load_table([tmp_path / "t.csv"], TableForm())
    assert str(error.value).splitlines()[1:4] == [
        "  t.csv, row 6 has 1 field, fewer than the 2 columns",
        "    what to do: complete it, or remove it (the last one may be cut off)",
        "  t.csv, row 3 is blank",
    ]


def test_columns_that_are_taken_leave_the_table(tmp_path):
    (tmp_path / "t.csv").write_text("a,b,c\n1,2,x\n3,4,y\n")
    frame = load_table([tmp_path / "t.csv"], TableForm()).frame
    kept = select_columns(frame, ["b", "a"], "t.csv", None)
    assert list(frame) == ["a", "b", "c"]
    taken = select_columns(frame, ["b", "a"], "t.csv", None, take=True)
    assert list(frame) == ["c"]
    assert taken.equals(kept)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is that of Linux")
def test_memory_of_texts_and_numbers_that_were_let_go_is_given_back():
    """A piece of each kind is kept, and what lies below it is not given back by itself."""

    def resident():
        return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE

    size, count = 100_000, 400
    give_back()
    before = resident()
    texts = [pa.array(["x" * size]) for _ in range(count)]
    numbers = [bytearray(b"x") * size for _ in range(count)]
    held = texts[-1], numbers[-1]
    grown = resident() - before
    del texts, numbers
    give_back()
    assert grown > 1.8 * size * count
    assert resident() - before < 0.2 * grown
    assert held
