"""Time-series forecasting: predict the next values of some columns of a table."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from rnn_core.errors import DataError, ParameterError
from rnn_core.models.forecaster import Channels, Forecaster, Normalisation
from rnn_core.recurrent import MakeCell, State
from rnn_core.tasks.base import (
    SPLITS,
    Batch,
    Data,
    Metric,
    ModelParameters,
    Scores,
    Split,
    Task,
    required_column,
)

if TYPE_CHECKING:
    import pandas as pd

SCORING_BATCH = 512
"""Windows scored at once; a bound on memory only."""

Borders: TypeAlias = dict[Split, tuple[int, int]]
"""First row and row after the last of each side."""


@dataclass(frozen=True, kw_only=True)
class ForecastingData:
    """Which columns are predicted from which, and how far.

    Attributes:
        targets: Columns to predict.
        features: Columns that are read besides the targets.
        date: Column of timestamps, which must increase; None if there is none.
        lookback: Rows of the past that the model sees.
        horizon: Rows that it predicts.
        split: Rows of the train, validation and test sides in the order of the table,
            or their shares, which sum to 1. Further rows are left out.
        missing: What a gap in the table is: an error, or a place to interpolate.
    """

    targets: tuple[str, ...]
    features: tuple[str, ...] = ()
    date: str | None = "date"
    lookback: int = 96
    horizon: int = 24
    split: tuple[float, float, float] = (0.7, 0.1, 0.2)
    missing: Literal["error", "interpolate"] = "error"

    def __post_init__(self) -> None:
        if not self.targets:
            raise ValueError("targets must name at least one column")
        if repeated := set(self.targets) & set(self.features):
            raise ValueError(f"features repeat the targets {sorted(repeated)}")
        if min(self.lookback, self.horizon) < 1:
            raise ValueError("lookback and horizon must be at least 1")
        if min(self.split) <= 0:
            raise ValueError("split must be three positive numbers of rows, or shares")
        if min(self.split) < 1 and abs(sum(self.split) - 1) > 1e-9:
            raise ValueError(f"the shares of split sum to {sum(self.split)}, not 1")


@dataclass(frozen=True, kw_only=True)
class ForecastingModel(ModelParameters):
    """The forecaster; see `rnn_core.models.forecaster.Forecaster`."""

    segment: int = 1
    embedding_size: int = 0
    normalisation: Normalisation = "last_value"
    channels: Channels = "together"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.segment < 1 or self.embedding_size < 0:
            raise ValueError("segment must be at least 1 and embedding_size at least 0")


class Forecasting(Task):
    """Direct forecasts of a whole horizon.

    Columns are standardised by mean and standard deviation of the training side; the
    metric is the mean squared error of the standardised values over all windows whose
    horizon lies in a side. The lookback may reach into the side before.
    """

    metric = Metric("mse", "squared standard deviations", "lower")
    DataParameters = ForecastingData
    ModelParameters = ForecastingModel
    model: ForecastingModel

    def check(self) -> None:
        if self.lookback % self.model.segment:
            raise ParameterError(
                f"model.segment {self.model.segment} does not divide data.lookback {self.lookback}"
            )

    @property
    def lookback(self) -> int:
        """Rows of the past that the model sees."""
        return int(self.meta["parameters"]["lookback"])

    @property
    def horizon(self) -> int:
        """Rows that the model predicts."""
        return int(self.meta["parameters"]["horizon"])

    @property
    def targets(self) -> list[int]:
        """Columns to predict, as indices."""
        return list(range(len(self.meta["parameters"]["targets"])))

    @classmethod
    def prepare(cls, raw: Path, parameters: Any) -> tuple[dict[str, Tensor], dict[str, Any]]:
        from rnn_core import tables  # noqa: PLC0415 - training does without

        columns = [*parameters.targets, *parameters.features]
        file = tables.table_file(raw)
        table = tables.load_table(file)
        if parameters.date is not None:
            tables.check_dates(table, parameters.date, file.name)
        numbers = tables.select_columns(table, columns, file.name)
        borders = split_rows(len(table), parameters)
        sides = [slice(*borders[split]) for split in SPLITS]
        values = tables.fill_gaps(numbers, sides, parameters.missing, file.name)
        start, end = borders["train"]
        mean, std = values[start:end].mean(axis=0), values[start:end].std(axis=0)
        for column, spread in zip(columns, std, strict=True):
            if spread == 0:
                raise DataError(f"{raw}: column {column!r} never changes on the training side")
        meta = {
            "parameters": asdict(parameters),
            "columns": columns,
            "mean": mean.tolist(),
            "std": std.tolist(),
            "borders": borders,
            "items": {
                split: len(first_rows(borders, split, parameters.lookback, parameters.horizon))
                for split in SPLITS
            },
        }
        scaled = np.ascontiguousarray((values - mean) / std, np.float32)
        return {"values": torch.from_numpy(scaled)}, meta

    def build_model(self, make_cell: MakeCell) -> nn.Module:
        return Forecaster(
            make_cell,
            num_features=len(self.meta["columns"]),
            targets=self.targets,
            lookback=self.lookback,
            horizon=self.horizon,
            segment=self.model.segment,
            embedding_size=self.model.embedding_size,
            normalisation=self.model.normalisation,
            channels=self.model.channels,
            dropout=self.model.dropout,
        )

    def rows(self, split: Split) -> Tensor:
        """First row of the lookback of every window of a side, int64 (N,)."""
        return first_rows(self.meta["borders"], split, self.lookback, self.horizon)

    def windows(self, data: Data, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Past (B, L, F) and future (B, N, C) of windows that start at rows (B,)."""
        length = self.lookback + self.horizon
        offsets = torch.arange(length, device=rows.device)
        window = data["values"][rows[:, None] + offsets]
        return window[:, : self.lookback], window[:, self.lookback :, self.targets]

    def num_batches(self, data: Data, batch_size: int) -> int:
        return -(-len(self.rows("train")) // batch_size)

    def training_batches(
        self, data: Data, batch_size: int, generator: torch.Generator
    ) -> Iterator[Batch]:
        rows = self.rows("train")
        order = rows[torch.randperm(len(rows), generator=generator)].to(data["values"].device)
        for batch in order.split(batch_size):
            yield self.windows(data, batch)

    def loss(
        self, model: nn.Module, batch: Batch, state: State | None
    ) -> tuple[Tensor, State | None]:
        past, future = batch
        return functional.mse_loss(model(past), future), None

    def scores(self, model: nn.Module, data: Data, split: Split) -> Scores:
        """Mean squared error of every window."""
        values = []
        for batch in self.rows(split).to(data["values"].device).split(SCORING_BATCH):
            past, future = self.windows(data, batch)
            values.append((model(past) - future).double().square().mean(dim=(1, 2)).cpu())
        value = torch.cat(values)
        return Scores(value, torch.ones_like(value))

    def baselines(self, data: Data) -> dict[str, float]:
        past, future = self.windows(data, self.rows("test"))
        repeated = past[:, -1:, self.targets]
        linear = self.linear_forecast(data, past)
        return {
            "repeat_last": float((repeated - future).double().square().mean()),
            "linear": float((linear - future).double().square().mean()),
        }

    def linear_forecast(self, data: Data, past: Tensor) -> Tensor:
        """One linear map from past to future for all targets, by least squares.

        The last value is subtracted first, as by NLinear (arXiv:2205.13504v3).
        """
        train_past, train_future = self.windows(data, self.rows("train"))
        last = train_past[:, -1:, self.targets]
        inputs = (train_past[:, :, self.targets] - last).transpose(1, 2).flatten(0, 1)
        outputs = (train_future - last).transpose(1, 2).flatten(0, 1)
        gram = (inputs.T @ inputs).double() + 1e-3 * len(inputs) * torch.eye(self.lookback)
        weight: Tensor = torch.linalg.solve(gram, (inputs.T @ outputs).double()).float()
        last = past[:, -1:, self.targets]
        change = (past[:, :, self.targets] - last).transpose(1, 2) @ weight
        return change.transpose(1, 2) + last

    def answer(self, model: nn.Module, table: "pd.DataFrame") -> "pd.DataFrame":
        """Predict the `horizon` rows that follow a table.

        The table has at least `lookback` rows, all columns that the model reads, and
        the column of timestamps if the model was trained with one; so has the answer,
        but for features that are no targets.
        """
        import pandas as pd  # noqa: PLC0415 - training does without

        from rnn_core import tables  # noqa: PLC0415 - training does without

        values = tables.select_columns(table, self.meta["columns"], "the table")
        date = self.meta["parameters"]["date"]
        if len(values) < self.lookback:
            raise DataError(f"the table has {len(values)} rows; {self.lookback} are needed")
        recent = values.to_numpy(np.float64)[-self.lookback :]
        if not np.isfinite(recent).all():
            raise DataError(f"the last {self.lookback} rows of the table have missing values")
        mean, std = np.array(self.meta["mean"]), np.array(self.meta["std"])
        with torch.inference_mode():
            output = model(torch.from_numpy((recent - mean) / std).float()[None])[0].numpy()
        width = len(self.targets)
        forecast = output * std[:width] + mean[:width]
        answer = pd.DataFrame(forecast, columns=self.meta["parameters"]["targets"])
        if date is not None:
            dates = required_column(table, date)
            answer.insert(0, date, tables.following_dates(dates, self.horizon))
        return answer

    def example(self, raw: Path) -> "pd.DataFrame":
        from rnn_core import tables  # noqa: PLC0415 - training does without

        parameters = self.meta["parameters"]
        table = tables.load_table(tables.table_file(raw))
        gaps = table[self.meta["columns"]].isna().any(axis=1)
        whole = table[~gaps].head(self.lookback).reset_index(drop=True)
        date = parameters["date"]
        return whole[[*([date] if date else []), *self.meta["columns"]]]


def split_rows(num_rows: int, parameters: ForecastingData) -> Borders:
    """Cut rows into sides in their order.

    Raises:
        DataError: If a side is too short for one window.
    """
    unit = 1 if min(parameters.split) >= 1 else num_rows
    ends = [round(end * unit) for end in np.cumsum(parameters.split).tolist()]
    if ends[-1] > num_rows:
        raise DataError(f"data.split asks for {ends[-1]} rows, the table has {num_rows}")
    starts = [0, *ends[:-1]]
    borders: Borders = dict(zip(SPLITS, zip(starts, ends, strict=True), strict=True))
    for split in SPLITS:
        if len(first_rows(borders, split, parameters.lookback, parameters.horizon)) < 1:
            start, end = borders[split]
            raise DataError(
                f"the {split} side has {end - start} rows, too few for a lookback of "
                f"{parameters.lookback} and a horizon of {parameters.horizon}"
            )
    return borders


def first_rows(borders: Borders, split: Split, lookback: int, horizon: int) -> Tensor:
    """First row of the lookback of every window whose horizon lies in a side."""
    start, end = borders[split]
    return torch.arange(max(start - lookback, 0), end - lookback - horizon + 1)
