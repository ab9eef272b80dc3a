"""Tables whose columns blanks align, and names of columns in a comment."""

import io

import numpy as np
import pandas as pd
import pytest

from rnn_core.readers.faults import Faults, FaultsError
from rnn_core.readers.table_files import TableForm, is_table_file, read_table_file

MONTHS = pd.date_range("1990-01-01", periods=40, freq="MS")
VALUES = (350 + np.arange(40) * 7 % 11 / 8).round(2)


def lines(form):
    return [
        form.format(year=month.year, month=month.month, value=value, name=f"a{place % 3}")
        for place, (month, value) in enumerate(zip(MONTHS, VALUES, strict=True))
    ]


def read(folder, text, name="co2.dat", **form):
    (folder / name).write_text(text)
    return read_table_file(folder / name, TableForm(**form), Faults())


ALIGNED = {
    "right": "{year:8d}{month:5d}{value:12.2f}",
    "left": "{year:<8d}{month:<5d}{value:<12.2f}",
    "one blank": "{year} {month} {value}",
    "tabs and blanks": "{year}  \t{month} \t {value}",
    "words": "{year:8d}{month:5d}{value:12.2f}  {name}",
}


@pytest.mark.parametrize("kind", ALIGNED)
@pytest.mark.parametrize("header", [True, False])
def test_columns_are_found(tmp_path, kind, header):
    names = "  year month  co2" + ("  site" if kind == "words" else "")
    text = "\n".join([names] * header + lines(ALIGNED[kind])) + "\n"
    table = read(tmp_path, text)
    assert (table.form.separator, table.form.header) in {(" ", header), ("\t", header)}
    assert table.frame.iloc[:, 0].str.strip().tolist() == MONTHS.year.astype(str).tolist()
    assert table.frame.iloc[:, 2].astype(float).tolist() == VALUES.tolist()
    again = read(tmp_path, text, separator=table.form.separator, header=header)
    pd.testing.assert_frame_equal(again.frame, table.frame)


def test_row_with_fewer_fields_is_told(tmp_path):
    rows = lines(ALIGNED["right"])
    rows[9] = rows[9][:-12]
    with pytest.raises(
        FaultsError, match=r"co2\.dat, row 11 has 2 fields, fewer than the 3 columns"
    ):
        (tmp_path / "co2.dat").write_text("\n".join(["year month co2", *rows, ""]))
        faults = Faults()
        read_table_file(tmp_path / "co2.dat", TableForm(), faults)
        faults.check()


@pytest.mark.parametrize(
    "text",
    [
        "text\na fine film\nno good film\n",
        "day and time\n2024-01-01 10:00\n2024-01-01 11:00\n",
        "price\n5 kg\n6 kg\n",
        "a,b\n1 2,3\n4 5,6\n",
    ],
)
def test_other_texts_are_not_aligned(tmp_path, text):
    assert read(tmp_path, text, "t.csv").form.separator == ","


SAVED = {
    "savetxt": (" ", "# year month co2"),
    "savetxt with commas": (",", "# year,month,co2"),
    "no blank": (",", "#year,month,co2"),
    "further comments": (";", "# by us; at home\n#\n# year;month;co2"),
    "aligned": ("  ", "#   year   month   co2"),
}


@pytest.mark.parametrize("kind", SAVED)
def test_names_of_columns_in_a_comment_are_found(tmp_path, kind):
    separator, comments = SAVED[kind]
    body = lines(separator.join(["{year}", "{month}", "{value}"]))
    text = "\n".join([comments, *body, ""])
    table = read(tmp_path, text)
    assert list(table.frame) == ["year", "month", "co2"]
    assert table.frame["co2"].astype(float).tolist() == VALUES.tolist()
    row = comments.count("\n") + 1
    assert table.notes[-1] == f"line {row}, a comment, has the column names"
    assert table.frame.index[0] == row + 1
    again = read(tmp_path, text, **vars(table.form))
    pd.testing.assert_frame_equal(again.frame, table.frame)
    assert list(read(tmp_path, text, header=False).frame) == ["1", "2", "3"]


def test_what_numpy_saves_is_read(tmp_path):
    file = io.StringIO()
    np.savetxt(file, np.stack([MONTHS.year, MONTHS.month, VALUES], 1), header="year month co2")
    assert list(read(tmp_path, file.getvalue()).frame) == ["year", "month", "co2"]


def test_column_of_numbers_of_rows_may_be_called_by_a_mark(tmp_path):
    body = [f"{place},{value}" for place, value in enumerate(VALUES)]
    table = read(tmp_path, "\n".join(["#,co2", *body, ""]), "t.csv")
    assert list(table.frame) == ["Unnamed: 0", "co2"]


COMMENTS = {"fewer": "# made by us", "numbers": "# 1,2,3", "a header below": "# a,b,c\nx,y,z"}


@pytest.mark.parametrize("kind", COMMENTS)
def test_other_comments_are_no_names(tmp_path, kind):
    body = lines("{year},{month},{value}")
    table = read(tmp_path, "\n".join([COMMENTS[kind], *body, ""]), "t.csv")
    assert list(table.frame) == (["x", "y", "z"] if "below" in kind else ["1", "2", "3"])


def test_dat_is_a_table():
    assert all(is_table_file(pd.io.common.Path(name)) for name in ("a.dat", "A.DAT", "a.data.gz"))
