"""A run that is not to promote leaves the registry alone, and the next one catches up.

The next one also has a dataset less.
"""

import pytest
import yaml
from mlflow import MlflowClient

from flows.layout import Layout
from flows.trainings.records import read_records
from rnn_core.comparison.outcome import read_comparison


def models_of(study):
    return {model.name for model in MlflowClient(study.mlflow_uri).search_registered_models()}


def current(study, dataset):
    """Return whether the runs of a dataset match the study, according to MLflow."""
    client = MlflowClient(study.mlflow_uri)
    experiment = client.get_experiment_by_name(f"quiet/{dataset}")
    runs = client.search_runs([experiment.experiment_id])
    return {run.data.tags["gatewise.current"] for run in runs}


@pytest.mark.thorough
def test_run_promotes_nothing_unless_it_may(new_study, served, tiny, said_of):
    sales = {"sales": tiny["datasets"]["sales"]}
    quiet = tiny | {"study": "quiet", "cells": ["gru"], "seeds": {"first": 1, "most": 1}}
    study = new_study(quiet | {"datasets": sales | {"again": sales["sales"]}})
    study.environment.update(served)
    output = study.run("gatewise", "run", "--no-promote")
    later = "not registered yet; to register it: gatewise run"
    assert later in said_of(output, "sales")
    assert "quiet.sales" not in models_of(study)
    experiments = MlflowClient(study.mlflow_uri).search_experiments()
    assert "quiet/sales" in {one.name for one in experiments}
    assert later in said_of(study.run("gatewise", "status"), "sales")

    alone = {key: study.environment.pop(key) for key in served}
    assert "Nothing to do" in study.run("gatewise", "run", "--no-promote")
    study.environment.update(alone)
    trained = len(read_records(Layout(study.folder)))

    assert (current(study, "sales"), current(study, "again")) == ({"true"}, {"true"})
    there = yaml.safe_load((study.folder / "params.yaml").read_text())
    study.write_parameters(there | {"datasets": sales})
    output = study.run("gatewise", "run")
    assert (current(study, "sales"), current(study, "again")) == ({"true"}, {"false"})
    assert len(read_records(Layout(study.folder))) == trained
    champion = read_comparison(Layout(study.folder).comparison("sales")).recommended
    line = "try it: gatewise predict quiet.sales FILE"
    assert said_of(output, "sales").endswith(line)
    assert "quiet.sales" in models_of(study)
    told = said_of(study.run("gatewise", "status", "--verbose"), "sales")
    own = f"quiet.sales version 1, whose own test score is {champion.seed.test:.4g}"
    assert own in told
    assert told.endswith(line)
