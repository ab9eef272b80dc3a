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
OCTOBER = [f"2024-10-{27 + (i + 2) // 24}T{(i + 2) % 24:02d}:00" for i in range(ROWS - 3)]
HOURLY = [f"{line},{i % 12}" for i, line in enumerate(LINES[1:])]
SHOPS = [f"{line},{'abc'[i // 20]}" for i, line in enumerate(LINES[1:])]

CASES = {
    # The folder and the file
    "no table": (
        {},
        {},
        "the data holds 0 tables (.csv, .tsv, .txt, .dat, .xlsx, .parquet, .jsonl), not",
    ),
    "file of another kind": (
        {"sales.ods": b"PK\x03\x04"},
        {},
        ".txt, .dat, .xlsx, .parquet, .jsonl), not exactly one; export sales.ods as one",
    ),
    "a broken spreadsheet": (
        {"sales.xlsx": b"PK\x03\x04"},
        {},
        "sales.xlsx is a broken zip file",
    ),
    "two tables": (
        table() | {"more.csv": TEXT},
        {},
        "the data holds 2 tables (more.csv, sales.csv), not exactly one",
    ),
    "empty file": ({"sales.csv": b""}, {}, "sales.csv is not a readable table: it is empty"),
    "column names alone": (table(lines=LINES[:1]), {}, "sales.csv has column names and no rows"),
    "parquet that is none": (
        {"sales.parquet": TEXT},
        {},
        "sales.parquet is not a readable parquet file",
    ),
    "a web page called csv": (
        {"sales.csv": b"<!DOCTYPE html><title>log in</title>"},
        {},
        "sales.csv is a page of HTML, no table",
    ),
    "bytes of no certain encoding": (
        {"sales.csv": TEXT.replace(b"\n2024-01-05,", b"\n2024-01-05,\x81")},
        {},
        "sales.csv, row 6: byte 0x81 is not UTF-8, and no other encoding is certain",
    ),
    "another encoding than is said": (
        {"sales.csv": TEXT.replace(b"\n2024-01-05,", b"\n2024-01-05,\xfc")},
        {"encoding": "utf-8"},
        "sales.csv is not in utf-8",
    ),
    # Rows and columns
    "another separator than is said": (
        table(),
        {"separator": ";", "features": [], "date": None},
        "sales.csv: unknown column 'y'; known: date,y,x",
    ),
    "no column names": (
        table(lines=[line.partition(",")[2] for line in LINES[1:]]),
        {"date": None, "features": []},
        "sales.csv: unknown column 'y'; known: 1, 2, since the file has no row of column names",
    ),
    "column twice": (
        table({1: "date,y,y"}),
        {},
        "sales.csv has more than one column 'y'; rename one",
    ),
    "too many fields": (
        table({12: LINES[11] + ",1"}),
        {},
        "sales.csv, row 12 has 4 fields, and row 1 has 3 column names",
    ),
    "cut off": (table({61: "2024-02-29,1"}), {}, "sales.csv, row 61 has 2 fields, fewer than"),
    "quotation mark that is not closed": (
        table({7: LINES[6].replace(",", ',"', 1), 8: '2024-01-07,"1.5","2.5"'}),
        {},
        "sales.csv, row 7: text follows a closing quotation mark; write a quotation mark inside a",
    ),
    "notes below": (
        table(lines=[*LINES, "", "Source: a, b, c"]),
        {},
        "sales.csv, row 62 is blank; remove it, or with all below it if these are notes, or fill",
    ),
    "blank row": (table({9: ""}), {}, "sales.csv, row 9 is blank"),
    "no target": (table({1: "date,z,x"}), {}, "sales.csv: unknown column 'y'; known: x, z"),
    # Numbers
    "gap": (
        cell(8, 1, ""),
        {},
        "row 8, column 'y' has no value; fill it, or set data.missing",
    ),
    "infinite": (cell(8, 1, "inf"), {}, "sales.csv, row 8, column 'y' is infinite"),
    "text": (cell(4, 1, "many"), {}, "sales.csv, row 4, column 'y': 'many' is not a number"),
    "decimal comma": (
        cell(4, 2, '"3,5"'),
        {},
        "sales.csv, row 4, column 'x': '3,5' has a comma; write decimals with a point",
    ),
    "thousands": (
        cell(4, 2, '"1,003"'),
        {},
        "sales.csv, row 4, column 'x': '1,003' has a comma before decimals, or between thousands",
    ),
    "too large": (cell(8, 1, "1e308"), {}, "sales.csv, row 8, column 'y' is too large"),
    "durations for numbers": (
        parquet(y=pd.timedelta_range("1h", periods=ROWS)),
        {},
        "sales.parquet: column 'y' holds durations, not numbers",
    ),
    "no value of the target": (
        column(1, [""] * ROWS),
        {"missing": "fill"},
        "sales.csv: no row has a value of y",
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
    "whole numbers that floats do not tell apart": (
        column(2, [str(2**60 + i) for i in range(ROWS)]),
        {},
        "feature column 'x' changes after its first 15 digits at most",
    ),
    "constant to train on": (
        column(1, ["0"] * 42 + [y for y, _ in VALUES[42:]]),
        {},
        "sales.csv: target column 'y' never changes in the training set",
    ),
    "split without a value": (
        column(1, [y for y, _ in VALUES[:42]] + [""] * 6 + [y for y, _ in VALUES[48:]]),
        {"missing": "fill"},
        "sales.csv: column 'y' has no value at all in the validation set",
    ),
    "split whose every window lacks a value": (
        column(1, [y for y, _ in VALUES[:48]] + [""] * 11 + ["3"]),
        {"missing": "fill", "lookback": 1},
        "sales.csv: every window of the test set has a column without a value in its lookback of",
    ),
    # Timestamps
    "no date": (
        table({1: "day,y,x"}),
        {},
        "sales.csv: unknown column 'date'; known: day, x, y; set data.date to",
    ),
    "date that is empty": (
        cell(9, 0, ""),
        {},
        "sales.csv, row 9, column 'date' has no timestamp; write it",
    ),
    "date that is none": (
        cell(10, 0, "2024-01-32"),
        {},
        "sales.csv, row 10, column 'date': '2024-01-32' is not a timestamp",
    ),
    "number for a date": (
        column(0, [f"{7 + i}" for i in range(ROWS)]),
        {},
        "sales.csv, row 2, column 'date': the number 7 is not a timestamp",
    ),
    "time without a day": (
        column(0, [f"{i // 4:02d}:{i % 4 * 15:02d}" for i in range(ROWS)]),
        {},
        "sales.csv, row 2, column 'date': '00:00' has no day; write day and time into one column",
    ),
    "zone in letters": (
        column(0, [f"{day} 00:00 XYZ" for day in DAYS]),
        {},
        "column 'date': '2024-01-01 00:00 XYZ' is not a timestamp (60 such rows); write the time",
    ),
    "quarter or month": (
        column(0, [f"{1 + i % 4}-{1990 + i // 4}" for i in range(ROWS)]),
        {},
        "sales.csv, row 2, column 'date': '1-1990' can be a quarter or a month; write",
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
        column(0, [f"{1 + i % 12:02d}/{1 + i % 12:02d}/{2019 + i // 12}" for i in range(ROWS)]),
        {},
        "sales.csv, row 2: 01/01/2019 can be day and month or month and day, and no other row",
    ),
    "month where the day is said to be": (
        column(0, [day.strftime("%m/%d/%Y") for day in DAYS]),
        {"day_first": True},
        "sales.csv, row 14: 01/13/2024 does not have the day first",
    ),
    "time zone on some rows": (
        column(0, [hour + ("Z" if i < 30 else "") for i, hour in enumerate(HOURS)]),
        {},
        "sales.csv, row 32: 2024-01-02T06:00 and 2024-01-01T00:00Z mix timestamps with and",
    ),
    "clock that was set back": (
        column(0, [f"2024-10-27T{hour:02d}:00" for hour in range(3)] + OCTOBER),
        {},
        "sales.csv, row 5: 2024-10-27 02:00:00 is repeated since the clock was set back; write all",
    ),
    "day and hour in two columns": (
        column(
            0, [str(DAYS[i // 12]) for i in range(ROWS)], [LINES[0].replace("x", "x,hour"), *HOURLY]
        ),
        {},
        "above too, and column 'hour' tells more of the time; take both: --set date=date,hour",
    ),
    "series told apart by a column": (
        column(
            0, [str(DAYS[i % 20]) for i in range(ROWS)], [LINES[0].replace("x", "x,shop"), *SHOPS]
        ),
        {},
        "the table has 3 series one below the other, told apart by column 'shop'; set data.series",
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
    "another step at the end": (
        column(0, [*map(str, DAYS[:50]), *(f"2024-02-19T{hour:02d}:00" for hour in range(1, 11))]),
        {"irregular": "allow"},
        "the last 6 rows, from row 56 on, are 3600 seconds apart, and most rows 86400; keep rows",
    ),
    "parts of the day": (
        column(
            0,
            [str(DAYS[i // 2]) for i in range(ROWS)],
            [LINES[0].replace("x", "x,period"), *(f"{r},{i % 2}" for i, r in enumerate(LINES[1:]))],
        ),
        {},
        "sales.csv, row 3: 2024-01-01 is the timestamp of the row above too, and column 'period'",
    ),
    # The calendar
    "calendar without timestamps": (
        table(),
        {"calendar": ["month"], "date": None},
        "sales.csv: data.calendar needs a column of timestamps; name it as data.date",
    ),
    "hour of days": (
        table(),
        {"calendar": ["weekday", "hour"]},
        "sales.csv: 'hour' of data.calendar is the same in all rows of the training set",
    ),
    # Splits
    "too few rows": (
        rows(range(12)),
        {},
        "sales.csv: the train set has 8 rows, too few for a lookback of 6 and a horizon of 3",
    ),
    "too few rows for the horizon": (
        table(),
        {"horizon": 9},
        "sales.csv: the validation set has 6 rows, too few for a lookback of 6",
    ),
    "split beyond the table": (
        table(),
        {"split": [40, 10, 20]},
        "sales.csv: data.split asks for 70 rows, the table has 60",
    ),
}
