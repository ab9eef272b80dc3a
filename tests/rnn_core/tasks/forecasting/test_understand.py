"""Descriptions of a table before anything is trained, and of its possible faults."""

import numpy as np
import pandas as pd
import pytest

from rnn_core.errors import ParameterError
from rnn_core.parameters import parse
from rnn_core.tasks.forecasting.parameters import ForecastingData
from rnn_core.tasks.forecasting.task import Forecasting
from rnn_core.tasks.forecasting.understand import far_off

ROWS = 120
DAYS = pd.date_range("2024-01-01", periods=ROWS)
Y = (10 + 3 * np.sin(np.arange(ROWS) / 7 * 6.283)).round(3)


def understood(folder, table, name="t.csv", write=None, **wanted):
    if write is None:
        table.to_csv(folder / name, index=False)
    else:
        (folder / name).write_bytes(write)
    data = Forecasting.suggest(folder, {"targets": ["y"]} | wanted)["data"]
    prepared, meta = Forecasting.prepare(folder, parse(ForecastingData, data, ""))
    return Forecasting.understand(folder, prepared, meta)


def table(**columns):
    return pd.DataFrame({"date": DAYS, "y": Y} | columns)


def test_plain_table_is_told_without_a_doubt(tmp_path):
    found = understood(tmp_path, table(x=1.0 * np.arange(ROWS), shop="n"), features=["x"])
    *read, last = found.read
    assert read == [
        "120 rows of t.csv",
        "predicted: y; read besides: x; not read: shop",
        "time: 2024-01-01 to 2024-04-29, one row per day, 7 per week",
    ]
    assert last.startswith("7 rows are predicted from 29; 37 windows in the training set, 18 in")
    assert found.doubts == ()


def test_form_of_the_file_and_what_is_cut_are_told(tmp_path):
    rows = [f"{d:%d/%m/%Y};{str(y).replace('.', ',')}" for d, y in zip(DAYS, Y, strict=True)]
    rows[:3] = [f"{d:%d/%m/%Y};" for d in DAYS[:3]]
    text = "Größe je Tag\ndate;y\n" + "\n".join(rows) + "\n30/04/2024;\n"
    found = understood(tmp_path, None, write=text.encode("cp1252"))
    *read, time, cut, _ = found.read
    assert read == [
        "117 rows of t.csv, separated by semicolons, decimals with a comma, in cp1252",
        "line 1 is above the table",
        "predicted: y",
    ]
    assert time.startswith("time: 2024-01-04 to 2024-04-29, the day before the month, one row")
    assert cut == "left out since no target has a value: 3 rows at the start, 1 at the end"
    assert found.doubts == ()


def changed(values, **places):
    values = np.array(values, dtype=object)
    for place, value in places.items():
        values[int(place[1:])] = value
    return values


BLOCKS = np.repeat(["n", "s"], ROWS // 2)
SPRING = pd.date_range("2024-03-29", periods=ROWS, freq="h", tz="Europe/Berlin").tz_localize(None)
DOUBTS = {
    "one absurd value": (
        table(y=changed(Y, p60=1e6)),
        "column 'y' has 1 value very far from the others: row 62 (1e+06); where that is wrong,",
    ),
    "a mark for what is missing": (
        table(x=changed(Y, p3=-200, p5=-200, p7=-200, p9=-200)),
        (
            "column 'x' has 4 values very far from the others: row 5 (-200), row 7 (-200), row 9 "
            "(-200) and 1 more"
        ),
    ),
    "gaps": (
        table(y=changed(Y, p10=None, p20=".", p21="NA")),
        "column 'y' has 3 gaps (row 12, row 22, row 23), in whose place a model reads the last",
    ),
    "a row is missing": (
        table().drop(index=50),
        "not a usual step after the row before: 1 row, the first in row 52 (2024-02-21)",
    ),
    "no timestamps": (
        table(date=np.arange(ROWS) + 0.5),
        "no column of timestamps was found: rows are taken as they are; date may be: --set date=",
    ),
    "series in blocks": (
        table(shop=BLOCKS),
        "the values of 'shop' stand one below the other: where they are several series, set data.s",
    ),
    "years of two digits": (
        table(date=pd.date_range("1965-01-01", periods=ROWS).strftime("%d.%m.%y")),
        "the table has values of the year 2065, which is to come: where its years have two digits",
    ),
    "months from 1920 on": (
        table(
            date=pd.date_range("2060-01-01", periods=ROWS, freq="-1MS")[::-1].strftime("%d.%m.%y")
        ),
        "the table has values of the year 2060, which is to come: where its years have two digits",
    ),
    "clock set forward": (
        table(date=SPRING),
        "an hour is missing before 2024-03-31 03:00:00, when the clock is set forward; write all",
    ),
}


@pytest.mark.parametrize("kind", DOUBTS)
def test_what_may_be_wrong_is_told(tmp_path, kind):
    given, doubt = DOUBTS[kind]
    features = ["x"] if "x" in given else []
    found = understood(tmp_path, given, features=features)
    assert len(found.doubts) == 1
    assert found.doubts[0].startswith(doubt)


def test_nothing_is_missing_where_times_only_vary(tmp_path):
    vary = DAYS + pd.to_timedelta(np.arange(ROWS) * 7 % 11, unit="s")
    (doubt,) = understood(tmp_path, table(date=vary)).doubts
    assert doubt.startswith("not a usual step after the row before: ")
    assert doubt.endswith("; a model counts rows, not time")


def test_far_values_are_more_than_20_robust_deviations_from_the_median():
    """1.4826 times the median absolute deviation, which is 1 here."""
    values = np.array([-1.0, 1, -1, 1, 0, 20 * 1.4826 - 0.01, 20 * 1.4826 + 0.01, np.nan])
    values[values == 0] = np.nan
    median = np.nanmedian(values)
    scale = 1.4826 * np.nanmedian(abs(values - median))
    assert far_off(values).tolist() == (abs(values - median) > 20 * scale).tolist()
    assert far_off(np.array([0.0] * 90 + [1] * 9 + [1000])).tolist() == [False] * 99 + [True]
    assert not far_off(np.array([0.0] * 99 + [5])).any()
    assert not far_off(np.arange(1000.0)).any()


def test_business_week_has_five_rows(tmp_path):
    days = pd.bdate_range("2022-01-03", periods=500)
    weekly = pd.DataFrame({"date": days, "y": np.array([0, 5, 2, 8, 1])[days.day_of_week]})
    found = understood(tmp_path, weekly)
    assert found.read[2].endswith("one row per business day, 5 per week")
    data = Forecasting.suggest(tmp_path, {"targets": ["y"]})["data"]
    assert (data["lookback"], data["horizon"]) == (40, 5)
    prepared, meta = Forecasting.prepare(tmp_path, parse(ForecastingData, data, ""))
    task = Forecasting(meta, Forecasting.ModelParameters())
    assert task.baselines(prepared)["repeat_week"] == pytest.approx(0, abs=1e-9)


def test_hours_of_an_exchange_make_a_day(tmp_path):
    times = [d + pd.Timedelta(minutes=570 + 30 * i) for d in DAYS[:30] for i in range(13)]
    hours = pd.DataFrame({"date": times, "y": np.resize(Y, 390)})
    found = understood(tmp_path, hours)
    assert found.read[2].endswith("one row every 30 minutes, 13 per day")
    assert found.doubts == ()
    data = Forecasting.suggest(tmp_path, {"targets": ["y"]})["data"]
    assert data["horizon"] == 13


WRONG = {
    "horizon in hours": ({"horizon": "24h"}, "horizon: must be a whole number.*'24h'"),
    "lookback that is none": ({"lookback": "auto"}, "lookback: must be .*'auto'"),
    "one share": ({"split": 0.8}, "split: must be .* not 0.8"),
    "a share in percent": ({"split": 80}, "split: must be .* not 80"),
    "shares as a text": ({"split": "0.7,0.1,0.2"}, "split: must be .* '0.7,0.1,0.2'"),
    "a column twice": ({"targets": ["y", "y"]}, "targets name 'y' twice"),
    "false for a name": (
        {"features": [False]},
        r"features.0: must be a text.*False",
    ),
    "no separator": ({"separator": ""}, "separator '' is not one character; comma, semicolon"),
    "no encoding": ({"encoding": "latin-99"}, "there is no encoding 'latin-99'"),
    "no such name": ({"nonsense": 1}, "unknown key 'nonsense'; known: calendar, date, day_first"),
    "dates for numbers": (
        {"targets": ["date"]},
        "column 'date' holds no numbers, but texts such as '2024-01-01'; columns of num",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_cannot_be_wanted_is_told_before_anything_is_calculated(tmp_path, kind):
    wanted, message = WRONG[kind]
    table().to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(ParameterError, match=message):
        Forecasting.suggest(tmp_path, {"targets": ["y"]} | wanted)


def test_columns_may_be_named_with_commas_or_alone(tmp_path):
    table(x=Y[::-1], z=1.0 * np.arange(ROWS)).to_csv(tmp_path / "t.csv", index=False)
    data = Forecasting.suggest(tmp_path, {"targets": ["y, x"], "features": "z"})["data"]
    assert (data["targets"], data["features"]) == (["y", "x"], ["z"])


def test_thirty_rows_are_enough(tmp_path):
    table()[:30].to_csv(tmp_path / "t.csv", index=False)
    for wanted in ({}, {"lookback": 4, "horizon": 2}):
        data = Forecasting.suggest(tmp_path, {"targets": ["y"]} | wanted)["data"]
        _, meta = Forecasting.prepare(tmp_path, parse(ForecastingData, data, ""))
        assert min(meta.items.values()) >= 4


@pytest.mark.parametrize(("year", "doubted"), [(2567, True), (1403, True), (2100, False)])
def test_years_of_another_calendar_are_doubted(tmp_path, year, doubted):
    times = [f"{year}-{day:%m-%d}" for day in DAYS if day.day != 29 or day.month != 2]
    plain = table().loc[(DAYS.day != 29) | (DAYS.month != 2)]
    found = understood(tmp_path, plain.assign(date=times))
    told = [one for one in found.doubts if f"the table ends in the year {year}" in one]
    assert bool(told) == doubted
