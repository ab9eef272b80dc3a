"""C of one time step: how values are computed, and where they lie."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rnn_core.compiler.form import Kind, Node, is_truth
from rnn_core.compiler.operations import OPERATIONS, Reduction
from rnn_core.compiler.schedule import Kernel, Loop, Place, Program, Stage

KNOWN = {"hidden_size": "(REAL)H", "present": "here"}
"""C of inputs that have a name."""

AREAS = {
    "slot": ("slots", "block * P"),
    "column": ("columns", "block"),
    "saved": ("saved_rows", "saved_plane"),
    "saved_column": ("saved_columns", "saved_column_plane"),
    "right": ("right_rows", "right_plane"),
    "carry": ("next", "block * P"),
}
"""C of where an area begins and of what lies between its places."""


def indented(lines: Sequence[str], depth: int = 1) -> list[str]:
    """Indent code."""
    return ["    " * depth + line for line in lines]


@dataclass
class Direction:
    """Parts that both passes over time share: panels, scratch memory and phases.

    Attributes:
        kernel: The kernel.
        program: One of its two directions.
        declared: Row pointers of the stage that is being written.
        loaded: What the code that was written so far reads from memory.
        vectors: Names of what is computed once a call, one number for each hidden unit.
    """

    kernel: Kernel
    program: Program
    declared: dict[str, str] = field(default_factory=dict)
    loaded: set[Node] = field(default_factory=set)
    vectors: dict[Node, str] = field(default_factory=dict)

    @property
    def products(self) -> list[Node]:
        """All recurrent products, in order."""
        return [node for stage in self.program.stages for node in stage.products]

    @property
    def is_forward(self) -> bool:
        """Return whether this is the step and not its derivative."""
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
        lines += [f"shared += {len(self.vectors)} * P;"] if self.vectors else []
        if self.is_forward:
            return [*lines, f"shared += {gates} * (I * P + P);"]
        matrices, columns = len(matrix_results(self.kernel)), len(self.program.sums)
        return [
            *lines,
            f"shared += {gates} * H * X + X;",
            *self.chunk_sizes(),
            f"shared += {len(self.kernel.rights)} * right_plane;",
            f"shared += {matrices} * H * P + {gates} * I * P;",
            "const integer blocks = (B + block - 1) / block;",
            f"shared += 2 * blocks * {columns} * P + 1;",
            f"shared += blocks * {2 * len(form.states)} * block * P;",
        ]

    def chunk_sizes(self) -> list[str]:
        """C of how many steps the backward pass takes before it sums over them."""
        return [
            f"const integer chunk = steps_together(T, B, H, {len(self.kernel.rights)});",
            "const integer right_plane = chunk * N, since = 0; (void)since;",
        ]

    def own_size(self) -> str:
        """C of the scratch memory of a thread."""
        program, kernel = self.program, self.kernel
        size = f"block * ({program.num_slots} * P + {program.num_columns})"
        if self.is_forward:
            return size + f" + block * ({len(kernel.saved_rows)} * H + {len(kernel.saved_columns)})"
        return size + f" + block * X + {len(program.sums)} * P"

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
            return "{x, 0, x_step, x_sequence, I, 0}"
        if entry.op == "state":
            return f"{{all_{entry.label}, first_{entry.label}, N, H, H, 0}}"
        if entry.op == "given":
            strides = f"given_step_{entry.label}, given_sequence_{entry.label}"
            return f"{{given_{entry.label}, 0, {strides}, H, 0}}"
        if entry in self.kernel.rights:
            return f"{{right + {self.kernel.rights.index(entry)} * right_plane, 0, N, H, H, since}}"
        return f"{{saved + {self.kernel.saved_rows.index(entry)} * T * N, 0, N, H, H, 0}}"

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
        if place.area == "saved" and self.is_forward:
            is_read = self.kernel.saved_rows[place.index] in self.loaded
            return "H" if is_read else "kept_row"
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

    def stage(self, stage: Stage) -> list[str]:
        """C of a stage."""
        return [*(self.product(node) for node in stage.products), *self.loops(stage)]

    def loops(self, stage: Stage) -> list[str]:
        """C of what a stage does after its products."""
        self.declared = {}
        body: list[str] = []
        names: dict[Node, str] = {}
        for number, loop in enumerate(stage.loops):
            body += LoopEmitter(self, names, number).emit(loop)
        if not body:
            return []
        head = [*self.declared.values()]
        return ["for (integer r = 0; r < rows; r++) {", *indented([*head, *body]), "}"]

    def product(self, node: Node) -> str:
        """C of a recurrent product."""
        left, weight = node.operands[:2]
        self.loaded |= {left, *node.operands[2:]}
        source = self.program.places[left][0]
        target = next(p for p in self.program.places[node] if p.area in ("slot", "carry"))
        result = self.block_address(target)
        panels = self.panels()[weight.label, node.label]
        rows = f"{self.block_address(source)}, {self.row_stride(source)}"
        if self.starts_from_input(node):
            gate = node.operands[2].label
            return (
                f"products(rows, H, (factors){{I, x_rows, x_sequence, 1, input_{gate}}}, "
                f"(factors){{H, {rows}, 1, {panels}}}, bias_{gate}, 0, {result}, P);"
            )
        start, start_row = (result, "P") if len(node.operands) > 2 else ("zeros", "0")
        return f"product(rows, H, H, {rows}, {panels}, {start}, {start_row}, {result}, P);"

    def starts_from_input(self, product: Node) -> bool:
        """Return whether a product starts from a gate's input that nothing else reads."""
        if len(product.operands) < 3 or product.operands[2].op != "gate":
            return False
        gate = product.operands[2]
        readers = [node for node in self.computed() if gate in node.operands]
        return readers == [product] and len(self.program.places[gate]) == 1

    def computed(self) -> Iterator[Node]:
        """All that the stages compute, in order."""
        for stage in self.program.stages:
            yield from stage.products
            for loop in stage.loops:
                yield from (*loop.columns, *loop.rows, *loop.reductions)


class LoopEmitter:
    """Writes one loop over the hidden units of a row."""

    def __init__(self, direction: Direction, columns: dict[Node, str], number: int) -> None:
        self.direction = direction
        self.columns = columns
        self.number = number
        self.before: list[str] = []
        self.inside: list[str] = []
        self.after: list[str] = []
        self.names: dict[Node, str] = {}

    def emit(self, loop: Loop) -> list[str]:
        """C of a loop, of what it needs before it and of what is kept after it."""
        for node in loop.columns:
            self.column(node)
        for node, place in loop.copies:
            self.store(self.value(node), [place])
        for node in loop.rows:
            self.store(self.compute(node), self.places(node))
        for name in loop.sums:
            self.add_to_sum(name)
        clauses = [self.reduce(node) for node in loop.reductions]
        if not self.inside:
            return [*self.before, *self.after]
        pragma = "#pragma omp simd " + " ".join(clauses) if clauses else "#pragma GCC ivdep"
        head = "for (integer j = 0; j < H; j++) {"
        return [*self.before, pragma.rstrip(), head, *indented(self.inside), "}", *self.after]

    def new_name(self) -> str:
        """A name that no other loop has: code before a loop is visible in the next ones."""
        return f"v{self.number}_{len(self.names)}"

    def type_of(self, node: Node) -> str:
        """C type of a value."""
        return "int" if is_truth(node) else "REAL"

    def expression(self, node: Node) -> str:
        """C of a pointwise operation."""
        text = OPERATIONS[node.op].c
        assert isinstance(text, str)
        return text.format(*(self.value(operand) for operand in node.operands))

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
        name = self.names[node] = self.new_name()
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
        if node.op in ("constant", "truth"):
            return constant(node.number) if node.op == "constant" else f"{node.number:.0f}"
        if node.op == "weight":
            element = "j" if node.kind is Kind.VECTOR else "0"
            return self.load(node, f"weight_{node.label}[{element}]")
        if node in self.direction.program.places:
            return self.from_memory(node)
        if node in self.direction.vectors:
            return self.load(node, f"{self.direction.vectors[node]}[j]")
        # Vectors and scalars that depend on weights and constants alone.
        return self.compute(node)

    def from_memory(self, node: Node) -> str:
        """Read a value that lies in memory."""
        self.direction.loaded.add(node)
        source = self.direction.row(self.places(node)[0])
        if node.kind is not Kind.COLUMN:
            return self.load(node, source)
        name = self.columns[node] = f"c{len(self.columns)}"
        self.before.append(f"const {self.type_of(node)} {name} = {source};")
        return name

    def load(self, node: Node, source: str) -> str:
        """Read a value once a loop."""
        name = self.names[node] = self.new_name()
        self.inside.append(f"const {self.type_of(node)} {name} = {source};")
        return name

    def places(self, node: Node) -> tuple[Place, ...]:
        """Where a value lies."""
        return self.direction.program.places.get(node, ())

    def store(self, name: str, places: Sequence[Place]) -> None:
        """Write a value to memory."""
        self.inside += [f"{self.direction.row(place)} = {name};" for place in places]

    def add_to_sum(self, name: str) -> None:
        """Add a value to the sum over sequences and time that it is wanted for."""
        sums = self.direction.program.sums
        index, value = list(sums).index(name), self.value(sums[name])
        self.inside.append(f"sums[{index} * P + j] += {value};")

    def reduce(self, node: Node) -> str:
        """Accumulate a reduction; returns OpenMP's clauses for it."""
        reduction = OPERATIONS[node.op].c
        assert isinstance(reduction, Reduction)
        name = self.columns[node] = f"c{len(self.columns)}"
        value = self.value(node.operands[0])
        self.before.append(f"REAL {name} = {reduction.start};")
        self.inside.append(reduction.update.format(name, value) + ";")
        clauses = f"reduction({reduction.clause}:{name})"
        if not reduction.keeps_nan:
            self.before.append(f"int {name}_nan = 0;")
            self.inside.append(f"{name}_nan |= {value} != {value};")
            self.after.append(f"if ({name}_nan) {name} = NAN;")
            clauses += f" reduction(|:{name}_nan)"
        for place in self.places(node):
            self.after.append(f"{self.direction.row(place)} = {name};")
        return clauses


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
