"""A cell's names may be anything that Python takes for one."""

import pytest
import torch

from rnn_core.cells.base import Cell
from rnn_core.compiler.passes import numbered, optimised, plainly_named
from rnn_core.compiler.trace import trace


def named_so(gates, states, weights):
    """A cell with two gates, two states, a matrix, a vector and a scalar of these names."""

    class Named(Cell):
        def step(self, x, state, w):
            h, c = state
            matrix, vector, scalar = (getattr(w, name) for name in weights)
            first, second = (getattr(x, name) for name in gates)
            new = torch.tanh(first + h @ matrix + vector)
            return new, scalar * c + second * new

    Named.gates, Named.states = gates, states
    Named.weights = dict(zip(weights, (("H", "H"), ("H",), ()), strict=True))
    return Named()


NAMES = {
    "arguments of the kernel": (("weight", "bias"), ("step", "row"), ("gradient", "x", "T")),
    "ends of other names": (("h", "sum_h"), ("h", "step_h"), ("h", "gradient_h", "h_transposed")),
    "words of C": (("int", "float"), ("double", "REAL"), ("static", "restrict", "block")),
    "letters beyond ASCII": (("ä", "β"), ("é", "状態"), ("Ü", "ω", "ñ")),
    "numbers at the end": (("g1", "g0"), ("s1", "s0"), ("w2", "w0", "w1")),
    "long ones that look numbered": (("g1", "gate"), ("s1", "state"), ("w1", "w0", "weight")),
}


@pytest.mark.parametrize("what", NAMES)
def test_kernel_is_the_eager_loop_whatever_the_names(kernels, what):
    case = kernels.draw(named_so(*NAMES[what]), T=3, B=4, I=2, H=5, dtype=torch.float64)
    kernels.assert_kernel_matches(case)


def test_short_names_stay_and_others_are_numbered():
    assert numbered("g", ("z", "r1")) == {"z": "z", "r1": "r1"}
    assert numbered("g", ("z", "row")) == {"z": "g0", "row": "g1"}
    form = plainly_named(optimised(trace(named_so(*NAMES["words of C"]))))
    assert (form.gates, form.states, [*form.weights]) == (
        ("g0", "g1"),
        ("s0", "s1"),
        ["w0", "w1", "w2"],
    )
