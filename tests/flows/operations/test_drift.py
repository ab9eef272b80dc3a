"""Inputs of a registered model are compared, and what is found is noted, told and drawn."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from registered import register
from typer.testing import CliRunner

from flows.commands.main import app
from flows.commands.services import drift as command
from flows.operations import drift as module
from flows.operations import drift_watch
from flows.operations.drift import Checked, check
from flows.running import notices
from flows.tracking.drift.scores import LaterScore, half_width
from rnn_core.drift.comparison import LEVEL, Change, Drift
from rnn_core.errors import DataError, GatewiseError, ParameterError, StudyError
from rnn_core.metric import Metric
from rnn_core.training.item_scores import ItemScores

NAME = "tiny.sentiment"

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(scope="module")
def registry(database_in, tmp_path_factory):
    """A folder with a database of a registered model, and its files."""
    import mlflow

    folder = tmp_path_factory.mktemp("registry")
    with pytest.MonkeyPatch.context() as patch:
        uri = database_in(folder)
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        patch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        mlflow.set_tracking_uri(uri)
        register("sentiment", name=NAME)
        mlflow.set_tracking_uri(None)
    return folder


@pytest.fixture(autouse=True)
def model(registry, database, monkeypatch):
    shutil.copy(registry / "mlflow.db", database.removeprefix("sqlite:///"))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setattr(command, "known_prefect", lambda: None)


@pytest.fixture
def inputs(tmp_path):
    """Texts like those of the training set, and others."""
    from good_files import read_table

    texts = [text for text, _ in read_table("sentiment").ROWS]
    alike, others = tmp_path / "alike.csv", tmp_path / "others.csv"
    pd.DataFrame({"text": texts * 3}).to_csv(alike, index=False)
    pd.DataFrame({"text": ["слово за слово, и снова слово"] * 30}).to_csv(others, index=False)
    return alike, others


@pytest.fixture
def events(monkeypatch):
    emitted = []
    monkeypatch.setattr(notices, "emit_event", lambda event, **more: emitted.append((event, more)))
    return emitted


def gatewise(*arguments):
    return CliRunner().invoke(app, ["drift", *map(str, arguments)])


def test_exit_code_says_whether_inputs_changed(inputs):
    alike, others = inputs
    same, changed = gatewise(NAME, alike), gatewise(NAME, others)
    assert (same.exit_code, changed.exit_code) == (0, 3), same.output
    assert same.output.splitlines()[1:] == ["No trait has changed: 4 were compared."]
    assert "script has changed: " in changed.output
    assert "Cyrillic 0 %, Latin 100 % in training, Cyrillic 100 %, Latin 0 % now" in changed.output
    assert "30 texts compared with 6 of the training set" in changed.output


def test_json_says_all_that_was_found(inputs):
    found = json.loads(gatewise(NAME, inputs[1], "--json").stdout)
    by_trait = {one["trait"]: one for one in found["drift"]["changes"]}
    assert by_trait.keys() == {"characters", "words", "unknown words", "script"}
    assert by_trait["script"]["changed"]
    assert by_trait["script"]["size"] == 1
    assert by_trait["script"]["p"] < 0.01
    assert found["later"] is None
    assert len(found["alarms"]) == sum(one["changed"] for one in by_trait.values())


@pytest.mark.parametrize("p", [0.00997, 0.009999, 3e-9])
def test_p_value_of_an_alarm_is_below_the_level(p):
    told = {"trait": "words", "kind": "number", "before": "3", "now": "9"}
    change = Change(**told, size=0.9, large=0.5, p=p, changed=True)
    drift = Drift(num_items=30, trained=60, changes=(change,))
    found = Checked(model="shop.tea", version="1", number=1, items="texts", drift=drift, later=None)
    shown = float(found.alarms[0].partition("p = ")[2].removesuffix(")"))
    assert shown == pytest.approx(p, rel=0.01)
    assert shown < LEVEL


def test_history_is_a_metric_by_check_which_mlflow_draws(inputs):
    for given in (*inputs, inputs[0]):
        gatewise(NAME, given)
    (run,) = MlflowClient().search_runs(["1"], "tags.`gatewise.drift` != ''")
    assert run.info.status == "FINISHED"
    drawn = MlflowClient().get_metric_history(run.info.run_id, "change of script")
    assert [(metric.step, metric.value > 1) for metric in drawn] == [
        (1, False),
        (2, True),
        (3, False),
    ]
    lines = gatewise(NAME, "--history").output.splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["3.", "2.", "1."]
    assert "no changed traits, 30 items compared" in lines[0]
    listed = json.loads(gatewise(NAME, "--history", "--json").stdout)
    assert [one["number"] for one in listed] == [1, 2, 3]
    assert listed[1]["changed"] > 0 == listed[0]["changed"]


def test_history_of_a_model_without_checks_is_none():
    assert "have been checked yet" in gatewise(NAME, "--history").output


def test_alarm_is_an_event(inputs, events, monkeypatch):
    monkeypatch.setattr(command, "known_prefect", lambda: "http://127.0.0.1:9/api")
    monkeypatch.setenv("PREFECT_API_URL", "")
    for given in inputs:
        gatewise(NAME, given)
    ((event, more),) = events
    assert event == "gatewise.drift.found"
    assert more["resource"]["prefect.resource.id"] == f"gatewise.model.{NAME}"
    assert more["payload"]["version"] == "1"
    assert any("script has changed" in line for line in more["payload"]["changes"])


def test_flow_checks_each_model_and_fails_at_the_end_for_those_that_it_cannot(
    inputs, events, monkeypatch
):
    monkeypatch.setattr(drift_watch, "get_run_logger", lambda: notices.get_logger("test"))
    found = drift_watch.drift.fn({NAME: str(inputs[0])})
    assert (found, events) == ({NAME: []}, [])
    with pytest.raises(GatewiseError, match=r"there is no model 'tiny.none'; registered: "):
        drift_watch.drift.fn({"tiny.none": "x", NAME: str(inputs[1])})
    assert [event for event, _ in events] == ["gatewise.drift.found"]


def test_what_cannot_be_compared_is_refused(inputs, tmp_path):
    few = tmp_path / "few.csv"
    few.write_text("text\na\nb\n")
    with pytest.raises(DataError, match="has 2 items; 20 are needed"):
        check(NAME, few)
    with pytest.raises(ParameterError, match="has no version 7"):
        check(f"{NAME}@7", inputs[0])
    with pytest.raises(ParameterError, match="--data: there is no"):
        check(NAME, inputs[0], tmp_path / "none")
    assert module.history(NAME) == []


def test_version_that_was_registered_without_traits_says_so(inputs, monkeypatch):
    fetch = module.fetch

    def without(version, folder):
        files = fetch(version, folder)
        (files / "traits.json").unlink()
        return files

    monkeypatch.setattr(module, "fetch", without)
    with pytest.raises(StudyError, match="did not store the data that drift is measured"):
        check(NAME, inputs[0])


@pytest.fixture
def truth(tmp_path):
    """Later texts with their labels."""
    rows = [
        f"later film {i} was {('good', 'bad')[i % 2]},{('praise', 'blame')[i % 2]}"
        for i in range(200)
    ]
    (tmp_path / "truth").mkdir()
    (tmp_path / "truth/reviews.csv").write_text("\n".join(["text,label", *rows, ""]))
    return tmp_path / "truth"


@pytest.mark.parametrize(
    ("worse_by", "told"),
    [(0.0, "as good as"), (0.02, "0.02 worse than"), (-0.5, "0.5 better than")],
)
def test_score_on_later_data_is_compared_in_words(worse_by, told):
    later = LaterScore(
        metric="mse",
        score=0.5 + worse_by,
        test_score=0.5,
        worse_by=worse_by,
        at_least=-1.0,
        at_most=1.0,
        num_items=8,
        left_out=0,
    )
    assert f"later items, {told} the test score 0.5 (95 %" in module.in_words(later)


@pytest.mark.parametrize(("registered", "worse"), [(0.5, False), (2.0, True)])
def test_later_answers_are_scored_against_the_test_score(inputs, truth, registered, worse):
    client = MlflowClient()
    client.set_model_version_tag(NAME, "1", "gatewise.test_accuracy", str(registered))
    found = gatewise(NAME, inputs[0], "--data", truth)
    assert found.exit_code == (3 if worse else 0), found.output
    assert f" the test score {registered:g} (" in found.output
    assert ("more than chance explains" in found.output) == worse
    (one,) = module.history(NAME)
    assert one.score == pytest.approx(0.5, abs=0.2)


def test_interval_is_that_of_two_samples_of_one_variance():
    rng = np.random.default_rng(0)
    values = rng.normal(size=40)
    items = ItemScores(values=values, weights=np.ones(40))
    width = half_width(items, Metric("mse", "", "lower"), 160)
    from scipy.stats import t

    expected = t.ppf(0.975, 39) * values.std(ddof=1) * (1 / 40 + 1 / 160) ** 0.5
    assert width == pytest.approx(expected)


def test_interval_covers_the_difference_of_scores_as_often_as_it_says():
    rng = np.random.default_rng(0)
    missed = 0
    for _ in range(400):
        tested, later = rng.normal(size=100), rng.normal(size=50)
        items = ItemScores(values=later, weights=np.ones(50))
        reach = half_width(items, Metric("mse", "", "lower"), 100)
        missed += abs(later.mean() - tested.mean()) > reach
    assert 0.02 < missed / 400 < 0.08
