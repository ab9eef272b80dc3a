"""Each operation, in C and in Triton, is what PyTorch computes, at the edges of numbers too."""

import ctypes
import itertools
import math
import subprocess

import pytest
import torch
import triton
import triton.language as tl

from rnn_core.cells.base import Cell
from rnn_core.compiler.cpu.build import FLAGS, find_compiler, whole_text
from rnn_core.compiler.gpu import kernel as kernel_triton
from rnn_core.compiler.operations import OPERATIONS, REDUCTIONS, Reduction

SPECIAL = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 1e-30]
PAIRS = torch.tensor(list(itertools.product(SPECIAL, SPECIAL)))
FUNCTIONS = [n for n, o in OPERATIONS.items() if set(o.takes) == {"n"} and n not in REDUCTIONS]


def of_torch(name, a, b):
    """PyTorch's result for two columns of numbers."""
    function = getattr(torch, name)
    result = function(a) if len(OPERATIONS[name].takes) == 1 else function(a, b)
    return result.to(a.dtype)


@pytest.fixture(scope="module")
def in_c(tmp_path_factory):
    """All operations on numbers, over arrays, in single precision."""
    folder = tmp_path_factory.mktemp("operations")
    code = "".join(
        f"void {name}_of(const REAL *a, const REAL *b, REAL *y, integer n)"
        "{ for (integer i = 0; i < n; i++) y[i] = "
        f"{OPERATIONS[name].c.format('a[i]', 'b[i]')}; }}\n"
        for name in FUNCTIONS
    )
    (folder / "a.c").write_text(whole_text(code, torch.float32))
    command = [*find_compiler(), *FLAGS, folder / "a.c", "-o", folder / "a.so", "-lm"]
    subprocess.run(command, check=True)
    library = ctypes.CDLL(str(folder / "a.so"))

    def apply(name, a, b):
        result = torch.empty_like(a)
        pointers = [ctypes.c_void_p(t.data_ptr()) for t in (a, b, result)]
        library[f"{name}_of"](*pointers, ctypes.c_longlong(len(a)))
        return result

    return apply


@pytest.mark.parametrize("name", FUNCTIONS)
def test_operation_in_c_is_that_of_torch_on_special_numbers(in_c, name):
    a, b = (column.contiguous() for column in PAIRS.unbind(1))
    found, exact = in_c(name, a, b), of_torch(name, a, b)
    torch.testing.assert_close(found, exact, rtol=3e-7, atol=1e-38, equal_nan=True)
    if name not in ("maximum", "minimum"):  # of two equal zeros PyTorch itself takes either
        zeros = exact == 0
        assert torch.equal(found[zeros].signbit(), exact[zeros].signbit())


@triton.jit
def helpers(a, b, results, N: tl.constexpr):
    """Those operations that are our own functions, (4, N)."""
    at = tl.arange(0, N)
    x, y = tl.load(a + at), tl.load(b + at)
    tl.store(results + at, kernel_triton.sign(x))
    tl.store(results + N + at, kernel_triton.relu(x))
    tl.store(results + 2 * N + at, kernel_triton.maximum(x, y))
    tl.store(results + 3 * N + at, kernel_triton.minimum(x, y))


def test_helpers_in_triton_are_those_of_torch_on_special_numbers():
    a, b = (column.contiguous()[:128] for column in PAIRS.unbind(1))
    results = torch.empty(4, 128)
    helpers[(1,)](a, b, results, 128)
    for name, found in zip(("sign", "relu", "maximum", "minimum"), results, strict=True):
        exact = of_torch(name, a, b)
        torch.testing.assert_close(found, exact, rtol=0, atol=0, equal_nan=True)
        if name in ("sign", "relu"):
            assert torch.equal(found.signbit() & (exact == 0), exact.signbit() & (exact == 0))


class Width(Cell):
    """The distance between the largest and the smallest hidden unit."""

    gates = ("a",)
    weights = {}

    def step(self, x, state, w):
        width = x.a.amax(-1, keepdim=True) - x.a.amin(-1, keepdim=True)
        return (state[0] + width,)


@pytest.mark.parametrize("place", [0, 7, 17])
def test_extremes_of_a_row_are_nan_if_one_is(kernels, place):
    case = kernels.draw(Width(), T=2, B=3, I=2, H=18)
    case.weights[1][place] = math.nan
    case.x[0, 0] = math.inf
    with torch.no_grad():
        exact = kernels.run_eager(case)
        assert exact[0].isnan().all()
        assert all(part.isnan().all() for part in kernels.run_kernel(case))


def test_every_operation_says_what_it_takes_and_has_code_for_both():
    for name, operation in OPERATIONS.items():
        assert {*operation.takes} <= set("nt=")
        assert operation.gives in ("n", "t", "=")
        assert operation.triton is not None or name == "pow"
        assert isinstance(operation.c, Reduction) == (name in REDUCTIONS)
