"""Duration of a training, estimated from a few of its steps."""

import itertools

import pytest
import torch

from rnn_core.sources.random_symbols import RandomSymbols
from rnn_core.tasks.copy_memory.task import CopyMemory
from rnn_core.training.loop import TrainingParameters
from rnn_core.training.pace import ENOUGH_SECONDS, TIMED_STEPS, seconds_of_training

PARAMETERS = TrainingParameters(epochs=7, batch_size=8)


@pytest.fixture
def small(tmp_path):
    RandomSymbols(num_lines=60, length=4, seed=3).fetch(tmp_path)
    data, meta = CopyMemory.prepare(tmp_path, CopyMemory.DataParameters(lag=5))
    return CopyMemory(meta, CopyMemory.ModelParameters(hidden_size=4)), data


def ticking(*seconds):
    """A clock that goes on by the next of some times whenever it is looked at."""
    times = itertools.accumulate(itertools.chain([0.0], itertools.cycle(seconds)))
    looked = []
    return looked, lambda: looked.append(None) or next(times)


def test_all_steps_of_all_epochs_take_as_long_as_those_that_were_timed(small):
    task, data = small
    looked, clock = ticking(0.1, 0.3)
    seconds = seconds_of_training(task, "gru", data, PARAMETERS, clock)
    assert len(looked) == TIMED_STEPS + 1
    number = task.num_batches(data, PARAMETERS.batch_size)
    assert number > 1
    assert seconds == pytest.approx(0.2 * number * PARAMETERS.epochs)


def test_a_slow_step_is_the_only_one(small):
    task, data = small
    looked, clock = ticking(3 * ENOUGH_SECONDS)
    seconds = seconds_of_training(task, "gru", data, PARAMETERS, clock)
    assert len(looked) == 2
    number = task.num_batches(data, PARAMETERS.batch_size)
    assert seconds == pytest.approx(3 * ENOUGH_SECONDS * number * PARAMETERS.epochs)


def test_what_is_drawn_and_computed_elsewhere_is_not_touched(small):
    task, data = small
    threads, state = torch.get_num_threads(), torch.random.get_rng_state()
    torch.set_num_threads(3)
    try:
        seconds_of_training(task, "lstm", data, PARAMETERS)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(torch.random.get_rng_state(), state)
