"""Every generated kernel against the eager loop, and `kernel.c` at the edges of its tiles."""

import ctypes
import subprocess
import threading

import pytest
import torch
from torch.testing import assert_close

from rnn_core.compiler.cpu.build import FLAGS, find_compiler, whole_text
from rnn_core.layers.execution_path import eager_only
from rnn_core.layers.recurrent import Recurrent

SHAPES = {
    "remainders of panels and blocks": {"T": 4, "B": 67, "I": 5, "H": 33},
    "one of everything": {"T": 1, "B": 1, "I": 1, "H": 1},
    "one step": {"T": 1, "B": 3, "I": 2, "H": 50},
    "one sequence": {"T": 6, "B": 1, "I": 3, "H": 17},
    "one unit": {"T": 5, "B": 9, "I": 3, "H": 1},
    "one input": {"T": 5, "B": 65, "I": 1, "H": 8},
    "whole panels": {"T": 3, "B": 64, "I": 32, "H": 64},
    "more than a pass of the sum of outer products": {"T": 40, "B": 8, "I": 35, "H": 12},
}
SOME = ["lstm", "gru", "TwoStates", "Spread"]


@pytest.mark.one_in(2)
@pytest.mark.parametrize("shape", ["remainders of panels and blocks", "one sequence"])
def test_kernel_matches_the_eager_loop(kernels, cell, shape):
    kernels.assert_kernel_matches(kernels.draw(cell, **SHAPES[shape]))


def test_kernel_matches_the_eager_loop_in_float64(kernels, cell):
    kernels.assert_kernel_matches(kernels.draw(cell, T=5, B=11, I=3, H=19, dtype=torch.float64))


@pytest.mark.parametrize("reverse", [False, True])
def test_kernel_stands_still_beyond_the_end_of_a_sequence(kernels, cell, reverse):
    case = kernels.draw(cell, T=6, B=5, I=3, H=10, lengths=[6, 1, 4, 3, 6], reverse=reverse)
    kernels.assert_kernel_matches(case)


def test_gradient_of_the_kernel_matches_finite_differences(kernels, cell):
    case = kernels.draw(cell, T=3, B=2, I=2, H=3, dtype=torch.float64, lengths=[3, 2])
    tensors = [t.detach().requires_grad_() for t in case.tensors]

    def run(*tensors):
        return tuple(kernels.run_kernel(case.over(tensors)))

    assert torch.autograd.gradcheck(run, tensors)


@pytest.mark.parametrize("cell", SOME, indirect=True)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("reverse", [False, True])
def test_kernel_matches_the_eager_loop_at_every_edge(kernels, cell, shape, reverse):
    kernels.assert_kernel_matches(kernels.draw(cell, **SHAPES[shape], reverse=reverse))


def strided(tensor):
    """The same numbers with gaps between them, columns outermost."""
    turned = tensor.movedim(-1, 0)
    wide = tensor.new_full((*turned.shape[:-1], 2 * turned.shape[-1]), float("nan"))
    wide[..., ::2] = turned
    return wide[..., ::2].movedim(0, -1)


@pytest.mark.parametrize("cell", SOME, indirect=True)
def test_memory_layout_of_what_is_read_changes_no_bit(kernels, cell):
    case = kernels.draw(cell, T=4, B=9, I=5, H=10, lengths=[4, 1, 3, 2, 4, 4, 1, 2, 3])
    cotangents = [torch.randn_like(o) for o in kernels.run_eager(case)]
    dense = kernels.gradients(kernels.run_kernel, case, cotangents)
    apart = case.over([strided(t) for t in case.tensors])
    assert not any(t.is_contiguous() for t in apart.tensors)
    loose = kernels.gradients(kernels.run_kernel, apart, [strided(c) for c in cotangents])
    assert_close(loose, dense, rtol=0, atol=0)


@pytest.mark.parametrize("cell", ["lstm", "TwoStates"], indirect=True)
def test_input_with_batch_first_is_read_in_place(kernels, cell):
    case = kernels.draw(cell, T=4, B=9, I=5, H=10)
    turned = case.over([case.x.transpose(0, 1).contiguous().transpose(0, 1), *case.tensors[1:]])
    kernels.assert_kernel_matches(turned)


def test_loss_of_a_single_output_reaches_all_inputs(kernels, cell):
    """One state at all steps, or one final state: the other gradients come as None."""
    case = kernels.draw(cell, T=4, B=3, I=3, H=7)
    exact = kernels.run_eager(case)
    for wanted in range(len(exact)):
        only = [torch.randn_like(o) if i == wanted else None for i, o in enumerate(exact)]
        kernels.assert_kernel_matches(case, [c if c is None else c.double() for c in only])


@pytest.mark.parametrize("cell", SOME, indirect=True)
def test_gradient_that_is_one_number_for_all_is_read_as_such(kernels, cell):
    """Gradients from `outputs.sum()` are a single number, expanded."""
    case = kernels.draw(cell, T=4, B=3, I=3, H=7)
    ones = [torch.ones((), dtype=torch.float64).expand(o.shape) for o in kernels.run_eager(case)]
    kernels.assert_kernel_matches(case, ones)


@pytest.mark.parametrize("size", [30.0, 1e4])
def test_saturated_kernel_has_no_nan_where_the_eager_loop_has_none(kernels, cell, size):
    case = kernels.draw(cell, T=4, B=5, I=3, H=9, size=size)
    cotangents = [torch.randn_like(o) for o in kernels.run_eager(case)]
    theirs = kernels.gradients(kernels.run_eager, case, cotangents)
    ours = kernels.gradients(kernels.run_kernel, case, cotangents)
    for actual, expected in zip((*ours[0], *ours[1]), (*theirs[0], *theirs[1]), strict=True):
        finite = expected.isfinite()
        assert actual[finite].isfinite().all()
    for actual, expected in zip(ours[0], theirs[0], strict=True):
        finite = expected.isfinite()
        assert_close(actual[finite], expected[finite], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_values_that_are_not_finite_pass_through_as_in_the_eager_loop(kernels, cell, value):
    case = kernels.draw(cell, T=4, B=5, I=3, H=18)
    case.x[1, 2, 1] = value
    with torch.no_grad():
        ours, theirs = kernels.run_kernel(case), kernels.run_eager(case)
    for actual, expected in zip(ours, theirs, strict=True):
        assert_close(actual, expected, rtol=1e-5, atol=1e-5, equal_nan=True)


def test_state_that_is_not_finite_passes_through_as_in_the_eager_loop(kernels, cell):
    case = kernels.draw(cell, T=3, B=5, I=3, H=18)
    for state in case.states:
        state[1, 17], state[2, 0], state[3, 4] = float("nan"), float("inf"), -float("inf")
    with torch.no_grad():
        ours, theirs = kernels.run_kernel(case), kernels.run_eager(case)
    for actual, expected in zip(ours, theirs, strict=True):
        assert_close(actual, expected, rtol=1e-5, atol=1e-5, equal_nan=True)


@pytest.mark.parametrize("cell", ["lstm", "gru", "Elementary"], indirect=True)
def test_gradients_that_are_not_numbers_are_those_of_the_eager_loop(kernels, cell):
    case = kernels.draw(cell, T=4, B=5, I=3, H=18)
    case.x[1, 2, 1] = float("nan")
    cotangents = [torch.randn_like(o) for o in kernels.run_eager(case)]
    theirs = kernels.gradients(kernels.run_eager, case, cotangents)[1]
    ours = kernels.gradients(kernels.run_kernel, case, cotangents)[1]
    for actual, expected in zip(ours, theirs, strict=True):
        assert_close(actual.isnan(), expected.isnan())


@pytest.mark.parametrize("cell", ["rnn_tanh", "lstm", "minlstm", "Twice"], indirect=True)
def test_denormal_numbers_are_as_good_as_zero_and_no_worse(kernels, cell):
    case = kernels.draw(cell, T=4, B=5, I=3, H=18, size=1e-40)
    case = case.over([case.x, *(1e-20 * t for t in case.tensors[1:])])
    ours, theirs = kernels.run_kernel(case), kernels.run_eager(case.to(torch.float64))
    for actual, expected in zip(ours, theirs, strict=True):
        assert_close(actual.double(), expected, rtol=1e-5, atol=1e-30)


@pytest.mark.parametrize("cell", SOME, indirect=True)
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_repeated_calls_give_the_same_bits_and_right_ones(kernels, cell, threads):
    case = kernels.draw(cell, T=4, B=67, I=5, H=20)
    cotangents = [torch.randn_like(o) for o in kernels.run_eager(case)]
    exact = kernels.gradients(
        kernels.run_eager, case.to(torch.float64), [c.double() for c in cotangents]
    )
    torch.set_num_threads(threads)
    try:
        first = kernels.gradients(kernels.run_kernel, case, cotangents)
        for _ in range(3):
            again = kernels.gradients(kernels.run_kernel, case, cotangents)
            assert_close(again, first, rtol=0, atol=0)
    finally:
        torch.set_num_threads(1)
    for actual, expected in zip(first, exact, strict=True):
        kernels.assert_near(actual, expected, 2e-5)


@pytest.mark.parametrize("cell", ["gru"], indirect=True)
@pytest.mark.parametrize("threads", [1, 2])
def test_python_threads_may_call_one_kernel_at_the_same_time(kernels, cell, threads):
    torch.set_num_threads(threads)
    cases = [kernels.draw(cell, T=20, B=20 + n, I=6, H=40) for n in range(3)]
    cotangents = [[torch.randn_like(o) for o in kernels.run_eager(case)] for case in cases]
    pairs = list(zip(cases, cotangents, strict=True))
    alone = [kernels.gradients(kernels.run_kernel, *pair) for pair in pairs]
    together = {}

    def work(index):
        torch.set_num_threads(threads)
        for turn in range(5):
            together[index, turn] = kernels.gradients(kernels.run_kernel, *pairs[index])

    workers = [threading.Thread(target=work, args=(index,)) for index in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    torch.set_num_threads(1)
    assert len(together) == 15
    for (index, _), result in together.items():
        assert_close(result, alone[index], rtol=0, atol=0)


FUNCTIONS = {"exp": torch.exp, "sigmoid": torch.sigmoid, "tanh": torch.tanh}
ERRORS = {"exp": 1e-7, "sigmoid": 2e-7, "tanh": 3.5e-7}
"""Relative; the spacing of numbers in single precision is up to 1.2e-7."""


@pytest.fixture(scope="module")
def functions(tmp_path_factory):
    """The elementary functions of `kernel.c` in single precision, over arrays."""
    folder = tmp_path_factory.mktemp("functions")
    code = "".join(
        f"void {name}_of(const REAL *x, REAL *y, integer n)"
        f"{{ for (integer i = 0; i < n; i++) y[i] = {name}_(x[i]); }}\n"
        for name in FUNCTIONS
    )
    (folder / "a.c").write_text(whole_text(code, torch.float32))
    command = [*find_compiler(), *FLAGS, folder / "a.c", "-o", folder / "a.so", "-lm"]
    subprocess.run(command, check=True)
    return ctypes.CDLL(str(folder / "a.so"))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_elementary_function_is_exact_to_a_few_units_in_the_last_place(functions, name):
    x = torch.cat([torch.linspace(-87, 87, 100_001), torch.linspace(-1, 1, 10_001) * 1e-3])
    found = apply(functions, name, x)
    exact = FUNCTIONS[name](x.double())
    assert_close(found.double(), exact, rtol=ERRORS[name], atol=1e-45)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_elementary_function_has_the_limits_of_torch(functions, name):
    limits = [float("inf"), 1e30, 100.0, 20.0, 0.0, -0.0]
    x = torch.tensor([*limits, *(-v for v in limits), float("nan")])
    assert_close(
        apply(functions, name, x), FUNCTIONS[name](x), rtol=3e-7, atol=1e-38, equal_nan=True
    )


def apply(functions, name, x):
    """One of the functions of an array."""
    result = torch.empty_like(x)
    getattr(functions, f"{name}_of")(
        ctypes.c_void_p(x.data_ptr()),
        ctypes.c_void_p(result.data_ptr()),
        ctypes.c_longlong(x.numel()),
    )
    return result


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("steps", [1, 2, 7])
@pytest.mark.parametrize("name", ["lstm", "lstm_layernorm"])
def test_last_states_are_the_same_where_only_the_first_is_kept_at_all_steps(name, steps, reverse):
    """Of the others there is memory for two steps alone, which one of them the last is in."""
    torch.manual_seed(steps)
    layer = Recurrent(name, 3, 5).directions[0]
    layer.reverse = reverse
    x, state = torch.randn(steps, 4, 3), tuple(torch.randn(2, 4, 5))
    present = (torch.arange(steps)[:, None] < torch.tensor([1, 3, 5, 7])).unsqueeze(-1)
    for mask in (None, present):
        with torch.no_grad():
            (outputs,), last = layer(x, state, mask)
            with eager_only():
                (expected, *_), final = layer(x, state, mask, every_state=True)
        assert_close(outputs, expected, rtol=1e-5, atol=1e-6)
        assert_close(last, final, rtol=1e-5, atol=1e-6)
