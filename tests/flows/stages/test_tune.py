"""Tuning on a small dataset: what trials are, and that training uses what they came to."""

import shutil
from dataclasses import asdict, replace
from datetime import date, timedelta

import pytest
import yaml

from flows.layout import Layout
from flows.stages.compare import compare
from flows.stages.evaluate import evaluate
from flows.stages.ingest import ingest
from flows.stages.prepare import prepare
from flows.stages.train import train
from flows.stages.tune import tune
from flows.study import check_parameters
from flows.tracking import projection as tracking
from flows.tracking.projection import Follower
from flows.trainings.seeds import title
from rnn_core.errors import ParameterError
from rnn_core.files import read_json
from rnn_core.study import TUNING_SEED, read_study
from rnn_core.tasks.forecasting import Forecasting, ForecastingModel
from rnn_core.training import loop as training
from rnn_core.training.loop import TrainingParameters
from rnn_core.training.run_folder import SUMMARY, read_config, read_prepared

SERIES = "date,y\n" + "".join(
    f"{date(2024, 1, 1) + timedelta(days=i)},{(i * 37 % 11) + i / 9:.3f}\n" for i in range(300)
)

PARAMETERS = {
    "root": ".",
    "study": "tuned",
    "device": "cpu",
    "seeds": [0, 1],
    "cells": ["memoryless", "gru", "lstm"],
    "sizes": ["equal", 0.25],
    "tuning": {
        "trials": 4,
        "share": 0.4,
        "learning_rate": [0.25, 4],
        "clip_norm": [0.25, 4],
        "dropout": [0, 0.5],
    },
    "datasets": {
        "sales": {
            "source": "sales.csv",
            "task": "forecasting",
            "cells": ["gru", "lstm"],
            "data": {"targets": ["y"], "lookback": 12, "horizon": 3},
            "model": {"hidden_size": 8, "dropout": 0.1},
            "training": {"epochs": 5, "learning_rate": 0.003, "clip_norm": 0.5},
        }
    },
}
OWN = {"learning_rate": 0.003, "clip_norm": 0.5, "dropout": 0.1}
STEPS = 7
"""Batches of 32 of the 200 windows or so."""


def write(folder, parameters):
    (folder / "params.yaml").write_text(yaml.safe_dump(parameters))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A study up to its prepared data."""
    layout = Layout(tmp_path_factory.mktemp("prepared"))
    (layout.folder / "sales.csv").write_text(SERIES)
    write(layout.folder, PARAMETERS)
    ingest(layout, "sales")
    prepare(layout, "sales")
    return layout


@pytest.fixture(scope="module")
def tuned(prepared, tmp_path_factory):
    """The study with every cell tuned and trained."""
    folder = tmp_path_factory.mktemp("tuned") / "study"
    layout = Layout(shutil.copytree(prepared.folder, folder))
    for cell in PARAMETERS["cells"]:
        tune(layout, "sales", cell)
        train(layout, "sales", cell)
    return layout


@pytest.fixture
def fresh(prepared, tmp_path):
    """A study of one's own with prepared data."""
    return Layout(shutil.copytree(prepared.folder, tmp_path / "study"))


def records(layout, cell):
    return {int(f.stem): read_json(f) for f in layout.tuning("sales", cell).glob("[0-9]*.json")}


def train_directly(layout, folder, size, seed, epochs, values):
    """A training as the numeric library does it, without any stage."""
    data, meta = read_prepared(layout.prepared("sales"))
    model = ForecastingModel(hidden_size=size, dropout=values["dropout"])
    parameters = TrainingParameters(
        epochs=epochs, learning_rate=values["learning_rate"], clip_norm=values["clip_norm"]
    )
    config, _ = read_config(layout.run("sales", "gru") / str(size) / "seed-0")
    config = replace(config, seed=seed, model=asdict(model), training=asdict(parameters))
    training.train(Forecasting(meta, model, seed), data, config, parameters, folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_every_candidate_has_the_same_number_of_trials_and_begins_with_the_own_values(tuned):
    gru, lstm = records(tuned, "gru"), records(tuned, "lstm")
    assert len(gru) == len(lstm) == 2
    for record in (*gru.values(), *lstm.values()):
        assert [trial["epochs"] for trial in record["trials"]] == [2] * 4
        assert record["trials"][0]["values"] == OWN
        assert record["trials"][1]["values"] == gru[8]["trials"][1]["values"] != OWN


def test_chosen_is_the_trial_with_the_least_error(tuned):
    for record in (*records(tuned, "gru").values(), *records(tuned, "lstm").values()):
        scores = [trial["score"] for trial in record["trials"]]
        assert record["chosen"] == record["trials"][scores.index(min(scores))]["values"]
        assert len(set(scores)) == 4


def test_trial_is_exactly_the_training_that_it_says_it_is(tuned, tmp_path):
    record = records(tuned, "gru")[8]
    for i in (0, 3):
        trial = record["trials"][i]
        place = tmp_path / str(i)
        train_directly(tuned, place, 8, TUNING_SEED, 2, trial["values"])
        summary = read_json(place / SUMMARY)
        assert summary["best_validation_mse"] == trial["score"]
        assert (summary["epochs"], summary["steps"]) == (trial["epochs"], trial["steps"])


def test_training_is_exactly_one_with_the_chosen_values(tuned, tmp_path):
    for size, record in records(tuned, "gru").items():
        for seed in (0, 1):
            place = tuned.run("sales", "gru") / str(size) / f"seed-{seed}"
            expected = train_directly(
                tuned, tmp_path / f"{size}-{seed}", size, seed, 5, record["chosen"]
            )
            assert {path.name: path.read_bytes() for path in place.iterdir()} == expected


def test_steps_of_tuning_are_those_of_all_its_trainings(tuned):
    trainings = [(read_config(f)[0], read_json(f / SUMMARY)) for f in tuned.seeds.iterdir()]
    for cell in ("gru", "lstm"):
        for size, record in records(tuned, cell).items():
            of_trials = [
                summary["steps"]
                for config, summary in trainings
                if (config.cell, config.model["hidden_size"]) == (cell, size)
                and config.seed == TUNING_SEED
            ]
            assert len(of_trials) == 4
            assert record["steps"] == sum(of_trials) == 4 * 2 * STEPS
            rung = read_json(tuned.run("sales", cell) / str(size) / "rung.json")
            assert rung["tuning"] == {
                "trials": 4,
                "steps": record["steps"],
                "chosen": record["chosen"],
            }


def test_cell_that_is_left_out_is_not_tuned(tuned):
    (file,) = tuned.tuning("sales", "memoryless").iterdir()
    assert read_json(file) == {"tuned": False}


def test_comparison_shows_the_tuning_and_counts_its_steps(tuned):
    for cell in PARAMETERS["cells"]:
        evaluate(tuned, "sales", cell)
    compare(tuned, "sales")
    comparison = read_json(tuned.comparison("sales"))
    total = 0
    for name, result in comparison["candidates"].items():
        cell, size = name.split("-")
        record = records(tuned, cell)[int(size)]
        assert result["tuning"] == {
            "trials": 4,
            "steps": record["steps"],
            "chosen": record["chosen"],
        }
        total += (4 * 2 + 5) * STEPS * result["cost"]["multiply_accumulates"]
    assert comparison["policies"]["gatewise"]["training_cost"] == total


def test_without_tuning_a_cell_is_trained_with_the_datasets_own_values(fresh, tmp_path):
    write(fresh.folder, PARAMETERS | {"tuning": None, "sizes": ["equal"]})
    tune(fresh, "sales", "gru")
    train(fresh, "sales", "gru")
    place = fresh.run("sales", "gru") / "8"
    expected = train_directly(fresh, tmp_path / "direct", 8, 0, 5, OWN)
    assert {p.name: p.read_bytes() for p in (place / "seed-0").iterdir()} == expected
    assert read_json(place / "rung.json")["tuning"] is None


def test_diverged_trials_are_recorded_and_not_chosen(fresh):
    tuning = {"trials": 4, "share": 0.4, "learning_rate": [1, 1e30]}
    write(fresh.folder, PARAMETERS | {"tuning": tuning, "sizes": ["equal"]})
    tune(fresh, "sales", "gru")
    record = records(fresh, "gru")[8]
    diverged = [trial for trial in record["trials"] if trial["status"] == "diverged"]
    assert diverged
    assert all(trial["score"] is None and trial["steps"] > 0 for trial in diverged)
    assert record["chosen"] not in [trial["values"] for trial in diverged]
    assert record["steps"] == sum(trial["steps"] for trial in record["trials"])


class Killed(BaseException):
    """Stands for a SIGKILL: nothing after it runs."""


def test_interrupted_tuning_repeats_no_trial_and_ends_the_same(fresh, tuned, monkeypatch):
    begun, train_one = [], training.train

    def train_and_count(task, data, config, *arguments):
        if len(begun) == 6:
            begun.append(None)
            raise Killed
        begun.append((config.model["hidden_size"], config.training["learning_rate"]))
        train_one(task, data, config, *arguments)

    monkeypatch.setattr(training, "train", train_and_count)
    with pytest.raises(Killed):
        tune(fresh, "sales", "gru")
    assert not fresh.tuning("sales", "gru").exists()
    tune(fresh, "sales", "gru")
    begun.remove(None)
    assert len(begun) == len(set(begun)) == 2 * 4
    assert records(fresh, "gru") == records(tuned, "gru")


def test_tuning_that_cannot_be_is_refused_before_anything_runs(fresh):
    tuning = PARAMETERS["tuning"] | {"dropout": [0.2, 0.5]}
    write(fresh.folder, PARAMETERS | {"tuning": tuning})
    with pytest.raises(ParameterError, match=r"does not hold the dataset's own, 0\.1"):
        check_parameters(read_study(fresh.folder), [])


@pytest.fixture
def growing(tuned, tmp_path):
    """A study in which a trial and a seed of gru on sales grow."""
    layout = Layout(tmp_path / "growing")
    for finished in tuned.seeds.iterdir():
        config, _ = read_config(finished)
        if config.cell == "gru" and config.seed in {0, TUNING_SEED}:
            shutil.copytree(finished, layout.training / finished.name)
            (layout.training / finished.name / SUMMARY).unlink()
    return layout


def test_trial_grows_in_the_stage_that_tunes_and_a_seed_in_the_one_that_trains(growing):
    (trial,) = tracking.growing_seeds(growing, {"tune@sales-gru"})
    (seed,) = tracking.growing_seeds(growing, {"train@sales-gru"})
    assert (trial.config.seed, len(trial.records)) == (TUNING_SEED, 2)
    assert (seed.config.seed, len(seed.records)) == (0, 5)
    size = trial.config.model["hidden_size"]
    assert title(trial.config) == f"sales gru-{size} trial"
    assert title(replace(trial.config, seed=0)) == f"sales gru-{size} seed 0"


def test_trial_is_watched_and_not_projected(growing, monkeypatch):
    """The follower's thread runs for a moment; what it would log is collected."""
    monkeypatch.setattr(tracking, "FOLLOW_SECONDS", 0.01)
    logged, seen = [], []

    class Collecting:
        layout = growing

        def log_growing(self, seed):
            logged.append(seed.config.seed)

    with Follower(Collecting(), seen.append) as follower:
        for running in ("tune@sales-gru", "train@sales-gru"):
            follower.running = {running}
            before = len(seen)
            while len(seen) < before + 3:
                follower.thread.join(0.01)
    assert {seed.config.seed for seeds in seen for seed in seeds} == {0, TUNING_SEED}
    assert set(logged) == {0}


def test_cost_of_tuning_is_shown_where_there_is_one():
    result = {"tuning": {"trials": 4, "steps": 56, "chosen": OWN}}
    assert tracking.tuning_cost(result) == {"tuning_trials": 4, "tuning_steps": 56}
    assert tracking.tuning_cost({"tuning": None}) == {}
