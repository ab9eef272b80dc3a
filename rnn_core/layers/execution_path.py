"""Choice of what runs a layer, and the message if that is the eager loop.

On the CPU that is a generated kernel; on a GPU cuDNN where the cell is cuDNN's, a scan where the
cell is a linear recurrence, else generated Triton. GATEWISE_FUSED=0 asks for the eager loop,
GATEWISE_FUSED=cuda for what a GPU would run on wherever the tensors are, and
GATEWISE_FUSED=triton for Triton; on the CPU that needs Triton's interpreter, TRITON_INTERPRET=1.
"""

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

import torch
from torch import Tensor

from rnn_core.cells.base import Cell
from rnn_core.compiler.cpu.build import library
from rnn_core.compiler.inspection.aside import eager_only, is_eager_only
from rnn_core.compiler.running.differentiation import run_over_time
from rnn_core.compiler.running.readable import are_readable
from rnn_core.compiler.running.search import form_for, warn, warn_of_loop
from rnn_core.compiler.torch_internals import constant_result, is_counted, lacking
from rnn_core.layers.scan import can_scan, scan_over_time
from rnn_core.layers.settings import are_watched

Path: TypeAlias = Callable[..., tuple[list[Tensor], list[Tensor]]]
"""Function that runs a cell over time; arguments and results as of
`differentiation.run_over_time`, without the cell and what is particular to it."""

__all__ = ["SWITCH", "eager_only", "kernel_for", "path_for"]

SWITCH = "GATEWISE_FUSED"
SWITCHES = ("", "0", "cuda", "triton")

MOST_SCANNED = 256
"""States of a step, B * H, up to which a scan beats the eager loop on the CPU.

Measured on one core with B * H of 32 and of 250, scan against loop: 12 times and twice as fast
over 500 and 37 steps; with 2,048 it took 1.5 times as long.
"""


def path_for(
    cell: Cell,
    tensors: Sequence[Tensor],
    every_state: bool,
    given: Sequence[Tensor] = (),
    present: Tensor | None = None,
) -> Path | None:
    """Find what runs a cell; None is the eager loop.

    Args:
        cell: The cell.
        tensors: Input, (T, B, I), input weight, input bias, initial states, each (B, H), and
            recurrent weights.
        every_state: Whether all states are wanted at all steps, not only the output.
        given: What the cell reads besides gates, each (T, B, H).
        present: Where sequences still go on, bool (T, B, 1); None: everywhere.
    """
    first, state = tensors[0], tensors[3]
    known = is_known()
    if known and (is_traced() or torch.compiler.is_exporting()) and is_onnx():
        from rnn_core.compiler.onnx.nodes import onnx_path  # noqa: PLC0415 - few processes export

        return onnx_path(cell, first.dtype, every_state, unrolled=is_traced())
    where = target(first.device.type)
    if not known or where == "" or is_traced() or is_counted():
        return None
    if where == "cuda" and torch.compiler.is_compiling() and not can_scan(cell):
        where = "triton"  # PyTorch's functions for cuDNN cannot be part of a graph
    if where != "cpu":
        # Triton 3.7 crashes on products in double precision; its interpreter does not.
        precisions = (torch.float32,) if first.is_cuda else (torch.float32, torch.float64)
        dtype = state.dtype if state.dtype in precisions else None
        kind = dtype, state.shape[1], every_state, where
        fits = can_be_handed(cell, tensors, given, present)
        return gpu_path(cell, lasting(cell, gpu_choice(cell, *kind)) if fits else None)
    key = kernel_for(cell, tensors, given, present)
    if key is not None:
        return partial(run_over_time, cell, key=key, every_state=every_state)
    if can_scan(cell) and state.numel() <= MOST_SCANNED and not is_eager():
        return partial(scan_over_time, cell)
    return None


def is_traced() -> bool:
    """Return whether `torch.jit` records what runs; of a kernel it would keep the results alone."""
    return bool(torch.jit.is_tracing())  # type: ignore[attr-defined,no-untyped-call]


def can_be_handed(
    cell: Cell, tensors: Sequence[Tensor], given: Sequence[Tensor], present: Tensor | None
) -> bool:
    """Return whether a kernel can read all tensors of `path_for`, and sizes agree."""
    first = tensors[0]
    if first.numel() == 0 or torch.is_autocast_enabled(first.device.type):
        return False
    return are_readable((*tensors, *given), present) and have_sizes(cell, tensors, given)


@constant_result
def is_known() -> bool:
    """Return whether kernels are tested with this PyTorch; warns if they are not."""
    if lacking:
        warn_of_loop(lacking[0])
    return not lacking


@constant_result
def is_onnx() -> bool:
    """Return whether what runs now becomes an ONNX graph."""
    return torch.onnx.is_in_onnx_export()


@constant_result
def target(device: str) -> str:
    """Device to find a path for: "cpu", "cuda", "triton"; "" for a device that has none."""
    if device not in ("cpu", "cuda"):
        return ""
    asked = os.environ.get(SWITCH, "")
    if asked not in SWITCHES:
        warn(f"{SWITCH}={asked} is ignored: it can be {', '.join(filter(None, SWITCHES))}")
    return asked if asked in ("cuda", "triton") else device


@constant_result
def is_eager() -> bool:
    """Return whether the eager loop is asked for, which is said once."""
    if is_eager_only():
        return True
    if os.environ.get(SWITCH) == "0":
        warn(f"{SWITCH}=0: cells run in the eager loop")
        return True
    return False


@constant_result
def gpu_choice(
    cell: Cell, dtype: torch.dtype | None, hidden: int, every_state: bool, where: str
) -> str | None:
    """Choose what runs a cell on a GPU: "cudnn", "scan", or Triton programs of its packed form.

    `dtype` is None if there are no programs for it. The result is None for the eager loop.
    """
    # Neither cuDNN's nor Triton's side is needed on a CPU.
    from rnn_core.compiler.gpu.cudnn import is_cudnns  # noqa: PLC0415
    from rnn_core.compiler.gpu.launching import MOST_HIDDEN, programs  # noqa: PLC0415

    if is_eager():
        return None
    if where == "cuda" and is_cudnns(cell) and (len(cell.states) == 1 or not every_state):
        return "cudnn"
    if where == "cuda" and can_scan(cell):
        return "scan"
    if dtype is None:
        return None
    if hidden > MOST_HIDDEN:
        reason = f"a Triton program holds {MOST_HIDDEN} hidden units at most, not {hidden}"
        warn_of_loop(reason, cell)
        return None
    return form_for(cell, programs, dtype)


def gpu_path(cell: Cell, choice: str | None) -> Path | None:
    """The function of a choice."""
    from rnn_core.compiler.gpu.cudnn import run_cudnn  # noqa: PLC0415
    from rnn_core.compiler.gpu.operators import run_program  # noqa: PLC0415

    if choice is None:
        return None
    if choice in ("cudnn", "scan"):
        return partial(run_cudnn if choice == "cudnn" else scan_over_time, cell)
    return partial(run_program, cell, key=choice)


def kernel_for(
    cell: Cell,
    tensors: Sequence[Tensor],
    given: Sequence[Tensor] = (),
    present: Tensor | None = None,
) -> str | None:
    """The packed form of a cell with a kernel for these tensors; None: run the eager loop.

    A warning gives the reason, once for each reason, unless it lies in the tensors:
    kernels are for dense tensors of one type on the CPU, outside of autocast and of the
    transforms of `torch.func`. Arguments are those of `path_for`.
    """
    if tensors[0].device.type != "cpu" or not can_be_handed(cell, tensors, given, present):
        return None
    return lasting(cell, kernel_of(cell, tensors[0].dtype))


def lasting(cell: Cell, choice: str | None) -> str | None:
    """The choice of what runs a cell; None if `torch.compile` would keep it after a change.

    An exported program is to keep it.
    """
    if choice is None or not torch.compiler.is_compiling() or torch.compiler.is_exporting():
        return choice
    return choice if are_watched(cell) else None


def have_sizes(cell: Cell, tensors: Sequence[Tensor], given: Sequence[Tensor]) -> bool:
    """Return whether all sizes agree, as a kernel takes for granted.

    Of what does not, the eager loop broadcasts some, and says what is wrong with the rest.
    """
    x, input_weight, input_bias, *others = tensors
    if x.ndim != 3 or others[0].ndim != 2:
        return False
    steps, batch, inputs = x.shape
    hidden = others[0].shape[1]
    rows = len(cell.gates) * hidden
    shapes = [(rows, inputs), (rows,), *[(batch, hidden)] * len(cell.states)]
    shapes += [cell.shape(name, hidden) for name in cell.weights]
    shapes += [(steps, batch, hidden)] * len(cell.given)
    pairs = zip((input_weight, input_bias, *others, *given), shapes, strict=True)
    return all(tensor.shape == shape for tensor, shape in pairs)


def is_usual() -> bool:
    """Return whether neither the eager loop nor what a GPU would run on is asked for."""
    return not is_eager_only() and os.environ.get(SWITCH) not in ("0", "cuda", "triton")


@constant_result
def kernel_of(cell: Cell, dtype: torch.dtype) -> str | None:
    """The packed form of a cell, if it has a kernel."""
    if is_eager():
        return None
    return form_for(cell, library, dtype)
