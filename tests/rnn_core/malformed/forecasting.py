"""Tables that are not in order: plain data, and what is said of each."""

import datetime as dt
import io

import pandas as pd

PARAMETERS = {"targets": ["y"], "features": ["x"], "lookback": 6, "horizon": 3}

ROWS = 60
DAYS = [dt.date(2024, 1, 1) + dt.timedelta(days=i) for i in range(ROWS)]
VALUES = [(f"{i * 37 % 11 + i / 9:.3f}", f"{i * 29 % 13}.5") for i in range(ROWS)]
LINES = ["date,y,x", *(f"{day},{y},{x}" for day, (y, x) in zip(DAYS, VALUES, strict=True))]


def table(changes=None, lines=LINES):
    """A table in which rows, counted as a spreadsheet does, say something else."""
    changed = list(lines)
    for row, line in (changes or {}).items():
        changed[row - 1] = line
    return {"sales.csv": ("\n".join(changed) + "\n").encode()}


def column(place, values, lines=LINES):
    """A table in which the values of a column are others."""
    rows = [line.split(",") for line in lines]
    for row, value in zip(rows[1:], values, strict=True):
        row[place] = value
    return table(lines=[",".join(row) for row in rows])


def cell(row, place, value):
    """A table in which one cell is another."""
    fields = LINES[row - 1].split(",")
    fields[place] = value
    return table({row: ",".join(fields)})


def rows(keep):
    """A table with some rows alone, as places in the list of days."""
    return table(lines=[LINES[0], *(LINES[i + 1] for i in keep)])


def days(form):
    """A table with days written in another form."""
    return column(0, [day.strftime(form) for day in DAYS])


def parquet(**columns):
    """A parquet file."""
    values = {"date": DAYS, "y": [float(y) for y, _ in VALUES], "x": range(ROWS)} | columns
    file = io.BytesIO()
    frame = pd.DataFrame(values)
    frame["date"] = pd.to_datetime(frame["date"])
    frame.to_parquet(file)
    return {"sales.parquet": file.getvalue()}


def good():
    """A table without a flaw."""
    return table()


TEXT = table()["sales.csv"]
HOURS = [f"2024-01-{1 + i // 24:02d}T{i % 24:02d}:00" for i in range(ROWS)]
MONTHS = [f"{1 + i % 12:02d}/01/{2019 + i // 12}" for i in range(ROWS)]

CASES = {
    # The folder and the file
    "no table": ({}, {}, "holds 0 tables (.csv, .parquet), not exactly one"),
    "a spreadsheet": (
        {"sales.xlsx": b"PK\x03\x04"},
        {},
        "holds 0 tables (.csv, .parquet), not exactly one; export sales.xlsx as one",
    ),
    "two tables": (
        table() | {"more.csv": TEXT},
        {},
        "holds 2 tables (more.csv, sales.csv), not exactly one",
    ),
    "empty file": ({"sales.csv": b""}, {}, "sales.csv is not a readable table: it is empty"),
    "column names alone": (table(lines=LINES[:1]), {}, "sales.csv has column names and no rows"),
    "parquet that is none": (
        {"sales.parquet": TEXT},
        {},
        "sales.parquet is not a readable parquet file",
    ),
    "a spreadsheet called csv": (
        {"sales.csv": b"PK\x03\x04" + bytes(40)},
        {},
        "sales.csv is an Excel or zip file, not CSV",
    ),
    "Latin-1": (
        {"sales.csv": TEXT.replace(b"\n2024-01-05,", b"\n2024-01-05,\xfc")},
        {},
        "sales.csv, row 6: byte 0xfc is not UTF-8",
    ),
    "UTF-16": ({"sales.csv": TEXT.decode().encode("utf-16")}, {}, "sales.csv is in UTF-16"),
    # Rows and columns
    "semicolons": (
        {"sales.csv": TEXT.replace(b",", b";")},
        {},
        "sales.csv: row 1 'date;y;x' is one column; the file is separated by semicolons",
    ),
    "tabs": (
        {"sales.csv": TEXT.replace(b",", b"\t")},
        {},
        "the file is separated by tabs",
    ),
    "no column names": (
        table(lines=[line.partition(",")[2] for line in LINES[1:]]),
        {"date": None},
        "sales.csv: row 1 holds numbers, not column names",
    ),
    "column twice": (
        table({1: "date,y,y"}),
        {},
        "sales.csv: row 1 has more than one column 'y'",
    ),
    "too many fields": (
        table({12: LINES[11] + ",1"}),
        {},
        "sales.csv, row 12 has 4 fields, and row 1 has 3 column names",
    ),
    "cut off": (table({61: "2024-02-29,1"}), {}, "sales.csv, row 61 has 2 fields, fewer than"),
    "quotation mark": (
        table({7: LINES[6].replace(",", ',"', 1)}),
        {},
        "sales.csv, row 7: unexpected end of data",
    ),
    "blank row": (table({9: ""}), {}, "sales.csv, row 9 is blank"),
    "no target": (table({1: "date,z,x"}), {}, "sales.csv: unknown column 'y'; known: date, x, z"),
    # Numbers
    "gap": (cell(8, 1, ""), {}, "sales.csv, row 8, column 'y' has no value (1 gaps in all)"),
    "infinite": (cell(8, 1, "inf"), {}, "sales.csv, row 8, column 'y' is infinite"),
    "text": (cell(4, 1, "many"), {}, "sales.csv, row 4, column 'y': 'many' is not a number"),
    "decimal comma": (
        cell(4, 2, '"3,5"'),
        {},
        "sales.csv, row 4, column 'x': '3,5' is not a number: it has a comma",
    ),
    "thousands": (
        cell(4, 2, '"1,003.5"'),
        {},
        "sales.csv, row 4, column 'x': '1,003.5' has separators of thousands",
    ),
    "unit": (cell(4, 1, "12 %"), {}, "sales.csv, row 4, column 'y': '12 %' has a unit"),
    "true and false": (
        column(1, ["True", "False"] * 30),
        {},
        "sales.csv: column 'y' holds true and false",
    ),
    "timestamps for numbers": (
        parquet(y=pd.date_range("2024-01-01", periods=ROWS)),
        {},
        "sales.parquet: column 'y' holds timestamps, not numbers",
    ),
    "constant": (
        column(2, ["0.1"] * ROWS),
        {},
        "sales.csv: feature column 'x' never changes: all rows have 0.1",
    ),
    "constant to train on": (
        column(1, ["0"] * 42 + [y for y, _ in VALUES[42:]]),
        {},
        "sales.csv: target column 'y' never changes on the training side",
    ),
    "side without a value": (
        column(1, [y for y, _ in VALUES[:42]] + [""] * 6 + [y for y, _ in VALUES[48:]]),
        {"missing": "fill"},
        "sales.csv: column 'y' has no value at all in the validation side",
    ),
    "side whose every window lacks a value": (
        column(1, [y for y, _ in VALUES[:48]] + [""] * 11 + ["3"]),
        {"missing": "fill", "lookback": 1},
        "sales.csv: every window of the test side has a column without a value in its lookback of",
    ),
    # Timestamps
    "no date": (
        table({1: "day,y,x"}),
        {},
        "sales.csv: unknown column 'date'; known: day, x, y (set data.date to",
    ),
    "date that is empty": (
        cell(9, 0, ""),
        {},
        "sales.csv, row 9, column 'date' has no timestamp (1 such rows)",
    ),
    "date that is none": (
        cell(10, 0, "2024-01-32"),
        {},
        "sales.csv, row 10, column 'date': '2024-01-32' is not a timestamp",
    ),
    "number for a date": (
        column(0, [f"{45292 + i}" for i in range(ROWS)]),
        {},
        "sales.csv, row 2, column 'date': the number 45292 is not a timestamp",
    ),
    "another form": (
        cell(40, 0, "Feb 8 2024"),
        {},
        "sales.csv, row 40, column 'date': 'Feb 8 2024' is not written as the timestamps before",
    ),
    "day and month in two orders": (
        column(0, [day.strftime("%d/%m/%Y") for day in DAYS[:40]] + ["02/20/2024"] * 20),
        {},
        "sales.csv, row 42: 02/20/2024 and 13/01/2024 do not have day and month in the same",
    ),
    "day or month": (
        column(0, MONTHS),
        {},
        "sales.csv, row 2: 01/01/2019 can be day and month or month and day",
    ),
    "time zone on some rows": (
        column(0, [hour + ("Z" if i < 30 else "") for i, hour in enumerate(HOURS)]),
        {},
        "sales.csv, row 32: 2024-01-02T06:00 and 2024-01-01T00:00Z mix timestamps with and",
    ),
    "two offsets from UTC": (
        column(0, [hour + ("+01:00" if i < 30 else "+02:00") for i, hour in enumerate(HOURS)]),
        {},
        "sales.csv, row 32: 2024-01-02T06:00+02:00 has another offset from UTC",
    ),
    "newest first": (
        rows(reversed(range(ROWS))),
        {},
        "sales.csv, row 3: 2024-02-28 comes before the row above; reverse the rows",
    ),
    "out of order": (
        rows([*range(10), 11, 10, *range(12, ROWS)]),
        {},
        "sales.csv, row 13: 2024-01-11 does not come after the row before; sort the table",
    ),
    "row twice": (
        rows([*range(10), 9, *range(10, ROWS)]),
        {},
        "sales.csv, row 12: 2024-01-10 is the timestamp of the row above too",
    ),
    "series one below the other": (
        rows([*range(30), *range(30)]),
        {},
        "sales.csv, row 32: 2024-01-01 starts again from the first timestamp",
    ),
    "row left out": (
        rows([i for i in range(ROWS) if i not in {20, 21, 40}]),
        {},
        "22: 2024-01-23 comes 3 days after the row before, where the usual step is 1 day (2 ",
    ),
    # Sides
    "too few rows": (
        rows(range(12)),
        {},
        "sales.csv: the train side has 8 rows, too few for a lookback of 6 and a horizon of 3",
    ),
    "too few rows for the horizon": (
        table(),
        {"horizon": 9},
        "sales.csv: the validation side has 6 rows, too few for a lookback of 6",
    ),
    "split beyond the table": (
        table(),
        {"split": [40, 10, 20]},
        "sales.csv: data.split asks for 70 rows, the table has 60",
    ),
}
