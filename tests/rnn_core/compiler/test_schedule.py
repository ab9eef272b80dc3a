"""A schedule, replayed on a memory that holds nothing yet, yields the numbers of its form."""

import pytest
import torch
from torch.testing import assert_close

from rnn_core.compiler.form import Kind
from rnn_core.compiler.operations import REDUCTIONS
from rnn_core.compiler.schedule import Place

pytestmark = pytest.mark.usefixtures("float64")

B, H = 4, 6
READ_IN_PLACE = ("constant", "truth", "hidden_size", "present", "weight", "gradient")


class Replay:
    """Does what a program says, in its order, and fails where it reads what is not there."""

    def __init__(self, program, inputs, memory, calculate):
        self.program = program
        self.inputs = inputs
        self.memory = dict(memory)
        self.calculate = calculate
        self.columns = {}
        self.sums = {}
        for node, places in program.places.items():
            if node.op == "gate" and places[0] not in self.memory:
                self.store(places[:1], inputs["gate", node.label])

    def store(self, places, value):
        for place in places:
            self.memory[place] = value

    def read(self, node, loop):
        """A value that is at hand: an input, of this loop, of this stage's columns, or stored."""
        if node.op in READ_IN_PLACE and (node.op, node.label) in self.inputs:
            return self.inputs[node.op, node.label]
        for known in (loop, self.columns):
            if node in known:
                return known[node]
        if node in self.program.places:
            return self.memory[self.program.places[node][0]]
        assert node.kind in (Kind.VECTOR, Kind.SCALAR), f"{node.op} is read before it is there"
        return self.calculate(node, [self.read(operand, loop) for operand in node.operands])

    def compute(self, node, loop):
        if (node.op, node.label) in self.inputs:
            return self.inputs[node.op, node.label]
        return self.calculate(node, [self.read(operand, loop) for operand in node.operands])

    def run(self):
        for stage in self.program.stages:
            for node in stage.products:
                assert all(o in self.program.places for o in node.operands if o.op != "weight")
                value = self.compute(node, {})
                self.store(self.program.places[node][:1], value)
            self.columns = {}
            for loop in stage.loops:
                self.run_loop(loop)
        return self

    def run_loop(self, loop):
        here = {}
        for node in loop.columns:
            self.columns[node] = self.compute(node, {})
            self.store(self.program.places.get(node, ()), self.columns[node])
        for node, place in loop.copies:
            self.memory[place] = self.read(node, here)
        for node in loop.rows:
            here[node] = self.compute(node, here)
            self.store(self.program.places.get(node, ()), here[node])
        for name in loop.sums:
            assert name not in self.sums, f"{name} is added up twice"
            self.sums[name] = self.read(self.program.sums[name], here)
        found = {node: self.compute(node, here) for node in loop.reductions}
        self.columns |= found
        for node, value in found.items():
            self.store(self.program.places.get(node, ()), value)


def replayed(schedule, forms, inputs):
    """Both directions, the second with what the first has kept."""
    form = schedule.form
    states = {Place("state", i): inputs["state", name] for i, name in enumerate(form.states)}
    states |= {Place("given", i): inputs["given", name] for i, name in enumerate(form.given)}
    forward = Replay(schedule.forward, inputs, states, forms.calculate).run()
    kept = {p: v for p, v in forward.memory.items() if p.area in ("saved", "saved_column")}
    backward = Replay(schedule.backward, inputs, states | kept, forms.calculate).run()
    return forward, backward


@pytest.fixture
def inputs(schedule, forms, cell):
    return forms.draw(cell.gates, cell.states, cell.weights, cell.given, B=B, H=H)


def same(actual, expected):
    full = torch.zeros(B, H)
    assert_close(actual + full, expected + full, rtol=1e-12, atol=1e-12)


def test_replayed_schedule_yields_the_values_of_its_form(schedule, forms, inputs):
    form = schedule.form
    forward, backward = replayed(schedule, forms, inputs)
    for index, name in enumerate(form.states):
        new, gradient = form.new_states[name], form.state_gradients[name]
        same(forward.memory[Place("new", index)], forms.evaluate([new], inputs)[0])
        same(backward.memory[Place("carry", index)], forms.evaluate([gradient], inputs)[0])
    for index, node in enumerate(schedule.saved_rows):
        same(forward.memory[Place("saved", index)], forms.evaluate([node], inputs)[0])
    for index, node in enumerate(schedule.saved_columns):
        value = forward.memory[Place("saved_column", index)]
        assert_close(value, forms.evaluate([node], inputs)[0], rtol=1e-12, atol=1e-12)
    for index, node in enumerate(schedule.rights):
        same(backward.memory[Place("right", index)], forms.evaluate([node], inputs)[0])
    for name, node in schedule.backward.sums.items():
        same(backward.sums[name], forms.evaluate([node], inputs)[0])


def test_all_that_weights_need_is_kept(schedule):
    form = schedule.form
    at_hand = {*schedule.saved_rows, *schedule.rights}
    for terms in form.matrix_gradients.values():
        for node in (n for term in terms for n in (term.left, term.right)):
            assert node in at_hand or node.op in ("state", "given")
    assert set(form.gate_gradients.values()) <= set(schedule.rights)
    sums = schedule.backward.sums
    assert {f"weight {name}" for name in form.summed_gradients} <= set(sums)
    assert {f"gate {name}" for name in form.gates} <= set(sums)


def test_scratch_memory_is_counted(schedule):
    for program in (schedule.forward, schedule.backward):
        places = [place for row in program.places.values() for place in row]
        slots = {place.index for place in places if place.area == "slot"}
        columns = {place.index for place in places if place.area == "column"}
        assert max(slots, default=-1) < program.num_slots
        assert max(columns, default=-1) < program.num_columns


def test_reduction_ends_the_loop_that_feeds_it(schedule):
    """Results of a reduction are read in a later loop than the one that accumulates them."""
    for program in (schedule.forward, schedule.backward):
        for stage in program.stages:
            for loop in stage.loops:
                used = {
                    operand for node in (*loop.rows, *loop.columns) for operand in node.operands
                }
                assert not used & set(loop.reductions)
                assert all(node.op in REDUCTIONS for node in loop.reductions)


@pytest.mark.parametrize(
    ("cell", "forward", "backward"),
    [
        ("memoryless", [0], [0]),
        ("rnn_tanh", [1], [0, 1]),
        ("lstm", [4], [0, 4]),
        ("gru", [2, 1], [0, 1, 2]),
        ("mgu", [1, 1], [0, 1, 1]),
    ],
    indirect=["cell"],
)
def test_products_that_wait_for_each_other_are_in_stages_of_their_own(schedule, forward, backward):
    for program, counts in ((schedule.forward, forward), (schedule.backward, backward)):
        found = [len(stage.products) for stage in program.stages]
        assert [n for n in found if n] == [n for n in counts if n]
        assert len(found) <= len(counts)
