"""Parts of a training: its schedule, random streams, progress, scored items and devices."""

import math
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from rnn_core.devices import select_device
from rnn_core.errors import DataError, DeviceError
from rnn_core.metric import Metric, Reached
from rnn_core.training.item_scores import ItemScores, read_items, write_items
from rnn_core.training.loop import (
    Progress,
    TrainingParameters,
    learning_rate,
)
from rnn_core.training.models import stream


def test_learning_rate_warms_up_and_falls_along_a_cosine():
    parameters = TrainingParameters(learning_rate=1.0, schedule="cosine", warmup_steps=4)
    rates = [learning_rate(parameters, step, 100) for step in range(100)]
    cosine = [0.5 * (1 + math.cos(math.pi * step / 100)) for step in range(100)]
    assert rates[:4] == pytest.approx([0.2 * (s + 1) * cosine[s] for s in range(4)])
    assert rates[4:] == pytest.approx(cosine[4:])
    constant = TrainingParameters(learning_rate=1.0)
    assert {learning_rate(constant, step, 100) for step in range(100)} == {1.0}


def test_streams_of_a_seed_do_not_touch():
    purposes = [(s, p, i) for s in range(3) for p in ("order", "dropout", "cell") for i in range(3)]
    assert len({stream(*purpose) for purpose in purposes}) == len(purposes)


def test_progress_prefers_the_better_and_the_later_score():
    model = nn.Linear(1, 1)
    for direction, expected in (("lower", 3), ("higher", 1)):
        progress = Progress()
        for score in (0.5, 0.3, 0.3, 0.4):
            progress.epoch += 1
            progress.add({}, Reached(score), Metric("m", "", direction), model)
        assert progress.best_epoch == expected


def test_clusters_of_items_and_whose_they_are_survive_their_file(tmp_path):
    values, weights = np.array([0.5, 0.25, 1.0]), np.array([1.0, 2.0, 1.0])
    clustered = ItemScores(values=values, weights=weights, clusters=np.array([0, 0, 7]))
    own = ItemScores(values=values, weights=weights, own_to_seed=True)
    write_items(tmp_path / "items.safetensors", {"validation": clustered, "test": own})
    read = read_items(tmp_path / "items.safetensors", "validation")
    assert (read.clusters.tolist(), read.own_to_seed) == ([0, 0, 7], False)
    read = read_items(tmp_path / "items.safetensors", "test")
    assert (read.clusters, read.own_to_seed) == (None, True)


@pytest.mark.parametrize("content", [None, b"no safetensors", "the other split"])
def test_items_that_are_not_there_are_named(tmp_path, content):
    file = tmp_path / "items.safetensors"
    if content == "the other split":
        write_items(file, {"test": ItemScores(values=np.zeros(1), weights=np.ones(1))})
    elif content is not None:
        file.write_bytes(content)
    with pytest.raises(DataError, match=re.escape(str(file))):
        read_items(file, "validation")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_device_that_is_not_there_is_refused():
    assert select_device("auto").type == "cpu"
    with pytest.raises(DeviceError, match=r"device: cuda is asked for.*set device to auto or cpu"):
        select_device("cuda")


def test_training_does_without_the_compiler_of_torch():
    """Its import would take each stage seconds; determinism is on all the same."""
    code = """
import sys
import torch
from rnn_core.devices import make_deterministic
from rnn_core.training.adamw import AdamW
make_deterministic()
layer = torch.nn.Linear(2, 1)
optimizer = AdamW(layer.parameters(), 0.1, 0.0)
optimizer.restore(optimizer.state())
optimizer.zero_grad()
layer(torch.ones(1, 2)).sum().backward()
optimizer.step()
assert torch.are_deterministic_algorithms_enabled()
assert not torch.is_deterministic_algorithms_warn_only_enabled()
sys.exit("torch._dynamo" in sys.modules or "torch._inductor" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
