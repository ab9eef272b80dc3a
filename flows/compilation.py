"""What each stage of the compiler makes of a cell, as text."""

from collections.abc import Callable, Mapping

import torch

from flows.catalogue import docstring
from rnn_core.cells import get_cell
from rnn_core.cells.base import Cell
from rnn_core.errors import ParameterError, unknown
from rnn_core.fused import emit_triton
from rnn_core.fused.build import code_of
from rnn_core.fused.form import text
from rnn_core.fused.listing import listing
from rnn_core.fused.passes import optimised
from rnn_core.fused.pipeline import compiled
from rnn_core.fused.trace import trace

STAGES: Mapping[str, Callable[[Cell], str]] = {
    "docs": docstring,
    "form": lambda cell: text(trace(cell)),
    "optimised": lambda cell: text(optimised(trace(cell))),
    "schedule": lambda cell: listing(compiled(cell)),
    "c": lambda cell: code_of(compiled(cell), torch.float32),
    "triton": lambda cell: emit_triton.emit(compiled(cell))[0],
}
"""The stages in their order, after the cell's own words."""


def show(name: str, stage: str) -> str:
    """What a stage makes of a registered cell.

    Raises:
        ParameterError: If there is no such cell or stage.
    """
    cell = get_cell(name)
    if stage not in STAGES:
        raise ParameterError(unknown("stage", stage, STAGES))
    return STAGES[stage](cell)
