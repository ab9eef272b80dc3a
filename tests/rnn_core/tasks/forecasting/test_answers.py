"""Forecasting: what is answered, illustrated and suggested, and tables that are not in order."""

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from usual_forecasting import ROWS, prepared, series, write

from rnn_core.errors import DataError, ParameterError
from rnn_core.parameters import parse
from rnn_core.tasks.forecasting.learn import ForecastingModel
from rnn_core.tasks.forecasting.parameters import ForecastingData
from rnn_core.tasks.forecasting.task import Forecasting
from rnn_core.training.loop import TrainingParameters
from rnn_core.training.models import build_model

ASKED = Forecasting.AnswerParameters()


def test_answer_continues_the_table_in_its_own_units(tmp_path):
    table = series()
    task, data = prepared(tmp_path, table)
    network = build_model(task, "gru").eval()
    answer = task.answer(network, table, ASKED)
    assert answer["date"].tolist() == [datetime(2024, 3, 1) + timedelta(days=i) for i in range(3)]
    with torch.inference_mode():
        scaled = network(data["values"][None, -6:])[0, :, 0].double().numpy()
    expected = scaled * task.meta.series[0].std[0] + task.meta.series[0].mean[0]
    np.testing.assert_allclose(answer["y"], expected, rtol=1e-5)


@torch.inference_mode()
@pytest.mark.parametrize("targets", [("y",), ("y", "x")])
def test_illustration_is_what_is_answered_on_windows_of_the_table(tmp_path, targets):
    """The first, middle and last of 10 windows of the test set, which has rows 48 to 59."""
    table = series()
    features = tuple({"x"} - set(targets))
    task, data = prepared(tmp_path, table, targets=targets, features=features, lookback=8)
    network = build_model(task, "gru").eval()
    shown = task.illustrate(network, data, "test")
    assert shown["kind"] == "forecast"
    y = table["y"].to_numpy()
    for now, window in zip((48, 52, 57), shown["series"], strict=True):
        assert window["name"] == "y"
        np.testing.assert_allclose(window["past"], y[now - 6 : now], rtol=1e-5)
        np.testing.assert_allclose(window["truth"], y[now : now + 3], rtol=1e-5)
        answer = task.answer(network, table[:now], ASKED)
        np.testing.assert_allclose(window["forecast"], answer["y"], rtol=1e-4)
        numbers = [*window["past"], *window["truth"], *window["forecast"]]
        assert numbers == [float(f"{number:.5e}") for number in numbers]


@torch.inference_mode()
def test_errors_of_the_illustration_are_those_that_are_scored(tmp_path):
    task, data = prepared(tmp_path)
    network = build_model(task, "gru").eval()
    std = series()["y"].to_numpy()[:42].std()
    errors = [
        np.square((np.array(window["forecast"]) - window["truth"]) / std).mean()
        for window in task.illustrate(network, data, "test")["series"]
    ]
    values = task.scores(network, data, "test").values
    assert errors == pytest.approx(values[[0, 4, 9]].tolist(), rel=1e-4)


def test_illustration_of_few_windows_has_each_once(tmp_path):
    task, data = prepared(tmp_path, split=(42, 6, 4))
    series_of = task.illustrate(build_model(task, "gru").eval(), data, "test")["series"]
    assert [window["truth"][0] for window in series_of] == pytest.approx(
        series()["y"][48:50].tolist(), rel=1e-5
    )


def test_answer_refuses_a_table_that_does_not_fit(tmp_path):
    task, _ = prepared(tmp_path)
    network = build_model(task, "gru").eval()
    with pytest.raises(DataError, match="unknown column 'x'"):
        task.answer(network, series().drop(columns="x"), ASKED)
    with pytest.raises(DataError, match="has 5 rows; 6 are needed"):
        task.answer(network, series(5), ASKED)
    with pytest.raises(DataError, match=r"the table: no row has a value of y$"):
        task.answer(network, series().assign(y=None), ASKED)
    gap = series()
    gap.loc[56, "y"] = np.nan
    with pytest.raises(DataError, match="row 57, column 'y' has no value; fill it, since the mo"):
        task.answer(network, gap, ASKED)


def test_answer_reads_the_lookback_alone(tmp_path):
    task, _ = prepared(tmp_path)
    network = build_model(task, "gru").eval()
    table = series()
    whole = task.answer(network, table, ASKED)
    table.loc[:53, ["y", "x"]] = np.nan
    table.loc[:53, "date"] = table["date"][0]
    pd.testing.assert_frame_equal(task.answer(network, table, ASKED), whole)


def test_answer_tells_day_from_month_by_earlier_rows(tmp_path):
    table = series(61)
    task, _ = prepared(tmp_path, table)
    network = build_model(task, "gru").eval()
    days = [datetime(2024, 1, 9) + timedelta(days=i) for i in range(61)]
    written = table.assign(date=[f"{day:%d/%m/%Y}" for day in days])
    answer = task.answer(network, written, ASKED)
    assert answer["date"].astype(str).tolist() == ["2024-03-10", "2024-03-11", "2024-03-12"]
    with pytest.raises(DataError, match="can be day and month or month and day"):
        task.answer(network, written.tail(6), ASKED)


def test_answer_refuses_rows_that_are_not_in_time_as_those_of_the_training(tmp_path):
    task, _ = prepared(tmp_path)
    network = build_model(task, "gru").eval()
    hours = series().assign(date=pd.date_range("2024-01-01", periods=ROWS, freq="h"))
    with pytest.raises(DataError, match="are 3600 seconds apart, and the model was trained on"):
        task.answer(network, hours, ASKED)
    with pytest.raises(DataError, match=r"row 57: 2024-02-27 comes 2 days after .* step is 1 day"):
        task.answer(network, pd.concat([series(ROWS + 1)[:56], series(ROWS + 1)[57:]]), ASKED)


def test_rows_from_the_newest_to_the_oldest_are_answered_as_the_others(tmp_path):
    task, _ = prepared(tmp_path)
    network = build_model(task, "gru").eval()
    expected = task.answer(network, series(), ASKED)
    pd.testing.assert_frame_equal(task.answer(network, series()[::-1], ASKED), expected)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("ME", ["2028-12-31", "2029-01-31", "2029-02-28"]),
        ("B", ["2024-03-22", "2024-03-25", "2024-03-26"]),
    ],
)
def test_answer_follows_the_calendar(tmp_path, step, expected):
    table = series(59).assign(date=pd.date_range("2024-01-01", periods=59, freq=step))
    task, _ = prepared(tmp_path, table, lookback=8)
    answer = task.answer(build_model(task, "gru").eval(), table, ASKED)
    assert answer["date"].astype(str).tolist() == expected


def test_example_is_a_stretch_of_rows_without_a_gap(tmp_path):
    table = series()
    table.loc[[2, 6], "y"] = np.nan
    task, _ = prepared(tmp_path, table, missing="fill")
    example = task.example(tmp_path)
    assert example["date"].astype(str).tolist() == [f"2024-01-{d:02d}" for d in range(8, 14)]
    np.testing.assert_allclose(example["y"], table["y"][7:13])
    assert len(task.answer(build_model(task, "gru").eval(), example, ASKED)) == 3


def test_rows_that_are_not_a_step_apart_are_taken_where_that_is_allowed(tmp_path):
    table = series().drop(index=[5, 6, 30])
    with pytest.raises(DataError, match=r"row 7: 2024-01-08 comes 3 days after .*\(2 such rows\)"):
        prepared(tmp_path, table)
    task, data = prepared(tmp_path, table, irregular="allow")
    assert len(data["values"]) == 57
    assert task.meta.step_seconds == 86400


def test_rows_after_the_split_are_left_out(tmp_path):
    task, data = prepared(tmp_path, split=(30, 10, 10))
    assert task.meta.series_borders == [
        {"train": (0, 30), "validation": (30, 40), "test": (40, 50)}
    ]
    assert len(data["values"]) == 50


def test_table_that_is_too_short_is_refused(tmp_path):
    with pytest.raises(DataError, match="train set has 8 rows, too few for a lookback of 6"):
        prepared(tmp_path, series(12))


def test_segment_must_divide_the_lookback(tmp_path):
    with pytest.raises(ParameterError, match=r"segment 4 does not divide data\.lookback 6"):
        prepared(tmp_path, model=ForecastingModel(segment=4))


def test_target_cannot_be_the_column_of_timestamps():
    with pytest.raises(ValueError, match="date 'y' is a target or feature too"):
        ForecastingData(targets=("y",), date="y")


SUGGESTED = {
    "hours": ("h", 2000, {"lookback": 336, "horizon": 24}),
    "days": ("D", 1000, {"lookback": 56, "horizon": 7}),
    "weeks": ("W-SUN", 1500, {"lookback": 104, "horizon": 13}),
    "months": ("MS", 120, {"lookback": 24, "horizon": 12}),
    "few": ("D", 40, {"lookback": 8, "horizon": 4}),
}


@pytest.mark.parametrize("kind", SUGGESTED)
def test_suggestion_fits_the_step_and_the_rows(tmp_path, kind):
    step, rows, windows = SUGGESTED[kind]
    times = pd.date_range("2001-01-01", periods=rows, freq=step)
    write(tmp_path, series(rows).assign(date=times).rename(columns={"date": "when"}))
    parts = Forecasting.suggest(tmp_path, {"targets": ["y"]})
    assert parts["data"] == {"targets": ["y"], "date": "when", "split": [0.6, 0.2, 0.2]} | windows
    assert yaml.safe_load(yaml.safe_dump(parts)) == parts
    _, meta = Forecasting.prepare(tmp_path, parse(ForecastingData, parts["data"], ""))
    task = Forecasting(meta, parse(ForecastingModel, parts["model"], ""))
    assert build_model(task, "gru").num_steps <= 104
    training = parse(TrainingParameters, parts["training"], "")
    assert 16 <= training.batch_size <= max(16, task.meta.items["train"] / 20)


def test_suggestion_declares_gaps(tmp_path):
    table = series(100)
    table.loc[4, "y"] = np.nan
    write(tmp_path, table.drop(index=[8, 30]))
    data = Forecasting.suggest(tmp_path, {"targets": ["y"], "horizon": 5})["data"]
    assert (data["missing"], data["irregular"], data["horizon"]) == ("fill", "allow", 5)
    _, meta = Forecasting.prepare(tmp_path, parse(ForecastingData, data, ""))
    assert meta.items["test"] == 16


def test_suggestion_for_a_table_without_timestamps(tmp_path):
    write(tmp_path, series(100)[["y", "x"]])
    data = Forecasting.suggest(tmp_path, {"targets": ["y"], "features": ["x"]})["data"]
    assert data["date"] is None
    assert Forecasting.prepare(tmp_path, parse(ForecastingData, data, ""))[1].columns == [
        "y",
        "x",
    ]


REFUSED = {
    "no target": (
        {},
        "table.csv: add --target COLUMN, the column to predict; columns of numbers: y, x",
    ),
    "absent": ({"targets": ["z"]}, "table.csv has no column 'z'; columns of numbers: y, x"),
    "text": ({"targets": ["shop"]}, "column 'shop' holds no numbers, .*; columns of numbers: y, x"),
    "too far": ({"targets": ["y"], "horizon": 13}, "60 rows, too few for .* shortest 12"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_suggested_is_told(tmp_path, kind):
    wanted, message = REFUSED[kind]
    write(tmp_path, series().assign(shop="north"))
    with pytest.raises(ParameterError, match=message):
        Forecasting.suggest(tmp_path, wanted)


def test_nothing_is_suggested_for_a_handful_of_rows(tmp_path):
    write(tmp_path, series(19))
    with pytest.raises(DataError, match=r"table\.csv has 19 rows; at least 20 are needed"):
        Forecasting.suggest(tmp_path, {"targets": ["y"]})


@pytest.mark.parametrize("form", ["csv", "parquet", "folder"])
def test_input_is_read_as_training_data_are(tmp_path, form):
    table, path = series(), tmp_path / f"table.{form}"
    if form == "folder":
        path.mkdir()
        write(path, table)
    else:
        getattr(table, f"to_{form}")(path, index=False)
    (tmp_path / "raw").mkdir()
    read = prepared(tmp_path / "raw", table)[0].read_input(path)
    np.testing.assert_allclose(read[["y", "x"]].astype(float), table[["y", "x"]])
    assert pd.to_datetime(read["date"]).tolist() == table["date"].tolist()


def test_input_that_is_not_there_is_told(tmp_path):
    task, _ = prepared(tmp_path)
    with pytest.raises(DataError, match=r"there is no .*sales\.csv"):
        task.read_input(tmp_path / "sales.csv")
