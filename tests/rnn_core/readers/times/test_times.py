"""Columns of timestamps: what is read, what counts as one step, and what follows."""

from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from rnn_core.errors import DataError
from rnn_core.readers.times.columns import find_dates, read_times
from rnn_core.readers.times.steps import (
    check_steps,
    find_step,
    following,
    regular,
    step_code,
    step_in_words,
)


def read(values):
    table = pd.DataFrame({"date": values}, index=pd.RangeIndex(2, len(values) + 2, name="row"))
    return read_times(table, "date", "t.csv").times


WRITTEN = {
    "ISO days": (["2024-01-31", "2024-02-01"], [datetime(2024, 1, 31), datetime(2024, 2, 1)]),
    "months": (["2024-01", "2024-02"], [datetime(2024, 1, 1), datetime(2024, 2, 1)]),
    "day first": (["01/02/2024", "13/02/2024"], [datetime(2024, 2, 1), datetime(2024, 2, 13)]),
    "month first": (["02/01/2024", "02/13/2024"], [datetime(2024, 2, 1), datetime(2024, 2, 13)]),
    "points": (["1.2.24", "13.2.24"], [datetime(2024, 2, 1), datetime(2024, 2, 13)]),
    "clock": (
        ["31/01/2024 23:30", "01/02/2024 00:30"],
        [datetime(2024, 1, 31, 23, 30), datetime(2024, 2, 1, 0, 30)],
    ),
    "twelve hours": (
        ["1/31/2024 11:30 PM", "2/1/2024 12:30 AM"],
        [datetime(2024, 1, 31, 23, 30), datetime(2024, 2, 1, 0, 30)],
    ),
    "names of months": (
        ["31 Jan 2024", "01 Feb 2024"],
        [datetime(2024, 1, 31), datetime(2024, 2, 1)],
    ),
    "years": ([1999, 2000], [datetime(1999, 1, 1), datetime(2000, 1, 1)]),
    "numbers of days": ([20240131, 20240201], [datetime(2024, 1, 31), datetime(2024, 2, 1)]),
    "numbers of months": ([202401, 202402], [datetime(2024, 1, 1), datetime(2024, 2, 1)]),
    "seconds": ([1706745600, 1706749200], [datetime(2024, 2, 1), datetime(2024, 2, 1, 1)]),
    "milliseconds": (
        [1706745600000, 1706749200000],
        [datetime(2024, 2, 1), datetime(2024, 2, 1, 1)],
    ),
}


@pytest.mark.parametrize("kind", WRITTEN)
def test_timestamps_are_read_as_they_are_meant(kind):
    values, expected = WRITTEN[kind]
    assert read(values).to_pydatetime().tolist() == expected


def test_time_zone_is_kept():
    times = read(["2024-01-31T23:00:00+01:00", "2024-02-01T00:00:00+01:00"])
    assert times[1].isoformat() == "2024-02-01T00:00:00+01:00"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["2024-01-31", "2023-02-29"], "row 3, column 'date': '2023-02-29' is not a timestamp"),
        ([20240131, 20240132], "row 3, column 'date': '20240132' is not a timestamp"),
        ([1.5, 2.5], r"row 2, column 'date': the number 1\.5 is not a timestamp"),
        (["soon", "later"], "row 2, column 'date': 'soon' is not a timestamp"),
        (["13/02/2024", "14/02/2024 10:00"], "row 3, .* is not written as the timestamps before"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_row(values, message):
    with pytest.raises(DataError, match=message):
        read(values)


STEPS = ["D", "B", "h", "15min", "250ms", "W-WED", "MS", "ME", "BME", "QS", "QE", "YS", "YE", "2ME"]


@pytest.mark.parametrize("step", STEPS)
def test_steps_of_the_calendar_are_regular_and_go_on(step):
    """Against the calendar of pandas, in a leap year and over weekends."""
    calendar = pd.date_range("2023-11-04", periods=60, freq=step)
    times = calendar[:50]
    assert regular(times)
    check_steps(times, pd.RangeIndex(50), "t.csv", "")
    for code in (None, step_code(times)):
        assert following(times, 10, code).tolist() == calendar[50:].tolist()


def test_same_day_of_each_month_is_a_step():
    calendar = pd.DatetimeIndex([datetime(2023 + m // 12, m % 12 + 1, 15) for m in range(24)])
    assert regular(calendar[:20])
    assert step_code(calendar[:20]) is None
    assert following(calendar[:20], 4, None).tolist() == calendar[20:].tolist()


def test_step_of_the_training_decides_where_few_rows_cannot():
    """Monday to Friday may be days or business days."""
    week = pd.date_range("2024-01-01", periods=5, freq="B")
    assert following(week, 1, "B").tolist() == [datetime(2024, 1, 8)]
    assert following(week, 1, "D").tolist() == [datetime(2024, 1, 6)]
    assert following(week[-1:], 1, "B").tolist() == [datetime(2024, 1, 8)]
    assert following(week[:3] + pd.Timedelta("1h"), 1, "ME").tolist() == [datetime(2024, 1, 4, 1)]


@pytest.mark.parametrize(
    ("step", "gone", "words"),
    [("D", 20, "1 day"), ("B", 22, "1 business day"), ("ME", 30, "1 month"), ("2h", 9, "2 hours")],
)
def test_gap_in_time_is_found_whatever_the_step(step, gone, words):
    times = pd.date_range("2024-01-01", periods=50, freq=step)
    times = times.delete(gone)
    assert not regular(times)
    assert step_in_words(find_step(times)) == words
    with pytest.raises(DataError, match=rf"row {gone}: .* step is {words} \(1 such rows\)"):
        check_steps(times, pd.RangeIndex(49), "t.csv", "")


def test_business_days_without_holidays_go_on_as_business_days():
    days = pd.date_range("2024-01-01", "2024-05-03", freq="B")
    traded = days.drop(pd.DatetimeIndex(["2024-01-15", "2024-02-19", "2024-03-29"]))
    assert step_code(traded) == "B"
    assert following(traded[-5:], 2, "B").tolist() == [datetime(2024, 5, 6), datetime(2024, 5, 7)]


def test_rows_at_no_regular_time_are_their_median_apart():
    apart = np.array([9, 11, 10, 9.5, 12, 10, 10.5, 9, 11])
    times = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.cumsum(apart), unit="s")
    assert find_step(pd.DatetimeIndex(times)) == pd.Timedelta(seconds=np.median(apart[1:]))


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({"y": [1], "when": ["2024-01-31"]}, "when"),
        ({"shop": ["north"], "Date": ["2024-01-31"], "since": ["2020-01-01"]}, "Date"),
        ({"y": [20240131], "year": [1999]}, "year"),
        ({"y": [20240131], "shop": ["north"]}, None),
        ({"day": [3], "y": [1]}, None),
    ],
)
def test_column_of_timestamps_is_found(columns, found):
    assert find_dates(pd.DataFrame(columns), ["y"], "t.csv") == found


def test_column_that_is_called_date_is_not_passed_over():
    with pytest.raises(DataError, match="column 'date': '2024-02-30' is not a timestamp"):
        find_dates(pd.DataFrame({"since": ["2020-01-01"], "date": ["2024-02-30"]}), [], "t.csv")


def test_digits_that_go_on_are_no_timestamp():
    with pytest.raises(DataError, match="is not a timestamp"):
        read(["2024", "2025", "9" * 400])
