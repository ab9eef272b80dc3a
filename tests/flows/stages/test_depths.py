"""A study with one layer and with two: trained, compared, registered and told apart."""

import shutil
from datetime import date, timedelta

import pytest
import torch
import yaml
from usual_study import USUAL

from flows.layout import Layout
from flows.report.card import model_card
from flows.report.details import collect
from flows.stages.report import report
from flows.tracking.registry import copy_model
from rnn_core.comparison.outcome import read_comparison
from rnn_core.errors import StudyError
from rnn_core.files import read_json
from rnn_core.layers.recurrent import Recurrent
from rnn_core.study import read_study
from rnn_core.tasks.forecasting.task import Forecasting
from rnn_core.training.models import restore, restore_registered
from rnn_core.training.prepared import META, read_prepared
from rnn_core.training.run_folder import read_config

SERIES = "date,y\n" + "".join(
    f"{date(2024, 1, 1) + timedelta(days=i)},{(i * 31 % 17) + i / 13:.3f}\n" for i in range(240)
)

PARAMETERS = {
    **USUAL,
    "root": ".",
    "study": "deep",
    "seeds": {"first": 2, "most": 2},
    "cells": ["gru", "rnn_tanh"],
    "sizes": ["equal", 0.5],
    "depths": [2, 1],
    "champion": "ensemble",
    "ensemble": {"members": 3},
    "datasets": {
        "sales": {
            "source": "sales.csv",
            "task": "forecasting",
            "margin": 1e-6,
            "data": {"targets": ["y"], "lookback": 13, "horizon": 2},
            "model": {"hidden_size": 6, "dropout": 0.1},
            "training": {"epochs": 2, "learning_rate": 0.01},
        }
    },
}
VERBS = ("ingest", "prepare", "train", "evaluate", "compare")


@pytest.fixture(scope="module")
def compared(tmp_path_factory, perform):
    """A study with some depths, up to its comparison."""

    def make(**changes):
        layout = Layout(tmp_path_factory.mktemp("study"))
        (layout.folder / "sales.csv").write_text(SERIES)
        (layout.folder / "params.yaml").write_text(yaml.safe_dump(PARAMETERS | changes))
        perform(layout, "sales", *VERBS)
        return layout

    return make


@pytest.fixture(scope="module")
def both(compared):
    return compared()


@pytest.fixture(scope="module")
def deep(compared):
    """Two layers alone, so that what is registered has two."""
    return compared(depths=[2], cells=["gru"], sizes=["equal"])


def identities(layout):
    """Of all trainings, by candidate and seed."""
    configs = [read_config(folder)[0] for folder in layout.runs("sales").glob("*/*/seed-*")]
    return {
        (c.cell, c.model["num_layers"], c.model["hidden_size"], c.seed): c.identity for c in configs
    }


def test_every_cell_is_tried_at_every_size_with_each_number_of_layers(both):
    found = read_comparison(both.comparison("sales")).candidates
    assert set(found) == {
        *("gru-4", "gru-6", "gru-2x2", "gru-2x6"),
        *("rnn_tanh-6", "rnn_tanh-7", "rnn_tanh-2x4", "rnn_tanh-2x6"),
    }
    budget = found["gru-6"].cost.multiply_accumulates / 2
    for name, one in found.items():
        assert both.evaluation("sales", one.cell).joinpath(name.partition("-")[2]).is_dir()
        for apart in one.deviations.values():
            assert one.cost.multiply_accumulates == pytest.approx(budget * (1 + apart))


def test_restored_models_have_their_layers(both):
    _, meta = read_prepared(both.prepared("sales"), Forecasting)
    for name, one in read_comparison(both.comparison("sales")).candidates.items():
        place = both.run("sales", one.cell) / name.partition("-")[2] / "seed-0"
        _, model = restore(place, meta)
        (layer,) = (module for module in model.modules() if isinstance(module, Recurrent))
        assert (layer.num_layers, layer.hidden_size) == (one.num_layers, one.hidden_size)
        assert layer.multiply_accumulates == one.cost.multiply_accumulates


def test_trainings_of_one_layer_are_those_of_a_study_without_others(both, compared):
    alone, there = identities(compared(depths=[1])), identities(both)
    shared = alone.keys() & there.keys()
    assert {key: there[key] for key in shared} == {key: alone[key] for key in shared}
    assert {key[:3] for key in shared} == {key[:3] for key in alone}


def test_members_of_two_layers_lie_in_a_folder_of_their_name(deep):
    members = read_json(deep.ensemble("sales") / "members.json")
    assert members == {"cell": "gru", "hidden_size": 6, "num_layers": 2, "seeds": [0, 1, 2]}
    assert [path.name for path in (deep.ensemble("sales") / "2x6").iterdir()] == ["seed-2"]
    found = read_comparison(deep.comparison("sales"))
    assert (found.decision.recommended, found.members) == ("gru-2x6", (0, 1, 2))
    assert found.ensemble.trainings == 1


def test_what_is_registered_answers_as_what_was_trained(deep, tmp_path):
    comparison = read_comparison(deep.comparison("sales"))
    copy_model(deep, "sales", comparison, tmp_path / "run")
    shutil.copy(deep.prepared("sales") / META, tmp_path / "run")
    _, registered = restore_registered(tmp_path / "run")
    data, meta = read_prepared(deep.prepared("sales"), Forecasting)
    folders = [
        deep.run("sales", "gru") / "2x6/seed-0",
        deep.run("sales", "gru") / "2x6/seed-1",
        deep.ensemble("sales") / "2x6/seed-2",
    ]
    restored = [restore(folder, meta) for folder in folders]
    task = restored[0][0]
    past, _ = task.windows(data, task.rows(data, "test"))
    with torch.inference_mode():
        wanted = torch.stack([model(past) for _, model in restored]).mean(dim=0)
        torch.testing.assert_close(registered(past), wanted)


def test_report_and_card_tell_the_layers(both, deep):
    report(both, read_study(both.folder))
    page = (both.reports / "index.html").read_text()
    assert "rnn_tanh-2x6" in page
    assert "equal, 2 layers" in page
    assert "2x6" in (both.reports / "report.md").read_text()
    assert "gru-2x6" in read_json(both.metrics)["sales"]["candidates"]
    card = model_card(collect(deep, read_study(deep.folder), "sales"))
    assert "## deep.sales: use gru-2x6" in card
    assert "`gru` with 2 layers of 6 units" in card


def test_depths_that_are_not_those_of_params_are_refused(both, perform, tmp_path):
    layout = Layout(shutil.copytree(both.folder, tmp_path / "study"))
    (layout.folder / "params.yaml").write_text(yaml.safe_dump(PARAMETERS | {"depths": [1]}))
    with pytest.raises(StudyError, match="does not match the sizes and depths in"):
        perform(layout, "sales", "compare")


def test_ensemble_of_as_many_units_in_other_layers_is_not_taken_for_the_champions(
    deep, perform, tmp_path
):
    layout = Layout(shutil.copytree(deep.folder, tmp_path / "study"))
    file = layout.ensemble_evaluation("sales") / "ensemble.json"
    file.write_text(file.read_text().replace('"num_layers": 2', '"num_layers": 1'))
    with pytest.raises(StudyError, match="belongs to gru-6, not gru-2x6"):
        perform(layout, "sales", "compare")
