"""Tuning on a small dataset: what trials are, and that training uses what they came to."""

import shutil
from dataclasses import asdict, replace
from datetime import date, timedelta

import pytest
import yaml
from usual_study import USUAL

from flows.layout import Layout
from flows.tracking import follower as following_them
from flows.tracking import projection as tracking
from flows.tracking.follower import Follower
from flows.tracking.logged import metrics_of_result
from flows.trainings import planner
from flows.trainings.identity import title
from flows.trainings.kept import note_kept
from flows.trainings.manifest import MANIFEST
from flows.trainings.records import read_records
from flows.trainings.store import open_store
from flows.trainings.work import check_study
from rnn_core.comparison import standings
from rnn_core.comparison.candidates import SeedResult
from rnn_core.comparison.outcome import CandidateResult, Failure, SplitResult, read_comparison
from rnn_core.errors import ParameterError
from rnn_core.files import digest_of, read_json
from rnn_core.study import TUNING_SEED, is_for_tuning, read_study
from rnn_core.tasks.forecasting.learn import ForecastingModel
from rnn_core.tasks.forecasting.task import Forecasting
from rnn_core.training import loop as training
from rnn_core.training.loop import TrainingParameters
from rnn_core.training.prepared import read_prepared
from rnn_core.training.run_folder import SUMMARY, Cost, read_config, write_config
from rnn_core.training.rung import read_rung
from rnn_core.training.tuning import Tuned, again

SERIES = "date,y\n" + "".join(
    f"{date(2024, 1, 1) + timedelta(days=i)},{(i * 37 % 11) + i / 9:.3f}\n" for i in range(300)
)

PARAMETERS = {
    **USUAL,
    "root": ".",
    "study": "tuned",
    "seeds": {"first": 2, "most": 2},
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
            "margin": 1e9,  # no size is worse than a smaller one
            "data": {"targets": ["y"], "lookback": 12, "horizon": 3},
            "model": {"hidden_size": 8, "dropout": 0.1},
            "training": {"epochs": 5, "learning_rate": 0.003, "clip_norm": 0.5},
        }
    },
}
OWN = {"learning_rate": 0.003, "clip_norm": 0.5, "dropout": 0.1}
STEPS = 7
"""Batches of 32 of the 200 windows or so."""

ROUNDS = [(4, 2), (2, 4), (6, 5)]
"""Trainings of each round, and their epochs: the last has three finalists with two seeds."""

TRIALS = sum(number for number, _ in ROUNDS)
EPOCHS = sum(number * epochs for number, epochs in ROUNDS)


def write(folder, parameters):
    (folder / "params.yaml").write_text(yaml.safe_dump(parameters))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, perform):
    """A study up to its prepared data."""
    layout = Layout(tmp_path_factory.mktemp("prepared"))
    (layout.folder / "sales.csv").write_text(SERIES)
    write(layout.folder, PARAMETERS)
    perform(layout, "sales", "ingest", "prepare")
    return layout


@pytest.fixture(scope="module")
def tuned(prepared, tmp_path_factory, perform):
    """The study with every cell tuned and trained."""
    folder = tmp_path_factory.mktemp("tuned") / "study"
    layout = Layout(shutil.copytree(prepared.folder, folder))
    perform(layout, "sales", "train")
    return layout


@pytest.fixture
def fresh(prepared, tmp_path):
    """A separate study with prepared data."""
    return Layout(shutil.copytree(prepared.folder, tmp_path / "study"))


def records(layout, cell):
    return {int(size): found for size, found in read_json(layout.tuning("sales"))[cell].items()}


def trials(record):
    """Those of a single search, by round."""
    (search,) = record["searches"]
    return search["rounds"]


def stored(layout):
    """Folders of all trainings that the store of a study has, trials among them."""
    store, place = open_store(layout), layout.folder / "taken out"
    for identity in store.identities("training"):
        if not (place / identity).exists():
            store.get("training", identity, place / identity)
    return sorted(place.iterdir())


def result(folder):
    """Results of a training in its folder, without their digests."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != MANIFEST}


def train_directly(layout, folder, size, seed, epochs, values):
    """A training as the numeric library does it, without any stage."""
    data, meta = read_prepared(layout.prepared("sales"), Forecasting)
    model = ForecastingModel(hidden_size=size, dropout=values["dropout"])
    parameters = TrainingParameters(
        epochs=epochs, learning_rate=values["learning_rate"], clip_norm=values["clip_norm"]
    )
    config, _ = read_config(layout.run("sales", "gru") / str(size) / "seed-0")
    config = replace(config, seed=seed, model=asdict(model), training=asdict(parameters))
    training.train(Forecasting(meta, model, seed), data, config, parameters, folder)
    return result(folder)


def test_every_candidate_has_the_same_rounds_and_draws_of_its_own(tuned):
    gru, lstm = records(tuned, "gru"), records(tuned, "lstm")
    assert len(gru) == len(lstm) == 2
    drawn = []
    for record in (*gru.values(), *lstm.values()):
        rounds = [[trial["epochs"] for trial in each] for each in trials(record)]
        assert rounds == [[epochs] * number for number, epochs in ROUNDS]
        assert [trial["values"] for trial in trials(record)[-1][:2]] == [OWN, OWN]
        drawn += [tuple(trial["values"].values()) for trial in trials(record)[0]]
    assert len(set(drawn)) == 16


def test_chosen_is_the_finalist_with_the_least_mean_error(tuned):
    for record in (*records(tuned, "gru").values(), *records(tuned, "lstm").values()):
        scores = [trial["score"] for trial in trials(record)[-1]]
        means = [(a + b) / 2 for a, b in zip(scores[::2], scores[1::2], strict=True)]
        best = trials(record)[-1][2 * means.index(min(means))]
        assert record["chosen"] == best["values"]
        found = [one["mean"] for one in record["searches"][0]["finalists"]]
        assert found == pytest.approx(means)


def test_trial_is_exactly_the_training_that_it_says_it_is(tuned, tmp_path):
    record = records(tuned, "gru")[8]
    for i, ((_, epochs), each) in enumerate(zip(ROUNDS, trials(record), strict=True)):
        trial, place = each[-1], tmp_path / str(i)
        train_directly(tuned, place, 8, trial["seed"], epochs, trial["values"])
        summary = read_json(place / SUMMARY)
        assert summary["best_score"] == trial["score"]
        assert (summary["epochs"], summary["steps"]) == (trial["epochs"], trial["steps"])
    assert [each[-1]["seed"] - TUNING_SEED for each in trials(record)] == [0, 0, 1]


def test_training_is_exactly_one_with_the_chosen_values(tuned, tmp_path):
    for size, record in records(tuned, "gru").items():
        for seed in (0, 1):
            place = tuned.run("sales", "gru") / str(size) / f"seed-{seed}"
            expected = train_directly(
                tuned, tmp_path / f"{size}-{seed}", size, seed, 5, record["chosen"]
            )
            assert result(place) == expected


def test_steps_of_tuning_are_those_of_all_its_trainings(tuned):
    trainings = [(read_config(f)[0], read_json(f / SUMMARY)) for f in stored(tuned)]
    for cell in ("gru", "lstm"):
        for size, record in records(tuned, cell).items():
            of_trials = [
                summary["steps"]
                for config, summary in trainings
                if (config.cell, config.model["hidden_size"]) == (cell, size)
                and is_for_tuning(config.seed)
            ]
            assert len(of_trials) == TRIALS
            assert record["steps"] == sum(of_trials) == EPOCHS * STEPS
            tuning = read_rung(tuned.run("sales", cell) / str(size)).tuning
            assert (tuning.trials, tuning.steps) == (TRIALS, record["steps"])
            assert (tuning.searches, tuning.chosen) == (1, record["chosen"])


def test_cell_that_is_left_out_is_not_tuned(tuned):
    assert set(read_json(tuned.tuning("sales"))) == {"gru", "lstm"}
    assert not tuned.run("sales", "memoryless").exists()


def test_comparison_shows_the_tuning_and_counts_its_steps(tuned, perform):
    perform(tuned, "sales", "evaluate", "compare")
    comparison = read_comparison(tuned.comparison("sales"))
    total = 0
    for name, result in comparison.candidates.items():
        cell, size = name.split("-")
        record = records(tuned, cell)[int(size)]
        assert (result.tuning.steps, result.tuning.chosen) == (record["steps"], record["chosen"])
        total += (EPOCHS + 5) * STEPS * result.cost.multiply_accumulates
    assert comparison.policies["gatewise"].training_cost == total


def test_measured_seconds_are_of_so_many_epochs(tuned):
    """Of trials and of trainings, which are longer."""
    found = [one for one in read_records(tuned) if one.what == "train"]
    for name in {one.candidate for one in found}:
        mine = [one for one in found if one.candidate == name]
        trials = [one.epochs for one in mine if is_for_tuning(one.seed)]
        assert sorted(trials) == [epochs for number, epochs in ROUNDS for _ in range(number)]
        assert [one.epochs for one in mine if not is_for_tuning(one.seed)] == [5, 5]


def test_without_tuning_a_cell_is_trained_with_the_datasets_own_values(fresh, tmp_path, perform):
    write(fresh.folder, PARAMETERS | {"tuning": None, "sizes": ["equal"]})
    perform(fresh, "sales", "train")
    place = fresh.run("sales", "gru") / "8"
    expected = train_directly(fresh, tmp_path / "direct", 8, 0, 5, OWN)
    assert result(place / "seed-0") == expected
    assert read_json(place / "rung.json")["tuning"] is None
    assert not fresh.tuning("sales").exists()


def test_diverged_trials_are_recorded_and_not_chosen(fresh, perform):
    tuning = {"trials": 4, "share": 0.4, "learning_rate": [1, 1e30]}
    write(fresh.folder, PARAMETERS | {"tuning": tuning, "sizes": ["equal"]})
    perform(fresh, "sales", "train")
    record = records(fresh, "gru")[8]
    every = [trial for each in trials(record) for trial in each]
    diverged = [trial for trial in every if trial["status"] == "diverged"]
    assert diverged
    assert all(trial["score"] is None and trial["steps"] > 0 for trial in diverged)
    assert record["chosen"] not in [trial["values"] for trial in diverged]
    assert record["steps"] == sum(trial["steps"] for trial in every)


def test_size_that_is_tuned_again_keeps_all_that_led_there(fresh, perform, code_of, monkeypatch):
    """Trials, and what showed that the first search failed; else a second run trained it again."""

    def larger_fails(sized, margin):
        smaller, larger = sorted(sized, key=lambda one: one.hidden_size)
        return {larger.name: Failure(than=smaller.name, worse_by=1.0, error=0.1)}

    def to_certain_values(found, smaller):
        return replace(again(found, smaller), certain=({"dropout": 0.3},), finalists=0)

    monkeypatch.setattr(standings, "failures", larger_fails)
    monkeypatch.setattr(planner, "again", to_certain_values)
    sales = PARAMETERS["datasets"]["sales"] | {"cells": ["gru"]}
    tuning = {"trials": 4, "share": 0.4, "dropout": [0, 0.5]}
    write(fresh.folder, PARAMETERS | {"tuning": tuning, "datasets": {"sales": sales}})
    perform(fresh, "sales", "train")
    (_, record), (larger, found) = sorted(records(fresh, "gru").items())
    assert (len(record["searches"]), record["failed"]) == (1, [])
    assert len(found["searches"]) == 2
    assert found["chosen"] == {"dropout": 0.3} != found["searches"][0]["chosen"]
    place = fresh.run("sales", "gru") / str(larger)
    assert read_rung(place).tuning.searches == 2
    assert read_config(place / "seed-0")[0].model["dropout"] == 0.3
    note_kept(fresh, ["sales"], lambda _: code_of(["gru"]))
    store = open_store(fresh)
    for kind in ("training", "evaluation"):
        assert set(store.identities(kind)) <= set(read_json(fresh.kept)), kind
    assert len(found["failed"]) == 2 * 2, "two trainings and their evaluations"


class Killed(BaseException):
    """Stands for a SIGKILL: nothing after it runs."""


def test_interrupted_tuning_repeats_no_trial_and_ends_the_same(fresh, tuned, perform, monkeypatch):
    begun, train_one = [], training.train

    def train_and_count(task, data, config, *arguments):
        if len(begun) == 6:
            begun.append(None)
            raise Killed
        size, rate = config.model["hidden_size"], config.training["learning_rate"]
        begun.append((config.cell, size, config.seed, rate, config.training["epochs"]))
        train_one(task, data, config, *arguments)

    monkeypatch.setattr(training, "train", train_and_count)
    with pytest.raises(Killed):
        perform(fresh, "sales", "train")
    assert not fresh.runs("sales").exists()
    perform(fresh, "sales", "train")
    begun.remove(None)
    assert len(begun) == len(set(begun)) == 2 * 2 * (TRIALS + 2)
    assert digest_of(fresh.runs("sales")) == digest_of(tuned.runs("sales"))


def test_tuning_that_cannot_be_is_refused_before_anything_runs(fresh):
    tuning = PARAMETERS["tuning"] | {"dropout": [0.2, 0.5]}
    write(fresh.folder, PARAMETERS | {"tuning": tuning})
    with pytest.raises(ParameterError, match=r"does not hold the dataset's own, 0\.1"):
        check_study(read_study(fresh.folder))


@pytest.fixture
def growing(tuned, tmp_path):
    """A study in which a trial and a seed of gru on sales grow."""
    layout = Layout(tmp_path / "growing")
    for finished in stored(tuned):
        config, _ = read_config(finished)
        short = config.seed == TUNING_SEED and config.training["epochs"] == 2
        if config.cell == "gru" and (short or config.seed == 0):
            shutil.copytree(finished, layout.training / finished.name)
            (layout.training / finished.name / SUMMARY).unlink()
    return layout


def test_what_grows_is_told_as_a_trial_or_as_a_seed(growing):
    found = tracking.growing_seeds(growing)
    epochs = {seed.config.seed: len(seed.records) for seed in found}
    assert epochs == {TUNING_SEED: 2, 0: 5}
    names = {title(seed.config) for seed in found}
    sizes = {seed.config.model["hidden_size"] for seed in found}
    assert names == {f"sales gru-{size} {what}" for size in sizes for what in ("trial", "seed 0")}


def test_trial_is_watched_and_not_projected(growing, monkeypatch):
    """The follower's thread runs for a moment; what it would log is collected."""
    monkeypatch.setattr(following_them, "FOLLOW_SECONDS", 0.01)
    monkeypatch.setattr(following_them, "SHORT_SECONDS", 0.0)
    logged, seen = [], []

    class Collecting:
        layout = growing

        def log_growing(self, seed):
            logged.append(seed.config.seed)

    with Follower(Collecting(), seen.append) as follower:
        while len(seen) < 3:
            follower.thread.join(0.01)
    assert {seed.config.seed for seeds in seen for seed in seeds} == {0, TUNING_SEED}
    assert set(logged) == {0}


def test_seed_is_projected_once_it_has_been_trained_for_some_time(growing):
    seed = next(one for one in tracking.growing_seeds(growing) if one.config.seed == 0)
    follower = Follower(None, None)
    at = (100.0, 100.0 + following_them.SHORT_SECONDS - 0.1, 100.0 + following_them.SHORT_SECONDS)
    assert [follower.is_to_be_shown(seed, now) for now in at] == [False, False, True]


def test_refit_is_told_as_one_and_not_projected(growing):
    """It would else look like another run of a seed that is compared."""
    for folder in growing.training.iterdir():
        config, cost = read_config(folder)
        write_config(folder, replace(config, division="moved_back", seed=0), cost)
    seeds, follower = tracking.growing_seeds(growing), Follower(None, None)
    names = {title(seed.config).partition(" ")[2] for seed in seeds}
    assert {name.partition(" ")[2] for name in names} == {"moved back seed 0"}
    later = 100.0 + following_them.SHORT_SECONDS
    assert not [s for s in seeds for now in (100.0, later) if follower.is_to_be_shown(s, now)]


def test_cost_of_tuning_is_shown_where_there_is_one():
    seeds = (SeedResult(seed=0, epochs=1, steps=1, validation=0.5, test=0.25),)
    scores = SplitResult(mean=0.5, std=None, standing=None, risk=None)
    without = CandidateResult(
        cell="gru",
        hidden_size=4,
        sizes=(),
        deviations={},
        cost=Cost(parameters=3, recurrent_parameters=2, multiply_accumulates=1),
        tuning=None,
        failure=None,
        seeds=seeds,
        validation=scores,
        test=scores,
        others={},
    )
    found = Tuned(rounds=(), trials=4, steps=56, searches=1, finalists=(), chosen=OWN, score=0.5)
    told = metrics_of_result(replace(without, tuning=found), "mse")
    cost = {"tuning_trials": 4, "tuning_steps": 56}
    assert told == metrics_of_result(without, "mse") | cost
