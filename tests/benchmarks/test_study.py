"""Content and evaluation of the benchmark of whole studies."""

import importlib.util
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from flows.trainings.records import Record
from rnn_core.study import TUNING_SEED

FILE = Path(__file__).parents[2] / "benchmarks/study.py"


@pytest.fixture(scope="module")
def study():
    spec = importlib.util.spec_from_file_location("study", FILE)
    module = sys.modules["study"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules["study"]


def asked(**more) -> Namespace:
    plain = {"seeds": None, "cells": None, "epochs_scale": 1.0, "dataset": "etth1"}
    return Namespace(**plain | more)


def test_scores_are_held_against_their_spread(study):
    near = study.compared([1.0, 1.1, 1.2], [1.05, 1.15, 1.25])
    assert near["difference"] == pytest.approx(-0.05)
    assert near["spread"] == pytest.approx(0.1)
    assert near["beyond_chance"] is False
    # t = 3 / (0.1 * sqrt(2 / 3)) = 36.7; the 1 % bound at 4 degrees of freedom is 4.604
    assert study.compared([1.0, 1.1, 1.2], [4.0, 4.1, 4.2])["beyond_chance"] is True
    below, above = 1 + 4.5 * 0.1 * (2 / 3) ** 0.5, 1 + 4.7 * 0.1 * (2 / 3) ** 0.5
    for start, beyond in ((below, False), (above, True)):
        scores = study.compared([1.0, 1.1, 1.2], [start, start + 0.1, start + 0.2])
        assert scores["beyond_chance"] is beyond


def test_what_cannot_be_compared_is_not(study):
    assert study.compared([0.5], [0.7])["beyond_chance"] is None
    assert study.compared([0.5, 0.5], [0.5, 0.5])["beyond_chance"] is False
    assert study.compared([0.5, None], [0.5, 0.6])["beyond_chance"] is True
    assert study.compared([0.5, None], [None, 0.6])["beyond_chance"] is False


def test_a_smaller_study_keeps_the_rest(study):
    whole = study.parameters_of("benchmark", asked())
    small = study.parameters_of("benchmark", asked(seeds=7, cells=["gru"], epochs_scale=0.1))
    assert (small["seeds"], small["cells"]) == ({"first": 7, "most": 7}, ["gru"])
    of_whole, of_small = whole["datasets"]["etth1"], small["datasets"]["etth1"]
    assert list(small["datasets"]) == ["etth1"]
    epochs = [of["training"].pop("epochs") for of in (of_whole, of_small)]
    assert epochs[1] == max(1, round(epochs[0] / 10))
    assert of_small == of_whole | {k: of_small[k] for k in ("cells", "seeds") if k in of_whole}
    assert of_small["source"] == "../code/rnn_core/sources/etth1.py"


def test_seconds_are_summed_by_kind_of_work_and_by_cell(study):
    """Trials of tuning and refits are separate: the plain script has none."""

    def record(what, cell, seconds, seed=0, **more):
        facts = {"dataset": "co2", "hidden_size": 8, "peak_megabytes": 1, "time": 1}
        return Record(what=what, cell=cell, seed=seed, seconds=seconds, **facts, **more)

    records = [
        record("train", "gru", 3.0, seed=TUNING_SEED),
        record("train", "gru", 7.0),
        record("evaluate", "gru", 2.0),
        record("train", "lstm", 5.0),
        record("train", "lstm", 11.0, division="moved_back"),
        record("train", "lstm", 13.0, division="refit"),
        record("evaluate", "lstm", 17.0, division="moved_back_refit"),
    ]
    assert study.seconds_of_cells(records) == {"co2": {"gru": 9.0, "lstm": 5.0}}
    assert study.seconds_of_work(records) == {
        "trial": {"number": 1, "seconds": 3.0},
        "train": {"number": 2, "seconds": 12.0},
        "evaluate": {"number": 1, "seconds": 2.0},
        "train, refit": {"number": 2, "seconds": 24.0},
        "evaluate, refit": {"number": 1, "seconds": 17.0},
    }


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        (["--dataset", "etth"], "unknown dataset 'etth'; did you mean 'etth1'?"),
        (["--cells", "grou"], "unknown cell 'grou'; did you mean 'gru'?"),
    ],
)
def test_a_wrong_option_is_one_line(study, monkeypatch, capsys, options, cause):
    monkeypatch.setattr(sys, "argv", ["study.py", *options])
    monkeypatch.setattr(study.os, "sched_setaffinity", lambda *processors: None)
    assert study.main() == 1
    assert capsys.readouterr().err == f"error: {cause}\n"


def test_the_ratio_is_against_the_better_plain_side(study):
    def side(seconds: float, test: float, cell_seconds: float):
        tests = {"co2": {"gru": [test, test + 0.1]}}
        return study.Side(seconds, tests, {"co2": {"gru": cell_seconds}}, {})

    one, two = study.PLAIN
    runs = {study.OURS: [30.0, 10.0, 20.0], one: [70.0, 90.0, 80.0], two: [50.0, 60.0, 40.0]}
    tests = {study.OURS: 1.0, one: 5.0, two: 1.02}
    sides = {
        name: [side(s, tests[name], 3 if name == two else 4) for s in seconds]
        for name, seconds in runs.items()
    }
    found = study.summary(sides)
    assert (found["better_plain"], found["ratio"]) == (two, 2.5)
    scores = found["scores"]["co2"]["gru"]
    assert scores["difference"] == pytest.approx(-0.02)
    assert (scores["gatewise_seconds"], scores["plain_seconds"]) == (4, 3)
    printed = study.table("sample", found)
    assert f"2.50 times as fast as plain PyTorch, {two}" in printed
    (line,) = [line for line in printed.splitlines() if line.split()[:1] == ["co2"]]
    assert line.split() == ["co2", "gru", "1.05", "1.07", "-0.02", "0.07071", "4.0", "3.0"]
