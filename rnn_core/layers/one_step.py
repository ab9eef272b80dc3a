"""One step of a layer for streaming and decoding, with as little around its kernel as can be.

Shapes: B sequences, I inputs, H hidden units, L layers.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from rnn_core.cells.base import Cell
from rnn_core.compiler.cpu.build import PRECISIONS, Library, library
from rnn_core.compiler.cpu.operators import rows_contiguous
from rnn_core.compiler.running.search import form_for
from rnn_core.compiler.torch_internals import (
    forward_level,
    has_global_hook,
    has_hooks,
    is_jit_tracing,
    lacking,
    modules_in,
    num_modes,
    num_overrides,
    parameters_in,
    top_transform,
)
from rnn_core.layers.execution_path import is_usual

MOST_SEQUENCES = 16
"""Sequences up to which it is quicker to read a weight as it lies than to pack it."""

FEWEST_SHARED = 1 << 20
"""Multiply-adds of a layer's step from which on it pays to share them out among threads."""

ORDINARY = frozenset((Tensor, nn.Parameter))
"""Types of tensors whose operations nobody has redefined."""

State: TypeAlias = Tensor | tuple[Tensor, ...]
"""(L, B, H), or a tuple of these for a cell with several states; (L, H) for one sequence."""


def step_alone(layer: Any, x: Tensor, hx: State | None) -> tuple[Tensor, State] | None:
    """Take a step through a layer, without a derivative.

    Args:
        layer: A `rnn_core.layers.recurrent.Recurrent` that reads in one direction.
        x: Input, (B, I) or (I,).
        hx: As for the layer's `step`.

    Returns:
        As the layer's `step` does. None if an ordinary call is due: because a gradient is
        wanted, something watches single operations, or there are tensors or a cell that this
        is not for.
    """
    if is_watched() or not is_usual() or has_hooks(layer) or (layer.training and layer.dropout):
        return None
    directions = [*modules_in(modules_in(layer)["directions"]).values()]
    states = states_of(directions, x, hx)
    if not do_fit(x, states, len(directions)):
        return None
    if x.ndim == 2:
        result = through_layers(directions, x, states)
    else:
        result = through_layers(directions, x.unsqueeze(0), [s.unsqueeze(1) for s in states])
    if result is None:
        return None
    output, after = result
    if x.ndim == 1:
        output, after = output[0], [state[:, 0] for state in after]
    return output, after[0] if len(after) == 1 else tuple(after)


def is_watched() -> bool:
    """Return whether operations are compiled, traced, transformed, or observed, if known."""
    return (
        torch.compiler.is_compiling()
        or bool(lacking)
        or torch.is_autocast_enabled("cpu")
        or top_transform() is not None
        or num_modes() > 0
        or num_overrides() > 0
        or is_jit_tracing() is not None
        or forward_level() >= 0
        or has_global_hook()
    )


def states_of(directions: Sequence[Any], x: Tensor, hx: State | None) -> Sequence[Tensor]:
    """States before a step, (L, B, H) or (L, H) each; none if they are not as is usual."""
    first = directions[0]
    count = len(first.cell.states)
    if hx is None and first.initial_state == "zeros":
        shape = (len(directions), *x.shape[:-1], first.hidden_size)
        return [x.new_zeros(shape) for _ in range(count)]
    states = (hx,) if isinstance(hx, Tensor) else hx
    return states if type(states) is tuple and len(states) == count else ()


def do_fit(x: Tensor, states: Sequence[Tensor], layers: int) -> bool:
    """Return whether an input and states fit one another, and are what this is for."""
    dtype, batch = x.dtype, x.shape[:-1]
    if not states or dtype not in PRECISIONS or (batch and batch[0] > MOST_SEQUENCES):
        return False
    if not are_ordinary((x, *states)) or not x.is_cpu or x.is_neg():
        return False
    wanted = ((layers, *batch, *states[0].shape[-1:]), dtype, True, False)
    found = [(state.shape, state.dtype, state.is_cpu, state.is_neg()) for state in states]
    return found == [wanted] * len(states)


def are_ordinary(tensors: Sequence[Tensor]) -> bool:
    """Return whether tensor operations are the usual ones, and no gradient is needed."""
    return ORDINARY.issuperset(map(type, tensors)) and not (
        torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
    )


def through_layers(
    directions: Sequence[Any], x: Tensor, states: Sequence[Tensor]
) -> tuple[Tensor, list[Tensor]] | None:
    """Take a step through all layers.

    The weights are read where they lie; nothing is kept from call to call that could differ
    from them.

    Args:
        directions: The layers, each a `rnn_core.layers.direction.RecurrentDirection`.
        x: Input, (B, I).
        states: Each (L, B, H).

    Returns:
        The output, (B, H), and the new states, each (L, B, H); None if a layer has no kernel or
        no weights for it.
    """
    batch, inputs = x.shape
    hidden, dtype = states[0].shape[2], x.dtype
    x = rows_contiguous(x)
    states = [state.contiguous() for state in states]
    after = [torch.empty_like(state) for state in states]
    output = x.new_empty(batch, hidden)
    addresses = [tensor.data_ptr() for tensor in (x, *states, *after, output)]
    if 0 in addresses:  # there are no numbers
        return None
    row, *places, seen = addresses
    stride, cell, kernel = x.stride(0), None, None
    for index, direction in enumerate(directions, start=1):
        if direction.cell is not cell:
            cell = direction.cell
            kernel = kernel_for(cell, dtype)
        weights = None if kernel is None else weights_of(direction, kernel, inputs, hidden, dtype)
        if kernel is None or weights is None:
            return None
        given = given_rows(direction, x) if kernel.interface.given else []
        if len(given) != len(kernel.interface.given):
            return None
        threads = threads_for(batch * hidden * (inputs + hidden) * len(kernel.interface.weights))
        is_last = index == len(directions)
        kernel.step(
            [
                *(batch, inputs, hidden, threads, row, stride, *places, seen if is_last else 0),
                *[number for rows in given for number in (rows.data_ptr(), rows.stride(0))],
                *[0 if weight is None else weight.data_ptr() for weight in weights],
            ]
        )
        if is_last:
            break
        row, stride, inputs = places[len(states)], hidden, hidden
        places = [place + batch * hidden * dtype.itemsize for place in places]
    return output, after


def kernel_for(cell: Cell, dtype: torch.dtype) -> Library | None:
    """The kernel of a cell; None if there is none."""
    form = form_for(cell, library, dtype)
    return None if form is None else library(form, dtype)


def weights_of(
    direction: Any, kernel: Library, inputs: int, hidden: int, dtype: torch.dtype
) -> list[Tensor | None] | None:
    """Input weight, recurrent weights and bias of a layer; None for the bias if it has none.

    Returns:
        None if they are not all there as they are used, of the usual shape and dense.
    """
    recurrent = modules_in(direction)["weights"]
    if has_hooks(direction) or has_hooks(recurrent) or makes_weights(direction):
        return None
    own, named = parameters_in(direction), parameters_in(recurrent)
    try:
        bias = own["input_bias"]
        weights = [own["input_weight"], *map(named.__getitem__, direction.cell.weights)]
    except KeyError:  # it is made of others whenever it is read
        return None
    if bias is not None:
        weights.append(bias)
    elif direction.cell.biases:
        weights = [weights[0].new_zeros(hidden) if w is None else w for w in weights]
    if not are_ordinary(weights):
        return None
    wanted = kernel.wanted.get((inputs, hidden))
    if wanted is None:
        wanted = plain_weights(direction.cell, inputs, hidden, dtype)
        kernel.wanted[inputs, hidden] = wanted
    # One number is dense in any case; others that are negated when they are read have gaps.
    found = [(w.shape, w.dtype, w.is_cpu and w.is_contiguous()) for w in weights]
    if found != wanted[: len(found)] or (hidden == 1 and any(w.is_neg() for w in weights)):
        return None
    return weights if bias is not None else [*weights, None]


def makes_weights(direction: Any) -> bool:
    """Return whether a layer makes weights of others, or draws random numbers."""
    return direction.projected is not None or bool(
        direction.training and (direction.recurrent_dropout or direction.zoneout)
    )


def plain_weights(
    cell: Cell, inputs: int, hidden: int, dtype: torch.dtype
) -> list[tuple[object, ...]]:
    """Properties of input weight, recurrent weights and bias that a kernel needs to read them.

    Returns:
        Shape, type, and whether it is dense and on the CPU.
    """
    rows = len(cell.gates) * hidden
    recurrent = [(hidden,) * len(shape) for shape in cell.weights.values()]
    return [(shape, dtype, True) for shape in ((rows, inputs), *recurrent, (rows,))]


def given_rows(direction: Any, x: Tensor) -> list[Tensor]:
    """Values for a layer's cell besides gates, (B, H) each with dense rows."""
    return [rows_contiguous(rows[0]) for rows in direction.given(x.unsqueeze(0))]


def threads_for(multiply_adds: int) -> int:
    """Number of threads that make a layer's step faster."""
    return torch.get_num_threads() if multiply_adds >= FEWEST_SHARED else 1
