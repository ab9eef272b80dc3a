"""The intermediate form: one step of a cell and its derivative as a graph of values.

A value is one of five kinds: all hidden units of a batch (B, H), one number per sequence
(B, 1), one per hidden unit (H,), a recurrent matrix (H, H), or a scalar. Only a `product`
mixes hidden units, only a reduction leads from (B, H) to (B, 1), and all else is pointwise;
no operation mixes sequences except the gradients of weights, which stand apart.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from rnn_core.compiler.operations import OPERATIONS


class Kind(Enum):
    """Axes along which a value varies."""

    ROWS = "(B, H)"
    COLUMN = "(B, 1)"
    VECTOR = "(H,)"
    MATRIX = "(H, H)"
    SCALAR = "()"


INPUTS = (
    "gate",
    "given",
    "state",
    "weight",
    "gradient",
    "present",
    "constant",
    "truth",
    "hidden_size",
)
IN_MEMORY = ("state", "given")
"""Inputs that both directions find in memory, for every step."""


@dataclass(frozen=True, eq=False)
class Node:
    """One value of the graph; equal values are one object (see `Builder`).

    Attributes:
        op: What makes it: an input, "product", a reduction, or a pointwise operation.
        operands: What it is made of. Of a product: the left operand, the matrix and,
            once passes have folded an addition into it, the value that it starts from.
        kind: Its shape.
        label: The name of an input, or "transposed" for a product by W^T.
        number: The value of a constant, or 1 and 0 of a truth that is constant.
    """

    op: str
    operands: tuple["Node", ...]
    kind: Kind
    label: str = ""
    number: float = 0.0


class Builder:
    """Makes nodes; the same operation on the same operands yields the same node."""

    def __init__(self) -> None:
        self.nodes: dict[object, Node] = {}

    def node(
        self, op: str, *operands: Node, kind: Kind | None = None, label: str = "", number: float = 0
    ) -> Node:
        """The node of an operation; its kind is that of the widest operand unless given."""
        kind = kind or widest(operands)
        key = (op, *(id(operand) for operand in operands), kind, label, repr(number))
        return self.nodes.setdefault(key, Node(op, operands, kind, label, number))

    def constant(self, number: float) -> Node:
        """A scalar known when the kernel is compiled."""
        return self.node("constant", kind=Kind.SCALAR, number=float(number))

    def truth(self, value: bool) -> Node:
        """A truth value known when the kernel is compiled."""
        return self.node("truth", kind=Kind.SCALAR, number=float(value))


def is_truth(node: Node) -> bool:
    """Return whether a value is true or false, and not a number."""
    if node.op in ("truth", "present"):
        return True
    gives = OPERATIONS[node.op].gives if node.op in OPERATIONS else "n"
    return is_truth(node.operands[-1]) if gives == "=" else gives == "t"


def widest(operands: Iterable[Node]) -> Kind:
    """The kind that pointwise operands broadcast to."""
    kinds = {operand.kind for operand in operands} - {Kind.SCALAR}
    if not kinds:
        return Kind.SCALAR
    return kinds.pop() if len(kinds) == 1 else Kind.ROWS


@dataclass(frozen=True)
class Outer:
    """A term of a matrix's gradient: left^T right, summed over sequences and time."""

    left: Node
    right: Node


@dataclass(frozen=True)
class Form:
    """A step and its derivative.

    Attributes:
        gates: Names of the cell's gates.
        given: Names of its other inputs.
        states: Names of its states.
        weights: Kind of every recurrent weight.
        new_states: By state, its value after the step.
        state_gradients: By state, the gradient of its value before the step.
        gate_gradients: By gate, the gradient of its projected input.
        matrix_gradients: By matrix, the terms of its gradient.
        summed_gradients: By vector or scalar, what its gradient is the sum of, (B, H).
    """

    gates: tuple[str, ...]
    given: tuple[str, ...]
    states: tuple[str, ...]
    weights: Mapping[str, Kind]
    new_states: Mapping[str, Node]
    state_gradients: Mapping[str, Node]
    gate_gradients: Mapping[str, Node]
    matrix_gradients: Mapping[str, tuple[Outer, ...]]
    summed_gradients: Mapping[str, Node]

    def backward_roots(self) -> Iterator[Node]:
        """All values that the backward pass is there for."""
        yield from self.state_gradients.values()
        yield from self.gate_gradients.values()
        yield from self.summed_gradients.values()
        for terms in self.matrix_gradients.values():
            for term in terms:
                yield term.left
                yield term.right


def in_order(roots: Iterable[Node]) -> list[Node]:
    """All nodes that roots depend on, operands before their users."""
    done: dict[int, Node] = {}
    stack = [(root, False) for root in reversed(list(roots))]
    while stack:
        node, ready = stack.pop()
        if id(node) in done:
            continue
        if ready:
            done[id(node)] = node
        else:
            stack.append((node, True))
            stack.extend((operand, False) for operand in reversed(node.operands))
    return list(done.values())


def names(form: Form) -> dict[Node, str]:
    """Name each value for a reader: inputs keep their own names, all else is v0, v1, ..."""
    called: dict[Node, str] = {}
    computed = 0
    for node in in_order([*form.new_states.values(), *form.backward_roots()]):
        if node.op in ("constant", "truth"):
            called[node] = f"{node.number:g}"
        elif node.op in INPUTS:
            called[node] = f"{node.op}.{node.label}" if node.label else node.op
        else:
            called[node] = f"v{computed}"
            computed += 1
    return called


def equation(node: Node, called: Mapping[Node, str]) -> str:
    """Equation of a value, for a reader."""
    operands = ", ".join(called[operand] for operand in node.operands)
    mark = f" {node.label}" if node.label else ""
    return f"{called[node]:>4} = {node.op}({operands}){mark}  {node.kind.value}"


def text(form: Form) -> str:
    """The form for a reader, one value a line."""
    called = names(form)
    lines = [equation(node, called) for node in called if node.op not in INPUTS]
    for title, values in (
        ("new state", form.new_states),
        ("gradient of state", form.state_gradients),
        ("gradient of gate", form.gate_gradients),
        ("gradient of weight", form.summed_gradients),
    ):
        lines += [f"{title} {name} = {called[node]}" for name, node in values.items()]
    for name, terms in form.matrix_gradients.items():
        sums = " + ".join(f"{called[t.left]}^T {called[t.right]}" for t in terms)
        lines.append(f"gradient of weight {name} = {sums or 0}")
    return "\n".join(lines)
