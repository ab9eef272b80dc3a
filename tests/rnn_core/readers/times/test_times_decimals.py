"""Years with decimals: the month or the day that they lie in, where that is certain."""

import numpy as np
import pandas as pd
import pytest

from rnn_core.errors import DataError
from rnn_core.readers.times.columns import find_dates, read_times

MONTHS = pd.date_range("1958-03-01", periods=200, freq="MS")
QUARTERS = pd.date_range("1959-01-01", periods=60, freq="QS")
DAYS = pd.date_range("1999-11-20", periods=900)
WEEKS = pd.date_range("1974-05-19", periods=300, freq="7D")


def years(times, days):
    """Years with decimals, `days` days after midnight."""
    length = np.where(times.is_leap_year, 366, 365)
    return times.year + (times.day_of_year - 1 + days) / length


TABLES = {
    "middles of months": (MONTHS, years(MONTHS, 14), 4),
    "middles of months, of 12 alike": (MONTHS, MONTHS.year + (MONTHS.month - 0.5) / 12, 3),
    "starts of months, of 12 alike": (MONTHS, MONTHS.year + (MONTHS.month - 1) / 12, 2),
    "starts of months": (MONTHS, MONTHS.year + (MONTHS.month - 1) / 12, 3),
    "quarters": (QUARTERS, QUARTERS.year + (QUARTERS.quarter - 1) / 4, 2),
    "months as hundredths": (MONTHS, MONTHS.year + MONTHS.month / 100, 2),
    "days": (DAYS, years(DAYS, 0.5), 4),
    "starts of days": (DAYS, years(DAYS, 0), 4),
    "weeks": (WEEKS, years(WEEKS, 0.5), 4),
}


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize("name", ["decimal_date", "time"])
def test_years_with_decimals_are_read(kind, name):
    """Against the calendar that they were made of; also of the last rows alone."""
    times, values, digits = TABLES[kind]
    table = pd.DataFrame({name: [f"{value:.{digits}f}" for value in values], "y": 1.0})
    assert find_dates(table, ["y"], "t.csv") == name
    assert read_times(table, name, "t.csv").times.tolist() == times.tolist()
    assert read_times(table.tail(24), name, "t.csv").times.tolist() == times[-24:].tolist()


UNCLEAR = {
    "no fixed step": [2001.1, 2001.35, 2001.4, 2001.9],
    "two rows": [2001.1, 2001.2],
    "no order": [2001.08, 2001.0, 2001.17],
    "no years": [1.08, 1.17, 1.25],
}


@pytest.mark.parametrize("kind", UNCLEAR)
def test_other_numbers_are_no_timestamps(kind):
    table = pd.DataFrame({"time": UNCLEAR[kind]})
    with pytest.raises(DataError, match=r"row 0, column 'time': the number .* is not a timestamp"):
        read_times(table, "time", "t.csv")
    assert find_dates(table, [], "t.csv") is None
