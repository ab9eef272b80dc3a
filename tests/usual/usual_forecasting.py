"""Tasks of forecasting, of tables that a test makes."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

from rnn_core.tasks.forecasting.learn import ForecastingModel
from rnn_core.tasks.forecasting.parameters import ForecastingData, ForecastingMeta
from rnn_core.tasks.forecasting.task import Forecasting

ROWS = 60


def prepared_with(
    usual: Mapping[str, Any],
    folder: Path,
    table: pd.DataFrame,
    model: ForecastingModel | None = None,
    **options: Any,
) -> tuple[Forecasting, dict[str, Tensor]]:
    """A task as it is after its meta was written and read again, and its data.

    Args:
        usual: Data parameters.
        folder: Where the table is written.
        table: What is prepared.
        model: Model parameters; a small hidden size if None.
        options: Data parameters in the place of the usual ones.
    """
    folder.mkdir(exist_ok=True)
    table.to_csv(folder / "table.csv", index=False)
    data, meta = Forecasting.prepare(folder, ForecastingData(**{**usual, **options}))
    again = ForecastingMeta.from_json(json.loads(json.dumps(meta.to_json())))
    assert again == meta
    return Forecasting(again, model or ForecastingModel(hidden_size=4)), data


def series(rows=ROWS, seed=0):
    draw = np.random.default_rng(seed)
    days = [datetime(2024, 1, 1) + timedelta(days=i) for i in range(rows)]
    return pd.DataFrame({"date": days, "y": draw.normal(5, 2, rows), "x": draw.normal(0, 1, rows)})


def write(tmp_path, table):
    table.to_csv(tmp_path / "table.csv", index=False)
    return tmp_path


def prepared(tmp_path, table=None, model=None, **options):
    table = series() if table is None else table
    options = {"targets": ("y",), "features": ("x",), "lookback": 6, "horizon": 3} | options
    data, meta = Forecasting.prepare(write(tmp_path, table), ForecastingData(**options))
    return Forecasting(meta, model or ForecastingModel(hidden_size=4)), data
