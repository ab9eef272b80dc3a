"""The back end for the CPU: C code of a scheduled cell, on top of `kernel.c`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rnn_core.fused.form import CONDITIONS, ELEMENTARY, Kind, Node
from rnn_core.fused.schedule import Kernel, Loop, Place, Program, Stage

FUNCTIONS = (*ELEMENTARY, "abs", "sign")

OPERATIONS: dict[str, str] = (
    {
        "add": "{0} + {1}",
        "sub": "{0} - {1}",
        "mul": "{0} * {1}",
        "div": "{0} / {1}",
        "neg": "-{0}",
        "reciprocal": "1 / {0}",
        "rsqrt": "1 / sqrt_({0})",
        "relu": "maximum_({0}, 0)",
        "where": "{0} ? {1} : {2}",
        "gt": "{0} > {1}",
        "ge": "{0} >= {1}",
        "lt": "{0} < {1}",
        "le": "{0} <= {1}",
        "eq": "{0} == {1}",
        "ne": "{0} != {1}",
        "and": "{0} && {1}",
        "or": "{0} || {1}",
        "not": "!{0}",
        "spread": "{0}",
    }
    | {name: name + "_({0})" for name in FUNCTIONS}
    | {name: name + "_({0}, {1})" for name in ("maximum", "minimum", "pow")}
)
"""C of the pointwise operations."""

REDUCTIONS = {
    "row_sum": ("0", "+", "{0} += {1}"),
    "row_max": ("-INFINITY", "max", "{0} = {0} > {1} ? {0} : {1}"),
    "row_min": ("INFINITY", "min", "{0} = {0} < {1} ? {0} : {1}"),
}
"""Start, OpenMP's name and C of the reductions."""

KNOWN = {"hidden_size": "(REAL)H", "present": "here"}
"""C of inputs that have a name."""

AREAS = {
    "slot": ("slots", "block * P"),
    "column": ("columns", "block"),
    "saved": ("saved_rows", "saved_plane"),
    "saved_column": ("saved_columns", "saved_column_plane"),
    "right": ("right_rows", "T * N"),
    "carry": ("next", "block * P"),
}
"""C of where an area begins and of what lies between its places."""

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
        if name in (*SIZES, *STRIDES) or name.startswith(STRIDE_PREFIXES):
            lines.append(f"const integer {name} = a[{index}];")
        elif name == "present":
            lines.append(f"const uint8_t *present = (const uint8_t *)a[{index}];")
        else:
            lines.append(f"REAL *{name} = (REAL *)a[{index}];")
    return [*lines, "const integer P = padded(H), X = padded(I), N = B * H;"]


def indented(lines: Sequence[str], depth: int = 1) -> list[str]:
    """Indent code."""
    return ["    " * depth + line for line in lines]


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


@dataclass
class Direction:
    """What both passes over time have in common: panels, scratch memory and stages."""

    kernel: Kernel
    program: Program
    declared: dict[str, str] = field(default_factory=dict)

    @property
    def products(self) -> list[Node]:
        """All recurrent products, in order."""
        return [node for stage in self.program.stages for node in stage.products]

    @property
    def is_forward(self) -> bool:
        """Whether this is the step and not its derivative."""
        return self.program is self.kernel.forward

    def panels(self) -> dict[tuple[str, str], str]:
        """Name of the packed form of every (weight, mark) that a product uses."""
        marks = {(node.operands[1].label, node.label): None for node in self.products}
        return {
            (weight, mark): f"panels_{weight}" + ("_transposed" if mark else "")
            for weight, mark in marks
        }

    def shared_sizes(self) -> list[str]:
        """C that adds up the scratch memory that all threads share."""
        form = self.kernel.form
        gates = len(form.gates)
        lines = [f"shared += {len(self.panels())} * H * P + (P > X ? P : X);"]
        if self.is_forward:
            return [*lines, f"shared += {gates} * (I * P + P);"]
        matrices, columns = len(matrix_results(self.kernel)), len(self.program.sums)
        return [
            *lines,
            f"shared += {gates} * H * X + X;",
            f"shared += {len(self.kernel.rights)} * T * N;",
            f"shared += {matrices} * H * P + {gates} * I * P;",
            "const integer blocks = (B + block - 1) / block;",
            f"shared += 2 * blocks * {columns} * P + 1;",
        ]

    def own_size(self) -> str:
        """C of the scratch memory of a thread."""
        program, kernel = self.program, self.kernel
        size = f"block * ({program.num_slots} * P + {program.num_columns})"
        if self.is_forward:
            return size + f" + block * ({len(kernel.saved_rows)} * H + {len(kernel.saved_columns)})"
        states = len(kernel.form.states)
        return size + f" + block * ({2 * states} * P + X) + {len(program.sums)} * P"

    def pack_recurrent(self) -> list[str]:
        """C that packs the recurrent weights."""
        lines = ["REAL *zeros = free_memory;", "free_memory += P > X ? P : X;"]
        lines.append("memset(zeros, 0, sizeof(REAL) * (P > X ? P : X));")
        for (weight, mark), name in self.panels().items():
            strides = "1, H" if mark else "H, 1"
            lines.append(f"REAL *{name} = free_memory;")
            lines.append(f"free_memory = pack(free_memory, weight_{weight}, H, H, {strides});")
        return lines

    def operand_tables(self) -> list[str]:
        """C tables of what the gradients of matrices are made of."""
        lefts, rights, _ = outer_tables(self.kernel)
        lines = [f"enum {{ num_lefts = {len(lefts)}, num_rights = {len(rights)} }};"]
        for name, entries in (("lefts", lefts), ("rights", rights)):
            rows = ", ".join(self.operand_entry(entry) for entry in entries)
            lines.append(f"const operand {name}[] = {{{rows}}};")
        return lines

    def operand_entry(self, entry: Node | str) -> str:
        """One operand of the gradients of matrices."""
        if isinstance(entry, str):
            return "{x, 0, x_step, x_sequence, I}"
        if entry.op == "state":
            return f"{{all_{entry.label}, first_{entry.label}, N, H, H}}"
        if entry.op == "given":
            strides = f"given_step_{entry.label}, given_sequence_{entry.label}"
            return f"{{given_{entry.label}, 0, {strides}, H}}"
        if entry in self.kernel.rights:
            return f"{{right + {self.kernel.rights.index(entry)} * T * N, 0, N, H, H}}"
        return f"{{saved + {self.kernel.saved_rows.index(entry)} * T * N, 0, N, H, H}}"

    # Access to memory, of a block and of a row of it.

    def block_address(self, place: Place) -> str:
        """C of a place's first element in the current block and step."""
        if place.area in ("state", "new"):
            prefix = "before" if place.area == "state" else "after"
            return f"{prefix}_{self.kernel.form.states[place.index]}"
        if place.area == "given":
            return f"given_rows_{self.kernel.form.given[place.index]}"
        base, plane = AREAS[place.area]
        return f"{base} + {place.index} * {plane}"

    def row_stride(self, place: Place) -> str:
        """C of the distance between rows of a place."""
        if place.area in ("column", "saved_column"):
            return "1"
        if place.area == "given":
            return f"given_sequence_{self.kernel.form.given[place.index]}"
        return "P" if place.area in ("slot", "carry") else "H"

    def row(self, place: Place) -> str:
        """The name of a place's row pointer, to be declared before the loops."""
        name = f"{place.area}{place.index}"
        address = f"{self.block_address(place)} + r * {self.row_stride(place)}"
        self.declared[name] = f"REAL *restrict {name} = {address};"
        return f"{name}[0]" if self.row_stride(place) == "1" else f"{name}[j]"

    # Code of the stages.

    def stage(self, stage: Stage, index: int) -> list[str]:
        """C of a stage."""
        lines = [self.product(node) for node in stage.products]
        self.declared = {}
        body: list[str] = []
        names: dict[Node, str] = {}
        loops = stage.loops or [Loop()]
        for number, loop in enumerate(loops):
            copies = self.copies(stage, index) if number == 0 else []
            body += LoopEmitter(self, names).emit(loop, copies)
        if not body:
            return lines
        head = [*self.declared.values()]
        return [*lines, "for (integer r = 0; r < rows; r++) {", *indented([*head, *body]), "}"]

    def copies(self, stage: Stage, index: int) -> list[Node]:
        """Products and gates of a stage that must be kept elsewhere than in their slot."""
        gates = [n for n in self.program.places if n.op == "gate"] if index == 0 else []
        starts = self.copied_starts(index)
        several = [n for n in (*gates, *stage.products) if len(self.program.places.get(n, ())) > 1]
        return [*several, *starts]

    def copied_starts(self, index: int) -> list[Node]:
        """Values in memory that a product of the next stage starts from."""
        if index + 1 >= len(self.program.stages):
            return []
        products = self.program.stages[index + 1].products
        starts = [node.operands[2] for node in products if len(node.operands) > 2]
        fixed = ("saved", "state")
        return [s for s in starts if self.program.places[s][0].area in fixed]

    def product(self, node: Node) -> str:
        """C of a recurrent product."""
        left, weight = node.operands[:2]
        source = self.program.places[left][0]
        target = next(p for p in self.program.places[node] if p.area in ("slot", "carry"))
        result = self.block_address(target)
        start, start_row = (result, "P") if len(node.operands) > 2 else ("zeros", "0")
        panels = self.panels()[weight.label, node.label]
        return (
            f"product(rows, H, H, {self.block_address(source)}, {self.row_stride(source)}, "
            f"{panels}, {start}, {start_row}, {result}, P);"
        )


class LoopEmitter:
    """Writes one loop over the hidden units of a row."""

    def __init__(self, direction: Direction, columns: dict[Node, str]) -> None:
        self.direction = direction
        self.columns = columns
        self.before: list[str] = []
        self.inside: list[str] = []
        self.after: list[str] = []
        self.names: dict[Node, str] = {}

    def emit(self, loop: Loop, copies: Sequence[Node]) -> list[str]:
        """C of a loop, of what it needs before it and of what is kept after it."""
        for node in loop.columns:
            self.column(node)
        for node in copies:
            self.store(self.value(node), self.places(node)[1:])
        for node in loop.rows:
            name = self.compute(node)
            self.store(name, self.places(node))
            self.add_to_sums(node, name)
        clauses = [self.reduce(node) for node in loop.reductions]
        if not self.inside:
            return [*self.before, *self.after]
        pragma = "#pragma omp simd " + " ".join(clauses) if clauses else "#pragma GCC ivdep"
        head = "for (integer j = 0; j < H; j++) {"
        return [*self.before, pragma.rstrip(), head, *indented(self.inside), "}", *self.after]

    def type_of(self, node: Node) -> str:
        """C type of a value."""
        return "int" if node.op in CONDITIONS else "REAL"

    def expression(self, node: Node) -> str:
        """C of a pointwise operation."""
        return OPERATIONS[node.op].format(*(self.value(operand) for operand in node.operands))

    def column(self, node: Node) -> None:
        """Compute a value of one number per sequence, before the loop."""
        inside, self.inside = self.inside, self.before
        expression = self.expression(node)
        self.inside = inside
        name = self.columns[node] = f"c{len(self.columns)}"
        self.before.append(f"const {self.type_of(node)} {name} = {expression};")
        for place in self.places(node):
            self.before.append(f"{self.direction.row(place)} = {name};")

    def compute(self, node: Node) -> str:
        """Compute a value inside of the loop."""
        expression = self.gradient(node) if node.op == "gradient" else self.expression(node)
        name = self.names[node] = f"v{len(self.names)}"
        self.inside.append(f"const {self.type_of(node)} {name} = {expression};")
        return name

    def gradient(self, node: Node) -> str:
        """C of the gradient of a new state: from the next step and from outside."""
        name = node.label
        index = self.direction.kernel.form.states.index(name)
        self.direction.declared[f"carried{index}"] = (
            f"const REAL *restrict carried{index} = current + {index} * block * P + r * P;"
        )
        self.direction.declared[f"seen{index}"] = (
            f"const REAL *restrict seen{index} = seen_rows_{name} + r * seen_sequence_{name};"
        )
        return f"carried{index}[j] + seen{index}[j]"

    def value(self, node: Node) -> str:
        """C of a value: a number, a name, or what is read from memory."""
        known = KNOWN.get(node.op) or self.names.get(node) or self.columns.get(node)
        if known is not None:
            return known
        if node.op == "constant":
            return constant(node.number)
        if node.op == "weight":
            return self.load(node, f"weight_{node.label}[j]")
        if node in self.direction.program.places:
            return self.from_memory(node)
        # Vectors and scalars that depend on weights and constants alone.
        return self.compute(node)

    def from_memory(self, node: Node) -> str:
        """Read a value that lies in memory."""
        source = self.direction.row(self.places(node)[0])
        if node.kind is not Kind.COLUMN:
            return self.load(node, source)
        name = self.columns[node] = f"c{len(self.columns)}"
        self.before.append(f"const {self.type_of(node)} {name} = {source};")
        return name

    def load(self, node: Node, source: str) -> str:
        """Read a value once a loop."""
        name = self.names[node] = f"v{len(self.names)}"
        self.inside.append(f"const {self.type_of(node)} {name} = {source};")
        return name

    def places(self, node: Node) -> tuple[Place, ...]:
        """Where a value lies."""
        return self.direction.program.places.get(node, ())

    def store(self, name: str, places: Sequence[Place]) -> None:
        """Write a value to memory."""
        self.inside += [f"{self.direction.row(place)} = {name};" for place in places]

    def add_to_sums(self, node: Node, name: str) -> None:
        """Add a value to the sums over sequences that it is wanted for."""
        for index, summed in enumerate(self.direction.program.sums.values()):
            if summed is node:
                self.inside.append(f"sums[{index} * P + j] += {name};")

    def reduce(self, node: Node) -> str:
        """Accumulate a reduction; returns OpenMP's clause for it."""
        start, clause, update = REDUCTIONS[node.op]
        name = self.columns[node] = f"c{len(self.columns)}"
        value = self.value(node.operands[0])
        self.before.append(f"REAL {name} = {start};")
        self.inside.append(update.format(name, value) + ";")
        for place in self.places(node):
            self.after.append(f"{self.direction.row(place)} = {name};")
        return f"reduction({clause}:{name})"


def constant(number: float) -> str:
    """C of a number."""
    if not math.isfinite(number):
        return {"inf": "(REAL)INFINITY", "-inf": "(-(REAL)INFINITY)", "nan": "(REAL)NAN"}[
            str(number)
        ]
    return f"((REAL){number!r})"


def term_names(weight: str, count: int) -> list[str]:
    """Names of the terms of a matrix's gradient; each has memory of its own."""
    return [f"sum{index}_{weight}" for index in range(count)]


def matrix_results(kernel: Kernel) -> list[str]:
    """Names of all terms of all recurrent matrices."""
    gradients = kernel.form.matrix_gradients.items()
    return [name for weight, parts in gradients for name in term_names(weight, len(parts))]


def outer_tables(
    kernel: Kernel,
) -> tuple[list[Node | str], list[Node], list[tuple[int, int, str]]]:
    """Left operands, right operands, and the terms (left, right, name of the result)."""
    lefts: dict[Node | str, None] = {"x": None}
    rights: dict[Node, None] = {}
    terms: list[tuple[Node | str, Node, str]] = []
    for gate, node in kernel.form.gate_gradients.items():
        terms.append(("x", node, f"input_sum_{gate}"))
    for weight, parts in kernel.form.matrix_gradients.items():
        names = term_names(weight, len(parts))
        terms += [(p.left, p.right, name) for p, name in zip(parts, names, strict=True)]
    for left, right, _ in terms:
        lefts[left] = None
        rights[right] = None
    left_list, right_list = list(lefts), list(rights)
    return (
        left_list,
        right_list,
        [(left_list.index(left), right_list.index(right), name) for left, right, name in terms],
    )


def block_loop(body: Sequence[str]) -> list[str]:
    """C that runs a body for every block of sequences, on several threads."""
    return [
        "#ifdef _OPENMP",
        "#pragma omp parallel for num_threads(threads) schedule(static)",
        "#endif",
        "for (integer first_row = 0; first_row < B; first_row += block) {",
        *indented(
            [
                "const integer rows = least(block, B - first_row);",
                "REAL *own = free_memory + omp_get_thread_num() * own_size;",
                *body,
            ]
        ),
        "}",
    ]


def scratch(direction: Direction) -> list[str]:
    """C that divides a thread's scratch memory."""
    program = direction.program
    return [
        "REAL *slots = own;",
        f"REAL *columns = slots + {program.num_slots} * block * P;",
        f"REAL *rest = columns + {program.num_columns} * block;",
        "(void)columns; (void)rest;",
    ]


HERE = "const int here = present ? present[t * B + first_row + r] : 1; (void)here;"


def step_code(direction: Direction) -> list[str]:
    """C of all stages of a step."""
    lines: list[str] = []
    for index, stage in enumerate(direction.program.stages):
        code = direction.stage(stage, index)
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
    gates = [node for node in direction.program.places if node.op == "gate"]
    lines = [
        "REAL *free_memory = workspace;",
        *direction.pack_recurrent(),
        f"const integer own_size = {direction.own_size()};",
    ]
    for gate in form.gates:
        row = f"{form.gates.index(gate)} * H"
        lines += [
            f"REAL *input_{gate} = free_memory;",
            f"free_memory = pack(free_memory, input_weight + {row} * I, I, H, 1, I);",
            f"REAL *bias_{gate} = free_memory;",
            f"free_memory = pack(free_memory, input_bias + {row}, 1, H, H, 1);",
        ]
    step = [
        "const integer t = reverse ? T - 1 - i : i, before = reverse ? t + 1 : t - 1;",
        *(
            f"const REAL *before_{s} = (i ? all_{s} + before * N : first_{s}) + first_row * H;"
            for s in form.states
        ),
        *(f"REAL *after_{s} = all_{s} + t * N + first_row * H;" for s in form.states),
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
    step += [f"(void)x_rows; {unused}{states}".strip(), *step_code(direction)]
    body = [
        *scratch(direction),
        "for (integer i = 0; i < T; i++) {",
        *indented(step),
        "}",
    ]
    return function("forward", forward_arguments(kernel), [*lines, *block_loop(body)], "void")


def saved_rows(kernel: Kernel, scratch_rows: str, given: str) -> list[str]:
    """C of where the saved values of a step lie; in scratch memory where none are kept."""
    rows = len(kernel.saved_rows)
    return [
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
    """C of the backward pass."""
    body = [
        *backward_memory(kernel, direction),
        *block_loop(backward_block(kernel, direction)),
        *total_sums(kernel, direction),
        *matrix_sums(kernel, direction),
    ]
    return function("backward", backward_arguments(kernel), body, "void")


def backward_memory(kernel: Kernel, direction: Direction) -> list[str]:
    """C that divides the shared scratch memory of the backward pass and packs weights."""
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
        "REAL *right = free_memory;",
        f"free_memory += {len(kernel.rights)} * T * N;",
        "const integer blocks = (B + block - 1) / block;",
        "free_memory += (uintptr_t)free_memory % sizeof(double) / sizeof(REAL);",
        "double *totals = (double *)free_memory;",
        f"memset(totals, 0, sizeof(double) * blocks * {num_sums} * P);",
        f"free_memory += 2 * blocks * {num_sums} * P;",
    ]
    for name, size in zip(results, sizes, strict=True):
        lines += [
            f"REAL *{name} = free_memory;",
            f"memset({name}, 0, sizeof(REAL) * {size});",
            f"free_memory += {size};",
        ]
    return [*lines, f"const integer own_size = {direction.own_size()};"]


def backward_block(kernel: Kernel, direction: Direction) -> list[str]:
    """C of the backward pass of one block of sequences."""
    form, num_sums = kernel.form, len(direction.program.sums)
    states = len(form.states)
    carry = f"{states} * block * P"
    step = [
        "const integer t = reverse ? T - 1 - i : i, before = reverse ? t + 1 : t - 1;",
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
        "REAL *right_rows = right + t * N + first_row * H;",
        *step_code(direction),
        f"for (integer j = 0; j < {num_sums} * P; j++) {{ total[j] += sums[j]; sums[j] = 0; }}",
        "if (x_gradient) {",
        *indented(input_gradient(kernel)),
        "}",
        "REAL *swap = current; current = next; next = swap;",
    ]
    return [
        *scratch(direction),
        f"REAL *current = rest, *next = rest + {carry}, *x_sum = next + {carry};",
        "REAL *sums = x_sum + block * X;",
        f"memset(sums, 0, sizeof(REAL) * {num_sums} * P);",
        f"double *total = totals + first_row / block * {num_sums} * P;",
        f"memset(current, 0, sizeof(REAL) * {carry});",
        *last_gradients(kernel),
        "for (integer i = T - 1; i >= 0; i--) {",
        *indented(step),
        "}",
        *first_gradients(kernel),
    ]


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
        place = f"right_rows + {kernel.rights.index(node)} * T * N"
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
            if what == "vector"
            else f"input_bias_gradient + {gates.index(name)} * H"
        )
        lines += [
            "for (integer j = 0; j < H; j++) {",
            "    double sum = 0;",
            (
                f"    for (integer n = 0; n < blocks; n++) "
                f"sum += totals[(n * {len(sums)} + {index}) * P + j];"
            ),
            f"    ({target})[j] = (REAL)sum;",
            "}",
        ]
    return lines


def matrix_sums(kernel: Kernel, direction: Direction) -> list[str]:
    """C of the gradients of all matrices, as sums of outer products."""
    _, _, terms = outer_tables(kernel)
    rows = ", ".join(f"{{{left}, {right}, {name}}}" for left, right, name in terms)
    lines = [
        *direction.operand_tables(),
        f"const term terms[] = {{{rows}}};",
        (
            f"outer(lefts, num_lefts, rights, num_rights, terms, {len(terms)}, T, B, reverse, "
            "threads, free_memory + own_size * threads);"
        ),
    ]
    for weight, parts in kernel.form.matrix_gradients.items():
        names = term_names(weight, len(parts))
        total = " + ".join(f"{name}[r * P + j]" for name in names) or "0"
        lines += [
            "for (integer r = 0; r < H; r++) for (integer j = 0; j < H; j++)",
            f"    weight_gradient_{weight}[r * H + j] = {total};",
        ]
    for index, gate in enumerate(kernel.form.gates):
        lines += [
            "for (integer j = 0; j < H; j++) for (integer n = 0; n < I; n++)",
            f"    input_weight_gradient[({index} * H + j) * I + n] = input_sum_{gate}[n * P + j];",
        ]
    return lines
