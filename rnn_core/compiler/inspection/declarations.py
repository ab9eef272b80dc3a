"""Check that a cell's declarations are consistent, and that its step follows them.

Names become fields of tuples, parts of names in C and keys of saved weights, so that they have to
be names in Python.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from keyword import iskeyword
from numbers import Real

from torch import Tensor

from rnn_core.cells import get_cell
from rnn_core.cells.base import Cell
from rnn_core.compiler.torch_internals import is_jit_tracing
from rnn_core.errors import KindError, ParameterError, TensorError, unknown

EXAMPLES = {
    "gates": '("r", "z", "n")',
    "states": '("h", "c")',
    "weights": '{"u": ("H", "H"), "scale": ("H",)}',
    "memory_gates": '{"f": 1}',
    "opposite_gates": '{"i": "f"}',
    "weight_start": '{"scale": 1.0}',
    "biases": '("c",)',
    "together": '("c", "n")',
}
"""Correct examples of each declaration, for error messages."""


def are_sizes_known() -> bool:
    """Return whether sizes can be compared now: `torch.jit` would make the answer a constant."""
    return not is_jit_tracing()


def as_cell(cell: object) -> Cell:
    """The cell that is meant by a name or by itself.

    Raises:
        ParameterError: If it is neither a cell nor the name of one, or what it declares does not
            hold together.
    """
    if isinstance(cell, str):
        return get_cell(cell)
    if isinstance(cell, Cell):
        check_cell(cell)
        return cell
    if isinstance(cell, type) and issubclass(cell, Cell):
        name = cell.__name__
        raise KindError(f"cell is the class {name}; hand over an instance of it, {name}()")
    kind = cell.__name__ if isinstance(cell, type) else type(cell).__name__
    raise KindError(f"cell must be the name of a cell or your own `Cell`, not {kind}")


def check_cell(cell: Cell) -> None:
    """Check all that a cell declares.

    Raises:
        ParameterError: If something is missing, misspelt or contradicts something else; it says
            what and how it should be.
    """
    if cell.given:
        raise ParameterError(
            f"{title(cell)} declares given = {cell.given!r}, which a layer has nothing to hand "
            "over for: make them gates, or attributes of the cell"
        )
    for what in ("gates", "states", "weights"):
        if not hasattr(cell, what):
            raise ParameterError(f"{title(cell)} declares no {what}; such as {example(what)}")
    if not isinstance(cell.weights, Mapping):
        raise KindError(
            f"weights of {title(cell)} must be shapes by name, such as {example('weights')}, "
            f"not {type(cell.weights).__name__}"
        )
    for what in ("gates", "states", "biases", "together"):
        check_names(cell, what, getattr(cell, what))
    check_names(cell, "weights", tuple(cell.weights))
    for what in ("gates", "states"):
        if not getattr(cell, what):
            raise ParameterError(f"{title(cell)} needs at least one of its {what}; {example(what)}")
    for name in cell.weights:
        check_shape(cell, name)
    for what in ("memory_gates", "opposite_gates", "weight_start"):
        if not isinstance(getattr(cell, what), Mapping):
            raise KindError(
                f"{what} of {title(cell)} must be values by name, such as {example(what)}, "
                f"not {getattr(cell, what)!r}"
            )
    check_known(cell, "memory_gates", cell.memory_gates, cell.gates)
    check_known(cell, "opposite_gates", cell.opposite_gates, cell.gates)
    check_known(cell, "opposite_gates", cell.opposite_gates.values(), cell.gates)
    check_known(cell, "weight_start", cell.weight_start, tuple(cell.weights))
    check_known(cell, "biases", cell.biases, tuple(cell.weights))
    check_known(cell, "together", cell.together, cell.states)
    wrong = next((side for side in cell.memory_gates.values() if side not in (1, -1)), None)
    if wrong is not None:
        raise ParameterError(f"memory_gates of {title(cell)} must be 1 or -1, not {wrong!r}")
    for weight, start in cell.weight_start.items():
        finite(f"weight_start of {title(cell)} for {weight!r}", start)


def check_names(cell: Cell, what: str, names: object) -> None:
    """Check a list of names.

    Raises:
        ParameterError: If it is no tuple of names, or has one twice.
    """
    if not isinstance(names, tuple | list):
        raise KindError(
            f"{what} of {title(cell)} must be a tuple of names, such as {example(what)}, "
            f"not {names!r}"
        )
    for name in names:
        if not isinstance(name, str) or not name.isidentifier() or iskeyword(name):
            raise ParameterError(
                f"{name!r} among the {what} of {title(cell)} is no name in Python; such as "
                f"{example(what)}"
            )
        if name.startswith("_"):
            raise ParameterError(f"{name!r} among the {what} of {title(cell)} begins with _")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ParameterError(f"{title(cell)} has {twice!r} twice among its {what}")


def check_shape(cell: Cell, weight: str) -> None:
    """Check the shape of a weight, which `shape` may give instead of `weights`.

    Raises:
        ParameterError: If nothing gives it.
    """
    shape = cell.weights[weight]
    if type(cell).shape is not Cell.shape:
        return
    fits = isinstance(shape, tuple | list) and len(shape) <= 2
    if not fits or any(part != "H" for part in shape):
        raise ParameterError(
            f'weight {weight!r} of {title(cell)} must be (), ("H",) or ("H", "H"), not {shape!r}; '
            "other sizes are what a method `shape(self, weight, hidden_size)` returns"
        )


def check_known(cell: Cell, what: str, names: Iterable[str], known: Sequence[str]) -> None:
    """Check that names in a declaration are those of another.

    Raises:
        ParameterError: If one is not.
    """
    for name in names:
        if name not in known:
            raise ParameterError(f"{what} of {title(cell)}: {unknown('name', str(name), known)}")


def number(name: str, value: object) -> float:
    """A number; True and False are none.

    Raises:
        KindError: If it is no number.
    """
    if not isinstance(value, Real) or isinstance(value, bool):
        raise KindError(f"{name} must be a number, not {value!r}")
    return float(value)


def finite(name: str, value: object) -> float:
    """A number that is neither infinite nor nan.

    Raises:
        ParameterError: If it is another one, or no number.
    """
    found = number(name, value)
    if not math.isfinite(found):
        raise ParameterError(f"{name} must be finite, not {value}")
    return found


def check_step(cell: Cell, new: object, old: Sequence[Tensor]) -> None:
    """Check what a step returned.

    Args:
        cell: The cell.
        new: What its step returned.
        old: The states that it was given.

    Raises:
        ParameterError: If these are not as many states of the same shapes.
    """
    names = ", ".join(cell.states)
    if not isinstance(new, tuple | list) or not all(isinstance(part, Tensor) for part in new):
        got = type(new).__name__
        raise KindError(
            f"step of {title(cell)} must return a tuple of its states ({names}), not {got}"
            + ("; a comma makes a tuple of one: return (h,)" if isinstance(new, Tensor) else "")
        )
    if len(new) != len(old):
        raise TensorError(
            f"step of {title(cell)} must return its {len(old)} states ({names}), not {len(new)}"
        )
    for name, after, before in zip(cell.states, new, old, strict=True):
        if are_sizes_known() and after.shape != before.shape:
            raise TensorError(
                f"step of {title(cell)} must return {name} of shape {tuple(before.shape)}, as it "
                f"got it, not {tuple(after.shape)}"
            )


def title(cell: Cell) -> str:
    """Name of a cell for messages."""
    return type(cell).__name__


def example(what: str) -> str:
    """Correct example of a declaration."""
    return f"{what} = {EXAMPLES[what]}"
