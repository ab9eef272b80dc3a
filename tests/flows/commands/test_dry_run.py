"""Estimated time of a run, from the times of similar ones."""

import json
from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.commands.dry_run import names_of, seconds_of
from flows.layout import Layout
from flows.trainings.planner import Asked
from flows.trainings.records import Record, append, read_records
from rnn_core.study import TUNING_SEED

ASKED = Asked("gru", 8, 3, num_layers=2)


def record(seconds, epochs, seed=0, cell="gru", hidden_size=8, num_layers=2, what="train"):
    return Record(
        what=what,
        dataset="sales",
        cell=cell,
        hidden_size=hidden_size,
        num_layers=num_layers,
        seed=seed,
        seconds=seconds,
        epochs=epochs,
        peak_megabytes=1,
        time=0,
    )


@settings(deadline=None, derandomize=True, database=None)
@given(
    epochs=st.integers(1, 100),
    each=st.floats(0.01, 100),
    short=st.lists(st.integers(1, 5), max_size=20),
    whole=st.lists(st.just(40), max_size=5),
)
def test_trials_and_trainings_tell_the_same_of_an_epoch(epochs, each, short, whole):
    """However many of either there are."""
    trials = [record(each * number, number, TUNING_SEED) for number in short]
    known = trials + [record(each * number, number) for number in whole]
    found = seconds_of(ASKED, epochs, known)
    assert found == (pytest.approx(epochs * each) if known else None)


@pytest.mark.parametrize(
    "other",
    [
        record(99.0, 1, cell="lstm"),
        record(99.0, 1, hidden_size=16),
        record(99.0, 1, num_layers=1),
        record(99.0, None),
    ],
)
def test_what_is_not_alike_tells_nothing(other):
    assert seconds_of(ASKED, 10, [other]) is None
    assert seconds_of(ASKED, 10, [other, record(4.0, 2)]) == 20.0


def test_records_of_before_are_read_and_others_are_not(tmp_path):
    """A record without layers and epochs has one layer, and its time of an epoch is unknown."""
    layout = Layout(tmp_path)
    append(layout, record(4.0, 2))
    fields = asdict(record(3.0, 2))
    old = {key: fields[key] for key in fields.keys() - {"num_layers", "epochs"}}
    with layout.timings.open("a") as file:
        file.writelines(f"{json.dumps(line)}\n" for line in (old, old | {"more": 1}, {"what": "x"}))
    found = read_records(layout)
    assert [(one.candidate, one.epochs) for one in found] == [("gru-2x8", 2), ("gru-8", None)]


def test_trainings_of_a_candidate_are_named_together():
    trials = [Asked("gru", 8, TUNING_SEED, values=(("dropout", d),)) for d in (0.1, 0.2, 0.3)]
    asked = [
        *(*trials, Asked("lstm", 4, TUNING_SEED)),
        *(Asked("lstm", 4, seed) for seed in (0, 2)),
        ASKED,
        Asked("gru", 8, 1, division="moved_back"),
    ]
    assert list(names_of(asked)) == [
        "3 trials of gru-8",
        "1 trial of lstm-4",
        "lstm-4 seeds 0, 2",
        "gru-2x8 seed 3",
        "gru-8 moved back seed 1",
    ]


@pytest.mark.one_in(2)
@pytest.mark.parametrize(
    ("part", "wrong", "said"),
    [
        ("training", {"learning_rate": -1}, "learning_rate and clip_norm must be above 0"),
        ("model", {"dropout": 2}, "datasets.sales.model: dropout must be in [0, 1)"),
    ],
)
def test_dry_run_refuses_what_a_run_would_refuse(new_study, tiny, part, wrong, said):
    tiny["datasets"] = {"sales": tiny["datasets"]["sales"]}
    tiny["datasets"]["sales"][part] |= wrong
    output = new_study(tiny).run("gatewise", "run", "--dry-run", code=1)
    assert f"error: params.yaml: datasets.sales.{part}" in output
    assert said in output
