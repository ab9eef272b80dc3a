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
import pandas as pd
import pytest
import torch
import yaml
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from safetensors.torch import load_file

from flows.tracking import promotion, registered, registry
from flows.tracking.projection import Projection, TrackingError
from flows.tracking.promotion import LEVEL, promote
from flows.tracking.registry import Examples
from rnn_core.comparison.ensembles import EnsembleScores
from rnn_core.comparison.outcome import Risk, read_comparison, write_comparison
from rnn_core.comparison.refits import Gain, Refit, RefitResult
from rnn_core.errors import StudyError
from rnn_core.files import write_bytes
from rnn_core.tasks import get_task
from rnn_core.training.models import restore, save_weights
from rnn_core.training.prepared import read_meta, read_prepared
from rnn_core.training.run_folder import MODEL, seed_folder

NAME = "tiny.sales"

pytestmark = pytest.mark.usefixtures("database")


def promote_sales(layout):
    runs = Projection(layout, "tiny", {}).project("sales")
    return promote(layout, "tiny", "sales", runs)


def registered_seed(layout):
    """The run folder of the seed that is to be registered."""
    champion = read_comparison(layout.comparison("sales")).champion
    cell, size, seed = champion.result.cell, champion.result.size, champion.seed.seed
    return seed_folder(layout.run("sales", cell), size, seed)


def spoil(layout, by=0.5):
    """Make the weights of the registered seed worse."""
    file = registered_seed(layout) / MODEL
    weights = {name: weight + by for name, weight in load_file(file).items()}
    write_bytes(file, save_weights(weights))


def restore_from(finished, layout):
    """Undo what was done to the outputs of a copied study."""
    shutil.copytree(finished / "runs", layout.folder / "runs", dirs_exist_ok=True)


def renew(layout, perform, change=None, **data):
    """Let a study's data and parameters change, and train on them again."""
    if change is not None:
        file = layout.raw("sales") / "sales.csv"
        change(pd.read_csv(file)).to_csv(file, index=False)
    parameters = yaml.safe_load((layout.folder / "params.yaml").read_text())
    parameters["datasets"]["sales"]["data"] |= data
    (layout.folder / "params.yaml").write_text(yaml.safe_dump(parameters))
    perform(layout, "sales", "prepare", "train", "evaluate", "compare")


def grown(table):
    """More rows of the same kind, in another unit."""
    dates = pd.date_range(table["date"][0], periods=400).astype(str)
    values = [(i * 37 % 11) + i / 9 for i in range(400)]
    return pd.DataFrame({"date": dates, "y": [10 * value - 500 for value in values]})


def score_of_registered(layout):
    """The score of the seed that is to be registered, computed again."""
    data, meta = read_prepared(layout.prepared("sales"), get_task("forecasting"))
    task, model = restore(registered_seed(layout), meta)
    with torch.inference_mode():
        return task.scores(model, data, "test").overall


def move_by_hand(version):
    MlflowClient().set_registered_model_alias(NAME, "champion", version)


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
    task, model = restore(
        registered_seed(layout), read_meta(layout.prepared("sales"), get_task("forecasting"))
    )
    example = task.example(layout.raw("sales"))
    return example, task.answer(model, example, task.AnswerParameters())


def answer_differently(monkeypatch):
    """Have the registry believe that the trained model answers otherwise."""
    original = registry.example_and_answer

    def changed(*arguments):
        found = original(*arguments)
        numbers = found.answer.select_dtypes("number")
        return Examples(found.given, found.answer.assign(**(numbers + 1)))

    monkeypatch.setattr(registry, "example_and_answer", changed)


def test_first_champion_becomes_version_one(layout):
    found = promote_sales(layout)
    assert (found.action, found.version, found.model) == ("promoted", "1", NAME)
    assert found.reason == "it is the first"
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


def judge_anew(layout, risk, status):
    """Let more seeds have said something else of the candidate that is registered."""
    comparison = read_comparison(layout.comparison("sales"))
    name, result, _ = vars(comparison.champion).values()
    splits = {split: replace(result.on(split), risk=risk) for split in ("validation", "test")}
    found = comparison.candidates | {name: replace(result, **splits)}
    why = "one_seed" if risk is None else "safe" if status == "decided" else "too_close"
    decision = replace(comparison.decision, status=status, why=why)
    write_comparison(
        layout.comparison("sales"), replace(comparison, candidates=found, decision=decision)
    )


def evidence():
    """Evidence of the decision in the tags of the first version."""
    tags = MlflowClient().get_model_version(NAME, "1").tags
    names = ["decision", *(f"{split}_{what}" for split in ("validation", "test") for what in RISKS)]
    return [tags.get(f"gatewise.{name}") for name in names]


RISKS = ("chance_within_margin", "expected_loss_in_margins")


@pytest.mark.parametrize("by_hand", [False, True])
def test_what_speaks_for_a_version_is_what_the_comparison_says_now(layout, monkeypatch, by_hand):
    """Though nothing is promoted; and nothing else of it is written."""
    judge_anew(layout, Risk(chance=0.75, expected_loss=0.5), "decided")
    promote_sales(layout)
    assert evidence() == ["decided", "0.75", "0.5", "0.75", "0.5"]
    why = MlflowClient().get_model_version(NAME, "1").tags["gatewise.promoted_because"]
    if by_hand:
        MlflowClient().delete_registered_model_alias(NAME, "champion")
    judge_anew(layout, Risk(chance=0.25, expected_loss=0.5), "open")
    written = []
    original = MlflowClient.set_model_version_tag

    def write(self, name, version, key, value):
        written.append(key)
        return original(self, name, version, key, value)

    monkeypatch.setattr(MlflowClient, "set_model_version_tag", write)
    assert promote_sales(layout).action == ("kept" if by_hand else "unchanged")
    assert evidence() == ["open", "0.25", "0.5", "0.25", "0.5"]
    assert sorted(written) == [
        "gatewise.decided_because",
        "gatewise.decision",
        "gatewise.test_chance_within_margin",
        "gatewise.validation_chance_within_margin",
    ]
    judge_anew(layout, None, "open")
    promote_sales(layout)
    assert evidence() == ["open", None, None, None, None]
    assert MlflowClient().get_model_version(NAME, "1").tags["gatewise.promoted_because"] == why


def test_version_of_a_refit_says_so_as_long_as_it_is_one(layout):
    """As refit it has the same weights here: the version is the same, and what it is called not."""
    path = layout.comparison("sales")
    comparison = read_comparison(path)
    result, seed = comparison.champion.result, comparison.champion.seed
    own = {"cell": result.cell, "hidden_size": result.hidden_size, "num_layers": result.num_layers}
    shutil.copytree(registered_seed(layout), layout.refitted("sales", result.size, seed.seed))
    gain = Gain(mean=0.25, error=0.1, at_least=0.1, at_most=0.4, chance=0.99)
    refit = Refit(
        **own,
        measured=(0, 1),
        moved_back_epochs=1,
        gain=gain,
        epochs=7,
        members=(),
        alone=seed.seed,
        trainings=5,
    )
    scores = EnsembleScores(**own, seeds=(seed.seed,), validation=None, test=0.125, others={})
    registered = RefitResult(refit=refit, scores=scores)

    def tags_of(refit):
        write_comparison(path, replace(comparison, refit=refit))
        assert promote_sales(layout).version == "1"
        tags = MlflowClient().get_model_version(NAME, "1").tags
        names = ("refit_epochs", "refit_gain", "test_mse", "num_layers", "seed")
        return [tags.get(f"gatewise.{name}") for name in names]

    assert tags_of(registered) == ["7", "0.25", "0.125", "1", str(seed.seed)]
    assert tags_of(None) == [None, None, str(seed.test), "1", str(seed.seed)]


def test_worse_challenger_is_kept_out(layout):
    first = promote_sales(layout)
    spoil(layout)
    found = promote_sales(layout)
    assert (found.action, found.version) == ("kept", "1")
    told = re.search(
        r"challenger is worse than .* \(paired test over (\d+) test items in (\d+) clusters, "
        r"p = (.+)\)",
        found.reason,
    )
    windows = 0.2 * 300 - 2
    assert int(told[1]) == windows
    assert int(told[2]) == -(-windows // 9)
    assert float(told[3]) < LEVEL
    assert (versions(), champion()) == (["1"], "1")
    assert found.test_score == pytest.approx(first.test_score)


def score_anew(layout, test):
    """Give the seed that is to be registered another test score, as other weights have."""
    path = layout.comparison("sales")
    comparison = read_comparison(path)
    name, result, own = vars(comparison.champion).values()
    seeds = tuple(replace(own, test=test) if seed is own else seed for seed in result.seeds)
    found = comparison.candidates | {name: replace(result, seeds=seeds)}
    write_comparison(path, replace(comparison, candidates=found))


def test_score_of_a_promotion_is_that_of_the_version_that_is_registered(layout):
    """Of a challenger that is kept out, it is that of the champion before it."""
    own = score_of_registered(layout)
    for _ in range(2):
        assert promote_sales(layout).test_score == pytest.approx(own)
    spoil(layout)
    score_anew(layout, 9999.5)
    kept = promote_sales(layout)
    assert (kept.action, kept.test_score) == ("kept", pytest.approx(own))
    tags = MlflowClient().get_model_version(NAME, "1").tags
    assert float(tags["gatewise.test_mse"]) == float(tags["gatewise.last_test_mse"])
    assert float(tags["gatewise.test_mse"]) == pytest.approx(own)


def test_version_that_was_scored_by_another_metric_has_no_score(layout):
    first = promote_sales(layout)
    version = MlflowClient().get_model_version(NAME, first.version)
    assert registered.registered_score(version, "mse") == first.test_score
    assert registered.registered_score(version, "accuracy") is None


def test_better_challenger_replaces_the_champion(finished, layout):
    spoil(layout)
    promote_sales(layout)
    restore_from(finished, layout)
    found = promote_sales(layout)
    assert (found.action, found.version) == ("promoted", "2")
    assert "not worse than the champion before it, version 1," in found.reason
    assert (versions(), champion()) == (["1", "2"], "2")
    evidence = MlflowClient().get_model_version(NAME, "2").tags
    assert evidence["gatewise.promoted_because"] == found.reason


# --- Other data ---


def test_worse_challenger_on_new_data_is_kept_out(layout, perform):
    """The champion is asked about the new table in its own scale, and scored in the new one."""
    promote_sales(layout)
    renew(layout, perform, grown)
    spoil(layout)
    found = promote_sales(layout)
    assert (found.action, champion()) == ("kept", "1")
    assert f"over {0.2 * 400 - 2:.0f} test items" in found.reason
    assert found.test_score < score_of_registered(layout)


def test_better_challenger_on_new_data_replaces_the_champion(layout, perform):
    spoil(layout, 3)
    promote_sales(layout)
    renew(layout, perform, grown)
    found = promote_sales(layout)
    assert (found.action, champion()) == ("promoted", "2")
    assert "not worse than" in found.reason
    assert "paired test over" in found.reason


def test_champion_that_answers_another_question_is_replaced_for_that_reason(layout, perform):
    promote_sales(layout)
    renew(layout, perform, horizon=4)
    found = promote_sales(layout)
    assert (found.action, champion()) == ("promoted", "2")
    assert found.reason == (
        "the champion before it, version 1, cannot be judged on this data: it predicts 3 rows of y"
    )


def test_items_that_the_champion_was_trained_on_are_left_out(layout, perform):
    """Rows from 80 on are tested; the champion has seen those before 240."""
    promote_sales(layout)
    renew(layout, perform, split=[60, 20, 220])
    found = promote_sales(layout)
    told = re.search(r"over (\d+) test items .*, (\d+) others left out", found.reason)
    assert int(told[1]) + int(told[2]) == 218
    assert 57 <= int(told[1]) <= 60


def test_champion_that_was_trained_on_all_of_the_test_set_is_not_judged(layout, perform):
    promote_sales(layout)
    renew(layout, perform, lambda table: table[:230])
    found = promote_sales(layout)
    assert (found.action, champion()) == ("promoted", "2")
    assert found.reason.endswith("trained or chosen on 44 of the 44 test items")


# --- Files ---


def test_champion_whose_files_are_gone_is_replaced_for_that_reason(layout, tmp_path):
    promote_sales(layout)
    shutil.rmtree(model_folder(tmp_path))
    spoil(layout)
    found = promote_sales(layout)
    assert (found.action, champion()) == ("promoted", "2")
    assert "its files are gone" in found.reason


def test_champion_whose_files_were_changed_is_replaced_for_that_reason(layout, tmp_path):
    promote_sales(layout)
    (weights,) = model_folder(tmp_path).rglob(MODEL)
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    spoil(layout)
    found = promote_sales(layout)
    assert (found.action, champion()) == ("promoted", "2")
    assert "have been changed since it was registered" in found.reason


def test_champion_of_another_gatewise_is_replaced_for_that_reason(finished, layout, monkeypatch):
    """As where a parameter of its model is not known any more."""
    promote_sales(layout)
    spoil(layout)

    def refuse(folder):
        if "artifacts" in folder.parts:
            raise TypeError("unexpected keyword argument 'peepholes'")
        return restored(folder)

    restored = promotion.judge.__globals__["restore_registered"]
    monkeypatch.setitem(promotion.judge.__globals__, "restore_registered", refuse)
    found = promote_sales(layout)
    assert (found.action, champion()) == ("promoted", "2")
    assert "this version of Gatewise cannot use it: TypeError: unexpected keyword" in found.reason


# --- A user's decision ---


@pytest.fixture
def rolled_back(finished, layout):
    """A study with two versions, where someone chose the worse one."""
    spoil(layout)
    promote_sales(layout)
    restore_from(finished, layout)
    promote_sales(layout)
    move_by_hand("1")
    return layout


def test_version_that_a_person_replaced_stays_replaced(rolled_back):
    for _ in range(2):
        found = promote_sales(rolled_back)
        assert (found.action, found.version, champion()) == ("kept", "1", "1")
        assert found.reason == (
            "the alias was moved by hand to version 1 from version 2, which the challenger is"
        )
    spoiled = float(MlflowClient().get_model_version(NAME, "1").tags["gatewise.test_mse"])
    assert found.test_score == spoiled


def test_choice_of_a_person_stays_until_something_better_comes(finished, rolled_back):
    spoil(rolled_back, 0.5)
    spoil(rolled_back, 1e-6)
    found = promote_sales(rolled_back)
    assert (found.action, champion()) == ("kept", "1")
    assert found.reason.startswith(
        "the challenger is not better beyond chance than version 1, to which the alias was moved "
        "by hand, (paired test over 58 test items"
    )
    restore_from(finished, rolled_back)
    spoil(rolled_back, 1e-6)
    found = promote_sales(rolled_back)
    assert (found.action, champion()) == ("promoted", "3")
    assert "it is better than version 1, to which the alias was moved by hand" in found.reason
    assert promote_sales(rolled_back).action == "unchanged"


def test_choice_of_a_person_stays_where_nothing_can_be_tested(rolled_back, perform):
    renew(rolled_back, perform, horizon=4)
    found = promote_sales(rolled_back)
    assert (found.action, champion()) == ("kept", "1")
    assert found.reason.endswith("moved by hand, since it predicts 3 rows of y")


def test_version_of_which_a_person_took_the_alias_does_not_get_it_back(finished, layout):
    promote_sales(layout)
    MlflowClient().delete_registered_model_alias(NAME, "champion")
    found = promote_sales(layout)
    assert (found.action, found.version, found.test_score) == ("kept", None, None)
    assert found.reason == ("the alias was taken by hand from version 1, which the challenger is")
    spoil(layout)
    assert promote_sales(layout).action == "kept"
    with pytest.raises(MlflowException):
        champion()


def test_better_challenger_gets_the_alias_that_a_person_took(finished, layout):
    spoil(layout)
    promote_sales(layout)
    MlflowClient().delete_registered_model_alias(NAME, "champion")
    restore_from(finished, layout)
    found = promote_sales(layout)
    assert (found.action, champion()) == ("promoted", "2")
    assert "better than version 1, from which the alias was taken by hand" in found.reason


def test_challenger_after_a_version_that_was_deleted_is_not_called_the_first(layout):
    promote_sales(layout)
    MlflowClient().delete_model_version(NAME, "1")
    found = promote_sales(layout)
    assert (found.action, found.reason) == (
        "promoted",
        "the champion before it, version 1, was deleted",
    )


def test_challenger_beside_versions_that_nobody_chose_is_not_called_the_first(layout):
    client = MlflowClient()
    client.create_registered_model(NAME)
    client.create_model_version(NAME, "file:///nothing")
    found = promote_sales(layout)
    assert (found.action, champion()) == ("promoted", "2")
    assert found.reason == "none of the versions before it was made the champion"


# --- Decisions ---


def call_decided(version):
    MlflowClient().set_model_version_tag(NAME, version, "gatewise.decision", "decided")


def undecided(layout):
    """Let the comparison be one on which the rule did not decide."""
    comparison = read_comparison(layout.comparison("sales"))
    decision = replace(comparison.decision, status="open")
    write_comparison(layout.comparison("sales"), replace(comparison, decision=decision))


def test_decided_champion_stays_until_something_better_comes(finished, layout):
    undecided(layout)
    spoil(layout)
    promote_sales(layout)
    call_decided("1")
    spoil(layout, 1e-6)
    found = promote_sales(layout)
    assert (found.action, champion()) == ("kept", "1")
    assert "than the champion before it, version 1, whose cell was decided" in found.reason
    restore_from(finished, layout)
    found = promote_sales(layout)
    assert (found.action, champion()) == ("promoted", "2")
    assert "it is better than the champion before it" in found.reason


@pytest.mark.parametrize("name", [MODEL, "meta.json"])
def test_changed_model_refuses_to_load(layout, tmp_path, name):
    promote_sales(layout)
    (file,) = model_folder(tmp_path).rglob(f"run/{name}")
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(content)
    with pytest.raises(StudyError, match="has been changed since it was registered"):
        mlflow.pyfunc.load_model(f"models:/{NAME}@champion")


def test_first_model_that_answers_differently_gets_no_alias(layout, monkeypatch):
    with monkeypatch.context() as patch:
        answer_differently(patch)
        with pytest.raises(StudyError, match="does not answer as the trained model"):
            promote_sales(layout)
    with pytest.raises(MlflowException):
        champion()
    assert promote_sales(layout).action == "promoted"
    assert (versions(), champion()) == (["1"], "1")


def test_alias_stays_if_a_model_answers_differently(finished, layout, monkeypatch):
    """And so do the notes on its last move; the version has no evidence for it."""
    spoil(layout)
    promote_sales(layout)
    move_by_hand("1")
    restore_from(finished, layout)
    before = MlflowClient().get_registered_model(NAME).tags
    answer_differently(monkeypatch)
    with pytest.raises(StudyError, match=r"version 2 does not answer .*alias was not moved"):
        promote_sales(layout)
    assert (versions(), champion()) == (["1", "2"], "1")
    assert MlflowClient().get_registered_model(NAME).tags == before
    assert "gatewise.promoted_because" not in MlflowClient().get_model_version(NAME, "2").tags


@pytest.mark.parametrize("write", [f"set_registered_model_{what}" for what in ("tag", "alias")])
@pytest.mark.parametrize("call", [0, 1, 2])
@pytest.mark.one_in(3)
def test_model_is_asked_before_the_alias_points_to_it_wherever_it_was_cut_off(
    finished, layout, monkeypatch, write, call
):
    """Killed at any of its writes, and run again: at no time had a version the alias unasked."""
    spoil(layout)
    promote_sales(layout)
    restore_from(finished, layout)
    asked, original = [], registry.check_answers

    def check(version, examples):
        original(version, examples)
        asked.append(str(version.version))

    monkeypatch.setattr(registry, "check_answers", check)
    with monkeypatch.context() as patch:
        if cut_off_at(patch, write, call):
            with pytest.raises(KeyboardInterrupt):
                promote_sales(layout)
        assert champion() in {"1", *asked}
    promote_sales(layout)
    assert champion() == "2"
    assert "2" in asked


def cut_off_at(patch, name, call):
    """End the process at the call of this number of a method of MLflow's client."""
    count, original = iter(range(100)), getattr(MlflowClient, name)
    number = {"set_registered_model_tag": 3, "set_registered_model_alias": 1}[name]

    def write(self, *arguments):
        if next(count) == call:
            raise KeyboardInterrupt
        return original(self, *arguments)

    patch.setattr(MlflowClient, name, write)
    return call < number


@pytest.mark.parametrize(
    ("module", "step"),
    [(registry, "check_answers"), (registry, "write_evidence"), (promotion, "move_alias")],
)
def test_promotion_that_was_cut_off_is_completed(layout, monkeypatch, module, step):
    def cut_off(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, step, cut_off)
        with pytest.raises(KeyboardInterrupt):
            promote_sales(layout)
    assert versions() == ["1"]
    with pytest.raises(MlflowException):
        champion()
    found = promote_sales(layout)
    assert (found.action, found.version, found.reason) == ("promoted", "1", "it is the first")
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
