"""Measured cost of one answer of a model: its time, and the memory that it needs meanwhile.

Counted costs, such as multiply-accumulates, are the same everywhere. These depend on the machine
and the moment, so they are stored next to a result and never in files that a run has to reproduce.
"""

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch

from rnn_core.diagnostics.seed import training_batch
from rnn_core.errors import ParameterError
from rnn_core.tasks.base.prepared import Data, Meta
from rnn_core.training.models import restore
from rnn_core.training.run_folder import MODEL

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
"""Where Linux tells the memory of a process, and lets it begin again to note the most of it."""


@dataclass(frozen=True, kw_only=True)
class MeasuredCost:
    """Measured cost of an answer.

    Attributes:
        median_ms: The median time of an answer, in milliseconds.
        p95_ms: The time that 95 % of answers kept within, between two of them by a straight line.
        repeats: Answers that were timed.
        peak_bytes: By how much the memory of the process rose during an answer at most, over all
            of them; None where the system does not tell.
    """

    median_ms: float
    p95_ms: float
    repeats: int
    peak_bytes: int | None


def measure_seed(folder: Path, data: Data, meta: Meta, device: torch.device) -> MeasuredCost | None:
    """Measure how the trained model of a seed answers to one sequence.

    That is a pass of one sequence of the training set through the model, in evaluation mode and
    with its loss: what a model searches for beside that, as a translator does, is not in it. The
    memory is that of the model too, which is loaded meanwhile.

    Args:
        folder: The run folder of the seed.
        data: The prepared data that it was trained on.
        meta: Its meta.
        device: Where to compute; memory is that of the process all the same.

    Returns:
        None if the training diverged.
    """
    if not (folder / MODEL).exists():
        return None
    task, _ = restore(folder, meta)
    batch = training_batch(task, data, 1, device)
    model = cache(lambda: restore(folder, meta)[1].to(device))

    def answer() -> float:
        with torch.inference_mode():
            return task.loss(model(), batch, None)[0].item()  # waits for a GPU

    return measure(answer)


def measure(
    answer: Callable[[], object],
    repeats: int = 100,
    warmup: int = 5,
    clock: Callable[[], float] = time.perf_counter,
) -> MeasuredCost:
    """Time a function that gives one answer, and watch the memory of this process meanwhile.

    The first answers are not timed: they compile kernels and fill caches. Memory is watched from
    the first one on, which takes the most.

    Args:
        answer: Gives one answer, such as a model's to a batch of one sequence.
        repeats: Answers that are timed.
        warmup: Answers before these.
        clock: Seconds from any moment.

    Raises:
        ParameterError: If no answer is to be timed.
    """
    if repeats < 1:
        raise ParameterError(f"repeats must be at least 1, not {repeats}")
    before = resident_after_reset()
    for _ in range(warmup):
        answer()
    seconds = []
    for _ in range(repeats):
        start = clock()
        answer()
        seconds.append(clock() - start)
    median, p95 = np.percentile(np.array(seconds), [50, 95])
    return MeasuredCost(
        median_ms=1e3 * float(median),
        p95_ms=1e3 * float(p95),
        repeats=repeats,
        peak_bytes=None if before is None else max(0, told("VmHWM") - before),
    )


def resident_after_reset() -> int | None:
    """Bytes of this process in memory, whose maximum is recorded from now on; None: unknown.

    What earlier work has left free is given back first: who takes it again would seem to take
    nothing.
    """
    give_back()
    try:
        RESET.write_text("5", encoding="utf-8")
    except OSError:
        return None
    return told("VmRSS")


def give_back() -> None:
    """Give free memory of this process back to the system, where its C library can."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def told(name: str) -> int:
    """Bytes of this process, as Linux reports them."""
    lines = (line.split() for line in STATUS.read_text(encoding="utf-8").splitlines())
    return next(1024 * int(words[1]) for words in lines if words[0] == f"{name}:")
