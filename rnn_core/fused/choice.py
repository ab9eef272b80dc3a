"""Whether a layer runs on a generated kernel, and what it is told if it does not."""

import os
import warnings
from collections.abc import Sequence
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from torch._C._functorch import is_functorch_wrapped_tensor

from rnn_core.cells.base import Cell
from rnn_core.fused.build import BuildError, kernel_key

SWITCH = "GATEWISE_FUSED"

KEYS: WeakKeyDictionary[Cell, dict[torch.dtype, str | None]] = WeakKeyDictionary()
"""The kernel of every cell that was asked for; None where there is none."""

warned: set[str] = set()


def kernel_for(cell: Cell, tensors: Sequence[Tensor]) -> str | None:
    """The key of the kernel to run a cell with on these tensors; None: run the eager loop.

    The reason is told in a warning, once for each reason, unless it lies in the tensors:
    kernels are for dense tensors of one type on the CPU, outside of autocast and `vmap`.
    """
    first = tensors[0]
    if first.device.type != "cpu" or first.numel() == 0 or torch.is_autocast_enabled("cpu"):
        return None
    if any(t.dtype is not first.dtype or is_functorch_wrapped_tensor(t) for t in tensors):
        return None
    key: str | None = kernel_of(cell, first.dtype)
    return key


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def kernel_of(cell: Cell, dtype: torch.dtype) -> str | None:
    """The key of a cell's kernel, if there is one."""
    if os.environ.get(SWITCH) == "0":
        warn(f"{SWITCH}=0: cells run in the eager loop")
        return None
    known = KEYS.setdefault(cell, {})
    if dtype not in known:
        known[dtype] = find_or_build(cell, dtype)
    return known[dtype]


def find_or_build(cell: Cell, dtype: torch.dtype) -> str | None:
    """A kernel from the cache, or a new one; None, with a warning, if there can be none."""
    try:
        return kernel_key(cell, dtype)
    except BuildError as error:
        warn(f"{type(cell).__name__} runs in the eager loop, which is slower: {error}")
        return None


def warn(message: str) -> None:
    """Warn once."""
    if message not in warned:
        warned.add(message)
        warnings.warn(message, RuntimeWarning, stacklevel=2)
