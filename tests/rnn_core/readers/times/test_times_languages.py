"""Timestamps as other languages, programs and countries write them."""

from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
from babel.dates import format_date
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_core.errors import DataError
from rnn_core.readers.times.columns import read_times
from rnn_core.readers.times.month_names import LANGUAGES

D = datetime


def read(values):
    table = pd.DataFrame({"date": values}, index=pd.RangeIndex(2, len(values) + 2, name="row"))
    return read_times(table, "date", "t.csv").times.to_pydatetime().tolist()


FORMS = ("d MMMM y", "d MMM y", "d-MMM-y", "EEEE d MMMM y", "d. MMM y")


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(LANGUAGES),
    st.sampled_from(FORMS),
    st.dates(date(1900, 1, 1), date(2150, 1, 1)),
    st.integers(1, 40),
)
def test_days_are_read_in_every_language(language, form, first, step):
    """Half a year and more of them, so that no other language has the same words for others."""
    days = [first + timedelta(days=step * i) for i in range(400 // step + 1)]
    written = [format_date(day, form, locale=language) for day in days]
    assert read(written) == [D(day.year, day.month, day.day) for day in days]


OTHERS = {
    "signs": (["2022年1月3日", "2022年10月14日"], [D(2022, 1, 3), D(2022, 10, 14)]),
    "signs with a clock": (["2022年1月3日 9:30", "2022年1月3日 10:30"], [9.5, 10.5]),
    "months in signs": (["2022年9月", "2022年10月"], [D(2022, 9, 1), D(2022, 10, 1)]),
    "Korean": (["2022년 1월 3일", "2022년 10월 14일"], [D(2022, 1, 3), D(2022, 10, 14)]),
    "Spanish": (["3 de enero de 2022", "4 de mayo de 2022"], [D(2022, 1, 3), D(2022, 5, 4)]),
    "no accents": (["3 fevrier 2022", "4 aout 2022"], [D(2022, 2, 3), D(2022, 8, 4)]),
    "May first": (["01-May-2022", "01-Jun-2022"], [D(2022, 5, 1), D(2022, 6, 1)]),
    "ordinals": (["3rd May 2022", "21st June 2022"], [D(2022, 5, 3), D(2022, 6, 21)]),
    "short years": (["Nov-68", "Dec-68"], [D(2068, 11, 1), D(2068, 12, 1)]),
    "short years of Excel": (["Dec-98", "Jan-99", "Jan-00"], [D(1998, 12, 1), D(1999, 1, 1)]),
    "an apostrophe": (["Jan '22", "Jan '23"], [D(2022, 1, 1), D(2023, 1, 1)]),
    "backwards": (["Feb-22", "Jan-22"], [D(2022, 2, 1), D(2022, 1, 1)]),
    "half years": (["2021H2", "2022H1"], [D(2021, 7, 1), D(2022, 1, 1)]),
    "days of a year": (["2024-060", "2024-366"], [D(2024, 2, 29), D(2024, 12, 31)]),
    "days of a year as numbers": ([2024060, 2024366], [D(2024, 2, 29), D(2024, 12, 31)]),
    "hours as numbers": ([2022010123, 2022010200], [D(2022, 1, 1, 23), D(2022, 1, 2)]),
    "minutes as numbers": ([202201012345, 202201020000], [D(2022, 1, 1, 23, 45), D(2022, 1, 2)]),
    "seconds as texts": (["20220101234501"], [D(2022, 1, 1, 23, 45, 1)]),
    "seconds since 1970": ([1900000000, 1900003600], [D(2030, 3, 17, 17, 46, 40)]),
    "seconds before 1973": ([-86400, 0, 86400], [D(1969, 12, 31), D(1970, 1, 1)]),
    "milliseconds before 1973": (["-63158400000", "-63072000000"], [D(1968, 1, 1), D(1968, 1, 2)]),
    "milliseconds of 1972": ([76204800000, 76291200000], [D(1972, 6, 1), D(1972, 6, 2)]),
    "nanoseconds of 1971": ([31536000 * 10**9, 31622400 * 10**9], [D(1971, 1, 1), D(1971, 1, 2)]),
    "spans of days": (["2022-01-03/2022-01-09", "2022-01-10/2022-01-16"], [0, 168]),
    "spans of German days": (["03.01.2022 - 09.01.2022", "10.01.2022 - 16.01.2022"], [0, 168]),
    "German weeks": (["KW 1/2022", "KW 2/2022"], [0, 168]),
    "weeks in words": (["Week 1, 2022", "Week 2, 2022"], [0, 168]),
    "weeks after a year": (["2022-KW01", "2022-KW02"], [0, 168]),
    "quarters of short years": (["Q4/21", "Q1/22"], [D(2021, 10, 1), D(2022, 1, 1)]),
    "quarters of banks": (["4Q99", "1Q00"], [D(1999, 10, 1), D(2000, 1, 1)]),
    "quarters after a stroke": (["2021/Q4", "2022/Q1"], [D(2021, 10, 1), D(2022, 1, 1)]),
    "a Spanish clock": (["03/01/2022 11:00 p.\u00a0m.", "13/01/2022 12:00 a.\u00a0m."], [23, 240]),
    "a Spanish day with a comma": (
        ["03/01/2022, 11:00:00 a. m.", "13/01/2022, 1:00:00 p. m."],
        [11],
    ),
    "a Finnish clock": (["3.1.2022 9.30", "3.1.2022 10.30"], [9.5, 10.5]),
    "a Danish clock": (["03-01-2022 09.30.00", "13-01-2022 10.30.00"], [9.5, 250.5]),
    "a French clock": (["03/01/2022 09h30", "13/01/2022 10h30"], [9.5, 250.5]),
    "a German clock": (["03.01.2022, 09:30 Uhr", "03.01.2022, 10:30 Uhr"], [9.5, 10.5]),
    "a Korean clock": (["2022. 1. 3. 오전 12:30", "2022. 1. 3. 오후 1:30"], [0.5, 13.5]),
    "a Chinese clock": (["2022/1/3 上午 9:30:00", "2022/1/3 下午 9:30:00"], [9.5, 21.5]),
    "a Japanese clock": (["2022年1月3日 9時30分", "2022年1月3日 21時30分"], [9.5, 21.5]),
    "a zone by name": (
        ["2022-01-03T00:00+00:00[UTC]", "2022-01-03T01:00+00:00[UTC]"],
        [D(2022, 1, 3, tzinfo=UTC)],
    ),
    "a server's log": (["03/Jan/2022:09:30:00", "03/Jan/2022:10:30:00"], [9.5, 10.5]),
    "SAS": (["03JAN2022:09:30:00", "03JAN2022:10:30:00"], [9.5, 10.5]),
}
"""Texts, and the first timestamps that they are; numbers are hours of 3 January 2022."""


@pytest.mark.parametrize("kind", OTHERS)
def test_forms_of_programs_and_countries_are_read(kind):
    values, expected = OTHERS[kind]
    first = [t if isinstance(t, D) else D(2022, 1, 3) + timedelta(hours=t) for t in expected]
    assert read(values)[: len(first)] == first


WITHOUT_YEAR = {
    "day and month": ["03-Jan", "04-Jan"],
    "month and day": ["Jan 03", "Jan 04", "Jan 05"],
    "days of two months": ["Jan-30", "Jan-31", "Feb-01"],
    "numbers": ["01-03", "01-04"],
    "a slash": ["1/3", "1/4"],
    "a clock before the day": ["10:00 03-Jan", "11:00 03-Jan"],  # not of this year
    "a day after the last": ["2022-366", "2023-001"],
    "a day after the last as a number": [2022366, 2023001],
    "a short year in digits": [220101, 220102, 220103],  # no months of 2201
    "a month of two languages": ["listopad 2022", "listopad 2023"],  # November, or October
    "two languages": ["3 enero 2022", "4 février 2022"],
}


@pytest.mark.parametrize("kind", WITHOUT_YEAR)
def test_days_that_are_not_certain_are_refused(kind):
    with pytest.raises(DataError, match=r"row 2, .* (has no year|is not a timestamp)"):
        read(WITHOUT_YEAR[kind])
