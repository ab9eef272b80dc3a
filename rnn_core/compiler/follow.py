"""Check that a schedule yields the values of its form, independently of how it was made.

Both directions are followed, step by step, on a memory that only records the place of each
value: what is read must lie there still, and in the end every result must lie where it belongs
and every sum have been added to exactly once.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from rnn_core.compiler.form import IN_MEMORY, Kind, Node
from rnn_core.compiler.operations import OPERATIONS, REDUCTIONS
from rnn_core.compiler.schedule import Kernel, Loop, Place, Program, Stage, step_alone
from rnn_core.compiler.verify import require

ANYWHERE = ("constant", "truth", "hidden_size", "present", "weight")
"""Inputs that can be read at any time."""

COLUMNS = ("column", "saved_column")
"""Areas of one number for each sequence."""


def verify_schedule(kernel: Kernel) -> Kernel:
    """Raise unless both directions, and a step alone, yield their results; return the schedule.

    Raises:
        UnverifiedError: If they do not.
    """
    form = kernel.form
    read = {Place("state", i): name for i, name in enumerate(form.states)}
    given = {Place("given", i): name for i, name in enumerate(form.given)}
    ahead = Follower(kernel.forward, {}, read, given).follow()
    alone = Follower(step_alone(kernel), {}, read, given).follow()
    for index, name in enumerate(form.states):
        ahead.require_at(Place("new", index), form.new_states[name])
        alone.require_at(Place("new", index), form.new_states[name])
    kept = {Place("saved", i): node for i, node in enumerate(kernel.saved_rows)}
    kept |= {Place("saved_column", i): node for i, node in enumerate(kernel.saved_columns)}
    for place, node in kept.items():
        ahead.require_at(place, node)
    back = Follower(kernel.backward, kept, read, given).follow()
    for index, name in enumerate(form.states):
        back.require_at(Place("carry", index), form.state_gradients[name])
    for index, node in enumerate(kernel.rights):
        back.require_at(Place("right", index), node)
    verify_sums(kernel)
    return kernel


def verify_sums(kernel: Kernel) -> None:
    """Every gradient that is a sum over steps and sequences is summed, once, of what it is."""
    form, program = kernel.form, kernel.backward
    wanted = {f"gate {name}": node for name, node in form.gate_gradients.items()}
    wanted |= {f"weight {name}": node for name, node in form.summed_gradients.items()}
    require(dict(program.sums) == wanted, "the sums are not those of the form")
    loops = [loop for stage in program.stages for loop in stage.loops]
    added = Counter(name for loop in loops for name in loop.sums)
    require(added == Counter(wanted.keys()), f"not each sum is added to once: {dict(added)}")
    require(not any(l.sums for s in kernel.forward.stages for l in s.loops), "a step sums")  # noqa: E741
    kept = {*kernel.rights, *kernel.saved_rows}
    terms = [term for terms in form.matrix_gradients.values() for term in terms]
    for node in (n for term in terms for n in (term.left, term.right)):
        require(node in kept or node.op in IN_MEMORY, f"no {node.op} is kept for a matrix")
    require({*form.gate_gradients.values()} <= {*kernel.rights}, "no gate's gradient is kept")


@dataclass
class Follower:
    """Follows one direction of a step, knowing which value lies where.

    Attributes:
        program: What is followed.
        memory: The value of each place; at first, what is kept.
        states: Names of the states, by their places.
        given: Names of what is given, by their places.
        columns: Values of one number per sequence that are at hand in a stage.
        rows: Values at hand in a loop.
    """

    program: Program
    memory: dict[Place, Node]
    states: Mapping[Place, str]
    given: Mapping[Place, str]
    columns: set[Node] = field(default_factory=set)
    rows: set[Node] = field(default_factory=set)

    def follow(self) -> "Follower":
        """Do what the program says, in its order."""
        for node, places in self.program.places.items():
            if node.op == "gate" and places[0] not in self.memory:
                self.store(node, places[0])
        for stage in self.program.stages:
            self.follow_stage(stage)
        return self

    def follow_stage(self, stage: Stage) -> None:
        """Products, then loops."""
        self.columns, self.rows = set(), set()
        for node in stage.products:
            left, _, *start = node.operands
            require(self.in_memory(left), f"a product reads {left.op}, which is not in memory")
            target = self.program.places[node][0]
            require(target.area in ("slot", "carry"), f"a product goes to a {target.area}")
            for value in start:
                require(
                    self.memory.get(target) is value, f"a product does not start from {value.op}"
                )
            self.store(node, target)
        for loop in stage.loops:
            self.follow_loop(loop)

    def follow_loop(self, loop: Loop) -> None:
        """One pass over the hidden units."""
        self.rows = set()
        for node in loop.columns:
            require(
                node.kind is Kind.COLUMN and node.op not in REDUCTIONS, f"{node.op} in a column"
            )
            self.compute(node, self.columns)
        for node, place in loop.copies:
            require(self.at_hand(node), f"{node.op} is copied, which is not at hand")
            self.store(node, place)
        for node in loop.rows:
            require(node.kind is Kind.ROWS and node.op != "product", f"{node.op} in a loop")
            self.compute(node, self.rows)
        for name in loop.sums:
            value = self.program.sums[name]
            require(self.at_hand(value), f"the sum of {name} reads {value.op}, which is not there")
        found: set[Node] = set()
        for node in loop.reductions:
            require(node.op in REDUCTIONS, f"{node.op} is no reduction")
            self.compute(node, found)
        self.columns |= found  # not before the loop has ended

    def compute(self, node: Node, here: set[Node]) -> None:
        """Compute a value from what is at hand, and store it where it belongs."""
        for operand in node.operands:
            require(self.at_hand(operand), f"{node.op} reads {operand.op}, which is not at hand")
        here.add(node)
        for place in self.program.places.get(node, ()):
            self.store(node, place)

    def at_hand(self, node: Node) -> bool:
        """Return whether a value can be read now."""
        if node.op in ANYWHERE or node in self.rows or node in self.columns or self.in_memory(node):
            return True
        # What depends on weights and constants alone is computed wherever it is read.
        fixed = node.kind in (Kind.VECTOR, Kind.SCALAR) and node.op in OPERATIONS
        return fixed and all(map(self.at_hand, node.operands))

    def in_memory(self, node: Node) -> bool:
        """Return whether a value still lies where it is read from."""
        places = self.program.places.get(node, ())
        if not places:
            return False
        names = {"state": self.states, "given": self.given}
        if node.op in names:
            return names[node.op].get(places[0]) == node.label
        return self.memory.get(places[0]) is node

    def store(self, node: Node, place: Place) -> None:
        """Let a value lie in a place of its kind, whatever was there before."""
        column = place.area in COLUMNS
        require(node.kind is (Kind.COLUMN if column else Kind.ROWS), f"{node.op} in {place.area}")
        limits = {"slot": self.program.num_slots, "column": self.program.num_columns}
        require(place.index < limits.get(place.area, place.index + 1), f"no {place.area} is left")
        require(place.area not in IN_MEMORY, f"a {place.area} is overwritten")
        self.memory[place] = node

    def require_at(self, place: Place, node: Node) -> None:
        """Raise unless a value lies in a place at the end."""
        require(self.memory.get(place) is node, f"{place.area} {place.index} is not its result")
