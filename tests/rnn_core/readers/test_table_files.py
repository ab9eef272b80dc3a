"""Any file that holds one table: its layout is found, and rows that do not fit it are reported."""

import gzip
import io

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packed_files import zipped

from rnn_core.errors import DataError
from rnn_core.readers.faults import Faults, FaultsError
from rnn_core.readers.table_files import TableForm, is_table_file, read_table_file
from rnn_core.readers.times.columns import read_times

PLAIN = "date,y\n2024-01-01,1.5\n2024-01-02,2.5\n"
VALUES = {"date": ["2024-01-01", "2024-01-02"], "y": ["1.5", "2.5"]}


def read(tmp_path, content, name="t.csv", **form):
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    faults = Faults()
    table = read_table_file(file, TableForm(**form), faults)
    return table, faults


def values(tmp_path, content, name="t.csv", **form):
    table, faults = read(tmp_path, content, name, **form)
    faults.check()
    return table.frame.to_dict("list")


ALIKE = {
    "commas": PLAIN,
    "mark of UTF-8": PLAIN.encode("utf-8-sig"),
    "quoted names behind a mark": PLAIN.replace("date,y", '"date","y"').encode("utf-8-sig"),
    "UTF-16": PLAIN.encode("utf-16"),
    "UTF-16 without a mark": PLAIN.encode("utf-16-le"),
    "UTF-32": PLAIN.encode("utf-32"),
    "lines of Windows": PLAIN.replace("\n", "\r\n"),
    "lines of old Macs": PLAIN.replace("\n", "\r"),
    "last line not ended": PLAIN.rstrip("\n"),
    "blank lines around": "\n\n" + PLAIN + "\n\n",
    "rows of separators at the end": PLAIN + ",\n,\n",
    "blanks after separators": PLAIN.replace(",", ", "),
    "blanks around names": PLAIN.replace("date,y", " date\t, y "),
    "all quoted": '"date","y"\n"2024-01-01","1.5"\n"2024-01-02","2.5"\n',
    "separator after the last value": PLAIN.replace("5\n", "5,\n"),
    "separator after the last value and name": PLAIN.replace("\n", ",\n"),
    "semicolons": PLAIN.replace(",", ";"),
    "tabs": PLAIN.replace(",", "\t"),
    "bars": PLAIN.replace(",", "|"),
    "comments": "# exported by a tool, on 2024-03-01\n# second, line\n" + PLAIN,
    "title": "Sales of the north\n\n" + PLAIN,
    "line for Excel": "sep=;\n" + PLAIN.replace(",", ";"),
    "carriage return within a line": PLAIN.replace("1.5\n", "1.5\n").replace("2.5\n", "2.5\r\r\n"),
}


@pytest.mark.parametrize("form", ALIKE)
def test_forms_of_a_table_are_read_alike(tmp_path, form):
    assert values(tmp_path, ALIKE[form]) == VALUES


PACKED = {
    "t.CSV": PLAIN.encode(),
    "t.tsv": PLAIN.replace(",", "\t").encode(),
    "t.Txt": PLAIN.replace(",", ";").encode(),
    "t.csv.gz": gzip.compress(PLAIN.encode()),
    "t.zip": zipped({"a/t.csv": PLAIN, "__MACOSX/a/._t.csv": "x", "readme.md": "x"}),
    "t.csv.zip": zipped({"t.csv": PLAIN}),
    "packed.csv": gzip.compress(PLAIN.encode()),
    "t.jsonl": b'{"date": "2024-01-01", "y": "1.5"}\n\n{"date": "2024-01-02", "y": "2.5"}\n',
    "t.json": b'[{"date": "2024-01-01", "y": "1.5"}, {"date": "2024-01-02", "y": "2.5"}]',
}


@pytest.mark.parametrize("name", PACKED)
def test_files_are_read_whatever_they_are_called_or_packed_in(tmp_path, name):
    assert is_table_file(tmp_path / name)
    assert values(tmp_path, PACKED[name], name) == VALUES


def test_what_is_not_called_as_tables_are_is_none():
    names = ("t", "t.md", "t.tar.gz", "t.wav", "gz")
    assert not any(is_table_file(pd.io.common.Path(name)) for name in names)


def test_separators_are_told_by_all_lines_not_the_first(tmp_path):
    """Commas within values, of decimals and of texts, separate nothing."""
    table = "name, of the shop;y;x\na, b;1,5;2,5\nc;3,5;4,25\nd, e, f;5,5;6,5\n"
    found, _ = read(tmp_path, table)
    assert list(found.frame.columns) == ["name, of the shop", "y", "x"]
    assert found.frame["y"].tolist() == ["1,5", "3,5", "5,5"]
    assert (found.form.separator, found.form.decimal) == (";", ",")


DECIMALS = {
    "t;y\na;1,234\nb;2,345\n": ",",
    "t\ty\na\t1,234\nb\t2,345\n": None,
    "t\ty\na\t1,234\nb\t2,34\n": ",",
    "t|y\na|1.234,5\nb|2\n": ",",
    't,y\na,"0,125"\nb,"3,250"\n': ",",
    "t;y\na;1,234.5\nb;2,5\n": None,
    "t;y\na;1.5\nb;2.5\n": None,
    "t;y\none, two;1\nb;2\n": None,
    "y\n1,234\n2,345\n": None,
    "t;y\na;1.234.567\nb;345.678\nc;12": ",",
}


@pytest.mark.parametrize("table", DECIMALS)
def test_decimal_comma_is_found_where_it_is_certain(tmp_path, table):
    assert read(tmp_path, table)[0].form.decimal == DECIMALS[table]


QUOTES = {
    "lone mark in tabs": ('t\tl\n"Hello world\tpos\nfine\tneg\n', ['"Hello world', "fine"]),
    "two lone marks that swallow a row": (
        't\tl\n"good film\tpos\nbad film"\tneg\nfine\tpos\n',
        ['"good film', 'bad film"', "fine"],
    ),
    "lines in quotes and tabs": (
        't\tl\n"line one\nline two"\tpos\nfine\tneg\n',
        ["line one\nline two", "fine"],
    ),
    "marks twice": ("t,l\n" + '"""x"", ""y""\n1",pos\n' * 2, ['"x", "y"\n1'] * 2),
    "marks doubled": ('t,l\n"say ""no""",pos\n"a, b",neg\n', ['say "no"', "a, b"]),
    "mark of inches": ('t,l\n5" pipe,pos\nfine,neg\n', ['5" pipe', "fine"]),
    "title in marks, in tabs": (
        't\tl\n"Alien" was fine\tpos\n"It"\tneg\n',
        ['"Alien" was fine', '"It"'],
    ),
    "long text": ("t,l\n" + "x" * 200_000 + ",pos\nfine,neg\n", ["x" * 200_000, "fine"]),
}


@pytest.mark.parametrize("kind", QUOTES)
def test_quotation_marks_quote_where_that_fits(tmp_path, kind):
    content, texts = QUOTES[kind]
    assert values(tmp_path, content, "t.tsv" if "\t" in content else "t.csv")["t"] == texts


def test_rows_are_numbered_as_lines(tmp_path):
    table, faults = read(tmp_path, '# c\ny,t\n1,"two\nlines"\n\n2,b\n3\n4,"c\n\nd"\n5,e,f\n6,g\n')
    assert table.frame.index.tolist() == [3, 6, 8, 12]
    assert table.frame.index.name == "row"
    assert table.blank == (5,)
    assert faults.found == {
        "complete it, or remove it (the last one may be cut off)": [
            "t.csv, row 7 has 1 field, fewer than the 2 columns"
        ],
        "put values that hold a comma into quotation marks, and write decimals with a point": [
            "t.csv, row 11 has 3 fields, and row 2 has 2 column names"
        ],
    }


@pytest.mark.parametrize(
    ("table", "rows"),
    [('y\n1\n""\n2\n\n3\n""\n', [2, 3, 4, 6]), ("a,b\n1,2\n,\n \n3,4\n,\n,\n", [2, 3, 5])],
)
def test_row_of_empty_fields_is_a_row_unless_it_is_at_the_end(tmp_path, table, rows):
    found, faults = read(tmp_path, table)
    assert not faults.found
    assert found.frame.index.tolist() == rows
    assert found.blank == (rows[-1] - 1,)
    assert (found.frame.loc[3] == "").all()


HEADERS = {
    "1,2\n3,4\n": False,
    "2024-01-01;3\n2024-01-02;4\n": False,
    "good,pos\nbad,neg\nfine,pos\nugly,neg\n": False,
    "text,label\ngood,pos\nbad,neg\nfine,pos\nugly,neg\n": True,
    "0,1\n0.5,0.25\n0.75,1.5\n": True,
    "country,2019,2020\nA,1,2\nB,3,4\n": True,
    "2019,2020,2021\n1,2,3\n4,5,6\n": True,
    "a,b\nx,y\n": True,
}


@pytest.mark.parametrize("table", HEADERS)
def test_names_of_columns_are_told_from_values(tmp_path, table):
    found, _ = read(tmp_path, table)
    assert found.form.header == HEADERS[table]
    first = table.partition("\n")[0]
    if not HEADERS[table]:
        assert found.frame.iloc[0].tolist() == first.replace(";", ",").split(",")
        assert list(found.frame.columns) == ["1", "2"]


ENCODED = {
    "German": ("datum;größe\n2024;3 €\nfür „die“;4\n", "cp1252"),
    "French": ("ville;été\nÀ l\u2019œil;3\nforêt;4\n", "cp1252"),
    "Spanish": ("año,ciudad\n2024,Málaga\n2025,¿Dónde?\n", "cp1252"),
    "Chinese": ("日期,电影\n2024,真的很好\n2025,我非常喜欢。\n", "gb18030"),
    "Japanese": ("日付,映画\n2024,とてもよかった\n2025,つまらない\n", "cp932"),
}


@pytest.mark.parametrize("language", ENCODED)
def test_encoding_is_found_where_it_is_certain(tmp_path, language):
    text, encoding = ENCODED[language]
    found, _ = read(tmp_path, text.encode(encoding))
    assert found.form.encoding == encoding
    rows = [line.replace(";", ",").split(",") for line in text.splitlines()]
    assert [list(found.frame.columns), *found.frame.to_numpy().tolist()] == rows


UNSURE = {
    "Russian": ("a,b\n1,привет\n", "cp1251"),
    "Polish": ("a,b\n1,zażółć gęślą jaźń\n", "cp1250"),
    "Hungarian": ("a,b\n1,nő és tűz\n", "cp1250"),
    "Czech": ("a,b\n1,příliš žluťoučký kůň\n", "cp1250"),
    "Turkish": ("a,b\n1,şef ğ\n", "cp1254"),
    "Korean": ("a,b\n1,안녕하세요\n", "cp949"),
    "Greek": ("a,b\n1,Καλημέρα\n", "cp1253"),
}


@pytest.mark.parametrize("language", UNSURE)
def test_encoding_that_is_not_certain_is_asked_for(tmp_path, language):
    text, encoding = UNSURE[language]
    with pytest.raises(FaultsError, match=r"t\.csv, row [12]: byte .* --set encoding="):
        read(tmp_path, text.encode(encoding))
    found, _ = read(tmp_path, text.encode(encoding), encoding=encoding)
    assert found.frame.iloc[0].tolist() == text.splitlines()[1].split(",")


def test_byte_that_is_far_into_a_file_is_found_with_its_row(tmp_path):
    lines = "a,b\n" + "1,2\n" * 700_000
    with pytest.raises(FaultsError, match="row 700002: byte 0xef"):
        read(tmp_path, lines.encode() + "1,привет\n".encode("cp1251"))


def test_spreadsheet_is_read_from_its_first_sheet(tmp_path):
    frame = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=3), "y": [1.5, 2, 3]})
    with pd.ExcelWriter(tmp_path / "t.xlsx") as writer:
        frame.to_excel(writer, sheet_name="sales", index=False, startrow=2, startcol=1)
        writer.sheets["sales"]["B1"] = "Sales of the north"
        writer.sheets["sales"]["B9"] = "2024-01-09"
        frame.to_excel(writer, sheet_name="old", index=False)
    table, faults = read(tmp_path, (tmp_path / "t.xlsx").read_bytes(), "t.csv")
    assert not faults.found
    assert table.frame.index.tolist() == [4, 5, 6, 9]
    assert table.blank == (7, 8)
    assert table.frame["y"].tolist()[:3] == [1.5, 2, 3]
    assert table.frame["date"].iloc[0] == pd.Timestamp("2024-01-01")
    assert table.notes == ("of its sheets (sales, old), sales alone",)


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
@pytest.mark.parametrize("name", [None, "when"])
def test_index_of_timestamps_is_a_column(tmp_path, name, zone):
    times = pd.date_range("2024-03-30", periods=3, freq="12h", tz=zone, name=name)
    pd.DataFrame({"y": [1.0, 2, 3]}, index=times).to_parquet(tmp_path / "t.parquet")
    table = read_table_file(tmp_path / "t.parquet", TableForm(), Faults())
    assert list(table.frame.columns) == [name or "date", "y"]
    assert pd.DatetimeIndex(table.frame[name or "date"]).equals(times)
    assert table.frame.index.tolist() == [1, 2, 3]


@pytest.mark.parametrize("zone", [None, "Europe/Vienna"])
@pytest.mark.parametrize("year", [-58030, 20000])
def test_times_in_years_that_python_does_not_have_are_texts(tmp_path, year, zone):
    times = pd.date_range("2024-01-01", periods=3, tz="UTC").as_unit("s").to_series()
    times.iloc[1] = pd.Timestamp(np.datetime64(year - 1970, "Y").astype("datetime64[s]"), tz="UTC")
    frame = pd.DataFrame({"date": times.dt.tz_convert(zone).array, "y": [1.0, 2, 3]})
    frame.to_parquet(tmp_path / "t.parquet")
    table = read_table_file(tmp_path / "t.parquet", TableForm(), Faults()).frame
    assert table["date"].str.startswith(f"{year}-").tolist() == [False, True, False]
    with pytest.raises(
        DataError, match=rf"t\.parquet, row 2, column 'date': '{year}-.*no.* a timest"
    ):
        read_times(table, "date", "t.parquet")


REFUSED = {
    "empty": (b" \n", "t.csv is not a readable table: it is empty"),
    "names alone": (b"a,b\n", "t.csv has column names and no rows"),
    "web page": (b"\n<!doctype HTML><p>", "t.csv is a page of HTML, no table; export it as CSV"),
    "XML": (b'<?xml version="1.0"?>\n<Workbook>\n', "t.csv is XML, no table; export it as CSV"),
    "pointer": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n",
        "t.csv is a pointer of git-lfs in place of the table; run `git lfs pull`",
    ),
    "old Excel": (b"\xd0\xcf\x11\xe0" + bytes(600), "a spreadsheet of Excel before 2007"),
    "broken parquet": (b"PAR1" + bytes(60), "t.csv is not a readable parquet file"),
    "broken zip": (zipped({"t.csv": PLAIN})[:70], "t.csv is a broken zip file"),
    "broken gzip": (gzip.compress(PLAIN.encode())[:-12], "t.csv cannot be unpacked"),
    "two in a zip": (zipped({"a.csv": PLAIN, "b.csv": PLAIN}), "holds 2 tables (a.csv, b.csv)"),
    "broken spreadsheet": (zipped({"[Content_Types].xml": "x"}), "not a readable file of Excel"),
    "name twice": (b"a,b,a\n1,2,3\n", "t.csv has more than one column 'a'; rename one"),
    "open quote": (b'a,b\n"1,2",3\n"4,5\n', "row 3: a quotation mark is opened and not closed"),
    "text after a quote": (b'a,b\n"1, x",3\n"4, z" x,5\n', "row 3: text follows a closing"),
    "JSON that is none": (b'{"a": 1}\n{"a": \n', "t.csv, row 2 is not JSON"),
    "zeros": (bytes(100), "t.csv"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_read_is_told(tmp_path, kind):
    content, message = REFUSED[kind]
    with pytest.raises(FaultsError) as error:
        read(tmp_path, content)[1].check()
    assert message in str(error.value)


def test_all_wrong_rows_are_told_at_once(tmp_path):
    lines = ["a,b", *("1,2" if i % 3 else "1" for i in range(90)), "1,2,3"]
    with pytest.raises(FaultsError) as error:
        read(tmp_path, "\n".join(lines))[1].check()
    told = str(error.value)
    assert told.startswith("31 faults\n  t.csv, row 2 has 1 field")
    assert "  ... and 20 more of this kind\n" in told
    assert "t.csv, row 92 has 3 fields, and row 1 has 2 column names" in told


@pytest.mark.parametrize("separator", [";", "semicolon"])
def test_what_a_person_says_goes_before_what_is_found(tmp_path, separator):
    table, _ = read(tmp_path, "a,b;c\n1,2;3\n", separator=separator, header=False, quoting="none")
    assert table.frame.to_dict("list") == {"1": ["a,b", "1,2"], "2": ["c", "3"]}
    again, _ = read(tmp_path, "a,b;c\n1,2;3\n", **vars(table.form))
    assert again.form == table.form
    pd.testing.assert_frame_equal(again.frame, table.frame)


@pytest.mark.parametrize(
    "wrong",
    [
        {"separator": ""},
        {"separator": ";;"},
        {"separator": '"'},
        {"encoding": "latin-99"},
        {"encoding": "base64"},
    ],
)
def test_forms_that_are_none_are_refused(wrong):
    with pytest.raises(ValueError, match=r"is not one character|there is no encoding"):
        TableForm(**wrong)


CELLS = st.text(st.sampled_from('ab1 ,;|\t"\n.-é中'), min_size=1, max_size=6).map(
    lambda text: f"x{text.strip()}"
)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=3, max_size=6),
    separator=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_what_pandas_writes_is_read_back(tmp_path_factory, rows, separator, end):
    """With the separator said, since three rows may be read in several ways."""
    frame = pd.DataFrame(rows, columns=["a", "b", "c"])
    written = frame.to_csv(index=False, sep=separator, lineterminator=end).encode()
    folder = tmp_path_factory.mktemp("t")
    found = values(folder, written, separator=separator, quoting="double", header=True)
    assert found == frame.to_dict("list")
    assert np.size(frame) == sum(map(len, found.values()))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_json_lines_are_read_in_any_encoding_that_is_certain(tmp_path, encoding):
    written = '{"text": "schön", "label": "ja"}\n{"text": "öd", "label": "nein"}\n'
    (tmp_path / "t.jsonl").write_bytes(written.encode(encoding))
    read = read_table_file(tmp_path / "t.jsonl", TableForm(), Faults())
    assert read.frame["text"].tolist() == ["schön", "öd"]


def test_json_lines_in_no_encoding_are_refused_with_their_line(tmp_path):
    (tmp_path / "t.jsonl").write_bytes(b'{"text": "a"}\n{"text": "\x81\xff"}\n')
    with pytest.raises(FaultsError, match=r"t\.jsonl, row 2: byte 0x81 is not UTF-8"):
        read_table_file(tmp_path / "t.jsonl", TableForm(), Faults())


FORMULAS = {
    "below one value": ([1, *(f"=A{row}+1" for row in range(2, 10))], True),
    "below several values": ([1, 2, 3, 4, *(f"=A{row}+1" for row in range(5, 16))], True),
    "one among values": (["=1+1", None, None, None, 7, 8, None, 9], False),
}


@pytest.mark.parametrize("kind", FORMULAS)
def test_only_columns_that_are_left_out_are_said_to_be(tmp_path, kind):
    cells, left_out = FORMULAS[kind]
    book, file = openpyxl.Workbook(), io.BytesIO()
    for row in [("n", "y"), *((cell, place) for place, cell in enumerate(cells))]:
        book.active.append(row)
    book.save(file)
    table, _ = read(tmp_path, file.getvalue(), "t.xlsx")
    assert list(table.frame) == (["y"] if left_out else ["n", "y"])
    assert any("column 'n' left out" in note for note in table.notes) == left_out
