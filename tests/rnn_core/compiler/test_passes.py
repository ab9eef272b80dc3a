"""Each pass keeps all values, and does what it is for."""

import math
from collections import Counter

import pytest
import torch

from rnn_core.compiler.form import Builder, Form, Kind, in_order
from rnn_core.compiler.passes import (
    accumulated,
    optimised,
    rewritten,
    saved_values,
    simplified,
    use_counts,
)

pytestmark = pytest.mark.usefixtures("float64")

PASSES = [simplified, accumulated, optimised]


def nodes_of(form):
    return in_order([*form.new_states.values(), *form.backward_roots()])


@pytest.mark.parametrize("change", PASSES)
def test_pass_keeps_all_values(forms, form, cell, change):
    forms.assert_is_step(change(form), cell)


def test_no_value_is_computed_twice(form):
    keys = Counter(
        (node.op, tuple(map(id, node.operands)), node.label, repr(node.number), node.kind)
        for node in nodes_of(optimised(form))
    )
    assert max(keys.values()) == 1


def test_nothing_is_multiplied_by_one(form):
    for node in nodes_of(optimised(form)):
        numbers = [o.number for o in node.operands if o.op == "constant"]
        if any(o.kind is node.kind for o in node.operands):
            assert node.op != "mul" or 1 not in numbers


def test_negations_become_differences(form):
    for node in nodes_of(optimised(form)):
        if node.op == "neg":
            assert node.operands[0].op != "neg"
        if node.op == "add":
            assert all(operand.op != "neg" for operand in node.operands)


def form_of(build):
    """A form whose only result is what a function builds from a builder, a gate and a state."""
    make = Builder()
    gate = make.node("gate", kind=Kind.ROWS, label="a")
    state = make.node("state", kind=Kind.ROWS, label="h")
    return Form(
        gates=("a",),
        given=(),
        states=("h",),
        weights={},
        new_states={"h": build(make, gate, state)},
        state_gradients={},
        gate_gradients={},
        matrix_gradients={},
        summed_gradients={},
    )


RULES = {
    "a * 1": (lambda m, a, h: m.node("mul", a, m.constant(1)), "gate"),
    "1 * a": (lambda m, a, h: m.node("mul", m.constant(1), a), "gate"),
    "a / 1": (lambda m, a, h: m.node("div", a, m.constant(1)), "gate"),
    "1 / a": (lambda m, a, h: m.node("div", m.constant(1), a), "div"),
    "a + -0": (lambda m, a, h: m.node("add", a, m.constant(-0.0)), "gate"),
    "-0 + a": (lambda m, a, h: m.node("add", m.constant(-0.0), a), "gate"),
    "a + 0": (lambda m, a, h: m.node("add", a, m.constant(0)), "add"),
    "0 + a": (lambda m, a, h: m.node("add", m.constant(0), a), "add"),
    "a - 0": (lambda m, a, h: m.node("sub", a, m.constant(0)), "gate"),
    "a - -0": (lambda m, a, h: m.node("sub", a, m.constant(-0.0)), "sub"),
    "0 - a": (lambda m, a, h: m.node("sub", m.constant(0), a), "sub"),
    "- - a": (lambda m, a, h: m.node("neg", m.node("neg", a)), "gate"),
    "a + -h": (lambda m, a, h: m.node("add", a, m.node("neg", h)), "sub"),
    "-a + h": (lambda m, a, h: m.node("add", m.node("neg", a), h), "sub"),
    "(a * 1) * 1": (
        lambda m, a, h: m.node("mul", m.node("mul", a, m.constant(1)), m.constant(1)),
        "gate",
    ),
}


@pytest.mark.parametrize("rule", RULES)
def test_simplified_turns(rule, forms):
    build, op = RULES[rule]
    before = form_of(build)
    (after,) = simplified(before).new_states.values()
    assert after.op == op
    inputs = forms.draw(("a",), ("h",), {})
    special = torch.tensor([0.0, -0.0, math.inf, -math.inf, math.nan, 1.5])
    inputs["gate", "a"], inputs["state", "h"] = special[:, None], special[None, :]
    (expected,) = before.new_states.values()
    values, exact = (forms.evaluate([node], inputs)[0] for node in (after, expected))
    assert torch.equal(values.isnan(), exact.isnan())
    assert torch.equal(values[~values.isnan()], exact[~exact.isnan()])
    assert torch.equal(values.signbit() | values.isnan(), exact.signbit() | exact.isnan())


def test_rewriting_makes_equal_values_one_and_drops_unused_ones():
    def build(make, a, h):
        other = Builder()
        again = other.node("tanh", other.node("gate", kind=Kind.ROWS, label="a"))
        make.node("exp", a)
        return make.node("add", make.node("tanh", a), again)

    (after,) = rewritten(form_of(build), lambda *arguments: None).new_states.values()
    assert after.operands[0] is after.operands[1]
    assert [node.op for node in in_order([after])] == ["gate", "tanh", "add"]


@pytest.mark.parametrize(
    ("cell", "products"), [("gru", 3), ("mgu", 2), ("lstm", 4)], indirect=["cell"]
)
def test_every_product_of_a_step_starts_from_its_gate(form, products):
    form = optimised(form)
    forward = [node for node in in_order(form.new_states.values()) if node.op == "product"]
    assert len(forward) == products
    for node in forward:
        assert node.operands[2].op == "gate"
        assert node.operands[2].label == node.operands[1].label


@pytest.mark.parametrize("cell", ["gru", "mgu"], indirect=True)
def test_gradient_of_the_state_is_summed_by_the_products_themselves(form, cell):
    form = optimised(form)
    backward = [
        node for node in in_order(form.state_gradients.values()) if node.label == "transposed"
    ]
    assert len(backward) == len(cell.weights)
    last = form.state_gradients["h"]
    assert last.op == "product"
    assert len(last.operands) == 3


def test_what_a_product_starts_from_is_needed_by_nobody_else(form):
    form = optimised(form)
    uses = use_counts(form)
    for node in nodes_of(form):
        if node.op == "product" and len(node.operands) == 3:
            assert uses[id(node.operands[2])] == 1
            assert node.operands[2].op not in ("state", "given", "gradient")


SAVED = {
    "rnn_tanh": ["tanh"],  # the state itself may be an older one, where sequences have ended
    "gru": ["mul", "sigmoid", "sigmoid", "tanh"],
    "mgu": ["mul", "sigmoid", "tanh"],
    "lstm": ["sigmoid", "sigmoid", "sigmoid", "tanh", "tanh"],
}


@pytest.mark.parametrize("cell", ["rnn_tanh", "gru", "mgu", "lstm"], indirect=True)
def test_what_is_costly_is_saved_and_what_is_cheap_computed_again(form, request):
    name = request.node.callspec.params["cell"]
    ops = sorted(node.op for node in saved_values(optimised(form)))
    assert ops == SAVED[name]


def test_backward_pass_needs_no_more_than_what_is_saved_and_in_memory(form):
    form = optimised(form)
    saved = set(saved_values(form))
    order = in_order(form.new_states.values())
    stack, computed = list(form.backward_roots()), set()
    while stack:
        node = stack.pop()
        if node in saved or node in computed:
            continue
        computed.add(node)
        stack.extend(node.operands)
    again = [node for node in order if node in computed]
    dear = [n for n in again if n.op in ("gate", "product", "tanh", "sigmoid", "exp")]
    assert all(n.kind is Kind.VECTOR for n in dear), "what weights alone make is the same each step"
