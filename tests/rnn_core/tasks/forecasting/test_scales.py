"""Scales of forecasts: errors between series, outliers, and counts that are not below 0."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats
from sklearn.preprocessing import RobustScaler
from torch import nn

from rnn_core.errors import DataError
from rnn_core.tasks.forecasting.errors import naive_errors, scaled_error
from rnn_core.tasks.forecasting.learn import ForecastingModel
from rnn_core.tasks.forecasting.parameters import ForecastingData
from rnn_core.tasks.forecasting.task import Forecasting
from rnn_core.training.models import build_model

ASKED = Forecasting.AnswerParameters()


def prepared(folder, table, model=None, **options):
    table.to_csv(folder / "table.csv", index=False)
    options = {"targets": ("y",), "lookback": 8, "horizon": 3} | options
    data, meta = Forecasting.prepare(folder, ForecastingData(**options))
    return Forecasting(meta, model or ForecastingModel(hidden_size=4)), data


def series(rows=120, seed=0, step="D", **columns):
    draw = np.random.default_rng(seed)
    times = pd.date_range("2024-01-01", periods=rows, freq=step)
    drawn = {"y": draw.normal(5, 2, rows), "z": 40 * draw.normal(size=rows).cumsum()}
    return pd.DataFrame({"date": times, **drawn, **columns})


class Lagged(nn.Module):
    """Repeats the first rows that it is given."""

    def __init__(self, targets, horizon):
        super().__init__()
        self.targets, self.horizon = targets, horizon

    def forward(self, past):
        return past[:, : self.horizon, : self.targets]


def mase_by_hand(table, columns, season, lookback, horizon):
    """In raw units, window by window; the training set has 84 rows of 120, the test set 24."""
    ratios = []
    for column in columns:
        y = table[column].to_numpy()
        train = y[:84]
        naive = np.nanmean([abs(train[i] - train[i - season]) for i in range(season, 84)])
        for now in range(96, 120 - horizon + 1):
            guess = y[now - lookback : now - lookback + horizon]
            ratios.extend(abs(guess - y[now : now + horizon]) / naive)
    return np.nanmean(ratios)


@torch.inference_mode()
@pytest.mark.parametrize(("step", "season"), [("D", 7), ("MS", 12), ("YS", 1), ("2h", 12)])
def test_scaled_error_is_that_in_raw_units_over_the_seasonal_naive_one(tmp_path, step, season):
    table = series(step=step)
    task, data = prepared(tmp_path, table, targets=("y", "z"), lookback=14)
    scores = task.scores(Lagged(2, 3), data, "test")
    expected = mase_by_hand(table, ["y", "z"], season, 14, 3)
    assert scores.others["mase"] == pytest.approx(expected, rel=1e-5)


@torch.inference_mode()
def test_scaled_error_leaves_gaps_out(tmp_path):
    table = series()
    table.loc[[3, 40, 41, 100], "y"] = np.nan
    task, data = prepared(tmp_path, table, missing="fill", features=("z",))
    found = task.scores(Lagged(1, 3), data, "test")
    truth = table["y"].to_numpy()
    naive = np.nanmean(abs(truth[7:84] - truth[:77]))
    pasts = {n: table["y"][n - 8 : n].ffill().bfill().to_numpy() for n in range(96, 118)}
    errors = [abs(past[:3] - truth[n : n + 3]) / naive for n, past in pasts.items()]
    assert found.others["mase"] == pytest.approx(np.nanmean(errors), rel=1e-5)


def test_season_longer_than_the_training_split_is_one_row():
    train = torch.tensor([[1.0], [4.0], [2.0]])
    assert naive_errors(train, 3).tolist() == [2.5]
    assert naive_errors(train, 2).tolist() == [1.0]


def test_columns_that_repeat_exactly_have_no_scaled_error(tmp_path):
    errors = torch.tensor([[1.0, 3.0], [torch.nan, 5.0]])
    assert scaled_error(errors, torch.tensor([0.0, 2.0])) == 2
    assert scaled_error(errors, torch.tensor([torch.nan, 0.0])) is None
    week = series(y=np.tile([0, 5, 2, 8, 1, 1, 3], 18)[:120])
    task, data = prepared(tmp_path, week)
    with torch.inference_mode():
        assert task.scores(Lagged(1, 3), data, "test").others.keys() == {"mae"}


def test_robust_scale_is_that_of_scikit_learn(tmp_path):
    table = series()
    table.loc[[5, 9], "z"] = 1e7
    task, data = prepared(tmp_path, table, targets=("y", "z"), scaling="robust")
    train = table[["y", "z"]].to_numpy()[:84]
    scaler = RobustScaler(unit_variance=True).fit(train)
    np.testing.assert_allclose(task.meta.series[0].mean, scaler.center_)
    np.testing.assert_allclose(task.meta.series[0].std, scaler.scale_)
    expected = scaler.transform(table[["y", "z"]].to_numpy())
    np.testing.assert_allclose(data["values"], expected, rtol=1e-5, atol=1e-6)


def test_robust_scale_leaves_gaps_out_and_later_rows(tmp_path):
    table = series()
    table.loc[[1, 30], "y"] = np.nan
    table.loc[84:, "y"] += 1000
    task, _ = prepared(tmp_path, table, missing="fill", scaling="robust")
    train = table["y"][:84].dropna()
    assert task.meta.series[0].mean[0] == pytest.approx(np.median(train))
    assert task.meta.series[0].std[0] == pytest.approx(stats.iqr(train, scale="normal"))


def test_column_without_an_interquartile_range_has_its_standard_deviation(tmp_path):
    seldom = np.zeros(120)
    seldom[::9] = 3
    task, _ = prepared(tmp_path, series(y=seldom), scaling="robust")
    assert task.meta.series[0].mean == [0]
    assert task.meta.series[0].std[0] == pytest.approx(seldom[:84].std())


def counts(rate, rows=120, seed=0):
    return np.random.default_rng(seed).poisson(rate, rows)


@torch.inference_mode()
@pytest.mark.parametrize("loss", ["mse", "quantile"])
@pytest.mark.parametrize("scaling", ["standard", "robust"])
def test_counts_are_answered_and_scored_at_0_or_more(tmp_path, loss, scaling):
    """Answers window by window have the score of the evaluation."""
    table = series(y=counts(1.0), z=counts(9.0))
    model = ForecastingModel(hidden_size=4, loss=loss)
    options = {"targets": ("y", "z"), "scaling": scaling}
    task, data = prepared(tmp_path, table, model, nonnegative=True, **options)
    network = build_model(task, "gru").eval()
    for weight in network.parameters():
        weight.mul_(4)
    free, _ = prepared(tmp_path, table, model, **options)
    errors, below, low_ends = [], [], []
    for now in range(96, 118):
        answer, without = (t.answer(network, table[:now], ASKED) for t in (task, free))
        numbers = answer.drop(columns="date")
        assert (numbers >= 0).all(axis=None)
        pd.testing.assert_frame_equal(numbers, without.drop(columns="date").clip(lower=0))
        below.append((without["y"] < 0).any())
        low_ends.append((without.drop(columns=["date", "y", "z"]) < 0).any(axis=None))
        truth = table[["y", "z"]][now : now + 3].to_numpy()
        errors.append((answer[["y", "z"]].to_numpy() - truth) / task.meta.series[0].std)
    assert any(below)
    assert any(low_ends) == (loss == "quantile")
    scores = task.scores(network, data, "test")
    assert scores.overall == pytest.approx(np.square(errors).mean(), rel=1e-4)
    assert scores.overall < free.scores(network, data, "test").overall
    shown = task.illustrate(network, data, "test")["series"]
    assert min(number for window in shown for number in window["forecast"]) > -1e-5


def test_targets_below_0_are_told_where_none_may_be(tmp_path):
    table = series(y=counts(5.0).astype(float))
    table.loc[[4, 11], "y"] = [-1, -2.5]
    with pytest.raises(DataError, match="below 0") as error:
        prepared(tmp_path, table, nonnegative=True, features=("z",))
    told = str(error.value)
    assert "table.csv, row 6, column 'y': -1 is below 0" in told
    assert "table.csv, row 13, column 'y': -2.5 is below 0" in told
    assert "set data.nonnegative to false" in told
    assert "'z'" not in told


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([0, 3, 1, 7], True),
        ([0.0, 3.0, np.nan, 7.0], True),
        ([0, 3, 1, -7], False),
        ([0, 3, 1, 7.5], False),
    ],
)
def test_counts_are_suggested_not_to_be_below_0(tmp_path, values, found):
    series(y=np.tile(values, 30)).to_csv(tmp_path / "t.csv", index=False)
    data = Forecasting.suggest(tmp_path, {"targets": ["y"]})["data"]
    assert data.get("nonnegative", False) is found
    asked = Forecasting.suggest(tmp_path, {"targets": ["y"], "nonnegative": False})["data"]
    assert asked["nonnegative"] is False


def test_counts_that_are_seldom_above_0_have_constants_as_baselines(tmp_path):
    table = series(y=counts(0.15), z=counts(0.3, seed=1))
    task, data = prepared(tmp_path, table, targets=("y", "z"), nonnegative=True)
    found = task.baselines(data)
    truth = np.stack([table[["y", "z"]].to_numpy()[now : now + 3] for now in range(96, 118)])
    train = table[["y", "z"]].to_numpy()[:84]
    for name, guess in (("zeros", 0), ("mean", train.mean(axis=0))):
        expected = (((truth - guess) / train.std(axis=0)) ** 2).mean()
        assert found[name] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("rate", "declared"), [(0.3, False), (3.0, True)])
def test_other_tables_have_no_constants_as_baselines(tmp_path, rate, declared):
    table = series(y=counts(rate))
    task, data = prepared(tmp_path, table, nonnegative=declared)
    assert not {"zeros", "mean"} & task.baselines(data).keys()


@pytest.mark.parametrize(
    ("least", "told"),
    [(1e-200, "differ by too little to be scaled"), (0, "never changes within a series")],
)
def test_series_that_change_by_too_little_are_not_said_to_be_constant(tmp_path, least, told):
    y = np.arange(120) % 2 * least
    shops = [series(y=y + (0 if least else i), shop=f"shop {i}") for i in range(2)]
    with pytest.raises(DataError, match=f"target column 'y' {told}"):
        prepared(tmp_path, pd.concat(shops), series="shop")
