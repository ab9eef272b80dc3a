"""Random cells as data, drawn by hypothesis, which makes a failing one as small as it can."""

import linecache
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import count
from typing import Any

import torch
from hypothesis import strategies as st
from torch.nn import functional

from random_cells.expressions import (
    OTHERS,
    PRODUCTS,
    ROWS,
    SQUASHED,
    Operation,
    Value,
    apply,
    reachable,
    written,
)
from rnn_core.cells.base import Cell

GATES, STATES = ("a", "b", "g"), ("h", "c", "d")
WEIGHTS = {"u": "M", "v": "M", "r": "M", "p": "V", "q": "V", "s": "S"}
SHAPES = {"M": ("H", "H"), "V": ("H",), "S": ()}

NAMES: dict[str, Any] = {
    "torch": torch,
    "Cell": Cell,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "relu": torch.relu,
    "linear": functional.linear,
    "leaky_relu": functional.leaky_relu,
    "silu": functional.silu,
    "gelu": functional.gelu,
    "softplus": functional.softplus,
    "elu": functional.elu,
    "layer_norm": functional.layer_norm,
    "rms_norm": functional.rms_norm,
}
"""Names that the source of a cell may use."""
numbers = count()


@dataclass(frozen=True)
class RandomCell:
    """A cell: how many gates it has, and the new value of each state.

    Attributes:
        num_gates: Gates.
        new_states: The new states in order.
    """

    num_gates: int
    new_states: tuple[Value, ...]

    def __str__(self) -> str:
        """The cell as a class, as one would write it by hand."""
        used = [value.text for value in reachable(self.new_states) if not value.operands]
        weights = {name: SHAPES[kind] for name, kind in WEIGHTS.items() if f"w.{name}" in used}
        states = STATES[: len(self.new_states)]
        lines = [
            "class Random(Cell):",
            f"    gates = {GATES[: self.num_gates]!r}",
            f"    weights = {weights!r}",
            f"    states = {states!r}",
            "",
            "    def step(self, x, state, w):",
            f"        {', '.join(states)}, = state",
            *(f"        {line}" for line in written(self.new_states)),
        ]
        return "\n".join(lines) + "\n"

    def cell(self) -> Cell:
        """An instance of the class, whose source Python knows."""
        name, source = f"<random cell {next(numbers)}>", str(self)
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        namespace = dict(NAMES) | {"__name__": "random_cells.generated"}
        exec(compile(source, name, "exec"), namespace)  # noqa: S102 - the text is ours
        made: Cell = namespace["Random"]()
        return made


@dataclass(frozen=True)
class Call:
    """One call of a layer.

    Attributes:
        T: Steps.
        B: Sequences.
        lengths: Steps of each sequence; None: all.
        with_state: Whether an initial state is given.
        every_state: Whether all states are asked for at all steps.
    """

    T: int
    B: int
    lengths: tuple[int, ...] | None
    with_state: bool
    every_state: bool


@dataclass(frozen=True)
class Example:
    """A cell, the layer around it, and how it is called.

    Attributes:
        made: The cell.
        I: Inputs.
        H: Hidden units.
        bidirectional: Whether the layer also reads from the end.
        zoneout: Its rate.
        calls: Calls of the same layer, one after another.
        seed: Of all numbers.
    """

    made: RandomCell
    I: int
    H: int
    bidirectional: bool
    zoneout: float
    calls: tuple[Call, ...]
    seed: int

    def __repr__(self) -> str:
        """Print all that is needed to see it again."""
        options = {k: v for k, v in vars(self).items() if k != "made"}
        return f"\n{self.made}\n{options}"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Print an example that fails, for hypothesis."""
        printer.text(repr(self))


@st.composite
def random_cells(draw: st.DrawFn, operations: int = 14) -> RandomCell:
    """A cell with 1 to 3 states and up to `operations` operations."""
    num_states, num_gates = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    values = leaves(num_gates, num_states)
    for _ in range(draw(st.integers(2, operations))):
        known = draw(st.sampled_from([PRODUCTS, ROWS, ROWS, OTHERS]))
        at_hand = {value.kind for value in values}
        possible = [o for o in known if all(kind in at_hand for kind in o.takes)]
        values.append(drawn_value(draw, draw(st.sampled_from(possible)), values))
    return RandomCell(num_gates, drawn_states(draw, values, num_states))


def leaves(num_gates: int, num_states: int) -> list[Value]:
    """Inputs of every step; the last is drawn first."""
    found = [Value(f"w.{name}", kind, 0.8) for name, kind in WEIGHTS.items()]
    found += [Value(name, "R", 1.5) for name in STATES[:num_states]]
    return found + [Value(f"x.{name}", "R", 1.5) for name in GATES[:num_gates]]


def drawn_value(draw: st.DrawFn, operation: Operation, values: Sequence[Value]) -> Value:
    """An operation on values that were drawn, half of them among the latest."""
    operands = []
    for kind in operation.takes:
        of_kind = [value for value in reversed(values) if value.kind == kind]
        latest = draw(st.booleans())
        operands.append(draw(st.sampled_from(of_kind if latest else of_kind[:2])))
    return apply(operation, operands)


def drawn_states(draw: st.DrawFn, values: Sequence[Value], number: int) -> tuple[Value, ...]:
    """New values of all states, which between them use all rows that nothing else does."""
    used = {id(operand) for value in values for operand in value.operands}
    rows = [value for value in reversed(values) if value.kind == "R"]
    unused = [value for value in rows if value.operands and id(value) not in used]
    found = []
    for index in range(number):
        parts = unused[index::number] or [draw(st.sampled_from(rows))]
        if draw(st.booleans()):
            parts.append(draw(st.sampled_from(rows)))
        found.append(reduce(lambda a, b: apply(MIXED, [a, b]), parts))
    return tuple(v if v.size <= 1.5 else apply(SQUASHED["R"], [v]) for v in found)


MIXED = Operation("0.6 * {0} + 0.4 * {1}", "RR", "R", max)
"""Operations that combine two values; a state stays as small as they are."""


@st.composite
def calls(draw: st.DrawFn) -> Call:
    """A call with few steps and sequences."""
    steps, batch = draw(st.integers(1, 4)), draw(st.sampled_from([2, 1, 3, 5, 9]))
    lengths = st.tuples(*[st.integers(0, steps)] * batch)
    return Call(
        steps,
        batch,
        draw(st.none() | lengths),
        draw(st.booleans()),
        draw(st.booleans()),
    )


@st.composite
def examples(draw: st.DrawFn) -> Example:
    """A cell and two calls that differ in their sizes."""
    return Example(
        made=draw(random_cells()),
        I=draw(st.integers(1, 3)),
        H=draw(st.sampled_from([3, 1, 2, 5, 8, 17])),
        bidirectional=draw(st.booleans()),
        zoneout=draw(st.sampled_from([0.0, 0.3])),
        calls=(draw(calls()), draw(calls())),
        seed=draw(st.integers(0, 2**16)),
    )
