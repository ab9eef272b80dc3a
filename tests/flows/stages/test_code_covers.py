"""Code that runs in a stage is in its fingerprint, however it is reached."""

import ast
import shutil
import sys
import threading
from dataclasses import replace
from datetime import date, timedelta
from functools import cache, partial
from importlib import import_module
from inspect import CO_OPTIMIZED
from pathlib import Path
from pkgutil import walk_packages

import pytest
import yaml
from usual_study import USUAL

import rnn_core
from flows.layout import Layout
from flows.stages import DATASET_VERBS, code
from flows.trainings.crew import EVALUATE, TRAIN
from rnn_core.definitions import ROOT
from rnn_core.reach import reached
from rnn_core.sources.agreement_text import AgreementText
from rnn_core.sources.number_words import NumberWords
from rnn_core.sources.random_symbols import RandomSymbols
from rnn_core.sources.synthetic_digits import SyntheticDigits
from rnn_core.study import read_study
from rnn_core.tasks import REGISTRY as TASKS

CELLS = ("lstm",)

NETWORKS = ("linear", "tcn", "transformer")
VOICES = {"split_by": "speaker", "validation": ["voice03"], "test": ["voice04"]}

DATASETS = {
    "text_generation": ("text", {}),
    "forecasting": ("sales.csv", {"targets": ["y"], "lookback": 12, "horizon": 3}),
    "speech_recognition": ("digits", VOICES),
    "speech_transcription": (
        "digits",
        {**VOICES, "strings": [12, 4, 6]},
    ),
    "sentiment": ("opinions.tsv", {}),
    "translation": ("sums", {"source_file": "sums.en", "max_vocabulary": 60}),
    "copy_memory": ("symbols", {"lag": 3}),
}

MODELS = {
    "text_generation": {"sequence_length": 16, "initial_state": "learned"},
    "forecasting": {"dropout": 0.1},
    "speech_recognition": {"recurrent_dropout": 0.1},
    "speech_transcription": {"stack": 1},
}


def write_data(folder):
    for name, source in {
        "text": AgreementText(4000, seed=1),
        "digits": SyntheticDigits(5, 1, noise=0.2, seed=1, numbers=tuple("147")),
        "sums": NumberWords(num_sums=300, largest=20, seed=1),
        "symbols": RandomSymbols(num_lines=200, length=3, seed=1),
    }.items():
        (folder / name).mkdir()
        source.fetch(folder / name)
    days = [(date(2024, 1, 1) + timedelta(days=i), i * 37 % 11 + i / 9) for i in range(300)]
    rows = [f"{day},{value:.3f}\n" for day, value in days]
    (folder / "sales.csv").write_text("".join(["date,y\n", *rows]))
    nouns, words = ("plot", "cast", "tune"), ("dull", "fine")
    texts = [f"take {i} of the {nouns[i % 3]} was {words[i % 2]}\t{i % 2}\n" for i in range(60)]
    (folder / "opinions.tsv").write_text("".join(["text\tlabel\n", *texts]))


@pytest.fixture(scope="module")
def layout(tmp_path_factory):
    """A study with a tiny dataset for each task."""
    folder = tmp_path_factory.mktemp("study")
    write_data(folder)
    datasets = {
        task: {
            "source": source,
            "task": task,
            "data": data,
            "model": {"hidden_size": 4, **MODELS.get(task, {})},
            "training": {"epochs": 1, "batch_size": 8},
            "depths": [2] if task == "forecasting" else [1],
        }
        for task, (source, data) in DATASETS.items()
    }
    study = {
        **USUAL,
        "root": ".",
        "study": "all",
        "seeds": {"first": 1, "most": 1},
        "cells": list(CELLS),
        "sizes": [0.5],
        "champion": "ensemble",
        "references": list(NETWORKS),
        "refit": True,
        "datasets": datasets,
    }
    (folder / "params.yaml").write_text(yaml.safe_dump(study))
    return Layout(folder)


@pytest.fixture(autouse=True)
def separately(here, monkeypatch):
    """Let evaluations that `train` has made early be those of `evaluate` alone."""

    def train(work):
        done = here.do(TRAIN, replace(work, evaluates=None))
        noting = sys.getprofile()
        sys.setprofile(None)
        here.do(EVALUATE, work)
        sys.setprofile(noting)
        return done

    monkeypatch.setattr(here, "train", train)


@pytest.fixture(scope="module", autouse=True)
def all_imported():
    """So that what importing a module runs, which nothing then calls, is not seen."""
    for found in walk_packages(rnn_core.__path__, "rnn_core."):
        if not found.name.startswith("rnn_core.compiler.gpu"):
            import_module(found.name)


@cache
def definitions_in(file):
    """The lines of each definition of a file, with decorators."""
    tree = ast.parse(Path(file).read_bytes())
    found = {}
    for node in tree.body:
        inner = node.body if isinstance(node, ast.ClassDef) else []
        for part in (node, *inner):
            name = getattr(part, "name", "")
            if part in inner and isinstance(part, ast.FunctionDef):
                name = f"{node.name}.{name}"
            elif part in inner:
                name = node.name
            elif isinstance(part, ast.Assign) and isinstance(part.targets[0], ast.Name):
                name = part.targets[0].id
            elif isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
                name = part.target.id
            begin = min([part.lineno, *(d.lineno for d in getattr(part, "decorator_list", []))])
            found |= dict.fromkeys(range(begin, part.end_lineno + 1), name)
    return found


def is_elsewhere(module):
    """Return whether a module stores things or runs work for stages, so has no fingerprint."""
    return any(f"{module}.".startswith(f"{apart}.") for apart, _ in code.APART)


def module_of(file):
    """The name of a module in our packages, by its file; None for others."""
    path = Path(file)
    if not path.is_relative_to(ROOT):
        return None
    parts = path.relative_to(ROOT).with_suffix("").parts
    ours = parts[0] in {"rnn_core", "flows"}
    return ".".join(parts).removesuffix(".__init__") if ours else None


class Calls:
    """The definitions in our packages that are called while this is entered."""

    def __init__(self):
        self.seen = set()

    def __enter__(self):
        threading.setprofile(self.note)
        sys.setprofile(self.note)
        return self

    def __exit__(self, *_):
        sys.setprofile(None)
        threading.setprofile(None)

    def note(self, frame, event, _):
        if event == "call":
            caller = frame.f_back.f_code.co_filename if frame.f_back else ""
            self.seen.add((frame.f_code, caller))

    def found(self):
        """All but what keeps things or does the work, and what these call for themselves."""
        for one, caller in self.seen:
            module = module_of(one.co_filename)
            apart = is_elsewhere(module) or is_elsewhere(module_of(caller))
            if module and one.co_flags & CO_OPTIMIZED and not apart:
                yield module, definitions_in(one.co_filename)[one.co_firstlineno]


@pytest.fixture
def covered(monkeypatch):
    """Notes what the fingerprints that are asked for cover."""
    found = set()

    def note(roots, apart=()):
        found.update(reached(roots, apart))
        return ""

    monkeypatch.setattr(code, "fingerprint", note)
    return found


AROUND = (
    *("train_one", "evaluate_one", "evaluate_together", "check_same", "alone", "record_of"),
    "note_answer",
)
"""Of `flows.trainings.work`: when and where a training or its evaluation is done, not how."""


def ran(perform, layout, task, verb):
    """Run a stage; returns the definitions in our packages that it called."""
    perform(layout, task, verb, watch=(calls := Calls()))
    around = {("flows.trainings.work", name) for name in AROUND}
    found = set(calls.found()) - around
    assert (f"flows.stages.{verb}", verb) in found
    return found


def ask(verb, layout, task):
    """Ask for the fingerprints of a stage."""
    if verb == "ingest":
        code.ingests(layout.folder, "own")
    elif verb in {"train", "evaluate"}:
        networks = read_study(layout.folder).references_of(task) or ()
        FINGERPRINTS[verb](task, (*CELLS, *networks))
    else:
        code.stage(verb, [code.preparing(task)] if verb == "prepare" else [])


FINGERPRINTS = {"train": partial(code.trains, refit=True), "evaluate": code.evaluates}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.one_in(4)
def test_all_that_runs_in_the_stages_of_a_dataset_is_in_their_fingerprints(
    task, layout, perform, covered
):
    missing = []
    for verb in DATASET_VERBS:
        covered.clear()
        if verb == "evaluate":
            shutil.rmtree(layout.store / "evaluation")
        ask(verb, layout, task)
        called = ran(perform, layout, task, verb)
        missing += [f"{verb}: {'.'.join(call)}" for call in sorted(called - covered)]
    assert not missing, "\n".join(missing)
