"""Intervals of several series: how often they hold in the series where they do so least."""

import numpy as np
import pandas as pd
import pytest
import torch

from rnn_core.tasks.forecasting.learn import ForecastingModel
from rnn_core.tasks.forecasting.parameters import ForecastingData
from rnn_core.tasks.forecasting.task import Forecasting
from rnn_core.training.models import build_model


def scored(folder, table, **options):
    folder.mkdir()
    table.to_csv(folder / "t.csv", index=False)
    asked = {"targets": ("y",), "date": "date", "lookback": 6, "horizon": 3, **options}
    data, meta = Forecasting.prepare(folder, ForecastingData(**asked))
    task = Forecasting(meta, ForecastingModel(hidden_size=6, loss="quantile"))
    torch.manual_seed(3)
    model = build_model(task, "gru").eval()
    with torch.inference_mode():
        return task, model, data, task.scores(model, data, "validation").others


def table_of(lengths):
    draw = np.random.default_rng(4)
    series = [
        pd.DataFrame(
            {
                "date": pd.date_range("2024-01-01", periods=rows),
                "y": draw.normal(size=rows).cumsum() ** (1 + place % 2),
                "shop": name,
            }
        )
        for place, (name, rows) in enumerate(lengths.items())
    ]
    return pd.concat(series, ignore_index=True)


@torch.inference_mode()
def test_series_where_intervals_hold_least_is_told(tmp_path):
    """One of the series has no window in the validation set."""
    table = table_of({"a": 80, "b": 60, "c": 90, "short": 8})
    task, model, data, found = scored(tmp_path / "all", table, series="shop")
    rows = task.rows(data, "validation")
    output, truth = task.forecasts(model, data, rows)
    levels = task.model.levels
    shares = []
    for series in range(3):
        own = task.series_of(rows) == series
        pairs = zip(output[own].flatten(0, 2).tolist(), truth[own].flatten().tolist(), strict=True)
        low, high = levels.index(0.1), levels.index(0.9)
        shares.append(np.mean([q[low] <= value <= q[high] for q, value in pairs]))
    assert len(set(shares)) > 1
    assert found["coverage_80_least"] == pytest.approx(min(shares))
    assert found["coverage_80_least"] < found["coverage_80"]


def test_one_series_has_no_least(tmp_path):
    *_, found = scored(tmp_path / "one", table_of({"a": 80}).drop(columns="shop"))
    assert "coverage_80" in found
    assert not [name for name in found if name.endswith("_least")]
