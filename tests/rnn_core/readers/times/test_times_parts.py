"""Timestamps whose parts are in several columns: identified by names, and read together."""

from datetime import time

import numpy as np
import pandas as pd
import pytest

from rnn_core.errors import DataError
from rnn_core.readers.times.finding import find_times, named_parts
from rnn_core.readers.times.parts import clock_of, find_parts, read_parts

MINUTES = pd.date_range("2024-01-01", periods=900, freq="37min")
HOURS = pd.date_range("2023-12-30", periods=96, freq="h")
DAYS = pd.date_range("2023-12-01", periods=400)
MONTHS = pd.date_range("2015-01-01", periods=40, freq="MS")
QUARTERS = pd.date_range("2001-01-01", periods=40, freq="QS")
WEEKS = pd.date_range("2010-01-04", periods=900, freq="W-MON")
ISO = WEEKS.isocalendar()
ENDS = HOURS + pd.Timedelta(hours=1)  # hours that are counted from 1 to 24

TABLES = {
    "day and time": (MINUTES, {"Date": "%d/%m/%Y", "Time": "%H:%M"}),
    "points in the time": (MINUTES, {"Datum": "%d.%m.%Y", "Uhrzeit": "%H.%M.%S"}),
    "halves of a day": (MINUTES, {"fecha": "%Y-%m-%d", "hora": "%I:%M %p"}),
    "digits alone": (MINUTES, {"date": "%Y%m%d", "time": "%H%M"}),
    "hour": (HOURS, {"date": "%Y-%m-%d", "Hr": "%H"}),
    "hour and minute": (MINUTES, {"date": "%Y-%m-%d", "hour": "%H", "minute": "%M"}),
    "numbers": (MINUTES, {"yr": "%Y", "mo": "%m", "dy": "%d", "hr": "%H", "min": "%M"}),
    "numbers and time": (MINUTES, {"year": "%Y", "month": "%m", "day": "%d", "time": "%H:%M"}),
    "months": (MONTHS, {"month": "%m", "year": "%Y"}),
    "names of months": (MONTHS, {"Month": "%b", "Year": "%Y"}),
    "long names of months": (MONTHS, {"jahr": "%Y", "monat": "%B"}),
    "day of the year": (DAYS, {"year": "%Y", "doy": "%j"}),
    "weeks": (WEEKS, {"year": "%G", "week": "%V"}),
}


def written(times, forms):
    return pd.DataFrame({name: times.strftime(form) for name, form in forms.items()})


@pytest.mark.parametrize("kind", TABLES)
def test_parts_are_found_and_read_together(kind):
    """Against the timestamps that they were made of, beside a column of numbers."""
    times, forms = TABLES[kind]
    table = written(times, forms).assign(y=range(len(times)))
    _, parts = find_times(table, ["y"], "t.csv", None, np.zeros(len(table), np.int32))
    assert set(parts) == set(forms)
    assert read_parts(table, parts, "t.csv").times.tolist() == times.tolist()
    assert read_parts(table[::-1], list(forms), "t.csv").times[::-1].tolist() == times.tolist()


def test_quarters_and_whole_numbers_with_decimals_are_read():
    table = pd.DataFrame({"year": QUARTERS.year.astype(float), "qtr": QUARTERS.quarter})
    assert read_parts(table, ["year", "qtr"], "t").times.tolist() == QUARTERS.tolist()


def test_the_24th_hour_ends_a_day():
    table = pd.DataFrame({"date": HOURS.strftime("%Y-%m-%d"), "hour": HOURS.hour + 1})
    assert read_parts(table, ["date", "hour"], "t").times.tolist() == ENDS.tolist()


def test_values_of_spreadsheets_are_parts():
    table = pd.DataFrame({"a": HOURS.normalize(), "b": [time(hour) for hour in HOURS.hour]})
    assert read_parts(table, ["a", "b"], "t").times.tolist() == HOURS.tolist()


def test_order_of_day_and_month_is_told_by_days_that_repeat():
    table = written(MINUTES, {"Date": "%m/%d/%Y", "Time": "%H:%M"})
    assert read_parts(table, ["Date", "Time"], "t").day_first is False
    first = table.iloc[:30]  # of the first of January, which both orders allow
    with pytest.raises(DataError, match="say which"):
        read_parts(first, ["Date", "Time"], "t")
    assert read_parts(first, ["Date", "Time"], "t", day_first=False).times[0] == MINUTES[0]


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        *[("9:05", 545), ("18.00.00", 1080), ("0030", 30), ("7h30", 450), ("24:00", 1440)],
        *[("12:00 AM", 0), ("12:30 p.m.", 750), ("13:00 PM", None), ("24:01", None)],
        *[("30", None), ("12:60", None), ("noon", None)],
    ],
)
def test_time_of_day_is_read_where_it_is_certain(text, minutes):
    found = clock_of(text)
    assert np.isnan(found) if minutes is None else found == minutes * 60_000


WRONG = {
    "no such day": (
        {"year": [2024, 2023], "month": [2, 2], "day": [29, 29]},
        "t.csv, row 3: there is no such day: year 2023, month 2, day 29",
    ),
    "week 53 of a year of 52": (
        {"year": [2020, 2021], "week": [53, 53]},
        "row 3: there is no such day: year 2021, week 53",
    ),
    "no time": (
        {"date": ["2024-01-01"] * 3, "time": ["9:00", "noon", "late"]},
        "2 faults\n  t.csv, row 3, column 'time': 'noon' is no time",
    ),
    "no value": (
        {"date": ["2024-01-01", None], "time": ["9:00", "10:00"]},
        "row 3, column 'date' has no timestamp",
    ),
    "nothing tells": (
        {"a": [2024], "b": [1], "c": ["x"]},
        "t.csv: a, b, c make no timestamp together; call such columns date and time",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_makes_no_timestamp_is_told(kind):
    columns, message = WRONG[kind]
    table = pd.DataFrame(columns)
    table.index = pd.RangeIndex(2, len(table) + 2)
    with pytest.raises(DataError, match=message):
        read_parts(table, list(columns), "t.csv")


def test_column_that_is_not_there_is_told():
    with pytest.raises(DataError, match="unknown column 'Time'; did you mean 'time'"):
        read_parts(pd.DataFrame({"time": ["9:00"]}), ["time", "Time"], "t.csv")


ALONE = {
    "days that increase": {"date": DAYS.strftime("%Y-%m-%d"), "time": "16:00"},
    "a month beside days": {"order_date": DAYS.astype(str), "year": DAYS.year, "month": DAYS.month},
}


@pytest.mark.parametrize("kind", ALONE)
def test_column_that_is_in_order_is_taken_alone(kind):
    table = pd.DataFrame(ALONE[kind])
    date, parts = find_times(table, [], "t.csv", None, np.zeros(len(table), np.int32))
    assert (date, parts) == (str(table.columns[0]), ())


def test_years_and_months_of_rows_in_no_order_are_no_timestamps():
    random = np.random.default_rng(0)
    table = pd.DataFrame({"yr": random.integers(1990, 2020, 80), "mo": random.integers(1, 13, 80)})
    assert find_parts(table, []) == [("yr", "mo")]
    assert find_times(table, [], "t.csv", None, np.zeros(80, np.int32)) == (None, ())


@pytest.mark.parametrize("turn", [1, -1])
def test_order_may_be_that_of_the_newest_first(turn):
    apart = written(HOURS[::turn], {"date": "%Y-%m-%d", "hour": "%H"})
    one = np.zeros(len(apart), np.int32)
    assert find_times(apart, [], "t.csv", None, one)[1] == ("date", "hour")
    counted = pd.DataFrame({"open_time": HOURS[::turn].as_unit("ms").asi8, "y": 1.5})
    assert find_times(counted, ["y"], "t.csv", None, one)[0] == "open_time"


def test_order_is_that_of_each_series():
    table = written(HOURS, {"date": "%Y-%m-%d", "hour": "%H"})
    both = pd.concat([table, table], ignore_index=True)
    series = np.repeat([0, 1], len(table)).astype(np.int32)
    assert find_times(both, [], "t.csv", None, series)[1] == ("date", "hour")


def test_years_of_each_series_are_timestamps():
    table = pd.DataFrame({"TIME_PERIOD": [*range(1990, 2020)] * 2, "y": 1.5})
    one, two = np.zeros(60, np.int32), np.repeat([0, 1], 30).astype(np.int32)
    assert find_times(table, ["y"], "t.csv", None, two) == ("TIME_PERIOD", ())
    assert find_times(table, ["y"], "t.csv", None, one) == (None, ())


def test_columns_with_commas_between_are_several_unless_one_is_called_so():
    table = pd.DataFrame({"Date": [], "Time": []})
    assert named_parts(table, "Date, Time") == ("Date", "Time")
    assert named_parts(table, "Date") == named_parts(table, "Date,Tim") == ()
    assert named_parts(table.assign(**{"Date,Time": []}), "Date,Time") == ()
