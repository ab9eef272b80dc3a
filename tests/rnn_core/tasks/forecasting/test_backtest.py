"""Forecasts from many origins are those that are answered there, and nothing later is read."""

import numpy as np
import pandas as pd
import pytest
import torch

from flows.commands import predict as command
from flows.commands.predict import Served
from rnn_core.errors import DataError, ParameterError
from rnn_core.tasks import get_task
from rnn_core.tasks.forecasting.ahead.backtest import Origins, backtest, errors_by
from rnn_core.tasks.forecasting.learn import ForecastingModel
from rnn_core.tasks.forecasting.parameters import ForecastingData
from rnn_core.tasks.forecasting.task import Forecasting
from rnn_core.training.models import build_model

ASKED = Forecasting.AnswerParameters()
ROWS = 150


def table_of(rows=ROWS, seed=0):
    draw = np.random.default_rng(seed)
    times = pd.date_range("2024-01-05", periods=rows)
    weekly = np.sin(2 * np.pi * np.arange(rows) / 7)
    columns = {name: 5 + weekly + 0.3 * draw.normal(size=rows) for name in ("y", "z")}
    return pd.DataFrame({"date": times, **columns, "price": draw.normal(size=rows)})


def made(folder, table=None, model=None, **options):
    folder.mkdir(exist_ok=True)
    (table_of() if table is None else table).to_csv(folder / "t.csv", index=False)
    options = {"targets": ("y", "z"), "lookback": 8, "horizon": 3} | options
    data, meta = Forecasting.prepare(folder, ForecastingData(**options))
    task = Forecasting(meta, model or ForecastingModel(hidden_size=4))
    return task, build_model(task, "gru").eval(), data


def blank_after(table, until):
    """Known values at an origin: targets until then, and the price of all days."""
    return table.assign(**{c: table[c].where(table.index < until) for c in ("y", "z")})


@torch.inference_mode()
def test_forecasts_from_each_origin_are_those_answered_there(tmp_path):
    task, model, _ = made(tmp_path / "raw", known=("price",), calendar=("weekday",))
    table = table_of()
    found, left_out, seen = backtest(task, model, table, Origins(stride=4))
    assert (left_out, seen) == ([], 0)
    origins = list(range(120, ROWS - 2, 4))
    assert list(found["origin"].unique()) == [table["date"][until - 1] for until in origins]
    for until, (_, each) in zip(origins, found.groupby("origin"), strict=True):
        answer = task.answer(model, blank_after(table, until).iloc[: until + 3], ASKED)
        for target in ("y", "z"):
            own = each[each["target"] == target]
            np.testing.assert_allclose(own["forecast"], answer[target], rtol=1e-5)
            np.testing.assert_allclose(own["truth"], table[target][until : until + 3])
            assert own["date"].tolist() == answer["date"].tolist()
            assert (own["repeat_last"] == table[target][until - 1]).all()
            np.testing.assert_allclose(own["repeat_week"], table[target][until - 7 : until - 4])


@torch.inference_mode()
def test_nothing_that_follows_an_origin_is_read(tmp_path):
    task, model, _ = made(tmp_path / "raw")
    table = table_of()
    later = table.assign(y=table["y"].where(table.index < 132, 1e6))
    columns = ["forecast", "repeat_last", "repeat_week"]
    both = [
        backtest(task, model, each, Origins(start="2024-05-04")).forecasts
        for each in (table, later)
    ]
    before = both[0]["origin"] <= table["date"][131]
    assert 0 < before.sum() < len(before)
    assert backtest(task, model, table, Origins(start="2024-04-25", stride=3)).seen == 3
    pd.testing.assert_frame_equal(*(each.loc[before, columns] for each in both))


@torch.inference_mode()
@pytest.mark.parametrize("loss", ["mse", "quantile"])
def test_all_origins_of_the_test_set_are_what_the_model_is_scored_on(tmp_path, loss):
    """The error by origin with stride 1 is the metric, item by item.

    Intervals follow the errors from the validation set on.
    """
    ahead = {"known": ("price",), "calendar": ("weekday",)} if loss == "quantile" else {}
    asked = ForecastingModel(hidden_size=4, loss=loss)
    task, model, data = made(tmp_path / "raw", model=asked, **ahead)
    first = task.meta.borders["validation"][0][0] - task.meta.lookback
    found = backtest(task, model, table_of()[first:], Origins(stride=1)).forecasts
    scores = task.scores(model, data, "test")
    (scale,) = task.meta.series
    stds = found["target"].map(dict(zip(("y", "z"), scale.std, strict=False)))
    squares = ((found["forecast"] - found["truth"]) / stds) ** 2
    by_origin = squares.groupby(found["origin"]).mean()
    np.testing.assert_allclose(by_origin, scores.values, rtol=1e-4)
    if loss == "quantile":
        errors = errors_by(found, "step")
        assert errors["inside_80"].mean() == pytest.approx(scores.others["coverage_80"], abs=1e-6)


@torch.inference_mode()
def test_errors_are_means_by_step_and_by_origin(tmp_path):
    task, model, _ = made(tmp_path / "raw", targets=("y",))
    found = backtest(task, model, table_of(), Origins()).forecasts
    away = (found["forecast"] - found["truth"]).abs().to_numpy().reshape(-1, 3)
    naive = (found["repeat_last"] - found["truth"]).abs().to_numpy().reshape(-1, 3)
    np.testing.assert_allclose(errors_by(found, "step")["model"], away.mean(axis=0))
    np.testing.assert_allclose(errors_by(found, "origin")["model"], away.mean(axis=1))
    np.testing.assert_allclose(errors_by(found, "step")["repeat_last"], naive.mean(axis=0))


@torch.inference_mode()
def test_each_series_begins_with_its_own_test_set_and_new_ones_with_the_first_lookback(tmp_path):
    parts = {"n": table_of(150), "s": table_of(90, 1)}
    stacked = pd.concat([part.assign(store=name) for name, part in parts.items()])
    task, model, _ = made(tmp_path / "raw", stacked, series="store")
    asked = pd.concat([stacked, table_of(20, 2).assign(store="w")], ignore_index=True)
    found = backtest(task, model, asked, Origins()).forecasts
    first = found.groupby("series")["date"].min()
    day = pd.Timestamp("2024-01-05")
    assert ((first - day).dt.days).to_dict() == {"n": 120, "s": 72, "w": 8}
    part = stacked[stacked["store"] == "s"].reset_index(drop=True)
    alone = task.answer(model, part.iloc[:75], ASKED)
    own = found[(found["series"] == "s") & (found["origin"] == part["date"][74])]
    np.testing.assert_allclose(own["forecast"][:3], alone["y"], rtol=1e-5)


@torch.inference_mode()
def test_longer_horizon_and_rows_without_timestamps(tmp_path):
    table = table_of().drop(columns="date")
    task, model, _ = made(tmp_path / "raw", table, date=None)
    found = backtest(task, model, table, Origins(start="121", horizon=5)).forecasts
    assert found["origin"].unique().tolist() == [120, 125, 130, 135, 140, 145]
    answer = task.answer(model, table.iloc[:130], Forecasting.AnswerParameters(horizon=5))
    own = found[(found["origin"] == 130) & (found["target"] == "z")]
    np.testing.assert_allclose(own["forecast"], answer["z"], rtol=1e-5)
    with pytest.raises(ParameterError, match=r"no timestamps that tell which rows .* the number"):
        backtest(task, model, table, Origins())


@torch.inference_mode()
def test_origins_that_cannot_be_forecast_are_left_out_and_told(tmp_path):
    task, model, _ = made(tmp_path / "raw")
    table = table_of()
    table.loc[125, "y"] = np.nan
    found, left_out, seen = backtest(task, model, table, Origins(stride=1))
    assert (len(left_out), seen) == (8, 0)
    assert "row 126, column 'y' has no value" in left_out[0]
    assert found["origin"].nunique() == 28 - 8


WRONG = {
    "all seen": (slice(0, 120), {}, DataError, "too few rows after those that the model was tr"),
    "too late": (
        slice(None),
        {"start": "2025-01-01"},
        DataError,
        "too few rows from 2025-01-01 on",
    ),
    "far": (slice(None), {"horizon": 10**6}, ParameterError, "horizon must be from 0 to 10,000"),
    "no time": (slice(None), {"start": "spring"}, ParameterError, "start 'spring' is no time such"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_start_that_leaves_nothing_is_told(tmp_path, kind):
    rows, asked, error, message = WRONG[kind]
    task, model, _ = made(tmp_path / "raw")
    with pytest.raises(error, match=message):
        backtest(task, model, table_of().iloc[rows], Origins(**asked))


@torch.inference_mode()
def test_command_shows_errors_and_writes_all_forecasts(tmp_path, monkeypatch, capsys):
    task, model, _ = made(tmp_path / "raw", targets=("y",))
    monkeypatch.setattr(command, "load", lambda _: Served(task, model))
    file = tmp_path / "forecasts.csv"
    command.backtest("study.sales", tmp_path / "raw/t.csv", None, 0, 0, file)
    told = capsys.readouterr().out
    found = backtest(task, model, table_of(), Origins()).forecasts
    written = pd.read_csv(file, parse_dates=["origin", "date"])
    np.testing.assert_allclose(written["forecast"], found["forecast"])
    error = (found["forecast"] - found["truth"]).abs()
    assert "mean absolute error by step" in told
    assert [line.split()[:2] for line in told.splitlines()].count(
        ["mean", f"{error.mean():.4g}"]
    ) == 2
    assert "\n2024-05-03 " in told
    assert "trained on" not in told
    command.backtest("study.sales", tmp_path / "raw/t.csv", "2024-04-25", 0, 0, None)
    assert "3 origins are followed by rows that the model was trained on" in capsys.readouterr().out
    monkeypatch.setattr(command, "load", lambda _: Served(get_task("sentiment"), model))
    with pytest.raises(ParameterError, match=r"study\.words does not forecast"):
        command.backtest("study.words", tmp_path / "raw/t.csv", None, 0, 0, None)
