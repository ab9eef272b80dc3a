"""Tables of a person's own; what is refused is in malformed/forecasting.py."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from rnn_core.errors import DataError
from rnn_core.readers.tables import as_numbers, load_table, numbered, table_file, with_gaps

PLAIN = "date,y\n2024-01-01,1.5\n2024-01-02,2.5\n"


def load(tmp_path, content):
    file = tmp_path / "t.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return load_table(file)


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.encode("utf-8-sig"),
        PLAIN.replace("date,y", '"date","y"').encode("utf-8-sig"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.rstrip("\n"),
        PLAIN + "\n\n",
        "\n" + PLAIN,
        PLAIN.replace(",", ", "),
        '"date","y"\n"2024-01-01","1.5"\n"2024-01-02","2.5"\n',
    ],
)
def test_usual_forms_of_csv_are_read_alike(tmp_path, content):
    table = load(tmp_path, content)
    assert table["date"].tolist() == ["2024-01-01", "2024-01-02"]
    assert table["y"].tolist() == [1.5, 2.5]


def test_rows_are_numbered_as_lines(tmp_path):
    table = load(tmp_path, 'y,note\n1,"two\nlines"\n2,b\n')
    assert table.index.tolist() == [2, 4]
    assert numbered(table).index.tolist() == [2, 4]
    assert numbered(table.reset_index(drop=True)).index.tolist() == [1, 2]


def test_index_of_a_parquet_file_is_a_column_if_it_has_a_name(tmp_path):
    table = pd.DataFrame(
        {"y": [1.0, 2.0]}, index=pd.date_range("2024-01-01", periods=2, name="date")
    )
    table.to_parquet(tmp_path / "t.parquet")
    read = load_table(tmp_path / "t.parquet")
    assert list(read.columns) == ["date", "y"]
    assert read.index.tolist() == [1, 2]


def test_other_files_of_the_folder_do_not_matter(tmp_path):
    for name in ("SALES.CSV", "._SALES.CSV", "readme.txt"):
        (tmp_path / name).write_text(PLAIN)
    assert table_file(tmp_path).name == "SALES.CSV"


NUMBERS = {
    "12,5": "it has a comma",
    "-0,25": "it has a comma",
    "1,234": "it has a comma; write decimals with a point and thousands without",
    "1,234,567": "has separators of thousands",
    "1.234,5": "has separators of thousands",
    "1 234": "has separators of thousands",
    "1'234.50": "has separators of thousands",
    "$12": "has a unit",
    "12 %": "has a unit",
    "12.5 kg": "has a unit",
    "€ 3": "has a unit",
    "?": "is not a number$",
    "n.a.": "is not a number$",
    "2024-01-01": "is not a number$",
}


@pytest.mark.parametrize("text", NUMBERS)
def test_kind_of_what_is_no_number_is_told(text):
    values = pd.Series(["1", text, text], index=[2, 3, 4], name="y")
    with pytest.raises(DataError, match=r"t\.csv, row 3, column 'y'.*\(2 such values in all\)"):
        as_numbers(values, "t.csv")
    with pytest.raises(DataError, match=NUMBERS[text]):
        as_numbers(values[:2], "t.csv")


@pytest.mark.parametrize("values", [[True, False], [True, None, False]])
def test_true_and_false_are_no_numbers(values):
    with pytest.raises(DataError, match="column 'y' holds true and false"):
        as_numbers(pd.Series(values, name="y"), "t.csv")


@pytest.mark.parametrize("kind", ["Int64", "Float64", "float32", "object"])
def test_numbers_of_any_kind_become_float64(kind):
    values = pd.Series([1, None, 3], dtype=kind, name="y")
    if kind == "object":
        values = values.map(lambda value: None if value is None else Decimal(value))
    numbers = as_numbers(values, "t.csv")
    assert numbers.dtype == np.float64
    np.testing.assert_array_equal(numbers, [1, np.nan, 3])


def test_cell_of_spaces_is_a_gap():
    numbers = as_numbers(pd.Series(["1", "  ", "3e2", None], name="y"), "t.csv")
    np.testing.assert_array_equal(numbers, [1, np.nan, 300, np.nan])


def test_first_flaw_and_their_count_are_told():
    table = pd.DataFrame(
        {"a": [1, 2, np.nan, np.nan], "x": [1, np.nan, 3, np.inf]}, index=[2, 3, 4, 5]
    )
    with pytest.raises(DataError, match=r"row 3, column 'x' has no value \(3 gaps in all\)"):
        with_gaps(table, {"train side": slice(0, 4)}, "error", "t.csv")
    with pytest.raises(DataError, match="row 5, column 'x' is infinite"):
        with_gaps(table, {"train side": slice(0, 4)}, "fill", "t.csv")


def test_gaps_that_are_filled_by_who_reads_them_are_kept():
    y = np.array([np.nan, 1, np.nan, np.nan, 4, np.nan, 7, np.nan, np.nan, 9])
    sides = {"a": slice(0, 4), "b": slice(4, 9)}
    np.testing.assert_array_equal(
        with_gaps(pd.DataFrame({"y": y}), sides, "fill", "t.csv")[:, 0], y[:9]
    )
    with pytest.raises(DataError, match=r"t\.csv: column 'y' has no value at all in the b"):
        with_gaps(pd.DataFrame({"y": y}), sides | {"b": slice(7, 9)}, "fill", "t.csv")
