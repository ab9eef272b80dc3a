"""The cells that cuDNN has, run by PyTorch's own functions for them.

`torch.nn.RNN`, `LSTM` and `GRU` call the same functions, which use cuDNN on a GPU; on the CPU
they compute the same numbers, which is how this module is tested.

cuDNN runs forward in time, keeps the values of every step for the output alone, and has no
second derivative.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from rnn_core.cells import get_cell
from rnn_core.cells.base import Cell
from rnn_core.compiler.torch_internals import CUDNNS


def function_of(cell: Cell) -> Callable[..., Any] | None:
    """PyTorch's function for a cell; None for a subclass, which may compute something else."""
    same = (name for name in CUDNNS if type(get_cell(name)) is type(cell))
    return next((CUDNNS[name] for name in same), None)


def is_cudnns(cell: Cell) -> bool:
    """Return whether cuDNN has a cell."""
    return function_of(cell) is not None


def run_cudnn(
    cell: Cell,
    x: Tensor,
    input_weight: Tensor,
    input_bias: Tensor,
    first: Sequence[Tensor],
    weights: Sequence[Tensor],
    given: Sequence[Tensor],
    present: Tensor | None,
    reverse: bool,
) -> tuple[list[Tensor], list[Tensor]]:
    """Run a cell over time.

    Args:
        cell: One of cuDNN's cells.
        x: Input, (T, B, I).
        input_weight: (G * H, I).
        input_bias: (G * H,).
        first: Initial states, each (B, H).
        weights: Recurrent weights in the order of the cell.
        given: Nothing: such a cell reads its gates only.
        present: Where sequences still go on, bool (T, B), from the first step to the
            length of each; None: everywhere.
        reverse: Run from the last step to the first.

    Returns:
        The output at all steps, (T, B, H), 0 where no sequence is; and all final states,
        (B, H) each.
    """
    recurrent = dict(zip(cell.weights, weights, strict=True))
    flat = flat_weights(cell, input_weight, input_bias, recurrent)
    starts = [state.unsqueeze(0).contiguous() for state in first]
    lengths = None if present is None else present.sum(0)
    x = turned(x, lengths) if reverse else x
    function = function_of(cell)
    assert function is not None
    outputs, finals = call(function, x, starts, flat, lengths)
    outputs = turned(outputs, lengths) if reverse else outputs
    if lengths is not None:
        # A sequence of no steps was given one, and keeps its initial state all the same.
        none = (lengths == 0).unsqueeze(-1)
        finals = [torch.where(none, a, b) for a, b in zip(first, finals, strict=True)]
        outputs = outputs.masked_fill(none, 0)
    return [outputs], finals


def call(
    function: Callable[..., Any],
    x: Tensor,
    starts: Sequence[Tensor],
    flat: Sequence[Tensor],
    lengths: Tensor | None,
) -> tuple[Tensor, list[Tensor]]:
    """Call PyTorch's function: one layer, one direction, with biases and without dropout.

    Returns:
        Outputs (T, B, H), and final states, (B, H) each.
    """
    state = tuple(starts) if len(starts) > 1 else starts[0]
    # cuDNN keeps what a backward pass needs only while it "trains".
    options = (True, 1, 0.0, torch.is_grad_enabled(), False)
    if lengths is None:
        outputs, *finals = function(x, state, flat, *options, False)
        return outputs, [final.squeeze(0) for final in finals]
    packed = pack_padded_sequence(x, lengths.clamp(min=1).cpu(), enforce_sorted=False)
    data, sizes, order, back = packed
    assert order is not None
    sorted_starts = [start.index_select(1, order) for start in starts]
    state = tuple(sorted_starts) if len(starts) > 1 else sorted_starts[0]
    data, *finals = function(data, sizes, state, flat, *options)
    outputs, _ = pad_packed_sequence(
        PackedSequence(data, sizes, order, back), total_length=x.shape[0]
    )
    return outputs, [final.squeeze(0).index_select(0, back) for final in finals]


def flat_weights(
    cell: Cell, input_weight: Tensor, input_bias: Tensor, recurrent: Mapping[str, Tensor]
) -> list[Tensor]:
    """Input weight, recurrent weight and their biases as PyTorch has them.

    They are views of one stretch of memory: cuDNN wants that, and copies the weights at every
    call, with a warning, where it is not so.
    """
    hidden = input_weight.shape[0] // len(cell.gates)
    matrices = torch.cat([recurrent[gate].t() for gate in cell.gates])
    biases = torch.cat(list(recurrent_biases(cell, input_bias.new_zeros(hidden), recurrent)))
    parts = [input_weight, matrices, input_bias, biases]
    whole = torch.cat([part.reshape(-1) for part in parts])
    pieces = whole.split([part.numel() for part in parts])
    return [piece.view(part.shape) for piece, part in zip(pieces, parts, strict=True)]


def recurrent_biases(
    cell: Cell, zeros: Tensor, recurrent: Mapping[str, Tensor]
) -> Iterator[Tensor]:
    """The recurrent bias of every gate: only the new state of the GRU has one, called c."""
    for gate in cell.gates:
        yield recurrent["c"] if gate == "n" else zeros


def turned(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Every sequence of (T, B, ...) from its last step to its first; padding stays behind."""
    if lengths is None:
        return x.flip(0)
    steps = torch.arange(x.shape[0], device=x.device).unsqueeze(-1)
    source = torch.where(steps < lengths, lengths - 1 - steps, steps)
    # Not `gather`, whose derivative on a GPU is not deterministic.
    return x[source, torch.arange(x.shape[1], device=x.device)]
