"""C of a cell's derivative over time: some steps, their share of the gradients, and on."""

from rnn_core.compiler.cpu.loops import (
    backward_arguments,
    block_loop,
    function,
    given_rows,
    region,
    saved_rows,
    scratch,
    shared_loop,
    step_code,
)
from rnn_core.compiler.cpu.stages import (
    Direction,
    indented,
    matrix_results,
    outer_tables,
    term_names,
)
from rnn_core.compiler.cpu.vectors import compute_vectors
from rnn_core.compiler.form import Kind
from rnn_core.compiler.schedule import Kernel


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
    lines += compute_vectors(direction)
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
