"""A schedule as text, for a reader; values are called as in the text of the form."""

from collections.abc import Iterable, Iterator, Mapping

from rnn_core.compiler.form import INPUTS, Node, equation, names
from rnn_core.compiler.schedule import Kernel, Loop, Place, Program


def listing(kernel: Kernel) -> str:
    """List the work of both directions in a step, in order, and the places of values in memory."""
    called = names(kernel.form)
    lines = ["forward, for each step:", *of_program(kernel.forward, called)]
    lines += ["backward, for each step from the last:", *of_program(kernel.backward, called)]
    lines += ["after the last step:", *sums_over_time(kernel, called)]
    return "\n".join(lines)


def of_program(program: Program, called: Mapping[Node, str]) -> Iterator[str]:
    """The stages of one direction."""
    yield f"  scratch: {program.num_slots} x (block, H), {program.num_columns} x (block, 1)"
    gates = [node for node in program.places if node.op == "gate"]
    yield from (f"  {called[node]}{places(program, node)}" for node in gates)
    for number, stage in enumerate(program.stages):
        yield f"  stage {number}"
        yield from (f"    {entry(program, node, called)}" for node in stage.products)
        for loop in stage.loops:
            yield from of_loop(program, loop, called)


def of_loop(program: Program, loop: Loop, called: Mapping[Node, str]) -> Iterator[str]:
    """One pass over the hidden units of a row."""
    yield from (f"    before the loop: {entry(program, n, called)}" for n in loop.columns)
    if loop.rows or loop.reductions or loop.copies or loop.sums:
        yield "    loop over hidden units"
        yield from (f"      {called[node]}  -> {p.area} {p.index}" for node, p in loop.copies)
        yield from (f"      {entry(program, node, called)}" for node in loop.rows)
        yield from (f"      {entry(program, node, called)}" for node in loop.reductions)
        yield from (f"      {name} += {called[program.sums[name]]}" for name in loop.sums)


def entry(program: Program, node: Node, called: Mapping[Node, str]) -> str:
    """A value: how it is computed, and where it lies if that is in memory."""
    text = called[node] if node.op in INPUTS else equation(node, called)
    return f"{text}{places(program, node)}"


def places(program: Program, node: Node) -> str:
    """Where a value lies, the place that it is read from first."""
    found: Iterable[Place] = program.places.get(node, ())
    text = ", ".join(f"{place.area} {place.index}" for place in found)
    return f"  -> {text}" if text else ""


def sums_over_time(kernel: Kernel, called: Mapping[Node, str]) -> Iterator[str]:
    """The gradients that are computed for all steps at once, or summed on the way."""
    for name, node in kernel.backward.sums.items():
        kind, _, of = name.partition(" ")
        what = f"bias {of}" if kind == "gate" else f"weight {of}"
        yield f"  gradient of {what} = sum of {called[node]}"
    for name, terms in kernel.form.matrix_gradients.items():
        products = (f"{called[term.left]}^T {called[term.right]}" for term in terms)
        yield f"  gradient of weight {name} = sum of {' + '.join(products) or 0}"
    for name, node in kernel.form.gate_gradients.items():
        yield f"  gradient of input weight {name} = sum of {called[node]}^T x"
