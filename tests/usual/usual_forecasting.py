"""Tasks of forecasting, of tables that a test makes."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from torch import Tensor

from rnn_core.tasks.forecasting import (
    Forecasting,
    ForecastingData,
    ForecastingMeta,
    ForecastingModel,
)


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
