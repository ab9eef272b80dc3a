"""Tables with rows on some days of the week alone."""

from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_core.readers.times.steps import (
    find_step,
    following,
    follows,
    regular,
    step_code,
    step_in_words,
)
from rnn_core.tasks.forecasting.seasons import season_of

MONDAY = date(2024, 1, 1)


def days_on(weekdays, count, start=MONDAY):
    """That many days on some days of the week, from a date on, one by one."""
    found, day = [], start
    while len(found) < count:
        if day.weekday() in weekdays:
            found.append(day)
        day += timedelta(days=1)
    return found


@given(st.sets(st.integers(0, 6), min_size=2, max_size=6), st.integers(0, 6), st.integers(1, 9))
def test_rows_go_on_on_the_same_days_of_the_week(weekdays, first, count):
    start = MONDAY + timedelta(days=first)
    known = days_on(weekdays, 4 * len(weekdays) + count, start)
    times = pd.DatetimeIndex(known[:-count])
    assert regular(times)
    code = step_code(times)
    assert following(times, count, code).date.tolist() == known[-count:]
    last = times[-1:]  # one row alone, as for a model that needs no more
    assert following(last, count, code).date.tolist() == known[-count:]


def test_days_of_the_week_are_told_by_those_that_are_closed_or_open():
    shop = pd.DatetimeIndex(days_on({0, 1, 2, 3, 4, 5}, 60)) + pd.Timedelta("18h")
    assert step_in_words(find_step(shop)) == "1 day except Sun"
    assert season_of(86_400.0, step_code(shop)).rows(86_400.0) == 6
    market = pd.DatetimeIndex(days_on({1, 4}, 30)).tz_localize("Europe/Berlin")
    assert step_in_words(find_step(market)) == "1 day on Tue and Fri"
    assert season_of(302_400.0, step_code(market)).rows(302_400.0) == 2


def test_holidays_are_odd_rows_and_no_other_step():
    shop = pd.DatetimeIndex(days_on({0, 1, 2, 3, 4, 5}, 120))
    open_days = shop.drop(pd.DatetimeIndex(["2024-01-06", "2024-02-12", "2024-03-29"]))
    assert step_code(open_days) == step_code(shop)
    assert (~follows(open_days, find_step(open_days))).sum() == 3


def test_series_with_other_days_than_the_training_goes_on_on_its_own():
    every_day = pd.date_range("2024-01-01", periods=20)
    assert following(every_day, 1, "on Mon Tue Wed Thu Fri Sat")[0].day_name() == "Sunday"


@pytest.mark.parametrize(
    ("times", "code"),
    [
        (pd.date_range("2024-01-01", periods=60).delete([9, 30, 44]), "D"),
        (pd.date_range("2024-01-01", periods=60, freq="B").delete([20, 41]), "B"),
        (pd.date_range("2024-01-07", periods=30, freq="W").delete([7]), "W-SUN"),
        (pd.date_range("2024-01-01", periods=8).delete([6]), "D"),
    ],
)
def test_other_steps_with_gaps_are_what_they_were(times, code):
    assert step_code(times) == code


def test_step_is_the_same_where_another_thread_resets_the_option(monkeypatch):
    """Answers of a server are made in threads, and options of pandas belong to the process."""
    times = pd.date_range("2024-03-01", periods=12, freq="BME")
    infer = pd.infer_freq

    def reset(asked):
        with pd.option_context("future.infer_freq_returns_offset", False):
            return infer(asked)

    monkeypatch.setattr(pd, "infer_freq", reset)
    assert follows(times, find_step(times)).all()
