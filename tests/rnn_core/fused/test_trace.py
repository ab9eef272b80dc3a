"""The front end: what is read equals the step and its derivative, and what cannot be is named."""

import math

import pytest
import torch
from torch import tanh
from torch.nn import functional

from rnn_core.cells.base import Cell
from rnn_core.fused.form import Kind, in_order
from rnn_core.fused.trace import UnsupportedError, trace

pytestmark = pytest.mark.usefixtures("float64")


def test_form_yields_the_step_and_its_gradients(forms, form, cell):
    forms.assert_is_step(form, cell)


@pytest.mark.parametrize("cell", ["gru", "mgu"], indirect=True)
def test_left_operand_of_the_second_product_is_the_reset_state(form, cell):
    (of_n,) = form.matrix_gradients["n"]
    gate = "r" if cell.gates[0] == "z" else "f"
    (of_gate,) = form.matrix_gradients[gate]
    assert of_gate.left.op == "state"
    assert of_n.left.op == "mul"
    assert {operand.op for operand in of_n.left.operands} == {"state", "sigmoid"}
    products = [node for node in in_order(form.new_states.values()) if node.op == "product"]
    assert products[-1].operands[0] is of_n.left
    assert products[-1].operands[1].label == "n"


def test_unused_weights_have_empty_gradients(forms):
    form = forms.traced("Unread")
    assert form.matrix_gradients["never"] == ()
    idle = form.vector_gradients["idle"]
    assert idle.op == "spread"
    assert idle.operands[0].number == 0


def test_weight_used_twice_has_two_terms_one_of_them_transposed(forms):
    form = forms.traced("Twice")
    terms = form.matrix_gradients["a"]
    assert len(terms) == 2
    assert sum(term.left.op == "state" for term in terms) == 1
    marks = [node.label for node in in_order(form.new_states.values()) if node.op == "product"]
    assert sorted(marks) == ["", "transposed"]


def of(function, gates=("a",)):
    """A cell whose step is a function of its gate, its state and its weights."""

    class Foreign(Cell):
        weights = {"m": ("H", "H"), "v": ("H",)}

        def step(self, x, state, w):
            (h,) = state
            return (function(x.a, h, w),)

    Foreign.gates = gates
    return Foreign()


READ = {
    "sums with a factor": lambda a, h, w: torch.add(a, h, alpha=2) - torch.sub(h, a, alpha=0.5),
    "one matrix by itself and transposed": lambda a, h, w: a + h @ w.m.T + (h @ w.m) @ w.m.T,
    "a number by the size of the state": lambda a, h, w: a / h.shape[-1],
    "a matrix as torch.nn.functional.linear has it": lambda a, h, w: functional.linear(h, w.m, w.v),
    "in-place changes of new values": lambda a, h, w: (a * 2).add_(h).mul_(a),
    "truth values as numbers": lambda a, h, w: ((a > 0).to(a.dtype) + (h > 0)) * a,
    "elu": lambda a, h, w: functional.elu(a + h),
    "silu": lambda a, h, w: functional.silu(a + h),
    "mish": lambda a, h, w: functional.mish(a + h),
    "hardtanh": lambda a, h, w: functional.hardtanh(a + h),
    "gelu by tanh": lambda a, h, w: functional.gelu(a + h, approximate="tanh"),
    "the logarithm of a softmax": lambda a, h, w: functional.log_softmax(a + h, -1),
    "a norm": lambda a, h, w: a / (1 + h.norm(dim=-1, keepdim=True)),
    "a root mean square": lambda a, h, w: functional.rms_norm(a + h, a.shape[-1:], w.v),
    "the smallest number of the type": lambda a, h, w: a / (a.abs() + torch.finfo(a.dtype).eps),
    "what depends on the type": lambda a, h, w: a if a.dtype is torch.float64 else h,
    "what has no gradient": lambda a, h, w: a.detach() * h + a,
    "a power of two values": lambda a, h, w: a.abs() ** h,
}


@pytest.mark.parametrize("what", READ)
def test_step_may_hold(forms, what):
    cell = of(READ[what])
    forms.assert_is_step(trace(cell, torch.float64), cell)


def fails(a, h, w):
    raise NotImplementedError


REFUSED = {
    "cumulative sums": (lambda a, h, w: torch.cumsum(a, -1), "uses aten.cumsum.default"),
    "decisions on data": (lambda a, h, w: a if a.sum() > 0 else h, "cannot be traced: Could not"),
    "decisions on sizes": (lambda a, h, w: a if len(h) < 10 else h, "depends on the size"),
    "numbers from sizes": (lambda a, h, w: a / math.sqrt(h.shape[-1]), "depends on the size"),
    "the size of the batch": (lambda a, h, w: a / h.shape[0], "sym_size_int as an operand"),
    "means over the batch": (lambda a, h, w: a - h.mean(0), "sym_size_int as an operand"),
    "sums over the batch": (lambda a, h, w: a - h.sum(0), "sums over the sequences"),
    "maxima over the batch": (lambda a, h, w: a - h.amax(0), "uses aten.amax.default"),
    "softmax over the batch": (lambda a, h, w: a.softmax(0), "uses aten._softmax.default"),
    "integers": (lambda a, h, w: (3 * a).int().to(a.dtype) * h, "uses aten._to_copy.default"),
    "truth values of numbers": (lambda a, h, w: a.bool() * h, "uses aten._to_copy.default"),
    "half precision": (lambda a, h, w: a.half().to(a.dtype), "uses aten._to_copy.default"),
    "random numbers": (lambda a, h, w: a * torch.rand_like(a), "uses aten.rand_like.default"),
    "NumPy": (lambda a, h, w: torch.from_numpy(a.detach().numpy()), "cannot be traced"),
    "errors without a text": (fails, "cannot be traced: NotImplementedError"),
    "matrices that are no weights": (lambda a, h, w: h @ tanh(w.m), "not a weight as it stands"),
    "products of matrices": (lambda a, h, w: h @ (w.m @ w.m), "not a weight as it stands"),
    "products from the left": (lambda a, h, w: (w.m @ h.T).T, "not a weight as it stands"),
    "sums of weights": (lambda a, h, w: a * w.m.sum(), "uses aten.sum.dim_IntList"),
    "means of vectors": (lambda a, h, w: a * w.v.mean(), "uses aten.mean"),
    "changes of the state": (lambda a, h, w: a + h.mul_(2), "in-place operation"),
    "constant tensors": (lambda a, h, w: a * torch.tensor(0.5), "_tensor_constant0"),
    "states of another shape": (lambda a, h, w: a.mean(-1, keepdim=True), "another shape"),
    "states of another type": (lambda a, h, w: a > 0, "another shape or type"),
    "rounding division": (
        lambda a, h, w: torch.div(a, h, rounding_mode="trunc"),
        "uses aten.div.Tensor_mode",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_step_may_not_hold(what):
    function, reason = REFUSED[what]
    with pytest.raises(UnsupportedError) as caught:
        trace(of(function), torch.float64)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_kinds_tell_what_a_value_has_one_number_for(forms):
    form = forms.traced("Attention")
    nodes = in_order(form.new_states.values())
    kinds = {op: {node.kind for node in nodes if node.op == op} for op in ("row_sum", "product")}
    assert kinds == {"row_sum": {Kind.COLUMN}, "product": {Kind.ROWS}}
    assert {node.kind for node in nodes if node.op == "weight"} == {Kind.MATRIX, Kind.VECTOR}
