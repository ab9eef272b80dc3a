"""Timestamps as people write them: read where it is certain what they mean."""

from datetime import datetime

import pandas as pd
import pytest

from rnn_core.errors import DataError
from rnn_core.readers.times.columns import find_dates, in_zone, look_like_dates, read_times

D = datetime


def read(values, name="date", **options):
    table = pd.DataFrame({name: values}, index=pd.RangeIndex(2, len(values) + 2, name="row"))
    return read_times(table, name, "t.csv", **options).times


WRITTEN = {
    "quarters": (["2015-Q1", "2015Q2", "2015 Q3"], [D(2015, 1, 1), D(2015, 4, 1), D(2015, 7, 1)]),
    "quarter first": (
        ["Q4 2015", "Q1-2016", "2Q2016"],
        [D(2015, 10, 1), D(2016, 1, 1), D(2016, 4, 1)],
    ),
    "months of Eurostat": (["2024M01", "2024-M12"], [D(2024, 1, 1), D(2024, 12, 1)]),
    "ISO weeks": (["2020-W53", "2021W01"], [D(2020, 12, 28), D(2021, 1, 4)]),
    "days of ISO weeks": (["2021-W01-3", "2021-W01-4"], [D(2021, 1, 6), D(2021, 1, 7)]),
    "24 hours": (
        ["2024-01-31 23:00", "2024-01-31 24:00"],
        [D(2024, 1, 31, 23), D(2024, 2, 1)],
    ),
    "microseconds": ([1706745600000000, 1706749200000000], [D(2024, 2, 1), D(2024, 2, 1, 1)]),
    "nanoseconds": ([1706745600 * 10**9, 1706749200 * 10**9], [D(2024, 2, 1), D(2024, 2, 1, 1)]),
    "numbers as texts": (["1706745600", "1706749200"], [D(2024, 2, 1), D(2024, 2, 1, 1)]),
    "days of Excel": ([45322, 45323], [D(2024, 1, 31), D(2024, 2, 1)]),
    "hours of Excel": ([45322.25, 45322.5], [D(2024, 1, 31, 6), D(2024, 1, 31, 12)]),
    "points": (["1.2.2024", "2.2.2024"], [D(2024, 2, 1), D(2024, 2, 2)]),
    "months of American days": (
        [f"{m:02d}/01/{y}" for y in (2019, 2020) for m in range(1, 13)],
        [D(y, m, 1) for y in (2019, 2020) for m in range(1, 13)],
    ),
    "months of European days": (
        [f"01/{m:02d}/{y}" for y in (2019, 2020) for m in range(1, 13)],
        [D(y, m, 1) for y in (2019, 2020) for m in range(1, 13)],
    ),
    "dates of Python": (
        [D(2024, 1, 31).date(), D(2024, 2, 1).date()],
        [D(2024, 1, 31), D(2024, 2, 1)],
    ),
}


@pytest.mark.parametrize("kind", WRITTEN)
def test_timestamps_are_read_as_they_are_meant(kind):
    values, expected = WRITTEN[kind]
    assert read(values).to_pydatetime().tolist() == expected


NAMED = {
    "quarter": (["1-2015", "2-2015", "3-2015", "4-2015", "1-2016"], [D(2015, 1, 1), D(2016, 1, 1)]),
    "when": ([f"{m}-2015" for m in range(1, 13)], [D(2015, 1, 1), D(2015, 12, 1)]),
    "week": (["2020-53", "2021-01"], [D(2020, 12, 28), D(2021, 1, 4)]),
    "isoWeek": ([202053, 202101], [D(2020, 12, 28), D(2021, 1, 4)]),
    "Woche": (["2020/10", "2020/11"], [D(2020, 3, 2), D(2020, 3, 9)]),
}


@pytest.mark.parametrize("name", NAMED)
def test_parts_of_a_year_are_told_by_their_column(name):
    values, ends = NAMED[name]
    times = read(values, name)
    assert [times[0], times[-1]] == ends


def test_offsets_that_differ_are_read_as_utc():
    times = read(["2024-03-31 00:00:00+01", "2024-03-31 03:00:00+02", "2024-03-31 04:00:00+0200"])
    assert [str(time) for time in times] == [
        "2024-03-30 23:00:00+00:00",
        "2024-03-31 01:00:00+00:00",
        "2024-03-31 02:00:00+00:00",
    ]


UNCLEAR = {
    "quarter or month": (
        [f"{q}-{y}" for y in (2015, 2016) for q in range(1, 5)],
        "quarter or a mo",
    ),
    "two orders": (["13/01/2024", "01/13/2024"], "do not have day and month in the same order"),
    "no order": (
        ["01/01/2024", "02/02/2024"],
        "say which when the study is made: --set day_first=true",
    ),
    "time alone": (["10:30", "10:45"], "'10:30' has no day; write day and time into one column"),
    "letters of a zone": (["2024-01-01 00:00 CET"], "write the time zone as an offset"),
    "some zones": (["2024-01-01 00:00Z", "2024-01-01 01:00"], "row 3: .* with and without a time"),
    "durations": (pd.to_timedelta([1, 2], unit="h"), "holds durations, not timestamps"),
    "a sum below": (
        ["2024-01-01", ""],
        "row 3, .* write it, or remove this last row if it sums up",
    ),
    "nothing": (["2024-01-01", "", None], "2 faults\n  t.csv, row 3, .*\n  t.csv, row 4, column"),
    "fiscal years": (["1950/51", "1951/52"], "write the day on which that year or period begins"),
    "short fiscal years": (
        ["2008-09", "2009-10", "2010-11"],
        "row 2, .*'2008-09' is a fiscal year",
    ),
    "names of fiscal years": (["FY1950", "FY1951"], "write the day on which that year or period"),
    "periods": (["2014P01", "2014P02"], "write the day on which that year or period begins"),
    "month 13": (["2024M12", "2024M13"], "row 3, column 'date': '2024M13' is not a timestamp"),
}


@pytest.mark.parametrize("kind", UNCLEAR)
def test_what_is_not_certain_is_told(kind):
    values, message = UNCLEAR[kind]
    with pytest.raises(DataError, match=message):
        read(values)


def test_order_that_is_known_holds_where_rows_do_not_tell():
    assert read(["01/02/2024"], day_first=True)[0] == D(2024, 2, 1)
    assert read(["01/02/2024"], day_first=False)[0] == D(2024, 1, 2)
    with pytest.raises(DataError, match="row 3: 01/13/2024 does not have the day first"):
        read(["01/02/2024", "01/13/2024"], day_first=True)


DAYS = ["2024-01-30", "2024-01-31"]
FOUND = {
    "name of weekdays beside": ({"day": ["Mon", "Tue"], "when": DAYS}, "when"),
    "number of a month beside": ({"month": ["1", "1"], "order_date": DAYS}, "order_date"),
    "time of day beside": ({"time": ["10:30", "10:45"], "date": DAYS}, "date"),
    "count of milliseconds": ({"open_time": ["1706572800000", "1706659200000"]}, "open_time"),
    "month as a number": ({"period": [202401, 202402]}, "period"),
    "German": ({"Datum": ["30.01.2024", "31.01.2024"]}, "Datum"),
    "timestamps of any name": ({"a": ["x", "y"], "b": pd.to_datetime(DAYS)}, "b"),
    "periods": ({"b": pd.PeriodIndex(DAYS, freq="D")}, "b"),
    "minutes that are no years": ({"time_spent": [1500, 2000]}, None),
    "durations": ({"time": pd.to_timedelta([1, 2], unit="h")}, None),
    "numbers of rows": ({"id": [45322, 45323]}, None),
}


@pytest.mark.parametrize("kind", FOUND)
def test_column_of_timestamps_is_found(kind):
    columns, found = FOUND[kind]
    assert find_dates(pd.DataFrame(columns), [], "t.csv") == found


def test_ambiguous_days_are_not_passed_over():
    table = pd.DataFrame({"a": ["01/01/2024", "02/02/2024"], "y": [1, 2]})
    with pytest.raises(DataError, match="row 0: 01/01/2024 can be day and month"):
        find_dates(table, ["y"], "t.csv")


@pytest.mark.parametrize("empty", ["", None])
def test_a_sum_below_days_in_digits_does_not_hide_them(empty):
    table = pd.DataFrame({"Date": [20240130, 20240131, 20240201, empty], "y": 1.0}, dtype=object)
    with pytest.raises(DataError, match=r"row 3, column 'Date' .* remove this last row if it sums"):
        find_dates(table, ["y"], "t.csv")
    assert find_dates(table.assign(Date=[3, 7, 5, empty]), ["y"], "t.csv") is None


def test_columns_that_may_be_timestamps_are_named():
    table = pd.DataFrame(
        {
            "decimal": ["2024.0", "2024.0833", "2024.1667"],
            "id": ["45322", "45323", "45324"],
            "count": ["1", "2", "3"],
            "week_no": ["1", "2", "3"],
        }
    )
    assert look_like_dates(table) == ["decimal", "id", "week_no"]


def test_times_without_a_zone_are_taken_to_be_in_that_of_the_training():
    naive = pd.DatetimeIndex(["2024-03-31 01:00", "2024-03-31 03:00"])
    assert in_zone(naive, "Europe/Berlin", "t")[1].isoformat() == "2024-03-31T03:00:00+02:00"
    assert in_zone(naive.tz_localize("UTC"), None, "t").tolist() == naive.tolist()
    with pytest.raises(DataError, match="in Europe/Berlin; write the times with their offset"):
        in_zone(naive + pd.Timedelta(hours=1), "Europe/Berlin", "t")


D24 = [f"10/05/24 {hour:02d}:00" for hour in range(4)]
SHORT_DAYS = {
    "hours of a day": (D24, True, D(2024, 5, 10)),
    "hours of a day, the month first": (D24, False, D(2024, 10, 5)),
    "one row": (["10/05/24"], True, D(2024, 5, 10)),
    "months": (["01/01/20", "01/02/20", "01/03/20"], True, D(2020, 1, 1)),
    "a month, the year first": (
        [f"24-12-{day:02d}" for day in range(1, 31)],
        "year",
        D(2024, 12, 1),
    ),
    "named months, the year first": (
        [f"24-Dec-{d:02d}" for d in range(1, 9)],
        "year",
        D(2024, 12, 1),
    ),
}


@pytest.mark.parametrize("kind", SHORT_DAYS)
def test_an_order_that_is_known_settles_short_dates(kind):
    values, day_first, expected = SHORT_DAYS[kind]
    assert read(values, day_first=day_first)[0] == expected


@pytest.mark.parametrize("form", ["%y-%m-%d", "%y-%b-%d"])
def test_years_that_are_first_are_remembered(form):
    days = pd.date_range("2024-01-25", periods=20)
    table = pd.DataFrame({"date": days.strftime(form)})
    found = read_times(table, "date", "t.csv")
    assert found.times.tolist() == days.tolist()
    later = pd.date_range("2024-12-01", periods=30)
    table = pd.DataFrame({"date": later.strftime(form)})
    assert read_times(table, "date", "t.csv", found.day_first).times.tolist() == later.tolist()


OTHER_ORDERS = {
    "days, the year first": ("%y-%m-%d", "D", True),
    "days, the year first, after months first": ("%y/%m/%d", "D", False),
    "months, the year first": ("%y/%m/%d", "MS", True),
    "a named month, the year first": ("%y-%b-%d", "D", True),
    "the year last, the day first": ("%d/%m/%y", "D", "year"),
    "the year last, the month first": ("%m/%d/%y", "D", "year"),
    "a named month, the year last": ("%d-%b-%y", "D", "year"),
}


@pytest.mark.parametrize("kind", OTHER_ORDERS)
def test_dates_that_are_in_another_order_than_known_are_read_in_it(kind):
    form, step, known = OTHER_ORDERS[kind]
    days = pd.date_range("2024-01-01", periods=40, freq=step)
    assert read(days.strftime(form), day_first=known).tolist() == days.tolist()


@pytest.mark.parametrize(
    ("form", "step"), [("%y-%m-%d", "D"), ("%y-%b-%d", "D"), ("%m/%d/%Y", "MS")]
)
def test_the_days_of_several_series_tell_their_order(form, step):
    days = pd.date_range("2024-01-01", periods=40, freq=step)
    written = days.strftime(form).tolist()
    assert read(written * 2).tolist() == [*days, *days]
    assert read([text for text in written for _ in "ab"]).tolist() == [*days.repeat(2)]


NAMED_MONTHS = {
    "months": (["01-Jan-24", "01-Feb-24"], [D(2024, 1, 1), D(2024, 2, 1)]),
    "years": (["31-Dec-20", "31-Dec-21"], [D(2020, 12, 31), D(2021, 12, 31)]),
    "hours": (["31-Jan-24 00:00", "31-Jan-24 01:00"], [D(2024, 1, 31), D(2024, 1, 31, 1)]),
    "one row": (["10-May-24"], [D(2024, 5, 10)]),
    "May is whole": (["01-May-24", "01-June-24"], [D(2024, 5, 1), D(2024, 6, 1)]),
    "years from one to another": (["01-Jan-22", "01-Jan-23"], [D(2022, 1, 1), D(2023, 1, 1)]),
    "hours, the year first": (
        ["24-Jan-01 12:00", "24-Jan-02 00:00", "24-Jan-02 12:00"],
        [D(2024, 1, 1, 12), D(2024, 1, 2), D(2024, 1, 2, 12)],
    ),
    "four letters": (["01-Sept-24", "01-Oct-24"], [D(2024, 9, 1), D(2024, 10, 1)]),
    "whole": (["1 February 24", "1 March 24"], [D(2024, 2, 1), D(2024, 3, 1)]),
    "the year first": (
        ["24-Jan-30", "24-Jan-31", "24-Feb-01"],
        [D(2024, 1, 30), D(2024, 1, 31), D(2024, 2, 1)],
    ),
}


@pytest.mark.parametrize("kind", NAMED_MONTHS)
def test_the_year_follows_a_named_month_where_it_can(kind):
    values, expected = NAMED_MONTHS[kind]
    assert read(values).to_pydatetime().tolist() == expected


def test_words_are_not_cut_into_months():
    with pytest.raises(DataError, match="'01-Marble-24' is not a timestamp"):
        read(["01-Marble-24", "02-Marble-24"])


@pytest.mark.parametrize("values", [D24, ["24-Jan-01", "24-Jan-02"], ["24.01.01", "24.01.02"]])
def test_short_dates_that_can_be_either_are_refused_with_both_cures(values):
    with pytest.raises(DataError, match="four digits, such as 2024-01-31, or if it is last, say"):
        read(values)


@pytest.mark.parametrize("form", ["%d-%b-%y", "%d.%m.%y"])
def test_years_that_are_last_are_remembered(form):
    days = pd.DatetimeIndex([f"{year}-01-24" for year in range(1995, 2021)])
    table = pd.DataFrame({"date": days.strftime(form)})
    found = read_times(table, "date", "t.csv")
    again = read_times(table[-15:], "date", "t.csv", found.day_first)
    assert again.times.tolist() == days[-15:].tolist()


@pytest.mark.parametrize("form", ["%y-%m-%d", "%d/%m/%y"])
def test_short_years_of_two_centuries_are_told(form):
    months = pd.date_range("1967-01-01", periods=36, freq="MS")
    with pytest.raises(DataError, match=r"row 26: .*does not tell the century; write years with"):
        read(months.strftime(form))


def test_short_years_with_points_may_be_first():
    days = pd.date_range("2024-01-20", periods=20)
    assert read(days.strftime("%y.%m.%d")).tolist() == days.tolist()


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["S1", "S2"] * 9, "no column of timestamps was found; 'id' has texts such as 'S1': if it"),
        ([f"R{i}" for i in range(9)], "'R0' is not a timestamp .*; if it tells series, give --se"),
    ],
)
def test_ids_without_timestamps_are_told(ids, message):
    with pytest.raises(DataError, match=f"{message}.* --set date=null"):
        find_dates(pd.DataFrame({"id": ids, "y": 1.0}), ["y"], "t.csv")


LATE_FORMS = ["%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d.%m.%Y", "%d.%m.%y", "%d-%b-%y", "%d %B %Y"]


@pytest.mark.parametrize("clock", ["24:00", "24:00:00"])
@pytest.mark.parametrize("form", LATE_FORMS)
def test_the_end_of_a_day_may_be_written_as_its_24th_hour(form, clock):
    hours = pd.date_range("2024-01-30 01:00", periods=60, freq="h")
    plain = clock.replace("24", "%H").replace(":00", ":%M", 1).replace(":00", ":%S")
    late = [
        f"{hour - pd.Timedelta(days=1):{form}} {clock}"
        if hour.hour == 0
        else f"{hour:{form} {plain}}"
        for hour in hours
    ]
    assert read(late).tolist() == hours.tolist()


def test_days_and_months_of_one_digit_may_end_at_24():
    expected = [D(2024, 2, 1, 23), D(2024, 2, 2), D(2024, 2, 2, 1)]
    assert read(["1.2.2024 23:00", "1.2.2024 24:00", "2.2.2024 01:00"]).tolist() == expected


def test_the_end_of_a_day_may_have_an_offset():
    days = ["2024-03-30T23:00:00+01:00", "2024-03-30T24:00:00+01:00", "2024-03-31T24:00:00+02:00"]
    assert [str(time) for time in read(days)] == [
        "2024-03-30 22:00:00+00:00",
        "2024-03-30 23:00:00+00:00",
        "2024-03-31 22:00:00+00:00",
    ]
