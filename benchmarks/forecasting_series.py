"""Small races on eight kinds of series, beside Holt-Winters, seasonal naive and a linear map.

    python benchmarks/forecasting_series.py [--kinds counts,gaps] [--draws 3] [--json FILE]

Of each draw of a kind, `suggest` says lookback, horizon, model and training, as `gatewise new`
does. Three cells are trained with two random seeds each. The cell that is best on the validation
set is delivered, as the mean of its seeds where that is better there. Where a simple baseline of
Gatewise is not worse than it by more than the margin on the test set, the report names it as as
good, and a reader of the report takes it.

The three others are computed here, apart from Gatewise's own baselines: Holt-Winters by
statsmodels with and without damping, fitted to the training set and continued to where each
forecast is made; the season before; and ordinary least squares from the lookback and a constant.
All forecast the same windows of the test set, and are scored by the mean squared error in
standard deviations of the training set. Then the chosen cell is trained once more with
`loss: quantile`, and the share of the test set in its intervals is reported, with and without
following the errors of the windows before.
"""

import argparse
import json
import math
import sys
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from statsmodels.tsa.holtwinters import ExponentialSmoothing
from synthetic_series import KINDS

from rnn_core.baselines.holt_winters import fill_by_season
from rnn_core.parameters import parse
from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.forecasting.learn import ForecastingModel
from rnn_core.tasks.forecasting.parameters import ForecastingData
from rnn_core.tasks.forecasting.task import Forecasting
from rnn_core.training.evaluation import evaluate_together
from rnn_core.training.loop import TrainingParameters, train
from rnn_core.training.models import restore
from rnn_core.training.run_folder import RunConfig

CELLS = ("gru", "lstm", "mingru")
SEEDS = (0, 1)
CPU = torch.device("cpu")


class Study:
    """A table with all that `gatewise new` suggests for it."""

    def __init__(self, folder: Path, table: pd.DataFrame, asked: Mapping[str, Any]) -> None:
        (raw := folder / "raw").mkdir()
        table.to_csv(raw / "table.csv", index=False)
        suggested = Forecasting.suggest(raw, {"targets": ["y"], **asked})
        parameters = parse(ForecastingData, suggested["data"], "")
        self.folder = folder
        self.data, self.meta = Forecasting.prepare(raw, parameters)
        self.model = parse(ForecastingModel, suggested["model"], "")
        self.training = parse(TrainingParameters, suggested["training"], "")

    def train(self, cell: str, seed: int, model: ForecastingModel) -> Path:
        """A folder with what a training leaves."""
        config = RunConfig(
            dataset="series",
            task="forecasting",
            cell=cell,
            seed=seed,
            device="cpu",
            data="",
            model=asdict(model),
            training=asdict(self.training),
        )
        folder = self.folder / f"{cell}-{seed}-{model.loss}"
        train(Forecasting(self.meta, model, seed), self.data, config, self.training, folder)
        return folder

    def scores(self, *folders: Path) -> tuple[float, float]:
        """Of trainings as one model, on the validation and the test set."""
        found = evaluate_together(folders, self.data, self.meta, CPU)
        return found["validation"].overall, found["test"].overall


def race(study: Study) -> tuple[str, float]:
    """The cell that is delivered, and its test score."""
    found: dict[str, list[tuple[float, float]]] = {}
    folders = {}
    for cell in CELLS:
        folders[cell] = [study.train(cell, seed, study.model) for seed in SEEDS]
        found[cell] = [study.scores(folder) for folder in folders[cell]]
    chosen = min(CELLS, key=lambda cell: np.mean([validation for validation, _ in found[cell]]))
    together = study.scores(*folders[chosen])
    return chosen, min(*found[chosen], together)[1]


def named(study: Study, score: float) -> tuple[str | None, float]:
    """The baseline that a report names as as good, and its test score."""
    task = Forecasting(study.meta, study.model)
    baselines = task.baselines(study.data)
    best = min(baselines, key=lambda name: baselines[name])
    return (best, baselines[best]) if baselines[best] <= score + task.margin else (None, math.inf)


def others(study: Study) -> dict[str, float]:
    """Test scores of Holt-Winters, seasonal naive and the linear map."""
    task = Forecasting(study.meta, study.model)
    past, future = windows(task, study.data, "test")
    train_past, train_future = windows(task, study.data, "train")
    known = ~np.isnan(train_future).any(axis=1)
    ones, train_ones = np.ones((len(past), 1)), np.ones((known.sum(), 1))
    weight, *_ = np.linalg.lstsq(
        np.hstack([train_past[known], train_ones]), train_future[known], rcond=None
    )
    season, horizon = task.season_rows, study.meta.horizon
    found = {
        "seasonal naive": past[:, -season + np.arange(horizon) % season],
        "linear map": np.hstack([past, ones]) @ weight,
        "Holt-Winters": holt_winters(task, study.data, damped=False),
        "Holt-Winters, damped": holt_winters(task, study.data, damped=True),
    }
    lowest = task.zeros.numpy()[task.series_of(task.rows(study.data, "test"))]
    if study.meta.parameters.nonnegative:
        found = {name: np.maximum(forecast, lowest) for name, forecast in found.items()}
    return {name: float(np.nanmean((f - future) ** 2)) for name, f in found.items()}


def windows(task: Forecasting, data: Data, split: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """The target's past (B, L), its gaps filled, and its future (B, N)."""
    past, *_, future = task.windows(data, task.rows(data, split))
    return past[:, :, 0].double().numpy(), future[:, :, 0].double().numpy()


def holt_winters(task: Forecasting, data: Data, *, damped: bool) -> NDArray[np.float64]:
    """Forecasts of statsmodels (B, N): fitted to the training set, continued to each origin."""
    meta, season = task.meta, task.season_rows
    rows = task.rows(data, "test")
    found = task.series_of(rows)
    forecasts = np.zeros((len(rows), meta.horizon))
    for place, borders in enumerate(meta.series_borders):
        first, (_, end) = borders["train"][0], borders["train"]
        values = data["values"][first : borders["test"][1], 0].double().numpy()
        values = fill_by_season(values, season)
        smoothing = smooth(values[: end - first], season, damped, None).params
        kept = {
            name: smoothing[name]
            for name in ("smoothing_level", "smoothing_trend", "smoothing_seasonal")
            if not np.isnan(smoothing[name])
        }
        kept |= {"damping_trend": smoothing["damping_trend"]} if damped else {}
        for window in np.flatnonzero(found.numpy() == place):
            origin = int(rows[window]) + meta.lookback - first
            model = smooth(values[:origin], season, damped, kept)
            forecasts[window] = model.forecast(meta.horizon)
    return forecasts


def smooth(
    values: NDArray[np.float64], season: int, damped: bool, given: Mapping[str, float] | None
) -> Any:
    seasonal = {"seasonal": "add", "seasonal_periods": season} if season > 1 else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = ExponentialSmoothing(
            values, trend="add", damped_trend=damped, initialization_method="heuristic", **seasonal
        )
        return model.fit(optimized=given is None, **(given or {}))


def coverage(study: Study, cell: str) -> dict[str, float]:
    """Shares of the test set in the intervals of 80 and 95 %, and without following errors."""
    folder = study.train(cell, SEEDS[0], replace(study.model, loss="quantile"))
    task, model = restore(folder, study.meta)
    with torch.inference_mode():
        followed = task.scores(model, study.data, "test").others
        output, future = task.forecasts(model, study.data, task.rows(study.data, "test"))
    known = ~future.isnan()
    unmoved = task.interval_scores(output[known], future[known])
    names = ("coverage_80", "coverage_95")
    return {name: followed[name] for name in names} | {f"{n}_unmoved": unmoved[n] for n in names}


def measure(kind: str, draw: int) -> dict[str, Any]:
    """Measure one draw of a kind."""
    with tempfile.TemporaryDirectory(prefix="gatewise-") as folder:
        table = KINDS[kind].draw(np.random.default_rng(draw))
        study = Study(Path(folder), table, KINDS[kind].asked)
        cell, score = race(study)
        baseline, its = named(study, score)
        rivals = others(study)
        best = min(rivals.values())
        return {
            "kind": kind,
            "draw": draw,
            "delivered": cell,
            "score": score,
            "named": baseline,
            "named_score": its if baseline else None,
            "others": rivals,
            "delivered_over_best": score / best,
            "ratio": min(score, its) / best,
            **coverage(study, cell),
        }


def told(one: Mapping[str, Any]) -> str:
    rivals = ", ".join(f"{name} {score:.4f}" for name, score in one["others"].items())
    also = f", named {one['named']} {one['named_score']:.4f}" if one["named"] else ""
    whole, alone = one["ratio"], one["delivered_over_best"]
    return (
        f"{one['kind']}, draw {one['draw']}: {one['delivered']} {one['score']:.4f}{also}; "
        f"{rivals}; "
        f"ratio to the best {whole:.3f} ({alone:.3f} without what is named); "
        f"80 %: {one['coverage_80']:.3f} ({one['coverage_80_unmoved']:.3f} unmoved), "
        f"95 %: {one['coverage_95']:.3f} ({one['coverage_95_unmoved']:.3f})"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--kinds", default=",".join(KINDS), help="some of them, with commas between"
    )
    parser.add_argument("--draws", type=int, default=3, help="of each kind")
    parser.add_argument("--json", type=Path, help="a file for all that is found")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found = []
    for draw in range(1, arguments.draws + 1):
        for kind in arguments.kinds.split(","):
            found.append(measure(kind, draw))
            print(told(found[-1]), flush=True)
            if arguments.json:
                arguments.json.write_text(json.dumps(found, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
