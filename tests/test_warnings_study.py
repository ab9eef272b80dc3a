"""The study of warnings changes one value at a time, and its committed results show each."""

import json
import math
import re
from pathlib import Path

import pytest
import yaml

STUDY = Path(__file__).parents[1] / "studies/warnings"
PLAN = yaml.safe_load((STUDY / "params.yaml").read_text())["datasets"]
PAGE = (STUDY.parents[1] / "docs/warnings.md").read_text()
ROWS = re.findall(r"^\| (\w+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", PAGE, re.MULTILINE)
CHANGED = {
    "copy_30": ("copy_10", ("data", "lag")),
    "copy_100": ("copy_10", ("data", "lag")),
    "copy_300": ("copy_10", ("data", "lag")),
    "copy_30_uniform": ("copy_30", ("model", "recurrent_init")),
    "copy_100_chrono": ("copy_100", ("model", "longest_memory")),
    "text_length_12": ("text", ("model", "sequence_length")),
    "text_length_192": ("text", ("model", "sequence_length")),
    "text_batch_8": ("text", ("training", "batch_size")),
    "text_batch_128": ("text", ("training", "batch_size")),
    "text_carried_from_learned": ("text", ("model", "initial_state")),
    "text_carried_from_random": ("text", ("model", "initial_state")),
    "windows_from_learned": ("windows", ("model", "initial_state")),
    "windows_from_random": ("windows", ("model", "initial_state")),
}
"""Of each dataset of a sweep: the one that it starts from, and the value that differs."""

GATED = ("lstm", "gru")


def values(section):
    """All values of a dataset, by their place."""
    parts = {part: section[part] for part in ("data", "model", "training")}
    inner = {(part, name): value for part, all_ in parts.items() for name, value in all_.items()}
    return inner | {("source", ""): section["source"], ("task", ""): section["task"]}


def losses(dataset, cell):
    """Test scores of a cell's seeds; all metrics of this study are better where lower."""
    result = json.loads((STUDY / f"comparisons/{dataset}.json").read_text())
    assert result["metric"]["direction"] == "lower"
    (found,) = (c for c in result["candidates"].values() if c["cell"] == cell)
    return [seed["test"] for seed in found["seeds"]]


def test_every_dataset_is_the_first_of_a_sweep_or_differs_in_one_value():
    assert set(PLAN) - set(CHANGED) == {"copy_10", "text", "windows"}


@pytest.mark.parametrize("dataset", CHANGED)
def test_one_value_is_changed_at_a_time(dataset):
    first, place = CHANGED[dataset]
    mine, its = values(PLAN[dataset]), values(PLAN[first])
    assert {p for p in mine.keys() | its.keys() if mine.get(p) != its.get(p)} == {place}


def mean(numbers):
    return sum(numbers) / len(numbers)


@pytest.mark.parametrize("cell", ["rnn_tanh", *GATED])
def test_every_memory_ends(cell):
    """Each cell recalls less over 30 blanks than over 10, and over 100 than over 30."""
    means = [mean(losses(f"copy_{lag}", cell)) for lag in (10, 30, 100)]
    assert means == sorted(means)


@pytest.mark.parametrize("cell", GATED)
@pytest.mark.parametrize("lag", [100, 300])
def test_gated_cells_with_a_forget_bias_of_1_recall_nothing_over_100_blanks(lag, cell):
    assert min(losses(f"copy_{lag}", cell)) > math.log(8) - 1e-3


@pytest.mark.parametrize("cell", GATED)
def test_gates_that_start_to_remember_100_steps_recall_over_them(cell):
    assert max(losses("copy_100_chrono", cell)) < 1.3


def test_how_its_matrix_starts_decides_what_rnn_tanh_recalls():
    """It is ahead of both gated cells with an orthogonal one, and behind gru with uniform ones."""
    for cell in GATED:
        assert max(losses("copy_30", "rnn_tanh")) < min(losses("copy_30", cell))
    assert min(losses("copy_30_uniform", "rnn_tanh")) > max(losses("copy_30_uniform", "gru"))


@pytest.mark.parametrize("cell", ["rnn_tanh", *GATED])
@pytest.mark.parametrize("dataset", ["text_length_192", "text_batch_128"])
def test_fewer_steps_of_training_cost_more_than_longer_sequences_or_batches_bring(dataset, cell):
    assert min(losses(dataset, cell)) > max(losses("text", cell)) + 0.03


@pytest.mark.parametrize("cell", ["rnn_tanh", *GATED])
@pytest.mark.parametrize("start", ["learned", "random"])
def test_initial_state_hardly_matters_where_the_state_is_carried(start, cell):
    pairs = zip(losses(f"text_carried_from_{start}", cell), losses("text", cell), strict=True)
    assert all(abs(mine - its) < 1e-3 for mine, its in pairs)


def test_page_shows_every_dataset_with_its_scores():
    assert {row[0] for row in ROWS} == set(PLAN)
    for dataset, *scores in ROWS:
        expected = [mean(losses(dataset, cell)) for cell in ("rnn_tanh", *GATED)]
        assert [float(score) for score in scores] == pytest.approx(expected, rel=1e-3)
