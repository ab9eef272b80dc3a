"""Forecasting: what a window may see, what is scored, and baselines and models beside it."""

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load, save
from torch import nn
from usual_forecasting import ROWS, prepared, series

from rnn_core.baselines import linear_forecasts
from rnn_core.baselines.holt_winters import holt_winters_forecast
from rnn_core.layers.recurrent import Recurrent
from rnn_core.metric import SPLITS
from rnn_core.tasks.forecasting.learn import ForecastingModel
from rnn_core.training.models import build_model


def test_scaling_is_that_of_the_training_split_alone(tmp_path):
    table = series()
    later = table.copy()
    later.loc[42:, ["y", "x"]] += 100
    task, data = prepared(tmp_path, table)
    other, changed = prepared(tmp_path, later)
    assert task.meta.series[0].mean == other.meta.series[0].mean
    assert task.meta.series[0].std == other.meta.series[0].std
    torch.testing.assert_close(data["values"][:42], changed["values"][:42], rtol=0, atol=0)
    train = table[["y", "x"]].to_numpy()[:42]
    np.testing.assert_allclose(task.meta.series[0].mean, train.mean(axis=0))
    np.testing.assert_allclose(task.meta.series[0].std, train.std(axis=0))


def test_tables_of_several_columns_can_be_saved_row_by_row(tmp_path):
    _, data = prepared(tmp_path, date=None)
    saved = load(save(data))["values"]
    table = series()[["y", "x"]].to_numpy()
    expected = (table - table[:42].mean(axis=0)) / table[:42].std(axis=0)
    np.testing.assert_allclose(saved, expected, rtol=1e-6)


@pytest.mark.parametrize("rows", range(60, 71))
def test_shares_leave_no_row_out(tmp_path, rows):
    task, _ = prepared(tmp_path, series(rows))
    assert task.meta.borders["test"][0][1] == rows


def test_no_window_is_scored_or_trained_outside_its_split(tmp_path):
    task, data = prepared(tmp_path)
    seen = {}
    for split, (start, end) in zip(SPLITS, [(0, 42), (42, 48), (48, 60)], strict=True):
        futures = [range(row + 6, row + 9) for row in task.rows(data, split).tolist()]
        seen[split] = {row for future in futures for row in future}
        assert min(seen[split]) == max(start, 6)
        assert max(seen[split]) == end - 1
        assert len(futures) == task.meta.items[split]
    assert not seen["train"] & (seen["validation"] | seen["test"])
    assert task.rows(data, "train").max() + 9 <= 42


def test_training_depends_on_nothing_after_the_training_split(tmp_path):
    table = series()
    later = table.copy()
    later.loc[42:, ["y", "x"]] = 0.0
    batches = []
    for version in (table, later):
        task, data = prepared(tmp_path, version)
        draw = torch.Generator().manual_seed(1)
        batches.append([t for batch in task.training_batches(data, 8, draw) for t in batch])
    for first, second in zip(*batches, strict=True):
        assert torch.equal(first, second)


@pytest.mark.parametrize("draw", range(8))
def test_no_split_depends_on_a_later_one(tmp_path, draw):
    """Whatever lookback, horizon, split and gaps: rows after a split change nothing in it."""
    random = np.random.default_rng(draw)
    lookback, horizon = random.integers(1, 10), random.integers(1, 6)
    sizes = (30 + random.integers(0, 10), 8 + random.integers(0, 4), 9)
    options = {"lookback": lookback, "horizon": horizon, "split": sizes, "missing": "fill"}
    table = series(seed=draw)
    table.loc[random.choice(ROWS, 6, replace=False), "y"] = np.nan
    task, data = prepared(tmp_path, table, **options)
    for split in ("train", "validation"):
        end = task.meta.borders[split][0][1]
        later = table.copy()
        later.loc[end + task.meta.cut[0] :, ["y", "x"]] = random.normal(
            100, 50, (ROWS - end - task.meta.cut[0], 2)
        )
        other, changed = prepared(tmp_path, later, **options)
        assert torch.equal(task.rows(data, split), other.rows(changed, split))
        for before, after in zip(
            task.windows(data, task.rows(data, split)),
            other.windows(changed, other.rows(changed, split)),
            strict=True,
        ):
            torch.testing.assert_close(before, after, rtol=0, atol=0, equal_nan=True)


def test_every_training_window_is_drawn_once_an_epoch(tmp_path):
    task, data = prepared(tmp_path)
    draw = torch.Generator().manual_seed(0)
    batches = list(task.training_batches(data, 8, draw))
    assert len(batches) == task.num_batches(data, 8)
    pasts = torch.cat([past for past, _ in batches])
    expected, _ = task.windows(data, task.rows(data, "train"))
    assert sorted(pasts.flatten(1).tolist()) == sorted(expected.flatten(1).tolist())


class Constant(nn.Module):
    def forward(self, past):
        return torch.full((len(past), 3, 1), 0.5)


def test_score_is_the_mean_squared_error_of_standardised_values(tmp_path):
    table = series()
    task, data = prepared(tmp_path, table)
    y = (table["y"].to_numpy() - task.meta.series[0].mean[0]) / task.meta.series[0].std[0]
    windows = [y[row : row + 3] for row in range(48, 58)]
    expected = [((0.5 - window) ** 2).mean() for window in windows]
    scores = task.scores(Constant(), data, "test")
    np.testing.assert_allclose(scores.values.numpy(), expected, rtol=1e-5)
    assert scores.overall == pytest.approx(np.mean(expected), rel=1e-5)
    absolute = [abs(0.5 - window).mean() for window in windows]
    assert scores.others["mae"] == pytest.approx(np.mean(absolute), rel=1e-5)


@pytest.mark.parametrize("cell", ["lstm", "mingru"])
def test_score_of_a_window_depends_on_no_other(tmp_path, cell):
    task, data = prepared(tmp_path)
    network = build_model(task, cell).eval()
    first = task.rows(data, "test")[0]
    alone = torch.full_like(data["values"], 1e4)
    alone[first : first + 9] = data["values"][first : first + 9]
    with torch.inference_mode():
        together = task.scores(network, data, "test").values
        apart = task.scores(network, {"values": alone}, "test").values
    assert not torch.isclose(apart[1:], together[1:]).any()
    torch.testing.assert_close(apart[0], together[0], rtol=1e-5, atol=0)


@pytest.mark.parametrize(("name", "power"), [("mse", 2), ("l1", 1)])
def test_loss_is_the_mean_error_that_is_asked_for(tmp_path, name, power):
    task, data = prepared(tmp_path, model=ForecastingModel(loss=name))
    past, future = task.windows(data, task.rows(data, "train"))
    loss, _ = task.loss(Constant(), (past, future), None)
    expected = (abs(future.double().numpy() - 0.5) ** power).mean()
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def ridge(inputs, outputs):
    """Least squares with a ridge of 1e-3 for each window, by QR in place of the normal form."""
    width = inputs.shape[1]
    rows = np.vstack([inputs, np.sqrt(1e-3 * len(inputs)) * np.eye(width)])
    return np.linalg.lstsq(rows, np.vstack([outputs, np.zeros((width, outputs.shape[1]))]))[0]


def decomposed(past):
    """Moving average over 25 steps with repeated ends, what remains, and a 1."""
    padded = np.pad(past, ((0, 0), (12, 12)), mode="edge")
    trend = np.array([np.convolve(row, np.ones(25) / 25, "valid") for row in padded])
    return np.hstack([trend, past - trend, np.ones((len(past), 1))])


def test_trend_is_a_moving_average_over_25_steps():
    past = np.random.default_rng(0).normal(size=(3, 40))
    np.testing.assert_allclose(linear_forecasts.decomposed(torch.tensor(past)), decomposed(past))


def test_baselines_match_numpy(tmp_path):
    """Two targets are two series of one map."""
    names = ("y", "x")
    options = {"targets": names, "features": (), "lookback": 8, "split": (0.6, 0.2, 0.2)}
    task, data = prepared(tmp_path, series(160), **options)
    values = data["values"].double().numpy()
    series_of = [np.lib.stride_tricks.sliding_window_view(v, 11) for v in values.T]
    train = np.concatenate([windows[: 96 - 10] for windows in series_of])
    test = np.concatenate([windows[128 - 8 :] for windows in series_of])
    past, future = test[:, :8], test[:, 8:]
    last = past[:, 7:]
    change = ridge(train[:, :8] - train[:, 7:8], train[:, 8:] - train[:, 7:8])
    begun = torch.arange(128, 160 - 2)
    smoothed = holt_winters_forecast(
        [*data["values"].T], [96] * 2, [begun] * 2, season=7, horizon=3
    )
    forecasts = {
        "holt_winters": torch.cat(smoothed).numpy(),
        "repeat_last": last,
        "repeat_week": past[:, 1:4],
        "linear": (past - last) @ change + last,
        "dlinear": decomposed(past) @ ridge(decomposed(train[:, :8]), train[:, 8:]),
    }
    expected = {name: ((guess - future) ** 2).mean() for name, guess in forecasts.items()}
    assert task.baselines(data) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("step", "lookback", "name", "length"),
    [
        ("h", 30, "repeat_day", 24),
        ("2h", 30, "repeat_day", 12),
        ("D", 30, "repeat_week", 7),
        ("ME", 30, "repeat_year", 12),
        ("W-SUN", 60, "repeat_year", 52),
        ("h", 23, None, 0),
        ("YE", 30, None, 0),
        ("s", 30, None, 0),
    ],
)
def test_season_is_repeated_where_rows_have_one(tmp_path, step, lookback, name, length):
    times = pd.date_range("2001-01-31", periods=400, freq=step)
    options = {"lookback": lookback, "horizon": length + 2, "split": (0.6, 0.2, 0.2)}
    task, data = prepared(tmp_path, series(400).assign(date=times), **options)
    baselines = task.baselines(data)
    if name is None:
        assert not {key for key in baselines if key.startswith("repeat")} - {"repeat_last"}
        return
    y = data["values"][:, 0].double().numpy()
    starts = range(320, 400 - length - 1)
    errors = [y[s + i] - y[s - length + i % length] for s in starts for i in range(length + 2)]
    assert baselines[name] == pytest.approx(np.square(errors).mean(), rel=1e-5)


@pytest.mark.parametrize("channels", ["together", "apart"])
def test_last_value_normalisation_makes_forecasts_follow_the_level(tmp_path, channels):
    model = ForecastingModel(hidden_size=4, channels=channels, normalisation="last_value")
    task, data = prepared(tmp_path, model=model)
    network = build_model(task, "gru").eval()
    past, _ = task.windows(data, task.rows(data, "test"))
    raised = network(past + 3.0)
    torch.testing.assert_close(raised, network(past) + 3.0, rtol=1e-4, atol=1e-4)


def test_channels_apart_share_weights_and_do_not_see_each_other(tmp_path):
    model = ForecastingModel(hidden_size=4, channels="apart", embedding_size=5, segment=2)
    task, data = prepared(tmp_path, targets=("y", "x"), features=(), model=model)
    network = build_model(task, "lstm").eval()
    past, _ = task.windows(data, task.rows(data, "test"))
    forecast = network(past)
    torch.testing.assert_close(network(past.flip(2)), forecast.flip(2))
    changed = past.clone()
    changed[:, :, 1] = 9.0
    torch.testing.assert_close(network(changed)[:, :, 0], forecast[:, :, 0])


def test_model_of_the_introduction_is_reachable_by_parameters(tmp_path):
    """Time-series prediction: a window of 10, 20 features, one step ahead."""
    draw = np.random.default_rng(0)
    names = [f"f{i}" for i in range(20)]
    table = pd.DataFrame(draw.normal(size=(200, 20)), columns=names)
    model = ForecastingModel(hidden_size=64, normalisation="none")
    task, data = prepared(
        tmp_path,
        table,
        model,
        targets=("f0",),
        features=tuple(names[1:]),
        date=None,
        lookback=10,
        horizon=1,
    )
    network = build_model(task, "lstm")
    recurrent = next(m for m in network.modules() if isinstance(m, Recurrent))
    assert (recurrent.input_size, recurrent.hidden_size) == (20, 64)
    past, future = next(task.training_batches(data, 16, torch.Generator()))
    assert past.shape == (16, 10, 20)
    assert network(past).shape == future.shape == (16, 1, 1)
    loss, _ = task.loss(network, (past, future), None)
    loss.backward()
    assert all((p.grad != 0).any() for p in network.parameters())
