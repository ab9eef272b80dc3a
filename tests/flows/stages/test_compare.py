"""Conditions of a comparison, and that its numbers follow from those of items."""

from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from usual_study import USUAL

from flows.layout import Layout
from flows.stages.compare import check_cells, compare
from flows.stages.report import report
from rnn_core.comparison.candidates import Candidate, SeedResult, write_scores
from rnn_core.comparison.reference import Reference, write_reference
from rnn_core.errors import StudyError
from rnn_core.files import read_json
from rnn_core.metric import SCORED, Metric
from rnn_core.study import read_study
from rnn_core.training.item_scores import ItemScores, write_items
from rnn_core.training.run_folder import Cost, seed_name

ERROR, MARGIN, NUM_SEEDS = Metric("mse", "mse", "lower"), 0.05, 4
WEIGHTS = np.tile([1.0, 2.0, 3.0, 2.0, 2.0], 12)
CLUSTERS = np.repeat(np.arange(12), 5)
"""Each cluster weighs the same, so that the textbook's variance and degrees of freedom hold."""


def test_what_dvc_keeps_beside_evaluations_is_not_left_over(tmp_path):
    """In a git repository, DVC writes a .gitignore beside each output."""
    layout = Layout(tmp_path)
    study = SimpleNamespace(cells_of=lambda _: ["gru"], references_of=lambda _: None)
    folder = layout.evaluation("prices", "gru").parent
    for name in ("gru", "lstm"):
        (folder / name).mkdir(parents=True)
    (folder / ".gitignore").write_text("/gru\n")
    layout.reference("prices").touch()
    with pytest.raises(StudyError, match="has lstm, which"):
        check_cells(layout, study, "prices")
    (folder / "lstm").rmdir()
    check_cells(layout, study, "prices")


def score(values):
    """The score of a model, from those of its items."""
    return float(np.average(values, weights=WEIGHTS))


def evaluate_by_hand(layout, cell, cost, items):
    """Leave what `evaluate` does; the items of each split are (S, N)."""
    place = layout.evaluation("prices", cell) / "4"
    place.mkdir(parents=True)
    facts = {"sizes": ("equal",), "deviations": {}, "device": "cpu", "data": "d", "metric": ERROR}
    seeds = []
    for seed in range(NUM_SEEDS):
        means = {split: score(items[split][seed]) for split in SCORED}
        seeds.append(SeedResult(seed=seed, epochs=1, steps=1, **means))
        found = {
            split: ItemScores(values=items[split][seed], weights=WEIGHTS, clusters=CLUSTERS)
            for split in SCORED
        }
        write_items(place / f"{seed_name(seed)}.safetensors", found)
    cost = Cost(parameters=9, recurrent_parameters=9, multiply_accumulates=cost)
    candidate = Candidate(cell=cell, hidden_size=4, cost=cost, seeds=tuple(seeds), **facts)
    write_scores(place, candidate)


@pytest.fixture
def raw(tmp_path):
    """A study of two candidates up to its evaluations, and the losses of items by candidate."""
    layout, draw = Layout(tmp_path), np.random.default_rng(3)
    (tmp_path / "prices.csv").touch()
    section = {"source": "prices.csv", "task": "forecasting", "data": {}, "model": {}}
    content = {**USUAL, "root": ".", "study": "raw", "cells": ["gru", "rnn_tanh"]}
    content |= {"seeds": {"first": NUM_SEEDS, "most": NUM_SEEDS}}
    section |= {"training": {}, "margin": MARGIN}
    content["datasets"] = {"prices": section}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content))
    both = draw.normal(0, 0.05, (NUM_SEEDS, 1))  # what a seed does to both
    found = {}
    for cell, means, cost in (("gru", (0.50, 0.55), 300), ("rnn_tanh", (0.53, 0.52), 100)):
        found[f"{cell}-4"] = {
            split: mean
            + both
            + draw.normal(0, 0.06, (NUM_SEEDS, 1))
            + draw.normal(0, 0.1, 12)[CLUSTERS]
            + draw.normal(0, 0.1, (NUM_SEEDS, 60))
            for split, mean in zip(SCORED, means, strict=True)
        }
        evaluate_by_hand(layout, cell, cost, found[f"{cell}-4"])
    reference = Reference(
        metric=ERROR,
        margin=0.01,
        items={"train": 9, "validation": 60, "test": 60},
        baselines={"last": 0.9},
        optimum=None,
    )
    write_reference(layout.reference("prices"), reference)
    study = read_study(tmp_path)
    compare(layout, study, "prices")
    report(layout, study)
    return layout, found


def worse_by(one, other):
    """A million draws of by how much one candidate is truly worse: the sum of two t tests.

    One is over seeds, paired; one over clusters of items, whose losses are means over seeds.
    """
    by_seed = np.array([score(a) - score(b) for a, b in zip(one, other, strict=True)])
    by_item = one.mean(axis=0) - other.mean(axis=0)
    parts = WEIGHTS * (by_item - score(by_item)) / WEIGHTS.sum()
    sums = np.array([parts[cluster == CLUSTERS].sum() for cluster in range(12)])
    draw = np.random.default_rng(4)
    over_seeds = by_seed.std(ddof=1) / NUM_SEEDS**0.5 * draw.standard_t(NUM_SEEDS - 1, 10**6)
    over_items = (12 / 11 * (sums**2).sum()) ** 0.5 * draw.standard_t(11, 10**6)
    return by_seed.mean() + over_seeds + over_items


def test_chance_and_expected_loss_follow_from_the_scores_of_items(raw):
    layout, found = raw
    told = read_json(layout.metrics)["prices"]["candidates"]
    for name, other in (("gru-4", "rnn_tanh-4"), ("rnn_tanh-4", "gru-4")):
        for split in SCORED:
            behind = np.maximum(worse_by(found[name][split], found[other][split]), 0)
            risk = told[name][split]
            assert risk["chance"] == pytest.approx((behind <= MARGIN).mean(), abs=0.02)
            assert risk["expected_loss"] == pytest.approx(
                behind.mean() / MARGIN, rel=0.05, abs=0.02
            )
            assert 0.01 < risk["chance"] < 0.99, "too easy"


def test_means_and_distances_of_the_report_follow_from_the_scores_of_items(raw):
    layout, found = raw
    means = {
        name: {split: [score(seed) for seed in items[split]] for split in SCORED}
        for name, items in found.items()
    }
    page, markdown = layout.page.read_text(), (layout.reports / "report.md").read_text()
    for name, other in (("gru-4", "rnn_tanh-4"), ("rnn_tanh-4", "gru-4")):
        for split in SCORED:
            shown = f"{np.mean(means[name][split]):.4g} ± {np.std(means[name][split], ddof=1):.2g}"
            assert shown in page
            assert shown in markdown
        behind = np.mean(means[name]["validation"]) - np.mean(means[other]["validation"])
        assert f"| {behind:.2g} [" in markdown
