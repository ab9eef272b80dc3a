"""Readers of ATen's operations."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import fx

from rnn_core.compiler.form import Kind, Node, Outer
from rnn_core.compiler.operations import ELEMENTARY
from rnn_core.compiler.reader import AXES, Axes, Read, Reader, UnsupportedError, in_order_of_rows

Reading = Callable[[Reader, fx.Node], Any]  # a value, what is read, or a list of these


def canonical(name: str, *order: int) -> Reading:
    """Read an operation under the form's own name, its operands in the given order."""

    def read(reader: Reader, node: fx.Node) -> Node:
        reader.refuse_options(node)
        operands = [reader.operand(argument) for argument in node.args]
        return reader.pointwise(name, *([operands[i] for i in order] if order else operands))

    return read


def logical(name: str) -> Reading:
    """Read an operation on truth values; a number counts as true where it is not zero."""

    def read(reader: Reader, node: fx.Node) -> Node:
        operands = [reader.truth(reader.operand(argument)) for argument in node.args]
        return reader.pointwise(name, *operands)

    return read


def bitwise(name: str) -> Reading:
    """Read an operation on bits, which only truth values have here."""

    def read(reader: Reader, node: fx.Node) -> Any:
        if node.meta["val"].dtype is not torch.bool:
            reader.refuse(node, " on integers")
        return of_truths(reader, node)

    of_truths = logical(name)
    return read


def scaled(name: str) -> Reading:
    """Read an addition or subtraction whose second operand may have a factor `alpha`."""

    def read(reader: Reader, node: fx.Node) -> Read | Node:
        first, second = (reader.of(argument) for argument in node.args[:2])
        factor = node.kwargs.get("alpha", 1)
        if isinstance(first.value, tuple) and isinstance(second.value, tuple):
            if name != "add" or factor != 1:
                reader.refuse(node)
            return Read(in_order_of_rows(first) + in_order_of_rows(second), AXES[Kind.MATRIX])
        left, right = (reader.operand(argument) for argument in node.args[:2])
        if factor != 1:
            right = reader.pointwise("mul", right, reader.operand(factor))
        return reader.pointwise(name, left, right)

    return read


def power(reader: Reader, node: fx.Node) -> Read | Node:
    """Read a power; PyTorch computes some by simpler means, which differ at infinity."""
    base, exponent = reader.operand(node.args[0]), node.args[1]
    simple: dict[Any, Callable[[], Node]] = {
        0: lambda: reader.builder.constant(1),
        1: lambda: base,
        2: lambda: reader.pointwise("mul", base, base),
        0.5: lambda: reader.pointwise("sqrt", base),
        -0.5: lambda: reader.pointwise("rsqrt", base),
        -1: lambda: reader.pointwise("reciprocal", base),
    }
    if not isinstance(exponent, fx.Node) and exponent in simple:
        return simple[exponent]()
    return reader.pointwise("pow", base, reader.operand(exponent))


def clamp(reader: Reader, node: fx.Node) -> Node:
    """Read `clamp(value, low, high)`, where either bound may be absent."""
    value, *bounds = node.args
    result = reader.operand(value)
    for name, bound in zip(("maximum", "minimum"), bounds, strict=False):
        if bound is not None:  # the value second: of equal zeros it is the value that stays
            result = reader.pointwise(name, reader.operand(bound), result)
    return result


# What changes shape or type, or makes a tensor of nothing.


def same(reader: Reader, node: fx.Node) -> Read:
    """Read an operation that changes memory and no number."""
    return reader.of(node.args[0])


def reshaped(reader: Reader, node: fx.Node) -> Read:
    """Read a change of shape that only adds or removes axes of length one."""
    read = reader.of(node.args[0])
    left = [axis for axis in read.axes if axis != "1"]
    axes = ["1" if size == "1" or not left else left.pop(0) for size in reader.sizes(node)]
    if left:
        reader.refuse(node, " that joins or splits axes")
    return Read(read.value, tuple(axes))


def whole(which: int) -> Reading:
    """Read a slice that leaves nothing out, or one that replaces everything."""

    def read(reader: Reader, node: fx.Node) -> Read:
        source = node.args[which]
        assert isinstance(source, fx.Node)
        if reader.sizes(source) != reader.sizes(node):
            reader.refuse(node)
        return reader.of(source)

    return read


def expanded(reader: Reader, node: fx.Node) -> Read:
    """Read an expansion: the same value for all sequences or hidden units."""
    read, sizes = reader.of(node.args[0]), reader.sizes(node)
    names = {reader.lengths[axis]: axis for axis in ("B", "H", "1")}
    before = ("1",) * (len(sizes) - len(read.axes)) + read.axes
    axes = [
        names.get(size, "?") if axis == "1" else axis
        for axis, size in zip(before, sizes, strict=True)
    ]
    if "?" in axes:
        reader.refuse(node, f" to the shape ({', '.join(sizes)})")
    return Read(read.value, tuple(axes))


def permuted(reader: Reader, node: fx.Node) -> Read:
    """Read a change in the order of axes."""
    read = reader.of(node.args[0])
    count = len(read.axes)
    order: Any = list(node.args[1]) if node.args[1:] else range(count)[::-1]  # type: ignore[arg-type]
    return Read(read.value, tuple(read.axes[axis] for axis in order))


def converted(reader: Reader, node: fx.Node) -> Read:
    """Read a change of type, which keeps every number only where it starts from truth values."""
    read, source = reader.of(node.args[0]), node.args[0]
    assert isinstance(source, fx.Node)
    before, after = source.meta["val"].dtype, node.meta["val"].dtype
    if before is after:
        return read
    if isinstance(read.value, Node) and read.value.op == "constant" and after is not torch.bool:
        return Read(constant(reader, read.value.number, after), read.axes)
    if before is not torch.bool:
        raise UnsupportedError(f"it turns {before} into {after}, which no kernel does")
    return Read(reader.number(reader.operand(source)), read.axes)


def copied(reader: Reader, node: fx.Node) -> Read:
    """Read `copy_`, whose target must not be read again."""
    target = node.args[0]
    assert isinstance(target, fx.Node)
    if any(user is not node and user > node for user in target.users):
        reader.refuse(node)
    return replaced(reader, node)


def replaced(reader: Reader, node: fx.Node) -> Read:
    """Read `copy`, whose result is its second operand in the shape of the first."""
    target, source = node.args[:2]
    assert isinstance(target, fx.Node)
    read = reader.of(source)
    if isinstance(source, fx.Node) and source.meta["val"].dtype is not node.meta["val"].dtype:
        reader.refuse(node, " from another type")
    before = ("1",) * (len(reader.sizes(node)) - len(read.axes)) + read.axes
    pairs = zip(before, reader.axes_of(node), strict=True)
    return Read(read.value, tuple(new if old == "1" else old for old, new in pairs))


def made_of(number: float | None) -> Reading:
    """Read a tensor of one number; None: the last positional argument."""

    def read(reader: Reader, node: fx.Node) -> Read:
        value, dtype = node.args[-1] if number is None else number, node.meta["val"].dtype
        if isinstance(value, fx.Node):
            return Read(reader.operand(value), reader.axes_of(node))
        assert isinstance(value, bool | int | float)
        if dtype is torch.bool:
            return Read(reader.builder.truth(bool(value)), reader.axes_of(node))
        return Read(constant(reader, value, dtype), reader.axes_of(node))

    return read


def constant(reader: Reader, number: float, dtype: torch.dtype) -> Node:
    """A number as it is in a type, which may round it."""
    rounded = number if math.isnan(number) else torch.tensor(number, dtype=dtype).item()
    return reader.builder.constant(rounded)


# Products and reductions.


def product(reader: Reader, node: fx.Node) -> Read:
    """Read a matrix product: by a weight, or of two batches for the gradient of one."""
    left, right = (reader.of(argument) for argument in node.args)
    lead: Axes = ()
    if reader.name(node) == "bmm":
        lead = ("1",)
        if left.axes[0] != "1" or right.axes[0] != "1":
            reader.refuse(node, " of a matrix for each sequence")
        left, right = (Read(read.value, read.axes[1:]) for read in (left, right))
    found = contracted(reader, left, right)
    return Read(found.value, lead + found.axes)


def contracted(reader: Reader, left: Read, right: Read) -> Read:
    """The product of two tensors with two axes each."""
    rows, turned = AXES[Kind.ROWS], AXES[Kind.ROWS][::-1]
    if is_matrix(right) and left.axes == rows:
        mark = "" if right.axes == AXES[Kind.MATRIX] else "transposed"
        return Read(recurrent(reader, left, right, mark), rows)
    if is_matrix(left) and right.axes == turned:
        mark = "transposed" if left.axes == AXES[Kind.MATRIX] else ""
        upright = Read(right.value, rows)
        return Read(recurrent(reader, upright, left, mark), turned)
    if left.axes == turned and right.axes == rows:
        upright = Read(left.value, rows)
        return Read((Outer(reader.rows(upright), reader.rows(right)),), AXES[Kind.MATRIX])
    if is_matrix(left) and is_matrix(right):
        raise UnsupportedError("it multiplies by a matrix that is not a weight as it stands")
    raise UnsupportedError(
        f"it multiplies matrices with axes {left.axes} and {right.axes}; a kernel can multiply "
        "(B, H), a number for each sequence and hidden unit, by a weight (H, H)"
    )


def is_matrix(read: Read) -> bool:
    """Return whether this is a matrix of a cell, or made of one."""
    return isinstance(read.value, Node) and read.value.kind is Kind.MATRIX


def recurrent(reader: Reader, left: Read, weight: Read, mark: str) -> Node:
    """The product of rows by a weight."""
    matrix = weight.value
    assert isinstance(matrix, Node)
    if matrix.op != "weight":
        raise UnsupportedError("it multiplies by a matrix that is not a weight as it stands")
    rows = reader.number(reader.rows(left))
    return reader.builder.node("product", rows, matrix, kind=Kind.ROWS, label=mark)


def reduction(name: str) -> Reading:
    """Read a reduction over hidden units, or a sum over sequences for a gradient."""

    def read(reader: Reader, node: fx.Node) -> Read:
        source = reader.of(node.args[0])
        axes, left = split_axes(source.axes, node)
        over = {*axes} - {"1"}
        if not isinstance(source.value, Node) or over & {"R", "C"}:
            reader.refuse(node, " over the entries of a matrix")
        if "B" in over:
            if name != "row_sum":
                reader.refuse(node, " over the sequences of a batch")
            return Read(batch_sum(reader, source, over), left)
        if not over:
            return Read(source.value, left)
        if source.value.op == "batch_sum" and name == "row_sum":
            inner = source.value.operands[0]
            return Read(reader.builder.node("batch_sum", inner, kind=Kind.SCALAR), left)
        if "B" not in source.axes:
            reader.refuse(node, " over the entries of a vector weight")
        whole = Read(source.value, AXES[Kind.ROWS])
        rows = reader.number(reader.rows(whole))
        return Read(reader.builder.node(name, rows, kind=Kind.COLUMN), left)

    return read


def split_axes(axes: Axes, node: fx.Node) -> tuple[list[str], Axes]:
    """The axes that a reduction goes over, and those of its result."""
    dims: Any = node.args[1] if node.args[1:] else node.kwargs.get("dim")
    keep = bool(node.args[2:] and node.args[2])
    every = range(len(axes))
    chosen = [dims] if isinstance(dims, int) else list(dims or every)
    over = {axis % max(1, len(axes)) for axis in chosen}
    left = [
        "1" if index in over else axis
        for index, axis in enumerate(axes)
        if keep or index not in over
    ]
    return [axes[index] for index in over], tuple(left)


def batch_sum(reader: Reader, source: Read, over: set[str]) -> Node:
    """A sum over sequences; the form keeps its terms as (B, H)."""
    value = source.value
    assert isinstance(value, Node)
    if value.op == "batch_sum":
        raise UnsupportedError("it sums over the sequences of a batch")
    if "H" in source.axes:
        kind = Kind.SCALAR if "H" in over else Kind.VECTOR
        rows = reader.rows(Read(value, AXES[Kind.ROWS]))
        return reader.builder.node("batch_sum", reader.number(rows), kind=kind)
    share = reader.pointwise("div", value, reader.operand_of(reader.hidden_size()))
    return reader.builder.node("batch_sum", reader.spread(share), kind=Kind.SCALAR)


def mean(reader: Reader, node: fx.Node) -> Read:
    """Read a mean over hidden units."""
    over, _ = split_axes(reader.of(node.args[0]).axes, node)
    if "B" in over:
        reader.refuse(node, " over the sequences of a batch")
    total = reduction("row_sum")(reader, node)
    if "H" not in over:
        return total  # type: ignore[no-any-return]
    size = reader.operand_of(reader.hidden_size())
    return Read(reader.pointwise("div", total.value, size), total.axes)


def softmax(reader: Reader, node: fx.Node) -> Read:
    """Read a softmax over hidden units, shifted by the maximum."""
    read, axis = reader.of(node.args[0]), node.args[1]
    assert isinstance(axis, int)
    if read.axes[axis] != "H":
        reader.refuse(node, " over other than hidden units")
    value, make = reader.rows(read), reader.builder.node
    shifted = reader.pointwise("sub", value, make("row_max", value, kind=Kind.COLUMN))
    exponentials = reader.pointwise("exp", shifted)
    total = make("row_sum", exponentials, kind=Kind.COLUMN)
    return Read(reader.pointwise("div", exponentials, total), read.axes)


def layer_norm(reader: Reader, node: fx.Node) -> list[Read]:
    """Read a layer normalisation over hidden units: the result, the mean, 1 / deviation."""
    source, shape, *others = node.args
    if len(shape) != 1 or reader.of(source).axes != AXES[Kind.ROWS]:  # type: ignore[arg-type]
        reader.refuse(node, " over other than hidden units")
    gain, bias, epsilon = (None if o is None else reader.operand(o) for o in others)
    assert epsilon is not None
    value, size = reader.rows(reader.of(source)), reader.operand_of(reader.hidden_size())
    make = reader.builder.node
    middle = reader.pointwise("div", make("row_sum", value, kind=Kind.COLUMN), size)
    centred = reader.pointwise("sub", value, middle)
    squares = make("row_sum", reader.pointwise("mul", centred, centred), kind=Kind.COLUMN)
    variance = reader.pointwise("div", squares, size)
    scale = reader.pointwise("rsqrt", reader.pointwise("add", variance, epsilon))
    result = reader.pointwise("mul", centred, scale)
    result = result if gain is None else reader.pointwise("mul", result, gain)
    result = result if bias is None else reader.pointwise("add", result, bias)
    column = AXES[Kind.COLUMN]
    return [Read(result, AXES[Kind.ROWS]), Read(middle, column), Read(scale, column)]


ARITHMETIC = ("mul", "div", "neg", "reciprocal", "rsqrt", "abs", "sign", "relu")
CHOICES = ("maximum", "minimum", "where", "gt", "ge", "lt", "le", "eq", "ne")
RESHAPING = ("view", "reshape", "_unsafe_view", "unsqueeze", "squeeze")
COPYING = ("detach", "alias", "clone", "lift_fresh_copy", "_conj")

READINGS: Mapping[str, Reading] = (
    {name: canonical(name) for name in (*ELEMENTARY, *ARITHMETIC, *CHOICES)}
    | {f"logical_{name}": logical(name) for name in ("and", "or", "not")}
    | {f"bitwise_{name}": bitwise(name) for name in ("and", "or", "not")}
    | {"logical_xor": logical("ne"), "bitwise_xor": bitwise("ne")}
    | dict.fromkeys(COPYING, same)
    | dict.fromkeys(RESHAPING, reshaped)
    | dict.fromkeys(("permute", "t", "numpy_T"), permuted)
    | dict.fromkeys(("zeros", "zeros_like", "new_zeros"), made_of(0))
    | dict.fromkeys(("ones", "ones_like", "new_ones"), made_of(1))
    # Tensors without numbers, which are there to be overwritten.
    | dict.fromkeys(("empty", "empty_like", "empty_permuted", "new_empty"), made_of(math.nan))
    | dict.fromkeys(("scalar_tensor", "full", "full_like", "new_full"), made_of(None))
    | dict.fromkeys(("mm", "bmm"), product)
    | {
        "add": scaled("add"),
        "sub": scaled("sub"),
        "rsub": canonical("sub", 1, 0),
        "pow": power,
        "clamp": clamp,
        "expand": expanded,
        "slice": whole(0),
        "slice_scatter": whole(1),
        "sum": reduction("row_sum"),
        "amax": reduction("row_max"),
        "amin": reduction("row_min"),
        "mean": mean,
        "_softmax": softmax,
        "native_layer_norm": layer_norm,
        "_to_copy": converted,
        "copy": replaced,
        "copy_": copied,
    }
)
