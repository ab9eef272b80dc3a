"""Long columns of timestamps: read a part at a time, alike, and in little memory."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest

from rnn_core.readers.times import columns, parsing, parts, slashes
from rnn_core.readers.times.columns import read_times
from rnn_core.readers.times.parts import read_parts
from rnn_core.readers.times.steps import median_seconds
from rnn_core.tasks.forecasting import long_table
from rnn_core.tasks.forecasting.long_table import places_of, stacked

HOURS = pd.date_range("2024-03-29", periods=60, freq="7h", tz="Europe/Berlin")
FORMS = {
    "days first": HOURS.strftime("%d/%m/%Y %H:%M"),
    "months first": HOURS.strftime("%m/%d/%Y %I:%M %p"),
    "offsets that differ": HOURS.map(pd.Timestamp.isoformat),
    "one offset": HOURS.strftime("%Y-%m-%d %H:%MZ"),
    "weeks": HOURS.strftime("%G-W%V-%u"),
}


@pytest.fixture
def few_at_once(monkeypatch):
    for module in (columns, long_table, parsing, parts, slashes):
        monkeypatch.setattr(module, "AT_ONCE", 7)


@pytest.mark.parametrize("form", FORMS)
def test_timestamps_are_read_alike_a_part_at_a_time(form, request):
    table = pd.DataFrame({"date": FORMS[form]})
    whole = read_times(table, "date", "t.csv")
    request.getfixturevalue("few_at_once")
    again = read_times(table, "date", "t.csv")
    assert again.times.tolist() == whole.times.tolist()
    assert again.day_first == whole.day_first


def test_parts_of_timestamps_are_read_alike_a_part_at_a_time(few_at_once):
    table = pd.DataFrame({"day": HOURS.strftime("%d.%m.%Y"), "time": HOURS.strftime("%H:%M")})
    found = read_parts(table, ["day", "time"], "t.csv").times
    assert found.tolist() == HOURS.tz_localize(None).tolist()


def test_series_are_told_apart_alike_a_part_at_a_time(few_at_once):
    names = np.random.default_rng(0).choice(["a", "b", "c"], 60)
    places = places_of(pd.DataFrame({"shop": names}), "shop", "t.csv")
    assert list(places) == list(dict.fromkeys(names))
    for name, rows in places.items():
        assert rows.tolist() == np.flatnonzero(names == name).tolist()


def test_rows_of_series_that_stand_together_are_not_copied():
    shops = pd.DataFrame({"shop": ["b"] * 3 + ["a"] * 2})
    places = places_of(shops, "shop", "t.csv")
    assert stacked(places) == slice(0, 5)
    assert stacked({name: rows[1:] for name, rows in places.items()}).tolist() == [1, 2, 4]
    mixed = places_of(shops.iloc[[0, 3, 1, 4, 2]], "shop", "t.csv")
    assert stacked(mixed).tolist() == [0, 2, 4, 1, 3]


def test_memory_of_times_between_rows_does_not_depend_on_a_zone():
    times = pd.date_range("2024-03-29", periods=30_000, freq="7min", tz="Europe/Berlin")
    tracemalloc.start()
    assert median_seconds(times) == 420
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak / len(times) < 60


@pytest.mark.parametrize("form", ["days first", "one offset"])
def test_memory_grows_with_the_timestamps_alone(form, monkeypatch):
    """Python's own texts of all rows would take 100 bytes a row and more."""
    table = pd.DataFrame({"date": pd.array(list(FORMS[form]) * 500, "str")})
    table["date"] = table["date"].sort_values(ignore_index=True)
    for module in (columns, parsing, slashes):
        monkeypatch.setattr(module, "AT_ONCE", 1000)
    tracemalloc.start()
    read_times(table, "date", "t.csv")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak / len(table) < 60
