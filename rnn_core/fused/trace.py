"""The front end: a cell's `step` and its derivative, traced into the intermediate form."""

import math
import operator
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import torch
from torch import fx
from torch._decomp import core_aten_decompositions, get_decompositions
from torch.func import functionalize, vjp
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._python_dispatch import _disable_current_modes

from rnn_core.cells.base import Cell, named
from rnn_core.fused.form import ELEMENTARY, Builder, Form, Kind, Node, Outer, in_order

aten = torch.ops.aten

KINDS = {1: Kind.VECTOR, 2: Kind.MATRIX}
"""Kind of a weight by its number of dimensions."""

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
"""Sizes to trace with; both stay symbols in the graph, and differ so that none is the other."""


class UnsupportedError(Exception):
    """A cell's step holds what no kernel can be generated for."""


def trace(cell: Cell, dtype: torch.dtype = torch.float32) -> Form:
    """Trace one masked step of a cell together with its derivative.

    Args:
        cell: The cell.
        dtype: Type of all tensors; a step may look at it.

    Raises:
        UnsupportedError: If `step` holds an operation that the form has no word for.
    """
    try:
        # The caller may be in the middle of an export or of inference. Most such modes belong
        # to a thread, and a thread of its own is in none of them.
        with _disable_current_modes(), ThreadPoolExecutor(1) as thread:
            return thread.submit(lambda: Reader(cell, traced_graph(cell, dtype)).form()).result()
    except UnsupportedError:
        raise
    except Exception as error:
        # Whatever `step` does to a tracer (data-dependent control flow, NumPy) surfaces here.
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UnsupportedError(f"it cannot be traced: {reason}") from error


def refuse_sizes(graph: fx.Graph) -> None:
    """Refuse a step that does different things for different sizes, of which one was traced."""
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
            pairs = list(zip(cell.step(x, tuple(states), w), states, strict=True))
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
    decompositions = dict(core_aten_decompositions()) | get_decompositions(DECOMPOSED)
    trace_with = make_fx(
        functionalize(step_and_derivative), decompositions, tracing_mode="symbolic"
    )
    graph = trace_with(*inputs).graph
    refuse_sizes(graph)
    return graph


def canonical(name: str, *order: int) -> Callable[["Reader", fx.Node], Node]:
    """Read an operation under the form's own name, its operands in the given order."""

    def read(reader: "Reader", node: fx.Node) -> Node:
        reader.refuse_options(node)
        operands = [reader.operand(argument) for argument in node.args]
        return reader.pointwise(name, *([operands[i] for i in order] if order else operands))

    return read


def scaled(name: str) -> Callable[["Reader", fx.Node], Node]:
    """Read an addition or subtraction whose second operand may have a factor `alpha`."""

    def read(reader: "Reader", node: fx.Node) -> Node:
        first, second = (reader.operand(argument) for argument in node.args[:2])
        factor = node.kwargs.get("alpha", 1)
        if factor != 1:
            second = reader.pointwise("mul", second, reader.operand(factor))
        return reader.pointwise(name, first, second)

    return read


def same(reader: "Reader", node: fx.Node) -> Node:
    """Read an operation that changes shape or memory and no number."""
    return reader.operand(node.args[0])


def converted(reader: "Reader", node: fx.Node) -> Node:
    """Read a change of type, which keeps every number only where it starts from truth values."""
    source = node.args[0]
    assert isinstance(source, fx.Node)
    before, after = source.meta["val"].dtype, node.meta["val"].dtype
    return reader.operand(source) if before in (torch.bool, after) else reader.refuse(node)


def copied(reader: "Reader", node: fx.Node) -> Node:
    """Read `copy_`, whose target must not be read again."""
    target, source = node.args[:2]
    assert isinstance(target, fx.Node)
    if any(user is not node and user > node for user in target.users):
        reader.refuse(node)
    return reader.operand(source)


def replaced(reader: "Reader", node: fx.Node) -> Node:
    """Read `copy`, whose result is its second operand."""
    return reader.operand(node.args[1])


def empty(reader: "Reader", node: fx.Node) -> Node:
    """Read a tensor without numbers, which is there to be overwritten."""
    return reader.builder.constant(math.nan)


def zeros(reader: "Reader", node: fx.Node) -> Node:
    """Read a tensor of zeros."""
    return reader.builder.constant(0)


def ones(reader: "Reader", node: fx.Node) -> Node:
    """Read a tensor of ones."""
    return reader.builder.constant(1)


def scalar(reader: "Reader", node: fx.Node) -> Node:
    """Read a tensor made of one number, which is the last positional argument."""
    return reader.operand(node.args[-1])


def size(reader: "Reader", node: fx.Node) -> Node | None:
    """Read a size: that of the hidden state is a value, that of the batch only a shape."""
    if node.meta["val"].node.expr == reader.hidden:
        return reader.builder.node("hidden_size", kind=Kind.SCALAR)
    return None


def power(reader: "Reader", node: fx.Node) -> Node:
    """Read a power by a constant exponent."""
    base, exponent = reader.operand(node.args[0]), node.args[1]
    if exponent == 2:
        return reader.pointwise("mul", base, base)
    return reader.pointwise("pow", base, reader.operand(exponent))


def clamp(reader: "Reader", node: fx.Node) -> Node:
    """Read `clamp(value, low, high)`, either bound of which may be absent."""
    value, *bounds = node.args
    result = reader.operand(value)
    for name, bound in zip(("maximum", "minimum"), bounds, strict=False):
        if bound is not None:
            result = reader.pointwise(name, result, reader.operand(bound))
    return result


def product(reader: "Reader", node: fx.Node) -> Node | Outer:
    """Read a matrix product: by a weight in the step, or of two batches for its gradient."""
    left, right = node.args
    assert isinstance(left, fx.Node)
    assert isinstance(right, fx.Node)
    if reader.is_transposed_batch(left):
        return Outer(reader.operand(left.args[0]), reader.operand(right))
    weight, mark = reader.matrix(right)
    return reader.builder.node("product", reader.operand(left), weight, kind=Kind.ROWS, label=mark)


def permuted(reader: "Reader", node: fx.Node) -> Any:
    """Read a transposition: of a gradient here, of a product's operands where they are read."""
    value = reader.values.get(node.args[0])
    if isinstance(value, list):
        return [Outer(term.right, term.left) for term in value]
    return None


def reduction(name: str) -> Callable[["Reader", fx.Node], Node]:
    """Read a reduction over hidden units, or a sum over sequences for a gradient."""

    def read(reader: "Reader", node: fx.Node) -> Node:
        value, axes = reader.operand(node.args[0]), node.args[1] if node.args[1:] else None
        axis = axes[0] if isinstance(axes, list) and len(axes) == 1 else None
        if value.kind is Kind.ROWS and axis in (1, -1):
            return reader.reduce(name, value)
        if value.kind is Kind.ROWS and axis == 0 and name == "row_sum":
            return reader.builder.node("batch_sum", value, kind=Kind.VECTOR)
        return reader.refuse(node)

    return read


def mean(reader: "Reader", node: fx.Node) -> Node:
    """Read a mean over hidden units."""
    total = reduction("row_sum")(reader, node)
    return reader.pointwise("div", total, reader.builder.node("hidden_size", kind=Kind.SCALAR))


def softmax(reader: "Reader", node: fx.Node) -> Node:
    """Read a softmax over hidden units, shifted by the maximum."""
    value = reader.operand(node.args[0])
    if value.kind is not Kind.ROWS or node.args[1] not in (1, -1):
        return reader.refuse(node)
    exponentials = reader.pointwise(
        "exp", reader.pointwise("sub", value, reader.reduce("row_max", value))
    )
    return reader.pointwise("div", exponentials, reader.reduce("row_sum", exponentials))


def layer_norm(reader: "Reader", node: fx.Node) -> tuple[Node, Node, Node]:
    """Read a layer normalisation over hidden units: the result, the mean, 1 / deviation."""
    value, _, gain, bias, epsilon = (
        None if index == 1 or argument is None else reader.operand(argument)
        for index, argument in enumerate(node.args)
    )
    assert value is not None
    assert epsilon is not None
    size = reader.builder.node("hidden_size", kind=Kind.SCALAR)
    middle = reader.pointwise("div", reader.reduce("row_sum", value), size)
    centred = reader.pointwise("sub", value, middle)
    squares = reader.reduce("row_sum", reader.pointwise("mul", centred, centred))
    variance = reader.pointwise("div", squares, size)
    scale = reader.pointwise("rsqrt", reader.pointwise("add", variance, epsilon))
    result = reader.pointwise("mul", centred, scale)
    result = result if gain is None else reader.pointwise("mul", result, gain)
    return result if bias is None else reader.pointwise("add", result, bias), middle, scale


ARITHMETIC = ("mul", "div", "neg", "reciprocal", "rsqrt", "abs", "sign", "relu")
CHOICES = ("maximum", "minimum", "where", "gt", "ge", "lt", "le", "eq", "ne")

RENAMED = {
    "bitwise_and": "and",
    "logical_and": "and",
    "bitwise_or": "or",
    "logical_or": "or",
    "bitwise_not": "not",
    "logical_not": "not",
}
RESHAPING = ("expand", "view", "reshape", "_unsafe_view", "unsqueeze", "squeeze")
COPYING = ("detach", "alias", "clone", "lift_fresh_copy", "_conj")

READERS: Mapping[str, Callable[["Reader", fx.Node], Any]] = (
    {name: canonical(name) for name in (*ELEMENTARY, *ARITHMETIC, *CHOICES)}
    | {name: canonical(form) for name, form in RENAMED.items()}
    | dict.fromkeys((*RESHAPING, *COPYING), same)
    | dict.fromkeys(("zeros", "zeros_like", "new_zeros"), zeros)
    | dict.fromkeys(("empty", "empty_like", "empty_permuted", "new_empty"), empty)
    | dict.fromkeys(("ones", "ones_like", "new_ones"), ones)
    | dict.fromkeys(("scalar_tensor", "full", "full_like"), scalar)
    | {
        "add": scaled("add"),
        "sub": scaled("sub"),
        "rsub": canonical("sub", 1, 0),
        "pow": power,
        "clamp": clamp,
        "mm": product,
        "permute": permuted,
        "t": permuted,
        "sum": reduction("row_sum"),
        "amax": reduction("row_max"),
        "amin": reduction("row_min"),
        "mean": mean,
        "_softmax": softmax,
        "native_layer_norm": layer_norm,
        "_to_copy": converted,
        "copy": replaced,
        "copy_": copied,
        "sym_size": size,
    }
)
"""How each operation of ATen is read."""


class Reader:
    """Reads a traced graph, operation by operation."""

    def __init__(self, cell: Cell, graph: fx.Graph) -> None:
        self.cell = cell
        self.graph = graph
        self.builder = Builder()
        self.values: dict[object, Any] = {}
        placeholders = [node for node in graph.nodes if node.op == "placeholder"]
        self.batch, self.hidden = (
            length.node.expr for length in self.shape_source(placeholders).meta["val"].shape
        )
        for node, value in zip(placeholders, self.inputs(), strict=True):
            self.values[node] = value

    def shape_source(self, placeholders: list[fx.Node]) -> fx.Node:
        """A placeholder of shape (B, H): the first gate or, without gates, the first state."""
        return placeholders[0]

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
                self.values[node] = self.read(node)
            elif node.op == "output":
                outputs = list(torch.utils._pytree.tree_leaves(node.args[0]))
        results = iter(outputs)
        cell = self.cell
        new_states = {name: self.rows(next(results)) for name in cell.states}
        gates = {name: self.rows(next(results)) for name in cell.gates}
        states = {name: self.rows(next(results)) for name in cell.states}
        kinds = {name: KINDS[len(shape)] for name, shape in cell.weights.items()}
        weights = {name: self.values.get(next(results)) for name in kinds}
        form = Form(
            gates=cell.gates,
            given=cell.given,
            states=cell.states,
            weights=kinds,
            new_states=new_states,
            state_gradients=states,
            gate_gradients=gates,
            matrix_gradients={
                name: self.terms(weights[name])
                for name, kind in kinds.items()
                if kind is Kind.MATRIX
            },
            vector_gradients={
                name: self.summand(weights[name])
                for name, kind in kinds.items()
                if kind is Kind.VECTOR
            },
        )
        nodes = in_order([*form.new_states.values(), *form.backward_roots()])
        if any(node.op == "batch_sum" for node in nodes):
            raise UnsupportedError("it sums over the sequences of a batch")
        return form

    def read(self, node: fx.Node) -> Any:
        """Read one operation."""
        if node.target is operator.getitem:
            source, index = node.args
            return self.values[source][index]
        if isinstance(node.target, torch._ops.OpOverload):
            if self.is_matrix(node):
                return self.matrix_gradient(node)
            name = node.target.overloadpacket.__name__
            if name in READERS:
                value = READERS[name](self, node)
                return [value] if isinstance(value, Outer) else value
        return self.refuse(node)

    def is_matrix(self, node: fx.Node) -> bool:
        """Whether the result is a sum of terms of a matrix's gradient."""
        operands = [self.values.get(a) for a in node.args if isinstance(a, fx.Node)]
        return any(isinstance(value, list) for value in operands)

    def matrix_gradient(self, node: fx.Node) -> Any:
        """Read what is done to a matrix's gradient: it is added to another, or transposed."""
        name = node.target.overloadpacket.__name__  # type: ignore[union-attr]
        operands: list[Any] = [self.values.get(argument) for argument in node.args]
        if name == "add" and all(isinstance(value, list) for value in operands):
            return operands[0] + operands[1]
        if name in ("permute", "t"):
            return permuted(self, node)
        return operands[0] if name in ("detach", "clone", "alias") else self.refuse(node)

    def operand(self, argument: Any) -> Node:
        """The value of an argument: an earlier operation's, or a number."""
        if isinstance(argument, bool | int | float):
            return self.builder.constant(argument)
        value = self.values.get(argument)
        if not isinstance(value, Node):
            raise UnsupportedError(f"it uses {argument} as an operand of pointwise operations")
        return value

    def rows(self, argument: fx.Node) -> Node:
        """An output of shape (B, H)."""
        node = self.operand(argument)
        if node.kind is Kind.ROWS:
            return node
        # A constant, or one number per sequence: spread it over the hidden units.
        return self.builder.node("spread", node, kind=Kind.ROWS)

    def pointwise(self, op: str, *operands: Node) -> Node:
        """A pointwise operation; on a sum over sequences, it is done before the sum.

        Derivatives are linear, so only linear operations meet such a sum.
        """
        if any(operand.op == "batch_sum" for operand in operands):
            inner = [o.operands[0] if o.op == "batch_sum" else o for o in operands]
            return self.builder.node("batch_sum", self.builder.node(op, *inner), kind=Kind.VECTOR)
        return self.builder.node(op, *operands)

    def reduce(self, op: str, value: Node) -> Node:
        """A reduction over hidden units."""
        return self.builder.node(op, value, kind=Kind.COLUMN)

    def terms(self, value: Any) -> tuple[Outer, ...]:
        """The terms of a matrix's gradient; none for a matrix that is not used."""
        if isinstance(value, list):
            return tuple(value)
        if isinstance(value, Node) and value.op == "constant":
            return ()
        raise UnsupportedError("the gradient of a matrix is not a sum of products")

    def summand(self, value: Any) -> Node:
        """What the gradient of a vector is the sum of."""
        if isinstance(value, Node) and value.op == "batch_sum":
            return value.operands[0]
        if isinstance(value, Node) and value.op == "constant":
            return self.builder.node("spread", value, kind=Kind.ROWS)
        raise UnsupportedError("the gradient of a vector is not a sum over sequences")

    def is_transposed_batch(self, node: fx.Node) -> bool:
        """Whether a value is a batch turned to (H, B)."""
        return [str(s) for s in node.meta["val"].shape] == [str(self.hidden), str(self.batch)]

    def matrix(self, node: fx.Node) -> tuple[Node, str]:
        """A weight matrix, and "transposed" if it is used so."""
        mark = ""
        while self.values.get(node) is None and node.op == "call_function":
            mark = "" if mark else "transposed"
            source = node.args[0]
            assert isinstance(source, fx.Node)
            node = source
        weight = self.operand(node)
        if weight.op != "weight":
            raise UnsupportedError("it multiplies by a matrix that is not a weight as it stands")
        return weight, mark

    def refuse_options(self, node: fx.Node) -> None:
        """Refuse keyword arguments, which `canonical` operations have no meaning for."""
        if node.kwargs:
            self.refuse(node)

    def refuse(self, node: fx.Node) -> NoReturn:
        """Say which operation cannot be read."""
        raise UnsupportedError(f"it uses {node.target}, which no kernel can be generated for")
