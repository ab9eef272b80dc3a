"""Suggestions for many series, and for values that are far out."""

import numpy as np
import pandas as pd
import pytest

from rnn_core.errors import DataError
from rnn_core.metric import SPLITS
from rnn_core.parameters import parse
from rnn_core.tasks.forecasting.learn import ForecastingModel
from rnn_core.tasks.forecasting.parameters import ForecastingData
from rnn_core.tasks.forecasting.task import Forecasting
from rnn_core.training.loop import TrainingParameters


def long_table(lengths):
    draw = np.random.default_rng(0)
    parts = [
        pd.DataFrame({"date": pd.date_range("2024", periods=rows), "y": draw.normal(size=rows)})
        for rows in lengths
    ]
    named = [part.assign(store=f"store {number}") for number, part in enumerate(parts)]
    return pd.concat(named, ignore_index=True)


def test_suggestion_is_for_series_of_the_median_length(tmp_path):
    long_table((50, 60, 200, 55, 70)).to_csv(tmp_path / "t.csv", index=False)
    found = Forecasting.suggest(tmp_path, {"targets": ["y"], "series": "store"})
    assert found["data"]["date"] == "date"
    assert found["data"]["horizon"] <= 0.2 * 60
    data, meta = Forecasting.prepare(tmp_path, parse(ForecastingData, found["data"], ""))
    task = Forecasting(meta, parse(ForecastingModel, found["model"], ""))
    training = parse(TrainingParameters, found["training"], "")
    assert task.num_batches(data, training.batch_size) >= 4
    assert all(meta.items[split] > 0 for split in SPLITS)


@pytest.mark.parametrize(
    ("lengths", "kind", "message"),
    [
        ([2] * 60, DataError, "half of the 60 series have at most 2 rows; .* is 'store' the"),
        ([9, 9], DataError, "has 18 rows; at least 20 are needed"),
        ([1] * 5, DataError, "has 5 rows; at least 20 are needed"),
        ([1], DataError, "has 1 row; at least 20 are needed"),
        ([1] * 30, DataError, "half of the 30 series have at most 1 row; at least 10 are needed"),
    ],
)
def test_nothing_is_suggested_for_series_of_a_few_rows(tmp_path, lengths, kind, message):
    long_table(lengths).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(kind, match=message):
        Forecasting.suggest(tmp_path, {"targets": ["y"], "series": "store"})


@pytest.mark.parametrize(("value", "robust"), [(1e6, True), (-200.0, True), (25.0, False)])
def test_values_far_out_are_suggested_to_be_scaled_robustly(tmp_path, value, robust):
    table = long_table([70]).drop(columns="store")
    table["y"] += 10
    table.loc[60, "y"] = value
    table.to_csv(tmp_path / "t.csv", index=False)
    found = Forecasting.suggest(tmp_path, {"targets": ["y"]})
    assert (found["data"].get("scaling") == "robust") is robust
    assert (found["model"].get("loss") == "l1") is robust
