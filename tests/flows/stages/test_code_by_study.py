"""The fingerprints of code by what a study asks for: reference networks, and values of its keys."""

import os
from dataclasses import asdict, fields, replace

import pytest
import yaml
from fingerprints import CELLS, REPOSITORY, edit

from flows.stages import code
from rnn_core import reach
from rnn_core.study import EnsembleOf, Seeds, Study, Tuning, read_study

NETWORKS = ("gru", "tcn", "linear", "transformer")


def of_networks():
    """The fingerprints of what trains and scores a cell and reference networks."""
    reach.forget()
    return {
        f"{verb} {name}": mark
        for verb, made in (("train", code.training), ("evaluate", code.evaluation))
        for name, mark in made("forecasting", NETWORKS).items()
    }


@pytest.mark.parametrize(
    ("file", "old", "new", "names"),
    [
        ("references/tcn.py", "WIDTH = 3", "WIDTH = 5", {"tcn"}),
        ("references/transformer.py", "HEADS = 4", "HEADS = 2", {"transformer"}),
        ("references/convolution.py", "self.before = (width - 1)", "self.before = (width)",
         {"tcn", "linear"}),
        ("references/base.py", "outputs.chunk(len(places), dim=-1)", "outputs.chunk(1, dim=-1)",
         {"tcn", "linear", "transformer"}),
        ("tasks/forecasting/learn.py", "self.meta.lookback // self.model.segment",
         "self.meta.lookback", {"tcn", "linear", "transformer"}),
        ("cells/gru.py", "(1 - z)", "(2 - z)", {"gru"}),
    ],
    ids=["one", "another", "what two have", "what all have", "how far back", "a cell"],
)  # fmt: skip
def test_edit_of_a_reference_network_retrains_those_that_have_it(copied, file, old, new, names):
    before = of_networks()
    assert len(set(before.values())) == len(before)
    edit(copied / "rnn_core" / file, old, new)
    after = of_networks()
    found = {key for key in before if after[key] != before[key]}
    assert found == {f"{verb} {name}" for verb in ("train", "evaluate") for name in names}


def test_reference_networks_of_a_study_have_keys_beside_its_cells(tmp_path):
    study = yaml.safe_load((REPOSITORY / "params.yaml").read_bytes())
    study |= {"references": ["tcn", "linear"]}
    study["datasets"]["co2"]["references"] = []
    root = os.path.relpath(REPOSITORY, tmp_path)
    for section in study["datasets"].values():
        section["source"] = f"{root}/{section['source']}"
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(study))
    found = code.fingerprints(read_study(tmp_path), tmp_path)
    for stage in (found.train, found.evaluate):
        keys = {name: set(one.cells) - set(CELLS) for name, one in stage.items()}
        assert keys == {
            "agreement": {"tcn", "linear"},
            "numbers": {"tcn", "linear"},
            "reviews": {"tcn", "linear"},
            "co2": set(),
            "sums": set(),
        }


def keys_with(**values):
    """The keys of the sample study with other values of the study's own keys."""
    study = replace(read_study(REPOSITORY), **values)
    return dict(code.leaves(asdict(code.fingerprints(study, REPOSITORY))))


OTHER_VALUES = {
    "study": "another",
    "device": "cuda",
    "seeds": Seeds(first=2, most=2),
    "cells": ("gru", "mgu"),
    "sizes": (0.5,),
    "depths": (1, 2),
    "tuning": Tuning(trials=2, learning_rate=(0.5, 2.0)),
    "champion": "seed",
    "ensemble": EnsembleOf(members=2),
    "references": ("tcn",),
    "refit": True,
}


@pytest.mark.parametrize("key", OTHER_VALUES)
def test_stage_code_waits_for_each_parameter_that_its_keys_depend_on(before, key):
    """Else `dvc repro` leaves a code.json that is not that of the study."""
    graph = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())
    reads = keys_with(**{key: OTHER_VALUES[key]}) != before
    assert (key in graph["stages"]["code"]["params"]) == reads


def test_every_parameter_of_a_study_has_another_value_here():
    names = {field.name for field in fields(Study)}
    assert OTHER_VALUES.keys() == names - {"root", "datasets"}


def test_what_divides_the_data_anew_makes_stale_only_what_is_refitted(copied):
    """Trainings that score on the new division are kept, and evaluations are quick."""
    known = keys_with()
    refitted = keys_with(refit=True)
    edit(copied / "rnn_core/tasks/translation/divide.py", "before - number", "before - 1 * number")
    reach.forget()
    assert {tail.rpartition(".")[0] for tail in differing(known, keys_with())} == {SCORED_TOGETHER}
    stale = differing(refitted, keys_with(refit=True))
    assert {key for key in stale if not key.startswith(SCORED_TOGETHER)} == {"train.sums.divides"}


SCORED_TOGETHER = "evaluate.sums.together"


def differing(before, after):
    return {key for key in after if after[key] != before[key]}
