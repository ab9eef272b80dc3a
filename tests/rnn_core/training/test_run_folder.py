"""The run folder of a training, whole and damaged."""

import pytest

from rnn_core.errors import DataError
from rnn_core.files import read_json, write_json
from rnn_core.training.run_folder import (
    CONFIG,
    SUMMARY,
    Cost,
    RunConfig,
    read_config,
    read_summary,
    write_config,
)

RUN = RunConfig(
    dataset="tides",
    task="forecasting",
    cell="gru",
    seed=3,
    device="cpu",
    data="d" * 64,
    model={"hidden_size": 5, "num_layers": 2, "loss": "l1"},
    training={"epochs": 2, "patience": None},
    environment={"torch": "2.13.0"},
    division="refit",
)
COST = Cost(parameters=9, recurrent_parameters=4, multiply_accumulates=7)


def test_config_is_read_as_it_was_written(tmp_path):
    """And with the cost, which is no part of what identifies a training."""
    write_config(tmp_path, RUN, COST)
    assert read_config(tmp_path) == (RUN, COST)
    assert read_config(tmp_path)[0].identity == RUN.identity


@pytest.mark.parametrize("lost", ["cost", "cell", "model"])
def test_config_that_lacks_something_says_what(tmp_path, lost):
    write_config(tmp_path, RUN, COST)
    content = read_json(tmp_path / CONFIG)
    del content[lost]
    write_json(tmp_path / CONFIG, content)
    with pytest.raises(DataError, match=rf"config\.json .*: {lost} is missing"):
        read_config(tmp_path)


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ({"epochs": 2, "steps": 4}, "status"),
        ({"status": "ended", "epochs": 2, "steps": 4}, "status"),
        ({"status": "finished", "epochs": 2, "steps": 4, "best_validation_mse": 1.0}, "best_vali"),
        ([1], "all of it"),
    ],
)
def test_summary_of_another_form_says_where(tmp_path, content, place):
    write_json(tmp_path / SUMMARY, content)
    with pytest.raises(DataError, match=rf"summary\.json .*: {place}"):
        read_summary(tmp_path)
