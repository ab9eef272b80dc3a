"""Tables whose values have kinds: which of their columns are read, and which are left out."""

import io

import openpyxl
import pandas as pd
import pytest

from rnn_core.readers.faults import Faults, FaultsError
from rnn_core.readers.table_files import TableForm, read_table_file

ROWS = 40


def read(folder, content, name="t.xlsx"):
    (folder / name).write_bytes(content)
    return read_table_file(folder / name, TableForm(), Faults())


def sheet(rows):
    book, file = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(file)
    return file.getvalue()


TITLE = ["Sales of all shops"]


@pytest.mark.parametrize(
    ("filled", "above"),
    [
        (range(2), []),
        (range(20), []),
        (range(6), [TITLE]),
        (range(20, 40), [TITLE]),
        (range(38, 40), [TITLE]),
    ],
)
def test_column_with_values_in_a_part_of_a_sheet_is_whole(tmp_path, filled, above):
    cells = [place if place in filled else None for place in range(ROWS)]
    rows = [*above, ["n", "y"], *([place, cell] for place, cell in enumerate(cells))]
    frame = read(tmp_path, sheet(rows)).frame
    assert list(frame) == ["n", "y"]
    assert frame["n"].tolist() == list(range(ROWS))
    assert frame["y"].dropna().tolist() == list(filled)


@pytest.mark.parametrize("above", [[TITLE], [TITLE, ["of 2024"]]])
def test_title_above_one_full_column_is_not_its_name(tmp_path, above):
    rows = [[place, "open" if place < 3 else None] for place in range(ROWS)]
    frame = read(tmp_path, sheet([*above, ["y", "note"], *rows])).frame
    assert (list(frame), frame["y"].tolist()) == (["y", "note"], list(range(ROWS)))


def test_notes_beside_a_sheet_are_no_column(tmp_path):
    beside = {0: [None, "Source: the shops"], 3: [None, None, "checked"]}
    rows = [["n", "y"], *([place, 1.5] for place in range(ROWS))]
    rows = [[*row, *beside.get(place, [])] for place, row in enumerate(rows)]
    assert list(read(tmp_path, sheet(rows)).frame) == ["n", "y"]


@pytest.mark.parametrize(("inside", "name"), [([1, 2], "z"), ({"a": [1]}, "z.a")])
def test_values_inside_values_of_parquet_are_left_out_and_told(tmp_path, inside, name):
    file = io.BytesIO()
    pd.DataFrame({"y": [1, 2], "z": [None, inside]}).to_parquet(file)
    table = read(tmp_path, file.getvalue(), "t.parquet")
    assert list(table.frame) == ["y"]
    assert table.notes == (f"left out, since further values are inside: '{name}'",)


def test_values_by_names_in_parquet_are_columns_as_in_json(tmp_path):
    pairs, file = [{"de": "ja", "en": "yes"}, None, {"de": "nein", "en": "no"}], io.BytesIO()
    pd.DataFrame({"n": [1, 2, 3], "pair": pairs, "y": [4, 5, 6]}).to_parquet(file)
    frame = read(tmp_path, file.getvalue(), "t.parquet").frame
    assert list(frame) == ["n", "pair.de", "pair.en", "y"]
    assert frame["pair.en"].fillna("").tolist() == ["yes", "", "no"]


def test_a_name_inside_parquet_may_be_that_of_a_column(tmp_path):
    file = io.BytesIO()
    pd.DataFrame({"z.a": [1, 2], "z": [{"a": 3, "b": [1]}, None]}).to_parquet(file)
    table = read(tmp_path, file.getvalue(), "t.parquet")
    assert list(table.frame) == ["z.a", "z.a"]
    assert table.notes == ("left out, since further values are inside: 'z.b'",)


OTHERS = {
    "SPSS": b"$FL2@(#)",
    "Avro": b"Obj\x01",
    "Feather or Arrow": b"ARROW1",
    "Python": b"\x80\x03cpandas.core.frame\nDataFrame\n",
    "Stata": b"r\x02\x01\x00\x02\x00",
    "R": b"RDX3\nX\n\x00\x00\x00\x03",
    "MATLAB": b"MATLAB 5.0 MAT-file, Platform: GLNXA64",
    "NumPy": b"\x93NUMPY",
    "HTML": b"<table border='1'>",
}


@pytest.mark.parametrize("kind", OTHERS)
def test_files_of_other_programs_are_told_by_their_kind(tmp_path, kind):
    with pytest.raises(FaultsError, match=rf"t\.csv is .* {kind}, no table; export it as CSV"):
        read(tmp_path, OTHERS[kind] + bytes(300), "t.csv")


@pytest.mark.parametrize("name", ["CDF", "ORC", "ARROW1"])
def test_columns_may_be_called_as_files_of_other_programs_begin(tmp_path, name):
    assert list(read(tmp_path, f"{name},y\n1,2\n3,4\n".encode(), "t.csv").frame) == [name, "y"]
