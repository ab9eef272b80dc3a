"""A form as one line of text, which travels with an exported program, and back again.

The text may come from anywhere, so that what is unpacked is checked: names are identifiers, and
operands come before their users. Whether it makes sense is for `verify_form` to say.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rnn_core.compiler.form import Builder, Form, Kind, Node, Outer, in_order
from rnn_core.compiler.operations import REDUCTIONS
from rnn_core.compiler.verify import FIXED_KINDS, verify_form

VERSION = 1
MOST_CHARACTERS = 1 << 20
"""Upper bound of the packed form of any handwritten cell."""


class PackedError(ValueError):
    """Why a text is not that of a form."""


def pack(form: Form) -> str:
    """A form as text; equal forms have equal texts."""
    nodes = in_order([*form.new_states.values(), *form.backward_roots()])
    index = {node: number for number, node in enumerate(nodes)}

    def indices(values: Mapping[str, Node]) -> dict[str, int]:
        return {name: index[node] for name, node in values.items()}

    content = {
        "version": VERSION,
        "gates": form.gates,
        "given": form.given,
        "states": form.states,
        "weights": {name: kind.value for name, kind in form.weights.items()},
        "nodes": [packed(node, index) for node in nodes],
        "new_states": indices(form.new_states),
        "state_gradients": indices(form.state_gradients),
        "gate_gradients": indices(form.gate_gradients),
        "summed_gradients": indices(form.summed_gradients),
        "matrix_gradients": {
            name: [[index[term.left], index[term.right]] for term in terms]
            for name, terms in form.matrix_gradients.items()
        },
    }
    return json.dumps(content, separators=(",", ":"))


def packed(node: Node, index: Mapping[Node, int]) -> list[Any]:
    """A node: operation, operands, and its other fields; its kind follows from these."""
    row: list[Any] = [node.op, [index[operand] for operand in node.operands]]
    if node.op in ("constant", "truth"):
        return [*row, node.number]
    return [*row, node.label] if node.label else row


def unpack(text: str) -> Form:
    """The form of a text, verified.

    Raises:
        PackedError: If it is none.
        UnverifiedError: If it makes no sense.
    """
    if len(text) > MOST_CHARACTERS:
        raise PackedError("it is too long")
    try:
        form = Unpacker(json.loads(text)).form()
    except PackedError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise PackedError(f"it is not the text of a form: {error!r}") from error
    return verify_form(form)


class Unpacker:
    """Makes a form of its parts, and refuses what no form has.

    Args:
        content: What `pack` writes.
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        if content["version"] != VERSION:
            raise PackedError(f"it has version {content['version']}, not {VERSION}")
        self.content = content
        self.builder = Builder()
        self.nodes: list[Node] = []
        self.weights = {name: Kind(content["weights"][name]) for name in names(content, "weights")}

    def form(self) -> Form:
        """The form."""
        for row in self.content["nodes"]:
            self.nodes.append(self.node(*row))
        gates, given, states = (names(self.content, n) for n in ("gates", "given", "states"))
        matrices = [name for name, kind in self.weights.items() if kind is Kind.MATRIX]
        others = [name for name in self.weights if name not in matrices]
        return Form(
            gates=gates,
            given=given,
            states=states,
            weights=self.weights,
            new_states=self.results("new_states", states),
            state_gradients=self.results("state_gradients", states),
            gate_gradients=self.results("gate_gradients", gates),
            summed_gradients=self.results("summed_gradients", others),
            matrix_gradients={
                name: tuple(Outer(self.at(left), self.at(right)) for left, right in terms)
                for name, terms in self.named("matrix_gradients", matrices)
            },
        )

    def named(self, part: str, expected: Sequence[str]) -> list[tuple[str, Any]]:
        """A part that has a value for each of these names."""
        if list(self.content[part]) != list(expected):
            raise PackedError(f"{part} has other names than {', '.join(expected)}")
        return list(self.content[part].items())

    def results(self, part: str, expected: Sequence[str]) -> dict[str, Node]:
        """A part where every value is one for all hidden units of a batch."""
        return {name: self.at(index) for name, index in self.named(part, expected)}

    def at(self, index: Any) -> Node:
        """A node that is there by now."""
        if type(index) is not int or not 0 <= index < len(self.nodes):
            raise PackedError(f"there is no value {index!r} yet")
        return self.nodes[index]

    def node(self, op: str, operands: Sequence[int], more: Any = "") -> Node:
        """One value, from its operation, its operands, and its label or number."""
        values = [self.at(index) for index in operands]
        make = self.builder.node
        if op in ("constant", "truth"):
            return make(op, *values, kind=Kind.SCALAR, number=float(more))
        if not isinstance(more, str):
            raise PackedError(f"{op} has the label {more!r}")
        if op == "weight":
            return make(op, *values, kind=self.weights[more], label=more)
        if op in FIXED_KINDS or op == "product":
            return make(op, *values, kind=FIXED_KINDS.get(op, Kind.ROWS), label=more)
        kinds = {"spread": Kind.ROWS} | dict.fromkeys(REDUCTIONS, Kind.COLUMN)
        return make(op, *values, kind=kinds.get(op))


def names(content: Mapping[str, Any], part: str) -> tuple[str, ...]:
    """Names, all different, that are valid in generated code."""
    found = tuple(content[part])
    if not all(isinstance(name, str) and name.isidentifier() for name in found):
        raise PackedError(f"{part} are to be identifiers, not {found}")
    if len(set(found)) < len(found):
        raise PackedError(f"{part} has a name twice: {found}")
    return found
