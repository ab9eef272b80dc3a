"""The back end for the CPU for a single step: C code of a scheduled cell, on top of `direct.c`.

A step of a few sequences reads every weight once, as it lies in memory, so it packs nothing and
keeps nothing; `emit_c` is for what goes over time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rnn_core.compiler.cpu.stages import Direction, indented
from rnn_core.compiler.form import Node
from rnn_core.compiler.schedule import Kernel, step_alone

SIZES = ("B", "I", "H", "threads")
STRIDES = ("x_sequence", "given_sequence_")


@dataclass(frozen=True)
class StepSource:
    """A generated step.

    Attributes:
        code: C, to be compiled together with `kernel.c`.
        arguments: Names of the arguments of `step`, in order.
    """

    code: str
    arguments: tuple[str, ...]


class Step(Direction):
    """The stages of a step whose products read the weights as they are."""

    def product(self, node: Node) -> str:
        """C of the columns [first, last) of a recurrent product."""
        left, weight = node.operands[:2]
        source = self.program.places[left][0]
        target = next(p for p in self.program.places[node] if p.area == "slot")
        result = self.block_address(target)
        function = "add_transposed" if node.label else "add_product"
        operands = f"{self.block_address(source)}, {self.row_stride(source)}"
        clear = "" if len(node.operands) > 2 else f"begin(B, first, last, 0, {result}, P); "
        return (
            f"{clear}{function}(B, H, {operands}, weight_{weight.label}, H, first, last, "
            f"{result}, P);"
        )


def direct_text() -> str:
    """The hand-written part: products that read a matrix as it is."""
    return Path(__file__).with_name("direct.c").read_text(encoding="utf-8")


def emit_step(kernel: Kernel) -> StepSource:
    """Generate the C code of a step."""
    direction = Step(kernel, step_alone(kernel))
    arguments = step_arguments(kernel)
    lines = [
        "int step(const integer *a)",
        "{",
        *indented([*declarations(arguments), *memory(direction), *places(kernel)]),
        *indented(stages(direction)),
        *indented([*output(kernel), "free(memory);", "return 0;"]),
        "}",
        "",
    ]
    return StepSource("\n".join([direct_text(), *lines]), arguments)


def step_arguments(kernel: Kernel) -> tuple[str, ...]:
    """Arguments of `step`: sizes, then addresses and strides in elements."""
    form = kernel.form
    given = [f"{part}_{name}" for name in form.given for part in ("given", "given_sequence")]
    return (
        *SIZES,
        "x",
        "x_sequence",
        *(f"before_{name}" for name in form.states),
        *(f"after_{name}" for name in form.states),
        "output",
        *given,
        "input_weight",
        *(f"weight_{name}" for name in form.weights),
        "input_bias",
    )


def declarations(arguments: Sequence[str]) -> list[str]:
    """C that unpacks all arguments."""
    lines = []
    for index, name in enumerate(arguments):
        if name in SIZES or name.startswith(STRIDES):
            lines.append(f"const integer {name} = a[{index}];")
        else:
            lines.append(f"REAL *{name} = (REAL *)a[{index}]; (void){name};")
    return lines


def memory(direction: Direction) -> list[str]:
    """C that takes scratch memory and divides it."""
    program = direction.program
    return [
        "const integer P = padded(H), block = B, rows = B; (void)block;",
        f"const integer size = {program.num_slots} * B * P + {program.num_columns} * B + 1;",
        "REAL *memory = aligned_alloc(64, (size * sizeof(REAL) + 63) / 64 * 64);",
        "if (!memory) return 1;",
        f"REAL *slots = memory, *columns = slots + {program.num_slots} * B * P;",
        "(void)slots; (void)columns;",
    ]


def places(kernel: Kernel) -> list[str]:
    """C of where the stages find what a step is given, and that every sequence goes on."""
    return [
        "const int here = 1; (void)here;",
        *(f"REAL *given_rows_{name} = given_{name};" for name in kernel.form.given),
    ]


def stages(direction: Direction) -> list[str]:
    """C of all stages."""
    lines: list[str] = []
    for index, stage in enumerate(direction.program.stages):
        products = [*(gates(direction) if index == 0 else []), *stage.products]
        for group in independent(products):
            lines += sliced([line for node in group for line in columns(direction, node)])
        lines += direction.loops(stage)
    return lines


def gates(direction: Direction) -> list[Node]:
    """The input's products."""
    return [node for node in direction.program.places if node.op == "gate"]


def independent(products: Sequence[Node]) -> Iterator[list[Node]]:
    """Runs of products where none multiplies by the result of another."""
    group: list[Node] = []
    for node in products:
        if node.operands and node.operands[0] in group:
            yield group
            group = []
        group.append(node)
    if group:
        yield group


def columns(direction: Direction, node: Node) -> list[str]:
    """C of the columns [first, last) of a product."""
    if node.op == "product":
        return [direction.product(node)]
    result = direction.block_address(direction.program.places[node][0])
    row = f"{direction.kernel.form.gates.index(node.label)} * H"
    return [
        f"begin(B, first, last, input_bias ? input_bias + {row} : 0, {result}, P);",
        (
            f"add_transposed(B, I, x, x_sequence, input_weight + {row} * I, I, first, last, "
            f"{result}, P);"
        ),
    ]


def sliced(products: Sequence[str]) -> list[str]:
    """C that shares the columns of products out among threads.

    A thread computes the same columns of each, so one may start from what another yields.
    """
    return [
        "#ifdef _OPENMP",
        "#pragma omp parallel for num_threads(threads) schedule(static, 1) if (threads > 1)",
        "#endif",
        "for (integer n = 0; n < threads; n++) {",
        *indented(
            [
                "const integer first = slice(H, n, threads), last = slice(H, n + 1, threads);",
                *products,
            ]
        ),
        "}",
    ]


def output(kernel: Kernel) -> list[str]:
    """C that copies the output, where it is wanted apart from the states."""
    return [
        f"if (output) memcpy(output, after_{kernel.form.states[0]}, sizeof(REAL) * B * H);",
    ]
