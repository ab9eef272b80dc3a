"""The front end: a cell's `step` and its derivative, traced into the intermediate form."""

from typing import Any

import torch
from torch import fx
from torch.func import functionalize, vjp

from rnn_core.cells.base import Cell, named
from rnn_core.compiler.form import Form
from rnn_core.compiler.inspection.aside import aside
from rnn_core.compiler.reader import Reader, UnsupportedError
from rnn_core.compiler.readings import READINGS
from rnn_core.compiler.torch_internals import LackingError, decompositions, tracer
from rnn_core.compiler.verify import verify_form

aten = torch.ops.aten

DECOMPOSED = (
    aten.gelu,
    aten.leaky_relu,
    aten.elu,
    aten.hardtanh,
    aten._log_softmax,
    aten.addmm,
    aten.linalg_vector_norm,
)
"""Operations that are read by what they are made of, beside those that PyTorch takes apart."""

BATCH, HIDDEN = 5, 7
"""Sizes to trace with; both stay symbols in the graph, and differ so that they are not confused."""


VALUES = "what it does depends on the values of tensors"

REFUSALS = {
    "Please convert all Tensors to FakeTensors": (
        "it uses a tensor that is neither an input nor a weight"
    ),
    "data-dependent": VALUES,
    "Cannot access data pointer": VALUES,
    "Cannot call numel() on tensor with symbolic sizes": VALUES,
}
"""Plain words for messages of PyTorch's tracer, by a part of each."""


class StepError(Exception):
    """An error came up within a cell's step, and so is no accident of the tracer's."""


def trace(cell: Cell, dtype: torch.dtype = torch.float32) -> Form:
    """Trace one masked step of a cell together with its derivative.

    Args:
        cell: The cell.
        dtype: Type of all tensors; a step may look at it.

    Raises:
        LackingError: If this PyTorch has no tracer that is known.
        UnsupportedError: If `step` holds an operation that the form has no word for, or if
            what was read is not sound.
    """
    try:
        return verify_form(aside(lambda: read_form(cell, dtype)))
    except (UnsupportedError, LackingError):
        raise
    except StepError as error:
        # Whatever `step` does to a tracer (data-dependent control flow, NumPy) surfaces here.
        reason = reason_of(error.__cause__)
        plain = next((known for part, known in REFUSALS.items() if part in reason), None)
        raise UnsupportedError(plain or f"it cannot be traced: {reason}") from error
    except Exception as error:
        problem = f"it could not be traced this time: {reason_of(error)}"
        raise UnsupportedError(problem, passing=True) from error


def reason_of(error: BaseException | None) -> str:
    """Message of an error in one line."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def read_form(cell: Cell, dtype: torch.dtype) -> Form:
    """Trace a cell, and read what was traced."""
    refuse_shapes(cell)
    return Reader(cell, traced_graph(cell, dtype), dtype, READINGS).form()


def refuse_shapes(cell: Cell) -> None:
    """Refuse weights of other shapes than a kernel knows."""
    for name, shape in cell.weights.items():
        square = cell.shape(name, HIDDEN) == (HIDDEN,) * len(shape) and {*shape} <= {"H"}
        if len(shape) > 2 or not square:
            raise UnsupportedError(
                f"its weight {name!r} has the shape {shape}; a kernel knows (), ('H',) and "
                "('H', 'H'), where H is the size of the state"
            )


def refuse_sizes(graph: fx.Graph) -> None:
    """Refuse a step that does different things for different sizes; only one was traced."""
    example = next(node.meta["val"] for node in graph.nodes if node.op == "placeholder")
    if example.fake_mode.shape_env.guards:
        raise UnsupportedError("what it does depends on the size of the batch or of the state")


def traced_graph(cell: Cell, dtype: torch.dtype = torch.float32) -> fx.Graph:
    """The operations of a step, of the choice between old and new state, and of their vjp."""

    def step_and_derivative(*inputs: Any) -> Any:
        gates, given, states, weights, present, gradients = inputs

        def masked_step(gates: Any, states: Any, weights: Any) -> Any:
            x = named((*cell.gates, *cell.given))(*gates, *given)
            w = named(tuple(cell.weights))(*weights)
            try:
                results = cell.step(x, tuple(states), w)
            except Exception as error:
                raise StepError from error
            pairs = list(zip(results, states, strict=True))
            if any(new.shape != old.shape or new.dtype != old.dtype for new, old in pairs):
                raise UnsupportedError("a new state has another shape or type than the old one")
            return tuple(torch.where(present, new, old) for new, old in pairs)

        outcome: Any = vjp(masked_step, gates, states, weights)
        new, pull = outcome
        return new, pull(gradients)

    rows = torch.ones(BATCH, HIDDEN, dtype=dtype)
    weights = [torch.ones(cell.shape(name, HIDDEN), dtype=dtype) for name in cell.weights]
    states = tuple(rows.clone() for _ in cell.states)
    present = torch.ones(BATCH, 1, dtype=torch.bool)
    gradients = tuple(rows.clone() for _ in cell.states)
    given = [rows.clone() for _ in cell.given]
    inputs = ([rows.clone() for _ in cell.gates], given, states, weights, present, gradients)
    taken_apart = decompositions(DECOMPOSED)
    trace_with = tracer()(functionalize(step_and_derivative), taken_apart, tracing_mode="symbolic")
    graph: fx.Graph = trace_with(*inputs).graph
    refuse_sizes(graph)
    return graph
