"""Rows that are not in order, and what follows rows of a rare calendar."""

import pandas as pd
import pytest

from rnn_core.errors import DataError
from rnn_core.readers.times.order import (
    check_order,
    clock_set_forward,
    series_in_blocks,
)
from rnn_core.readers.times.sessions import find_sessions, following_sessions
from rnn_core.readers.times.steps import find_step, following, regular, step_in_words


def checked(times, **columns):
    times = pd.DatetimeIndex(times)
    table = pd.DataFrame(columns, index=pd.RangeIndex(2, len(times) + 2, name="row"))
    check_order(times, table, "date", "t.csv")


DAYS = pd.date_range("2024-01-01", periods=20)
HOURS = pd.date_range("2024-01-01", periods=40, freq="h")
LONG = [time for time in DAYS for _ in "abc"]
STARTS = [*DAYS, *DAYS[5:], *DAYS[2:]]
SHOPS = ["n"] * 20 + ["s"] * 15 + ["w"] * 18
YEARS = [pd.Timestamp(year, 1, 1) for year in (2020, 2021) for _ in range(12)]
AUTUMN = pd.date_range("2024-10-26", periods=80, freq="h", tz="Europe/Berlin")
FALL = pd.date_range("2024-11-02", periods=160, freq="30min", tz="America/New_York")
TOLD = "series one below the other, told apart by column 'shop'; set data.series to 'shop'"

REFUSED = {
    "time of day": (HOURS.normalize(), {"Uhrzeit": HOURS.hour}, "'Uhrzeit' tells more of the"),
    "hours in Italian": (HOURS.normalize(), {"Ora": HOURS.hour}, "column 'Ora' tells more of the"),
    "months": (YEARS, {"month": [*range(1, 13)] * 2}, "take both: --set date=date,month"),
    "load in kW": (YEARS, {"load_kw": [n / 8 for n in range(24)]}, "the row above too; keep one"),
    "rain in mm": (YEARS, {"rain_mm": [*range(300, 324)]}, "the row above too; keep one"),
    "series side by side": (LONG, {"shop": ["n", "s", "w"] * 20}, f"3 {TOLD}"),
    "series that start apart": (STARTS, {"shop": SHOPS}, f"3 {TOLD}"),
    "numbers of series": (LONG, {"shop": [7, 8, 9] * 20}, f"3 {TOLD}"),
    "latitudes of series": (
        LONG,
        {"shop": [52.5, 48.25, 41.0] * 20, "y": [n / 8 for n in range(60)]},
        f"3 {TOLD}",
    ),
    "parts of the day": (
        HOURS.normalize(),
        {"settlement_period": HOURS.hour + 1},
        "column 'settlement_period' counts parts of the day; write the time at which each begins",
    ),
    "clock set back": (
        AUTUMN.tz_localize(None),
        {},
        "row 29: 2024-10-27 02:00:00 is repeated since the clock was set back; write all times in",
    ),
    "clock set back, half hours": (
        FALL.tz_localize(None),
        {},
        "2024-11-03 01:00:00 is repeated since the clock was set back",
    ),
    "newest first": (DAYS[::-1], {}, "reverse the rows"),
    "a row twice": (
        DAYS[[0, 1, 1, 2, 3]],
        {"kind": ["a", "b", "b", "a", "b"]},
        "row 4: .* is the timestamp of the row above too; keep",
    ),
    "two rows swapped": (
        DAYS[[0, 1, 3, 2, 4]],
        {"kind": ["a", "b", "c", "d", "e"]},
        "row 5: .* sort the table",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_cause_of_disorder_is_told(kind):
    times, columns, message = REFUSED[kind]
    with pytest.raises(DataError, match=message):
        checked(times, **columns)


def test_series_in_blocks_are_seen():
    blocks = pd.DataFrame({"y": range(40), "shop": ["n"] * 20 + ["s"] * 20})
    assert series_in_blocks(blocks) == "shop"
    assert series_in_blocks(blocks.assign(shop=["n", "s"] * 20)) is None
    assert series_in_blocks(blocks.assign(shop="n")) is None
    assert series_in_blocks(blocks.assign(shop=[" "] * 20 + ["provisional"] * 20)) is None


def test_hour_that_is_missing_in_spring_is_seen():
    times = pd.date_range("2024-03-30", periods=80, freq="h", tz="Europe/Berlin").tz_localize(None)
    assert clock_set_forward(times).tolist() == [pd.Timestamp("2024-03-31 03:00")]
    assert not len(clock_set_forward(HOURS))
    assert not len(clock_set_forward(times.delete(50)[:20]))


@pytest.mark.parametrize("day", [28, 29, 30])
@pytest.mark.parametrize("months", [1, 3])
def test_day_of_the_month_stays(day, months):
    """Against the calendar of pandas, from the first of each month."""
    firsts = pd.date_range("2023-01-01", periods=24 * months, freq="MS")[::months]
    times = pd.DatetimeIndex([t.replace(day=min(day, t.days_in_month)) for t in firsts])
    assert regular(times[:20])
    assert following(times[:20], 4, None).tolist() == times[20:].tolist()
    assert step_in_words(find_step(times)) == f"{months} month{'s' * (months > 1)}"
    broken = times[:20].delete(9)
    assert not regular(broken)


def test_hours_of_an_exchange_go_on_the_next_day():
    """Over a weekend, from the second last of a Friday's 13."""
    clock = [pd.Timedelta(minutes=570 + 30 * i) for i in range(13)]
    days = pd.bdate_range("2024-01-01", periods=11)
    times = pd.DatetimeIndex([day + time for day in days for time in clock])
    sessions = find_sessions(times[:130])
    assert (len(sessions), sessions[0], sessions[-1]) == (13, "09:30:00", "15:30:00")
    assert following_sessions(times[:129], 5, sessions).tolist() == times[129:134].tolist()
    assert times[130] == pd.Timestamp("2024-01-15 09:30")


def test_hours_of_six_days_a_week_go_on_on_monday():
    days = [day for day in pd.date_range("2024-01-01", periods=21) if day.weekday() < 6]
    clock = [pd.Timedelta(hours=h) for h in (9, 10, 11, 12)]
    times = pd.DatetimeIndex([day + time for day in days for time in clock])
    sessions = find_sessions(times)
    assert times[-1] == pd.Timestamp("2024-01-20 12:00")
    assert following_sessions(times, 2, sessions).tolist() == [
        pd.Timestamp("2024-01-22 09:00"),
        pd.Timestamp("2024-01-22 10:00"),
    ]


@pytest.mark.parametrize("times", [HOURS, DAYS, HOURS.delete([5, 17, 30])])
def test_rows_of_whole_days_have_no_hours_of_their_own(times):
    assert find_sessions(times) == []


def test_days_without_a_weekend_go_on_over_it():
    times = pd.DatetimeIndex([d + pd.Timedelta(hours=h) for d in DAYS[:6] for h in (8, 12, 16)])
    found = following_sessions(times, 3, find_sessions(times))
    sunday = pd.Timestamp("2024-01-07")
    assert found.tolist() == [sunday + pd.Timedelta(hours=hour) for hour in (8, 12, 16)]
