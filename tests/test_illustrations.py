"""The stage that evaluates shows what the model of the best seed does."""

import shutil

import numpy as np
import pytest
import yaml

from flows.layout import Layout
from flows.stages.evaluate import evaluate
from flows.stages.prepare import prepare
from flows.stages.train import train
from rnn_core.evaluation import best_seed, illustrate
from rnn_core.files import read_json
from rnn_core.runs import MODEL, read_prepared, seed_folder
from rnn_core.sources.random_symbols import RandomSymbols
from rnn_core.sources.synthetic_digits import SyntheticDigits
from rnn_core.tasks import get_task

DATASETS = {
    "symbols": {
        "task": "copy_memory",
        "data": {"lag": 1},
        "training": {"epochs": 2, "batch_size": 8, "learning_rate": 0.01},
    },
    "digits": {
        "task": "speech_recognition",
        "data": {"num_mels": 8, "split_by": "each_speaker", "validation": [1]},
        "training": {"epochs": 2, "batch_size": 8, "learning_rate": 0.01},
    },
}


@pytest.fixture(scope="module")
def layout(tmp_path_factory):
    """A study of which all seeds are trained."""
    layout = Layout(tmp_path_factory.mktemp("study"))
    sections = {
        name: {"source": f"data/raw/{name}", "model": {"hidden_size": 6}, **section}
        for name, section in DATASETS.items()
    }
    study = {"root": ".", "study": "shown", "device": "cpu", "seeds": [0, 1, 2], "cells": ["gru"]}
    (layout.folder / "params.yaml").write_text(yaml.safe_dump(study | {"datasets": sections}))
    for name in DATASETS:
        layout.raw(name).mkdir(parents=True)
    RandomSymbols(num_lines=60, length=3, seed=3).fetch(layout.raw("symbols"))
    SyntheticDigits(num_voices=3, num_takes=2, noise=0.2, seed=1).fetch(layout.raw("digits"))
    for name in DATASETS:
        prepare(layout, name)
        train(layout, name, "gru")
    return layout


def evaluated(layout, dataset):
    """Illustration and scores, by seed, of a dataset that is evaluated now."""
    evaluate(layout, dataset, "gru")
    folder = layout.evaluation(dataset, "gru") / "6"
    scores = read_json(folder / "scores.json")["seeds"]
    return read_json(folder / "illustration.json"), {s["seed"]: s for s in scores}


def test_best_seed_on_the_validation_side_is_shown_on_the_test_side(layout):
    shown, scores = evaluated(layout, "symbols")
    seed = min(scores, key=lambda s: scores[s]["validation"])
    assert len({s["validation"] for s in scores.values()}) == 3
    data, meta = read_prepared(layout.prepared("symbols"))
    of_each = [
        illustrate(seed_folder(layout.run("symbols", "gru"), 6, s), data, meta, "test")
        for s in range(3)
    ]
    assert of_each.count(of_each[seed]) == 1
    assert shown == {"seed": seed, "split": "test", **of_each[seed]}


def test_illustration_is_of_the_fold_of_its_seed(layout):
    shown, scores = evaluated(layout, "digits")
    assert scores[shown["seed"]]["validation"] == max(s["validation"] for s in scores.values())
    counts = np.array(shown["counts"])
    assert shown["seed"] != 0, "whose fold is that of a task without a seed"
    assert counts.sum() == 20
    assert counts.trace() / 20 == pytest.approx(scores[shown["seed"]]["test"])


def test_seeds_that_diverged_are_not_shown(layout, tmp_path):
    copy = Layout(tmp_path / "study")
    shutil.copytree(layout.folder, copy.folder)
    shown, scores = evaluated(copy, "symbols")
    for seed in sorted(scores, key=lambda s: scores[s]["validation"]):
        assert shown["seed"] == seed
        (seed_folder(copy.run("symbols", "gru"), 6, seed) / MODEL).unlink()
        shown, _ = evaluated(copy, "symbols")
    assert shown == {}


@pytest.mark.parametrize(
    ("task", "scores", "seed"),
    [
        ("copy_memory", {3: 0.5, 1: 0.2, 2: 0.2}, 1),
        ("sentiment", {3: 0.5, 7: 0.5, 2: 0.2}, 3),
        ("sentiment", {7: 0.5, 3: 0.5, 2: 0.2}, 3),
    ],
)
def test_best_seed_is_the_lowest_of_equals(task, scores, seed):
    assert best_seed(scores, get_task(task).metric) == seed
