"""Columns known ahead: found in the table, reported, and refused with a reason."""

import numpy as np
import pandas as pd
import pytest
import torch

from flows.commands.new import forecasting_settings
from flows.commands.predict import horizon_setting
from flows.own_data.trying import try_out
from rnn_core.errors import DataError, ParameterError
from rnn_core.readers.tables import are_flags, select_columns
from rnn_core.tasks import get_task
from rnn_core.tasks.forecasting.ahead.calendar import calendar_of
from rnn_core.tasks.forecasting.task import Forecasting
from rnn_core.training.models import build_model

ROWS = 200


def table_of(rows=ROWS):
    draw = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "date": pd.date_range("2024-01-05", periods=rows),
            "y": draw.normal(size=rows),
            "price": draw.uniform(1, 5, rows).round(2),
            "holiday": (draw.random(rows) < 0.3).astype(int),
        }
    )
    table.loc[rows - 7 :, "y"] = np.nan
    return table


def tried(folder, table, **wanted):
    folder.mkdir(exist_ok=True)
    table.to_csv(folder / "sales.csv", index=False)
    return try_out(get_task("forecasting"), folder, {"targets": ["y"], **wanted})


def test_what_is_known_ahead_is_told(tmp_path):
    known = forecasting_settings("forecasting", None, ["holiday,price"])
    found = tried(tmp_path / "raw", table_of(), **known, calendar="weekday")
    assert found.section["data"]["known"] == ["holiday", "price"]
    assert found.section["data"]["calendar"] == ["weekday"]
    assert "known ahead: holiday, price" in found.understood.read
    assert "of the timestamps: weekday" in found.understood.read
    assert f"{ROWS - 7} rows of sales.csv" in found.understood.read
    assert not [doubt for doubt in found.understood.doubts if "ahead" in doubt]


def test_columns_that_go_on_without_the_target_may_be_known_ahead(tmp_path):
    """Those that have a value in every row at the end, of all series, and are not known yet."""
    parts = [table_of(), table_of(90)]
    table = pd.concat([part.assign(store=name) for name, part in zip("ab", parts, strict=True)])
    table = table.assign(weather=table["y"] + 1, note="-", region="north", open="true")
    wanted = {"series": "store", "features": ["holiday", "weather"]}
    found = tried(tmp_path / "raw", table, **wanted).understood.doubts
    (doubt,) = [doubt for doubt in found if "known ahead" in doubt]
    assert "without a target have values of holiday, price, open: where such" in doubt
    assert doubt.endswith("name them: --future holiday")
    whole = table[table["y"].notna()]
    told = tried(tmp_path / "whole", whole, **wanted).understood.doubts
    assert not [doubt for doubt in told if "known ahead" in doubt]


def test_option_may_be_given_more_than_once():
    found = forecasting_settings("forecasting", "store", ["holiday", "price"])
    assert found == {"series": "store", "known": ["holiday", "price"]}
    assert forecasting_settings("sentiment", None, []) == {}
    with pytest.raises(ParameterError, match="--future is an option of forecasting, not of"):
        forecasting_settings("sentiment", None, ["price"])


def test_horizon_is_of_forecasts():
    assert horizon_setting(Forecasting, 5) == {"horizon": 5}
    assert horizon_setting(get_task("sentiment"), None) == {}
    with pytest.raises(ParameterError, match="--horizon is an option of forecasting models"):
        horizon_setting(get_task("sentiment"), 5)


def test_column_that_tells_the_target_is_doubted(tmp_path):
    table = table_of().assign(with_tax=lambda t: 1.19 * t["y"].fillna(0))
    found = tried(tmp_path / "raw", table, known=["price", "with_tax"])
    (doubt,) = [doubt for doubt in found.understood.doubts if "of the same row" in doubt]
    assert doubt.startswith("column 'with_tax' goes with 'y'")


WRONG = {
    "no such column": ({"known": ["holidy"]}, table_of, "sales.csv has no column 'holidy'"),
    "words": (
        {"known": ["holiday"]},
        lambda: table_of().assign(holiday="maybe"),
        "known column 'holiday = maybe' never changes: all rows have 1; leave it out",
    ),
    "never": (
        {"known": ["holiday"]},
        lambda: table_of().assign(holiday=0),
        "known column 'holiday' never changes: all rows have 0; leave it out",
    ),
    "later only": (
        {"known": ["holiday"]},
        lambda: table_of().assign(holiday=lambda t: (t.index > 180) * 1),
        "known column 'holiday' never changes in the training set; leave it out, or change",
    ),
    "a target": ({"known": ["y"]}, table_of, r"known repeat targets or features: \['y'\]"),
    "a feature": (
        {"known": ["price"], "features": ["price"]},
        table_of,
        r"known repeat targets or features: \['price'\]",
    ),
    "twice": ({"known": ["price", "price"]}, table_of, "known name 'price' twice"),
    "the series": (
        {"known": ["holiday"], "series": "holiday"},
        table_of,
        "series 'holiday' is a date, target or feature too",
    ),
    "hour of days": (
        {"calendar": ["hour", "weekday"]},
        table_of,
        "'hour' of data.calendar is the same in all rows of the training set; leave it out",
    ),
    "no such part": ({"calendar": ["day"]}, table_of, "calendar.0: must be 'hour', "),
    "no timestamps": (
        {"calendar": ["month"]},
        lambda: table_of().drop(columns="date"),
        "data.calendar needs a column of timestamps; name it as data.date",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_cannot_be_known_ahead_is_told_with_the_reason(tmp_path, kind):
    wanted, make, message = WRONG[kind]
    with pytest.raises((DataError, ParameterError), match=message):
        tried(tmp_path / "raw", make(), **wanted)


@torch.inference_mode()
@pytest.mark.parametrize("kind", ["booleans", "words", "words with a gap at the start"])
def test_true_and_false_are_1_and_0_in_what_is_known(tmp_path, kind):
    plain = table_of()
    holidays = plain["holiday"] == 1
    flags = holidays if kind == "booleans" else holidays.map({True: "TRUE", False: "false"})
    if kind == "words with a gap at the start":
        plain["holiday"] = plain["holiday"].where(plain.index > 0)
        flags = flags.where(flags.index > 0)
    written = tried(tmp_path / "flags", plain.assign(holiday=flags), known=["holiday"])
    expected = tried(tmp_path / "plain", plain, known=["holiday"])
    assert torch.equal(written.data["values"].nan_to_num(9), expected.data["values"].nan_to_num(9))
    model, asked = build_model(expected.task, "gru").eval(), Forecasting.AnswerParameters()
    answer = written.task.answer(model, plain.assign(holiday=flags), asked)
    pd.testing.assert_frame_equal(answer, expected.task.answer(model, plain, asked))


def test_true_and_false_are_no_numbers_elsewhere():
    table = pd.DataFrame({"a": [True, False], "b": [1, 0], "c": ["true", "yes"], "d": ["", "-"]})
    assert [are_flags(table[column]) for column in table] == [True, False, False, False]
    with pytest.raises(DataError, match="column 'a' holds true and false; write 1 and 0"):
        select_columns(table, ["a"], "t", None, flags=["b"])


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_calendar_is_where_local_time_stands_in_day_week_month_and_year(zone):
    """By what pandas says of them, on circles."""
    times = pd.date_range("2023-11-30 06:30", periods=900, freq="7h", tz=zone)
    parts = ("hour", "weekday", "monthday", "yearday", "month")
    found = calendar_of(times, parts).double().numpy()
    assert found.shape == (900, 10)
    np.testing.assert_allclose(found[:, ::2] ** 2 + found[:, 1::2] ** 2, 1, atol=1e-6)
    local = times.tz_localize(None)
    start = [local.normalize(), *(local.to_period(p).start_time for p in ("W", "M", "Y"))]
    whole = [pd.Timedelta("1D"), pd.Timedelta("7D")]
    whole += [pd.to_timedelta(local.days_in_month, unit="D")]
    whole += [pd.to_timedelta(365 + local.is_leap_year, unit="D")]
    clocks = [local, *[local.normalize()] * 3]
    shares = [(c - s) / w for c, s, w in zip(clocks, start, whole, strict=True)]
    shares.append((local.month - 1) / 12)
    turns = np.arctan2(found[:, ::2], found[:, 1::2]) / (2 * np.pi) % 1
    away = np.abs(turns - np.stack(shares, axis=1))
    assert np.minimum(away, 1 - away).max() < 1e-6
