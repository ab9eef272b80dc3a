"""From a form to a program: what is computed in which pass over memory, and where it lies.

A time step is a row of stages. A stage runs matrix products, then goes over the rows of a
block of sequences; in a row it runs loops over hidden units, one more after each reduction
that later values of the stage depend on. Whatever outlives its loop lies in memory.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from rnn_core.compiler.form import IN_MEMORY, Form, Kind, Node, in_order
from rnn_core.compiler.operations import REDUCTIONS
from rnn_core.compiler.passes import of_forward, saved_values

CARRIED = ("constant", "truth", "hidden_size", "present", "weight")
"""Inputs that are read where they are needed and take no place of the program's own."""


@dataclass(frozen=True)
class Place:
    """Where a value lies in memory.

    Attributes:
        area: "slot" (scratch of the block), "column" (scratch, one number per sequence),
            "saved" and "saved_column" (kept for the backward pass), "right" (kept for the
            gradients of matrices), "state" (the previous state), "given" (what the step reads
            besides gates), "new" (the new state) or
            "carry" (the gradient that goes to the previous step).
        index: Which of them.
    """

    area: str
    index: int


Places: TypeAlias = dict[Node, tuple[Place, ...]]


@dataclass
class Loop:
    """One pass over the hidden units of a row.

    Attributes:
        columns: Values of one number per sequence, computed before the pass.
        copies: Values that no pass computes, and where they belong besides where they lie.
        rows: Values of the pass, operands before users.
        reductions: Sums and extremes that the pass accumulates.
        sums: Names of the sums over sequences and time that the pass adds to.
    """

    columns: list[Node] = field(default_factory=list)
    copies: list[tuple[Node, Place]] = field(default_factory=list)
    rows: list[Node] = field(default_factory=list)
    reductions: list[Node] = field(default_factory=list)
    sums: list[str] = field(default_factory=list)


@dataclass
class Stage:
    """Products, then loops over the rows of a block."""

    products: list[Node] = field(default_factory=list)
    loops: list[Loop] = field(default_factory=list)

    def loop(self, level: int) -> Loop:
        """One of the loops, which is there from now on."""
        while len(self.loops) <= level:
            self.loops.append(Loop())
        return self.loops[level]


@dataclass(frozen=True)
class Program:
    """One direction of a step.

    Attributes:
        stages: What is done, in order.
        places: Where values lie that are read from memory or kept there; the first place
            is the one to read.
        num_slots: Scratch slots of (block, H).
        num_columns: Scratch columns of (block,).
        sums: Values whose sum over sequences and time is a result, by name.
    """

    stages: list[Stage]
    places: Mapping[Node, tuple[Place, ...]]
    num_slots: int
    num_columns: int
    sums: Mapping[str, Node]


@dataclass(frozen=True)
class Kernel:
    """All that a back end needs to know of a cell.

    Attributes:
        form: The optimised form.
        saved_rows: What the forward pass keeps, (B, H) each.
        saved_columns: What it keeps of (B, 1) each.
        rights: What the backward pass keeps for the products after the loop.
        forward: The step.
        backward: Its derivative.
    """

    form: Form
    saved_rows: list[Node]
    saved_columns: list[Node]
    rights: list[Node]
    forward: Program
    backward: Program


def scheduled(form: Form) -> Kernel:
    """Schedule both directions of an optimised form."""
    saved = saved_values(form)
    rows = [node for node in saved if node.kind is Kind.ROWS]
    columns = [node for node in saved if node.kind is Kind.COLUMN]
    rights = rights_of(form)
    kept: Places = {node: (Place("saved", i),) for i, node in enumerate(rows)}
    kept |= {node: (Place("saved_column", i),) for i, node in enumerate(columns)}
    nodes = in_order([*form.new_states.values(), *form.backward_roots()])
    names = {"state": form.states, "given": form.given}
    inputs: Places = {
        node: (Place(node.op, names[node.op].index(node.label)),)
        for node in nodes
        if node.op in IN_MEMORY
    }
    return Kernel(
        form,
        rows,
        columns,
        rights,
        forward(form, kept, inputs),
        backward(form, kept, inputs, rights),
    )


def rights_of(form: Form) -> list[Node]:
    """Values that gradients of matrices and of the input need, besides those kept anyway."""
    nodes = in_order(form.backward_roots())
    independent = of_forward(nodes)
    wanted = [*form.gate_gradients.values()]
    for terms in form.matrix_gradients.values():
        wanted += [n for t in terms for n in (t.left, t.right) if id(n) not in independent]
    return list(dict.fromkeys(wanted))


def forward(form: Form, kept: Places, inputs: Places) -> Program:
    """Schedule the step itself."""
    results: Places = {}
    for index, name in enumerate(form.states):
        node = form.new_states[name]
        results[node] = (*results.get(node, ()), Place("new", index))
    for node, places in kept.items():
        results[node] = (*places, *results.get(node, ()))
    return Scheduler(results, dict(inputs), {}).program()


def step_alone(kernel: Kernel) -> Program:
    """Schedule the step itself where there is no backward pass to keep anything for."""
    before = kernel.forward.places.items()
    inputs = {node: places[:1] for node, places in before if node.op in IN_MEMORY}
    return forward(kernel.form, {}, inputs)


def backward(form: Form, kept: Places, inputs: Places, rights: list[Node]) -> Program:
    """Schedule the derivative of the step."""
    results: Places = {}
    for index, node in enumerate(rights):
        results[node] = (Place("right", index),)
    for index, name in enumerate(form.states):
        node = form.state_gradients[name]
        results[node] = (*results.get(node, ()), Place("carry", index))
    sums = {f"weight {name}": node for name, node in form.summed_gradients.items()}
    sums |= {f"gate {name}": node for name, node in form.gate_gradients.items()}
    return Scheduler(results, inputs | kept, sums).program()


class Scheduler:
    """Puts the values of one direction into stages and places.

    Args:
        results: Values that must end in memory, and where.
        present: Values that are in memory to begin with, and where.
        sums: Values to be summed over sequences and time.
    """

    def __init__(self, results: Places, present: Places, sums: Mapping[str, Node]) -> None:
        self.results = results
        self.memory = present
        self.sums = sums
        self.nodes = self.reachable([*results, *sums.values()])
        self.places: Places = dict(present)
        self.num_slots = 0
        self.num_columns = 0
        self.earliest = self.find_earliest()
        self.stage = self.find_latest()
        self.level = self.find_levels()

    def reachable(self, roots: Iterable[Node]) -> list[Node]:
        """Values to compute, operands before users; values in memory end the search."""
        order: dict[Node, None] = {}

        def visit(node: Node) -> None:
            if node in order:
                return
            if node not in self.memory:
                for operand in node.operands:
                    visit(operand)
            order[node] = None

        for root in roots:
            visit(root)
        return list(order)

    def is_computed(self, node: Node) -> bool:
        """Return whether a node is computed in a loop over rows."""
        inputs = (*CARRIED, "gate", "product")
        return node not in self.memory and node.op not in inputs

    def find_earliest(self) -> dict[Node, int]:
        """The first stage whose loops can have each value; a product's is the stage after it."""
        earliest: dict[Node, int] = {}
        for node in self.nodes:
            stage = 0
            if node not in self.memory:
                for operand in node.operands:
                    after = node.op == "product" and self.is_computed(operand)
                    stage = max(stage, earliest[operand] + after)
                if node.op == "product" and self.copied_start(node):
                    stage = max(stage, 1)
            earliest[node] = stage
        return earliest

    def copied_start(self, node: Node) -> bool:
        """Return whether a product starts from a value that has to be copied to its slot."""
        return len(node.operands) > 2 and node.operands[2] in self.memory

    def find_latest(self) -> dict[Node, int]:
        """The stage that computes each value: as late as its first user allows."""
        users: dict[Node, list[int]] = {node: [] for node in self.nodes}
        stages: dict[Node, int] = {}
        for node in reversed(self.nodes):
            late = min(users[node], default=self.earliest[node])
            stages[node] = late if self.is_computed(node) else self.earliest[node]
            if node in self.results:
                stages[node] = self.result_stage(node, stages[node])
            if node in self.memory:
                continue
            for operand in node.operands:
                before = node.op == "product"
                users[operand].append(stages[node] - before)
        return stages

    def result_stage(self, node: Node, stage: int) -> int:
        """The stage of a value that must end in memory."""
        return stage if self.is_computed(node) else self.earliest[node]

    def find_levels(self) -> dict[Node, int]:
        """The loop of its stage that computes each value."""
        levels: dict[Node, int] = {}
        for node in self.nodes:
            levels[node] = 0
            if self.is_computed(node):
                levels[node] = max(
                    (self.level_after(o, node, levels) for o in node.operands), default=0
                )
        return levels

    def level_after(self, operand: Node, node: Node, levels: Mapping[Node, int]) -> int:
        """The first loop of a node's stage in which an operand can be used."""
        if not self.is_computed(operand) or self.stage[operand] < self.stage[node]:
            return 0
        return levels[operand] + (operand.op in REDUCTIONS)

    def program(self) -> Program:
        """The stages, with all places assigned."""
        count = 1 + max(self.stage.values(), default=0)
        stages = [Stage() for _ in range(count)]
        for node in self.nodes:
            if node in self.memory:
                continue
            if node.op == "product":
                stages[self.stage[node]].products.append(node)
            elif self.is_computed(node) and node.kind in (Kind.ROWS, Kind.COLUMN):
                self.put(stages[self.stage[node]], node)
        self.assign_places()
        self.place_carried_products()
        self.put_copies(stages)
        for name, node in self.sums.items():
            # What no loop computes is read again in the first one that finds it in memory.
            stages[self.stage[node]].loop(self.level[node]).sums.append(name)
        return Program(stages, self.places, self.num_slots, self.num_columns, self.sums)

    def put_copies(self, stages: list[Stage]) -> None:
        """Let a loop copy what no loop computes, wherever it belongs in more than one place."""
        copied = {
            node.operands[2]: self.stage[node] - 1
            for node in self.nodes
            if node.op == "product" and node not in self.memory and self.copied_start(node)
        }
        for node, (_, *others) in self.places.items():
            if others and not self.is_computed(node):
                loop = stages[copied.get(node, self.stage[node])].loop(0)
                loop.copies += [(node, place) for place in others]

    def put(self, stage: Stage, node: Node) -> None:
        """Put a value into its loop."""
        loop = stage.loop(self.level[node])
        if node.op in REDUCTIONS:
            loop.reductions.append(node)
        else:
            (loop.rows if node.kind is Kind.ROWS else loop.columns).append(node)

    def assign_places(self) -> None:
        """Give a place to every value that is read outside of the loop that computes it."""
        for node in self.nodes:
            places = self.results.get(node, ())
            if node in self.memory:
                pass
            elif node.op == "gate" or (node.op == "product" and len(node.operands) == 2):
                places = (self.new_slot(), *places)
            elif node.op == "product":
                places = (self.start_slot(node), *places)
            elif self.is_computed(node) and not places and self.outlives(node):
                places = (self.new_slot() if node.kind is Kind.ROWS else self.new_column(),)
            if places:
                self.places[node] = (*self.places.get(node, ()), *places)

    def place_carried_products(self) -> None:
        """Let a product that is carried to the previous step be summed where it is carried."""
        moved: dict[Place, Place] = {}
        for node, (first, *others) in self.places.items():
            carries = [place for place in others if place.area == "carry"]
            if node.op == "product" and first.area == "slot" and carries:
                moved[first] = carries[0]
        for node, places in self.places.items():
            self.places[node] = tuple(dict.fromkeys(moved.get(place, place) for place in places))

    def start_slot(self, product: Node) -> Place:
        """The slot of the value that a product starts from, which becomes the product's."""
        start = product.operands[2]
        for place in self.places.get(start, ()):
            if place.area == "slot":
                return place
        slot = self.new_slot()
        self.places[start] = (*self.places.get(start, ()), slot)
        return slot

    def outlives(self, node: Node) -> bool:
        """Return whether a value is read outside of its loop, or by a product."""
        if node.kind not in (Kind.ROWS, Kind.COLUMN):
            return False
        for user in self.nodes:
            if user in self.memory or node not in user.operands:
                continue
            if user.op == "product" or self.stage[user] != self.stage[node]:
                return True
            if node.kind is Kind.ROWS and self.level[user] != self.level[node]:
                return True
        return False

    def new_slot(self) -> Place:
        """A scratch slot of its own."""
        self.num_slots += 1
        return Place("slot", self.num_slots - 1)

    def new_column(self) -> Place:
        """A scratch column of its own."""
        self.num_columns += 1
        return Place("column", self.num_columns - 1)
