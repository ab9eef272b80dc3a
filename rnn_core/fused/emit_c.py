"""The back end for the CPU: C code of a scheduled cell, on top of `kernel.c`.

What a step computes is in `stages_c`; here is what goes over time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rnn_core.fused.form import Kind
from rnn_core.fused.schedule import Kernel
from rnn_core.fused.stages_c import Direction, indented, matrix_results, outer_tables, term_names

SIZES = ("T", "B", "I", "H", "threads", "block", "reverse")
SHARED = ("x", "x_step", "x_sequence", "present", "input_weight")


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
    return Path(__file__).with_name("kernel.c").read_text()


def emit(kernel: Kernel) -> Source:
    """Generate the C code of both directions."""
    ahead, back = Direction(kernel, kernel.forward), Direction(kernel, kernel.backward)
    code = "\n".join(
        [
            *workspace_function("forward", ahead, forward_arguments(kernel)),
            *forward_function(kernel, ahead),
            *workspace_function("backward", back, backward_arguments(kernel)),
            *backward_function(kernel, back),
        ]
    )
    return Source(code + "\n", forward_arguments(kernel), backward_arguments(kernel))


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


def forward_function(kernel: Kernel, direction: Direction) -> list[str]:
    """C of the forward pass."""
    form = kernel.form
    together = {p.operands[2] for p in direction.products if direction.starts_from_input(p)}
    gates = [n for n in direction.program.places if n.op == "gate" and n not in together]
    lines = ["REAL *free_memory = workspace;", *direction.pack_recurrent()]
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


def backward_function(kernel: Kernel, direction: Direction) -> list[str]:
    """C of the backward pass: some steps, their share of the gradients of weights, and on."""
    first_block, one_step, last_block = backward_block(kernel, direction)
    steps = ["for (integer i = end - 1; i >= start; i--) {", *indented(one_step), "}"]
    body = [
        *backward_memory(kernel, direction),
        *block_loop(first_block),
        "for (integer end = T; end > 0; end -= chunk) {",
        *indented(
            [
                "const integer start = end > chunk ? end - chunk : 0;",
                "const integer since = reverse ? T - end : start;",
                *block_loop([*block_memory(direction), *steps]),
                *outer_sums(kernel, direction),
            ]
        ),
        "}",
        *block_loop(last_block),
        *total_sums(kernel, direction),
        *matrix_sums(kernel),
    ]
    return function("backward", backward_arguments(kernel), region(body), "void")


def backward_memory(kernel: Kernel, direction: Direction) -> list[str]:
    """C that divides the scratch memory of the backward pass and packs weights."""
    form = kernel.form
    lines = ["REAL *free_memory = workspace;", *direction.pack_recurrent()]
    for index, gate in enumerate(form.gates):
        lines += [
            f"REAL *input_{gate} = free_memory;",
            f"free_memory = pack(free_memory, input_weight + {index} * H * I, H, I, I, 1);",
        ]
    num_sums = len(direction.program.sums)
    results = [f"input_sum_{gate}" for gate in form.gates]
    matrices = matrix_results(kernel)
    sizes = ["I * P"] * len(results) + ["H * P"] * len(matrices)
    results += matrices
    lines += [
        f"const integer chunk = steps_together(T, B, H, {len(kernel.rights)});",
        "const integer right_plane = chunk * N;",
        "REAL *right = free_memory;",
        f"free_memory += {len(kernel.rights)} * right_plane;",
        "const integer blocks = (B + block - 1) / block;",
        "REAL *carries = free_memory;",
        f"free_memory += blocks * {2 * len(form.states)} * block * P;",
        "free_memory += (uintptr_t)free_memory % sizeof(double) / sizeof(REAL);",
        "double *totals = (double *)free_memory;",
        f"free_memory += 2 * blocks * {num_sums} * P;",
    ]
    for name, size in zip(results, sizes, strict=True):
        lines += [f"REAL *{name} = free_memory;", f"free_memory += {size};"]
    cleared = [f"memset({n}, 0, sizeof(REAL) * {s});" for n, s in zip(results, sizes, strict=True)]
    return [
        *lines,
        "#pragma omp single nowait",
        "{",
        *indented([f"memset(totals, 0, sizeof(double) * blocks * {num_sums} * P);", *cleared]),
        "}",
        *scratch(direction),
        "REAL *x_sum = rest, *sums = x_sum + block * X;",
        f"memset(sums, 0, sizeof(REAL) * {num_sums} * P);",
        f"REAL *packed = free_memory + ({direction.own_size()}) * threads;",
        "#pragma omp barrier",
    ]


def block_memory(direction: Direction) -> list[str]:
    """C of what a block has of its own: the gradients it carries, this step's and the next's."""
    states, num_sums = len(direction.kernel.form.states), len(direction.program.sums)
    return [
        f"REAL *carry = carries + first_row / block * {2 * states} * block * P;",
        f"double *total = totals + first_row / block * {num_sums} * P; (void)total;",
    ]


def carried(direction: Direction, name: str, step: str) -> str:
    """C of the gradients of the states after a step; those of two steps lie side by side."""
    states = len(direction.kernel.form.states)
    return f"REAL *{name} = carry + (T - {step}) % 2 * {states} * block * P;"


def backward_block(kernel: Kernel, direction: Direction) -> tuple[list[str], list[str], list[str]]:
    """C of one block of sequences: before the last step, a step, and after the first."""
    form, num_sums = kernel.form, len(direction.program.sums)
    first_block = [
        *block_memory(direction),
        carried(direction, "current", "(T - 1)"),
        f"memset(current, 0, sizeof(REAL) * {len(form.states)} * block * P);",
        *last_gradients(kernel),
    ]
    step = [
        "const integer t = reverse ? T - 1 - i : i, before = reverse ? t + 1 : t - 1;",
        carried(direction, "current", "i"),
        carried(direction, "next", "(i - 1)"),
        *(
            f"const REAL *before_{s} = (i ? all_{s} + before * N : first_{s}) + first_row * H;"
            f" (void)before_{s};"
            for s in form.states
        ),
        *(
            f"const REAL *seen_rows_{s} = seen_{s} + t * seen_step_{s} + "
            f"first_row * seen_sequence_{s}; (void)seen_rows_{s};"
            for s in form.states
        ),
        *saved_rows(kernel, "rest", "saved"),
        *given_rows(kernel),
        "REAL *right_rows = right + (t - since) * N + first_row * H;",
        *step_code(direction),
        f"for (integer j = 0; j < {num_sums} * P; j++) {{ total[j] += sums[j]; sums[j] = 0; }}",
        "if (x_gradient) {",
        *indented(input_gradient(kernel)),
        "}",
    ]
    last_block = [
        *block_memory(direction),
        carried(direction, "current", "(-1)"),
        *first_gradients(kernel),
    ]
    return first_block, step, last_block


def last_gradients(kernel: Kernel) -> list[str]:
    """C that starts from the gradients of the final states, where there are any."""
    lines = []
    for index, name in enumerate(kernel.form.states):
        lines += [
            f"if (last_{name}) for (integer r = 0; r < rows; r++)",
            (
                f"    memcpy(current + ({index} * block + r) * P, "
                f"last_{name} + (first_row + r) * H, sizeof(REAL) * H);"
            ),
        ]
    return lines


def first_gradients(kernel: Kernel) -> list[str]:
    """C that hands out the gradients of the initial states."""
    lines = []
    for index, name in enumerate(kernel.form.states):
        lines += [
            "for (integer r = 0; r < rows; r++)",
            (
                f"    memcpy(first_gradient_{name} + (first_row + r) * H, "
                f"current + ({index} * block + r) * P, sizeof(REAL) * H);"
            ),
        ]
    return lines


def input_gradient(kernel: Kernel) -> list[str]:
    """C of the gradient of a step's input."""
    lines = []
    for index, (gate, node) in enumerate(kernel.form.gate_gradients.items()):
        place = f"right_rows + {kernel.rights.index(node)} * right_plane"
        start = "x_sum, X" if index else "zeros, 0"
        lines.append(f"product(rows, H, I, {place}, H, input_{gate}, {start}, x_sum, X);")
    return [
        *lines,
        "for (integer r = 0; r < rows; r++)",
        "    memcpy(x_gradient + (t * B + first_row + r) * I, x_sum + r * X, sizeof(REAL) * I);",
    ]


def total_sums(kernel: Kernel, direction: Direction) -> list[str]:
    """C that adds up the sums of all blocks."""
    lines = []
    sums = list(direction.program.sums)
    for index, key in enumerate(sums):
        what, name = key.split(" ")
        gates = kernel.form.gates
        target = (
            f"weight_gradient_{name}"
            if what == "weight"
            else f"input_bias_gradient + {gates.index(name)} * H"
        )
        add = f"sum += totals[(n * {len(sums)} + {index}) * P + j];"
        over_blocks = f"for (integer n = 0; n < blocks; n++) {add}"
        if what == "weight" and kernel.form.weights[name] is Kind.SCALAR:
            body = ["double sum = 0;", f"for (integer j = 0; j < H; j++) {over_blocks}"]
            body.append(f"*{target} = (REAL)sum;")
            lines += ["#pragma omp single nowait", "{", *indented(body), "}"]
        else:
            body = ["double sum = 0;", over_blocks, f"({target})[j] = (REAL)sum;"]
            lines += shared_loop("for (integer j = 0; j < H; j++)", body, " nowait")
    return lines


def outer_sums(kernel: Kernel, direction: Direction) -> list[str]:
    """C that adds some steps' share to the gradients of all matrices."""
    _, _, terms = outer_tables(kernel)
    rows = ", ".join(f"{{{left}, {right}, {name}}}" for left, right, name in terms)
    return [
        *direction.operand_tables(),
        f"const term terms[] = {{{rows}}};",
        (
            f"outer(lefts, num_lefts, rights, num_rights, terms, {len(terms)}, since, "
            "since + end - start, T, B, reverse, packed);"
        ),
    ]


def matrix_sums(kernel: Kernel) -> list[str]:
    """C that hands out the gradients of all matrices."""
    lines = []
    for weight, parts in kernel.form.matrix_gradients.items():
        names = term_names(weight, len(parts))
        total = " + ".join(f"{name}[r * P + j]" for name in names) or "0"
        body = [
            "for (integer j = 0; j < H; j++)",
            f"    weight_gradient_{weight}[r * H + j] = {total};",
        ]
        lines += shared_loop("for (integer r = 0; r < H; r++)", body, " nowait")
    for index, gate in enumerate(kernel.form.gates):
        body = [
            "for (integer n = 0; n < I; n++)",
            f"    input_weight_gradient[({index} * H + j) * I + n] = input_sum_{gate}[n * P + j];",
        ]
        lines += shared_loop("for (integer j = 0; j < H; j++)", body, " nowait")
    return lines
