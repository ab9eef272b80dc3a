"""Gradients that are sums over steps and sequences, whatever computes what is summed."""

import pytest
import torch
from torch import sigmoid, tanh

from rnn_core.cells.base import Cell

MATRIX, VECTOR = ("H", "H"), ("H",)


def of(*functions):
    """A cell with a state for every function of gates, states and weights."""

    class Foreign(Cell):
        gates = ("a", "b")
        weights = {"u": MATRIX, "v": MATRIX, "s": VECTOR, "k": VECTOR}
        states = tuple("hcd"[: len(functions)])

        def step(self, x, state, w):
            return tuple(function(x, state, w) for function in functions)

    return Foreign()


STEPS = {
    "a product of a sum": (lambda x, s, w: tanh((x.a + s[0]) @ w.u),),
    "a product of an input": (lambda x, s, w: tanh(x.a @ w.v + s[0] @ w.u),),
    "a product of an input, added": (lambda x, s, w: s[0] + x.a @ w.v,),
    "a product of an input, multiplied": (lambda x, s, w: sigmoid(x.b) * (x.a @ w.v) + s[0],),
    "a product of two products": (lambda x, s, w: (x.a @ w.v) * (s[0] @ w.u),),
    "a product in another state": (
        lambda x, s, w: s[1],
        lambda x, s, w: tanh((x.a + s[0]) @ w.u),
    ),
    "a product of a product": (lambda x, s, w: tanh((x.a @ w.u) @ w.v + 0.1 * s[0]),),
    "a product by the transpose": (lambda x, s, w: tanh((x.a + s[0]) @ w.u.T + x.b @ w.u),),
    "a product of a sum with a vector": (lambda x, s, w: tanh((x.a + s[0] + w.s) @ w.u + w.k),),
    "the same product for two gates": (lambda x, s, w: tanh((x.a + x.b + s[0]) @ w.u),),
    "a gate's own gradient": (lambda x, s, w: x.a + 0.5 * s[0] + w.s,),
    "a state that is another": (lambda x, s, w: s[1], lambda x, s, w: x.b + 0 * s[0]),
    "a state that is a gate of a product": (
        lambda x, s, w: x.a,
        lambda x, s, w: tanh(x.a @ w.u + s[0]),
    ),
}


@pytest.mark.parametrize("what", STEPS)
def test_bias_and_vectors_get_the_whole_sum_where_the_step_is(kernels, what):
    case = kernels.draw(of(*STEPS[what]), T=5, B=9, I=3, H=6, dtype=torch.float64)
    kernels.assert_kernel_matches(case)


def test_every_sum_is_in_one_loop_of_the_schedule(schedule):
    loops = [loop for stage in schedule.backward.stages for loop in stage.loops]
    assert sorted(name for loop in loops for name in loop.sums) == sorted(schedule.backward.sums)
