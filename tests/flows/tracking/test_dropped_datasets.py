"""Runs of a dataset that a study has no longer are not current."""

import pytest
from mlflow import MlflowClient
from projecting import METRIC_NAMES, begin_training, project, runs_of

from flows.layout import Layout
from flows.tracking import projection as tracking
from flows.tracking.projection import Projection
from flows.tracking.retired import retire
from flows.tracking.shown import note_shown, up_to_date


def currents(dataset):
    return {run.data.tags["gatewise.current"] for run in runs_of(dataset)}


def test_runs_of_a_dataset_that_is_dropped_are_not_current(layout, database):
    """Nor is it noted that it is shown: it is again when it comes back."""
    for dataset in METRIC_NAMES:
        project(layout, dataset)
    client = MlflowClient()
    for name in ("tiny2/sales", "tinyy/sales"):
        other = client.create_run(client.create_experiment(name)).info.run_id
        client.set_tag(other, "gatewise.current", "true")
    note_shown(layout, dict.fromkeys(METRIC_NAMES))
    before = {one.name for one in client.search_experiments()}
    retire(Projection(layout, "tiny", {}), ["sales", "digits"])
    assert {one.name for one in client.search_experiments()} == before
    assert {name: currents(name) for name in METRIC_NAMES} == {
        "text": {"false"},
        "sales": {"true"},
        "digits": {"true"},
    }
    for study in ("tiny2", "tinyy"):
        (run,) = runs_of("sales", study)
        assert run.data.tags["gatewise.current"] == "true"
    assert up_to_date(layout, promoted=False) == {"sales", "digits"}
    project(layout, "text")
    assert currents("text") == {"true"}


@pytest.fixture
def dropped(tmp_path, database):
    """A projection of a study that has no dataset left, and what is current of each it had."""
    client, names = MlflowClient(), [f"many_/{letter}" for letter in "abc"]
    runs = {}
    for name in (*names, "manyx/a", "many_"):
        run = client.create_run(client.create_experiment(name))
        for tag, value in (("kind", "cell"), ("current", "true")):
            client.set_tag(run.info.run_id, f"gatewise.{tag}", value)
        client.set_terminated(run.info.run_id)
        runs[name] = run.info.run_id

    def current():
        return {n for n, i in runs.items() if client.get_run(i).data.tags[CURRENT] == "true"}

    return Projection(Layout(tmp_path), "many_", {}), current


CURRENT = "gatewise.current"


def test_every_dropped_dataset_is_found_among_many_experiments(dropped, monkeypatch):
    """MLflow gives some at a time; here one."""
    search = MlflowClient.search_experiments

    def one(self, **more):
        return search(self, **more | {"max_results": 1})

    monkeypatch.setattr(MlflowClient, "search_experiments", one)
    projection, current = dropped
    retire(projection, [])
    assert current() == {"manyx/a", "many_"}


def test_runs_of_what_was_dropped_before_are_not_read_again(dropped):
    projection, current = dropped
    retire(projection, ["a"])
    assert set(projection.runs) == {"b", "c"}
    again = Projection(projection.layout, projection.study, {})
    retire(again, [])
    assert set(again.runs) == {"a"}
    assert current() == {"manyx/a", "many_"}


def test_training_of_a_dataset_that_is_dropped_is_given_up(layout, database):
    begin_training(layout, "a")
    (growing,) = tracking.growing_seeds(layout)
    Projection(layout, "tiny", {}).log_growing(growing)
    assert {run.info.status for run in runs_of("sales")} == {"RUNNING"}
    retire(Projection(layout, "tiny", {}), ["text"])
    assert {run.info.status for run in runs_of("sales")} == {"KILLED"}
