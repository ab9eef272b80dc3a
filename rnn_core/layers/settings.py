"""Settings that a cell's step reads, for `torch.compile` to watch.

It takes the choice of a kernel for constant. So the code that it compiles compares all settings
with what they were, and it compiles again when one has changed. They are found where the step's
reading found them: in the cell, in what this holds, and in variables.
"""

from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType
from typing import Any, TypeAlias

from rnn_core.cells.base import Cell
from rnn_core.compiler.inspection import guards
from rnn_core.compiler.inspection.guards import Guard
from rnn_core.compiler.inspection.origin import place_of
from rnn_core.compiler.running.search import answers_of, warn_of_loop
from rnn_core.compiler.torch_internals import constant_result

Setting: TypeAlias = bool | int | float | complex | str
"""A value that `torch.compile` can compare."""

READ_CLOSED = (lambda value: lambda: value)(None).__code__  # noqa: PLC3002 - not its result
"""Code of a function that returns a variable that it closes over."""

HOLDERS = (guards.Items, guards.Elements, guards.Set, guards.Instance, guards.Slot)
"""Guards of what settings can lie in."""


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
    for name, variable in cell._answers.variables.items():  # type: ignore[attr-defined]
        found += held_by(cell, variable(), name, ())
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
        parts = [(name, held.__dict__.get(name)) for name in own_read(cell, held)]
        parts += [(name, getattr(held, name, None)) for name in attributes_of(cell, held)]
    found = [(place, held)]
    for name, part in parts:
        found += held_by(cell, part, f"{place}.{name}", (*within, held))
    return found


@constant_result
def attributes_of(cell: Cell, held: object) -> list[str]:
    """Attributes that settings can lie in, besides `own_read`; none if the step reads none."""
    order = held.__mro__ if isinstance(held, type) else type(held).__mro__
    found: set[str] = set()
    for _, guard in guards_of(cell):
        if isinstance(guard, guards.Instance) and guard.owner is held and guard.read is None:
            found.add("__dict__")
        elif isinstance(guard, guards.Slot) and guard.owner is held:
            found.add(guard.name)
        elif isinstance(guard, guards.Members) and guard.kind in order:
            members = zip(guard.keys, guard.values, strict=True)
            found |= {name for name, value in members if is_data(name, value)}
    return sorted(found)


@constant_result
def own_read(cell: Cell, held: object) -> list[str]:
    """Names of attributes that a step reads of an object itself, whether they are there or not."""
    found: set[str] = set()
    for _, guard in guards_of(cell):
        if isinstance(guard, guards.Instance) and guard.owner is held and guard.read is not None:
            found |= guard.read
    return sorted(found)


def is_data(name: str, member: object) -> bool:
    """Return whether a member of a class is a value, and no code of its objects."""
    return not (name.startswith("__") or hasattr(type(member), "__get__"))


def guards_of(cell: Cell) -> Iterator[tuple[tuple[Any, ...], Guard]]:
    """All that was found to be read by a cell's step, as in `Guards.all`."""
    for answer in answers_of(cell).values():
        yield from answer.guards.all.items()


def variable_of(guard: Guard) -> Callable[[], Any] | None:
    """The function that returns a variable, if a guard is one of a variable of the user's."""
    if not isinstance(guard, guards.Variable | guards.Entry):
        return None
    held = guard.expected
    if held is guards.MISSING or isinstance(held, ModuleType) or place_of(held) is not None:
        return None
    if isinstance(guard, guards.Variable):
        return FunctionType(READ_CLOSED, globals(), closure=(guard.cell,))
    if "__builtins__" not in guard.mapping:  # of compiled code, such as `math`: no global variables
        mapping, name = guard.mapping, guard.name
        return lambda: mapping[name]
    code = compile(f"lambda: {guard.name}", "<variable>", "eval").co_consts[0]
    return FunctionType(code, guard.mapping)  # type: ignore[arg-type]


@constant_result
def can_be_watched(cell: Cell) -> bool:
    """Return whether all that a step reads is a setting; warns of what is not."""
    variables = answers_of(cell).variables
    for (_, *parts), guard in guards_of(cell):
        variable = variable_of(guard)
        if variable is not None:
            variables.setdefault(f"variable {parts}", variable)
    hidden = hidden_from(cell)
    if hidden:
        reason = f"torch.compile does not see changes of {hidden[0]}, which its step reads"
        warn_of_loop(reason, cell)
    return not hidden


def hidden_from(cell: Cell) -> list[str]:
    """Names of what may change and is no setting: numbers of NumPy, or what code has kept."""
    held = [part for _, part in all_held(cell)]
    reached = {id(part) for part in held}
    # Another function of the same code passes for the same, whatever it closes over.
    closed = {id(part) for part in held if getattr(part, "__closure__", None)}
    return [
        guard.where
        for (_, owner, *_), guard in guards_of(cell)
        if isinstance(guard, guards.Number | guards.Numbers)
        or (isinstance(guard, HOLDERS) and owner not in reached)
        or (isinstance(guard, guards.Code) and owner in closed)
    ]
