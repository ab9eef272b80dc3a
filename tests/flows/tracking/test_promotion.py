"""Promotion to the registry, on copies of the finished tiny study."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import version as installed
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
import scipy.stats
import torch
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from safetensors.torch import load_file

from flows.tracking import promotion as registry
from flows.tracking.projection import Projection, TrackingError
from flows.tracking.promotion import p_worse, promote
from rnn_core.comparison.outcome import read_comparison, write_comparison
from rnn_core.errors import StudyError
from rnn_core.files import read_json, write_bytes, write_json
from rnn_core.tasks import get_task
from rnn_core.tasks.forecasting import Forecasting
from rnn_core.training.evaluation import evaluate
from rnn_core.training.item_scores import ItemScores, write_items
from rnn_core.training.models import restore, save_weights
from rnn_core.training.prepared import read_meta, read_prepared
from rnn_core.training.run_folder import CONFIG, MODEL, seed_folder

NAME = "tiny.sales"

pytestmark = pytest.mark.usefixtures("database")


def promote_sales(layout):
    runs = Projection(layout, "tiny", {}).project("sales")
    return promote(layout, "tiny", "sales", runs)


def registered_seed(layout):
    """The run folder of the seed that is registered, and the file of its items."""
    champion = read_comparison(layout.comparison("sales")).champion
    cell, size, seed = champion.result.cell, champion.result.hidden_size, champion.seed.seed
    items = layout.evaluation("sales", cell) / str(size) / f"seed-{seed}.safetensors"
    return seed_folder(layout.run("sales", cell), size, seed), items


def spoil(layout):
    """Make the weights of the registered seed worse, and score them as `evaluate` does."""
    folder, items = registered_seed(layout)
    weights = {name: weight + 0.5 for name, weight in load_file(folder / MODEL).items()}
    write_bytes(folder / MODEL, save_weights(weights))
    data, meta = read_prepared(layout.prepared("sales"), Forecasting)
    write_items(items, evaluate(folder, data, meta, torch.device("cpu")).items())


def restore_from(chain, layout):
    """Undo what was done to the outputs of a copied study."""
    for part in ("runs", "evaluations"):
        shutil.copytree(chain.study.folder / part, layout.folder / part, dirs_exist_ok=True)


def versions():
    found = MlflowClient().search_model_versions(f"name = '{NAME}'")
    return sorted(str(version.version) for version in found)


def champion():
    return str(MlflowClient().get_model_version_by_alias(NAME, "champion").version)


def model_folder(tmp_path):
    """The folder of the only model that MLflow keeps."""
    (description,) = (tmp_path / "mlartifacts").rglob("MLmodel")
    return description.parent


def trained_answer(layout):
    folder, _ = registered_seed(layout)
    task, model = restore(folder, read_meta(layout.prepared("sales"), get_task("forecasting")))
    example = task.example(layout.raw("sales"))
    return example, task.answer(model, example, task.AnswerParameters())


def answer_differently(monkeypatch):
    """Have the registry believe that the trained model answers otherwise."""
    original = registry.example_and_answer

    def changed(*arguments):
        example, answer = original(*arguments)
        numbers = answer.select_dtypes("number")
        return example, answer.assign(**(numbers + 1))

    monkeypatch.setattr(registry, "example_and_answer", changed)


def test_first_champion_becomes_version_one(layout):
    promotion = promote_sales(layout)
    assert (promotion.action, promotion.version, promotion.model) == ("promoted", "1", NAME)
    assert promotion.reason == "it is the first"
    assert (versions(), champion()) == (["1"], "1")
    served = mlflow.pyfunc.load_model(f"models:/{NAME}@champion")
    example, answer = trained_answer(layout)
    pd.testing.assert_frame_equal(served.predict(example), answer)


def test_promoting_again_registers_nothing(layout):
    first = promote_sales(layout)
    before = MlflowClient().get_model_version_by_alias(NAME, "champion")
    again = promote_sales(layout)
    assert (again.action, again.version) == ("unchanged", first.version)
    assert versions() == ["1"]
    after = MlflowClient().get_model_version_by_alias(NAME, "champion")
    assert (after.tags, after.last_updated_timestamp) == (
        before.tags,
        before.last_updated_timestamp,
    )


def test_worse_challenger_is_kept_out(layout):
    promote_sales(layout)
    spoil(layout)
    promotion = promote_sales(layout)
    assert (promotion.action, promotion.version) == ("kept", "1")
    found = re.search(r"challenger is worse .*over (\d+) test items, p = (.+)\)", promotion.reason)
    _, items = registered_seed(layout)
    assert int(found[1]) == len(load_file(items)["test/values"])
    assert float(found[2]) < registry.WORSE
    assert (versions(), champion()) == (["1"], "1")


def score_anew(layout, test):
    """Give the registered seed another test score, as a challenger with other weights has."""
    path = layout.comparison("sales")
    comparison = read_comparison(path)
    name, result, own = vars(comparison.champion).values()
    seeds = tuple(replace(own, test=test) if seed is own else seed for seed in result.seeds)
    found = comparison.candidates | {name: replace(result, seeds=seeds)}
    write_comparison(path, replace(comparison, candidates=found))
    return own.test


def test_score_of_a_promotion_is_that_of_the_version_that_is_registered(chain, layout):
    """Of a challenger that is kept out, it is that of the champion before it."""
    own = score_anew(layout, 1234.5)
    assert promote_sales(layout).test_score == 1234.5
    assert promote_sales(layout).test_score == 1234.5
    spoil(layout)
    score_anew(layout, 9999.5)
    kept = promote_sales(layout)
    assert (kept.action, kept.test_score) == ("kept", 1234.5)
    assert own not in {1234.5, 9999.5}


def test_version_that_was_scored_by_another_metric_has_no_score(layout):
    first = promote_sales(layout)
    version = MlflowClient().get_model_version(NAME, first.version)
    assert registry.registered_score(version, "mse") == first.test_score
    assert registry.registered_score(version, "accuracy") is None


def test_better_challenger_replaces_the_champion(chain, layout):
    spoil(layout)
    promote_sales(layout)
    restore_from(chain, layout)
    promotion = promote_sales(layout)
    assert (promotion.action, promotion.version) == ("promoted", "2")
    assert "not worse than the champion before it" in promotion.reason
    assert (versions(), champion()) == (["1", "2"], "2")
    evidence = MlflowClient().get_model_version(NAME, "2").tags
    assert evidence["gatewise.promoted_because"] == promotion.reason


def test_champion_of_other_data_is_replaced(chain, layout):
    folder, _ = registered_seed(layout)
    write_json(folder / CONFIG, read_json(folder / CONFIG) | {"data": "0" * 64})
    promote_sales(layout)
    restore_from(chain, layout)
    spoil(layout)
    promotion = promote_sales(layout)
    assert (promotion.action, champion()) == ("promoted", "2")
    assert promotion.reason == "the champion before it was made from other data"


@pytest.mark.parametrize("name", [MODEL, "meta.json"])
def test_changed_model_refuses_to_load(layout, tmp_path, name):
    promote_sales(layout)
    (file,) = model_folder(tmp_path).rglob(f"run/{name}")
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(content)
    with pytest.raises(StudyError, match="has been changed since it was registered"):
        mlflow.pyfunc.load_model(f"models:/{NAME}@champion")


def test_alias_is_removed_if_the_first_model_answers_differently(layout, monkeypatch):
    with monkeypatch.context() as patch:
        answer_differently(patch)
        with pytest.raises(StudyError, match="does not answer as the trained model"):
            promote_sales(layout)
    with pytest.raises(MlflowException):
        champion()
    assert promote_sales(layout).action == "promoted"
    assert (versions(), champion()) == (["1"], "1")


def test_alias_goes_back_if_a_model_answers_differently(chain, layout, monkeypatch):
    spoil(layout)
    promote_sales(layout)
    restore_from(chain, layout)
    answer_differently(monkeypatch)
    with pytest.raises(StudyError, match=r"version 2 does not answer .*alias is back"):
        promote_sales(layout)
    assert (versions(), champion()) == (["1", "2"], "1")


@pytest.mark.parametrize("step", ["write_evidence", "point_alias"])
def test_promotion_that_was_cut_off_is_completed(layout, monkeypatch, step):
    def cut_off(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(registry, step, cut_off)
        with pytest.raises(KeyboardInterrupt):
            promote_sales(layout)
    assert versions() == ["1"]
    with pytest.raises(MlflowException):
        champion()
    promotion = promote_sales(layout)
    assert (promotion.action, promotion.version) == ("promoted", "1")
    assert (versions(), champion()) == (["1"], "1")
    assert MlflowClient().get_model_version(NAME, "1").tags["gatewise.digest"]


def test_champion_is_not_overlooked_while_mlflow_has_trouble(layout, monkeypatch):
    promote_sales(layout)
    spoil(layout)
    runs = Projection(layout, "tiny", {}).project("sales")

    def fail(*_):
        raise MlflowException("the database is locked")

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "get_model_version_by_alias", fail)
        with pytest.raises(TrackingError, match="the database is locked"):
            promote(layout, "tiny", "sales", runs)
    assert (versions(), champion()) == (["1"], "1")


def test_two_promotions_at_once_make_one_version(layout, database):
    runs = Projection(layout, "tiny", {}).project("sales")
    code = f"""
import sys
from pathlib import Path
from flows.layout import Layout
from flows.tracking.promotion import promote
print("ready", flush=True)
sys.stdin.readline()
print(promote(Layout(Path({str(layout.folder)!r})), "tiny", "sales", {runs!r}).action)
"""
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"MLFLOW_TRACKING_URI": database},
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    outputs = [process.communicate(timeout=60) for process in processes]
    assert sorted(printed for printed, _ in outputs) == ["promoted\n", "unchanged\n"], outputs
    assert (versions(), champion()) == (["1"], "1")


@pytest.mark.parametrize(("direction", "worse"), [("lower", "greater"), ("higher", "less")])
def test_paired_test_agrees_with_scipy(direction, worse):
    generator = np.random.default_rng(0)
    incumbent = generator.normal(size=40)
    for shift in (-0.3, 0.0, 0.3):
        challenger = incumbent + generator.normal(shift, 1.0, size=40)
        expected = scipy.stats.ttest_rel(challenger, incumbent, alternative=worse).pvalue
        assert p_worse(scores(challenger), scores(incumbent), direction) == pytest.approx(expected)


def test_equal_items_are_no_evidence():
    equal = scores(np.linspace(0, 1, 7))
    assert p_worse(equal, equal, "lower") == p_worse(equal, equal, "higher") == 1.0


@pytest.mark.parametrize("num_items", [1, 7])
def test_constant_difference_is_judged_by_its_sign(num_items):
    """The t-test has no p value where nothing varies; a single item proves nothing."""
    low, high = scores(np.zeros(num_items)), scores(np.ones(num_items))
    assert p_worse(low, high, "lower") > registry.WORSE
    assert p_worse(high, low, "higher") > registry.WORSE
    assert (p_worse(high, low, "lower") < registry.WORSE) == (num_items > 1)
    assert (p_worse(low, high, "higher") < registry.WORSE) == (num_items > 1)


def scores(values):
    return ItemScores(values=np.asarray(values), weights=np.ones(len(values)))


def test_registered_files_hold_no_pickle(layout, tmp_path):
    promote_sales(layout)
    names = [path.name for path in (tmp_path / "mlartifacts").rglob("*") if path.is_file()]
    assert "MLmodel" in names
    assert MODEL in names
    pickled = (".pkl", ".pickle", ".pt", ".pth", ".bin", ".joblib")
    assert [name for name in names if name.endswith(pickled)] == []


def test_model_names_exact_versions_of_what_it_needs(layout, tmp_path):
    promote_sales(layout)
    lines = (model_folder(tmp_path) / "requirements.txt").read_text().splitlines()
    required = dict(line.split("==") for line in lines)
    assert required == {package: installed(package) for package in required}
    own = {*registry.REQUIREMENTS, *get_task("forecasting").requirements}
    assert required.keys() == own | {"mlflow"}


def test_model_answers_where_there_is_no_clone(layout, database, tmp_path):
    """Only the code that travels with it can be imported there."""
    promote_sales(layout)
    example, answer = trained_answer(layout)
    example.to_csv(tmp_path / "example.csv", index=False)
    code = f"""
import importlib.util, json, sys
sys.meta_path = [finder for finder in sys.meta_path if "editable" not in repr(finder).lower()]
assert importlib.util.find_spec("rnn_core") is importlib.util.find_spec("flows") is None
import mlflow, pandas
model = mlflow.pyfunc.load_model("models:/{NAME}@champion")
answer = model.predict(pandas.read_csv({str(tmp_path / "example.csv")!r}))
import rnn_core
answer.to_csv({str(tmp_path / "answer.csv")!r})
print(json.dumps([rnn_core.__file__, "flows" in sys.modules]))
"""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=elsewhere,
        env=kept | {"MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    place, knows_flows = json.loads(done.stdout.splitlines()[-1])
    assert Path(place).is_relative_to(model_folder(tmp_path))
    assert not knows_flows
    assert (tmp_path / "answer.csv").read_text() == answer.to_csv()
