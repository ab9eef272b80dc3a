"""A registered model answers as the trained one, wherever it was cut off, with files of its own."""

import json
import os
import subprocess
import sys
from contextlib import nullcontext
from importlib.metadata import version as installed
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import (
    PERMISSION_DENIED,
    REQUEST_LIMIT_EXCEEDED,
    RESOURCE_ALREADY_EXISTS,
)
from promoting import (
    NAME,
    answer_differently,
    champion,
    model_folder,
    move_by_hand,
    promote_sales,
    restore_from,
    spoil,
    trained_answer,
    versions,
)

from flows.tracking import promotion, registry
from flows.tracking.projection import Projection, TrackingError
from flows.tracking.promotion import promote
from rnn_core.errors import StudyError
from rnn_core.tasks import get_task
from rnn_core.training.run_folder import MODEL

pytestmark = pytest.mark.usefixtures("database")


@pytest.mark.parametrize("name", [MODEL, "meta.json"])
def test_changed_model_refuses_to_load(layout, tmp_path, name):
    promote_sales(layout)
    (file,) = model_folder(tmp_path).rglob(f"run/{name}")
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(content)
    with pytest.raises(StudyError, match="has been changed since it was registered"):
        mlflow.pyfunc.load_model(f"models:/{NAME}@champion")


@pytest.mark.parametrize(
    ("code", "is_told"),
    [(RESOURCE_ALREADY_EXISTS, False), (PERMISSION_DENIED, True), (REQUEST_LIMIT_EXCEEDED, True)],
)
def test_only_a_name_that_is_taken_is_no_refusal(monkeypatch, code, is_told):
    """Otherwise a later message says that there is no such model."""

    def refuse(self, name):
        raise MlflowException("not here", code)

    monkeypatch.setattr(MlflowClient, "create_registered_model", refuse)
    with pytest.raises(MlflowException) if is_told else nullcontext():
        registry.make_model(MlflowClient(), "shop.tea")


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


@pytest.mark.thorough
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
