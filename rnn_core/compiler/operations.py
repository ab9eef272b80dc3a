"""Every operation that a kernel can hold: what it takes and gives, in C and in Triton.

A value is a number of the cell's type or a truth value; there are no integers. What PyTorch
computes in another type, such as a count of truth values, is refused where a step is read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Reduction:
    """C of a reduction over hidden units.

    Attributes:
        start: What it starts from.
        clause: OpenMP's name for it.
        update: One step; {0} is what is accumulated, {1} the value.
        keeps_nan: Whether one NaN makes the result NaN by itself.
    """

    start: str
    clause: str
    update: str
    keeps_nan: bool


@dataclass(frozen=True)
class Operation:
    """One operation.

    Attributes:
        takes: For each operand "n", a number, "t", a truth value, or "=", either, but all of
            these operands alike.
        gives: "n", "t", or "=", what the operands marked so are.
        c: C with operands {0}, {1}, ...; of a reduction, how it is accumulated.
        triton: Triton; None: `emit_triton` writes it in a way of its own.
        special: What becomes of NaN and of signed zeros where IEEE 754 does not say so;
            always what PyTorch does.
    """

    takes: str
    gives: str
    c: str | Reduction
    triton: str | None
    special: str = ""


def function(name: str, special: str = "") -> Operation:
    """A function of one number by the same name in `kernel.c` and in `kernel_triton.py`."""
    return Operation("n", "n", f"{name}_({{0}})", f"{name}({{0}})", special)


def from_language(name: str) -> Operation:
    """A function of one number that Triton has."""
    return Operation("n", "n", f"{name}_({{0}})", f"tl.{name}({{0}})")


def comparison(sign: str) -> Operation:
    """A comparison; with NaN it is false, except for "not equal"."""
    text = f"{{0}} {sign} {{1}}"
    return Operation("nn", "t", text, text)


OPERATIONS: Mapping[str, Operation] = {
    "add": Operation("nn", "n", "{0} + {1}", "{0} + {1}"),
    "sub": Operation("nn", "n", "{0} - {1}", "{0} - {1}"),
    "mul": Operation("nn", "n", "{0} * {1}", "{0} * {1}"),
    "div": Operation("nn", "n", "{0} / {1}", "{0} / {1}"),
    "neg": Operation("n", "n", "-{0}", "{0} * -1.0", "Triton's minus is 0 - x, which loses -0"),
    "reciprocal": Operation("n", "n", "1 / {0}", "1 / {0}"),
    "rsqrt": Operation("n", "n", "1 / sqrt_({0})", "tl.rsqrt({0})"),
    "pow": Operation("nn", "n", "pow_({0}, {1})", None),
    "abs": from_language("abs"),
    "sign": function("sign", "0 for NaN and for both zeros"),
    "relu": function("relu", "NaN and -0 stay"),
    "maximum": Operation("nn", "n", "maximum_({0}, {1})", "maximum({0}, {1})", "NaN if one is"),
    "minimum": Operation("nn", "n", "minimum_({0}, {1})", "minimum({0}, {1})", "NaN if one is"),
    "gt": comparison(">"),
    "ge": comparison(">="),
    "lt": comparison("<"),
    "le": comparison("<="),
    "eq": comparison("=="),
    "ne": comparison("!="),
    "and": Operation("tt", "t", "{0} && {1}", "{0} & {1}"),
    "or": Operation("tt", "t", "{0} || {1}", "{0} | {1}"),
    "not": Operation("t", "t", "!{0}", "{0} == 0"),
    "where": Operation("t==", "=", "{0} ? {1} : {2}", "tl.where({0}, {1}, {2})"),
    "number": Operation("t", "n", "(REAL){0}", "{0}.to(REAL)"),
    "spread": Operation("=", "=", "{0}", "tl.broadcast_to({0}, (ROWS, P))"),
    "row_sum": Operation(
        "n",
        "n",
        Reduction("0", "+", "{0} += {1}", keeps_nan=True),
        "tl.sum(tl.where(inside, {0}, 0.0), axis=1, keep_dims=True)",
    ),
    "row_max": Operation(
        "n",
        "n",
        Reduction("-INFINITY", "max", "{0} = {0} > {1} ? {0} : {1}", keeps_nan=False),
        "row_max({0}, inside)",
        "NaN if one is",
    ),
    "row_min": Operation(
        "n",
        "n",
        Reduction("INFINITY", "min", "{0} = {0} < {1} ? {0} : {1}", keeps_nan=False),
        "row_min({0}, inside)",
        "NaN if one is",
    ),
    "sigmoid": from_language("sigmoid"),
    "tanh": function("tanh"),
    "exp": from_language("exp"),
    "expm1": function("expm1"),
    "log": from_language("log"),
    "log1p": function("log1p"),
    "sqrt": from_language("sqrt"),
    "sin": from_language("sin"),
    "cos": from_language("cos"),
    "erf": from_language("erf"),
}
"""All operations but products, by the form's name."""

ELEMENTARY = ("sigmoid", "tanh", "exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "erf")
"""Pointwise functions that cost more than arithmetic."""

REDUCTIONS = tuple(name for name, o in OPERATIONS.items() if isinstance(o.c, Reduction))
"""Operations that reduce all hidden units to one number for each sequence."""

HELPERS = ("sign", "relu", "maximum", "minimum", "row_max", "row_min", "tanh", "expm1", "log1p")
"""Functions of `kernel_triton.py` that operations are written with."""


def mistyped(name: str, truths: Iterable[bool]) -> str:
    """Describe an error in the types of operands with truth values; "" if there is none."""
    wanted, given = OPERATIONS[name].takes, list(truths)
    if len(wanted) != len(given):
        return f"{name} takes {len(wanted)} operands, not {len(given)}"
    alike = {truth for kind, truth in zip(wanted, given, strict=True) if kind == "="}
    right = {"n": False, "t": True}
    wrong = any(right.get(kind, truth) != truth for kind, truth in zip(wanted, given, strict=True))
    return f"{name} takes {wanted!r}, not {given}" if wrong or len(alike) > 1 else ""
