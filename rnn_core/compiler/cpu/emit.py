"""The back end for the CPU: C code of a scheduled cell, on top of `kernel.c`.

What a step computes is in `stages_c`, what goes around it in `loops_c` and `backward_c`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rnn_core.compiler.cpu.backward import backward_function
from rnn_core.compiler.cpu.loops import (
    backward_arguments,
    block_loop,
    forward_arguments,
    function,
    given_rows,
    region,
    saved_rows,
    scratch,
    step_code,
)
from rnn_core.compiler.cpu.stages import Direction, indented
from rnn_core.compiler.cpu.vectors import compute_vectors, direction_of
from rnn_core.compiler.schedule import Kernel


@dataclass(frozen=True)
class Source:
    """A generated program.

    Attributes:
        code: C, to be compiled together with `kernel.c`.
        forward: Names of the arguments of `forward`, in order.
        backward: Names of the arguments of `backward`, in order.
    """

    code: str
    forward: tuple[str, ...]
    backward: tuple[str, ...]


def kernel_text() -> str:
    """The hand-written part of every kernel."""
    return Path(__file__).with_name("kernel.c").read_text(encoding="utf-8")


def emit(kernel: Kernel) -> Source:
    """Generate the C code of both directions."""
    ahead, back = (direction_of(kernel, p) for p in (kernel.forward, kernel.backward))
    code = "\n".join(
        [
            *workspace_function("forward", ahead, forward_arguments(kernel)),
            *forward_function(kernel, ahead),
            *workspace_function("backward", back, backward_arguments(kernel)),
            *backward_function(kernel, back),
        ]
    )
    return Source(code + "\n", forward_arguments(kernel), backward_arguments(kernel))


def workspace_function(direction: str, code: "Direction", arguments: Sequence[str]) -> list[str]:
    """A C function that says how many elements of scratch memory a call needs."""
    body = [
        "integer shared = 0, own = 0;",
        *code.shared_sizes(),
        f"own += {code.own_size()};",
    ]
    if direction == "backward":
        body += [
            "REAL *right = 0;",
            *code.operand_tables(),
            "shared += outer_workspace(lefts, num_lefts, threads);",
        ]
    return function(
        f"{direction}_workspace", arguments, [*body, "return shared + own * threads;"], "integer"
    )


def forward_function(kernel: Kernel, direction: Direction) -> list[str]:
    """C of the forward pass."""
    form = kernel.form
    together = {p.operands[2] for p in direction.products if direction.starts_from_input(p)}
    gates = [n for n in direction.program.places if n.op == "gate" and n not in together]
    lines = ["REAL *free_memory = workspace;", *direction.pack_recurrent()]
    lines += compute_vectors(direction)
    for gate in form.gates:
        row = f"{form.gates.index(gate)} * H"
        lines += [
            f"REAL *input_{gate} = free_memory;",
            f"free_memory = pack(free_memory, input_weight + {row} * I, I, H, 1, I);",
            f"REAL *bias_{gate} = free_memory;",
            f"free_memory = pack(free_memory, input_bias + {row}, 1, H, H, 1);",
        ]
    # Where not all states are wanted whole, there is memory for the last two steps of the others.
    others = "({0} % (whole ? T : 2))"
    kept = {s: (others if index else "{0}").format for index, s in enumerate(form.states)}
    step = [
        "const integer t = reverse ? T - 1 - i : i, before = reverse ? t + 1 : t - 1;",
        *(
            f"const REAL *before_{s} = (i ? all_{s} + {at('before')} * N : first_{s}) "
            "+ first_row * H;"
            for s, at in kept.items()
        ),
        *(f"REAL *after_{s} = all_{s} + {at('t')} * N + first_row * H;" for s, at in kept.items()),
        *saved_rows(kernel, "rest", "saved"),
        *given_rows(kernel),
        "const REAL *x_rows = x + t * x_step + first_row * x_sequence;",
    ]
    for node in gates:
        place = direction.block_address(direction.program.places[node][0])
        step.append(
            f"product(rows, I, H, x_rows, x_sequence, input_{node.label}, "
            f"bias_{node.label}, 0, {place}, P);"
        )
    unused = "".join(f"(void)input_{g}; (void)bias_{g}; " for g in form.gates)
    states = "".join(f"(void)before_{s}; " for s in form.states)
    step.append(f"(void)x_rows; {unused}{states}".strip())
    step_code(direction)  # to know which of the kept values the step reads itself
    step += step_code(direction)
    steps = ["for (integer i = 0; i < T; i++) {", *indented(step), "}"]
    lines += [*scratch(direction), "#pragma omp barrier", *block_loop(steps)]
    return function("forward", forward_arguments(kernel), region(lines), "void")
