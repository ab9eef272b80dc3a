"""Trainings that came with a study are taken into the store, if they are what was written."""

import shutil
from datetime import date, timedelta

import pytest
import yaml
from usual_study import USUAL

from flows.layout import Layout
from flows.trainings.adoption import adopt, leave_manifest
from flows.trainings.manifest import MANIFEST
from flows.trainings.store import Store
from rnn_core.files import digest_of, read_json, write_json
from rnn_core.training.run_folder import CONFIG, MODEL, SUMMARY, read_config


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "empty store"))


PARAMETERS = {
    **USUAL,
    "root": ".",
    "study": "came",
    "seeds": {"first": 2, "most": 2},
    "cells": ["memoryless", "gru"],
    "datasets": {
        "sales": {
            "source": "sales.csv",
            "task": "forecasting",
            "data": {"targets": ["y"], "lookback": 4, "horizon": 1},
            "model": {"hidden_size": 4},
            "training": {"epochs": 1},
        }
    },
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory, perform):
    """The runs of a dataset with four trainings."""
    layout = Layout(tmp_path_factory.mktemp("trained"))
    rows = (f"{date(2024, 1, 1) + timedelta(days=i)},{i * 37 % 11}\n" for i in range(200))
    (layout.folder / "sales.csv").write_text("date,y\n" + "".join(rows))
    (layout.folder / "params.yaml").write_text(yaml.safe_dump(PARAMETERS))
    perform(layout, "sales", "ingest", "prepare", "train")
    return layout.runs("sales")


@pytest.fixture
def run(trained, tmp_path):
    """A copy of them, as from a remote."""
    return shutil.copytree(trained, tmp_path / "runs/sales")


@pytest.fixture
def folder(run):
    """One of its trainings."""
    return run / "gru/4/seed-1"


def identity(folder):
    return read_config(folder)[0].identity


def test_every_training_that_is_laid_out_is_adopted_once(run, store, tmp_path):
    folders = sorted(run.glob("*/*/seed-*"))
    assert len(folders) == 4
    assert sorted(adopt(run, store)) == sorted(identity(folder) for folder in folders)
    assert adopt(run, store) == []
    for folder in folders:
        place = tmp_path / "taken out" / identity(folder)
        store.get("training", identity(folder), place)
        (folder / MANIFEST).unlink()
        assert digest_of(place) == digest_of(folder)


@pytest.mark.parametrize("name", [MODEL, SUMMARY, CONFIG])
def test_training_with_a_changed_byte_is_not(run, folder, store, name):
    before = identity(folder)
    content = bytearray((folder / name).read_bytes())
    place = content.index(b"sales") if name == CONFIG else -3
    content[place] ^= 1
    (folder / name).write_bytes(content)
    assert len(adopt(run, store)) == 3
    assert not store.has("training", before)
    assert not store.has("training", identity(folder))


def test_training_with_a_file_less_or_more_is_not(run, folder, store):
    (folder / MODEL).unlink()
    (folder.with_name("seed-0") / "more").touch()
    assert len(adopt(run, store)) == 2


@pytest.mark.parametrize("content", [None, "", "{}", "[", '{"../x": {"sha256": "a", "size": 1}}'])
def test_training_without_a_whole_manifest_is_not(run, folder, store, content):
    (folder / MANIFEST).unlink()
    if content is not None:
        (folder / MANIFEST).write_text(content)
    assert len(adopt(run, store)) == 3
    assert not store.has("training", identity(folder))


def test_training_that_does_not_say_by_what_it_was_made_is_not(run, folder, store):
    """As those of before the environment was written down, though nothing was changed since."""
    content = read_json(folder / CONFIG)
    del content["environment"]
    write_json(folder / CONFIG, content)
    (folder / MANIFEST).unlink()
    leave_manifest(folder)
    assert len(adopt(run, store)) == 3
    assert not store.has("training", identity(folder))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"cost": 1}'])
def test_config_that_cannot_be_read_is_passed_over(run, folder, store, content):
    (folder / CONFIG).write_bytes(content)
    assert len(adopt(run, store)) == 3


def test_training_is_left_as_it_is_laid_out(run, store):
    before = digest_of(run)
    adopt(run, store)
    assert digest_of(run) == before


def test_dataset_without_runs_has_nothing_to_adopt(run, store):
    shutil.rmtree(run)
    assert adopt(run, store) == []
