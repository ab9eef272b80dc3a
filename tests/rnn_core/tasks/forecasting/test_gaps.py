"""Gaps in a table: what stands for them in the past, and that they are not scored."""

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from rnn_core.errors import DataError
from rnn_core.metric import SPLITS
from rnn_core.tasks.forecasting.learn import ForecastingModel
from rnn_core.tasks.forecasting.parameters import ForecastingData
from rnn_core.tasks.forecasting.task import Forecasting
from rnn_core.tasks.forecasting.windows import fill
from rnn_core.training.models import build_model

ROWS, LOOKBACK, HORIZON = 90, 6, 3
ENDS = {"train": (0, 63), "validation": (63, 72), "test": (72, 90)}
BORDERS = pytest.mark.parametrize("split", SPLITS)


def series(share=0.2, seed=0):
    """A random walk and noise, with a share of gaps, some of them of many rows."""
    draw = np.random.default_rng(seed)
    days = [datetime(2024, 1, 1) + timedelta(days=i) for i in range(ROWS)]
    table = pd.DataFrame({"y": draw.normal(0, 1, ROWS).cumsum(), "x": draw.normal(0, 1, ROWS)})
    table = table.mask(draw.random(table.shape) < share)
    table.loc[30:38, "y"] = np.nan
    table.loc[74:80, "x"] = np.nan
    table.loc[[*range(50, 54), *range(84, 88)]] = np.nan
    return table.assign(date=days)


def prepared(folder, table, model=None, **options):
    table.to_csv(folder / "table.csv", index=False)
    options = {"targets": ("y", "x"), "lookback": LOOKBACK, "horizon": HORIZON} | options
    data, meta = Forecasting.prepare(folder, ForecastingData(missing="fill", **options))
    return Forecasting(meta, model or ForecastingModel(hidden_size=4)), data


def scaled(task, table):
    """The columns in standard deviations of the training set, with their gaps."""
    return (table[["y", "x"]].to_numpy() - task.meta.series[0].mean) / task.meta.series[0].std


def usable(values, split):
    """First rows of the windows of a split with something known in each column and of the truth."""
    start, end = ENDS[split]
    rows = range(max(start - LOOKBACK, 0), end - LOOKBACK - HORIZON + 1)
    known = ~np.isnan(values)
    return [
        row
        for row in rows
        if known[row : row + LOOKBACK].any(axis=0).all()
        and known[row + LOOKBACK : row + LOOKBACK + HORIZON].any()
    ]


@given(
    st.lists(st.lists(st.one_of(st.none(), st.floats(-9, 9, width=32)), min_size=4, max_size=4))
    .filter(
        lambda rows: rows and all(any(v is not None for v in c) for c in zip(*rows, strict=True))
    )
    .map(lambda rows: np.array(rows, dtype=np.float32))
)
@settings(max_examples=200, deadline=None, derandomize=True, database=None)
def test_gap_of_a_lookback_has_the_last_value_before_it_or_else_the_first_after_it(rows):
    found = fill(torch.from_numpy(rows)[None])[0].numpy()
    np.testing.assert_array_equal(found, pd.DataFrame(rows).ffill().bfill().to_numpy())


@pytest.mark.parametrize("seed", range(5))
@BORDERS
def test_what_a_window_reads_depends_on_nothing_outside_of_its_lookback(tmp_path, split, seed):
    table = series(seed=seed)
    task, data = prepared(tmp_path, table)
    rows = task.rows(data, split)
    past, _ = task.windows(data, rows)
    for row, window in zip(rows.tolist(), past, strict=True):
        other = torch.full_like(data["values"], 1e9)
        other[row : row + LOOKBACK] = data["values"][row : row + LOOKBACK]
        assert torch.equal(task.windows({"values": other}, torch.tensor([row]))[0][0], window)
        assert window.isfinite().all()


@BORDERS
def test_windows_without_truth_or_with_an_empty_column_are_left_out(tmp_path, split):
    table = series()
    task, data = prepared(tmp_path, table)
    values = scaled(task, table)
    start, end = ENDS[split]
    expected = usable(values, split)
    assert task.rows(data, split).tolist() == expected
    assert task.meta.items[split] == len(expected)
    if split != "validation":
        assert len(expected) < end - max(start, LOOKBACK) - HORIZON + 1, "none is left out"


def test_scaling_is_that_of_the_values_that_are_there(tmp_path):
    table = series()
    task, _ = prepared(tmp_path, table)
    train = table[["y", "x"]][: ENDS["train"][1]]
    np.testing.assert_allclose(task.meta.series[0].mean, train.mean())
    np.testing.assert_allclose(task.meta.series[0].std, train.std(ddof=0))


class Constant(nn.Module):
    """Forecasts the same for all."""

    def __init__(self):
        super().__init__()
        self.value = nn.Parameter(torch.tensor(0.25))

    def forward(self, past):
        return self.value.expand(len(past), HORIZON, 2)


@pytest.mark.parametrize("kind", ["mse", "l1"])
def test_loss_and_its_gradient_are_those_of_the_values_that_are_there(tmp_path, kind):
    task, data = prepared(tmp_path, series(), ForecastingModel(loss=kind))
    model = Constant()
    past, future = task.windows(data, task.rows(data, "train"))
    loss, _ = task.loss(model, (past, future), None)
    loss.backward()
    error = 0.25 - future.double().numpy()
    error = error[~np.isnan(error)]
    expected = (error**2, 2 * error) if kind == "mse" else (abs(error), np.sign(error))
    assert [loss.item(), float(model.value.grad)] == pytest.approx(
        [expected[0].mean(), expected[1].mean()], rel=1e-5
    )


@BORDERS
def test_score_is_the_mean_over_the_values_that_are_there(tmp_path, split):
    table = series()
    task, data = prepared(tmp_path, table)
    values = scaled(task, table)
    errors = [
        0.25 - values[row + LOOKBACK : row + LOOKBACK + HORIZON] for row in usable(values, split)
    ]
    with torch.inference_mode():
        scores = task.scores(Constant(), data, split)
    each = np.array([np.nanmean(error**2) for error in errors])
    np.testing.assert_allclose(scores.values.numpy(), each, rtol=1e-5)
    shares = [np.mean(~np.isnan(error)) for error in errors]
    np.testing.assert_allclose(scores.weights.numpy(), shares)
    assert scores.overall == pytest.approx(np.nanmean(np.square(errors)), rel=1e-5)
    assert scores.others["mae"] == pytest.approx(np.nanmean(np.abs(errors)), rel=1e-5)


def test_output_that_is_no_number_is_no_gap(tmp_path):
    task, data = prepared(tmp_path, series())

    def half(past):
        forecast = torch.zeros(len(past), HORIZON, 2)
        forecast[:, :, 1] = torch.nan
        return forecast

    assert np.isnan(task.scores(half, data, "test").overall)


def masked_ridge(past, future):
    """Least squares with a ridge of 1e-3 for each window, a step of the future at a time."""
    columns = []
    for step in future.T:
        there = ~np.isnan(step)
        rows = np.vstack(
            [past[there], np.sqrt(1e-3 * there.sum()) * np.eye(past.shape[1])],
        )
        outputs = np.concatenate([step[there], np.zeros(past.shape[1])])
        columns.append(np.linalg.lstsq(rows, outputs)[0])
    return np.array(columns).T


def test_baselines_are_fitted_to_and_scored_on_the_values_that_are_there(tmp_path):
    table = series()
    task, data = prepared(tmp_path, table)
    values = scaled(task, table)

    def windows(split):
        rows = usable(values, split)
        read = [
            pd.DataFrame(values[row : row + LOOKBACK]).ffill().bfill().to_numpy() for row in rows
        ]
        after = [values[row + LOOKBACK : row + LOOKBACK + HORIZON] for row in rows]
        return np.array(read), np.array(after)

    def stacked(part):
        return part.transpose(2, 0, 1).reshape(-1, part.shape[1])

    (train, wanted), (past, future) = windows("train"), windows("test")
    train, wanted, past, future = map(stacked, (train, wanted, past, future))
    weight = masked_ridge(train - train[:, -1:], wanted - train[:, -1:])
    linear = (past - past[:, -1:]) @ weight + past[:, -1:]
    found = task.baselines(data)
    assert found["repeat_last"] == pytest.approx(np.nanmean((past[:, -1:] - future) ** 2), rel=1e-5)
    assert found["linear"] == pytest.approx(np.nanmean((linear - future) ** 2), rel=1e-4)


@torch.inference_mode()
def test_gap_of_the_truth_is_none_in_the_illustration(tmp_path):
    table = series()
    task, data = prepared(tmp_path, table)
    shown = task.illustrate(build_model(task, "gru").eval(), data, "test")["series"]
    rows = usable(scaled(task, table), "test")
    for row, one in zip((rows[0], rows[(len(rows) - 1) // 2], rows[-1]), shown, strict=True):
        truth = table["y"][row + LOOKBACK : row + LOOKBACK + HORIZON]
        assert one["truth"] == [None if np.isnan(v) else pytest.approx(v, rel=1e-4) for v in truth]


def test_answer_refuses_a_lookback_in_which_a_column_is_empty(tmp_path):
    task, _ = prepared(tmp_path, series())
    table = series().assign(x=np.nan)
    with pytest.raises(DataError, match="column 'x' has no value at all in the last rows"):
        task.answer(build_model(task, "gru").eval(), table, Forecasting.AnswerParameters())


def test_table_whose_windows_are_all_left_out_is_refused(tmp_path):
    table = series(share=0)
    table.loc[71:, "x"] = np.nan
    table.loc[[89], "x"] = 1.0
    with pytest.raises(DataError, match="every window of the test set has a column without a"):
        prepared(tmp_path, table, lookback=1)
