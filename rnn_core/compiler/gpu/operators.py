"""Generated Triton programs as operators of PyTorch, with their derivative.

Shapes: T steps, B sequences, H hidden units, G gates, S states.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from rnn_core.cells.base import Cell
from rnn_core.compiler.gpu.launching import (
    blocks,
    launch,
    named_tensors,
    programs,
    weight_arguments,
)
from rnn_core.compiler.running.differentiation import (
    CELLS,
    are_differentiated,
    by_the_loop,
    differentiable_gradients,
)
from rnn_core.compiler.running.readable import in_memory, is_differentiable


def run_forward(
    gates: Tensor,
    first: Sequence[Tensor],
    weights: Sequence[Tensor],
    given: Sequence[Tensor],
    present: Tensor | None,
    reverse: bool,
    keep: bool,
    key: str,
) -> list[Tensor]:
    """Run a cell over time.

    Args:
        gates: Projected input, (T, B, G * H).
        first: Initial states, each (B, H).
        weights: Recurrent weights in the order of the cell.
        given: What the cell reads besides gates, each (T, B, H), in its order.
        present: Where sequences still go on, bool (T, B); None: everywhere.
        reverse: Run from the last step to the first.
        keep: Whether to keep what a backward pass needs.
        key: The packed form of the cell.

    Returns:
        For every state its values at all steps, (T, B, H); then its last, (B, H); then the
        two tensors that were kept.
    """
    found = programs(key)
    interface = found.interface
    every, saved, columns = forward_results(gates, first, keep, interface)
    batch, hidden = first[0].shape
    values: dict[str, Any] = named_tensors("first", interface.states, first)
    values |= named_tensors("given", interface.given, given)
    values |= named_tensors("all", interface.states, every)
    values |= weight_arguments(interface, weights, interface.forward_matrices)
    values |= {"gates": gates.contiguous(), "saved": saved, "saved_columns": columns}
    values["scratch"] = gates.new_empty(max(1, interface.forward_lefts), batch, hidden)
    values |= {"REVERSE": reverse, "KEEP": keep}
    launch(found.forward, gates, hidden, len(interface.forward_matrices), present, values)
    last = 0 if reverse else -1
    return [*every, *(states[last].clone() for states in every), saved, columns]


def forward_results(
    gates: Tensor, first: Sequence[Tensor], keep: bool, interface: Any
) -> tuple[list[Tensor], Tensor, Tensor]:
    """Memory for the states at all steps, and for the planes and columns that are kept."""
    steps, batch = gates.shape[:2]
    hidden = first[0].shape[1]
    every = [gates.new_empty(steps, batch, hidden) for _ in first]
    kept = steps if keep else 0
    saved = gates.new_empty(kept, batch, interface.saved_rows, hidden)
    return every, saved, gates.new_empty(kept, batch, interface.saved_columns)


def shape_forward(
    gates: Tensor,
    first: Sequence[Tensor],
    weights: Sequence[Tensor],
    given: Sequence[Tensor],
    present: Tensor | None,
    reverse: bool,
    keep: bool,
    key: str,
) -> list[Tensor]:
    """Results of `run_forward` as empty tensors of the right shapes."""
    every, saved, columns = forward_results(gates, first, keep, programs(key).interface)
    return [*every, *(torch.empty_like(states[0]) for states in every), saved, columns]


def run_backward(
    seen: Sequence[Tensor | None],
    last: Sequence[Tensor | None],
    first: Sequence[Tensor],
    weights: Sequence[Tensor],
    given: Sequence[Tensor],
    present: Tensor | None,
    every: Sequence[Tensor],
    saved: Tensor,
    columns: Tensor,
    reverse: bool,
    key: str,
) -> list[Tensor]:
    """The derivative of `run_forward`.

    Args:
        seen: Gradients of the states at all steps, each (T, B, H) or None.
        last: Gradients of the last states, each (B, H) or None.
        first: As for `run_forward`.
        weights: As for `run_forward`.
        given: As for `run_forward`.
        present: As for `run_forward`.
        every: States at all steps.
        saved: Planes that `run_forward` kept.
        columns: Columns that it kept.
        reverse: As for `run_forward`.
        key: As for `run_forward`.

    Returns:
        Gradients of the projected input, initial states and recurrent weights.
    """
    found = programs(key)
    interface = found.interface
    steps, batch, hidden = every[0].shape
    rights = saved.new_empty(steps, batch, interface.rights, hidden)
    sums = saved.new_empty(blocks(batch), len(interface.vectors), hidden)
    d_first = [torch.empty_like(state, memory_format=torch.contiguous_format) for state in first]
    values: dict[str, Any] = named_tensors("first", interface.states, first)
    values |= named_tensors("given", interface.given, given)
    values |= named_tensors("all", interface.states, every)
    values |= named_tensors("first_gradient", interface.states, d_first)
    values |= weight_arguments(interface, weights, interface.backward_matrices)
    values |= {"saved": saved, "saved_columns": columns, "rights": rights, "sums": sums}
    values["scratch"] = saved.new_empty(max(1, interface.backward_lefts), batch, hidden)
    for kind, gradients in (("seen", seen), ("last", last)):
        for name, gradient in zip(interface.states, gradients, strict=True):
            values[f"{kind.upper()}_{name}"] = gradient is not None
            values[f"{kind}_{name}"] = saved if gradient is None else gradient.contiguous()
    values["REVERSE"] = reverse
    num_matrices = len(interface.backward_matrices)
    launch(found.backward, every[0], hidden, num_matrices, present, values)
    operands = Operands(every, first, given, saved, rights, reverse)
    d_weights = weight_gradients(interface, weights, operands, sums.sum(0))
    return [gate_gradients(rights, interface.gates), *d_first, *d_weights]


def gate_gradients(rights: Tensor, indices: Sequence[int]) -> Tensor:
    """The gradient of the projected input, (T, B, G * H), from planes (T, B, R, H)."""
    if list(indices) == list(range(rights.shape[2])):
        return rights.flatten(2)
    return torch.cat([rights[:, :, index] for index in indices], dim=-1)


@dataclass(frozen=True)
class Operands:
    """Operands of the products that gradients of matrices consist of; see `run_backward`."""

    every: Sequence[Tensor]
    first: Sequence[Tensor]
    given: Sequence[Tensor]
    saved: Tensor
    rights: Tensor
    reverse: bool

    def rows(self, kind: str, index: int) -> Tensor:
        """An operand, (T * B, H)."""
        if kind == "state":
            return self.previous(index).flatten(0, 1)
        if kind == "given":
            return self.given[index].flatten(0, 1)
        planes = self.saved if kind == "saved" else self.rights
        return planes[:, :, index].flatten(0, 1)

    def previous(self, index: int) -> Tensor:
        """A state before every step, (T, B, H)."""
        states, start = self.every[index], self.first[index].unsqueeze(0)
        parts = [states[1:], start] if self.reverse else [start, states[:-1]]
        return torch.cat(parts)


def weight_gradients(
    interface: Any, weights: Sequence[Tensor], operands: Operands, sums: Tensor
) -> Iterator[Tensor]:
    """Gradients of all weights: of a matrix products over all steps, of a vector its sum."""
    for name, weight in zip(interface.weights, weights, strict=True):
        if name in interface.vectors:
            total = sums[list(interface.vectors).index(name)]
            yield total.clone() if weight.ndim else total.sum()
            continue
        total = torch.zeros_like(weight, memory_format=torch.contiguous_format)
        for left, right in interface.outer[name]:
            total.addmm_(operands.rows(*left).t(), operands.rows(*right))
        yield total


def shape_backward(
    seen: Sequence[Tensor | None],
    last: Sequence[Tensor | None],
    first: Sequence[Tensor],
    weights: Sequence[Tensor],
    given: Sequence[Tensor],
    present: Tensor | None,
    every: Sequence[Tensor],
    saved: Tensor,
    columns: Tensor,
    reverse: bool,
    key: str,
) -> list[Tensor]:
    """Results of `run_backward` as empty tensors of the right shapes."""
    steps, batch, hidden = every[0].shape
    gates = len(programs(key).interface.gates)
    return [
        saved.new_empty(steps, batch, gates * hidden),
        *(torch.empty_like(t, memory_format=torch.contiguous_format) for t in (*first, *weights)),
    ]


unroll = torch.library.custom_op("gatewise::unroll_programs", run_forward, mutates_args=())
unroll.register_fake(shape_forward)
unroll_backward = torch.library.custom_op(
    "gatewise::unroll_programs_backward", run_backward, mutates_args=()
)
unroll_backward.register_fake(shape_backward)


def set_up_operator(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    """Remember what the derivative needs."""
    gates, first, weights, given, present, reverse, _, key = inputs
    ctx.set_materialize_grads(False)
    ctx.counts = (len(first), len(weights), len(given))
    ctx.options, ctx.cell = (reverse, key), CELLS.get(key)
    every, kept = output[: len(first)], output[-2:]
    ctx.save_for_backward(gates, present, *kept, *first, *weights, *given, *every)


def differentiate_operator(ctx: Any, gradients: Sequence[Tensor | None]) -> tuple[Any, ...]:
    """The derivative of the operator."""
    states, num_weights, num_given = ctx.counts
    gates, present, saved, columns, *rest = ctx.saved_tensors
    first, rest = rest[:states], rest[states:]
    weights, rest = rest[:num_weights], rest[num_weights:]
    given, every = rest[:num_given], rest[num_given:]
    seen = in_memory(gradients[: 2 * states])
    if are_differentiated(seen):

        def run(gates: Tensor, *others: Tensor) -> list[Tensor]:
            options = (given, present, *ctx.options)
            return by_the_loop(ctx.cell, gates, others[:states], others[states:], *options)

        found = differentiable_gradients(run, (gates, *first, *weights), seen)
    else:
        found = unroll_backward(
            seen[:states],
            seen[states:],
            first,
            weights,
            given,
            present,
            every,
            saved,
            columns,
            *ctx.options,
        )
    d_gates, *others = found
    undone = ([None] * num_given, None, None, None, None)  # given, present, reverse, keep, key
    return d_gates, others[:states], others[states:], *undone


unroll.register_autograd(differentiate_operator, setup_context=set_up_operator)


def run_program(
    cell: Cell,
    x: Tensor,
    input_weight: Tensor,
    input_bias: Tensor,
    first: Sequence[Tensor],
    weights: Sequence[Tensor],
    given: Sequence[Tensor],
    present: Tensor | None,
    reverse: bool,
    key: str,
) -> tuple[list[Tensor], list[Tensor]]:
    """Run a cell's programs; arguments as for `differentiation.run_over_time`.

    Returns:
        For every state its values at all steps, (T, B, H), and its last value, (B, H).
    """
    tensors = (x, input_weight, input_bias, *first, *weights)
    keep = is_differentiable(tensors)
    if not torch.compiler.is_compiling():
        CELLS[key] = cell
    gates = functional.linear(x, input_weight, input_bias)
    results = unroll(gates, first, weights, given, present, reverse, keep, key)
    every, last = results[: len(first)], results[len(first) : 2 * len(first)]
    # The derivative reads these states; the caller may change his in place.
    return [part.clone() for part in every] if keep else list(every), list(last)
