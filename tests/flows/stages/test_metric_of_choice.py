"""A metric that is asked for is the one that chooses, in every stage."""

import random

import pytest
import yaml
from usual_study import USUAL

from flows.layout import Layout
from rnn_core.comparison.candidates import read_scores
from rnn_core.comparison.outcome import read_comparison
from rnn_core.comparison.reference import read_reference


def test_classifiers_are_chosen_by_balanced_accuracy_where_it_is_asked_for(perform, tmp_path):
    draw = random.Random(3)
    texts = (f"row {i} was {draw.choice(['fine', 'good', 'bad'])}" for i in range(200))
    rows = [f"{text},{'no' if i % 10 == 0 else 'yes'}" for i, text in enumerate(texts)]
    (tmp_path / "t.csv").write_text("\n".join(["text,label", *rows]))
    section = {
        "task": "sentiment",
        "source": "t.csv",
        "data": {"metric": "balanced_accuracy"},
        "model": {"hidden_size": 4},
        "training": {"epochs": 1, "batch_size": 16, "learning_rate": 0.001},
    }
    study = {**USUAL, "root": ".", "study": "rare", "cells": ["gru"]}
    study |= {"seeds": {"first": 2, "most": 2}, "datasets": {"reviews": section}}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(study))
    layout = Layout(tmp_path)
    perform(layout, "reviews", "ingest", "prepare", "train", "evaluate", "compare")
    reference = read_reference(layout.reference("reviews"))
    comparison = read_comparison(layout.comparison("reviews"))
    assert reference.metric.name == comparison.metric.name == "balanced_accuracy"
    assert reference.baselines["most_frequent"] == 0.5
    for seed in read_scores(layout.evaluation("reviews", "gru") / "4").seeds:
        assert seed.test == pytest.approx(sum(seed.recalls.values()) / 2)
