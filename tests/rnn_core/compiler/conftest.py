"""Any cell, registered or foreign, and the two ways to run it: its kernel, or step by step."""

from dataclasses import dataclass, replace
from functools import cache
from types import SimpleNamespace

import pytest
import torch
from foreign_cells import FOREIGN
from torch.nn import functional

from rnn_core.cells import REGISTRY, get_cell
from rnn_core.cells.base import Cell
from rnn_core.compiler.form import Kind, in_order
from rnn_core.compiler.passes import optimised
from rnn_core.compiler.running.differentiation import run_over_time
from rnn_core.compiler.running.unrolling import unroll
from rnn_core.compiler.schedule import scheduled
from rnn_core.compiler.trace import trace
from rnn_core.layers import execution_path as choice
from rnn_core.layers.presence import presence

CELLS = dict.fromkeys(REGISTRY) | {kind.__name__: kind for kind in FOREIGN}


def pytest_generate_tests(metafunc):
    """Run a test for every cell where it does not say for which."""
    marks = metafunc.definition.iter_markers("parametrize")
    if "cell" in metafunc.fixturenames and all("cell" not in mark.args[0] for mark in marks):
        metafunc.parametrize("cell", CELLS, indirect=True)


def make_cell(name):
    """A registered or a foreign cell by its name."""
    kind = CELLS[name]
    return get_cell(name) if kind is None else kind()


@pytest.fixture
def cell(request):
    """A registered or a foreign cell by its name."""
    return make_cell(request.param)


@cache
def traced(kind):
    """The form of a cell of this class; to trace one takes long."""
    return trace(kind())


@cache
def compiled(kind):
    """The schedule of a cell of this class."""
    return scheduled(optimised(traced(kind)))


@pytest.fixture
def form(cell):
    """The traced form of a cell."""
    return traced(type(cell))


@pytest.fixture
def schedule(cell):
    """The schedule of a cell."""
    return compiled(type(cell))


@dataclass(frozen=True)
class Case:
    """A cell with all that it reads.

    `weights` are input weight, input bias, then the recurrent ones.
    """

    cell: Cell
    x: torch.Tensor
    states: tuple[torch.Tensor, ...]
    weights: tuple[torch.Tensor, ...]
    given: tuple[torch.Tensor, ...] = ()
    lengths: torch.Tensor | None = None
    reverse: bool = False

    @property
    def tensors(self):
        return (self.x, *self.weights[:2], *self.states, *self.weights[2:])

    def over(self, tensors):
        """The same with other tensors."""
        x, weight, bias, *rest = tensors
        states = len(self.states)
        return replace(
            self, x=x, states=tuple(rest[:states]), weights=(weight, bias, *rest[states:])
        )

    def to(self, dtype):
        """A copy in another precision, whose tensors are leaves."""
        case = self.over([t.detach().to(dtype, copy=True) for t in self.tensors])
        return replace(case, given=tuple(t.to(dtype) for t in self.given))

    @property
    def present(self):
        return None if self.lengths is None else presence(self.lengths, self.x.shape[0])


def draw(cell, T=5, B=3, I=4, H=6, dtype=torch.float32, lengths=None, reverse=False, size=1.0):
    """A case whose every number is random."""

    def normal(*shape):
        return torch.randn(shape, dtype=torch.float64).to(dtype)

    shapes = [cell.shape(name, H) for name in cell.weights]
    weights = [normal(len(cell.gates) * H, I) / I**0.5, normal(len(cell.gates) * H)]
    weights += [normal(*shape) / (H**0.5 if len(shape) == 2 else 1) for shape in shapes]
    states = tuple(0.5 * normal(B, H) for _ in cell.states)
    given = tuple(normal(T, B, H) for _ in cell.given)
    lengths = None if lengths is None else torch.tensor(lengths)
    return Case(cell, size * normal(T, B, I), states, tuple(weights), given, lengths, reverse)


def run_kernel(case):
    """All states at all steps and the last ones, by the generated kernel."""
    key = choice.kernel_for(case.cell, case.tensors, case.given)
    assert key is not None, "there is no kernel"
    mask = None if case.present is None else case.present.squeeze(-1)
    x, weight, bias = case.tensors[:3]
    every, last = run_over_time(
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


def run_eager(case):
    """The same, step by step."""
    x, weight, bias = case.tensors[:3]
    projected = functional.linear(x, weight, bias)
    every, last = unroll(
        case.cell,
        projected,
        case.states,
        case.weights[2:],
        case.given,
        case.present,
        case.reverse,
        every_state=True,
    )
    return [*every, *last]


def run_layer(case):
    """The same by whatever a layer would choose."""
    mask = None if case.present is None else case.present.squeeze(-1)
    path = choice.path_for(case.cell, case.tensors, True, case.given, case.present)
    if path is None:
        return run_eager(case)
    x, weight, bias = case.tensors[:3]
    states, weights = case.states, case.weights[2:]
    every, last = path(x, weight, bias, states, weights, case.given, mask, case.reverse)
    return [*every, *last]


def gradients(run, case, cotangents):
    """Outputs and the gradients of all inputs; None for a cotangent leaves an output out."""
    tensors = [t.detach().requires_grad_() for t in case.tensors]
    outputs = run(case.over(tensors))
    pairs = zip(outputs, cotangents, strict=True)
    pairs = [(o, c) for o, c in pairs if c is not None and o.requires_grad]
    found = [None] * len(tensors)
    if pairs:
        wanted, weights = zip(*pairs, strict=True)
        found = torch.autograd.grad(wanted, tensors, weights, allow_unused=True)
    filled = [torch.zeros_like(t) if g is None else g for g, t in zip(found, tensors, strict=True)]
    return [o.detach() for o in outputs], filled


def assert_near(actual, expected, tolerance):
    """Differences are small beside the largest number of the reference.

    What is a hundred times smaller than the other references is a difference of large
    numbers, and measured as if it were a hundredth of them.
    """
    assert len(actual) == len(expected)
    floor = 1e-2 * max((largest(theirs) for theirs in expected), default=0)
    for index, (ours, theirs) in enumerate(zip(actual, expected, strict=True)):
        assert ours.shape == theirs.shape
        difference, scale = largest(ours.double() - theirs.double()), largest(theirs)
        assert difference <= tolerance * max(scale, floor), (index, difference, scale)


def largest(tensor):
    """The largest absolute value; 0 if there is none."""
    return tensor.abs().max().item() if tensor.numel() else 0.0


def assert_kernel_matches(case, cotangents=None):
    """Outputs and gradients of the kernel are those of the eager loop in float64."""
    single = case.x.dtype is torch.float32
    exact = case.to(torch.float64)
    with torch.no_grad():
        shapes = run_eager(exact)
    if cotangents is None:
        cotangents = [torch.randn_like(o) for o in shapes]
    theirs = gradients(run_eager, exact, cotangents)
    ours = gradients(
        run_kernel, case, [None if c is None else c.to(case.x.dtype) for c in cotangents]
    )
    assert_near(ours[0], theirs[0], 5e-6 if single else 1e-10)
    assert_near(ours[1], theirs[1], 2e-5 if single else 1e-10)


@pytest.fixture
def kernels():
    """Functions that the tests of kernels share."""
    return SimpleNamespace(
        draw=draw,
        run_kernel=run_kernel,
        run_eager=run_eager,
        run_layer=run_layer,
        gradients=gradients,
        assert_near=assert_near,
        assert_kernel_matches=assert_kernel_matches,
    )


CALCULATED = {
    "mul": torch.mul,
    "add": torch.add,
    "sub": torch.sub,
    "div": torch.div,
    "neg": torch.neg,
    "rsqrt": torch.rsqrt,
    "reciprocal": torch.reciprocal,
    "not": torch.logical_not,
    "and": torch.logical_and,
    "or": torch.logical_or,
    "spread": lambda value: value.expand(4, 6),  # the sizes of `draw_inputs`
    "number": lambda value: value.to(torch.get_default_dtype()),
    "row_sum": lambda value: value.sum(1, keepdim=True),
    "row_max": lambda value: value.amax(1, keepdim=True),
    "row_min": lambda value: value.amin(1, keepdim=True),
}


def calculate(node, operands):
    """The value of a node, from those of its operands."""
    if node.op == "constant":
        return torch.tensor(node.number)
    if node.op == "truth":
        return torch.tensor(node.number == 1)
    if node.op == "product":
        left, weight, *start = operands
        return left @ (weight.T if node.label else weight) + (start[0] if start else 0)
    return CALCULATED.get(node.op, getattr(torch, node.op, None))(*operands)


def evaluate(roots, inputs):
    """The values of nodes; `inputs` are by (op, label)."""
    values = {}
    for node in in_order(roots):
        known = inputs.get((node.op, node.label))
        operands = [values[operand] for operand in node.operands]
        values[node] = calculate(node, operands) if known is None else known
    return [values[root] for root in roots]


def draw_inputs(gates, states, weights, given=(), B=4, H=6):
    """Random values of all inputs of a form."""
    inputs = {("gate", name): torch.randn(B, H) for name in gates}
    inputs |= {("given", name): torch.randn(B, H) for name in given}
    inputs |= {("state", name): torch.randn(B, H) for name in states}
    inputs |= {("gradient", name): torch.randn(B, H) for name in states}
    inputs |= {
        ("weight", name): torch.randn([H] * len(shape)) / H**0.5 for name, shape in weights.items()
    }
    present = torch.arange(B)[:, None] != 1
    return inputs | {("present", ""): present, ("hidden_size", ""): torch.tensor(float(H))}


def step_and_gradients(cell, inputs):
    """New states and the gradients of gates, states and weights, by autograd."""
    names = [
        *(("gate", name) for name in cell.gates),
        *(("state", name) for name in cell.states),
        *(("weight", name) for name in cell.weights),
    ]
    leaves = {name: inputs[name].clone().requires_grad_() for name in names}
    fields = {name: leaves["gate", name] for name in cell.gates}
    fields |= {name: inputs["given", name] for name in cell.given}
    states = tuple(leaves["state", name] for name in cell.states)
    weights = SimpleNamespace(**{name: leaves["weight", name] for name in cell.weights})
    new = cell.step(SimpleNamespace(**fields), states, weights)
    new = [torch.where(inputs["present", ""], n, old) for n, old in zip(new, states, strict=True)]
    cotangents = [inputs["gradient", name] for name in cell.states]
    found = torch.autograd.grad(new, leaves.values(), cotangents, allow_unused=True)
    pairs = zip(leaves.items(), found, strict=True)
    return new, {k: torch.zeros_like(v) if g is None else g for (k, v), g in pairs}


def assert_is_step(form, cell):
    """The values of a form are those of the step and of its derivative."""
    inputs = draw_inputs(cell.gates, cell.states, cell.weights, cell.given)
    new, gradients_of = step_and_gradients(cell, inputs)
    full = torch.zeros_like(new[0])
    for name, value in zip(cell.states, new, strict=True):
        close(evaluate([form.new_states[name]], inputs)[0] + full, value)
    for kind, nodes in (("gate", form.gate_gradients), ("state", form.state_gradients)):
        for name, node in nodes.items():
            close(evaluate([node], inputs)[0] + full, gradients_of[kind, name])
    for name, node in form.summed_gradients.items():
        over = 0 if form.weights[name] is Kind.VECTOR else (0, 1)
        close((evaluate([node], inputs)[0] + full).sum(over), gradients_of["weight", name])
    for name, terms in form.matrix_gradients.items():
        pairs = [evaluate([term.left, term.right], inputs) for term in terms]
        total = sum((left.T @ right for left, right in pairs), torch.zeros(6, 6))
        close(total, gradients_of["weight", name])


def close(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=1e-11, atol=1e-12)


@pytest.fixture
def forms():
    """Functions that the tests of forms share."""
    return SimpleNamespace(
        traced=lambda name: traced(type(make_cell(name))),
        evaluate=evaluate,
        calculate=calculate,
        draw=draw_inputs,
        assert_is_step=assert_is_step,
        step_and_gradients=step_and_gradients,
    )
