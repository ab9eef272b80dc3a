"""Overhead of a run besides its trainings: fixed, for each stage, and as studies grow.

    python benchmarks/overhead.py [--datasets 5 20 40] [--repeats 1] [--no-sample] [--no-dvc]
        [--json FILE]

Studies are made up: a number of datasets with ten cells and one random seed, whose models have two
units and see 60 rows once. Each is run three times:

first       from nothing, trainings included
again       with all trainings in the store, and dvc.lock, outputs and DVC's cache removed: what is
            left is what it costs to run, record, show and register the stages
nothing     with nothing to do, and no server configured

and `dvc repro` does the stages of `again` in a folder of its own, which records them one by one
and shows and registers nothing. `growth` is the time of `again` for the most datasets over that
for half as many, where both were asked for. The sample study is run from nothing, and what its
workers did, over the number of processors, is taken from its time.

All that is measured is wall time of whole processes, and their CPU time with their children's.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

import yaml

from rnn_core.files import read_json_lines

REPOSITORY = Path(__file__).resolve().parents[1]
PROGRAMS = Path(sys.executable).parent
CODE = ("flows", "rnn_core", "constraints.txt", "dvc.yaml", "prefect.toml", "pyproject.toml")
CELLS = (
    *("memoryless", "rnn_tanh", "rnn_sigmoid", "lstm", "gru", "gru_reset_after"),
    *("mgu", "minlstm", "mingru", "lstm_peephole"),
)
OUTPUTS = ("data", "runs", "evaluations", "comparisons", "reports", ".dvc/cache", "dvc.lock")


@dataclass(frozen=True)
class Measured:
    """Cost of a command.

    Attributes:
        wall: Seconds from its start to its end.
        cpu: Seconds of processors, of its children too.
        work: Seconds that workers trained and evaluated.
    """

    wall: float
    cpu: float
    work: float


@dataclass(frozen=True)
class Place:
    """A copy of the code with a study in it."""

    folder: Path

    def environment(self):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "MLFLOW_"))}
        home = self.folder / "home"
        return kept | {
            "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(self.folder),
            "PREFECT_HOME": str(home / "prefect"),
            "MLFLOW_TRACKING_URI": f"sqlite:///{home}/mlflow.db",
            "DVC_SITE_CACHE_DIR": str(home / "dvc"),
            "DVC_NO_ANALYTICS": "1",
            "HOME": str(home),
            "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")),
        }

    def measure(self, *command):
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
        start = time.monotonic()
        done = subprocess.run(
            [PROGRAMS / command[0], *command[1:]],
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        wall = time.monotonic() - start
        assert done.returncode == 0, done.stdout + done.stderr
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        records = read_json_lines(self.folder / ".gatewise/timings.jsonl")
        work = sum(r["seconds"] for r in records if r["time"] >= begun - 1)
        return Measured(round(wall, 2), round(cpu, 2), round(work, 2))

    def forget(self):
        """Remove all but the store."""
        for name in OUTPUTS:
            path = self.folder / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def make_place(folder, parameters=None):
    """Copy the code, and put a study in it: a made-up one, or the sample."""
    folder.mkdir()
    ignored = shutil.ignore_patterns("__pycache__")
    for name in CODE:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copy(source, folder)
    (folder / "home").mkdir()
    if parameters is None:
        shutil.copy(REPOSITORY / "params.yaml", folder)
    else:
        (folder / "params.yaml").write_text(yaml.safe_dump(parameters, sort_keys=False))
    (folder / ".dvcignore").write_text("__pycache__/\n/.gatewise/\n/home/\n")
    place = Place(folder)
    place.measure("dvc", "init", "--no-scm", "--quiet")
    return place


def made_up(number):
    """The params.yaml of a study with a number of datasets."""
    section = {
        "source": "rows.csv",
        "task": "forecasting",
        "data": {"targets": ["y"], "lookback": 4, "horizon": 1, "split": [0.6, 0.2, 0.2]},
        "model": {"hidden_size": 2},
        "training": {"epochs": 1, "batch_size": 32},
    }
    return {
        "root": ".",
        "study": "made_up",
        "device": "cpu",
        "seeds": {"first": 1, "most": 1},
        "cells": list(CELLS),
        "sizes": ["equal"],
        "tuning": None,
        "champion": "seed",
        "ensemble": {"members": 2},
        "depths": [1],
        "references": None,
        "refit": False,
        "datasets": {f"rows_{i}": deepcopy(section) for i in range(number)},  # YAML without `*`
    }


def write_rows(folder):
    days = [date(2024, 1, 1) + timedelta(days=i) for i in range(60)]
    rows = [f"{day},{i * 37 % 11 + i / 9:.3f}" for i, day in enumerate(days)]
    (folder / "rows.csv").write_text("\n".join(["date,y", *rows]) + "\n")


def measure_made_up(folder, number, *, with_dvc):
    """Run a made-up study each way."""
    place = make_place(folder, made_up(number))
    write_rows(place.folder)
    found = {"first": place.measure("gatewise", "run")}
    place.forget()
    found["again"] = place.measure("gatewise", "run")
    found["nothing"] = place.measure("gatewise", "run")
    if with_dvc:
        place.forget()
        found["dvc repro"] = place.measure("dvc", "repro", "--quiet")
    found_lock = (place.folder / "dvc.lock").stat().st_size
    shutil.rmtree(folder)
    return {"lock_bytes": found_lock, **{name: asdict(m) for name, m in found.items()}}


def measure_sample(folder):
    """Run the sample from nothing, and with nothing to do."""
    place = make_place(folder)
    first, nothing = place.measure("gatewise", "run"), place.measure("gatewise", "run")
    processors = len(os.sched_getaffinity(0))
    beside = round(first.wall - first.work / processors, 2)
    lock = (place.folder / "dvc.lock").stat().st_size
    shutil.rmtree(folder)
    return {
        "lock_bytes": lock,
        "first": asdict(first),
        "beside the workers' own work": beside,
        "nothing": asdict(nothing),
    }


def growth(results: dict[str, dict], numbers: Sequence[int]) -> dict[str, float]:
    """Time for the most datasets over that for half as many."""
    most = max(numbers)
    if most // 2 not in numbers:
        return {}
    whole, half = results[str(most)], results[str(most // 2)]
    ways = [way for way in ("again", "dvc repro") if way in whole]
    return {way: round(whole[way]["wall"] / half[way]["wall"], 2) for way in ways}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--datasets", type=int, nargs="*", default=[5, 20, 40])
    parser.add_argument("--no-sample", action="store_true")
    parser.add_argument("--no-dvc", action="store_true", help="leave `dvc repro` out: it is slow")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results: dict[str, dict] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for number in options.datasets:
            place = Path(temporary) / str(number)
            results[str(number)] = measure_made_up(place, number, with_dvc=not options.no_dvc)
            print(number, json.dumps(results[str(number)]), flush=True)
        if not options.no_sample:
            results["sample"] = measure_sample(Path(temporary) / "sample")
            print("sample", json.dumps(results["sample"]), flush=True)
    if options.datasets:
        results["growth"] = growth(results, options.datasets)
        print("growth", json.dumps(results["growth"]))
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
