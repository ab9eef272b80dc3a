"""Nodes, their order, and what a reader sees of them."""

import pytest

from rnn_core.compiler.form import Builder, Kind, in_order, text, widest
from rnn_core.compiler.passes import optimised


@pytest.fixture
def make():
    return Builder()


def test_same_operation_on_the_same_operands_is_one_node(make):
    a, b = (make.node("gate", kind=Kind.ROWS, label=name) for name in "ab")
    assert make.node("add", a, b) is make.node("add", a, b)
    assert make.node("add", a, b) is not make.node("add", b, a)
    assert a is not b
    assert make.constant(0.0) is make.constant(0)
    assert make.constant(0.0) is not make.constant(-0.0)
    assert make.constant(float("nan")) is make.constant(float("nan"))


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ([], Kind.SCALAR),
        ([Kind.SCALAR, Kind.SCALAR], Kind.SCALAR),
        ([Kind.SCALAR, Kind.VECTOR], Kind.VECTOR),
        ([Kind.COLUMN, Kind.COLUMN], Kind.COLUMN),
        ([Kind.COLUMN, Kind.VECTOR], Kind.ROWS),
        ([Kind.ROWS, Kind.COLUMN], Kind.ROWS),
    ],
)
def test_pointwise_operands_broadcast_to_the_widest(make, kinds, expected):
    nodes = [make.node("gate", kind=kind, label=str(i)) for i, kind in enumerate(kinds)]
    assert widest(nodes) is expected


def test_order_has_operands_before_users_each_once(schedule):
    form = schedule.form
    order = in_order([*form.new_states.values(), *form.backward_roots()])
    position = {node: index for index, node in enumerate(order)}
    assert len(position) == len(order)
    for node in order:
        assert all(position[operand] < position[node] for operand in node.operands)


def test_reader_sees_the_minimal_gated_unit_as_its_equations(forms):
    lines = text(optimised(forms.traced("mgu"))).splitlines()
    assert [" ".join(line.split()) for line in lines[:7]] == [
        "v0 = product(state.h, weight.f, gate.f) (B, H)",
        "v1 = sigmoid(v0) (B, H)",
        "v2 = sub(1, v1) (B, H)",
        "v3 = mul(v2, state.h) (B, H)",
        "v4 = mul(v1, state.h) (B, H)",
        "v5 = product(v4, weight.n, gate.n) (B, H)",
        "v6 = tanh(v5) (B, H)",
    ]
    assert lines[-1].startswith("gradient of weight n = v4^T v")
    assert lines[-2].startswith("gradient of weight f = state.h^T v")
