"""The chosen candidate's seeds answer together: trained after the race, and no evidence in it."""

import shutil
from datetime import date, timedelta

import numpy as np
import pytest
import torch
import yaml
from safetensors.numpy import load_file, save_file
from usual_study import USUAL

from flows.layout import Layout
from rnn_core.comparison.candidates import read_scores
from rnn_core.comparison.outcome import read_comparison
from rnn_core.files import read_json
from rnn_core.tasks.forecasting.task import Forecasting
from rnn_core.training.item_scores import read_items
from rnn_core.training.models import restore
from rnn_core.training.prepared import read_prepared

SERIES = "date,y\n" + "".join(
    f"{date(2024, 1, 1) + timedelta(days=i)},{(i * 29 % 13) + i / 17:.3f}\n" for i in range(260)
)

PARAMETERS = {
    **USUAL,
    "root": ".",
    "study": "together",
    "seeds": {"first": 2, "most": 2},
    "cells": ["gru", "rnn_tanh"],
    "champion": "auto",
    "ensemble": {"members": 4},
    "datasets": {
        "sales": {
            "source": "sales.csv",
            "task": "forecasting",
            "data": {"targets": ["y"], "lookback": 13, "horizon": 2},
            "model": {"hidden_size": 6},
            "training": {"epochs": 3, "learning_rate": 0.01},
        }
    },
}


@pytest.fixture(scope="module")
def compared(tmp_path_factory, perform):
    """A study with some champion setting, up to its comparison."""

    def make(champion):
        layout = Layout(tmp_path_factory.mktemp(champion))
        (layout.folder / "sales.csv").write_text(SERIES)
        text = yaml.safe_dump(PARAMETERS | {"champion": champion})
        (layout.folder / "params.yaml").write_text(text)
        perform(layout, "sales", "ingest", "prepare", "train", "evaluate", "compare")
        return layout

    return make


@pytest.fixture(scope="module")
def together(compared):
    return compared("ensemble")


def test_members_that_the_race_did_not_want_are_trained_and_kept_apart(together):
    comparison = read_comparison(together.comparison("sales"))
    champion = comparison.recommended.result
    members = read_json(together.ensemble("sales") / "members.json")
    assert members == {
        "cell": champion.cell,
        "hidden_size": 6,
        "num_layers": 1,
        "seeds": [0, 1, 2, 3],
    }
    own = together.run("sales", champion.cell) / "6"
    assert sorted(path.name for path in own.glob("seed-*")) == ["seed-0", "seed-1"]
    extra = together.ensemble("sales") / "6"
    assert sorted(path.name for path in extra.iterdir()) == ["seed-2", "seed-3"]
    assert comparison.ensemble.trainings == 2


def test_they_are_no_evidence(together, compared):
    alone = compared("seed")
    assert not alone.ensemble("sales").exists()
    with_them, without = (read_comparison(s.comparison("sales")) for s in (together, alone))
    assert without.ensemble is None
    assert with_them.candidates == without.candidates
    assert with_them.decision == without.decision
    assert with_them.effort == without.effort
    for cell in PARAMETERS["cells"]:
        scores = read_scores(together.evaluation("sales", cell) / "6")
        assert [seed.seed for seed in scores.seeds] == [0, 1]


@pytest.mark.parametrize("split", ["validation", "test"])
def test_scores_are_those_of_the_mean_forecast(together, split):
    """Recomputed from the members' own forecasts, window by window."""
    data, meta = read_prepared(together.prepared("sales"), Forecasting)
    champion = read_comparison(together.comparison("sales")).recommended.result
    own, extra = together.run("sales", champion.cell) / "6", together.ensemble("sales") / "6"
    restored = [
        restore(folder / f"seed-{n}", meta) for n, folder in enumerate((own, own, extra, extra))
    ]
    task = restored[0][0]
    past, future = task.windows(data, task.rows(data, split))
    with torch.inference_mode():
        forecasts = np.stack([model(past).double().numpy() for _, model in restored])
    wanted = ((forecasts.mean(axis=0) - future.double().numpy()) ** 2).mean(axis=(1, 2))
    place = together.ensemble_evaluation("sales")
    found = read_items(place / "items.safetensors", split)
    np.testing.assert_allclose(found.values, wanted, rtol=1e-5)
    scores = read_json(place / "ensemble.json")
    assert scores[split] == pytest.approx(np.average(wanted, weights=found.weights), rel=1e-5)


def test_it_is_registered_where_it_is_wanted(together):
    comparison = read_comparison(together.comparison("sales"))
    assert comparison.ensemble.registered
    assert comparison.registered_test_score == comparison.ensemble.scores.test


@pytest.mark.parametrize(("shift", "registered"), [(-0.2, True), (0.0, False), (0.2, False)])
def test_by_itself_it_is_registered_only_where_it_is_better_beyond_chance(
    compared, perform, tmp_path, shift, registered
):
    layout = Layout(shutil.copytree(compared("auto").folder, tmp_path / "study"))
    champion = read_comparison(layout.comparison("sales")).recommended
    place = layout.evaluation("sales", champion.name.partition("-")[0]) / "6"
    alone = read_items(place / f"seed-{champion.seed.seed}.safetensors", "validation")
    noise = np.random.default_rng(1).normal(0, 0.05, len(alone.values))
    give_losses(layout.ensemble_evaluation("sales"), alone.values + shift + noise - noise.mean())
    perform(layout, "sales", "compare")
    found = read_comparison(layout.comparison("sales")).ensemble
    assert found.registered is registered
    assert found.better_by == pytest.approx(-shift, abs=1e-6)


def give_losses(place, values):
    """Give the validation items of an ensemble other losses."""
    file = place / "items.safetensors"
    arrays = load_file(file)
    save_file(arrays | {"validation/values": values}, file)
