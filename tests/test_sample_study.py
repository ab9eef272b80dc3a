"""The committed results of the sample study tell cells apart, and are what the docs show."""

import json
from pathlib import Path

import pytest
import yaml

from flows.layout import Layout
from flows.running.summary import summarise
from flows.tracking.promoted import Promotion
from rnn_core.comparison.outcome import read_comparison

REPOSITORY = Path(__file__).parents[1]
PLAN = yaml.safe_load((REPOSITORY / "params.yaml").read_text())
RESULTS = {
    name: json.loads((REPOSITORY / f"comparisons/{name}.json").read_text())
    for name in PLAN["datasets"]
}
GATED = ("lstm", "gru")
LARGEST = {"accuracy": 1.0, "bleu": 100.0}
"""The best that a metric can be, where the source knows no closer bound."""


def losses(result, cell):
    """Test scores of a cell's seeds as something that should be small."""
    sign = 1 if result["metric"]["direction"] == "lower" else -1
    (found,) = (c for c in result["candidates"].values() if c["cell"] == cell)
    return [sign * seed["test"] for seed in found["seeds"]]


def cells_of(result):
    return {candidate["cell"] for candidate in result["candidates"].values()}


def is_worse(result, cell, other):
    """Return whether no seed of a cell is as good as any seed of another."""
    return min(losses(result, cell)) > max(losses(result, other))


def mean(values):
    return sum(values) / len(values)


def test_sample_study_has_all_five_tasks():
    tasks = [section["task"] for section in PLAN["datasets"].values()]
    assert sorted(tasks) == sorted(
        ["text_generation", "speech_recognition", "forecasting", "sentiment", "translation"]
    )


@pytest.mark.parametrize("name", RESULTS)
def test_no_cell_reaches_the_optimum(name):
    result = RESULTS[name]
    metric = result["metric"]
    best = min(mean(losses(result, cell)) for cell in cells_of(result))
    if metric["direction"] == "lower":
        assert best * 0.9995 > (result["optimum"] or 0.0)
    else:
        assert -best < 0.9995 * (result["optimum"] or LARGEST[metric["name"]])


@pytest.mark.parametrize("name", RESULTS)
def test_memory_is_worth_something(name):
    """No seed of the cell without memory is as good as any seed of any gated cell."""
    assert all(is_worse(RESULTS[name], "memoryless", cell) for cell in GATED)


def test_gates_are_worth_something_on_at_least_two_datasets():
    found = [
        name
        for name, result in RESULTS.items()
        if all(is_worse(result, "rnn_tanh", cell) for cell in GATED)
    ]
    assert len(found) >= 2, found


@pytest.mark.parametrize("name", RESULTS)
def test_champion_beats_every_simple_baseline(name):
    result = RESULTS[name]
    sign = 1 if result["metric"]["direction"] == "lower" else -1
    best = min(sign * score for score in result["baselines"].values())
    champion = result["candidates"][result["decision"]["recommended"]]["cell"]
    assert mean(losses(result, champion)) < best


@pytest.mark.parametrize("name", RESULTS)
def test_getting_started_shows_what_a_run_ends_with(name):
    """Commands are those of a study whose champions are registered."""
    comparison = read_comparison(Layout(REPOSITORY).comparison(name))
    promotion = Promotion(
        dataset=name,
        model=f"sample.{name}",
        version="1",
        action="promoted",
        reason="it is the first",
        test_score=comparison.registered_test_score,
    )
    (block,) = summarise(Layout(REPOSITORY), "sample", [name], {name: promotion})
    page = (REPOSITORY / "docs/index.md").read_text()
    assert f"{name:11}" + "\n           ".join(block.lines()) in page
