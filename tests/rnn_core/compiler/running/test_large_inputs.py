"""Inputs that are not normalised: all ways to run a cell agree, and stay finite where they can."""

import pytest
import torch

from rnn_core.cells import REGISTRY, name_of
from rnn_core.compiler.gpu.launching import programs
from rnn_core.compiler.gpu.operators import run_program
from rnn_core.compiler.running.search import form_for
from rnn_core.layers.scan import can_scan, scan_over_time

SIZES = [1e2, 1e4, 1e10, 1e20, 3e37]
"""The last leaves room for a weight, and a bias, within what a float32 holds."""

LARGEST = torch.finfo(torch.float32).max

SQUARED = {"mingru_block": 1e18}
"""Cells that normalise their input, whose square a float32 has to hold, in PyTorch too."""

pytestmark = [
    # Beyond H and B a Triton program computes with numbers that mean nothing.
    pytest.mark.filterwarnings("ignore::RuntimeWarning:triton"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning:numpy"),
]


def ways(kernels, case):
    """The ways to run a cell beside the eager loop: functions of a case."""

    def path(run, **options):
        def over_time(case):
            every, last = run(
                case.cell, *case.tensors[:3], case.states, case.weights[2:], case.given, None,
                case.reverse, **options,
            )  # fmt: skip
            return [*every, *last]

        return over_time

    yield "kernel", kernels.run_kernel
    yield "triton", path(run_program, key=form_for(case.cell, programs, case.x.dtype))
    if can_scan(case.cell):
        yield "scan", path(scan_over_time)


def draw(kernels, cell, size):
    """A case of one input feature: a sum of several may cancel, and then rounding decides."""
    case = kernels.draw(cell, T=7, B=4, I=1, H=5, dtype=torch.float64)
    case.x.copy_(size * case.x.sign() * (0.5 + 0.5 * torch.rand_like(case.x)))
    return case


@pytest.mark.one_in(5)
@pytest.mark.parametrize("cell", REGISTRY, indirect=True)
@pytest.mark.parametrize("size", SIZES)
def test_all_ways_agree_on_large_inputs(kernels, cell, size):
    case, one = draw(kernels, cell, size), torch.ones(())
    cotangents = [torch.randn_like(output) for output in kernels.run_eager(case)]
    theirs = kernels.gradients(kernels.run_eager, case, cotangents)
    assert all(part.isfinite().all() for group in theirs for part in group)
    for _, run in ways(kernels, case):
        ours = kernels.gradients(run, case, cotangents)
        for mine, expected in zip(ours, theirs, strict=True):
            # Beside 1, the size of the gradients that came in: saturated, all that is left of
            # them may be rounding.
            kernels.assert_near([*mine, one], [*expected, one], 1e-9)


@pytest.mark.one_in(5)
@pytest.mark.parametrize("cell", REGISTRY, indirect=True)
@pytest.mark.parametrize("size", SIZES)
def test_what_a_float_can_hold_is_finite(kernels, cell, size):
    case = draw(kernels, cell, min(size, SQUARED.get(name_of(cell), size)))
    outputs = kernels.run_eager(case)
    exact = kernels.gradients(kernels.run_eager, case, [torch.ones_like(o) for o in outputs])
    single = case.to(torch.float32)
    ones = [torch.ones_like(output) for output in kernels.run_eager(single)]
    for way, run in (("eager", kernels.run_eager), *ways(kernels, single)):
        for ours, theirs in zip(kernels.gradients(run, single, ones), exact, strict=True):
            for index, (a, b) in enumerate(zip(ours, theirs, strict=True)):
                assert (a.isfinite() | (b.abs() > LARGEST / 1e3)).all(), (way, index, a, b)
