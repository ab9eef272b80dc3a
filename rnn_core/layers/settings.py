"""Settings that a cell's step reads, for `torch.compile` to watch.

It takes the choice of a kernel for constant. So the code that it compiles compares all settings
with what they were, and it compiles again when one has changed. They are found where the step's
reading found them: in the cell, in what this holds, and in variables.
"""

from collections.abc import Callable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any, TypeAlias

import numpy as np

from rnn_core.cells.base import Cell
from rnn_core.compiler.inspection import guards
from rnn_core.compiler.inspection.guards import Guard
from rnn_core.compiler.inspection.origin import place_of
from rnn_core.compiler.running.search import answers_of, warn
from rnn_core.compiler.torch_internals import constant_result

Setting: TypeAlias = bool | int | float | complex | str
"""A value that `torch.compile` can compare."""


def read_closed() -> Callable[[], Any]:
    """A function that returns a variable that it closes over."""
    value = None
    return lambda: value


READ_CLOSED = read_closed().__code__


def are_watched(cell: Cell) -> bool:
    """Compare what a cell's step reads with itself; False, with a warning, if that cannot be.

    Args:
        cell: The cell, for which a kernel was sought.
    """
    if not can_be_watched(cell):
        return False
    settings, then = settings_of(cell), settings_then(cell)
    if len(settings) != len(then):
        return False
    for (place, value), (place_then, value_then) in zip(settings, then, strict=True):
        if place != place_then or not is_same(value, value_then):
            return False
    return True


def is_same(one: Setting, other: Setting) -> bool:
    """Return whether two settings are equal; nan equals nan, and nothing else is unlike itself."""
    return one == other or (one != one and other != other)  # noqa: PLR0124


@constant_result
def settings_then(cell: Cell) -> list[tuple[str, Setting]]:
    """All settings of a cell as they are when a program is compiled."""
    return settings_of(cell)


def settings_of(cell: Cell) -> list[tuple[str, Setting]]:
    """All settings that a cell's step reads, by place."""
    return [
        (place, part)
        for place, part in all_held(cell)
        if isinstance(part, bool | int | float | complex | str)
    ]


def all_held(cell: Cell) -> list[tuple[str, Any]]:
    """A cell and the variables that its step reads, and all that these hold, by place."""
    found = held_by(cell, cell, "self", ())
    for number, variable in enumerate(cell._answers.variables):  # type: ignore[attr-defined]
        found += held_by(cell, variable(), f"variable {number}", ())
    return found


def held_by(cell: Cell, held: Any, place: str, within: tuple[object, ...]) -> list[tuple[str, Any]]:
    """A value, and all that it holds.

    Args:
        cell: The cell whose step reads it.
        held: The value.
        place: Where that is.
        within: What that is inside of, which it may lead back to.
    """
    if isinstance(held, bool | int | float | complex | str):
        return [(place, held)]
    if any(held is one for one in within):
        return []
    if isinstance(held, dict):
        parts = list(held.items())
    elif isinstance(held, list | tuple | set):
        parts = list(enumerate(held))
    else:
        parts = [(name, getattr(held, name, None)) for name in attributes_of(cell, held)]
    found = [(place, held)]
    for name, part in parts:
        found += held_by(cell, part, f"{place}.{name}", (*within, held))
    return found


@constant_result
def attributes_of(cell: Cell, held: object) -> list[str]:
    """Attributes of an object or a class that settings can lie in; none if the step reads none."""
    order = held.__mro__ if isinstance(held, type) else type(held).__mro__
    found: dict[str, None] = {}
    for guard in guards_of(cell):
        if isinstance(guard, guards.Instance) and guard.owner is held:
            found["__dict__"] = None
        elif isinstance(guard, guards.Slot) and guard.owner is held:
            found[guard.name] = None
        elif isinstance(guard, guards.Members) and guard.kind in order:
            members = zip(guard.keys, guard.values, strict=True)
            found |= dict.fromkeys(name for name, value in members if is_data(name, value))
    return list(found)


def is_data(name: str, member: object) -> bool:
    """Return whether a member of a class is a value, and no code of its objects."""
    return not (name.startswith("__") or hasattr(type(member), "__get__"))


def guards_of(cell: Cell) -> Iterator[Guard]:
    """All that was found to be read by a cell's step."""
    for answer in answers_of(cell).values():
        yield from answer.guards.all.values()


HOLDERS = {
    guards.Items: "mapping",
    guards.Elements: "sequence",
    guards.Set: "elements",
    guards.Instance: "owner",
    guards.Slot: "owner",
}
"""Attributes of guards: what they are guards of, where settings can lie."""


def is_hidden(guard: Guard, reached: set[int]) -> bool:
    """Return whether a guard's part can change unseen: numbers, and what no setting lies in."""
    holder = HOLDERS.get(type(guard))
    if holder is None:
        return isinstance(guard, guards.Numbers)
    return id(getattr(guard, holder)) not in reached


def add_variable(variables: list[FunctionType], guard: Guard) -> None:
    """Add a function that returns a variable, if a guard is one of a variable of the user's."""
    if isinstance(guard, guards.Variable):
        held = guards.content_of(guard.cell)
        new = FunctionType(READ_CLOSED, globals(), closure=(guard.cell,))
    elif isinstance(guard, guards.Entry) and guard.name.isidentifier():
        held = guard.mapping.get(guard.name, guards.MISSING)
        new = FunctionType(code_of(guard.name), guard.mapping)  # type: ignore[arg-type]
    else:
        return
    is_theirs = isinstance(held, ModuleType) or place_of(held) is not None
    if held is not guards.MISSING and not is_theirs and mark(new) not in map(mark, variables):
        variables.append(new)


def mark(variable: FunctionType) -> tuple[Any, ...]:
    """Identity of the variable that a function returns."""
    cells = tuple(map(id, variable.__closure__ or ()))
    return variable.__code__.co_names, id(variable.__globals__), cells


def code_of(name: str) -> CodeType:
    """Code of a function that returns a global variable."""
    constants = compile(f"lambda: {name}", "<variable>", "eval").co_consts
    return next(constant for constant in constants if isinstance(constant, CodeType))


@constant_result
def can_be_watched(cell: Cell) -> bool:
    """Return whether all that a step reads is a setting; warns of what is not."""
    variables = answers_of(cell).variables
    for guard in guards_of(cell):
        add_variable(variables, guard)
    hidden = hidden_from(cell)
    if hidden:
        reason = f"torch.compile does not see changes of {hidden[0]}, which its step reads"
        warn(f"{type(cell).__name__} runs in the eager loop, which is slower: {reason}")
    return not hidden


def hidden_from(cell: Cell) -> list[str]:
    """Names of what may change and is no setting: the numbers of arrays, or what code has kept."""
    held = all_held(cell)
    reached = {id(part) for _, part in held}
    hidden = [guard.where for guard in guards_of(cell) if is_hidden(guard, reached)]
    hidden += [
        place.replace(".__dict__", "") for place, part in held if isinstance(part, np.generic)
    ]
    # Another function of the same code passes for the same, whatever it closes over.
    code = {id(g.function): g.where for g in guards_of(cell) if isinstance(g, guards.Code)}
    closed = {id(part) for _, part in held if getattr(part, "__closure__", None)}
    hidden += [code[one] for one in closed if one in code]
    return hidden
