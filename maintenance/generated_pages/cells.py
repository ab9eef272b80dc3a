"""The page of cells, from their docstrings.

G is the number of gates of a cell, I its input features, H its hidden size.
"""

import re
from textwrap import dedent

import torch
from torch.autograd.graph import Node

from flows.commands.cells import docstring
from rnn_core.cells import REGISTRY, get_cell
from rnn_core.cells.base import Cell, named

HEAD = """\
# Cells

The recurrent cells of Gatewise, from the docstrings in `rnn_core/cells`. `gatewise cells list`
counts what a step of each costs at your sizes, and `gatewise cells show gru` prints one of them.

In the equations, x_t is the input of step t with I features, and all else has the hidden size H:
`W` is a matrix applied to the input, `U` a recurrent matrix, `b` a bias, and `*` multiplies
number by number. The first state is the output.

- **Parameters** are those of one layer in one direction.
- **Cost** counts the multiply-accumulates of a step against those of `lstm`, for I = H.
- **Dependent products** are the recurrent products of a step that wait for one another.
"""

COLUMNS = (
    "cell",
    "states",
    "recurrent matrices",
    "parameters",
    "cost",
    "dependent products",
    "use it",
)


def page() -> str:
    """All cells as Markdown: a table, then a section for each."""
    rows = [COLUMNS, ("---",) * len(COLUMNS), *(table_row(name) for name in REGISTRY)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([HEAD, table, *(f"\n{section(name)}" for name in REGISTRY), ""])


def table_row(name: str) -> tuple[str, ...]:
    """A cell's row of the table."""
    cell = get_cell(name)
    return (
        f"[`{name}`](#{name})",
        ", ".join(cell.states),
        str(number_of(cell, dimensions=2)),
        parameters(cell),
        f"{relative_cost(cell):.3g}",
        str(dependent_products(cell)),
        purpose(cell),
    )


def section(name: str) -> str:
    """A cell's docstring as Markdown."""
    summary, *paragraphs = docstring(get_cell(name)).split("\n\n")
    parts = [f"## {name}", summary, *(markdown(paragraph) for paragraph in paragraphs)]
    return "\n\n".join(linked(part) for part in parts)


def markdown(paragraph: str) -> str:
    """A paragraph of a docstring as Markdown; indented lines are equations, or a reference."""
    lines = paragraph.splitlines()
    indented = next((i for i, line in enumerate(lines) if line.startswith(" ")), len(lines))
    title, body = "\n".join(lines[:indented]), dedent("\n".join(lines[indented:]))
    if not body:
        return title
    if title == "Reference:":
        return f"*Reference:* {body}"
    return f"{title}\n\n```text\n{body}\n```"


def linked(text: str) -> str:
    """The text with arXiv numbers and DOIs as links."""
    text = re.sub(r"arXiv:(\d{4}\.\d{4,5}v\d+)", r"[\g<0>](https://arxiv.org/abs/\1)", text)
    return re.sub(r"doi:(10\.\d+/[^\s,;)]*[^\s,;.)])", r"[\g<0>](https://doi.org/\1)", text)


def purpose(cell: Cell) -> str:
    """When to use a cell, in one line: the first clause of the sentence that says so."""
    found = re.search(r"^Use it (.*?)[.;:,]?(?:(?<=[.;:])\s|\Z)", docstring(cell), re.M | re.S)
    return " ".join(found.group(1).split()) if found else ""


def number_of(cell: Cell, dimensions: int) -> int:
    """Number of recurrent weights of a cell that have this many dimensions."""
    return sum(len(shape) == dimensions for shape in cell.weights.values())


def parameters(cell: Cell) -> str:
    """The number of a cell's weights as a formula."""
    gates = len(cell.gates)
    terms = (
        (gates, "IH"),
        (number_of(cell, dimensions=2), "H²"),
        (gates + number_of(cell, dimensions=1), "H"),
    )
    return " + ".join(f"{count if count > 1 else ''}{unit}" for count, unit in terms if count)


def relative_cost(cell: Cell) -> float:
    """Multiply-accumulates of a step by those of `lstm`, for I = H."""
    return cell.multiply_accumulates(1, 1) / get_cell("lstm").multiply_accumulates(1, 1)


def dependent_products(cell: Cell) -> int:
    """The longest chain of recurrent products in a step that wait for one another."""
    size = 2
    gates, given = (torch.zeros(1, size, requires_grad=True) for _ in range(2))
    fields = (*cell.gates, *cell.given)
    x = named(fields)(*(gates if name in cell.gates else given for name in fields))
    weights = (torch.zeros(cell.shape(name, size), requires_grad=True) for name in cell.weights)
    state = tuple(torch.zeros(1, size, requires_grad=True) for _ in cell.states)
    new = cell.step(x, state, named(tuple(cell.weights))(*weights))
    known: dict[Node, int] = {}
    return max(chain(part.grad_fn, known) for part in new)


def chain(node: Node | None, known: dict[Node, int]) -> int:
    """The most matrix products on a path through a graph of derivatives."""
    if node is None:
        return 0
    if node not in known:
        below = max((chain(after, known) for after, _ in node.next_functions), default=0)
        known[node] = below + (node.name() == "MmBackward0")
    return known[node]
