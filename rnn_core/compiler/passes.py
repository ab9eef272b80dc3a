"""Passes: from a form to an equal form that costs less, and the choice of what is saved."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from rnn_core.compiler.form import IN_MEMORY, INPUTS, Builder, Form, Kind, Node, Outer, in_order
from rnn_core.compiler.operations import ELEMENTARY, REDUCTIONS
from rnn_core.compiler.verify import verify_form

COSTLY = (*ELEMENTARY, "rsqrt", "pow", "div", "reciprocal", "product", "gate", *REDUCTIONS)
"""Operations whose results are read from memory in the backward pass, not computed again."""


def optimised(form: Form) -> Form:
    """The form that kernels are made from.

    Raises:
        UnverifiedError: If what a pass made of the form is not sound.
    """
    for change in (simplified, accumulated):
        form = verify_form(change(form))
    return form


def rewritten(form: Form, rule: Callable[[Builder, Node, list[Node]], Node | None]) -> Form:
    """Rebuild a form bottom-up; equal values become one, unused ones go.

    Args:
        form: The form to rebuild.
        rule: Given a builder, a node and its operands as rebuilt, the node's replacement;
            None keeps it.
    """
    builder = Builder()
    new: dict[int, Node] = {}
    for node in in_order([*form.new_states.values(), *form.backward_roots()]):
        operands = [new[id(operand)] for operand in node.operands]
        replacement = rule(builder, node, operands)
        new[id(node)] = replacement or builder.node(
            node.op, *operands, kind=node.kind, label=node.label, number=node.number
        )
    return replace(
        form,
        new_states={name: new[id(node)] for name, node in form.new_states.items()},
        state_gradients={name: new[id(node)] for name, node in form.state_gradients.items()},
        gate_gradients={name: new[id(node)] for name, node in form.gate_gradients.items()},
        summed_gradients={name: new[id(node)] for name, node in form.summed_gradients.items()},
        matrix_gradients={
            name: tuple(Outer(new[id(t.left)], new[id(t.right)]) for t in terms)
            for name, terms in form.matrix_gradients.items()
        },
    )


def is_number(node: Node, number: float) -> bool:
    """Return whether a node is this constant; the two zeros differ."""
    same_sign = math.copysign(1, node.number) == math.copysign(1, number)
    return node.op == "constant" and node.number == number and same_sign


def simplified(form: Form) -> Form:
    """Drop multiplications by one, what adds nothing, and double negations."""

    def rule(builder: Builder, node: Node, operands: list[Node]) -> Node | None:
        simple = simpler(builder, node.op, operands)
        return simple if simple is not None and simple.kind is node.kind else None

    return rewritten(form, rule)


def simpler(builder: Builder, op: str, operands: list[Node]) -> Node | None:
    """A simpler value that equals this operation, if there is one."""
    if op == "neg" and operands[0].op == "neg":
        return operands[0].operands[0]
    if len(operands) != 2:
        return None
    return without_neutral(op, *operands) or without_negation(builder, op, *operands)


def without_neutral(op: str, first: Node, second: Node) -> Node | None:
    """The operand that an operation leaves as it is."""
    # To add 0 would turn -0 into 0.
    neutral = {"mul": 1.0, "div": 1.0, "add": -0.0, "sub": 0.0}.get(op)
    if neutral is None:
        return None
    if is_number(second, neutral):
        return first
    return second if op in ("mul", "add") and is_number(first, neutral) else None


def without_negation(builder: Builder, op: str, first: Node, second: Node) -> Node | None:
    """A difference instead of a sum with a negated operand."""
    if op == "add" and second.op == "neg":
        return builder.node("sub", first, second.operands[0])
    if op == "add" and first.op == "neg":
        return builder.node("sub", second, first.operands[0])
    return None


def accumulated(form: Form) -> Form:
    """Let a product start from what is added to it, which saves a pass over its result."""
    uses = use_counts(form)

    def may_start(product: Node, start: Node) -> bool:
        """Return whether a product can be summed onto a value, neither being needed elsewhere."""
        alone = uses[id(product)] == uses[id(start)] == 1
        in_scratch = start.kind is Kind.ROWS and start.op not in (*IN_MEMORY, "gradient")
        return product.op == "product" and alone and in_scratch

    def rule(builder: Builder, node: Node, operands: list[Node]) -> Node | None:
        if node.op != "add":
            return None
        for index in (0, 1):
            product, start = operands[index], operands[1 - index]
            fresh = len(product.operands) == 2
            if fresh and may_start(node.operands[index], node.operands[1 - index]):
                return builder.node(
                    "product", *product.operands, start, kind=Kind.ROWS, label=product.label
                )
        return None

    return rewritten(form, rule)


def use_counts(form: Form) -> Counter[int]:
    """Count how often each node is an operand or a result."""
    roots = [*form.new_states.values(), *form.backward_roots()]
    counts = Counter(id(root) for root in roots)
    for node in in_order(roots):
        counts.update(id(operand) for operand in node.operands)
    return counts


def plainly_named(form: Form) -> Form:
    """Number what has names that code could take for its own; nobody sees these names.

    In code a name follows a word and an underscore, "input_z", beside names of the code's
    own, "input_weight", whose last parts are all longer than two letters.
    """
    plain = {
        group: numbered(letter, names)
        for group, letter, names in (
            ("gate", "g", form.gates),
            ("given", "k", form.given),
            ("state", "s", form.states),
            ("weight", "w", tuple(form.weights)),
        )
    }
    plain["gradient"] = plain["state"]

    def rule(builder: Builder, node: Node, operands: list[Node]) -> Node | None:
        if node.op not in plain:
            return None
        return builder.node(node.op, kind=node.kind, label=plain[node.op][node.label])

    new = rewritten(form, rule)
    gates, states, weights = plain["gate"], plain["state"], plain["weight"]
    return replace(
        new,
        gates=tuple(gates.values()),
        given=tuple(plain["given"].values()),
        states=tuple(states.values()),
        weights={weights[name]: kind for name, kind in form.weights.items()},
        new_states={states[name]: node for name, node in new.new_states.items()},
        state_gradients={states[name]: node for name, node in new.state_gradients.items()},
        gate_gradients={gates[name]: node for name, node in new.gate_gradients.items()},
        matrix_gradients={weights[name]: terms for name, terms in new.matrix_gradients.items()},
        summed_gradients={weights[name]: node for name, node in new.summed_gradients.items()},
    )


def numbered(letter: str, names: Sequence[str]) -> dict[str, str]:
    """A plain name for each: itself if all are short, else a letter and its number."""
    if all(name.isascii() and name.isalnum() and len(name) <= 2 for name in names):
        return {name: name for name in names}
    return {name: f"{letter}{index}" for index, name in enumerate(names)}


def of_forward(nodes: Iterable[Node]) -> set[int]:
    """The nodes among these, operands before users, that no gradient enters."""
    found: set[int] = set()
    for node in nodes:
        if node.op != "gradient" and all(id(operand) in found for operand in node.operands):
            found.add(id(node))
    return found


def saved_values(form: Form) -> list[Node]:
    """Values that the forward pass keeps for the backward pass.

    States are there anyway, since every step's are an output, and so is what was given. Of
    the rest, what is costly to compute is kept, and what is cheap is computed again from it:
    memory traffic is dearer than arithmetic. A matrix's left operand is kept too, since
    it is in memory in any case.
    """
    nodes = in_order(form.backward_roots())
    forward = of_forward(nodes)
    frontier = [
        operand
        for node in nodes
        if id(node) not in forward
        for operand in node.operands
        if id(operand) in forward
    ]
    outer = [
        n for terms in form.matrix_gradients.values() for t in terms for n in (t.left, t.right)
    ]
    kept = {id(n): n for n in outer if id(n) in forward and n.op not in IN_MEMORY}
    pending = frontier + [n for n in form.backward_roots() if id(n) in forward]
    while pending:
        node = pending.pop()
        if node.op == "gate" or (node.op in COSTLY and node.kind in (Kind.ROWS, Kind.COLUMN)):
            kept[id(node)] = node
        elif id(node) not in kept and node.op not in INPUTS:
            pending.extend(node.operands)
    order = in_order([*form.new_states.values(), *nodes])
    return [node for node in order if id(node) in kept]
