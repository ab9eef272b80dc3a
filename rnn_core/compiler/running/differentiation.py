"""Derivatives of kernels: the first by a kernel, higher ones by autograd through the loop.

Shapes: T steps, B sequences, I inputs, H hidden units, G gates.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias
from weakref import WeakValueDictionary

import torch
from torch import Tensor
from torch.nn import functional

from rnn_core.cells.base import Cell
from rnn_core.compiler import interpreter
from rnn_core.compiler.cpu import operators
from rnn_core.compiler.running import anywhere
from rnn_core.compiler.running.readable import (
    are_operations_seen,
    are_plain,
    in_memory,
    is_differentiable,
    stands_for_others,
)
from rnn_core.compiler.running.unrolling import unroll
from rnn_core.compiler.torch_internals import version_of

Gradients: TypeAlias = list[Tensor | None]

CELLS: WeakValueDictionary[str, Cell] = WeakValueDictionary()
"""Cells by their kernels' keys; an operator is given a key only."""


class Call(NamedTuple):
    """Arguments of a kernel; see `operators.run_forward`."""

    x: Tensor
    input_weight: Tensor
    input_bias: Tensor
    first: Sequence[Tensor]
    weights: Sequence[Tensor]
    given: Sequence[Tensor]
    present: Tensor | None
    reverse: bool
    key: str

    def run(self, keep: bool, whole: bool = True) -> list[Tensor]:
        """Call `operators.run_forward`."""
        return operators.run_forward(*self[:-1], keep, self.key, whole)


class Kept(NamedTuple):
    """Inputs of a backward pass: the call, what its kernel saved, all states at all steps."""

    call: Call
    saved: Tensor
    every: Sequence[Tensor]


def remember(ctx: Any, cell: Cell | None, kept: Kept) -> None:
    """Leave what the derivative needs with autograd."""
    call = kept.call
    ctx.set_materialize_grads(False)
    ctx.cell, ctx.options = cell, (call.reverse, call.key)
    ctx.counts = len(call.first), len(call.weights), len(call.given)
    tensors = (*call[:3], *call.first, *call.weights, *call.given, call.present)
    ctx.save_for_backward(*tensors, kept.saved, *kept.every)


def recall(ctx: Any) -> Kept:
    """Return the values that `remember` stored."""
    states, num_weights, num_given = ctx.counts
    x, input_weight, input_bias, *rest = ctx.saved_tensors
    first, rest = rest[:states], rest[states:]
    weights, rest = rest[:num_weights], rest[num_weights:]
    given, (present, saved, *every) = rest[:num_given], rest[num_given:]
    call = Call(x, input_weight, input_bias, first, weights, given, present, *ctx.options)
    return Kept(call, saved, every)


def are_differentiated(gradients: Gradients) -> bool:
    """Return whether results of these gradients are differentiated again, or batched."""
    some = (gradient for gradient in gradients if gradient is not None)
    return torch.is_grad_enabled() or any(stands_for_others(gradient) for gradient in some)


def kernel_gradients(
    kept: Kept, gradients: Gradients, needs_x: bool, backward: Callable[..., list[Tensor]]
) -> Gradients:
    """Gradients of x, input weight, input bias, initial states and recurrent weights."""
    call, saved, every = kept
    seen, last = gradients[: len(every)], gradients[len(every) :]
    tensors = (call.x, call.input_weight, call.first, call.weights, call.given, call.present)
    options = (call.reverse, needs_x, call.key)
    d_x, *others = backward(seen, last, *tensors, every, saved, *options)
    return [d_x if needs_x else None, *others]


def loop_gradients(call: Call, cell: Cell | None, gradients: Gradients) -> Gradients:
    """The same by the eager loop, to be differentiated further."""

    def run(x: Tensor, weight: Tensor, bias: Tensor, *rest: Tensor) -> list[Tensor]:
        projected = functional.linear(x, weight, bias)
        states = len(call.first)
        options = (call.given, call.present, call.reverse, call.key)
        return by_the_loop(cell, projected, rest[:states], rest[states:], *options)

    tensors = (*call[:3], *call.first, *call.weights)
    return differentiable_gradients(run, tensors, gradients)


def by_the_loop(
    cell: Cell | None,
    projected: Tensor,
    first: Sequence[Tensor],
    weights: Sequence[Tensor],
    given: Sequence[Tensor],
    present: Tensor | None,
    reverse: bool,
    key: str,
) -> list[Tensor]:
    """Compute a kernel's results by the eager loop: states at all steps, then the last ones.

    Args:
        cell: The kernel's cell; None in an exported program, whose form is interpreted.
        projected: Projected input, (T, B, G * H).
        first: As for `operators.run_forward`, and so are all others.
        weights: Recurrent weights.
        given: What the cell reads besides gates.
        present: Where sequences still go on, bool (T, B); None: everywhere.
        reverse: Run from the last step to the first.
        key: The packed form of the cell.
    """
    if cell is None:
        run = anywhere.unrolled(key, len(projected), first, weights, given, present, reverse)
        return interpreter.forward(run, projected, first, None)
    here = None if present is None else present.unsqueeze(-1)
    every, last = unroll(
        cell, projected, tuple(first), weights, given, here, reverse, every_state=True
    )
    return [*every, *last]


def differentiable_gradients(
    run: Callable[..., Sequence[Tensor]], tensors: Sequence[Tensor], gradients: Gradients
) -> Gradients:
    """Gradients by autograd, which can differentiate them in turn where grad mode is on.

    Args:
        run: What to differentiate, in plain operations of PyTorch.
        tensors: Its arguments.
        gradients: Of its results; None for zeros.

    Returns:
        The gradient of each argument; None for zeros.
    """
    further = torch.is_grad_enabled()
    with torch.enable_grad(), torch.autocast(tensors[0].device.type, enabled=False):
        # What the tensors were made of is not asked for: autograd stops at these views.
        stops = [t.view_as(t) if t.requires_grad else t for t in tensors]
        results = run(*stops)
    pairs = zip(results, gradients, strict=True)
    wanted = [(r, g) for r, g in pairs if g is not None and r.requires_grad]
    leaves = [stop for stop in stops if stop.requires_grad]
    if not wanted or not leaves:
        return [None] * len(stops)
    outputs, cotangents = zip(*wanted, strict=True)
    options = {"create_graph": further, "allow_unused": True}
    found = iter(torch.autograd.grad(outputs, leaves, cotangents, **options))
    return [next(found) if stop.requires_grad else None for stop in stops]


def set_up_operator(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    """Prepare the derivative of the operator."""
    call = Call._make((*inputs[:8], inputs[9]))
    remember(ctx, CELLS.get(call.key), Kept(call, output[-1], output[: len(call.first)]))


def differentiate_operator(ctx: Any, gradients: Sequence[Tensor | None]) -> tuple[Any, ...]:
    """The derivative of the operator."""
    kept = recall(ctx)
    states, _, num_given = ctx.counts
    seen = in_memory(gradients[: 2 * states])
    if are_differentiated(seen):
        found = loop_gradients(kept.call, ctx.cell, seen)
    else:
        needs_x = ctx.needs_input_grad[0]
        found = kernel_gradients(kept, seen, needs_x, operators.unroll_backward)
    d_x, d_weight, d_bias, *others = found
    undone = ([None] * num_given, *[None] * 5)  # given, present, reverse, keep, key, whole
    return d_x, d_weight, d_bias, others[:states], others[states:], *undone


operators.unroll.register_autograd(differentiate_operator, setup_context=set_up_operator)


class Unrolling(torch.autograd.Function):
    """The operator without its dispatch, which costs more than a small kernel's run.

    The caller may change the outputs in place, as those of `torch.nn`, although the derivative
    reads them: then the kernel, whose inputs are still there, computes them once more. What
    is written through `.data` or NumPy is not noticed, as nowhere in autograd.
    """

    @staticmethod
    def forward(
        ctx: Any, cell: Cell, options: tuple[Any, ...], *tensors: Tensor
    ) -> tuple[Tensor, ...]:
        """Run the kernel.

        Args:
            ctx: Autograd's.
            cell: The kernel's cell.
            options: Number of states; given, present, reverse and key as in
                `operators.run_forward`.
            tensors: x, input weight, input bias, initial states, recurrent weights.
        """
        states, given, present, reverse, key = options
        x, weight, bias, *rest = tensors
        first, weights = rest[:states], rest[states:]
        call = Call(x, weight, bias, first, weights, given, present, reverse, key)
        *outputs, saved = call.run(keep=True)
        every = outputs[:states]
        ctx.witnesses = [witness(part) for part in every]
        ctx.versions = [version_of(part) for part in ctx.witnesses]
        # As tensors of their own, since autograd refuses tensors that were changed.
        remember(ctx, cell, Kept(call, saved, [part.data for part in every]))
        return tuple(outputs)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        """Run the kernel of the derivative."""
        seen = in_memory(gradients)
        kept = recall(ctx)
        if are_differentiated(seen):
            return None, None, *loop_gradients(kept.call, ctx.cell, seen)
        if [version_of(part) for part in ctx.witnesses] != ctx.versions:
            *outputs, saved = kept.call.run(keep=True)
            kept = Kept(kept.call, saved, outputs[: len(kept.every)])
        plain = are_plain(g for g in seen if g is not None) and not are_operations_seen()
        backward = operators.run_backward if plain else operators.unroll_backward
        return None, None, *kernel_gradients(kept, seen, ctx.needs_input_grad[2], backward)


def witness(tensor: Tensor) -> Tensor:
    """A tensor without memory, whose version is another's: it reveals changes in place."""
    shadow = tensor.detach()
    shadow.data = tensor.new_empty(0)
    return shadow


def run_over_time(
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
    every_state: bool = True,
) -> tuple[list[Tensor], list[Tensor]]:
    """Run a cell's kernel; see `operators.run_forward`.

    Args:
        cell: The cell.
        x: As for `operators.run_forward`, and so are all others.
        input_weight: (G * H, I).
        input_bias: (G * H,).
        first: Initial states.
        weights: Recurrent weights.
        given: What the cell reads besides gates.
        present: Where sequences still go on, bool (T, B) or (T, 1); None: everywhere.
        reverse: Run from the last step to the first.
        key: The cell's kernel.
        every_state: Whether all states are wanted at all steps.

    Returns:
        For every state its values at all steps, (T, B, H), and its last value, (B, H); where
        only the first is wanted at all steps, the others are not to be read.
    """
    tensors = (x, input_weight, input_bias, *first, *weights)
    keep = is_differentiable(tensors)
    present = None if present is None else present.expand(x.shape[:2]).contiguous()
    states = len(first)
    call = Call(x, input_weight, input_bias, first, weights, given, present, reverse, key)
    if are_plain((*tensors, *given)) and not are_operations_seen():
        if keep:
            options = (states, given, present, reverse, key)
            results = Unrolling.apply(cell, options, *tensors)  # type: ignore[no-untyped-call]
        else:
            *results, _ = call.run(keep, every_state)
        return list(results[:states]), list(results[states:])
    if not torch.compiler.is_compiling():
        CELLS[key] = cell
    results = operators.unroll(*call[:-1], keep, key, True)
    every, last = results[:states], results[states : 2 * states]
    # The derivative reads these states; the caller may change his in place.
    return [part.clone() for part in every] if keep else list(every), list(last)
