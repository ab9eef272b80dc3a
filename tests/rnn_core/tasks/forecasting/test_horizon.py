"""A horizon other than the trained one: its first rows, or forecasts fed back."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_core.errors import DataError, ParameterError
from rnn_core.parameters import parse
from rnn_core.tasks.forecasting.learn import ForecastingModel
from rnn_core.tasks.forecasting.parameters import ForecastingData
from rnn_core.tasks.forecasting.task import Forecasting
from rnn_core.training.models import build_model

ROWS = 80


def asked(horizon=0):
    return Forecasting.AnswerParameters(horizon=horizon)


def table_of(rows=ROWS, seed=0):
    draw = np.random.default_rng(seed)
    times = pd.date_range("2024-01-05", periods=rows)
    columns = {name: 5 + draw.normal(size=rows) for name in ("y", "z", "price")}
    return pd.DataFrame({"date": times, **columns})


def made(folder, model=None, **options):
    folder.mkdir(exist_ok=True)
    table_of().to_csv(folder / "t.csv", index=False)
    options = {"targets": ("y", "z"), "lookback": 6, "horizon": 3} | options
    _, meta = Forecasting.prepare(folder, ForecastingData(**options))
    task = Forecasting(meta, model or ForecastingModel(hidden_size=4))
    return task, build_model(task, "gru").eval()


def with_ahead(table, rows):
    table = table.copy()
    table.loc[table.index[-rows:], ["y", "z"]] = np.nan
    return table


@torch.inference_mode()
@pytest.mark.parametrize("loss", ["mse", "quantile"])
def test_shorter_horizon_is_its_first_rows(tmp_path, loss):
    task, model = made(tmp_path / "raw", ForecastingModel(hidden_size=4, loss=loss))
    whole = task.answer(model, table_of(30, 1), asked())
    assert len(whole) == 3
    for horizon in (1, 2, 3):
        found = task.answer(model, table_of(30, 1), asked(horizon))
        pd.testing.assert_frame_equal(found, whole.iloc[:horizon])


@torch.inference_mode()
def test_longer_horizon_is_that_of_a_table_to_which_forecasts_were_added(tmp_path):
    """Also where the lookback is shorter than the horizon, and at rows that fill no block."""
    for lookback in (6, 2):
        task, model = made(tmp_path / str(lookback), lookback=lookback, calendar=("weekday",))
        table = table_of(30, 1)[["date", "y", "z"]]
        grown = table
        for _ in range(3):
            grown = pd.concat([grown, task.answer(model, grown, asked())], ignore_index=True)
        for horizon in (4, 6, 8, 9):
            found = task.answer(model, table, asked(horizon))
            expected = grown.iloc[30 : 30 + horizon].reset_index(drop=True)
            pd.testing.assert_frame_equal(found, expected, rtol=1e-5)


@torch.inference_mode()
def test_longer_horizon_reads_what_is_known_of_all_its_rows(tmp_path):
    task, model = made(tmp_path / "raw", known=("price",), calendar=("weekday",))
    table = table_of(37, 1)
    grown = with_ahead(table, 7)
    for first in (30, 33):
        until = grown.iloc[: first + 3]
        answer = task.answer(model, until, asked())
        grown.loc[first : first + 2, ["y", "z"]] = answer[["y", "z"]].to_numpy()
    last = task.answer(model, grown, asked(1))
    found = task.answer(model, with_ahead(table, 7), asked(7))
    expected = [*grown["y"][30:36], last["y"][0]]
    np.testing.assert_allclose(found["y"], expected, rtol=1e-5)
    assert found["date"].tolist() == table["date"][30:].tolist()


@torch.inference_mode()
def test_fewer_rows_of_what_is_known_are_enough_for_a_shorter_horizon(tmp_path):
    task, model = made(tmp_path / "raw", known=("price",))
    table = with_ahead(table_of(33, 1), 3)
    whole = task.answer(model, table, asked())
    found = task.answer(model, table.iloc[:-1], asked(2))
    pd.testing.assert_frame_equal(found, whole.iloc[:2], rtol=1e-5)


@torch.inference_mode()
def test_intervals_are_given_for_the_trained_horizon_alone(tmp_path):
    """The median goes on, and it alone is fed back."""
    task, model = made(tmp_path / "raw", ForecastingModel(hidden_size=4, loss="quantile"))
    table = table_of(30, 1)[["date", "y", "z"]]
    first = task.answer(model, table, asked())
    found = task.answer(model, table, asked(5))
    pd.testing.assert_frame_equal(found.iloc[:3], first)
    ends = [column for column in found if "_lo_" in column or "_hi_" in column]
    assert len(ends) == 8
    assert found.loc[3:, ends].isna().all(axis=None)
    grown = pd.concat([table, first[["date", "y", "z"]]], ignore_index=True)
    second = task.answer(model, grown, asked(2))
    np.testing.assert_allclose(found["y"][3:], second["y"], rtol=1e-5)


@torch.inference_mode()
def test_what_cannot_be_below_0_is_not_fed_back_so(tmp_path):
    task, model = made(tmp_path / "raw", nonnegative=True)
    model.output.bias.copy_(torch.tensor([-8.0, -8, -8, -8, 0, 0]))
    table = table_of(30, 1)[["date", "y", "z"]]
    grown = table
    for _ in range(2):
        grown = pd.concat([grown, task.answer(model, grown, asked())], ignore_index=True)
    assert (grown["y"][30:] == 0).sum() == 4
    found = task.answer(model, table, asked(6))
    np.testing.assert_allclose(found["y"], grown["y"][30:], rtol=1e-5, atol=1e-5)


def test_feature_that_nobody_knows_ahead_ends_the_horizon(tmp_path):
    task, model = made(tmp_path / "raw", features=("price",))
    assert len(task.answer(model, table_of(30, 1), asked(2))) == 2
    message = r"horizon 4: the model predicts 3 rows; .* know price in these .* --future price"
    with pytest.raises(DataError, match=message):
        task.answer(model, table_of(30, 1), asked(4))


@pytest.mark.parametrize("horizon", [-1, 10_001])
def test_horizon_out_of_bounds_is_refused(horizon):
    message = f"horizon must be from 0 to 10,000, not {horizon:,}"
    with pytest.raises(ParameterError, match=message):
        parse(Forecasting.AnswerParameters, {"horizon": horizon}, "", "--set")


@settings(deadline=None, max_examples=25)
@given(horizon=st.integers(1, 20), seed=st.integers(0, 99))
def test_any_horizon_begins_as_any_other(tmp_path_factory, horizon, seed):
    task, model = made(tmp_path_factory.mktemp("t") / "raw")
    with torch.inference_mode():
        longest = task.answer(model, table_of(30, seed), asked(20))
        found = task.answer(model, table_of(30, seed), asked(horizon))
    pd.testing.assert_frame_equal(found, longest.iloc[:horizon])
