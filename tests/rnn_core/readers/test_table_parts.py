"""Tables in several files, and rows in them that are no values."""

import numpy as np
import pandas as pd
import pytest

from rnn_core.errors import DataError
from rnn_core.readers.faults import Faults
from rnn_core.readers.table_files import TableForm, read_table_file
from rnn_core.readers.tables import load_table, name_of, select_columns, table_files

DAYS = pd.date_range("2024-01-01", periods=60).strftime("%Y-%m-%d")
VALUES = np.arange(60) * 37 % 11 + 0.5
ROWS = [f"{day},{value}" for day, value in zip(DAYS, VALUES, strict=True)]


def written(folder, files):
    for name, lines in files.items():
        (folder / name).write_text("\n".join(lines) + "\n")
    return table_files(folder)


def parts(names, header="date,y", rows=5):
    """Files of `rows` rows each, in an order."""
    return {
        name: [header, *ROWS[rows * place : rows * place + rows]]
        for place, name in enumerate(names)
    }


@pytest.mark.parametrize("form", ["part-{}.csv", "2024_{}.CSV", "sales{}.tsv"])
def test_parts_are_one_table_in_the_order_of_their_numbers(tmp_path, form):
    files = written(tmp_path, parts([form.format(number) for number in range(8, 13)]))
    table = load_table(files, TableForm())
    assert table.frame["date"].tolist() == DAYS[:25].tolist()
    assert table.frame.index[7] == f"4 of {form.format(9)}"
    assert name_of(files) == f"{form.format(8)} to {form.format(12)}"
    assert table.notes[0].startswith("5 files are its parts, in this order: ")


def test_parts_in_other_encodings_are_read_again_as_they_were(tmp_path):
    (first, second) = written(tmp_path, parts(["a1.csv", "a2.csv"], header="day,caf\u00e9"))
    first.write_text(first.read_text(encoding="utf-8"), encoding="utf-16")
    table = load_table([first, second], TableForm())
    again = load_table([first, second], table.form)
    pd.testing.assert_frame_equal(again.frame, table.frame)
    assert list(again.frame) == ["day", "caf\u00e9"]


def test_columns_of_parts_may_stand_in_another_order(tmp_path):
    swapped = [",".join(reversed(row.split(","))) for row in ROWS[5:9]]
    files = written(tmp_path, {**parts(["a1.csv"]), "a2.csv": ["y,date", *swapped]})
    assert load_table(files, TableForm()).frame["date"].tolist() == DAYS[:9].tolist()


def test_part_with_other_columns_is_told(tmp_path):
    files = parts(["a1.csv", "a2.csv", "a3.csv"]) | {"a2.csv": ["date,z", *ROWS[:4]]}
    with pytest.raises(DataError, match=r"a2.csv has other columns \(date, z\) than a1.csv; give"):
        load_table(written(tmp_path, files), TableForm())


def test_faults_of_all_parts_are_told_by_their_files(tmp_path):
    files = parts(["a1.csv", "a2.csv"])
    files["a1.csv"][3] = "2024-01-03"
    files["a2.csv"][2] = "2024-01-07,1,2"
    with pytest.raises(
        DataError, match=r"2 faults\n  a1.csv, row 4 has 1 field[^\n]*\n.*\n  a2.csv, "
    ):
        load_table(written(tmp_path, files), TableForm())


def test_value_that_is_wrong_is_told_by_its_file(tmp_path):
    files = parts(["a1.csv", "a2.csv"])
    files["a2.csv"][2] = "2024-01-07,many"
    table = load_table(written(tmp_path, files), TableForm())
    with pytest.raises(DataError, match=r"t, row 3 of a2\.csv, column 'y': 'many' is not a number"):
        select_columns(table.frame, ["y"], "t", None)


@pytest.mark.parametrize("names", [("a.csv", "b.csv"), ("a1.csv", "b2.csv"), ("a1.csv", "a1.tsv")])
def test_other_tables_are_no_parts(tmp_path, names):
    with pytest.raises(DataError, match=r"2 tables .* call parts of one table alike except"):
        written(tmp_path, parts(names))


def test_pieces_of_two_tables_are_refused(tmp_path):
    names = ["train-00000-of-00003.csv", "train-00001-of-00004.csv"]
    told = f"{names[0]} and {names[1]} are pieces of two tables, since one was cut into 3 and the"
    with pytest.raises(DataError, match=told):
        written(tmp_path, parts(names))
    (tmp_path / names[1]).unlink()
    pieces = written(tmp_path, parts([names[0], "train-00001-of-00003.csv"]))
    assert load_table(pieces, TableForm()).frame["date"].tolist() == DAYS[:10].tolist()


TAGGED = {
    "a word for an address": "<url> so nice,pos",
    "a tag": "<doc>,pos",
    "a comment": "<!-- exported -->,pos",
    "the name of a format": "%PDF again,pos",
}


@pytest.mark.parametrize("kind", TAGGED)
def test_a_table_may_begin_with_a_tag(tmp_path, kind):
    rows = [TAGGED[kind], "not for me,neg", "fine by me,pos"]
    (file,) = written(tmp_path, {"t.csv": rows})
    read = read_table_file(file, TableForm(header=False), Faults()).frame
    assert read.to_numpy().tolist() == [row.split(",") for row in rows]


def test_names_below_those_of_groups_are_the_names_of_one_column_of_numbers(tmp_path):
    days = [f"{day},{'xyz'[i % 3]},{i}" for i, day in enumerate(DAYS)]
    lines = [",Sales,", "date,region,value", *days]
    table = load_table(written(tmp_path, {"t.csv": lines}), TableForm())
    assert list(table.frame) == ["date", "region", "value"]
    assert table.frame["date"].tolist() == DAYS.tolist()


def test_a_first_row_of_signs_for_missing_values_is_none_of_names(tmp_path):
    rows = [f"{'ABC'[i % 3]},{i},{i + 1}" for i in range(9)]
    table = load_table(
        written(tmp_path, {"t.csv": ["station,,", "Oslo,n/a,-", *rows]}), TableForm()
    )
    assert table.frame["station"].tolist() == ["Oslo", *"ABC" * 3]


def test_a_first_row_with_a_word_above_the_only_numbers_is_none_of_names(tmp_path):
    rows = [f"{'ABC'[i % 3]},{i},n{i}" for i in range(9)]
    (file,) = written(tmp_path, {"t.csv": ["station,value,", "Oslo,fehlt,start", *rows]})
    read = read_table_file(file, TableForm(), Faults()).frame
    assert list(read)[:2] == ["station", "value"]


def test_parts_with_points_and_with_commas_are_told(tmp_path):
    commas = ["date;y", *(row.replace(",", ";").replace(".", ",") for row in ROWS[5:])]
    files = written(tmp_path, {**parts(["a1.csv"]), "a2.csv": commas})
    with pytest.raises(DataError, match=r"a1\.csv to a2\.csv differ in the separator of fields or"):
        load_table(files, TableForm())


UNITS = {
    "units": ["date,y", ",kg/m3"],
    "units with a word for days": ["date,y", "yyyy-mm-dd,m^2"],
    "several rows": ["date,y", "TS,W/m2", ",Avg"],
    "names of shares": ["Price,Close", "Ticker,AAPL", "Date,"],
}


@pytest.mark.parametrize("kind", UNITS)
def test_rows_of_units_are_left_out_and_told(tmp_path, kind):
    table = load_table(written(tmp_path, {"t.csv": [*UNITS[kind], *ROWS]}), TableForm())
    assert table.frame.iloc[:, 0].tolist() == DAYS.tolist()
    assert table.frame.index[0] == len(UNITS[kind]) + 1
    (note,) = table.notes
    assert note.startswith("left out, since no number or day is in it where all others have one: ")
    assert note.count("row ") == len(UNITS[kind]) - 1
    assert UNITS[kind][1].replace(",", ", ") in note


NO_UNITS = {
    "gaps at the start": ["2023-12-31,", "2023-12-31,n/a"],
    "a day with a word": ["2023-12-31,many"],
    "blanks": [",", ","],
    "many words": ["a,b"] * 9,
}


@pytest.mark.parametrize("kind", NO_UNITS)
def test_other_rows_are_values(tmp_path, kind):
    table = load_table(
        written(tmp_path, {"t.csv": ["date,y", *NO_UNITS[kind], *ROWS]}), TableForm()
    )
    first = [row.split(",")[0] for row in (*NO_UNITS[kind], *ROWS)]
    assert table.frame["date"].fillna("").tolist() == first


@pytest.mark.parametrize("size", [3, 30])
@pytest.mark.parametrize("rows", [ROWS, [f"good film {i},pos" for i in range(60)]])
def test_column_names_that_come_again_are_left_out_and_told(tmp_path, size, rows):
    lines = ["text,label", *rows[:size], "text,label", *rows[size:]]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    table = read_table_file(tmp_path / "t.csv", TableForm(), Faults())
    assert table.frame["label"].tolist() == [row.split(",")[1] for row in rows]
    assert table.frame.index[size] == size + 3
    assert table.notes == (f"left out, since it has the column names again: row {size + 2}",)


def test_values_that_are_names_of_columns_too_stay(tmp_path):
    (tmp_path / "t.csv").write_text("text,label\ntext,pos\nsome,label\nother,pos\n")
    table = read_table_file(tmp_path / "t.csv", TableForm(header=True), Faults())
    assert table.frame.values.tolist() == [["text", "pos"], ["some", "label"], ["other", "pos"]]
