"""A run on a spoilt table, and runs and statuses after the table is repaired."""

import re

import pytest
from usual_study import USUAL

from flows.layout import Layout
from rnn_core.files import read_json_lines

PARAMETERS = {
    **USUAL,
    "study": "small",
    "seeds": {"first": 1, "most": 1},
    "cells": ["gru"],
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
    """A run on a spoilt table, the status after it, and both again with the table repaired."""
    study = study_at(tmp_path_factory.mktemp("mended") / "studies/study", PARAMETERS)
    study.environment.update(served)
    table = study.folder / "sales.csv"
    good = table.read_text()
    table.write_text(good.replace("-03,8.222\n", "-03,\n"))
    outputs = {"failed": study.run("gatewise", "run", code=1)}
    outputs["results of the other"] = Layout(study.folder).comparison("text").exists()
    outputs["stale"] = study.run("gatewise", "status")
    table.write_text(good)
    outputs["mended"] = study.run("gatewise", "run")
    outputs["fresh"] = study.run("gatewise", "status")
    return study, outputs


def test_run_ends_with_the_words_of_the_stage_that_failed(mended):
    _, outputs = mended
    last = outputs["failed"].splitlines()[-1]
    assert last.startswith("error: prepare@sales: sales.csv, row 4, ")
    assert "column 'y' has no value; fill it, or set data.missing to fill" in last
    assert outputs["failed"].count("error: ") == 1
    assert "Traceback" not in outputs["failed"]


def test_failure_leaves_the_other_datasets_to_go_on(mended, said_of):
    _, outputs = mended
    assert outputs["results of the other"]
    assert "compare@text" in outputs["failed"]
    assert said_of(outputs["failed"], "text").startswith("text use gru-")
    failed = said_of(outputs["failed"], "sales")
    assert failed.startswith("sales failed at prepare@sales: sales.csv, row 4, ")
    assert failed.endswith("fix it, then: gatewise run")


def test_run_succeeds_after_the_flaw_is_mended(mended, said_of):
    _, outputs = mended
    for name in ("sales", "text"):
        assert re.search(rf" try it: gatewise \w+ small\.{name} ", said_of(outputs["mended"], name))
    assert ": 1 training, 6 stages run, 6 up to date." in outputs["mended"]


def test_status_names_champions_and_what_is_stale(mended):
    _, outputs = mended
    stale, fresh = outputs["stale"], outputs["fresh"]
    assert "prepare@sales" in stale
    assert "All is up to date" not in stale
    champion = re.compile(r"^(\w+) +use gru-", re.MULTILINE)
    assert champion.findall(stale) == ["text"]
    assert "All is up to date." in fresh
    assert champion.findall(fresh) == ["sales", "text"]


@pytest.mark.thorough
def test_only_runs_what_is_asked_for_and_what_that_needs(mended):
    study, _ = mended
    before = study.read_lock()
    parameters = study.parameters() | {"cells": ["gru", "memoryless"]}
    parameters["datasets"]["sales"]["data"]["lookback"] = 8
    parameters["datasets"]["text"]["training"]["epochs"] = 2
    study.write_parameters(parameters)
    told = study.run("gatewise", "run", "--only", "train@sales", "--only", "tran@*", code=1)
    assert told.startswith("error: unknown stage 'tran@*'; did you mean 'train@")
    assert told.count("\n") == 1
    assert study.read_lock() == before
    study.run("gatewise", "run", "--only", "train@sa*")
    after = study.read_lock()
    changed = {stage for stage in after if after[stage] != before[stage]}
    assert changed == {"code", "prepare@sales", "train@sales"}
    trained = [r for r in read_json_lines(Layout(study.folder).timings) if r["what"] == "train"]
    assert {(r["dataset"], r["cell"]) for r in trained[2:]} == {
        ("sales", "gru"),
        ("sales", "memoryless"),
    }
