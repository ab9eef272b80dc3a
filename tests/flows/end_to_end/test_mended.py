"""A run on a spoilt table, and runs and statuses after the table is mended."""

import os
import re

import pytest

from flows.layout import REPOSITORY, Layout
from rnn_core.files import read_json_lines

PARAMETERS = {
    "study": "small",
    "device": "cpu",
    "seeds": [0],
    "cells": ["gru"],
    "sizes": ["equal"],
    "tuning": None,
    "datasets": {
        "sales": {
            "source": "sales.csv",
            "task": "forecasting",
            "data": {"targets": ["y"], "lookback": 12, "horizon": 3},
            "model": {"hidden_size": 4},
            "training": {"epochs": 1, "batch_size": 8},
        },
        "text": {
            "source": "text",
            "task": "text_generation",
            "data": {},
            "model": {"hidden_size": 8, "embedding_size": 4, "sequence_length": 16},
            "training": {"epochs": 1, "batch_size": 8},
        },
    },
}


@pytest.fixture(scope="module")
def mended(study_at, served, tmp_path_factory):
    """A run on a spoilt table, the status after it, and both again with the table mended."""
    study = study_at(tmp_path_factory.mktemp("mended") / "studies/study", PARAMETERS)
    study.environment.update(served)
    table = study.folder / "sales.csv"
    good = table.read_text()
    table.write_text(good.replace("-03,8.222\n", "-03,\n"))
    outputs = {"failed": study.run("gatewise", "run", code=1)}
    outputs["log"] = (Layout(study.folder).logs / "prepare@sales.log").read_text()
    outputs["results of the other"] = Layout(study.folder).comparison("text").exists()
    outputs["stale"] = study.run("gatewise", "status")
    table.write_text(good)
    outputs["mended"] = study.run("gatewise", "run")
    outputs["fresh"] = study.run("gatewise", "status")
    return study, outputs


def test_run_ends_with_the_words_of_the_stage_that_failed(mended):
    study, outputs = mended
    last = outputs["failed"].splitlines()[-1]
    assert last.startswith("error: prepare@sales: sales.csv, row 4, ")
    assert "column 'y' has no value (1 gaps in all); fill them, or set data.missing" in last
    assert f"(log: {os.path.relpath(study.folder, REPOSITORY)}/.gatewise/logs/prepare@sales" in last
    assert "error: sales.csv, row 4" in outputs["log"]
    assert outputs["failed"].count("error: ") == 1
    assert "Traceback" not in outputs["failed"]


def test_failure_leaves_the_other_datasets_to_go_on(mended):
    _, outputs = mended
    assert outputs["results of the other"]
    assert "compare@text" in outputs["failed"]


def test_run_succeeds_after_the_flaw_is_mended(mended, said_of):
    _, outputs = mended
    for name in ("sales", "text"):
        assert f" model small.{name} v1, " in said_of(outputs["mended"], name)
    assert "7 stages ran and 6 were up to date" in " ".join(outputs["mended"].split())


def test_status_names_champions_and_what_is_stale(mended):
    _, outputs = mended
    stale, fresh = outputs["stale"], outputs["fresh"]
    assert "prepare@sales" in stale
    assert "All is up to date" not in stale
    champion = re.compile(r"^(\w+) +gru-", re.MULTILINE)
    assert champion.findall(stale) == ["text"]
    assert "All is up to date." in fresh
    assert "model" not in fresh  # the registry is not asked
    assert champion.findall(fresh) == ["sales", "text"]


def test_only_runs_what_is_asked_for_and_what_that_needs(mended):
    study, _ = mended
    records = len(read_json_lines(Layout(study.folder).timings))
    parameters = study.parameters() | {"cells": ["gru", "memoryless"]}
    parameters["datasets"]["sales"]["data"]["lookback"] = 8
    parameters["datasets"]["text"]["training"]["epochs"] = 2
    study.write_parameters(parameters)
    told = study.run("gatewise", "run", "--only", "train@*-gru", "--only", "train@*-grru", code=1)
    assert told.startswith("error: unknown stage 'train@*-grru'; did you mean 'train@")
    assert told.count("\n") == 1
    assert len(read_json_lines(Layout(study.folder).timings)) == records
    study.run("gatewise", "run", "--only", "train@sales-gru", "--only", "train@text-*gru")
    ran = [record["stage"] for record in read_json_lines(Layout(study.folder).timings)[records:]]
    of_gru = {f"{verb}@{name}-gru" for verb in ("tune", "train") for name in ("sales", "text")}
    assert set(ran) == {"prepare@sales", *of_gru}
    assert len(ran) == 5
