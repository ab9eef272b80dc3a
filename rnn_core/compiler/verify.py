"""Check that a form keeps its meaning, independently of the pass that made it."""

from collections import Counter
from collections.abc import Iterable

from rnn_core.compiler.form import IN_MEMORY, INPUTS, Form, Kind, Node, in_order, is_truth, widest
from rnn_core.compiler.operations import OPERATIONS, REDUCTIONS, mistyped
from rnn_core.compiler.reader import UnsupportedError

FIXED_KINDS = dict.fromkeys(("gate", "given", "state", "gradient"), Kind.ROWS)
FIXED_KINDS |= dict.fromkeys(("constant", "truth", "hidden_size"), Kind.SCALAR)
FIXED_KINDS |= {"present": Kind.COLUMN}


class UnverifiedError(UnsupportedError):
    """A compiled form is not what it must be, so no kernel may run."""


def require(holds: bool, what: str) -> None:
    """Raise unless something holds."""
    if not holds:
        raise UnverifiedError(f"a check of the compiler fails, which is a fault in it: {what}")


def verify_form(form: Form) -> Form:
    """Raise unless the form is sound; return it.

    Raises:
        UnverifiedError: If it is not.
    """
    forward = in_order(form.new_states.values())
    require(all(node.op != "gradient" for node in forward), "a step reads a gradient")
    everything = in_order([*form.new_states.values(), *form.backward_roots()])
    for node in everything:
        if node.op in INPUTS:
            verify_input(form, node)
        elif node.op == "product":
            verify_product(node)
        else:
            verify_operation(node)
    verify_results(form)
    verify_starts(form, everything)
    return form


def verify_input(form: Form, node: Node) -> None:
    """An input is declared, and of its kind."""
    names = {"gate": form.gates, "given": form.given, "state": form.states}
    names |= {"gradient": form.states, "weight": tuple(form.weights)}
    require(not node.operands, f"{node.op} has operands")
    require(node.op not in names or node.label in names[node.op], f"there is no {node.label}")
    kind = form.weights[node.label] if node.op == "weight" else FIXED_KINDS[node.op]
    require(node.kind is kind, f"{node.op} {node.label} is {node.kind}")


def verify_product(node: Node) -> None:
    """A product multiplies rows by a weight matrix, and starts from rows."""
    require(len(node.operands) in (2, 3), "a product has two operands, or three")
    left, matrix, *start = node.operands
    for rows in (left, *start):
        require(rows.kind is Kind.ROWS and not is_truth(rows), f"{rows.op} is multiplied")
    require(matrix.op == "weight" and matrix.kind is Kind.MATRIX, "a product is not by a matrix")
    require(node.label in ("", "transposed") and node.kind is Kind.ROWS, "a product is marked")


def verify_operation(node: Node) -> None:
    """An operation has operands of the right types, and the shape that these give."""
    require(node.op in OPERATIONS, f"there is no operation {node.op}")
    wrong = mistyped(node.op, map(is_truth, node.operands))
    require(not wrong, wrong)
    kinds = [operand.kind for operand in node.operands]
    require(Kind.MATRIX not in kinds, f"{node.op} has a matrix as an operand")
    if node.op in REDUCTIONS:
        require(kinds == [Kind.ROWS] and node.kind is Kind.COLUMN, f"{node.op} of {kinds}")
    elif node.op == "spread":
        require(node.kind is Kind.ROWS, f"`spread` has kind {node.kind}")
    else:
        require(node.kind is widest(node.operands), f"{node.op} of {kinds} is {node.kind}")


def verify_results(form: Form) -> None:
    """There is every result, each of numbers (B, H)."""
    matrices = {name for name, kind in form.weights.items() if kind is Kind.MATRIX}
    for found, wanted in (
        (form.new_states, form.states),
        (form.state_gradients, form.states),
        (form.gate_gradients, form.gates),
        (form.matrix_gradients, matrices),
        (form.summed_gradients, {*form.weights} - matrices),
    ):
        require({*found} == {*wanted}, f"there are results for {[*found]}, not for {[*wanted]}")
    for node in (*form.new_states.values(), *form.backward_roots()):
        require(node.kind is Kind.ROWS and not is_truth(node), f"a result is {node.op}")


def verify_starts(form: Form, nodes: Iterable[Node]) -> None:
    """Check that nothing else reads the value that a product starts from and overwrites."""
    nodes = list(nodes)
    readers = Counter([*form.new_states.values(), *form.backward_roots()])
    readers.update(operand for node in nodes for operand in node.operands)
    for node in nodes:
        for start in node.operands[2:] if node.op == "product" else ():
            require(readers[start] == 1, "something else reads what a product starts from")
            require(start.op not in IN_MEMORY, f"a product starts from a {start.op}")
