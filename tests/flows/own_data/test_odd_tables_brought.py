"""Tables that are laid out in rarer ways: read as the plain table is, or refused with the cause."""

import io
import json

import numpy as np
import openpyxl
import pandas as pd
import pytest
from written_tables import DAILY, DAYS, HOURS, JSON_LINES, MONTHS, QUARTERS, Y, csv, parquet

from rnn_core.errors import DataError

PLAIN = pd.DataFrame({"date": DAYS, "y": Y})
LARGE = Y + 1234
ARABIC = str.maketrans(
    "0123456789.", "\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669\u066b"
)


def sheets(*tables, hidden=()):
    """A spreadsheet of sheets, each a list of rows."""
    book, file = openpyxl.Workbook(), io.BytesIO()
    book.remove(book.active)
    for place, rows in enumerate(tables):
        sheet = book.create_sheet(f"S{place}")
        sheet.sheet_state = "hidden" if place in hidden else "visible"
        for row in rows:
            sheet.append(list(row))
    book.save(file)
    return {"f.xlsx": file.getvalue()}


def rows_of_table(head=("date", "y")):
    return [head, *zip(DAYS.to_pydatetime(), Y.tolist(), strict=True)]


def rows_of_groups():
    return [("date", "y", "z"), *((*row, 1) for row in rows_of_table()[1:])]


def grouped(frame):
    return csv(values=[f"{y},{y + 1}" for y in frame["y"]], head=",North,North\ndate,y,z")


def as_json(frame, form, name="f.json"):
    index = frame.set_index("date")
    return {name: index.to_json(orient=form, date_format="iso", date_unit="s")}


def joined(start, end):
    return [f"{a} - {b}" for a, b in zip(start, end, strict=True)]


NEXT = HOURS + pd.Timedelta(hours=1)
LATE = [
    f"{t - pd.Timedelta(days=1):%d.%m.%Y} 24:00" if t.hour == 0 else f"{t:%d.%m.%Y %H:%M}"
    for t in HOURS
]
HOURLY = csv(HOURS)

AS_PLAIN = {
    "digits of Arabic": (csv(values=[str(y).translate(ARABIC) for y in Y]), csv()),
    "thin blanks between thousands": (
        csv(values=[f"{y:,.3f}".replace(",", "\u2009") for y in LARGE]),
        csv(values=LARGE),
    ),
    "narrow blanks and decimal commas": (
        csv(values=[f"{y:,.3f}".replace(",", "\u202f").replace(".", ",") for y in LARGE])
        .replace("date,y", "date;y")
        .replace("-01,", "-01;")
        .replace(",1\u202f", ";1\u202f"),
        csv(values=LARGE),
    ),
    "a hidden sheet first": (sheets([("secret", 1)], rows_of_table(), hidden=[0]), csv()),
    "a hidden table first": (
        sheets([("date", "y"), (1, 2), (2, 3)], rows_of_table(), hidden=[0]),
        csv(),
    ),
    "a sheet of notes first": (sheets([["The data"], ["is beside"]], rows_of_table()), csv()),
    "groups of columns above": (grouped(PLAIN), csv()),
    "groups of columns in a sheet": (
        sheets([("when", "what", None), *rows_of_groups()]),
        csv(),
    ),
    "JSON by columns": (as_json(PLAIN, "columns"), csv()),
    "JSON by rows": (as_json(PLAIN, "index"), csv()),
    "JSON of parts": (as_json(PLAIN, "split"), csv()),
    "a list of JSON as text": (
        {"f.txt": json.dumps([json.loads(line) for line in JSON_LINES.split("\n")], indent=1)},
        csv(),
    ),
    "rows that R has numbered": (
        '"date" "y"\n'
        + "".join(
            f'"{n}" "{d:%Y-%m-%d}" {y}\n' for n, (d, y) in enumerate(zip(DAYS, Y, strict=True), 1)
        ),
        csv(),
    ),
    "the end of a day as 24:00": (csv(LATE), HOURLY),
    "from a time to another": (
        csv(joined(HOURS.strftime("%d.%m.%Y %H:%M"), NEXT.strftime("%d.%m.%Y %H:%M"))),
        HOURLY,
    ),
    "from a time to another of the day": (
        csv(joined(HOURS.strftime("%Y-%m-%d %H:%M"), NEXT.strftime("%H:%M"))),
        HOURLY,
    ),
    "days as Oracle writes them": (csv(DAYS.strftime("%d-%b-%y").str.upper()), csv()),
    "a short year before the name of a month": (csv(DAYS.strftime("%y-%b-%d")), csv()),
    "a short year first": (csv(DAYS.strftime("%y-%m-%d")), csv()),
    "a short year first and a time": (csv(HOURS.strftime("%y/%m/%d %H:%M")), HOURLY),
    "a short year last": (csv(DAYS.strftime("%d-%m-%y")), csv()),
    "a file that DOS ended": (csv() + "\x1a", csv()),
    "a file that DOS ended after its last value": (csv().rstrip("\n") + "\x1a", csv()),
    "a file that is filled with zeros": (csv().replace("\n", "\r\n") + "\x00" * 90, csv()),
}


@pytest.mark.parametrize("kind", AS_PLAIN)
def test_table_is_read_as_the_plain_one(bring, tmp_path, kind):
    files, plain = AS_PLAIN[kind]
    brought = bring("forecasting", files if isinstance(files, dict) else {"f.csv": files}, ["y"])
    assert brought.task, brought.told
    (tmp_path / "plain.csv").write_text(plain)
    answer, _ = brought.answer()
    assert list(answer) == ["date", "y"]
    pd.testing.assert_frame_equal(
        answer, brought.answer(tmp_path / "plain.csv")[0], check_dtype=False
    )


def parted(times, head, form):
    return csv([form(time) for time in times], head=f"{head},y")


IN_PARTS = {
    "hours from 1": (
        parted(HOURS, "date,hour", lambda t: f"{t:%Y-%m-%d},H{t.hour + 1:02}"),
        "date and hour together: 2024-01-01 01:00:00 to 2024-01-03 12:00:00",
    ),
    "hours as they end": (
        parted(HOURS, "date,HE", lambda t: f"{t:%Y-%m-%d},HE{t.hour + 1:02}"),
        "date and HE together: 2024-01-01 01:00:00 to 2024-01-03 12:00:00",
    ),
    "from a time to another": (
        parted(HOURS, "date,time", lambda t: f"{t:%Y-%m-%d},{t:%H}:00-{(t.hour + 1) % 24:02}:00"),
        "date and time together: 2024-01-01 to 2024-01-03 11:00:00",
    ),
    "quarters": (
        parted(QUARTERS, "year,quarter", lambda t: f"{t.year},Q{t.quarter}"),
        "year and quarter together: 2000-01-01 to 2014-10-01, one row per quarter",
    ),
    "periods of a bureau of statistics": (
        parted(MONTHS, "year,period", lambda t: f"{t.year},M{t.month:02}"),
        "year and period together: 2010-01-01 to 2014-12-01, one row per month",
    ),
}


@pytest.mark.parametrize("kind", IN_PARTS)
def test_parts_of_times_may_have_a_letter_or_an_end(bring, kind):
    content, told = IN_PARTS[kind]
    brought = bring("forecasting", {"f.csv": content}, ["y"])
    assert told in brought.told


def test_a_first_row_with_a_sign_for_a_missing_value_is_none_of_names(bring):
    """`Oslo,missing,start` differs in each value, and is no number where those below are."""
    numbers = [f"{'ABCDEF'[i % 6]},{y},{'uvw'[i % 3]}" for i, y in enumerate(Y)]
    lines = ["station,y,", "Oslo,missing,start", *numbers]
    brought = bring("forecasting", {"f.csv": "\n".join(lines)}, ["y"])
    assert "below those of groups" not in brought.told
    assert "left out since no target has a value: 1 rows at the start" in brought.told


@pytest.mark.parametrize("beside", ["flag", None])
def test_formulas_without_values_beside_a_table_do_not_refuse_it(bring, beside):
    """Excel saves an empty value of `=IF(B2>99,"high","")`; a sum may stand anywhere."""
    head, *rows = rows_of_table()
    formulas = ['=IF(B2>99,"high","")'] * len(rows) if beside else [None] * 9 + ["=SUM(B2:B61)"]
    formulas += [None] * (len(rows) - len(formulas))
    table = [(*head, beside), *((*row, one) for row, one in zip(rows, formulas, strict=True))]
    brought = bring("forecasting", sheets(table), ["y"])
    assert "60 rows" in brought.told
    assert ("column 'flag' left out" in brought.told) == (beside is not None)
    assert "'None'" not in brought.told


YEARS = pd.date_range("1960-12-31", periods=60, freq="YE")
NAMES = ["Peru", "Chile", "Kenya", "Ghana", "Japan", "Italy"]
ACROSS = "country," + ",".join(map(str, range(1960, 2020))) + "\n"
ACROSS += "".join(f"{NAMES[i % 6]},{','.join(map(str, Y + i))}\n" for i in range(30))
ITEMS = [f"{day:%Y-%m-%d},{a},{b}" for a in "ab" for b in "xy" for day in DAYS[:15]]
TWO_COLUMNS = csv(ITEMS, head="date,shop,item,y")
WHOLE_YEARS = "".join(
    f"{m.year},M{m.month:02},{y}\n" + f"{m.year},M13,1\n" * (m.month == 12)
    for m, y in zip(MONTHS, Y, strict=True)
)

REFUSED = {
    "formulas without values": (
        sheets([("date", "y"), *((day, "=1+1") for day in DAYS.to_pydatetime())]),
        {},
        "column 'y' left out: its formulas have no values in the file; open it in Excel or",
    ),
    "formulas without values below units": (
        sheets(
            [
                ("date", "x", "y"),
                ("", "mm", "kg"),
                *((day, 1.5, "=1+1") for day in DAYS.to_pydatetime()),
            ]
        ),
        {},
        "column 'y' left out: its formulas have no values in the file",
    ),
    "parquet without rows": (parquet(PLAIN.iloc[:0]), {}, "f.parquet has column names and no rows"),
    "a sheet without rows": (sheets([("date", "y")]), {}, "f.xlsx has column names and no rows"),
    "levels of columns": (
        parquet(pd.DataFrame({("a", "y"): Y, ("b", "y"): Y}, index=DAYS)),
        {},
        "f.parquet has no column 'y'; columns of numbers: a y, b y",
    ),
    "years in two centuries": (
        csv(YEARS.strftime("%d/%m/%y")),
        {},
        "row 11: 31/12/69 after 31/12/68 does not tell the century; write years with four digits",
    ),
    "years in two centuries beside names": (
        csv(YEARS.strftime("%d-%b-%y")),
        {},
        "row 11: 31-Dec-69 after 31-Dec-68 does not tell the century; write years with four",
    ),
    "days of one month with a short year": (
        csv(DAYS[:25].strftime("%y-%m-%d"), Y[:25]),
        {},
        "'24-01-01' can have the year first or last; write it with four digits",
    ),
    "times in words": (
        csv([f"Week {i}" for i in range(60)]),
        {},
        "(60 such rows); write 2024-01-31, 2024-01-31 13:00, 2024-01, 2024-Q1 or 2024-W05",
    ),
    "yes and no": (
        csv(values=["yes", "no"] * 30),
        {},
        "column 'y' holds no and yes: write 1 and 0",
    ),
    "no value": (csv(values=[""] * 60), {}, "column 'y' is empty"),
    "amounts": (csv(values=["ca. 12"] * 60), {}, "holds no numbers, but texts such as 'ca. 12'"),
    "one column of JSON": (
        {"f.json": json.dumps([{"name": "a", "v": [1, 2]}, {"name": "b", "v": [3, 4]}])},
        {},
        "it has one column alone, 'name'; left out, since further values are inside: 'v'",
    ),
    "many columns": (
        csv(
            values=[",".join(["1"] * 30)] * 60, head=f"date,{','.join(f'c{i}' for i in range(30))}"
        ),
        {"targets": ["C29x"]},
        "no column 'C29x'; columns of numbers: c29, c9, c2, c0, c1, c3,",
    ),
    "years across": (
        ACROSS,
        {"targets": ["Peru"]},
        "its columns are times: turn it round, so that",
    ),
    "two columns of series": (
        TWO_COLUMNS,
        {},
        "told apart by columns 'shop' and 'item'; join 'shop' and 'item' into one column, and name",
    ),
    "one of two columns of series": (
        TWO_COLUMNS,
        {"series": "shop"},
        "told apart by column 'item'; join 'shop' and 'item' into one column, and name it",
    ),
    "a value that is too far": (
        csv(values=[1e99 if i == 20 else y for i, y in enumerate(Y)]),
        {},
        "f.csv, row 22, column 'y': 1e+99 is too far from the other values; leave it empty, or",
    ),
    "values that are too small": (
        csv(values=[f"{y}e-200" for y in Y]),
        {},
        "the values of target column 'y' differ by too little to be scaled; write them in a",
    ),
    "years among months": (
        "year,period,y\n" + WHOLE_YEARS,
        {"sets": ["date=year,period"]},
        "row 14, column 'period': 'M13' is no month",
    ),
    "years among months, not named": (
        "year,period,y\n" + WHOLE_YEARS,
        {},
        "column 'period' tells more of the time; take both: --set date=year,period",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_odd_table_is_refused_with_the_cause(refuse, kind):
    files, asked, message = REFUSED[kind]
    refuse("forecasting", files, message, **{"targets": ["y"], **asked})


def test_rows_that_do_not_fit_are_the_only_fault(bring):
    rows = "".join(f"'good, film {i}',{i % 2}\n" for i in range(60))
    brought = bring("sentiment", {"f.csv": f"text,label\n{rows}"}, ["label"])
    assert "row 2 has 3 fields" in brought.told
    assert "no rows below them" not in brought.told


def test_columns_that_are_years_are_doubted(bring):
    brought = bring("forecasting", {"f.csv": ACROSS}, ["2019"])
    assert "note: its columns are times: turn it round" in brought.told


def test_name_over_two_lines_is_one_line(bring):
    content = '"date","y\n(kWh)"\n' + csv().split("\n", 1)[1]
    brought = bring("forecasting", {"f.csv": content}, ["y (kWh)"])
    assert DAILY in brought.told
    assert list(brought.answer()[0]) == ["date", "y (kWh)"]


def test_column_without_a_name_can_be_set(bring):
    content = csv(values=[f"{y},{-y}" for y in Y], head="date,y,")
    brought = bring("forecasting", {"f.csv": content}, ["y"], sets=["features=Unnamed: 2"])
    assert "predicted: y; read besides: Unnamed: 2" in brought.told


def test_series_that_look_alike_or_are_short_are_doubted(bring):
    names = ["shop"] * 30 + ["Shop "] * 28 + ["kiosk"] * 2
    days = [*DAYS[:30], *DAYS[:28], *DAYS[:2]]
    rows = [f"{day:%Y-%m-%d},{name}" for day, name in zip(days, names, strict=True)]
    table = csv(rows, head="date,store,y")
    brought = bring("forecasting", {"f.csv": table}, ["y"], series="store", sets=["lookback=4"])
    assert "note: 'shop' and 'Shop ' are different series, and look alike" in brought.told
    assert "note: 1 series of fewer rows than the 4 that a forecast reads: 'kiosk'" in brought.told
    answer, faults = brought.answer()
    assert set(answer["store"]) == {"shop", "Shop "}
    (told,) = (one for alike in faults.found.values() for one in alike)
    assert "series 'kiosk' has 2 rows; 4 are needed; give it more, or" in told


def test_value_that_is_too_far_for_a_model_is_refused_when_it_is_asked(bring, tmp_path):
    brought = bring("forecasting", {"f.csv": csv()}, ["y"])
    far = np.where(np.arange(60) == 55, 1e90, Y)
    (tmp_path / "asked.csv").write_text(csv(values=far))
    with pytest.raises(DataError, match="row 57, column 'y': 1e\\+90 is too far from the other"):
        brought.answer(tmp_path / "asked.csv")


def test_example_is_answered_where_every_other_value_is_missing(bring, tmp_path):
    values = [y if i % 2 == 0 else "" for i, y in enumerate(Y)]
    brought = bring("forecasting", {"f.csv": csv(values=values)}, ["y"], sets=["lookback=10"])
    example = brought.task.example(tmp_path / "source")
    assert len(example) == 10
    assert pd.notna(example["y"].iloc[-1])
    assert brought.answer_of(example)[0]["date"][0] == DAYS[11]
