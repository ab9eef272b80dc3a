"""The operators where an exported program has arrived: without a compiler, or with other types.

The program holds the packed form of a cell. Where no kernel can be made of it, the form is
interpreted, which is as slow as the eager loop.

Shapes: as in `operators`.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from rnn_core.compiler import interpreter
from rnn_core.compiler.cpu.build import BuildError, kernel_from, library
from rnn_core.compiler.form import Kind
from rnn_core.compiler.interpreter import Kept, Unrolled
from rnn_core.compiler.running.search import warn

DIMENSIONS = {Kind.SCALAR: 0, Kind.VECTOR: 1, Kind.MATRIX: 2}

WITHOUT: dict[tuple[str, Any], str] = {}
"""Why there is no kernel, by packed form and type: it is asked once in a process."""


def has_kernel(key: str, x: Tensor) -> bool:
    """Return whether a packed form has a kernel for an input; if not, warns of the reason once."""
    if x.device.type != "cpu" or x.numel() == 0:
        return False
    if (key, x.dtype) not in WITHOUT:
        try:
            library(key, x.dtype)
        except BuildError as error:
            WITHOUT[key, x.dtype] = str(error)
        else:
            return True
    reason = WITHOUT[key, x.dtype]
    warn(f"an exported program runs step by step, which is slower: {reason}")
    return False


def check(
    key: str,
    x: Tensor,
    input_weight: Tensor,
    first: Sequence[Tensor],
    weights: Sequence[Tensor],
    given: Sequence[Tensor],
    present: Tensor | None,
) -> None:
    """Check what an exported program calls an operator with: a kernel takes it for granted.

    Raises:
        BuildError: If the text is not that of a form.
        ValueError: If tensors are not of the form's sizes, or not all of one type and device.
    """
    form = kernel_from(key).form
    steps, batch, inputs = x.shape
    hidden = first[0].shape[-1]
    shapes: dict[str, tuple[int, ...]] = {"input weight": (len(form.gates) * hidden, inputs)}
    shapes |= {f"state {name}": (batch, hidden) for name in form.states}
    shapes |= {
        f"weight {name}": (hidden,) * DIMENSIONS[kind] for name, kind in form.weights.items()
    }
    shapes |= {f"given {name}": (steps, batch, hidden) for name in form.given}
    tensors = [input_weight, *first, *weights, *given]
    if present is not None:
        shapes["present"] = (steps, batch)
        tensors.append(present)
    if len(shapes) != len(tensors):
        raise ValueError(f"there are to be {len(shapes)} tensors ({', '.join(shapes)})")
    for (name, shape), tensor in zip(shapes.items(), tensors, strict=True):
        if tuple(tensor.shape) != shape:
            raise ValueError(f"{name} is to be {shape}, not {tuple(tensor.shape)}")
        dtype = torch.bool if tensor is present else x.dtype
        if tensor.dtype is not dtype or tensor.device != x.device:
            kind = f"{tensor.dtype} on {tensor.device}"
            raise ValueError(f"{name} is to be {dtype} on {x.device}, not {kind}")


def unrolled(
    key: str,
    steps: int,
    first: Sequence[Tensor],
    weights: Sequence[Tensor],
    given: Sequence[Tensor],
    present: Tensor | None,
    reverse: bool,
) -> Unrolled:
    """Values to interpret."""
    shape = (steps, *first[0].shape)
    return Unrolled(kernel_from(key), shape, weights, given, present, reverse)


def kept_in(run: Unrolled, saved: Tensor) -> Kept:
    """Memory for the values kept for the derivative, of the size that a kernel uses."""
    steps, batch, hidden = run.shape
    rows, columns = len(run.kernel.saved_rows), len(run.kernel.saved_columns)
    planes = saved[: steps * batch * rows * hidden].view(steps, batch, rows, hidden)
    return Kept(planes, saved[planes.numel() :].view(steps, batch, columns))


def forward(
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
    """`operators.run_forward` without a kernel; states are there at all steps."""
    run = unrolled(key, len(x), first, weights, given, present, reverse)
    kernel, (steps, batch, hidden) = run.kernel, run.shape
    size = steps * batch * (len(kernel.saved_rows) * hidden + len(kernel.saved_columns))
    saved = x.new_empty(size if keep else 0)
    gates = functional.linear(x, input_weight, input_bias)
    return [
        *interpreter.forward(run, gates, first, kept_in(run, saved) if keep else None),
        saved,
    ]


def backward(
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
    """`operators.run_backward` without a kernel."""
    run = unrolled(key, len(x), first, weights, given, present, reverse)
    d_gates, *others = interpreter.backward(run, seen, last, first, every, kept_in(run, saved))
    rows = d_gates.flatten(0, 1)
    d_x = d_gates @ input_weight if with_input else x.new_empty(0)
    return [d_x, rows.t() @ x.flatten(0, 1), rows.sum(0), *others]
