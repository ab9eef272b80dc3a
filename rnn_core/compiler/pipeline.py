"""From a cell to a schedule that is verified."""

import torch

from rnn_core.cells.base import Cell
from rnn_core.compiler.follow import verify_schedule
from rnn_core.compiler.form import Form
from rnn_core.compiler.passes import optimised, plainly_named
from rnn_core.compiler.schedule import Kernel, scheduled
from rnn_core.compiler.trace import trace


def compiled(cell: Cell, dtype: torch.dtype = torch.float32) -> Kernel:
    """All that a back end needs to know of a cell; see `form_of`."""
    return verify_schedule(scheduled(form_of(cell, dtype)))


def form_of(cell: Cell, dtype: torch.dtype = torch.float32) -> Form:
    """The form that kernels are made from.

    Args:
        cell: The cell.
        dtype: Type of all tensors.

    Raises:
        UnsupportedError: If a kernel cannot be made of the cell, or not be trusted.
    """
    return plainly_named(optimised(trace(cell, dtype)))
