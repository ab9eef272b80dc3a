"""The study of warnings changes one value at a time."""

from pathlib import Path

import pytest
import yaml

STUDY = Path(__file__).parents[1] / "studies/warnings"
PLAN = yaml.safe_load((STUDY / "params.yaml").read_text())["datasets"]
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


def values(section):
    """All values of a dataset, by their place."""
    parts = {part: section[part] for part in ("data", "model", "training")}
    inner = {(part, name): value for part, all_ in parts.items() for name, value in all_.items()}
    return inner | {("source", ""): section["source"], ("task", ""): section["task"]}


def test_every_dataset_is_the_first_of_a_sweep_or_differs_in_one_value():
    assert set(PLAN) - set(CHANGED) == {"copy_10", "text", "windows"}


@pytest.mark.parametrize("dataset", CHANGED)
def test_one_value_is_changed_at_a_time(dataset):
    first, place = CHANGED[dataset]
    mine, its = values(PLAN[dataset]), values(PLAN[first])
    assert {p for p in mine.keys() | its.keys() if mine.get(p) != its.get(p)} == {place}
