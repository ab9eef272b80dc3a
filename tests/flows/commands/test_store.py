"""The store of a study as its user looks at it: what is there, what goes, what is broken."""

import hashlib
import json
import os
import shlex
import sys
import time
from pathlib import Path

import pytest
import yaml
from usual_study import SALES, USUAL

from flows.commands import main as cli
from flows.layout import Layout
from flows.trainings.store import open_store

PARAMETERS = {
    **USUAL,
    "study": "small",
    "seeds": {"first": 1, "most": 1},
    "cells": ["gru"],
    "datasets": {"sales": SALES},
}
DAY = 24 * 60 * 60


def identity_of(text):
    return hashlib.sha256(text.encode()).hexdigest()


def make_study(folder):
    (folder / ".gatewise").mkdir(parents=True)
    (folder / "sales.csv").touch()
    parameters = PARAMETERS | {"root": os.path.relpath(Path(__file__).parents[3], folder)}
    (folder / "params.yaml").write_text(yaml.safe_dump(parameters))
    return Layout(folder)


def put(layout, kind, name, days=0, **files):
    """An entry that was written some days ago; its files hold JSON."""
    store, folder = open_store(layout), layout.folder / "made" / name
    folder.mkdir(parents=True)
    for file, content in files.items():
        (folder / f"{file}.json").write_text(json.dumps(content))
    store.put(kind, identity_of(name), folder)
    return age(place_of(store, kind, name), days)


def place_of(store, kind, name):
    identity = identity_of(name)
    return Path(store.address) / kind / identity[:2] / identity


def age(entry, days):
    then = time.time() - days * DAY
    for path in (entry, *entry.rglob("*")):
        os.utime(path, (then, then))
    return entry


def keep(layout, *names):
    layout.kept.write_text(json.dumps([identity_of(name) for name in names]))


@pytest.fixture(autouse=True)
def store_of_its_own(monkeypatch):
    monkeypatch.delenv("GATEWISE_STORE", raising=False)
    monkeypatch.setenv("TERM", "dumb")


@pytest.fixture
def layout(tmp_path):
    return make_study(tmp_path / "study")


@pytest.fixture
def gatewise(monkeypatch, capfd):
    """Calls `gatewise store` in this process; what it prints, and its exit code."""

    def call(*arguments, code=0):
        monkeypatch.setattr(sys, "argv", ["gatewise", "store", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert (ended.value.code or 0) == code
        output, error = capfd.readouterr()
        return error if code else output

    return call


def cells_of(output):
    """The first three cells of each row of the tables that were printed."""
    rows = (line.replace("┃", "│").split("│") for line in output.splitlines())
    return {tuple(cell.strip() for cell in row[1:4]) for row in rows if len(row) == 5}


def test_show_counts_by_kind_and_by_dataset(layout, gatewise):
    put(layout, "training", "a", config={"dataset": "sales"}, weights="x" * 2998)
    put(layout, "training", "b", config={"dataset": "sales"})
    put(layout, "training", "c", config={"dataset": "text"})
    put(layout, "training", "d", other=1)
    put(layout, "prepared", "e", meta={"dataset": "sales"})
    output = gatewise("show", layout.folder)
    assert str(layout.store) in output.replace("\n", "")
    assert cells_of(output) - {("kind", "entries", "size"), ("dataset", "entries", "size")} == {
        ("training", "4", "3.06 kB"),
        ("evaluation", "0", "0 B"),
        ("prepared", "1", "20 B"),
        ("sales", "2", "3.04 kB"),
        ("text", "1", "19 B"),
        ("(not known)", "1", "1 B"),
    }


def test_show_of_a_store_with_a_broken_entry_goes_on(layout, gatewise):
    (put(layout, "training", "a", config={"dataset": "sales"}) / "config.json").unlink()
    put(layout, "training", "b", config={"dataset": "sales"})
    rows = cells_of(gatewise("show", layout.folder))
    assert {("sales", "1", "20 B"), ("(not known)", "1", "20 B")} <= rows


def test_gc_removes_what_is_neither_kept_nor_young(layout, gatewise):
    stays = [
        put(layout, "training", "kept", days=400, config={}),
        put(layout, "prepared", "kept data", days=400, meta={}),
        put(layout, "training", "young", days=29, config={}),
    ]
    goes = [
        put(layout, "training", "old", days=31, config={}),
        put(layout, "evaluation", "old scores", days=31, scores={}),
    ]
    keep(layout, "kept", "kept data", "a training of which the store has nothing")
    said = gatewise("gc", layout.folder, "--dry-run")
    assert "would remove 2 entries of 4 B" in said
    assert all(entry.exists() for entry in stays + goes)
    said = gatewise("gc", layout.folder)
    assert all(entry.name in said for entry in goes)
    assert all(entry.exists() for entry in stays)
    assert not any(entry.exists() for entry in goes)
    assert "removed 0 entries" in gatewise("gc", layout.folder)
    gatewise("gc", layout.folder, "--older-than", "0")
    assert [entry.exists() for entry in stays] == [True, True, False]


def test_gc_removes_puts_that_never_ended_but_none_that_is_going_on(layout, gatewise):
    store = Path(open_store(layout).address)
    old, new = store / "unfinished/old", store / "unfinished/new"
    cut_off = place_of(open_store(layout), "training", "cut off")
    for folder in (old, new, cut_off):
        folder.mkdir(parents=True)
        (folder / "weights").touch()
    for folder in (old, cut_off):
        age(folder, 2)
    keep(layout)
    gatewise("gc", layout.folder, "--older-than", "0")
    assert [folder.exists() for folder in (old, new, cut_off)] == [False, True, False]


def test_gc_of_a_store_of_two_studies_keeps_what_either_keeps(tmp_path, gatewise, monkeypatch):
    monkeypatch.setenv("GATEWISE_STORE", str(tmp_path / "shared"))
    studies = [make_study(tmp_path / name) for name in ("one", "two")]
    entries = [
        put(study, "training", name, days=99, config={})
        for study, name in zip(studies, ("one's", "two's"), strict=True)
    ]
    lost = put(studies[0], "training", "nobody's", days=99, config={})
    for study, name in zip(studies, ("one's", "two's"), strict=True):
        keep(study, name)
    gatewise("gc", *(study.folder for study in studies))
    assert all(entry.exists() for entry in entries)
    assert not lost.exists()


@pytest.mark.parametrize("content", [None, "{}", "[1]", "[", ""])
def test_gc_removes_nothing_where_it_does_not_know_what_is_kept(layout, gatewise, content):
    entry = put(layout, "training", "old", days=99, config={})
    if content is not None:
        layout.kept.write_text(content)
    said = gatewise("gc", layout.folder, code=1)
    assert said.startswith("error: ")
    assert str(layout.kept) in said
    assert entry.exists()


def test_verify_finds_every_broken_entry_and_removes_it_if_asked(layout, gatewise):
    whole = put(layout, "training", "whole", config={})
    broken = [
        put(layout, "training", "changed", config={}),
        put(layout, "prepared", "gone", config={}, data={}),
    ]
    assert "3 entries" in gatewise("verify", layout.folder)
    (broken[0] / "config.json").write_text("[]")
    (broken[1] / "data.json").unlink()
    said = gatewise("verify", layout.folder, code=1)
    assert "2 of 3 entries" in said
    assert all(entry.exists() for entry in broken)
    program, store, *advised = shlex.split(said.split("`")[1])
    assert (program, store) == ("gatewise", "store")
    said = gatewise(*advised)
    assert f"{broken[0].name}/config.json" in said
    assert f"{broken[1].name}/data.json" in said
    assert not any(entry.exists() for entry in broken)
    assert whole.exists()
    assert "1 entries" in gatewise("verify", layout.folder)


@pytest.mark.parametrize("command", ["show", "gc", "verify"])
def test_folder_that_is_no_study_and_store_that_is_not_there_are_one_line(
    tmp_path, layout, gatewise, monkeypatch, command
):
    assert "params.yaml is missing" in gatewise(command, tmp_path, code=1)
    keep(layout)
    monkeypatch.setenv("GATEWISE_STORE", "sftp://ada:hunter2@127.0.0.1:1/x")
    said = gatewise(command, layout.folder, code=1)
    assert "GATEWISE_STORE" in said
    assert "hunter2" not in said
    assert said.count("\n") == 1
