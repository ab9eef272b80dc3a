"""A form, run step by step by PyTorch's own operations where it cannot be compiled.

An exported program holds the form of a cell and not the cell. It may end up where there is no
compiler, or run with a type that no kernel is made for.

Shapes: T steps, B sequences, G gates, H hidden units; R values (B, H) and C values (B, 1) that
a step keeps for the derivative.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rnn_core.compiler.form import Form, Node, in_order
from rnn_core.compiler.operations import ELEMENTARY
from rnn_core.compiler.schedule import Kernel

ARITHMETIC = ("add", "sub", "mul", "div", "neg", "reciprocal", "rsqrt", "pow", "abs", "relu")
CHOICES = ("maximum", "minimum", "gt", "ge", "lt", "le", "eq", "ne", "where")
FUNCTIONS: Mapping[str, Callable[..., Tensor]] = {
    **{name: getattr(torch, name) for name in (*ARITHMETIC, *CHOICES, *ELEMENTARY)},
    "and": torch.logical_and,
    "or": torch.logical_or,
    "not": torch.logical_not,
    "sign": lambda value: value.sign().nan_to_num(0.0),
    "number": lambda value: value,
    "spread": lambda value: value,
    "row_sum": lambda value: value.sum(-1, keepdim=True),
    "row_max": lambda value: value.amax(-1, keepdim=True),
    "row_min": lambda value: value.amin(-1, keepdim=True),
}
"""All operations of `operations.OPERATIONS` in PyTorch."""


@dataclass(frozen=True)
class Plan:
    """Values that one direction computes in every step.

    Attributes:
        results: What is wanted.
        nodes: What has to be computed for it, operands before their users.
    """

    results: Sequence[Node]
    nodes: Sequence[Node]


def planned(results: Iterable[Node], given: Iterable[Node] = ()) -> Plan:
    """The plan for results, where some values are given."""
    wanted = list(results)
    known = {*given}
    needed: dict[Node, None] = {}
    for node in reversed(in_order(wanted)):
        if node in wanted or node in needed:
            needed[node] = None
            if node not in known:
                needed |= dict.fromkeys(node.operands)
    return Plan(wanted, [n for n in in_order(wanted) if n in needed and n not in known])


class Step:
    """The values of one step.

    Args:
        like: A tensor of the shape, type and device of a state.
        given: What the step is given, by operation and name.
    """

    def __init__(self, like: Tensor, given: dict[tuple[str, str], Tensor]) -> None:
        self.like = like
        self.given = given
        self.values: dict[Node, Tensor] = {}

    def run(self, plan: Plan) -> list[Tensor]:
        """The results of a plan."""
        for node in plan.nodes:
            self.values[node] = self.value(node)
        return [self.values[node] for node in plan.results]

    def rows(self, plan: Plan) -> list[Tensor]:
        """The results of a plan, (B, H) each."""
        return [value.expand(self.like.shape) for value in self.run(plan)]

    def value(self, node: Node) -> Tensor:
        """A value of operands that are known."""
        operands = [self.values[operand] for operand in node.operands]
        if node.op == "truth":
            return self.like.new_tensor(node.number != 0, dtype=torch.bool)
        if node.op == "constant":
            return self.like.new_tensor(node.number)
        if node.op == "hidden_size":
            return self.like.new_tensor(self.like.shape[1])
        if node.op == "product":
            return product(*operands, transposed=node.label == "transposed")
        if node.op not in FUNCTIONS:
            return self.given[node.op, node.label]
        result = FUNCTIONS[node.op](*operands)
        return result.to(self.like.dtype) if node.op == "number" else result


def product(left: Tensor, matrix: Tensor, *start: Tensor, transposed: bool) -> Tensor:
    """A product by a recurrent matrix, perhaps on top of a value."""
    result = left @ (matrix.t() if transposed else matrix)
    return result + start[0] if start else result


@dataclass(frozen=True)
class Unrolled:
    """Values that both directions share.

    Attributes:
        kernel: The form, with what it keeps for the derivative.
        shape: T, B and H.
        weights: Recurrent weights.
        given: What the cell reads besides gates, each (T, B, H).
        present: Where sequences still go on, bool (T, B); None: everywhere.
        reverse: Whether it runs from the last step to the first.
    """

    kernel: Kernel
    shape: tuple[int, int, int]
    weights: Sequence[Tensor]
    given: Sequence[Tensor]
    present: Tensor | None
    reverse: bool

    def order(self) -> list[int]:
        """The steps in the order that they are run in."""
        steps = range(self.shape[0])
        return list(reversed(steps)) if self.reverse else list(steps)

    def step(self, t: int, states: Sequence[Tensor]) -> Step:
        """A step that only lacks what one direction adds."""
        form, like = self.kernel.form, states[0]
        here = like.new_ones((self.shape[1], 1), dtype=torch.bool)
        values = {("present", ""): here if self.present is None else self.present[t].unsqueeze(-1)}
        values |= labelled("weight", form.weights, self.weights)
        values |= labelled("given", form.given, [tensor[t] for tensor in self.given])
        return Step(like, values | labelled("state", form.states, states))


def labelled(
    op: str, names: Iterable[str], values: Iterable[Tensor]
) -> dict[tuple[str, str], Tensor]:
    """Values of a step by operation and name."""
    return {(op, name): value for name, value in zip(names, values, strict=True)}


@dataclass(frozen=True)
class Kept:
    """Values that the forward pass keeps for the derivative.

    Attributes:
        planes: Values (B, H) of every step, (T, B, R, H).
        columns: Values (B, 1) of every step, (T, B, C).
    """

    planes: Tensor
    columns: Tensor

    def at(self, t: int) -> list[Tensor]:
        """The values of a step: (B, H) each, then (B, 1)."""
        return [*self.planes[t].unbind(1), *self.columns[t].unsqueeze(-1).unbind(1)]


def forward(
    run: Unrolled, gates: Tensor, first: Sequence[Tensor], kept: Kept | None
) -> list[Tensor]:
    """Run a form over time; where nothing is kept, autograd can differentiate that.

    Args:
        run: What is run.
        gates: Projected input, (T, B, G * H).
        first: Initial states, each (B, H).
        kept: Where to keep what the derivative needs; None: it is not wanted.

    Returns:
        For every state its values at all steps, (T, B, H); then its last, (B, H).
    """
    kernel, form = run.kernel, run.kernel.form
    plan = planned(form.new_states.values())
    keep = planned([*kernel.saved_rows, *kernel.saved_columns])
    passed: dict[int, list[Tensor]] = {}
    states = list(first)
    for t in run.order():
        step = run.step(t, states)
        step.given |= labelled("gate", form.gates, gates[t].chunk(len(form.gates), -1))
        states = passed[t] = step.rows(plan)
        if kept is not None:
            for place, value in zip(kept.at(t), step.run(keep), strict=True):
                place.copy_(value)
    every = zip(*(passed[t] for t in range(len(gates))), strict=True)
    return [*(torch.stack(values) for values in every), *(state.clone() for state in states)]


def backward(
    run: Unrolled,
    seen: Sequence[Tensor | None],
    last: Sequence[Tensor | None],
    first: Sequence[Tensor],
    every: Sequence[Tensor],
    kept: Kept,
) -> list[Tensor]:
    """The derivative of `forward`.

    Args:
        run: What was run.
        seen: Gradients of the states at all steps, each (T, B, H) or None.
        last: Gradients of the last states, each (B, H) or None.
        first: Initial states.
        every: States at all steps.
        kept: What `forward` kept.

    Returns:
        Gradients of the projected input, (T, B, G * H), initial states and recurrent weights.
    """
    kernel, form, order = run.kernel, run.kernel.form, run.order()
    known = [*kernel.saved_rows, *kernel.saved_columns]
    plan = planned(form.backward_roots(), known)
    carried = [torch.zeros_like(f) if g is None else g for g, f in zip(last, first, strict=True)]
    d_gates: list[Tensor] = [first[0]] * len(order)
    d_weights = {n: torch.zeros_like(w) for n, w in zip(form.weights, run.weights, strict=True)}
    for position in reversed(range(len(order))):
        t = order[position]
        before = [states[order[position - 1]] for states in every] if position else list(first)
        incoming = [g if s is None else g + s[t] for g, s in zip(carried, seen, strict=True)]
        step = run.step(t, before)
        step.given |= labelled("gradient", form.states, incoming)
        step.values = dict(zip(known, kept.at(t), strict=True))
        results = dict(zip(plan.results, step.rows(plan), strict=True))
        carried = [results[form.state_gradients[name]] for name in form.states]
        d_gates[t] = torch.cat([results[form.gate_gradients[name]] for name in form.gates], -1)
        add_weight_gradients(form, results, d_weights)
    return [torch.stack(d_gates), *(c.contiguous() for c in carried), *d_weights.values()]


def add_weight_gradients(
    form: Form, results: Mapping[Node, Tensor], totals: Mapping[str, Tensor]
) -> None:
    """Add a step's share to the gradients of the recurrent weights."""
    for name, node in form.summed_gradients.items():
        totals[name].add_(results[node].sum(0) if totals[name].ndim else results[node].sum())
    for name, terms in form.matrix_gradients.items():
        for term in terms:
            totals[name].addmm_(results[term.left].t(), results[term.right])
