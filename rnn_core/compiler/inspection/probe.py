"""Check that a step does the same each time: it is run twice, and may change nothing.

A kernel is generated once from one run of the step. A step that counts its calls, or that looks
at whether gradients are wanted, would do then for ever what it did in that run.
"""

from functools import partial

import torch
from torch import Tensor

from rnn_core.cells.base import Cell, named
from rnn_core.compiler.inspection.aside import aside
from rnn_core.compiler.inspection.declarations import check_step
from rnn_core.compiler.inspection.guards import Guards

BATCH, HIDDEN = 5, 7
"""Sizes of the example."""


class InconstantError(Exception):
    """Why a step is not the same each time."""


def check_constant(cell: Cell, dtype: torch.dtype, guards: Guards) -> None:
    """Run a step twice, once without gradients, and compare; what it changes is put back.

    Args:
        cell: The cell.
        dtype: Type of all tensors.
        guards: What the step reads.

    Raises:
        InconstantError: If it does not do the same, or changes something that it reads.
    """
    results = []
    for with_gradients in (True, False):
        try:
            results.append(aside(partial(run, cell, dtype, with_gradients)))
        except Exception as error:
            guards.restore()
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            example = f"{BATCH} sequences of {HIDDEN} hidden units"
            raise InconstantError(f"its step fails for {example}: {reason}") from error
        changed = guards.changed()
        if changed is not None:
            part = changed.changed_part()
            guards.restore()
            raise InconstantError(f"its step changes {part}, which it also reads")
    pairs = zip(*results, strict=True)
    if not all(torch.allclose(first, second, equal_nan=True) for first, second in pairs):
        raise InconstantError("its step gives other numbers when it is called again")


def run(cell: Cell, dtype: torch.dtype, with_gradients: bool) -> tuple[Tensor, ...]:
    """The new states of an example."""

    def example(*shape: int) -> Tensor:
        count = torch.arange(torch.Size(shape).numel(), dtype=torch.float64)
        return count.mul_(1.7).sin_().to(dtype).view(shape)

    fields = (*cell.gates, *cell.given)
    x = named(fields)(*(example(BATCH, HIDDEN) for _ in fields))
    state = tuple(example(BATCH, HIDDEN) for _ in cell.states)
    w = named(tuple(cell.weights))(*(example(*cell.shape(name, HIDDEN)) for name in cell.weights))
    with torch.set_grad_enabled(with_gradients):
        new = cell.step(x, state, w)
    check_step(cell, new, state)
    return tuple(new)
