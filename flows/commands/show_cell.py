"""Show the result of each stage of the compiler for a cell, as text."""

from collections.abc import Callable, Mapping

import torch

from flows.commands.cells import docstring
from rnn_core.cells import get_cell
from rnn_core.cells.base import Cell
from rnn_core.compiler.cpu.build import code_of
from rnn_core.compiler.form import text
from rnn_core.compiler.gpu import emit as emit_triton
from rnn_core.compiler.listing import listing
from rnn_core.compiler.passes import optimised
from rnn_core.compiler.pipeline import compiled
from rnn_core.compiler.trace import trace
from rnn_core.errors import ParameterError, unknown

STAGES: Mapping[str, Callable[[Cell], str]] = {
    "docs": docstring,
    "form": lambda cell: text(trace(cell)),
    "optimised": lambda cell: text(optimised(trace(cell))),
    "schedule": lambda cell: listing(compiled(cell)),
    "c": lambda cell: code_of(compiled(cell), torch.float32),
    "triton": lambda cell: emit_triton.emit(compiled(cell))[0],
}
"""The cell's docstring, and then the stages in their order."""


def show(name: str, stage: str) -> str:
    """The result of a stage for a registered cell.

    Raises:
        ParameterError: If there is no such cell or stage.
    """
    cell = get_cell(name)
    if stage not in STAGES:
        raise ParameterError(unknown("stage", stage, STAGES))
    return STAGES[stage](cell)
