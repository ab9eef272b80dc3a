"""C around the steps of a cell: a kernel's arguments, its loops, and what a step finds."""

from collections.abc import Sequence

from rnn_core.compiler.cpu.stages import Direction, indented
from rnn_core.compiler.schedule import Kernel

SIZES = ("T", "B", "I", "H", "threads", "block", "reverse")

SHARED = ("x", "x_step", "x_sequence", "present", "input_weight")


def forward_arguments(kernel: Kernel) -> tuple[str, ...]:
    """Arguments of `forward`: sizes, then addresses and strides in elements."""
    form = kernel.form
    return (
        *SIZES,
        *SHARED,
        "input_bias",
        *given_arguments(kernel),
        *(f"weight_{name}" for name in form.weights),
        *(f"first_{name}" for name in form.states),
        *(f"all_{name}" for name in form.states),
        "saved",
        "whole",
        "workspace",
    )


def given_arguments(kernel: Kernel) -> list[str]:
    """Arguments for what a step reads besides gates: an address and two strides each."""
    parts = ("given", "given_step", "given_sequence")
    return [f"{part}_{name}" for name in kernel.form.given for part in parts]


def backward_arguments(kernel: Kernel) -> tuple[str, ...]:
    """Arguments of `backward`."""
    form = kernel.form
    return (
        *SIZES,
        *SHARED,
        *given_arguments(kernel),
        *(f"weight_{name}" for name in form.weights),
        *(f"first_{name}" for name in form.states),
        *(f"all_{name}" for name in form.states),
        "saved",
        *(f"{n}_{name}" for name in form.states for n in ("seen", "seen_step", "seen_sequence")),
        *(f"last_{name}" for name in form.states),
        "x_gradient",
        "input_weight_gradient",
        "input_bias_gradient",
        *(f"weight_gradient_{name}" for name in form.weights),
        *(f"first_gradient_{name}" for name in form.states),
        "workspace",
    )


STRIDES = ("x_step", "x_sequence")

STRIDE_PREFIXES = ("seen_step_", "seen_sequence_", "given_step_", "given_sequence_")


def unpack(arguments: Sequence[str]) -> list[str]:
    """Declarations of all arguments."""
    lines = []
    for index, name in enumerate(arguments):
        if name in (*SIZES, *STRIDES, "whole") or name.startswith(STRIDE_PREFIXES):
            lines.append(f"const integer {name} = a[{index}];")
        elif name == "present":
            lines.append(f"const uint8_t *present = (const uint8_t *)a[{index}];")
        else:
            lines.append(f"REAL *{name} = (REAL *)a[{index}];")
    return [*lines, "const integer P = padded(H), X = padded(I), N = B * H;"]


def function(name: str, arguments: Sequence[str], body: Sequence[str], returns: str) -> list[str]:
    """A C function that takes its arguments in one array."""
    head = f"{returns} {name}(const integer *a)"
    return [head, "{", *indented([*unpack(arguments), *body]), "}", ""]


def region(body: Sequence[str]) -> list[str]:
    """C that all threads run."""
    return ["#pragma omp parallel num_threads(threads)", "{", *indented(body), "}"]


def shared_loop(head: str, body: Sequence[str], clause: str = "") -> list[str]:
    """C of a loop whose rounds the threads of a region share out."""
    return [f"#pragma omp for schedule(static){clause}", head + " {", *indented(body), "}"]


def block_loop(body: Sequence[str]) -> list[str]:
    """C that runs a body for every block of sequences; a thread always has the same blocks."""
    head = "for (integer first_row = 0; first_row < B; first_row += block)"
    return shared_loop(head, ["const integer rows = least(block, B - first_row);", *body])


def scratch(direction: Direction) -> list[str]:
    """C that divides a thread's scratch memory."""
    program = direction.program
    return [
        f"REAL *own = free_memory + omp_get_thread_num() * ({direction.own_size()});",
        "REAL *slots = own;",
        f"REAL *columns = slots + {program.num_slots} * block * P;",
        f"REAL *rest = columns + {program.num_columns} * block;",
        "(void)columns; (void)rest;",
    ]


HERE = "const int here = present ? present[t * B + first_row + r] : 1; (void)here;"


def step_code(direction: Direction) -> list[str]:
    """C of all stages of a step."""
    lines: list[str] = []
    for stage in direction.program.stages:
        code = direction.stage(stage)
        if "for (integer r = 0; r < rows; r++) {" in code:
            at = code.index("for (integer r = 0; r < rows; r++) {")
            code.insert(at + 1, "    " + HERE)
        lines += code
    return lines


def given_rows(kernel: Kernel) -> list[str]:
    """C of where a step finds what it reads besides gates."""
    return [
        f"REAL *given_rows_{name} = given_{name} + t * given_step_{name} + "
        f"first_row * given_sequence_{name}; (void)given_rows_{name};"
        for name in kernel.form.given
    ]


def saved_rows(kernel: Kernel, scratch_rows: str, given: str) -> list[str]:
    """C of where the saved values of a step lie; in scratch memory where none are kept."""
    rows = len(kernel.saved_rows)
    return [
        # What nobody will read is written to one row over and over, which stays in cache.
        f"const integer kept_row = {given} ? H : 0; (void)kept_row;",
        f"const integer saved_plane = {given} ? T * N : block * H;",
        f"const integer saved_column_plane = {given} ? T * B : block;",
        f"REAL *saved_rows = {given} ? {given} + t * N + first_row * H : {scratch_rows};",
        (
            f"REAL *saved_columns = {given} ? {given} + {rows} * T * N + t * B + first_row : "
            f"{scratch_rows} + {rows} * block * H;"
        ),
        "(void)saved_plane; (void)saved_column_plane; (void)saved_rows; (void)saved_columns;",
    ]
