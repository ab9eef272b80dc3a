"""Unsound forms and schedules are refused."""

from dataclasses import replace

import pytest

from rnn_core.compiler.follow import verify_schedule
from rnn_core.compiler.form import Builder, Form, Kind
from rnn_core.compiler.passes import optimised
from rnn_core.compiler.schedule import Place, scheduled
from rnn_core.compiler.verify import UnverifiedError, verify_form


def test_every_form_and_schedule_is_sound(form):
    verify_schedule(scheduled(verify_form(optimised(verify_form(form)))))


def form_of(build):
    """A form of one of each input, whose new state is what a function builds."""
    make = Builder()
    inputs = {
        "a": make.node("gate", kind=Kind.ROWS, label="a"),
        "h": make.node("state", kind=Kind.ROWS, label="h"),
        "u": make.node("weight", kind=Kind.MATRIX, label="u"),
        "v": make.node("weight", kind=Kind.VECTOR, label="v"),
        "present": make.node("present", kind=Kind.COLUMN),
        "g": make.node("gradient", kind=Kind.ROWS, label="h"),
    }
    new, gradient = build(make, **inputs), inputs["g"]
    return Form(
        gates=("a",),
        given=(),
        states=("h",),
        weights={"u": Kind.MATRIX, "v": Kind.VECTOR},
        new_states={"h": new},
        state_gradients={"h": gradient},
        gate_gradients={"a": gradient},
        matrix_gradients={"u": ()},
        summed_gradients={"v": gradient},
    )


UNSOUND = {
    "a truth value in a sum": lambda m, a, h, **_: m.node("add", a, m.node("gt", a, h)),
    "a choice by a number": lambda m, a, h, **_: m.node("where", a, a, h),
    "a choice of a number and a truth value": lambda m, a, h, present, **_: m.node(
        "where", present, a, m.node("gt", a, h)
    ),
    "too few operands": lambda m, a, **_: m.node("add", a),
    "an operation that nobody knows": lambda m, a, **_: m.node("round", a),
    "a matrix in a sum": lambda m, a, u, **_: m.node("add", a, u, kind=Kind.ROWS),
    "a wrong shape": lambda m, a, **_: m.node("spread", m.node("tanh", a, kind=Kind.COLUMN)),
    "a sum of one number": lambda m, a, present, **_: m.node(
        "add", a, m.node("row_sum", m.node("number", present), kind=Kind.COLUMN)
    ),
    "a product of a vector": lambda m, u, v, **_: m.node("product", v, u, kind=Kind.ROWS),
    "a product by a vector": lambda m, a, v, **_: m.node("product", a, v, kind=Kind.ROWS),
    "a step that reads a gradient": lambda m, a, g, **_: m.node("add", a, g),
    "an input that was never declared": lambda m, **_: m.node("gate", kind=Kind.ROWS, label="b"),
    "a result that is a truth value": lambda m, a, h, **_: m.node("gt", a, h),
    "a result that is a vector": lambda m, v, **_: v,
    "a start that something else reads": lambda m, a, h, u, **_: m.node(
        "add", a, m.node("product", h, u, a, kind=Kind.ROWS)
    ),
}


@pytest.mark.parametrize("what", UNSOUND)
def test_unsound_form_is_refused(what):
    verify_form(form_of(lambda m, a, **_: m.node("tanh", a)))
    with pytest.raises(UnverifiedError, match="a fault in it"):
        verify_form(form_of(UNSOUND[what]))


def without_sums(kernel):
    for loop in (loop for stage in kernel.backward.stages for loop in stage.loops):
        loop.sums.clear()


def with_sums_twice(kernel):
    for loop in (loop for stage in kernel.backward.stages for loop in stage.loops):
        loop.sums += loop.sums


def turned_loops(kernel):
    for loop in (loop for stage in kernel.forward.stages for loop in stage.loops):
        loop.rows.reverse()


def without_products(kernel):
    kernel.forward.stages[0].products.clear()


def in_one_slot(kernel):
    for node, places in kernel.forward.places.items():
        if places[0].area == "slot":
            kernel.forward.places[node] = (Place("slot", 0), *places[1:])


@pytest.mark.parametrize(
    "broken", [without_sums, with_sums_twice, turned_loops, without_products, in_one_slot]
)
def test_unsound_schedule_is_refused(forms, broken):
    kernel = verify_schedule(scheduled(optimised(forms.traced("lstm"))))
    broken(kernel)
    with pytest.raises(UnverifiedError, match="a fault in it"):
        verify_schedule(kernel)


def test_result_that_is_not_kept_is_refused(forms):
    kernel = scheduled(optimised(forms.traced("gru")))
    with pytest.raises(UnverifiedError, match="is not its result"):
        verify_schedule(replace(kernel, saved_rows=kernel.saved_rows[::-1]))
