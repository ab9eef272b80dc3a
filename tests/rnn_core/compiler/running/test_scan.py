"""The scan against the loop, against the kernel, and where logarithms are at their end."""

import pytest
import torch
from torch.nn import functional

from rnn_core.cells import REGISTRY, get_cell
from rnn_core.cells.base import named
from rnn_core.layers import execution_path as choice
from rnn_core.layers.scan import can_scan, scan_over_time, scanned

SCANNED = ["mingru", "minlstm"]


def run_scan(case):
    """The state at all steps and the last one, by a scan."""
    assert can_scan(case.cell)
    x, weight, bias = case.tensors[:3]
    mask = None if case.present is None else case.present.squeeze(-1)
    every, last = scan_over_time(
        case.cell, x, weight, bias, case.states, [], [], mask, case.reverse
    )
    return [*every, *last]


def assert_scan_matches(kernels, run, case, tolerance=1e-10):
    """Outputs and gradients of a scan and of another way to run the same cell."""
    cotangents = [torch.randn_like(output) for output in run_scan(case)]
    for ours, theirs in zip(
        kernels.gradients(run_scan, case, cotangents),
        kernels.gradients(run, case, cotangents),
        strict=True,
    ):
        kernels.assert_near(ours, theirs, tolerance)


@pytest.mark.parametrize("cell", SCANNED, indirect=True)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("lengths", [None, [9, 1, 4, 0, 8]])
@pytest.mark.parametrize("way", ["eager", "kernel"])
def test_scan_matches_the_loop_and_the_kernel(kernels, cell, reverse, lengths, way):
    run = {"eager": kernels.run_eager, "kernel": kernels.run_kernel}[way]
    case = kernels.draw(
        cell, T=9, B=5, I=3, H=4, dtype=torch.float64, lengths=lengths, reverse=reverse, size=3
    )
    assert any((state < 0).any() for state in case.states)
    assert_scan_matches(kernels, run, case)


@pytest.mark.parametrize("cell", SCANNED, indirect=True)
@pytest.mark.parametrize("steps", [1, 2, 3, 64])
def test_scan_of_any_number_of_steps_starts_from_zero(kernels, cell, steps):
    case = kernels.draw(cell, T=steps, B=2, I=3, H=4, dtype=torch.float64)
    case.states[0].zero_()
    assert_scan_matches(kernels, kernels.run_eager, case)


@pytest.mark.parametrize(
    ("cell", "size"),
    [("mingru", 30.0), ("mingru", 1e3), ("minlstm", 30.0), ("minlstm", 1e3)],
    indirect=["cell"],
)
def test_saturated_scan_is_right_and_finite(kernels, cell, size):
    """With open gates log a falls by hundreds a step, which a cumulated sum cannot bear."""
    case = kernels.draw(cell, T=20, B=3, I=4, H=6, dtype=torch.float64, size=size)
    assert_scan_matches(kernels, kernels.run_eager, case)
    single = run_scan(case.to(torch.float32))
    kernels.assert_near(single, kernels.run_eager(case), 5e-6)


@pytest.mark.parametrize("way", ["scan", "kernel", "eager"])
@pytest.mark.parametrize("size", [50.0, 1e3, 1e20])
def test_two_closed_gates_have_a_ratio(kernels, way, size):
    """Both round to 0, or to a number without a square; their quotient is as they were made."""
    cell = get_cell("minlstm")
    case = kernels.draw(cell, T=3, B=1, I=1, H=1, dtype=torch.float64)
    case.x.fill_(1), case.states[0].fill_(0.5)
    case.weights[0].copy_(torch.tensor([[-size], [-size], [0.0]]))
    case.weights[1].copy_(torch.tensor([0.0, 0.0, 0.0]))
    run = {"scan": run_scan, "kernel": kernels.run_kernel, "eager": kernels.run_eager}[way]
    assert run(case)[0].flatten().tolist() == pytest.approx([0.5, 0.5, 0.5])
    cotangents = [torch.ones(3, 1, 1), torch.zeros(1, 1)]
    _, gradients = kernels.gradients(run, case, cotangents)
    by_state = gradients[3].item()
    assert by_state == pytest.approx(0.5 + 0.25 + 0.125)
    assert all(part.isfinite().all() for part in gradients)


def test_rounding_does_not_grow_with_the_number_of_steps():
    gates = named(("z", "n"))(*4 * torch.randn(2, 3000, 2, 3, dtype=torch.float64))
    cell, first = get_cell("mingru"), torch.randn(2, 3, dtype=torch.float64)
    exact = scanned(*cell.log_coefficients(gates), first)
    single = scanned(*(c.float() for c in cell.log_coefficients(gates)), first.float())
    assert (single - exact).abs().max() <= 3e-6 * exact.abs().max()


@pytest.mark.parametrize("cell", SCANNED, indirect=True)
def test_gradient_of_the_scan_matches_finite_differences(kernels, cell):
    case = kernels.draw(cell, T=5, B=2, I=2, H=3, dtype=torch.float64, lengths=[5, 2])
    tensors = [t.detach().requires_grad_() for t in case.tensors]
    assert torch.autograd.gradcheck(lambda *ts: tuple(run_scan(case.over(ts))), tensors)


def test_only_cells_without_recurrent_weights_are_scanned():
    assert [name for name in REGISTRY if can_scan(get_cell(name))] == SCANNED


@pytest.mark.parametrize(("batch", "scans"), [(4, True), (64, False)])
def test_scan_takes_the_place_of_a_missing_kernel_where_it_is_faster(
    kernels, monkeypatch, batch, scans
):
    monkeypatch.setattr(choice, "kernel_for", lambda *_: None)
    case = kernels.draw(get_cell("mingru"), T=5, B=batch, I=3, H=32)
    path = choice.path_for(case.cell, case.tensors, every_state=False)
    assert (path is not None) == scans
    if path is not None:
        every, _ = path(*case.tensors[:3], case.states, [], [], None, reverse=False)
        kernels.assert_near(every, kernels.run_eager(case)[:1], 5e-6)
    with choice.eager_only():
        assert choice.path_for(case.cell, case.tensors, every_state=False) is None


def test_logarithms_of_the_coefficients_are_those_of_the_paper():
    """Feng et al., appendix B, with softplus written out."""
    z, n = torch.randn(2, 7, 2, 3, dtype=torch.float64)
    log_g = torch.where(n >= 0, torch.log(functional.relu(n) + 0.5), -torch.log1p(torch.exp(-n)))
    log_a, log_b = get_cell("mingru").log_coefficients(named(("z", "n"))(z, n))
    torch.testing.assert_close(log_a, -torch.log1p(torch.exp(z)))
    torch.testing.assert_close(log_b, -torch.log1p(torch.exp(-z)) + log_g)
