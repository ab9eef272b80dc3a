"""Reads a traced graph into the form, and refuses what the form does not mean.

Beside its value, the order of its axes is known of everything in the graph: "B" sequences, "H"
hidden units, "R" and "C" rows and columns of a matrix, "1" an axis of length one. A value keeps
its kind where its shape is only moved about, so that a transposition costs nothing; it must have
the shape and the type that PyTorch says it has, or the step is refused.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

import torch
from torch import fx

from rnn_core.cells.base import Cell
from rnn_core.compiler.form import Builder, Form, Kind, Node, Outer, is_truth
from rnn_core.compiler.operations import OPERATIONS
from rnn_core.compiler.torch_internals import Overload, pytree

KINDS = {0: Kind.SCALAR, 1: Kind.VECTOR, 2: Kind.MATRIX}
"""Kind of a weight by its number of dimensions."""

Axes: TypeAlias = tuple[str, ...]
AXES: Mapping[Kind, Axes] = {
    Kind.ROWS: ("B", "H"),
    Kind.COLUMN: ("B", "1"),
    Kind.VECTOR: ("H",),
    Kind.SCALAR: (),
    Kind.MATRIX: ("R", "C"),
}
"""The axes of a value of each kind as it comes."""

OF_TRUTHS = {"add": "or", "mul": "and", "maximum": "or", "minimum": "and"}
"""Meaning of arithmetic on truth values alone."""


class UnsupportedError(Exception):
    """A cell's step holds what no kernel can be generated for.

    Args:
        reason: What that is.
        passing: Whether it may be an accident: other threads may use PyTorch's tracer as well.
    """

    def __init__(self, reason: str, *, passing: bool = False) -> None:
        super().__init__(reason)
        self.passing = passing


@dataclass(frozen=True)
class Read:
    """Result of one operation of the graph.

    Attributes:
        value: A value of the form; or the terms of a matrix's gradient, by rows "R" and
            columns "C".
        axes: The order of its axes, those over which it is spread among them.
    """

    value: Node | tuple[Outer, ...]
    axes: Axes


class Reader:
    """Reads a traced graph, operation by operation.

    Args:
        cell: The cell.
        graph: The graph of its step and its derivative.
        dtype: The type of all numbers.
        readings: How each operation of ATen is read.
    """

    def __init__(
        self,
        cell: Cell,
        graph: fx.Graph,
        dtype: torch.dtype,
        readings: Mapping[str, Callable[["Reader", fx.Node], Any]],
    ) -> None:
        self.cell = cell
        self.graph = graph
        self.dtype = dtype
        self.readings = readings
        self.builder = Builder()
        self.reads: dict[fx.Node, Any] = {}
        placeholders = [node for node in graph.nodes if node.op == "placeholder"]
        # The first gate or, without gates, the first state.
        batch, hidden = (str(length) for length in placeholders[0].meta["val"].shape)
        self.lengths = {"B": batch, "H": hidden, "R": hidden, "C": hidden, "1": "1"}
        for node, value in zip(placeholders, self.inputs(), strict=True):
            self.reads[node] = Read(value, AXES[value.kind])
            self.check(node, self.reads[node])

    def inputs(self) -> list[Node]:
        """The inputs of the traced function, in its order."""
        make, cell = self.builder.node, self.cell
        return [
            *(make("gate", kind=Kind.ROWS, label=name) for name in cell.gates),
            *(make("given", kind=Kind.ROWS, label=name) for name in cell.given),
            *(make("state", kind=Kind.ROWS, label=name) for name in cell.states),
            *(
                make("weight", kind=KINDS[len(shape)], label=name)
                for name, shape in cell.weights.items()
            ),
            make("present", kind=Kind.COLUMN),
            *(make("gradient", kind=Kind.ROWS, label=name) for name in cell.states),
        ]

    def form(self) -> Form:
        """Read all operations."""
        outputs: list[Any] = []
        for node in self.graph.nodes:
            if node.op == "call_function":
                self.reads[node] = self.read(node)
            elif node.op == "output":
                outputs = list(pytree.tree_leaves(node.args[0]))
        results = iter(outputs)
        cell = self.cell
        new_states = {name: self.result(next(results)) for name in cell.states}
        gates = {name: self.result(next(results)) for name in cell.gates}
        states = {name: self.result(next(results)) for name in cell.states}
        kinds = {name: KINDS[len(shape)] for name, shape in cell.weights.items()}
        of_weights = {name: self.of(next(results)) for name in kinds}
        matrices = [name for name, kind in kinds.items() if kind is Kind.MATRIX]
        return Form(
            gates=cell.gates,
            given=cell.given,
            states=cell.states,
            weights=kinds,
            new_states=new_states,
            state_gradients=states,
            gate_gradients=gates,
            matrix_gradients={name: self.terms(of_weights[name]) for name in matrices},
            summed_gradients={
                name: self.summand(of_weights[name], kind)
                for name, kind in kinds.items()
                if kind is not Kind.MATRIX
            },
        )

    # What is read.

    def read(self, node: fx.Node) -> Any:
        """Read one operation."""
        if node.target is operator.getitem:
            source, index = node.args
            return self.reads[source][index]  # type: ignore[index]
        value = node.meta.get("val")
        name = self.name(node)
        if name == "sym_size":
            hidden = str(value) == self.lengths["H"]
            return self.hidden_size() if hidden else None
        if isinstance(value, torch.SymInt):
            return None  # a shape; whoever takes it for a number is refused
        if name not in self.readings:
            self.refuse(node)
        found = self.readings[name](self, node)
        if isinstance(found, Node):
            found = Read(found, self.common_axes(node))
        if isinstance(found, Read):
            self.check(node, found)
        return found

    def name(self, node: fx.Node) -> str:
        """The name of an operation."""
        if isinstance(node.target, Overload):
            return str(node.target.overloadpacket.__name__)
        return str(getattr(node.target, "__name__", node.target))

    def hidden_size(self) -> Read:
        """The size of the state, as a number."""
        return Read(self.builder.node("hidden_size", kind=Kind.SCALAR), ())

    def of(self, argument: Any) -> Read:
        """Look up an argument: the result of an earlier operation, or a number."""
        if isinstance(argument, bool):
            return Read(self.builder.truth(argument), ())
        if isinstance(argument, int | float):
            return Read(self.builder.constant(argument), ())
        found = self.reads.get(argument)
        if isinstance(found, Read):
            return found
        if isinstance(argument, fx.Node) and argument.op == "get_attr":
            raise UnsupportedError("it uses a tensor that is neither an input nor a weight")
        if isinstance(argument, fx.Node) and isinstance(argument.meta.get("val"), torch.SymInt):
            raise UnsupportedError("it computes with the size of the batch")
        raise UnsupportedError(f"it uses {argument!r} where a number or a tensor must stand")

    def operand(self, argument: Any) -> Node:
        """The value of an argument."""
        return self.operand_of(self.of(argument))

    def operand_of(self, read: Read) -> Node:
        """The value of what is read, which is not the gradient of a matrix."""
        value = read.value
        if isinstance(value, Node):
            return value
        raise UnsupportedError("the gradient of a matrix is not a sum of products")

    # Shapes and types.

    def sizes(self, node: fx.Node) -> list[str]:
        """The shape of what an operation yields, its lengths as text."""
        return [str(length) for length in node.meta["val"].shape]

    def axes_of(self, node: fx.Node) -> Axes:
        """The axes of a new tensor, by their lengths alone."""
        sizes = self.sizes(node)
        if sizes == [self.lengths["R"]] * 2:
            return ("R", "C")
        names = {self.lengths[axis]: axis for axis in ("B", "H", "1")}
        if any(size not in names for size in sizes):
            raise UnsupportedError(
                f"it makes a tensor of the shape ({', '.join(sizes)}), whose lengths are not those "
                "of batch and state"
            )
        return tuple(names[size] for size in sizes)

    def common_axes(self, node: fx.Node) -> Axes:
        """The axes that operands have when they are aligned at the last, as PyTorch does."""
        shapes = [r.axes for a in node.args if isinstance(r := self.reads.get(a), Read)]  # type: ignore[arg-type]
        length = max(map(len, shapes), default=0)
        aligned = zip(*(("1",) * (length - len(axes)) + axes for axes in shapes), strict=True)
        found = []
        for position in aligned:
            names = {*position} - {"1"}
            if len(names) > 1:
                raise UnsupportedError(
                    f"{self.name(node)} combines {' with '.join(sorted(names))} along one axis: B "
                    "are sequences, H hidden units, R and C rows and columns of a matrix"
                )
            found.append(names.pop() if names else "1")
        return tuple(found)

    def check(self, node: fx.Node, read: Read) -> None:
        """Refuse a value that is not of the shape and the type that PyTorch says it has."""
        value, there = node.meta["val"], [axis for axis in read.axes if axis != "1"]
        sizes = [self.lengths[axis] for axis in read.axes]
        wanted = {"R", "C"}
        if isinstance(read.value, Node):
            wanted = {*AXES[read.value.kind]} - {"1"}
            self.check_type(node, read.value, value.dtype)
        known = {*there} <= {"B", "H"} or {*there} <= {"R", "C"}
        if sizes != self.sizes(node) or not known or not wanted <= {*there}:
            self.refuse(node, f" with a result of the shape ({', '.join(self.sizes(node))})")
        if len({*there}) != len(there):
            self.refuse(node, " with the same axis twice in its result")

    def check_type(self, node: fx.Node, value: Node, dtype: torch.dtype) -> None:
        """Refuse what PyTorch computes in another type than the cell's."""
        if is_truth(value) != (dtype is torch.bool):
            self.refuse(node, " on truth values")
        if dtype is not self.dtype and not is_exact(value):
            raise UnsupportedError(f"{self.name(node)} computes in {dtype}, not in {self.dtype}")

    # Values.

    def pointwise(self, op: str, *operands: Node) -> Node:
        """A pointwise operation; its operands become numbers or truth values as it wants them."""
        if any(operand.op == "batch_sum" for operand in operands):
            return self.of_sums(op, operands)
        if op in OF_TRUTHS and all(map(is_truth, operands)):
            op = OF_TRUTHS[op]
        takes = OPERATIONS[op].takes
        alike = {is_truth(o) for o, kind in zip(operands, takes, strict=True) if kind == "="}
        turned = [
            self.number(o) if kind == "n" or (kind == "=" and len(alike) > 1) else o
            for o, kind in zip(operands, takes, strict=True)
        ]
        return self.builder.node(op, *turned)

    def number(self, value: Node) -> Node:
        """A truth value as 1 or 0; a number as it is."""
        return self.builder.node("number", value) if is_truth(value) else value

    def truth(self, value: Node) -> Node:
        """Return whether a number is not zero; a truth value as it is."""
        return value if is_truth(value) else self.pointwise("ne", value, self.builder.constant(0))

    def of_sums(self, op: str, operands: Sequence[Node]) -> Node:
        """An operation on sums over sequences, done before the sum where that is the same."""
        sums = [operand for operand in operands if operand.op == "batch_sum"]
        zeros = [o for o in operands if o.op == "constant" and o.number == 0]
        linear = {
            "neg": True,
            "add": len(sums) + len(zeros) == 2,
            "sub": len(sums) + len(zeros) == 2,
            "mul": len(sums) == 1,
            "div": len(sums) == 1 and operands[0] is sums[0],
            "where": len(sums) + len(zeros) == 2 and operands[0] not in sums,
        }
        kind = sums[0].kind
        others = {o.kind for o in operands if o not in sums} - {Kind.SCALAR, kind}
        if not linear.get(op) or others or any(o.kind is not kind for o in sums):
            raise UnsupportedError("it sums over the sequences of a batch")
        inner = [o.operands[0] if o in sums else o for o in operands]
        return self.builder.node("batch_sum", self.pointwise(op, *inner), kind=kind)

    def rows(self, read: Read) -> Node:
        """A value of shape (B, H), spread over what it is the same for."""
        if not isinstance(read.value, Node) or read.axes != AXES[Kind.ROWS]:
            raise UnsupportedError("a tensor of the shape (B, H) is wanted where there is none")
        value = read.value
        return value if value.kind is Kind.ROWS else self.spread(value)

    def spread(self, value: Node) -> Node:
        """A value, the same for all that it does not depend on, as (B, H)."""
        return self.builder.node("spread", value, kind=Kind.ROWS)

    # Results.

    def result(self, argument: Any) -> Node:
        """A result of shape (B, H), in numbers."""
        read = self.of(argument)
        value = self.rows(read)
        if is_truth(value):
            raise UnsupportedError("a new state is true or false, and not a number")
        return value

    def terms(self, read: Read) -> tuple[Outer, ...]:
        """The terms of a matrix's gradient; none for a matrix that is not used."""
        if isinstance(read.value, tuple):
            return in_order_of_rows(read)
        if read.value.op == "constant" and read.value.number == 0:
            return ()
        raise UnsupportedError("the gradient of a matrix is not a sum of products")

    def summand(self, read: Read, kind: Kind) -> Node:
        """Term whose sum is the gradient of a vector or a scalar."""
        value = read.value
        if isinstance(value, Node) and read.axes == AXES[kind]:
            if value.op == "batch_sum" and value.kind is kind:
                return value.operands[0]
            if value.op == "constant" and value.number == 0:
                return self.spread(value)
        raise UnsupportedError("the gradient of a vector or scalar is not a sum over sequences")

    def refuse_options(self, node: fx.Node) -> None:
        """Refuse keyword arguments where the form has no meaning for them."""
        if node.kwargs:
            self.refuse(node, f" with {', '.join(node.kwargs)}")

    def refuse(self, node: fx.Node, where: str = "") -> NoReturn:
        """Say which operation cannot be read."""
        name = self.name(node).strip("_")
        raise UnsupportedError(f"it uses {name}{where}, which no kernel can be generated for")


def is_exact(value: Node) -> bool:
    """Return whether a value is the same in every type that PyTorch computes it in."""
    if value.op == "where":  # as between the two signs in the derivative of log sigmoid
        choices = value.operands[1:]
        return all(o.op != "constant" or o.number.is_integer() for o in choices) and all(
            map(is_exact, choices)
        )
    counted = value.op == "row_sum" and value.operands[0].op == "number"
    return counted or value.op in ("constant", "number") or is_truth(value)


def in_order_of_rows(read: Read) -> tuple[Outer, ...]:
    """The terms of a matrix's gradient, its rows first."""
    assert isinstance(read.value, tuple)
    if read.axes == AXES[Kind.MATRIX]:
        return read.value
    return tuple(Outer(term.right, term.left) for term in read.value)
