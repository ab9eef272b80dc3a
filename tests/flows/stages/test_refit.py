"""A whole study whose champion is trained on the validation set too, where that is believed."""

import json
import re
import shutil
from collections import Counter

import numpy as np
import pytest
import torch
import yaml
from usual_study import USUAL

from flows.commands.run import time_account
from flows.layout import Layout
from flows.report import advice
from flows.report.timings import write_timings
from flows.report.words import duration
from flows.study import StudyRun
from flows.tracking.judging import judge, note_seen
from flows.tracking.registered import RUN, SEEN
from flows.tracking.registry import copy_model
from flows.trainings import work
from flows.trainings.adoption import adopt
from flows.trainings.kept import note_kept
from flows.trainings.records import read_records
from flows.trainings.store import Store
from rnn_core.comparison import refits
from rnn_core.comparison.outcome import read_comparison
from rnn_core.comparison.statistics.pair import compare_pair
from rnn_core.errors import ParameterError, StudyError
from rnn_core.files import digest_of, read_json
from rnn_core.study import read_study
from rnn_core.tasks.forecasting.task import Forecasting
from rnn_core.training.evaluation import item_scores
from rnn_core.training.item_scores import read_items
from rnn_core.training.models import restore_registered, restore_together
from rnn_core.training.prepared import read_prepared
from rnn_core.training.run_folder import read_config, read_summary

PARAMETERS = {
    **USUAL,
    "root": ".",
    "study": "refitted",
    "seeds": {"first": 2, "most": 2},
    "cells": ["gru", "rnn_tanh"],
    "champion": "auto",
    "ensemble": {"members": 3},
    "refit": True,
    "datasets": {
        "sales": {
            "source": "sales.csv",
            "task": "forecasting",
            "data": {"targets": ["y"], "date": None, "lookback": 8, "horizon": 1},
            "model": {"hidden_size": 6},
            "training": {"epochs": 8, "learning_rate": 0.02, "batch_size": 16},
        }
    },
}

ROWS = 240
TURN = 144
"""The row at which the last part of the training set, and so the moved-back one, begins."""


def series(*, turns):
    """A series that swings otherwise after a while, or one that does not."""
    rows = np.arange(ROWS)
    noise = 0.05 * np.random.default_rng(3).normal(size=ROWS)
    early, late = (-1.0) ** rows, np.where(rows % 4 < 2, 1.0, -1.0)
    y = np.where(turns & (rows >= TURN), late, early) + noise
    return "y\n" + "".join(f"{value:.4f}\n" for value in y)


@pytest.fixture(scope="module")
def study(tmp_path_factory, perform):
    """A study up to its comparison, once for each setting."""
    done = {}

    def make(*, turns, **changes):
        key = turns, json.dumps(changes)
        if key not in done:
            layout = Layout(tmp_path_factory.mktemp("study"))
            (layout.folder / "sales.csv").write_text(series(turns=turns))
            (layout.folder / "params.yaml").write_text(yaml.safe_dump(PARAMETERS | changes))
            perform(layout, "sales", "ingest", "prepare", "train", "evaluate", "compare")
            done[key] = layout
        return done[key]

    return make


@pytest.fixture(scope="module")
def believed(study):
    """Here the values after the moved-back training set have another kind."""
    return study(turns=True, champion="ensemble")


def comparison_of(layout):
    return read_comparison(layout.comparison("sales"))


def scores_on(layout, folders, split):
    """Scored again, by the prepared data as it is and the meta that models are served with."""
    data, meta = read_prepared(layout.prepared("sales"), Forecasting)
    task, model = restore_together(folders, meta)
    with torch.inference_mode():
        return task.scores(model, data, split)


def folders_of(layout, division, cell_size=6):
    return sorted((layout.runs("sales") / division / str(cell_size)).glob("seed-*"))


def test_refit_is_measured_one_validation_set_earlier(believed):
    """Recomputed from the models: what they score on the validation set, seed by seed."""
    refit = comparison_of(believed).refit.refit
    before, after = (folders_of(believed, d) for d in ("moved_back", "moved_back_refit"))
    assert [folder.name for folder in before] == ["seed-0", "seed-1", "seed-2"]
    pairs = [
        [scores_on(believed, [folder], "validation") for folder in pair]
        for pair in zip(before, after, strict=True)
    ]
    gains = [first.overall - second.overall for first, second in pairs]
    assert refit.gain.mean == pytest.approx(np.mean(gains), rel=1e-6)
    assert refit.gain.mean > 0
    apart = [item_scores(first).values - item_scores(second).values for first, second in pairs]
    assert np.mean(apart) == pytest.approx(np.mean(gains), rel=1e-6)
    assert refit.measured == (0, 1, 2)


def test_lengths_are_what_was_chosen(believed):
    refit = comparison_of(believed).refit.refit

    def chosen(folders):
        each = [read_json(folder / "summary.json")["best_epoch"] for folder in folders]
        return round(np.mean(each))

    raced = believed.runs("sales") / refit.cell / "6"
    assert refit.moved_back_epochs == chosen(folders_of(believed, "moved_back"))
    assert refit.epochs == chosen(sorted(raced.glob("seed-*")))
    lengths = {"moved_back_refit": refit.moved_back_epochs, "refit": refit.epochs}
    for division, epochs in lengths.items():
        for folder in folders_of(believed, division):
            assert read_summary(folder).epochs == epochs
            assert read_config(folder)[0].training["epochs"] == epochs
            assert read_config(folder)[0].division == division
            assert read_summary(folder).best_score is None


def test_refit_that_is_believed_is_registered_with_its_own_score(believed, tmp_path):
    comparison = comparison_of(believed)
    assert comparison.refit.registered
    assert comparison.ensemble.registered
    assert comparison.members == (0, 1, 2)
    folders = folders_of(believed, "refit")
    assert len(folders) == 3
    scores = scores_on(believed, folders, "test")
    assert comparison.registered_test_score == pytest.approx(scores.overall, rel=1e-9)
    assert comparison.registered_test_score != comparison.ensemble.scores.test
    copy_model(believed, "sales", comparison, tmp_path / RUN)
    assert {path.name: digest_of(path) for path in (tmp_path / RUN).iterdir()} == {
        folder.name: digest_of(folder) for folder in folders
    }


def test_registered_refit_is_served_as_it_is_scored(believed, tmp_path):
    """Row by row of the test set, asked as a user asks, of the folder that is registered."""
    comparison = comparison_of(believed)
    copy_model(believed, "sales", comparison, tmp_path / RUN)
    shutil.copy(believed.prepared("sales") / "meta.json", tmp_path / RUN)
    task, model = restore_registered(tmp_path / RUN)
    table = task.read_input(believed.raw("sales")).reset_index(drop=True)
    start, end = task.meta.borders["test"][0]
    rows = (table[now - 8 : now].copy() for now in range(start, end))
    answers = [task.answer(model, past, task.AnswerParameters())["y"][0] for past in rows]
    truth = table["y"][start:end].astype(float).to_numpy()
    errors = (np.array(answers) - truth) / task.meta.series[0].std[0]
    assert np.mean(np.square(errors)) == pytest.approx(comparison.registered_test_score, rel=1e-4)


def test_registry_knows_that_a_refit_has_seen_the_validation_set(believed, study, tmp_path):
    """And judges it against the champion before it on the test set, paired."""
    alone = study(turns=True, champion="ensemble", refit=False)
    for name, layout in {"challenger": believed, "champion": alone}.items():
        copy_model(layout, "sales", comparison_of(layout), tmp_path / name / RUN)
        shutil.copy(layout.prepared("sales") / "meta.json", tmp_path / name / RUN)
        note_seen(tmp_path / name, layout.raw("sales"))
    judged = judge(tmp_path / "challenger", tmp_path / "champion", believed.raw("sales"))
    assert (tmp_path / "challenger" / SEEN).read_bytes() == (
        tmp_path / "champion" / SEEN
    ).read_bytes()
    own = scores_on(believed, folders_of(believed, "refit"), "test")
    other = read_items(alone.ensemble_evaluation("sales") / "items.safetensors", "test")
    expected = compare_pair(item_scores(own), other, Forecasting.metric)
    assert judged.pair.better_by == pytest.approx(expected.better_by, rel=1e-5)
    assert judged.champion_score == pytest.approx(comparison_of(alone).registered_test_score)


def test_one_seed_alone_is_refitted_where_one_is_registered(study):
    layout = study(turns=True, champion="seed")
    comparison = comparison_of(layout)
    assert comparison.ensemble is None
    assert comparison.members == ()
    best = comparison.recommended.seed.seed
    assert comparison.registered_seeds == (best,)
    folders = folders_of(layout, "refit")
    assert [folder.name for folder in folders] == [f"seed-{best}"]
    scores = scores_on(layout, folders, "test")
    assert comparison.registered_test_score == pytest.approx(scores.overall, rel=1e-9)


def test_refit_that_is_not_believed_is_not_trained(study):
    layout = study(turns=False)
    comparison = comparison_of(layout)
    assert not comparison.refit.registered
    assert comparison.refit.refit.gain.chance < 0.95
    assert not folders_of(layout, "refit")
    assert len(folders_of(layout, "moved_back_refit")) == 3
    without = comparison_of(study(turns=False, refit=False))
    assert comparison.registered_test_score == without.registered_test_score
    assert comparison.registered_scores == without.registered_scores
    said = advice.refitted(comparison)
    assert "What is registered was trained on the training set alone." in said


@pytest.mark.parametrize("turns", [True, False])
def test_race_and_recommendation_know_nothing_of_it(study, turns):
    with_it = comparison_of(study(turns=turns, champion="ensemble"))
    without = comparison_of(study(turns=turns, champion="ensemble", refit=False))
    assert without.refit is None
    for name in ("decision", "effort", "candidates", "evidence", "ensemble", "policies"):
        assert getattr(with_it, name) == getattr(without, name)


def test_time_of_a_refit_is_told_apart_and_counted(believed):
    """Its trainings are trainings, whatever they were trained on."""
    comparison, records = comparison_of(believed), read_records(believed)
    assert {one.what for one in records} == {"train", "evaluate"}
    trained = [one.division for one in records if one.what == "train"]
    assert Counter(trained) == {
        "prepared": comparison.effort.trainings + comparison.ensemble.trainings,
        "moved_back": 3,
        "moved_back_refit": 3,
        "refit": 3,
    }
    told = time_account(StudyRun(), believed, 0, verbose=True)
    took = duration(sum(one.seconds for one in records))
    assert f": {len(trained)} trainings, 0 stages run, 0 up to date." in told[0]
    assert told[1].startswith(f"Trainings and evaluations took {took} of the workers'")
    write_timings(believed, read_study(believed.folder))
    page = believed.timings_page.read_text()
    (row,) = (
        line for line in page.splitlines() if f">{comparison.decision.recommended}</th>" in line
    )
    apart = sum(one.seconds for one in records if one.division != "prepared")
    assert row.rstrip().endswith(f"<td>{apart:,.4g}</td></tr>")


def test_report_says_what_is_registered_and_what_it_gained(believed):
    comparison = comparison_of(believed)
    said = " ".join(advice.evidence(comparison))
    gain, epochs = comparison.refit.refit.gain, comparison.refit.refit.epochs
    assert (
        f"Registered is the mean of 3 models, trained on the training and validation set for "
        f"{epochs} epochs"
    ) in said
    assert f"training on as much more gained {gain.mean:.2g} ± {gain.error:.2g} mse" in said
    assert "The ensemble is registered" not in said
    assert "alone." not in said.partition("Registered is")[2].partition("Moved back")[0]


def test_all_of_it_is_kept_adopted_and_never_trained_again(
    believed, perform, code_of, tmp_path, monkeypatch
):
    layout = Layout(shutil.copytree(believed.folder, tmp_path / "study"))
    before = digest_of(layout.runs("sales"))
    note_kept(layout, ["sales"], lambda _: code_of(PARAMETERS["cells"]))
    kept, store = set(json.loads(layout.kept.read_bytes())), Store(str(layout.store))
    for kind in ("training", "evaluation"):
        assert set(store.identities(kind)) <= kept
    empty = Store(str(tmp_path / "other"))
    taken = adopt(layout.runs("sales"), empty)
    assert sorted(taken) == sorted(store.identities("training"))

    def train(*_):
        pytest.fail("a training was done again")

    monkeypatch.setattr(work, "train_in", train)
    monkeypatch.setattr(work, "evaluate_in", train)
    shutil.rmtree(layout.runs("sales"))
    perform(layout, "sales", "train", "evaluate", "compare")
    assert digest_of(layout.runs("sales")) == before
    assert comparison_of(layout) == comparison_of(believed)


def test_refit_that_is_switched_off_leaves_nothing_behind(believed, perform, tmp_path):
    layout = Layout(shutil.copytree(believed.folder, tmp_path / "study"))
    sections = {"sales": PARAMETERS["datasets"]["sales"] | {"refit": False}}
    changed = PARAMETERS | {"champion": "ensemble", "datasets": sections}
    (layout.folder / "params.yaml").write_text(yaml.safe_dump(changed))
    perform(layout, "sales", "train", "evaluate", "compare")
    assert comparison_of(layout).refit is None
    assert not layout.refit("sales").exists()
    assert not layout.refit_evaluation("sales").exists()
    assert not folders_of(layout, "moved_back")


def test_refit_of_several_layers_is_found_where_it_was_laid(study, code_of, tmp_path, monkeypatch):
    """By all that looks for it: its scores, the registry, and what is kept."""
    monkeypatch.setattr(refits, "BELIEVED", 0.0)
    section = PARAMETERS["datasets"]["sales"]
    training = section["training"] | {"epochs": 2}
    section = section | {"cells": ["gru"], "training": training}
    changes = {"depths": [2], "champion": "ensemble", "datasets": {"sales": section}}
    layout = study(turns=False, **changes)
    found = comparison_of(layout)
    assert found.refit.registered
    assert found.refit.refit.name == found.refit.scores.name == "gru-2x6"
    folders = sorted((layout.runs("sales") / "refit" / "2x6").glob("seed-*"))
    assert [folder.name for folder in folders] == ["seed-0", "seed-1", "seed-2"]
    score = scores_on(layout, folders, "test").overall
    assert found.registered_test_score == pytest.approx(score, rel=1e-6)
    copy_model(layout, "sales", found, tmp_path / "model")
    copies = sorted(folder for folder in (tmp_path / "model").iterdir() if folder.is_dir())
    assert list(map(digest_of, copies)) == list(map(digest_of, folders))
    note_kept(layout, ["sales"], lambda _: code_of(PARAMETERS["cells"]))
    kept, store = set(json.loads(layout.kept.read_bytes())), Store(str(layout.store))
    for kind in ("training", "evaluation"):
        assert set(store.identities(kind)) <= kept


def test_refit_of_another_candidate_is_refused(believed, perform, tmp_path):
    layout = Layout(shutil.copytree(believed.folder, tmp_path / "study"))
    record = layout.refit_evaluation("sales") / "refit.json"
    content = read_json(record)
    other = {"gru": "rnn_tanh", "rnn_tanh": "gru"}[content["cell"]]
    record.write_text(json.dumps(content | {"cell": other}))
    with pytest.raises(StudyError, match=f"belongs to {other}-6, not {content['cell']}-6"):
        perform(layout, "sales", "compare")


def test_refit_of_another_random_seed_than_the_best_is_refused(study, perform, tmp_path):
    layout = Layout(shutil.copytree(study(turns=True, champion="seed").folder, tmp_path / "study"))
    record = layout.refit_evaluation("sales") / "alone" / "ensemble.json"
    content = read_json(record)
    (best,) = content["seeds"]
    record.write_text(json.dumps(content | {"seeds": [1 - best]}))
    with pytest.raises(
        StudyError, match=f"belongs to random seed {1 - best}, but the best.*is {best};"
    ):
        perform(layout, "sales", "compare")


@pytest.mark.parametrize("split", [[0.4, 0.4, 0.2], [0.42, 0.4, 0.18]])
def test_split_that_cannot_be_moved_back_is_refused_before_anything_is_trained(
    perform, tmp_path, monkeypatch, split
):
    layout = Layout(tmp_path)
    (tmp_path / "sales.csv").write_text(series(turns=False))
    section = PARAMETERS["datasets"]["sales"]
    section = section | {"data": section["data"] | {"split": split}}
    content = PARAMETERS | {"datasets": {"sales": section}}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content))
    perform(layout, "sales", "ingest", "prepare")
    monkeypatch.setattr(work, "train_in", lambda *_: pytest.fail("something was trained"))
    said = (
        "params.yaml: datasets.sales: refit needs the split moved back by one validation set, "
        "which is not possible here: "
    )
    with pytest.raises(ParameterError, match=f"^{re.escape(said)}.*; set refit: false for this"):
        perform(layout, "sales", "train")


def test_data_that_a_refit_is_checked_with_is_read_once(perform, tmp_path, monkeypatch):
    """The trainings that follow in the same worker use what was read."""
    (tmp_path / "sales.csv").write_text(series(turns=False))
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(PARAMETERS))
    layout = Layout(tmp_path)
    perform(layout, "sales", "ingest", "prepare")
    read, original = [], work.read_prepared
    monkeypatch.setattr(work, "read_prepared", lambda *what: read.append(what) or original(*what))
    opened = work.open_dataset(layout, read_study(layout.folder), "sales")
    work.prepared(layout.prepared("sales"), opened.data, opened.task)
    assert len(read) == 1
