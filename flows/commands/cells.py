"""Describe the registered cells in the terminal."""

import inspect

from rnn_core.cells import REGISTRY, get_cell
from rnn_core.cells.base import Cell
from rnn_core.errors import ParameterError


def listing(input_size: int, hidden_size: int) -> str:
    """Write a line for each cell: its states, recurrent weights and operations of a step.

    Raises:
        ParameterError: If a size is below 1.
    """
    if min(input_size, hidden_size) < 1:
        raise ParameterError("sizes must be at least 1")
    operations = f"MACs of a step at I={input_size}, H={hidden_size}"
    rows = [("cell", "states", "recurrent parameters", operations)]
    for name in REGISTRY:
        cell = get_cell(name)
        weights = cell.recurrent_parameters(hidden_size)
        count = cell.multiply_accumulates(input_size, hidden_size)
        rows.append((name, " ".join(cell.states), f"{weights:,}", f"{count:,}"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        f"{name:{widths[0]}}  {states:{widths[1]}}  {weights:>{widths[2]}}  {macs:>{widths[3]}}"
        for name, states, weights, macs in rows
    )


def docstring(cell: Cell) -> str:
    """The docstring of a cell's class, without its indentation."""
    return inspect.getdoc(type(cell)) or ""
