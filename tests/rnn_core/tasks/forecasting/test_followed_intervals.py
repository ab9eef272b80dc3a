"""Intervals that follow the errors of the windows before them."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from rnn_core.tasks.forecasting.ahead.recursion import ForecastAnswer
from rnn_core.tasks.forecasting.intervals.widening import (
    FOLLOWED,
    STEP,
    fitted_widening,
    followed_widening,
)
from rnn_core.tasks.forecasting.learn import ForecastingModel
from rnn_core.tasks.forecasting.parameters import ForecastingData
from rnn_core.tasks.forecasting.task import Forecasting

LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)
SHARES = {(1, 3): 0.8, (0, 4): 0.95}
ASKED = ForecastAnswer()


class AlwaysTheSame(nn.Module):
    """Quantiles of the standard normal distribution, whatever came before."""

    def __init__(self, horizon: int, targets: int = 1) -> None:
        super().__init__()
        normal = torch.distributions.Normal(0, 1).icdf(torch.tensor(LEVELS))
        self.register_buffer("found", normal.expand(1, horizon, targets, -1).clone())

    def forward(self, past):
        return self.found.expand(len(past), -1, -1, -1)


def prepared(tmp_path, table, **options):
    (raw := tmp_path / "raw").mkdir()
    table.to_csv(raw / "table.csv", index=False)
    options = {"targets": ("y",), "date": None, "lookback": 8, "horizon": 3} | options
    data, meta = Forecasting.prepare(raw, ForecastingData(**options))
    return Forecasting(meta, ForecastingModel(hidden_size=4, loss="quantile")), data


def followed_one_by_one(quantiles, truth, windows):
    """The factor of the interval of each share and target after some windows, by the definition."""
    found = {}
    for (low, high), share in SHARES.items():
        for target in range(truth.shape[2]):
            log = 0.0
            for window in windows[-FOLLOWED:]:
                value = truth[window, :, target]
                known = ~np.isnan(value)
                if not known.any():
                    continue
                ends, factor = quantiles[window, :, target][known], np.exp(log)
                lower = ends[:, 2] - factor * (ends[:, 2] - ends[:, low])
                upper = ends[:, 2] + factor * (ends[:, high] - ends[:, 2])
                missed = (value[known] < lower) | (value[known] > upper)
                log += STEP * (missed.mean() - (1 - share))
            found[low, target] = found[high, target] = np.exp(log)
    return found


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31), st.integers(1, 230), st.sampled_from([0.3, 1.0, 3.0]))
def test_factors_are_those_of_the_definition(seed, count, scale):
    """With gaps, and for forecasts that are made after some, all or none of the windows."""
    draw = np.random.default_rng(seed)
    quantiles = np.sort(draw.normal(size=(count, 2, 2, 5)))
    truth = scale * draw.normal(size=(count, 2, 2))
    truth[draw.random(truth.shape) < 0.2] = np.nan
    first = draw.integers(0, count, 4)
    ended = np.append(first[:3] + draw.integers(0, count - first[:3] + 1), first[3])
    arrays = map(torch.from_numpy, (quantiles, truth, first, ended))
    factors = followed_widening(*arrays, LEVELS).numpy()
    assert (factors[..., 2] == 1).all()
    for place, (start, end) in enumerate(zip(first, ended, strict=True)):
        expected = followed_one_by_one(quantiles, truth, range(start, end))
        for (level, target), factor in expected.items():
            assert factors[place, target, level] == pytest.approx(factor, rel=1e-6)


CHANGES = {"louder": 2.0, "quieter": 0.5, "as before": 1.0}


@torch.inference_mode()
@pytest.mark.parametrize("name", CHANGES)
def test_intervals_hold_in_each_series_although_its_noise_changes(tmp_path, name):
    """After the validation set, on which those of a model that does not know hold."""
    draw = np.random.default_rng(3)
    noise = draw.normal(size=1500)
    noise[1000:] *= CHANGES[name]
    task, data = prepared(tmp_path, pd.DataFrame({"y": noise}), split=(700, 300, 500))
    model, said = AlwaysTheSame(3), {"coverage_80": (0.75, 0.85), "coverage_95": (0.92, 0.98)}
    rows = task.rows(data, "test")
    output, future = task.forecasts(model, data, rows)
    unmoved = task.interval_scores(output, future, task.series_of(rows))
    found = task.scores(model, data, "test").others
    for share, (least, most) in said.items():
        assert (least <= unmoved[share] <= most) == (name == "as before")
        assert least <= found[share] <= most


@torch.inference_mode()
def test_series_follow_their_own_errors(tmp_path):
    """In the score, and in an answer; one that is new is followed in its own scale."""
    draw = np.random.default_rng(4)
    louder = draw.normal(size=400) * np.where(np.arange(400) < 240, 1, 3)
    quieter = draw.normal(size=400) * np.where(np.arange(400) < 240, 1, 0.3)
    series = {"a": louder, "b": quieter, "c": 1000 * louder}
    table = pd.concat(pd.DataFrame({"store": k, "y": v}) for k, v in series.items())
    trained = table[table["store"] != "c"]
    task, data = prepared(tmp_path, trained, series="store", split=(0.5, 0.1, 0.4))
    model = AlwaysTheSame(3)
    output, _ = task.answers(model, data, "test")
    width = (output[..., 3] - output[..., 1])[:, 0, 0]
    of = task.series_of(task.rows(data, "test"))
    last = [float(width[of == place][-1]) for place in (0, 1)]
    assert last[0] > 2 * last[1]
    answer = task.answer(model, table, ASKED).groupby("store").first()
    raw = answer["y_hi_80"] - answer["y_lo_80"]
    assert raw["a"] > 4 * raw["b"]
    assert raw["c"] / np.std(1000 * louder) == pytest.approx(raw["a"] / np.std(louder), rel=0.2)


@torch.inference_mode()
@pytest.mark.parametrize("rows", [8, 10, 11, 60, 200])
def test_answer_follows_the_rows_that_it_is_given(tmp_path, rows):
    """As far as they make whole windows; the median is the same with any."""
    table = pd.DataFrame({"y": np.random.default_rng(5).normal(size=200)})
    task, _ = prepared(tmp_path, table)
    model, mean, std = AlwaysTheSame(3), *(task.meta.series[0].mean, task.meta.series[0].std)
    answer = task.answer(model, table[-rows:], ASKED)
    truth = (table["y"].to_numpy()[-rows:] - mean) / std
    windows = np.lib.stride_tricks.sliding_window_view(truth[8:], 3)[..., None] if rows > 10 else []
    quantiles = np.broadcast_to(model.found[0].numpy(), (len(windows), 3, 1, 5))
    factors = followed_one_by_one(
        quantiles, np.asarray(windows).reshape(-1, 3, 1), range(len(windows))
    )
    upper = {level: factors[level, 0] * float(model.found[0, 0, 0, level]) for level in (3, 4)}
    np.testing.assert_allclose((answer["y"] - mean) / std, 0, atol=1e-9)
    np.testing.assert_allclose((answer["y_hi_80"] - mean) / std, upper[3], rtol=1e-5)
    np.testing.assert_allclose((answer["y_hi_95"] - mean) / std, upper[4], rtol=1e-5)


@torch.inference_mode()
def test_rows_that_cannot_be_read_before_the_lookback_are_not_followed(tmp_path):
    """They would not have been read without intervals either."""
    times = pd.date_range("2024-01-01", periods=200, freq="D").to_series(index=range(200))
    table = pd.DataFrame({"date": times, "y": np.random.default_rng(6).normal(size=200)})
    task, _ = prepared(tmp_path, table, date="date")
    model, broken = AlwaysTheSame(3), table.copy()
    broken.loc[:150, "date"] -= pd.Timedelta(days=40)
    alone = task.answer(model, table[-8:], ASKED)
    pd.testing.assert_frame_equal(task.answer(model, broken, ASKED), alone)
    assert not task.answer(model, table, ASKED).equals(alone)


def test_widening_by_the_validation_set_is_where_it_starts():
    """Where it was fitted, intervals keep their width as a mean."""
    draw = torch.Generator().manual_seed(0)
    truth = torch.randn(100, 4, 1, generator=draw)
    quantiles = torch.tensor(LEVELS).expand(100, 4, 1, 5) - 0.5
    fitted = fitted_widening(quantiles.flatten(0, 2), truth.flatten(), LEVELS)
    wide = quantiles * fitted
    factors = followed_widening(wide, truth, torch.tensor([0]), torch.tensor([100]), LEVELS)
    assert factors.log().abs().max() < 0.35


@torch.inference_mode()
@pytest.mark.parametrize("split", ["validation", "test"])
def test_illustration_has_the_intervals_that_are_scored(tmp_path, split):
    """In units of the table, and at 0 where nothing can be below it."""
    counts = np.random.default_rng(7).poisson(1, 400)
    task, data = prepared(tmp_path, pd.DataFrame({"y": counts}), nonnegative=True)
    shown = task.illustrate(AlwaysTheSame(3), data, split)["series"]
    output, _ = task.answers(AlwaysTheSame(3), data, split)
    series = task.meta.series[0]
    raw = (output[[0, (len(output) - 1) // 2, -1], :, 0] * series.std[0] + series.mean[0]).numpy()
    assert [band["percent"] for band in shown[0]["intervals"]] == ["80", "95"]
    for (low, high), place in zip(SHARES, (0, 1), strict=True):
        bands = [one["intervals"][place] for one in shown]
        np.testing.assert_allclose([b["low"] for b in bands], raw[..., low].clip(0), atol=1e-4)
        np.testing.assert_allclose([b["high"] for b in bands], raw[..., high], rtol=1e-4)
