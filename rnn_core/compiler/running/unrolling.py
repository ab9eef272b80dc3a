"""The loop over time: what a cell's equations mean, and what every faster way has to equal.

Shapes: T time steps, B sequences, H hidden size, G gates of the cell.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from rnn_core.cells.base import Cell, named
from rnn_core.compiler.inspection.declarations import check_step


def unroll(
    cell: Cell,
    projected_TBG: Tensor,
    state: tuple[Tensor, ...],
    weights: Iterable[Tensor],
    given_TBH: Sequence[Tensor] = (),
    present_TB1: Tensor | None = None,
    reverse: bool = False,
    every_state: bool = False,
) -> tuple[list[Tensor], tuple[Tensor, ...]]:
    """Run a cell over time, step by step, as plain operations of PyTorch.

    `unbind` yields all time steps at once; indexing step by step would make the
    backward pass quadratic in T.

    Args:
        cell: The cell to run.
        projected_TBG: `W x + b` of all steps, (T, B, G * H).
        state: Initial states, each (B, H).
        weights: Recurrent weights in the order of `cell.weights`.
        given_TBH: What the cell reads besides gates, (T, B, H) each, in the order of
            `cell.given`.
        present_TB1: Where a sequence still goes on, bool (T, B, 1); elsewhere the
            state stands still. None: everywhere.
        reverse: Run from the last step to the first.
        every_state: Whether all states are wanted at all steps, not only the output.

    Returns:
        The states at all steps, (T, B, H) each, in the order of the input: the output
        alone or all of them; and the final states.
    """
    gates = projected_TBG.chunk(len(cell.gates), dim=-1)
    fields = named((*cell.gates, *cell.given))
    steps = [
        fields(*step) for step in zip(*(g.unbind(0) for g in (*gates, *given_TBH)), strict=True)
    ]
    w = named(tuple(cell.weights))(*weights)
    present = present_TB1.unbind(0) if present_TB1 is not None else None
    order = range(len(steps))
    passed: list[tuple[Tensor, ...]] = []
    for t in reversed(order) if reverse else order:
        new = cell.step(steps[t], state, w)
        if not passed:
            check_step(cell, new, state)
        if present is not None:
            pairs = zip(new, state, strict=True)
            new = tuple(torch.where(present[t], after, before) for after, before in pairs)
        state = new
        passed.append(state if every_state else state[:1])
    if reverse:
        passed.reverse()
    return [torch.stack(states) for states in zip(*passed, strict=True)], state
