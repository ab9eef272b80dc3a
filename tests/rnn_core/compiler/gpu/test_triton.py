"""Generated Triton against the eager loop, on the CPU in Triton's interpreter.

`tests/conftest.py` asks for the interpreter before anything imports Triton. What it lets pass
and a compiler does not is caught by compiling for a GPU that need not be there.
"""

import os
import subprocess
import sys

import pytest
import torch
import triton
import triton.language as tl

from rnn_core.cells import REGISTRY, get_cell
from rnn_core.cells.base import Cell
from rnn_core.compiler.gpu import kernel as kernel_triton
from rnn_core.compiler.gpu import launching
from rnn_core.compiler.gpu import operators as programs
from rnn_core.compiler.gpu.operators import run_program
from rnn_core.compiler.running import search
from rnn_core.layers import execution_path as choice
from rnn_core.layers.recurrent import Recurrent

pytestmark = [
    # Beyond H and B a program computes with numbers that mean nothing.
    pytest.mark.filterwarnings("ignore::RuntimeWarning:triton"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning:numpy"),
]

SOME = ["lstm", "gru", "lstm_layernorm", "TwoStates"]


def run_triton(case):
    """All states at all steps and the last ones, by generated programs."""
    x, weight, bias = case.tensors[:3]
    mask = None if case.present is None else case.present.squeeze(-1)
    key = search.form_for(case.cell, launching.programs, torch.float32)
    every, last = run_program(
        case.cell,
        x,
        weight,
        bias,
        case.states,
        case.weights[2:],
        case.given,
        mask,
        case.reverse,
        key,
    )
    return [*every, *last]


def assert_triton_matches(kernels, case, cotangents=None):
    """Outputs and gradients of the programs are those of the eager loop in float64."""
    single, exact = case.x.dtype is torch.float32, case.to(torch.float64)
    if cotangents is None:
        with torch.no_grad():
            cotangents = [torch.randn_like(output) for output in kernels.run_eager(exact)]
    theirs = kernels.gradients(kernels.run_eager, exact, cotangents)
    mine = [None if c is None else c.to(case.x.dtype) for c in cotangents]
    ours = kernels.gradients(run_triton, case, mine)
    kernels.assert_near(ours[0], theirs[0], 5e-6 if single else 1e-10)
    kernels.assert_near(ours[1], theirs[1], 2e-5 if single else 1e-10)


@pytest.mark.one_in(12)
def test_programs_match_the_eager_loop(kernels, cell):
    """Two blocks of sequences, the second not full; matrices stay with the program."""
    assert_triton_matches(kernels, kernels.draw(cell, T=3, B=18, I=3, H=5))


def test_programs_that_read_matrices_by_tiles_stand_still_beyond_an_end(kernels, cell, monkeypatch):
    monkeypatch.setattr(launching, "MOST_RESIDENT", 0)
    assert_triton_matches(
        kernels, kernels.draw(cell, T=4, B=3, I=2, H=17, lengths=[4, 1, 2], reverse=True)
    )


@pytest.mark.parametrize("cell", SOME, indirect=True)
@pytest.mark.parametrize("reverse", [False, True])
def test_programs_match_the_eager_loop_in_float64(kernels, cell, reverse):
    """Several tiles, the last not full."""
    case = kernels.draw(
        cell, T=3, B=2, I=2, H=35, dtype=torch.float64, lengths=[2, 3], reverse=reverse
    )
    assert_triton_matches(kernels, case)


@pytest.mark.parametrize("cell", ["gru", "TwoStates"], indirect=True)
@pytest.mark.parametrize("sizes", [{"T": 1, "B": 1, "I": 1, "H": 1}, {"T": 2, "B": 16, "H": 16}])
def test_programs_match_the_eager_loop_at_edges(kernels, cell, sizes):
    assert_triton_matches(kernels, kernels.draw(cell, **sizes))


def test_loss_of_a_single_output_reaches_all_inputs(kernels):
    case = kernels.draw(get_cell("lstm"), T=3, B=2, I=2, H=4)
    outputs = run_triton(case)
    for wanted in range(len(outputs)):
        cotangents = [
            torch.randn(o.shape, dtype=torch.float64) if index == wanted else None
            for index, o in enumerate(outputs)
        ]
        assert_triton_matches(kernels, case, cotangents)


def test_input_that_is_not_contiguous_is_read_right(kernels):
    case = kernels.draw(get_cell("gru"), T=3, B=4, I=3, H=5)
    turned = [t.movedim(-1, 0).clone().movedim(0, -1) for t in case.tensors]
    kernels.assert_near(run_triton(case.over(turned)), run_triton(case), 1e-6)


@pytest.mark.parametrize("cell", ["lstm", "gru", "lstm_layernorm", "Softplus"], indirect=True)
def test_saturated_programs_have_no_nan_where_the_eager_loop_has_none(kernels, cell):
    case = kernels.draw(cell, T=3, B=3, I=4, H=6, size=1e4)
    cotangents = [torch.ones_like(output) for output in kernels.run_eager(case)]
    theirs = kernels.gradients(kernels.run_eager, case, cotangents)
    ours = kernels.gradients(run_triton, case, cotangents)
    assert all(torch.isfinite(t).all() for part in theirs for t in part)
    assert all(torch.isfinite(t).all() for part in ours for t in part)
    kernels.assert_near(ours[0], theirs[0], 1e-5)


class Rectified(Cell):
    """A rectified input, which is NaN where the input is."""

    gates = ("a",)
    weights = {}

    def step(self, x, state, w):
        return (torch.relu(x.a),)


class Width(Cell):
    """The distance between the largest and the smallest hidden unit, NaN if one of all is."""

    gates = ("a",)
    weights = {}

    def step(self, x, state, w):
        return (state[0] + x.a.amax(-1, keepdim=True) - x.a.amin(-1, keepdim=True),)


@pytest.mark.parametrize("kind", [type(get_cell("rnn_tanh")), Rectified, Width])
def test_nan_passes_through_as_in_the_eager_loop(kernels, kind):
    case = kernels.draw(kind(), T=3, B=3, I=2, H=4)
    case.x[1, 1] = float("nan")
    ours, theirs = run_triton(case), kernels.run_eager(case)
    assert any(torch.isnan(t).any() for t in theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert torch.equal(torch.isnan(a), torch.isnan(b))


class Quotient(Cell):
    """A product of what is 0 / 0 beyond H, where all that is read is 0."""

    gates = ("a", "b")
    weights = {"a": ("H", "H")}

    def step(self, x, state, w):
        (h,) = state
        return (torch.tanh(x.a + (h / (x.b * x.b)) @ w.a),)


def test_what_is_not_a_number_beyond_the_hidden_units_stays_there(kernels, monkeypatch):
    case = kernels.draw(Quotient(), T=2, B=3, I=2, H=5)
    assert_triton_matches(kernels, case)
    monkeypatch.setattr(launching, "MOST_RESIDENT", 0)
    assert_triton_matches(kernels, case)


@triton.jit
def apply(x, results, N: tl.constexpr):
    """Each of the functions that Triton lacks, (3, N)."""
    at = tl.arange(0, N)
    value = tl.load(x + at)
    tl.store(results + at, kernel_triton.tanh(value))
    tl.store(results + N + at, kernel_triton.expm1(value))
    tl.store(results + 2 * N + at, kernel_triton.log1p(value))


def test_functions_keep_their_precision_near_zero():
    sizes = torch.cat([10.0 ** torch.arange(-30, 2), torch.linspace(-0.9, 88, 32)])
    x = torch.stack([sizes, -sizes.clamp(max=0.9)]).flatten()
    results = torch.empty(3, len(x))
    apply[(1,)](x, results, len(x))
    exact = torch.stack([torch.tanh(x.double()), torch.expm1(x.double()), torch.log1p(x.double())])
    torch.testing.assert_close(results.double(), exact, rtol=1e-6, atol=0)


@pytest.mark.parametrize("name", ["gru", "lstm", "mgu"])
def test_layer_runs_on_triton_where_it_is_asked_for(name, monkeypatch):
    layer = Recurrent(name, 3, 5, num_layers=2, bidirectional=True, initial_state="learned")
    x, lengths = torch.randn(4, 3, 3, requires_grad=True), torch.tensor([4, 1, 3])
    inputs = [x, *layer.parameters()]

    def outcome():
        outputs, state = layer(x, lengths=lengths)
        parts = [outputs, *(state if isinstance(state, tuple) else (state,))]
        return parts, torch.autograd.grad(sum(p.square().sum() for p in parts), inputs)

    with choice.eager_only():
        theirs = outcome()
    calls = []
    monkeypatch.setenv(choice.SWITCH, "triton")
    monkeypatch.setattr(
        programs, "launch", lambda *a, launch=programs.launch: (calls.append(a[0]), launch(*a))
    )
    ours = outcome()
    assert len(calls) == 8  # two layers, two directions, forward and backward
    for actual, expected in zip((*ours[0], *ours[1]), (*theirs[0], *theirs[1]), strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "every_state", "runs"),
    [
        ("lstm", False, "run_cudnn"),
        ("lstm", True, "run_program"),
        ("rnn_tanh", True, "run_cudnn"),
        ("gru_reset_after", True, "run_cudnn"),
        ("gru", False, "run_program"),
        ("mingru", True, "scan_over_time"),
        ("memoryless", False, "run_program"),
    ],
)
def test_each_cell_has_its_path_on_a_gpu(kernels, monkeypatch, name, every_state, runs):
    monkeypatch.setenv(choice.SWITCH, "cuda")
    case = kernels.draw(get_cell(name), T=2, B=2, I=2, H=3)
    path = choice.path_for(case.cell, case.tensors, every_state)
    assert path.func.__name__ == runs
    mask = torch.tensor([[True, True], [True, False]])
    x, weight, bias = case.tensors[:3]
    every, last = path(x, weight, bias, case.states, case.weights[2:], [], mask, reverse=False)
    theirs = kernels.run_eager(
        kernels.draw(case.cell, T=2, B=2, I=2, H=3, lengths=[2, 1]).over(case.tensors)
    )
    wanted = [*theirs[: len(every)], *theirs[len(case.states) :]]
    # Beyond a length, cuDNN yields 0 and the others the last state; the layer sets both to 0.
    shown = [part * mask.unsqueeze(-1) for part in every]
    wanted[: len(every)] = [part * mask.unsqueeze(-1) for part in wanted[: len(every)]]
    kernels.assert_near([*shown, *last], wanted, 5e-6)


class Unheard(type(get_cell("rnn_tanh"))):
    """A power whose exponent is trained."""

    weights = {"h": ("H", "H"), "p": ("H",)}

    def step(self, x, state, w):
        (h,) = state
        return (torch.tanh(x.h + h @ w.h).abs() ** w.p,)


@pytest.mark.parametrize(
    ("cell", "hidden", "message"),
    [
        (Unheard, 3, "Unheard runs in the eager loop, which is slower: it "),
        (type(get_cell("gru")), 513, "holds 512 hidden units at most, not 513"),
    ],
)
def test_what_has_no_program_says_so_once_and_runs_in_the_loop(
    kernels, monkeypatch, cell, hidden, message
):
    monkeypatch.setenv(choice.SWITCH, "triton")
    monkeypatch.setattr(search, "warned", set())
    case = kernels.draw(cell(), T=1, B=1, I=1, H=hidden)
    with pytest.warns(RuntimeWarning, match=message) as seen:
        assert choice.path_for(case.cell, case.tensors, every_state=False) is None
    assert choice.path_for(case.cell, case.tensors, every_state=False) is None
    assert len(seen) == 1


def test_missing_triton_is_the_reason_that_is_given(kernels, monkeypatch):
    monkeypatch.setenv(choice.SWITCH, "triton")
    monkeypatch.setattr(search, "warned", set())
    monkeypatch.setitem(sys.modules, "triton", None)
    monkeypatch.setattr(launching, "LOADED", {})
    case = kernels.draw(get_cell("gru"), T=1, B=1, I=1, H=3)
    with pytest.warns(RuntimeWarning, match="Triton cannot be imported"):
        assert choice.path_for(case.cell, case.tensors, every_state=False) is None


def test_programs_of_a_form_in_the_cache_need_no_tracer(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    code = (
        "import sys, torch; from rnn_core.cells import get_cell;"
        "from rnn_core.compiler.gpu import launching; from rnn_core.compiler.running import search;"
        "print(len(search.form_for(get_cell('mgu'), launching.programs, torch.float32)));"
        "print('rnn_core.compiler.trace' in sys.modules)"
    )
    command = [sys.executable, "-c", code]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(2)]
    (length, traced), (same, again) = (run.stdout.split() for run in runs)
    assert (traced, again) == ("True", "False")
    assert length == same


COMPILE = """
import sys, triton
from triton._C.libtriton import ir
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from triton.compiler.compiler import make_backend
from rnn_core.cells import get_cell
from rnn_core.compiler.gpu.launching import programs
from rnn_core.compiler.running.search import form_for
import torch, triton.language as tl

target = GPUTarget("cuda", 90, 32)
backend = make_backend(target)
for name in sys.argv[1:]:
    found = programs(form_for(get_cell(name), programs, torch.float32))
    for resident in (False, True):
        for program in (found.forward, found.backward):
            values = {"H": 20, "P": 32, "ROWS": 16, "TILE": 16, "REAL": tl.float32, "KEEP": True,
                      "REVERSE": True, "MASKED": True, "RESIDENT": resident}
            values |= {a: True for a in program.arg_names if a.startswith(("SEEN_", "LAST_"))}
            constants = {a: values[a] for a in program.arg_names if a in values}
            kinds = {"T": "i32", "B": "i32", "present": "*u8"}
            kinds |= dict.fromkeys(constants, "constexpr")
            signature = {a: kinds.get(a, "*fp32") for a in program.arg_names}
            source = ASTSource(program, signature, constants)
            options = backend.parse_options({"num_warps": 4, "num_stages": 1})
            context = ir.context()
            ir.load_dialects(context)
            backend.load_dialects(context)
            functions = backend.get_codegen_implementation(options)
            modules = backend.get_module_map()
            module = source.make_ir(target, options, functions, modules, context)
            calls = str(module).count("tt.call @rnn_core.compiler.gpu.kernel.product")
            print(name, resident, calls)
"""


def test_every_cell_is_lowered_for_a_gpu_that_is_not_there():
    """Triton's front end checks types and shapes, which its interpreter does not."""
    environment = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    done = subprocess.run(
        [sys.executable, "-c", COMPILE, *REGISTRY],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [line.split() for line in done.stdout.splitlines()]
    assert len(lines) == 4 * len(REGISTRY)
    products = {name: int(count) for name, _, count in lines}
    assert (products["gru"], products["lstm"], products["memoryless"]) == (3, 4, 0)
