"""Time-series forecasting: predict the next values of some columns of a table."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from rnn_core.baselines.linear_forecasts import dlinear_forecast, linear_forecast
from rnn_core.errors import DataError, ParameterError
from rnn_core.files import rounded
from rnn_core.layers.recurrent import MakeCell, State
from rnn_core.models.forecaster import Channels, Forecaster, Normalisation
from rnn_core.tasks.base.task import (
    SPLITS,
    Batch,
    Data,
    Illustration,
    Metric,
    ModelParameters,
    Scores,
    Split,
    Suggestion,
    Task,
)
from rnn_core.tasks.illustration import spread

if TYPE_CHECKING:
    import pandas as pd

SCORING_BATCH = 512
"""Windows scored at once; a bound on memory only."""

ILLUSTRATED = 3
"""Windows that illustrate a model."""

DAY_SECONDS = 86_400.0


class Season(NamedTuple):
    """What repeats in rows that are so far apart.

    Attributes:
        name: What it is, for a person.
        seconds: How long it is.
        shortest_step: Least seconds between rows that have it.
        longest_step: Most seconds between rows that have it.
        seen: How many of them a model should see to start from.
    """

    name: str
    seconds: float
    shortest_step: float
    longest_step: float
    seen: int

    def rows(self, step_seconds: float) -> int:
        """How many rows it has."""
        return round(self.seconds / step_seconds)


SEASONS = (
    Season("day", DAY_SECONDS, 300, DAY_SECONDS / 4, 14),
    Season("week", 7 * DAY_SECONDS, DAY_SECONDS, DAY_SECONDS, 8),
    Season("year", 365.25 * DAY_SECONDS, 7 * DAY_SECONDS, 100 * DAY_SECONDS, 2),
)

START_STEPS = 2_000
"""Steps of the optimiser that a suggested training has about, within 20 to 100 epochs."""

LEAST_ROWS = 40
"""Rows below which nothing is suggested: the shorter sides have 8 then."""

START_SPLIT = (0.6, 0.2, 0.2)
"""Sides that are suggested: for short tables too, the shorter ones hold some windows."""

LONGEST_LOOKBACK = 336
LONGEST_HORIZON = 48
"""Rows that are suggested at most; a longer season is predicted by its quarter."""

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
        irregular: What rows are that are not one step apart, where a step may be one of
            the calendar, such as a month or a business day: an error, or allowed. The
            model counts rows, not time.
    """

    targets: tuple[str, ...]
    features: tuple[str, ...] = ()
    date: str | None = "date"
    lookback: int = 96
    horizon: int = 24
    split: tuple[float, float, float] = (0.7, 0.1, 0.2)
    missing: Literal["error", "interpolate"] = "error"
    irregular: Literal["error", "allow"] = "error"

    def __post_init__(self) -> None:
        if not self.targets:
            raise ValueError("targets must name at least one column")
        if repeated := set(self.targets) & set(self.features):
            raise ValueError(f"features repeat the targets {sorted(repeated)}")
        if self.date in (*self.targets, *self.features):
            raise ValueError(f"date {self.date!r} is a target or feature too")
        if min(self.lookback, self.horizon) < 1:
            raise ValueError("lookback and horizon must be at least 1")
        if min(self.split) <= 0:
            raise ValueError("split must be three positive numbers of rows, or shares")
        if min(self.split) < 1 and abs(sum(self.split) - 1) > 1e-9:
            raise ValueError(f"the shares of split sum to {sum(self.split)}, not 1")


@dataclass(frozen=True, kw_only=True)
class ForecastingModel(ModelParameters):
    """The forecaster; see `rnn_core.models.forecaster.Forecaster`.

    Attributes:
        segment: As the next three, see there.
        embedding_size: See there.
        normalisation: See there.
        channels: See there.
        loss: What training lowers: the mean squared or absolute error; the metric is
            the squared one all the same.
    """

    segment: int = 1
    embedding_size: int = 0
    normalisation: Normalisation = "last_value"
    channels: Channels = "together"
    loss: Literal["mse", "l1"] = "mse"

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

    metric = Metric(
        "mse",
        "squared standard deviations",
        "lower",
        "mean over windows, steps and targets; standardised by the training side",
    )
    margin = 0.01
    DataParameters = ForecastingData
    ModelParameters = ForecastingModel
    requirements = ("pandera",)
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
        from rnn_core.readers import (  # noqa: PLC0415 - training does without
            tables,
            timestamps,
        )

        columns = [*parameters.targets, *parameters.features]
        file = tables.table_file(raw)
        table = tables.load_table(file)
        step = Step(None, None)
        if parameters.date is not None:
            times = timestamps.read_times(table, parameters.date, file.name)
            step = check_times(times, table.index, parameters, file.name)
        numbers = tables.select_columns(table, columns, file.name)
        borders = split_rows(len(table), parameters, file.name)
        sides = {f"{split} side": slice(*borders[split]) for split in SPLITS}
        values = tables.fill_gaps(numbers, sides, parameters.missing, file.name)
        start, end = borders["train"]
        refuse_constant(values, values[start:end], columns, parameters.targets, file.name)
        mean, std = values[start:end].mean(axis=0), values[start:end].std(axis=0)
        meta = {
            "parameters": asdict(parameters),
            "columns": columns,
            "mean": mean.tolist(),
            "std": std.tolist(),
            "step": step.code,
            "step_seconds": step.seconds,
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
        distance = functional.mse_loss if self.model.loss == "mse" else functional.l1_loss
        return distance(model(past), future), None

    def scores(self, model: nn.Module, data: Data, split: Split) -> Scores:
        """Mean squared error of every window, and the mean absolute error of them all.

        Windows that are less than a horizon apart have targets in common, so those within
        two horizons are taken together.
        """
        squared, absolute = [], []
        for batch in self.rows(split).to(data["values"].device).split(SCORING_BATCH):
            past, future = self.windows(data, batch)
            error = (model(past) - future).double()
            squared.append(error.square().mean(dim=(1, 2)).cpu())
            absolute.append(error.abs().mean(dim=(1, 2)).cpu())
        value = torch.cat(squared)
        others = {"mae": float(torch.cat(absolute).mean())}
        first = self.rows(split)
        clusters = (first - first[0]) // (2 * self.horizon)
        return Scores(value, torch.ones_like(value), others=others, clusters=clusters)

    def illustrate(self, model: nn.Module, data: Data, split: Split) -> Illustration:
        """The first, middle and last window of the first target."""
        rows = self.rows(split)
        past, truth = self.windows(data, rows[spread(len(rows), ILLUSTRATED)])
        series = [
            {
                "name": self.meta["parameters"]["targets"][0],
                "past": self.first_target(window[-2 * self.horizon :]),
                "truth": self.first_target(after),
                "forecast": self.first_target(forecast),
            }
            for window, after, forecast in zip(past, truth, model(past), strict=True)
        ]
        return {"kind": "forecast", "series": series}

    def first_target(self, values: Tensor) -> list[float | None]:
        """Rounded numbers of the first column of values (T, C), in units of the raw data."""
        raw = values[:, 0].double() * self.meta["std"][0] + self.meta["mean"][0]
        return [rounded(value) for value in raw.tolist()]

    def baselines(self, data: Data) -> dict[str, float]:
        """Squared errors of the test side's windows.

        `repeat_last` repeats the last value; `repeat_day`, `repeat_week` or
        `repeat_year` the last season, where the step between rows has one that the
        lookback holds; `linear` and `dlinear` are `rnn_core.baselines.linear_forecasts`.
        """
        past, future = self.windows(data, self.rows("test"))
        past = past[:, :, self.targets]
        forecasts = {"repeat_last": past[:, -1:]}
        if season := season_of(self.meta["step_seconds"]):
            length = season.rows(self.meta["step_seconds"])
            if length <= self.lookback:
                places = torch.arange(self.horizon) % length + self.lookback - length
                forecasts[f"repeat_{season.name}"] = past[:, places]
        train_past, train_future = self.windows(data, self.rows("train"))
        train = train_past[:, :, self.targets], train_future
        forecasts["linear"] = linear_forecast(*train, past)
        forecasts["dlinear"] = dlinear_forecast(*train, past)
        return {
            name: float((forecast - future).double().square().mean())
            for name, forecast in forecasts.items()
        }

    @classmethod
    def suggest(cls, raw: Path, wanted: Mapping[str, Any]) -> Suggestion:
        """Parameters for a table, of which a person has to know the targets alone.

        The column of timestamps is found; lookback and horizon follow from the step
        between rows and their number. Gaps in columns and in time are declared, with
        `missing: interpolate` and `irregular: allow`, so that the person sees them.
        """
        from rnn_core.readers import (  # noqa: PLC0415 - training does without
            tables,
            timestamps,
        )

        file = tables.table_file(raw)
        table = tables.load_table(file)
        columns = wanted_columns(table, wanted, file.name)
        numbers = tables.select_columns(table, columns, file.name)
        found = None if "date" in wanted else timestamps.find_dates(table, columns, file.name)
        date = wanted.get("date", found)
        data = {"date": date, "split": list(START_SPLIT), **wanted}
        if numbers.isna().to_numpy().any():
            data.setdefault("missing", "interpolate")
        seconds = None
        if date is not None:
            times = timestamps.read_times(table, date, file.name)
            timestamps.check_order(times, table.index, file.name)
            seconds = timestamps.median_seconds(times)
            if not timestamps.regular(times):
                data.setdefault("irregular", "allow")
        data |= suggest_windows(len(table), seconds, data, file.name)
        return {"data": data} | suggest_training(len(table), data)

    @classmethod
    def read_input(cls, path: Path) -> "pd.DataFrame":
        """Read a table, CSV or parquet, or the one table of a folder."""
        from rnn_core.readers import tables  # noqa: PLC0415 - training does without

        if not path.exists():
            raise DataError(f"there is no {path}")
        return tables.load_table(tables.table_file(path) if path.is_dir() else path)

    def answer(self, model: nn.Module, table: "pd.DataFrame", parameters: Any) -> "pd.DataFrame":
        """Predict the `horizon` rows that follow a table.

        The table has at least `lookback` rows, all columns that the model reads, and
        the column of timestamps if the model was trained with one; so has the answer,
        but for features that are no targets. Numbers before the lookback are not read.
        """
        import pandas as pd  # noqa: PLC0415 - training does without

        from rnn_core.readers import (  # noqa: PLC0415 - training does without
            tables,
            timestamps,
        )

        table = tables.numbered(table)
        if len(table) < self.lookback:
            raise DataError(f"the table has {len(table)} rows; {self.lookback} are needed")
        recent = table.iloc[-self.lookback :]
        times = self.recent_times(table)
        numbers = tables.select_columns(recent, self.meta["columns"], "the table")
        missing = self.meta["parameters"]["missing"]
        past = tables.fill_gaps(numbers, {"last rows": slice(None)}, missing, "the table")
        mean, std = np.array(self.meta["mean"]), np.array(self.meta["std"])
        with torch.inference_mode():
            output = model(torch.from_numpy((past - mean) / std).float()[None])[0].numpy()
        width = len(self.targets)
        forecast = output * std[:width] + mean[:width]
        answer = pd.DataFrame(forecast, columns=self.meta["parameters"]["targets"])
        if times is not None:
            next_times = timestamps.following(times, self.horizon, self.meta["step"])
            answer.insert(0, self.meta["parameters"]["date"], next_times)
        return answer

    def recent_times(self, table: "pd.DataFrame") -> "pd.DatetimeIndex | None":
        """The timestamps of the lookback; None if the model was trained without any.

        All of the table is read, since earlier rows may tell day from month.

        Raises:
            DataError: If they are not in time as the rows that the model was trained on.
        """
        from rnn_core.readers import timestamps  # noqa: PLC0415 - training does without

        parameters = ForecastingData(**self.meta["parameters"])
        if parameters.date is None:
            return None
        times = timestamps.read_times(table, parameters.date, "the table")[-self.lookback :]
        step = check_times(times, table.index[-self.lookback :], parameters, "the table")
        trained = self.meta["step_seconds"]
        if step.seconds and trained and not 0.5 < step.seconds / trained < 2:
            raise DataError(
                f"rows of the table are {step.seconds:g} seconds apart, and the model was trained "
                f"on rows {trained:g} seconds apart"
            )
        return times

    def example(self, raw: Path) -> "pd.DataFrame":
        """The first rows in a row without a gap; the first rows if there are none such."""
        from rnn_core.readers import tables  # noqa: PLC0415 - training does without

        table = tables.load_table(tables.table_file(raw))
        gaps = table[self.meta["columns"]].isna().any(axis=1).to_numpy()
        whole = np.lib.stride_tricks.sliding_window_view(~gaps, self.lookback).all(axis=1)
        first = int(np.argmax(whole))
        rows = table.iloc[first : first + self.lookback].reset_index(drop=True)
        date = self.meta["parameters"]["date"]
        return rows[[*([date] if date else []), *self.meta["columns"]]]


class Step(NamedTuple):
    """What lies between two rows.

    Attributes:
        code: What pandas calls it, such as B for a business day; None if it has no name.
        seconds: Its median.
    """

    code: str | None
    seconds: float | None


def check_times(
    times: "pd.DatetimeIndex", rows: "pd.Index[Any]", parameters: ForecastingData, name: str
) -> Step:
    """Refuse timestamps out of order, and gaps in time unless they are allowed.

    Raises:
        DataError: Names the first such row.
    """
    from rnn_core.readers import timestamps  # noqa: PLC0415 - training does without

    timestamps.check_order(times, rows, name)
    if parameters.irregular == "error":
        timestamps.check_steps(times, rows, name)
    if len(times) < 2:
        return Step(None, None)
    return Step(timestamps.step_code(times), timestamps.median_seconds(times))


def refuse_constant(
    values: NDArray[np.float64],
    train: NDArray[np.float64],
    columns: list[str],
    targets: tuple[str, ...],
    name: str,
) -> None:
    """Refuse columns from which nothing can be learned.

    Raises:
        DataError: If one never changes, at all or on the training side.
    """
    for index, column in enumerate(columns):
        kind = "target" if column in targets else "feature"
        if np.ptp(values[:, index]) == 0:
            raise DataError(
                f"{name}: {kind} column {column!r} never changes: all rows have "
                f"{values[0, index]:g}; leave it out"
            )
        if np.ptp(train[:, index]) == 0:
            raise DataError(
                f"{name}: {kind} column {column!r} never changes on the training side; "
                "leave it out, or change data.split"
            )


def split_rows(num_rows: int, parameters: ForecastingData, name: str) -> Borders:
    """Cut rows into sides in their order.

    Raises:
        DataError: If a side is too short for one window.
    """
    unit = 1 if min(parameters.split) >= 1 else num_rows
    ends = [round(end * unit) for end in np.cumsum(parameters.split).tolist()]
    if ends[-1] > num_rows:
        raise DataError(f"{name}: data.split asks for {ends[-1]} rows, the table has {num_rows}")
    starts = [0, *ends[:-1]]
    borders: Borders = dict(zip(SPLITS, zip(starts, ends, strict=True), strict=True))
    for split in SPLITS:
        if len(first_rows(borders, split, parameters.lookback, parameters.horizon)) < 1:
            start, end = borders[split]
            raise DataError(
                f"{name}: the {split} side has {end - start} rows, too few for a lookback of "
                f"{parameters.lookback} and a horizon of {parameters.horizon}"
            )
    return borders


def first_rows(borders: Borders, split: Split, lookback: int, horizon: int) -> Tensor:
    """First row of the lookback of every window whose horizon lies in a side."""
    start, end = borders[split]
    first = max(start - lookback, 0)
    return torch.arange(first, max(end - lookback - horizon + 1, first))


def season_of(step_seconds: float | None) -> Season | None:
    """The season that rows have, by the time between them."""
    for season in SEASONS:
        if step_seconds and season.shortest_step <= step_seconds <= season.longest_step:
            return season
    return None


def wanted_columns(table: "pd.DataFrame", wanted: Mapping[str, Any], name: str) -> list[str]:
    """Targets and features that a person asks for.

    Raises:
        ParameterError: If none is asked for, or one is not a column of numbers.
    """
    from pandas.api.types import is_bool_dtype, is_numeric_dtype  # noqa: PLC0415 - as above

    numeric = [c for c in table if is_numeric_dtype(table[c]) and not is_bool_dtype(table[c])]
    known = f"columns of numbers: {', '.join(map(str, numeric)) or 'none'}"
    if not wanted.get("targets"):
        raise ParameterError(f"{name}: no targets, the columns to predict, are given; {known}")
    columns = [*wanted["targets"], *wanted.get("features", ())]
    for column in columns:
        if column not in table:
            raise ParameterError(f"{name} has no column {column!r}; {known}")
        if column not in numeric and not table[column].astype(str).str.contains(r"\d").any():
            raise ParameterError(f"{name}: column {column!r} holds no numbers; {known}")
    return columns


def suggest_windows(
    num_rows: int, step_seconds: float | None, data: Mapping[str, Any], name: str
) -> dict[str, int]:
    """A horizon and lookback for the step between rows, as long as the rows allow.

    Raises:
        DataError: If there are too few rows.
        ParameterError: If there are too few for the horizon or lookback that is wanted.
    """
    if num_rows < LEAST_ROWS:
        raise DataError(f"{name} has {num_rows} rows; at least {LEAST_ROWS} are needed")
    unit = 1 if min(data["split"]) >= 1 else num_rows
    train, shortest = int(data["split"][0] * unit), int(min(data["split"]) * unit)
    season = season_of(step_seconds)
    length = season.rows(step_seconds) if season and step_seconds else 12
    ahead = length if length <= LONGEST_HORIZON else length // 4
    horizon = data.get("horizon", min(ahead, shortest // 2))
    behind = length * min(season.seen if season else 4, max(LONGEST_LOOKBACK // length, 1))
    lookback = data.get("lookback", max(min(behind, train // 2 - horizon), 1))
    if horizon > shortest or lookback + horizon > train:
        raise ParameterError(
            f"{name} has {num_rows} rows, too few for a lookback of {lookback} and a horizon of "
            f"{horizon}; the training side has {train}, the shortest {shortest}"
        )
    return {"lookback": lookback, "horizon": horizon}


def suggest_training(num_rows: int, data: Mapping[str, Any]) -> Suggestion:
    """A model and a training for so many rows, the larger the more there are."""
    windows = min(int(data["split"][0] * num_rows), num_rows) - data["lookback"] - data["horizon"]
    apart = len(data["targets"]) > 3 and not data.get("features")
    batch_size = min(max(2 ** int(np.log2(max(windows, 1) / 40 + 1)), 16), 256)
    model = {
        "hidden_size": 16 if windows < 300 else 32 if windows < 3_000 else 64,
        "segment": suggest_segment(data["lookback"]),
        "normalisation": "last_value",
        "channels": "apart" if apart else "together",
        "dropout": 0.1,
    }
    training = {
        "epochs": min(max(START_STEPS * batch_size // max(windows, 1), 20), 100),
        "patience": 20,
        "batch_size": batch_size,
        "learning_rate": 0.005,
        "schedule": "cosine",
        "warmup_steps": 20,
    }
    return {"model": model, "training": training}


def suggest_segment(lookback: int) -> int:
    """Of a long lookback, the longest divisor up to 24 that leaves 12 steps or more."""
    if lookback <= 96:
        return 1
    return max(d for d in range(1, 25) if lookback % d == 0 and (d == 1 or lookback >= 12 * d))
