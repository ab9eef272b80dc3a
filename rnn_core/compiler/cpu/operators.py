"""The kernels as operators of PyTorch, known to torch.compile and torch.export.

Shapes: T steps, B sequences, I inputs, H hidden units, G gates, S states.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from rnn_core.compiler.cpu.buffers import POOL
from rnn_core.compiler.cpu.build import Interface, Library, interface_of, library
from rnn_core.compiler.running import anywhere

BLOCK = 64
"""Sequences that a thread takes through all steps together; their states stay in its cache."""


def run_forward(
    x: Tensor,
    input_weight: Tensor,
    input_bias: Tensor,
    first: Sequence[Tensor],
    weights: Sequence[Tensor],
    given: Sequence[Tensor],
    present: Tensor | None,
    reverse: bool,
    keep: bool,
    key: str,
    whole: bool,
) -> list[Tensor]:
    """Run a cell over time.

    Args:
        x: Input, (T, B, I).
        input_weight: (G * H, I).
        input_bias: (G * H,).
        first: Initial states, each (B, H).
        weights: Recurrent weights in the order of the cell.
        given: What the cell reads besides gates, each (T, B, H), in its order.
        present: Where sequences still go on, bool (T, B); None: everywhere.
        reverse: Run from the last step to the first.
        keep: Whether to keep what a backward pass needs.
        key: The packed form of the cell, which the kernel is found by, or compiled from.
        whole: Whether all states are wanted at all steps, as a backward pass does, not only
            the first.

    Returns:
        For every state its values at all steps, (T, B, H), or at two where it is not whole;
        then its last, (B, H); then what was kept, flat.
    """
    kernel = library(key, x.dtype)
    x = rows_contiguous(x)
    steps, batch, hidden = *x.shape[:2], first[0].shape[1]
    lengths = [kept_steps(index, steps, whole) for index in range(len(first))]
    every = [POOL.empty(length, batch, hidden, dtype=x.dtype) for length in lengths]
    size = saved_size(kernel.interface, steps, batch, hidden) if keep else 0
    saved = POOL.empty(size, dtype=x.dtype)
    tensors = [input_weight.contiguous(), input_bias.contiguous()]
    tensors += [t.contiguous() for t in (*weights, *first)]
    values = arguments(kernel, x, tensors, every, present, reverse)
    rows = [rows_contiguous(tensor) for tensor in given]
    values |= given_arguments(kernel, rows) | {"saved": saved.data_ptr() if keep else 0}
    run(kernel, "forward", values | {"whole": whole}, x.dtype)
    last = 0 if reverse else steps - 1
    return [*every, *(states[last % len(states)].clone() for states in every), saved]


def kept_steps(index: int, steps: int, whole: bool) -> int:
    """For how many steps there is memory of a state: of the others the last two are enough."""
    return steps if whole or index == 0 else 2


def shape_forward(
    x: Tensor,
    input_weight: Tensor,
    input_bias: Tensor,
    first: Sequence[Tensor],
    weights: Sequence[Tensor],
    given: Sequence[Tensor],
    present: Tensor | None,
    reverse: bool,
    keep: bool,
    key: str,
    whole: bool,
) -> list[Tensor]:
    """Results of `run_forward` as empty tensors of the right shapes."""
    steps, batch, hidden = *x.shape[:2], first[0].shape[1]
    lengths = [kept_steps(index, steps, whole) for index in range(len(first))]
    every = [x.new_empty(length, batch, hidden) for length in lengths]
    size = saved_size(interface_of(key), steps, batch, hidden) if keep else 0
    return [*every, *(x.new_empty(batch, hidden) for _ in first), x.new_empty(size)]


def run_backward(
    seen: Sequence[Tensor | None],
    last: Sequence[Tensor | None],
    x: Tensor,
    input_weight: Tensor,
    first: Sequence[Tensor],
    weights: Sequence[Tensor],
    given: Sequence[Tensor],
    present: Tensor | None,
    every: Sequence[Tensor],
    saved: Tensor,
    reverse: bool,
    with_input: bool,
    key: str,
) -> list[Tensor]:
    """The derivative of `run_forward`.

    Args:
        seen: Gradients of the states at all steps, each (T, B, H) or None.
        last: Gradients of the last states, each (B, H) or None.
        x: As for `run_forward`.
        input_weight: As for `run_forward`.
        first: As for `run_forward`.
        weights: As for `run_forward`.
        given: As for `run_forward`.
        present: As for `run_forward`.
        every: States at all steps.
        saved: What `run_forward` kept.
        reverse: As for `run_forward`.
        with_input: Whether the gradient of the input is wanted.
        key: As for `run_forward`.

    Returns:
        Gradients of input (empty if not wanted), input weight, input bias, initial states
        and recurrent weights.
    """
    kernel = library(key, x.dtype)
    x = rows_contiguous(x)
    hidden = first[0].shape[1]
    tensors = [input_weight.contiguous(), x, *(t.contiguous() for t in (*weights, *first))]
    values = arguments(kernel, x, tensors, every, present, reverse) | {"saved": saved.data_ptr()}
    given_rows = [rows_contiguous(tensor) for tensor in given]
    values |= given_arguments(kernel, given_rows)
    zeros = x.new_zeros(hidden)
    held = [zeros]
    for name, all_steps, final in zip(kernel.interface.states, seen, last, strict=True):
        rows = zeros if all_steps is None else rows_contiguous(all_steps)
        strides = (0, 0) if all_steps is None else rows.stride()[:2]
        end = None if final is None else final.contiguous()
        held += [rows] if end is None else [rows, end]
        values |= {f"seen_{name}": rows.data_ptr()}
        values |= {f"seen_step_{name}": strides[0], f"seen_sequence_{name}": strides[1]}
        values |= {f"last_{name}": 0 if end is None else end.data_ptr()}
    gradients = gradients_like(kernel.interface, x, input_weight, first, weights, with_input)
    for name, gradient in gradients.items():
        values[name] = gradient.data_ptr()
    run(kernel, "backward", values, x.dtype)
    return list(gradients.values())


def shape_backward(
    seen: Sequence[Tensor | None],
    last: Sequence[Tensor | None],
    x: Tensor,
    input_weight: Tensor,
    first: Sequence[Tensor],
    weights: Sequence[Tensor],
    given: Sequence[Tensor],
    present: Tensor | None,
    every: Sequence[Tensor],
    saved: Tensor,
    reverse: bool,
    with_input: bool,
    key: str,
) -> list[Tensor]:
    """Results of `run_backward` as empty tensors of the right shapes."""
    gradients = gradients_like(interface_of(key), x, input_weight, first, weights, with_input)
    return list(gradients.values())


def gradients_like(
    interface: Interface,
    x: Tensor,
    input_weight: Tensor,
    first: Sequence[Tensor],
    weights: Sequence[Tensor],
    with_input: bool,
) -> dict[str, Tensor]:
    """Memory for all gradients, by the kernel's name, in the order that they are returned."""
    shape = x.shape if with_input else (0,)
    gradients = {
        "x_gradient": x.new_empty(shape),
        "input_weight_gradient": x.new_empty(input_weight.shape),
        "input_bias_gradient": x.new_empty(input_weight.shape[0]),
    }
    for name, state in zip(interface.states, first, strict=True):
        gradients[f"first_gradient_{name}"] = x.new_empty(state.shape)
    for name, weight in zip(interface.weights, weights, strict=True):
        gradients[f"weight_gradient_{name}"] = x.new_empty(weight.shape)
    return gradients


def saved_size(interface: Interface, steps: int, batch: int, hidden: int) -> int:
    """Count of the numbers that the forward pass keeps."""
    return steps * batch * (interface.saved_rows * hidden + interface.saved_columns)


def rows_contiguous(x: Tensor) -> Tensor:
    """A tensor whose last dimension is dense; the strides of the others are the kernel's."""
    return x if x.stride(-1) == 1 or x.shape[-1] == 1 else x.contiguous()


def arguments(
    kernel: Library,
    x: Tensor,
    tensors: Sequence[Tensor],
    every: Sequence[Tensor],
    present: Tensor | None,
    reverse: bool,
) -> dict[str, int]:
    """Arguments that both directions share.

    Args:
        kernel: The kernel.
        x: Input, (T, B, I), its rows dense.
        tensors: Input weight, input bias (or anything), recurrent weights, initial states.
        every: States at all steps.
        present: See `run_forward`.
        reverse: See `run_forward`.
    """
    interface = kernel.interface
    steps, batch, inputs = x.shape
    threads = torch.get_num_threads()
    share = -(-batch // threads)
    block = min(BLOCK, max(8, -(-share // 8) * 8))
    values = {"T": steps, "B": batch, "I": inputs, "H": every[0].shape[2]}
    values |= {"threads": min(threads, -(-batch // block)), "block": block, "reverse": reverse}
    values |= {"x": x.data_ptr(), "x_step": x.stride(0), "x_sequence": x.stride(1)}
    values |= {"present": 0 if present is None else present.data_ptr()}
    names = ["input_weight", "input_bias", *(f"weight_{name}" for name in interface.weights)]
    names += [f"first_{name}" for name in interface.states]
    values |= {name: tensor.data_ptr() for name, tensor in zip(names, tensors, strict=True)}
    return values | {
        f"all_{name}": states.data_ptr()
        for name, states in zip(interface.states, every, strict=True)
    }


def given_arguments(kernel: Library, given: Sequence[Tensor]) -> dict[str, int]:
    """Arguments for what a cell reads besides gates, each (T, B, H) with dense rows."""
    values: dict[str, int] = {}
    for name, tensor in zip(kernel.interface.given, given, strict=True):
        values |= {f"given_{name}": tensor.data_ptr()}
        values |= {f"given_step_{name}": tensor.stride(0)}
        values |= {f"given_sequence_{name}": tensor.stride(1)}
    return values


def run(kernel: Library, direction: str, values: dict[str, int], dtype: torch.dtype) -> None:
    """Call a kernel with the scratch memory that it asks for."""
    with POOL.scratch(kernel.workspace(direction, values) * dtype.itemsize) as address:
        kernel.call(direction, values | {"workspace": address})


def operator_forward(*arguments: Any) -> list[Tensor]:
    """`run_forward`, where an exported program may have arrived without a kernel."""
    x, input_weight, _, first, weights, given, present, *_, key, _ = arguments
    anywhere.check(key, x, input_weight, first, weights, given, present)
    run = run_forward if anywhere.has_kernel(key, x) else anywhere.forward
    return run(*arguments)


def operator_backward(*arguments: Any) -> list[Tensor]:
    """Call `run_backward` as an operator."""
    _, _, x, input_weight, first, weights, given, present, *_, key = arguments
    anywhere.check(key, x, input_weight, first, weights, given, present)
    run = run_backward if anywhere.has_kernel(key, x) else anywhere.backward
    return run(*arguments)


unroll = torch.library.custom_op(
    "gatewise::unroll",
    operator_forward,
    mutates_args=(),
    schema=torch.library.infer_schema(run_forward, mutates_args=()),
)
unroll.register_fake(shape_forward)
unroll_backward = torch.library.custom_op(
    "gatewise::unroll_backward",
    operator_backward,
    mutates_args=(),
    schema=torch.library.infer_schema(run_backward, mutates_args=()),
)
unroll_backward.register_fake(shape_backward)
