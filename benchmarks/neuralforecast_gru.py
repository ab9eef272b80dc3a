"""Trainings of a GRU forecaster by Gatewise and by neuralforecast, in turn, on the same data.

    pip install -e '.[bench]' -c constraints.txt
    python benchmarks/neuralforecast_gru.py [--repeats 5] [--threads 1] [--json FILE]

Both read the same windows of the training set, with the same lookback, horizon, units of one GRU
layer, batch size, learning rate, loss (squared error) and as many steps of the optimiser as the
epochs have. neuralforecast draws the windows of a step at random, and Gatewise each once in an
epoch. neuralforecast's linear decoder is made as small as it can be: one layer. Gatewise's time
holds the score of the validation set after each epoch, writing the run folder and the weights;
neuralforecast scores nothing, and neither progress bar, logger nor checkpoint is on. What both
import, compile and set up the first time is left out.
"""

import argparse
import json
import logging
import statistics
import sys
import tempfile
import time
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from neuralforecast import NeuralForecast
from neuralforecast.losses.pytorch import MSE
from neuralforecast.models import GRU
from synthetic_series import KINDS

from rnn_core.parameters import parse
from rnn_core.tasks.forecasting.learn import ForecastingModel
from rnn_core.tasks.forecasting.parameters import ForecastingData
from rnn_core.tasks.forecasting.task import Forecasting
from rnn_core.training.loop import TrainingParameters, train
from rnn_core.training.run_folder import RunConfig

EPOCHS = 10
CASES = {"many series": (53, 7), "random walk": (56, 7), "daylight saving": (168, 24)}
"""Kinds of series, with their lookback and horizon."""

UNITS, BATCH, RATE = 32, 64, 0.005
SIDES = ("gatewise", "neuralforecast")
QUIET = {
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "enable_checkpointing": False,
    "logger": False,
}


class Case:
    """A kind of series, for both."""

    def __init__(self, folder: Path, name: str) -> None:
        kind, (lookback, horizon) = KINDS[name], CASES[name]
        self.table = kind.draw(np.random.default_rng(1))
        (raw := folder / "raw").mkdir()
        self.table.to_csv(raw / "table.csv", index=False)
        windows = {"lookback": lookback, "horizon": horizon, **kind.asked}
        suggested = Forecasting.suggest(raw, {"targets": ["y"], **windows})
        self.folder = folder
        self.data, self.meta = Forecasting.prepare(
            raw, parse(ForecastingData, suggested["data"], "")
        )
        self.model = ForecastingModel(hidden_size=UNITS)
        self.training = TrainingParameters(epochs=EPOCHS, batch_size=BATCH, learning_rate=RATE)
        self.steps = EPOCHS * -(-self.meta.items["train"] // BATCH)

    def gatewise(self, number: int) -> float:
        """Seconds of a training."""
        config = RunConfig(
            dataset="series",
            task="forecasting",
            cell="gru",
            seed=0,
            device="cpu",
            data="",
            model=asdict(self.model),
            training=asdict(self.training),
        )
        folder, task = self.folder / f"run-{number}", Forecasting(self.meta, self.model)
        started = time.perf_counter()
        train(task, self.data, config, self.training, folder)
        return time.perf_counter() - started

    def long_table(self) -> pd.DataFrame:
        """The standardised series as neuralforecast reads them, up to the test set's end."""
        parts = []
        for place, borders in enumerate(self.meta.series_borders):
            first, end = borders["train"][0], borders["test"][1]
            values = self.data["values"][first:end, 0].numpy()
            times = pd.date_range("2020-01-01", periods=len(values), freq="D")
            parts.append(pd.DataFrame({"unique_id": place, "ds": times, "y": values}))
        return pd.concat(parts, ignore_index=True)

    def neuralforecast(self) -> NeuralForecast:
        options: dict[str, Any] = {
            "h": self.meta.horizon,
            "input_size": self.meta.lookback,
            "encoder_n_layers": 1,
            "encoder_hidden_size": UNITS,
            "decoder_layers": 1,
            "decoder_hidden_size": UNITS,
            "loss": MSE(),
            "max_steps": self.steps,
            "learning_rate": RATE,
            "windows_batch_size": BATCH,
            "batch_size": 32,
            "scaler_type": "identity",
            "accelerator": "cpu",
            "random_seed": 1,
        }
        return NeuralForecast(models=[GRU(**options, **QUIET)], freq="D")

    def fit(self) -> float:
        """Seconds of a training of neuralforecast, on the rows of the training set."""
        table, ends = (
            self.long_table(),
            [s["train"][1] - s["train"][0] for s in self.meta.series_borders],
        )
        place = table.groupby("unique_id").cumcount().to_numpy()
        rows = table[place < np.asarray(ends)[table["unique_id"]]]
        model = self.neuralforecast()
        started = time.perf_counter()
        model.fit(rows, val_size=0)
        return time.perf_counter() - started


def compare(name: str, repeats: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="gatewise-") as folder:
        case = Case(Path(folder), name)
        case.fit()
        case.gatewise(0)
        ours, theirs = [], []
        for number in range(1, repeats + 1):
            theirs.append(case.fit())
            ours.append(case.gatewise(number))
        ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
        return {
            "kind": name,
            "windows": case.meta.items["train"],
            "steps": case.steps,
            "lookback": case.meta.lookback,
            "horizon": case.meta.horizon,
            "gatewise_seconds": ours,
            "neuralforecast_seconds": theirs,
            "ratios": ratios,
            "ratio": statistics.median(ratios),
        }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5, help="of each, in turn")
    parser.add_argument("--threads", type=int, default=1, help="of PyTorch")
    parser.add_argument("--json", type=Path, help="a file for all that is found")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    found = []
    for name in CASES:
        one = compare(name, arguments.repeats)
        found.append(one)
        ours, theirs = (statistics.median(one[f"{which}_seconds"]) for which in SIDES)
        print(
            f"{name}: {one['steps']} steps of {BATCH} windows, lookback {one['lookback']}: "
            f"Gatewise {ours:.2f} s, neuralforecast {theirs:.2f} s; ratio {one['ratio']:.2f} "
            f"({min(one['ratios']):.2f} to {max(one['ratios']):.2f})",
            flush=True,
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
