"""Parts of the step of a random cell: a small graph that prints as one would write it.

Values stay tame by construction: every operation bounds its result by the bounds of its
operands, and what grows too large is squashed, so that rounding is all that two ways of
computing the same cell differ by.
"""

import ast
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

LARGEST = 6.0
"""Bound beyond which a value is squashed."""


@dataclass(frozen=True)
class Operation:
    """Operation that makes a value of others.

    Attributes:
        text: Python, with operands as {0}, {1}, ...
        takes: Kinds of the operands: rows "R" (B, H), column "C" (B, 1), vector "V" (H,),
            scalar "S" (), matrix "M" (H, H), and truth values of rows "T" and of a column "U".
        gives: Kind of the result.
        size: Bound of the result by those of the operands.
    """

    text: str
    takes: str
    gives: str
    size: Callable[..., float]


@dataclass(frozen=True, eq=False)
class Value:
    """A value of a step: a leaf, or an operation on others."""

    text: str
    kind: str
    size: float
    operands: tuple["Value", ...] = ()


def largest(*sizes: float) -> float:
    """The bound of a choice between values."""
    return max(sizes)


def total(*sizes: float) -> float:
    """The bound of a sum."""
    return sum(sizes)


def times(first: float, second: float) -> float:
    """The bound of a product."""
    return first * second


def first(*sizes: float) -> float:
    """The bound of what lies within its first operand."""
    return sizes[0]


def by_matrix(size: float, _: float) -> float:
    """The bound of a product by a matrix, whose rows are about of length 0.6."""
    return 1.2 * size


def one(*_: float) -> float:
    """The bound of what lies in [-1, 1]."""
    return 1.0


def up_to(number: float) -> Callable[..., float]:
    """A bound that does not depend on the operands."""
    return lambda *_: number


PRODUCTS = [
    Operation("{0} @ {1}", "RM", "R", by_matrix),
    Operation("{0} @ {1}.T", "RM", "R", by_matrix),
    Operation("({0} + {1}) @ {2}", "RRM", "R", lambda a, b, m: 1.2 * (a + b)),
    Operation("({0} * {1}) @ {2}", "RRM", "R", lambda a, b, m: 1.2 * a * b),
    Operation("linear({0}, {1}, {2})", "RMV", "R", lambda a, m, v: 1.2 * a + v),
]
"""Recurrent products."""

ROWS = [
    Operation("{0} + {1}", "RR", "R", total),
    Operation("tanh({0})", "R", "R", one),
    Operation("sigmoid({0})", "R", "R", one),
    Operation("{0} * {1}", "RR", "R", times),
    Operation("{0} - {1}", "RR", "R", total),
    Operation("{0} * {1}", "RV", "R", times),
    Operation("{0} + {1}", "VR", "R", total),
    Operation("{1} - {0}", "RV", "R", total),
    Operation("{0} * {1}", "RS", "R", times),
    Operation("{1} + {0}", "RS", "R", total),
    Operation("{0} * {1}", "CR", "R", times),
    Operation("{0} - {1}", "RC", "R", total),
    Operation("{0} + {1}", "CV", "R", total),
    Operation("-{0}", "R", "R", first),
    Operation("1 - {0}", "R", "R", lambda a: 1 + a),
    Operation("0.5 * {0}", "R", "R", lambda a: 0.5 * a),
    Operation("{0} / (1.5 + {1} * {1})", "RR", "R", lambda a, b: a / 1.5),
    Operation("{0} / (1.5 + {1} * {1})", "RC", "R", lambda a, c: a / 1.5),
    Operation("1 / (2 + {0}.abs())", "R", "R", up_to(0.5)),
    Operation("{0}.abs()", "R", "R", first),
    Operation("relu({0})", "R", "R", first),
    Operation("leaky_relu({0}, 0.1)", "R", "R", first),
    Operation("silu({0})", "R", "R", first),
    Operation("gelu({0})", "R", "R", first),
    Operation("softplus({0})", "R", "R", lambda a: a + 0.7),
    Operation("elu({0})", "R", "R", first),
    Operation("torch.erf({0})", "R", "R", one),
    Operation("torch.sin({0})", "R", "R", one),
    Operation("torch.cos({0})", "R", "R", one),
    Operation("torch.exp(-{0}.abs())", "R", "R", one),
    Operation("torch.expm1(-{0}.abs())", "R", "R", one),
    Operation("torch.log1p({0} * {0})", "R", "R", first),
    Operation("torch.sqrt(1 + {0} * {0})", "R", "R", lambda a: 1 + a),
    Operation("torch.rsqrt(1 + {0}.square())", "R", "R", one),
    Operation("tanh({0}) ** 3", "R", "R", one),
    Operation("{0}.clamp(-0.4, 0.6)", "R", "R", up_to(0.6)),
    Operation("{0}.clamp(min=-0.3)", "R", "R", first),
    Operation("{0}.detach() * {1}", "RR", "R", times),
    Operation("torch.maximum({0}, {1})", "RR", "R", largest),
    Operation("torch.minimum({0}, {1})", "RR", "R", largest),
    Operation("torch.maximum({0}, {1})", "RC", "R", largest),
    Operation("torch.lerp({0}, {1}, 0.3)", "RR", "R", total),
    Operation("torch.softmax({0}, -1)", "R", "R", one),
    Operation("torch.log_softmax(tanh({0}), -1)", "R", "R", up_to(3.0)),
    Operation("{0} / (1 + {0}.norm(dim=-1, keepdim=True))", "R", "R", one),
    Operation("layer_norm({0} + {1}, {0}.shape[-1:], {1}, {2}, 0.1)", "RVV", "R", up_to(3.0)),
    Operation("rms_norm({0}, {0}.shape[-1:], {1}, 0.1)", "RV", "R", up_to(3.0)),
    Operation("torch.where({0}, {1}, {2})", "TRR", "R", lambda t, a, b: max(a, b)),
    Operation("torch.where({0}, {1}, 0.25)", "TR", "R", lambda t, a: max(a, 0.25)),
    Operation("torch.where({0}, {1}, {2})", "URR", "R", lambda t, a, b: max(a, b)),
    Operation("{1}.masked_fill({0}, 0.5)", "TR", "R", lambda t, a: max(a, 0.5)),
    Operation("{0} * {1}", "TR", "R", times),
    Operation("{0}.to({1}.dtype) - {1}", "TR", "R", total),
    Operation("({0} + {1}) * {2}", "TTR", "R", lambda s, t, a: 2 * a),
]
"""Pointwise operations that give rows."""

OTHERS = [
    Operation("{0}.sum(-1, keepdim=True)", "R", "C", lambda a: 3 * a),
    Operation("{0}.mean(-1, keepdim=True)", "R", "C", first),
    Operation("{0}.amax(-1, keepdim=True)", "R", "C", first),
    Operation("{0}.amin(-1, keepdim=True)", "R", "C", first),
    Operation("({0} * {1}).sum(-1, keepdim=True)", "RV", "C", lambda a, v: 3 * a * v),
    Operation("{0}.mean(-1).unsqueeze(-1)", "R", "C", first),
    Operation("torch.logsumexp({0}, -1, keepdim=True)", "R", "C", lambda a: a + 3),
    Operation("torch.linalg.vector_norm({0}, dim=-1, keepdim=True)", "R", "C", lambda a: 3 * a),
    Operation("tanh({0})", "C", "C", one),
    Operation("sigmoid({0})", "C", "C", one),
    Operation("{0} * {1}", "CC", "C", times),
    Operation("{0} + {1}", "CC", "C", total),
    Operation("{0} * {1}", "CS", "C", times),
    Operation("tanh({0})", "V", "V", one),
    Operation("{0} * {1}", "VS", "V", times),
    Operation("sigmoid({0})", "S", "S", one),
    Operation("{0} > {1}", "RR", "T", one),
    Operation("{0} <= 0.2", "R", "T", one),
    Operation("{0} < {1}", "RC", "T", one),
    Operation("{0} >= {1}", "RV", "T", one),
    Operation("{0} > 0.1", "C", "U", one),
    Operation("{0} & {1}", "TT", "T", one),
    Operation("{0} | {1}", "TU", "T", one),
    Operation("~{0}", "T", "T", one),
]
"""Operations that give anything else."""

SQUASHED = {kind: Operation("tanh({0})", kind, kind, one) for kind in "RCVS"}


def apply(operation: Operation, operands: Sequence[Value]) -> Value:
    """The value of an operation, squashed if it may be large."""
    size = operation.size(*(operand.size for operand in operands))
    value = Value(operation.text, operation.gives, size, tuple(operands))
    if size > LARGEST:
        return apply(SQUASHED[operation.gives], [value])
    return value


def reachable(results: Sequence[Value]) -> Iterator[Value]:
    """All values that results are made of, operands first, each once."""
    seen: set[int] = set()

    def visit(value: Value) -> Iterator[Value]:
        if id(value) not in seen:
            seen.add(id(value))
            for operand in value.operands:
                yield from visit(operand)
            yield value

    for result in results:
        yield from visit(result)


def written(results: Sequence[Value]) -> list[str]:
    """The statements of a step: a name for what is used twice, all else in its place."""
    values = list(reachable(results))
    uses = Counter(id(result) for result in results)
    for value in values:
        for index, operand in enumerate(value.operands):
            uses[id(operand)] += value.text.count(f"{{{index}}}")
    texts: dict[int, str] = {}
    lines: list[str] = []
    for value in values:
        text = value.text.format(*(bracketed(texts[id(operand)]) for operand in value.operands))
        if value.operands and (uses[id(value)] > 1 or len(text) > 70):
            lines.append(f"v{len(lines)} = {text}")
            text = f"v{len(lines) - 1}"
        texts[id(value)] = text
    lines.append(f"return ({', '.join(texts[id(result)] for result in results)},)")
    return [ast.unparse(ast.parse(line)) for line in lines]  # without needless brackets


def bracketed(text: str) -> str:
    """An operand that is valid next to any operator."""
    return text if text.isidentifier() else f"({text})"
