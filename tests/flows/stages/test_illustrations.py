"""The stage that evaluates shows what the model of the best seed does."""

import numpy as np
import pytest
import torch
import yaml
from usual_study import USUAL

from flows.layout import Layout
from flows.stages.evaluate import show_best
from flows.trainings.entries import Evaluation
from rnn_core.comparison.candidates import Candidate, SeedResult, read_scores
from rnn_core.diagnostics.findings import SeedFindings
from rnn_core.metric import Reached, best_seed
from rnn_core.sources.random_symbols import RandomSymbols
from rnn_core.sources.synthetic_digits import SyntheticDigits
from rnn_core.tasks.base.classification import class_metric
from rnn_core.tasks.copy_memory.task import CopyMemory
from rnn_core.tasks.speech_recognition.learn import SpeechModel
from rnn_core.tasks.speech_recognition.task import SpeechRecognition
from rnn_core.training.evaluation import evaluate, illustrate
from rnn_core.training.illustration import read_illustration
from rnn_core.training.models import restore
from rnn_core.training.prepared import read_prepared
from rnn_core.training.run_folder import Cost, seed_folder

ACCURACY = class_metric("accuracy", "sentences")

DATASETS = {
    "symbols": {
        "task": "copy_memory",
        "data": {"lag": 1},
        "training": {"epochs": 2, "batch_size": 8, "learning_rate": 0.01},
    },
    "digits": {
        "task": "speech_recognition",
        "data": {"num_mels": 8, "split_by": "each_speaker"},
        "training": {"epochs": 2, "batch_size": 8, "learning_rate": 0.01},
    },
}


@pytest.fixture(scope="module")
def layout(tmp_path_factory, perform):
    """A study whose seeds are all trained."""
    layout = Layout(tmp_path_factory.mktemp("study"))
    sections = {
        name: {"source": f"data/raw/{name}", "model": {"hidden_size": 6}, **section}
        for name, section in DATASETS.items()
    }
    study = {
        **USUAL,
        "root": ".",
        "study": "shown",
        "seeds": {"first": 3, "most": 3},
        "cells": ["gru"],
    }
    (layout.folder / "params.yaml").write_text(yaml.safe_dump(study | {"datasets": sections}))
    for name in DATASETS:
        layout.raw(name).mkdir(parents=True)
    RandomSymbols(num_lines=60, length=3, seed=3).fetch(layout.raw("symbols"))
    SyntheticDigits(num_voices=3, num_takes=2, noise=0.2, seed=3).fetch(layout.raw("digits"))
    for name in DATASETS:
        perform(layout, name, "prepare", "train", "evaluate")
    return layout


def evaluated(layout, dataset):
    """Illustration and scores, by seed, of a dataset."""
    folder = layout.evaluation(dataset, "gru") / "6"
    scores = read_scores(folder).seeds
    return read_illustration(folder), {s.seed: s for s in scores}


def test_best_seed_on_the_validation_split_is_shown_on_the_test_split(layout):
    shown, scores = evaluated(layout, "symbols")
    seed = min(scores, key=lambda s: scores[s].validation)
    assert len({s.validation for s in scores.values()}) == 3
    data, meta = read_prepared(layout.prepared("symbols"), CopyMemory)
    of_each = [
        illustrate(seed_folder(layout.run("symbols", "gru"), "6", s), data, meta, "test")
        for s in range(3)
    ]
    assert [one.pairs for one in of_each].count(of_each[seed].pairs) == 1
    assert shown == of_each[seed]


def test_illustration_is_of_the_fold_of_its_seed(layout):
    shown, scores = evaluated(layout, "digits")
    seed = shown.seed
    assert scores[seed].validation == max(s.validation for s in scores.values())
    assert seed != 0, "whose fold is that of a task without a seed"
    data, meta = read_prepared(layout.prepared("digits"), SpeechRecognition)
    _, model = restore(seed_folder(layout.run("digits", "gru"), "6", seed), meta)
    with torch.inference_mode():
        right = [
            SpeechRecognition(meta, SpeechModel(hidden_size=6), fold)
            .scores(model, data, "test")
            .values.sum()
            for fold in range(3)
        ]
    assert np.trace(shown.counts) == right[seed] != right[0]


def test_losses_on_the_validation_set_are_kept_where_they_are_not_the_metric(layout):
    for dataset, task in (("digits", SpeechRecognition), ("symbols", CopyMemory)):
        data, meta = read_prepared(layout.prepared(dataset), task)
        run = layout.run(dataset, "gru")
        scored = [
            evaluate(seed_folder(run, "6", s), data, meta, torch.device("cpu")) for s in range(3)
        ]
        kept = read_scores(layout.evaluation(dataset, "gru") / "6").validation_losses
        assert kept == (
            {} if task is CopyMemory else {s: one.validation.loss for s, one in enumerate(scored)}
        )


def stored(seed, validation, test):
    """Stored evaluation of a seed; without a score if it diverged."""
    scores = SeedResult(seed=seed, epochs=1, steps=1, validation=validation, test=test)
    text = {"kind": "text", "seed": seed, "split": "test", "texts": []}
    return Evaluation(
        metric=CopyMemory.metric,
        scores=scores,
        validation_loss=None,
        most_steps=1,
        findings=SeedFindings(before={}, after=None, clipped_share=()),
        illustration=None if validation is None else text,
    )


def shown_of(folder, found, losses=None):
    candidate = Candidate(
        cell="gru",
        hidden_size=1,
        sizes=("equal",),
        deviations={},
        device="cpu",
        data="",
        metric=CopyMemory.metric,
        cost=Cost(parameters=1, recurrent_parameters=1, multiply_accumulates=1),
        seeds=tuple(one.scores for one in found),
        validation_losses=losses or {},
    )
    show_best(folder, candidate, found)
    return read_illustration(folder)


def test_seed_is_not_chosen_by_the_test_set(tmp_path):
    found = [stored(0, 0.3, 0.1), stored(1, 0.2, 0.3), stored(2, 0.4, 0.2)]
    assert shown_of(tmp_path, found).seed == 1


def test_of_seeds_with_equal_scores_the_one_with_the_lowest_loss_is_shown(tmp_path):
    found = [stored(0, 0.2, 0.1), stored(1, 0.2, 0.3), stored(2, 0.4, 0.2)]
    assert shown_of(tmp_path, found, {0: 0.7, 1: 0.6, 2: 0.1}).seed == 1


def test_seeds_that_diverged_are_not_shown(tmp_path):
    found = [stored(0, 0.3, 0.1), stored(1, 0.2, 0.3), stored(2, 0.4, 0.2)]
    for seed in (1, 0, 2):
        assert shown_of(tmp_path, found).seed == seed
        found[seed] = stored(seed, None, None)
    assert shown_of(tmp_path, found) is None


@pytest.mark.parametrize(
    ("metric", "reached", "seed"),
    [
        (CopyMemory.metric, {3: (0.5,), 1: (0.2,), 2: (0.2,)}, 1),
        (ACCURACY, {3: (0.5, 0.1), 7: (0.5, 0.1), 2: (0.2, 0.0)}, 3),
        (ACCURACY, {7: (1.0, 0.3), 3: (1.0, 0.3), 2: (0.9, 0.1)}, 3),
        (ACCURACY, {1: (1.0, 0.3), 4: (1.0, 0.2), 2: (0.9, 0.1)}, 4),
    ],
)
def test_best_seed_is_that_of_the_lower_loss_and_else_the_lowest_of_equals(metric, reached, seed):
    assert best_seed({s: Reached(*r) for s, r in reached.items()}, metric) == seed
