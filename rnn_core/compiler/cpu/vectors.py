"""C of vectors that weights alone make: computed once a call, not for every row of every step."""

from rnn_core.compiler.cpu.stages import Direction, LoopEmitter, indented
from rnn_core.compiler.form import INPUTS, Kind, Node, in_order
from rnn_core.compiler.passes import COSTLY
from rnn_core.compiler.schedule import Kernel, Program


def direction_of(kernel: Kernel, program: Program) -> Direction:
    """One of the two directions of a kernel, with its vectors."""
    direction = Direction(kernel, program)
    users = [*direction.computed(), *program.sums.values()]
    read = dict.fromkeys(n for user in users for n in (user, *user.operands))
    costly = [node for node in read if is_made_of_weights(node) and is_costly(node)]
    direction.vectors = {node: f"vector{index}" for index, node in enumerate(costly)}
    return direction


def is_made_of_weights(node: Node) -> bool:
    """Return whether a value is one number for each hidden unit that a kernel has to compute."""
    return node.kind is Kind.VECTOR and node.op not in INPUTS


def is_costly(node: Node) -> bool:
    """Return whether to compute a value takes more than arithmetic."""
    return any(part.op in COSTLY for part in in_order([node]))


def compute_vectors(direction: Direction) -> list[str]:
    """C that computes all of them into shared scratch memory; threads share it out."""
    if not direction.vectors:
        return []
    lines = []
    emitter = LoopEmitter(Direction(direction.kernel, direction.program), {}, 0)
    for node, name in direction.vectors.items():
        lines += [f"REAL *{name} = free_memory;", "free_memory += P;"]
        emitter.inside.append(f"{name}[j] = {emitter.value(node)};")
    head = ["#pragma omp for schedule(static) nowait", "for (integer j = 0; j < H; j++) {"]
    return [*lines, *head, *indented(emitter.inside), "}"]
