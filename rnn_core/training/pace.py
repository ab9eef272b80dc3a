"""Estimate of a training's duration on this machine, from a few of its steps."""

import time
from collections.abc import Callable, Iterator
from itertools import chain, repeat

import torch

from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.task import Task
from rnn_core.training.adamw import AdamW
from rnn_core.training.loop import TrainingParameters, steps
from rnn_core.training.models import build_model

TIMED_STEPS = 10

ENOUGH_SECONDS = 2.0
"""No further step is timed after so much time."""


def seconds_of_training(
    task: Task,
    cell: str,
    data: Data,
    parameters: TrainingParameters,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """About how long all epochs of a training take on one thread; scoring is not in it.

    The first step is not timed: it compiles kernels.

    Args:
        task: The task, with its model's parameters.
        cell: Name of the cell.
        data: Prepared tensors, on the CPU.
        parameters: How to train.
        clock: Seconds from any moment.
    """
    model = build_model(task, cell).train()
    optimizer = AdamW(model.parameters(), parameters.learning_rate, parameters.weight_decay)
    batches = chain.from_iterable(
        task.training_batches(data, parameters.batch_size, torch.Generator().manual_seed(0))
        for _ in repeat(None)
    )
    rates = repeat(parameters.learning_rate)
    with torch.random.fork_rng(devices=[]):
        taken = steps(task, model, optimizer, batches, rates, parameters)
        seconds, count = timed(taken, clock)
    return seconds / count * task.num_batches(data, parameters.batch_size) * parameters.epochs


def timed(taken: Iterator[object], clock: Callable[[], float]) -> tuple[float, int]:
    """The time of some steps after the first, and how many these are."""
    threads, count = torch.get_num_threads(), 0
    torch.set_num_threads(1)
    try:
        next(taken)
        start = now = clock()
        while count < TIMED_STEPS and now - start <= ENOUGH_SECONDS:
            next(taken)
            now = clock()
            count += 1
    finally:
        torch.set_num_threads(threads)
    return now - start, count
