"""Times of tables as people have them: read rightly, and answered after the last of them."""

import pandas as pd
import pytest
from written_tables import (
    AUTUMN,
    BERLIN,
    BUSINESS,
    DAILY,
    DAYS,
    HOURS,
    MONTHLY,
    MONTHS,
    QUARTERS,
    SESSIONS,
    WEEKS,
    N,
    Y,
    csv,
    indexed,
    parquet,
)

READ = {
    "days first, which the first rows do not tell": (
        csv(form="%d/%m/%Y"),
        "day before the month",
        "2024-03-01",
    ),
    "hours of days first": (
        csv(pd.date_range("2024-02-10", periods=N, freq="6h"), form="%d/%m/%Y %H:%M"),
        "one row every 6 hours",
        "2024-02-25",
    ),
    "months first": (csv(form="%m/%d/%Y"), "month before the day", "2024-03-01"),
    "zone of a parquet file": (
        indexed(BERLIN),
        "(Europe/Berlin), one row per hour",
        "2024-04-01 13:00:00+02:00",
    ),
    "UTC in a parquet file": (
        indexed(BERLIN.tz_convert("UTC")),
        "(UTC), one row per hour",
        "2024-04-01 11:00:00+00:00",
    ),
    "serial numbers of Excel": (csv(range(42005, 42005 + N)), "time: 2015-01-01", "2015-03-02"),
    "microseconds": (
        csv([1704067200_000000 + i * 3600_000000 for i in range(N)], head="timestamp,y"),
        "one row per hour",
        "2024-01-03 12:00",
    ),
    "nanoseconds": (
        csv([(1704067200 + i * 3600) * 10**9 for i in range(N)], head="timestamp,y"),
        "one row per hour",
        "2024-01-03 12:00",
    ),
    "milliseconds": (
        csv([(1704067200 + i * 3600) * 1000 for i in range(N)], head="open_time,y"),
        "one row per hour",
        "2024-01-03 12:00",
    ),
    "201501": (csv(MONTHS, head="period,y", form="%Y%m"), MONTHLY, "2015-01-01"),
    "Q1 2015": (
        csv([f"Q{d.quarter} {d.year}" for d in QUARTERS], head="time_period,y"),
        "one row per quarter",
        "2015-01-01",
    ),
    "2024M01": (
        csv([f"{d.year}M{d.month:02d}" for d in MONTHS], head="TIME_PERIOD,y"),
        MONTHLY,
        "2015-01-01",
    ),
    "ISO weeks": (csv(WEEKS, head="reporting,y", form="%G-W%V"), "one row per week", "2021-03-01"),
    "years with decimals": (
        csv([f"{d.year + (d.month - 0.5) / 12:.4f}" for d in MONTHS], head="decimal_date,y"),
        MONTHLY,
        "2015-01-01",
    ),
    "firsts of months with points": (
        csv(MONTHS, head="Datum,y", form="%d.%m.%Y"),
        "one row per month, 12 per year",
        "2015-01-01",
    ),
    "business days": (csv(BUSINESS), "one row per business day, 5 per week", "2024-03-25"),
    "all days but Sundays": (
        csv([d for d in pd.date_range("2024-01-01", periods=70) if d.weekday() < 6]),
        "one row per day except Sun, 6 per week",
        "2024-03-11",
    ),
    "offsets as PostgreSQL writes them": (
        csv([str(time)[:-3] for time in BERLIN]),
        "(UTC)",
        "2024-04-01 11:00:00+00:00",
    ),
    "quarters as 1-2000": (
        csv([f"{d.quarter}-{d.year}" for d in QUARTERS], head="quarter,y"),
        "one row per quarter",
        "2015-01-01",
    ),
    "2000Q1": (
        csv([f"{d.year}Q{d.quarter}" for d in QUARTERS]),
        "one row per quarter",
        "2015-01-01",
    ),
    "2000-Q1": (
        csv([f"{d.year}-Q{d.quarter}" for d in QUARTERS]),
        "one row per quarter",
        "2015-01-01",
    ),
    "clock set forward": (
        csv(BERLIN.tz_localize(None)),
        "an hour is missing before 2024-03-31 03:00:00",
        "2024-04-01 13:00",
    ),
    "offsets that differ": (
        csv([time.isoformat() for time in BERLIN]),
        "(UTC)",
        "2024-04-01 11:00:00+00:00",
    ),
    "day and time": (
        csv(HOURS, head="Date,Time,y", form="%Y-%m-%d,%H:%M"),
        "by Date and Time together",
        "2024-01-03 12:00",
    ),
    "year, month, day and hour": (
        csv(HOURS, head="year,month,day,hour,y", form="%Y,%m,%d,%H"),
        "one row per hour",
        "2024-01-03 12:00",
    ),
    "year and week": (
        csv(WEEKS, head="year,week,y", form="%G,%V"),
        "by year and week together",
        "2021-03-01",
    ),
    "series after each other": (
        csv([f"{day:%Y-%m-%d},{'ab'[i // 30]}" for i, day in enumerate(DAYS)], head="date,store,y"),
        "several series, set data.series to 'store'",
        "2024-03-01",
    ),
    "weekdays before the days": (csv(head="day,date,y", form="%a,%Y-%m-%d"), DAILY, "2024-03-01"),
    "weekdays after the days": (
        csv(head="order_date,day,y", form="%Y-%m-%d,%a"),
        DAILY,
        "2024-03-01",
    ),
    "months before the days": (
        csv(head="month,order_date,y", form="%m,%Y-%m-%d"),
        DAILY,
        "2024-03-01",
    ),
    "years and months before the days": (
        csv(head="year,month,order_date,y", form="%Y,%m,%Y-%m-%d"),
        DAILY,
        "2024-03-01",
    ),
    "24:00": (
        csv(
            [
                f"{h - pd.Timedelta(hours=1):%Y-%m-%d} 24:00"
                if h.hour == 0
                else f"{h:%Y-%m-%d %H:%M}"
                for h in HOURS
            ]
        ),
        "one row per hour",
        "2024-01-03 12:00",
    ),
    "30th of each month": (
        csv(pd.DatetimeIndex([m.replace(day=min(30, m.days_in_month)) for m in MONTHS])),
        "one row per month, 12 per year",
        "2015-01-30",
    ),
    "hours of an exchange": (csv(SESSIONS), "6 per day", "2024-01-15 09:30"),
    "milliseconds called date": (
        csv([(1704067200 + i * 86400) * 1000 for i in range(N)]),
        DAILY,
        "2024-03-01",
    ),
    "2015-01": (csv(MONTHS, form="%Y-%m"), MONTHLY, "2015-01-01"),
    "Jan-2015": (csv(MONTHS, form="%b-%Y"), MONTHLY, "2015-01-01"),
    "periods": (indexed(MONTHS.to_period("M")), MONTHLY, "2015-01-01"),
    "dates and small floats": (
        parquet(pd.DataFrame({"date": DAYS.date, "y": Y.astype("float32")})),
        DAILY,
        "2024-03-01",
    ),
    "ends of months": (
        csv(pd.date_range("2010-01-31", periods=N, freq="ME")),
        "one row per month, 12 per year",
        "2015-01-31",
    ),
    "business ends of months": (
        csv(pd.date_range("2010-01-29", periods=N, freq="BME")),
        "one row per business month end, 12 per year",
        "2015-01-30",
    ),
    "15th of months": (
        csv(MONTHS + pd.Timedelta(days=14)),
        "one row per month, 12 per year",
        "2015-01-15",
    ),
    "business days but holidays": (
        csv(pd.bdate_range("2024-01-01", periods=N + 2).delete([20, 40])),
        "not a usual step after the row before: 2 rows",
        "2024-03-27",
    ),
    "Z": (csv(HOURS, form="%Y-%m-%dT%H:%M:%SZ"), "(UTC)", "2024-01-03 12:00:00+00:00"),
    "UTC in letters": (csv(HOURS, form="%Y-%m-%d %H:%M UTC"), "(UTC)", "2024-01-03 12:00:00+00:00"),
    "an offset": (
        csv(HOURS, form="%Y-%m-%dT%H:%M+01:00"),
        "(UTC+01:00)",
        "2024-01-03 12:00:00+01:00",
    ),
}
"""Written form, description, and first timestamp of the answer."""


@pytest.mark.parametrize("kind", READ)
@pytest.mark.one_in(3)
def test_table_is_read_rightly_and_answered(read_rightly, kind):
    read_rightly(*READ[kind])


def test_rows_from_the_newest_to_the_oldest_are_read_from_the_last(bring):
    brought = bring("forecasting", {"f.csv": csv(DAYS[::-1], Y[::-1])}, ["y"])
    assert "rows go from the newest to the oldest; they are read from the last" in brought.told
    answer, _ = brought.answer()
    assert answer["date"][0] == DAYS[-1] + pd.Timedelta(days=1)
    table = brought.task.read_input(brought.data)
    recent, _ = brought.answer_of(table.iloc[: brought.task.meta.lookback + 20])
    pd.testing.assert_frame_equal(recent, answer)


REFUSED = {
    "hour that comes again": (
        csv(AUTUMN),
        "row 29: 2024-10-27 02:00:00 is repeated since the clock",
    ),
    "half hours that come again": (
        csv(
            pd.date_range("2024-10-27", periods=N, freq="30min", tz="Europe/Berlin").tz_localize(
                None
            )
        ),
        "2024-10-27 02:00:00 is repeated since the clock was set back; write all times in UTC",
    ),
    "zone in letters": (csv(HOURS, form="%Y-%m-%d %H:%M CET"), "write the time zone as an offset"),
    "time alone": (csv(HOURS[:24], Y[:24], head="time,y", form="%H:%M"), "'00:00' has no day"),
    "quarter or month": (
        csv([f"{d.quarter}-{d.year}" for d in QUARTERS]),
        "'1-2000' can be a quarter or a month; write 2015-Q1, or 2015-01",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_times_that_are_not_certain_are_refused_with_the_cause(refuse, kind):
    content, message = REFUSED[kind]
    refuse("forecasting", content, message, targets=["y"])
