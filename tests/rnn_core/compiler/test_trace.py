"""The front end: what is read equals the step and its derivative, and what cannot be is named."""

import math

import pytest
import torch
from torch import tanh
from torch.nn import functional

from rnn_core.cells.base import Cell
from rnn_core.compiler.form import Kind, in_order
from rnn_core.compiler.reader import UnsupportedError
from rnn_core.compiler.trace import trace

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
    idle = form.summed_gradients["idle"]
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
    "powers of one value": lambda a, h, w: a**0 + a**1 + a**5 + (1 + a * a) ** -0.5 + 2**h,
    "products from the left": lambda a, h, w: (w.m @ h.T).T + (w.m.T @ a.T).T,
    "products by einsum": lambda a, h, w: torch.einsum("bh,hk->bk", h, w.m),
    "products by einsum, transposed": lambda a, h, w: torch.einsum("kh,bh->bk", w.m, a + h),
    "products of rows of one": lambda a, h, w: (h.unsqueeze(1) @ w.m).squeeze(1),
    "a product of what is the same for all hidden units": lambda a, h, w: (
        a.sum(-1, keepdim=True).expand_as(h) @ w.m + w.v.expand_as(h) @ w.m + (a > 0).to(a) @ w.m
    ),
    "a sum of a product": lambda a, h, w: a * (h @ w.m).sum(-1, keepdim=True),
    "a sum without its axis": lambda a, h, w: a * h.sum(1).unsqueeze(1) + a.mean(-1)[:, None],
    "a vector as a row": lambda a, h, w: a * w.v[None] + w.v.view(1, -1),
    "a slice of everything": lambda a, h, w: a[:, :] * h[:],
    "a mean of what is spread": lambda a, h, w: a * w.v.expand_as(a).mean(-1, keepdim=True),
    "sums of truth values": lambda a, h, w: ((a > 0) + (h > 0)) * a + ((a > 0) * (h > 0)) * h,
    "counts of truth values": lambda a, h, w: a / (1.0 + (h > 0).sum(-1, keepdim=True)),
    "truth values of any kind": lambda a, h, w: torch.where(
        torch.logical_and(a, h) ^ (a > h) & ~torch.logical_xor(a > 0, h > 0), a, h
    ),
    "a choice of truth values": lambda a, h, w: torch.where(torch.where(a > 0, h > 0, a < h), a, h),
    "a choice between a truth value and a number": lambda a, h, w: torch.where(a > 0, h > 0, a),
    "a constant truth value": lambda a, h, w: torch.where(torch.ones_like(a, dtype=bool), a, h),
    "numbers rounded to single precision": lambda a, h, w: a * torch.full((), 0.1).float(),
}


@pytest.mark.parametrize("what", READ)
@pytest.mark.one_in(2)
def test_step_may_hold(forms, what):
    cell = of(READ[what])
    forms.assert_is_step(trace(cell, torch.float64), cell)


ELSEWHERE = torch.tensor(0.5)


def fails(a, h, w):
    raise NotImplementedError


REFUSED = {
    "cumulative sums": (lambda a, h, w: torch.cumsum(a, -1), "it uses cumsum, which no kernel"),
    "decisions on data": (lambda a, h, w: a if a.sum() > 0 else h, "on the values of tensors"),
    "decisions on sizes": (lambda a, h, w: a if len(h) < 10 else h, "depends on the size"),
    "numbers from sizes": (lambda a, h, w: a / math.sqrt(h.shape[-1]), "depends on the size"),
    "the size of the batch": (lambda a, h, w: a / h.shape[0], "with the size of the batch"),
    "means over the batch": (lambda a, h, w: a - h.mean(0), "mean over the sequences"),
    "sums over the batch": (lambda a, h, w: a - h.sum(0), "sums over the sequences"),
    "maxima over the batch": (lambda a, h, w: a - h.amax(0), "amax over the sequences"),
    "softmax over the batch": (
        lambda a, h, w: a.softmax(0),
        "softmax over other than",
    ),
    "integers": (
        lambda a, h, w: (3 * a).int().to(a.dtype) * h,
        "float64 into torch.int32",
    ),
    "truth values of numbers": (
        lambda a, h, w: a.bool() * h,
        "float64 into torch.bool",
    ),
    "half precision": (
        lambda a, h, w: a.half().to(a.dtype),
        "float64 into torch.float16",
    ),
    "sums of truth values in single precision": (
        lambda a, h, w: a * ((a > 0).float() * 0.1),
        "mul computes in torch.float32, not in torch.float64",
    ),
    "arithmetic of integers": (lambda a, h, w: a * (2 * (h > 0) - 1), "computes in torch.int64"),
    "bits of integers": (
        lambda a, h, w: a * ((a > 0).sum(-1, keepdim=True) & 1),
        "bitwise_and on integers",
    ),
    "a power of truth values": (lambda a, h, w: ((a > 0) ** 2) * a, "pow on truth values"),
    "random numbers": (lambda a, h, w: a * torch.rand_like(a), "it uses rand_like"),
    "NumPy": (lambda a, h, w: torch.from_numpy(a.detach().numpy()), "on the values of"),
    "lists of numbers": (lambda a, h, w: a + torch.tensor(h.tolist()), "on the values of tensors"),
    "tensors from elsewhere": (lambda a, h, w: a * ELSEWHERE, "neither an input nor a weight"),
    "errors without a text": (fails, "cannot be traced: NotImplementedError"),
    "matrices that are no weights": (lambda a, h, w: h @ tanh(w.m), "not a weight as it stands"),
    "products of matrices": (lambda a, h, w: h @ (w.m @ w.m), "not a weight as it stands"),
    "products of batches": (lambda a, h, w: (a @ h.T) @ h, "a kernel can multiply"),
    "a batch of outer products": (
        lambda a, h, w: (a.unsqueeze(1) * h.unsqueeze(2)).sum(1),
        "the same axis twice",
    ),
    "a column along the hidden units": (
        lambda a, h, w: a + (w.v.unsqueeze(1) * w.m).sum(0),
        "combines H with R along one axis",
    ),
    "sums of weights": (lambda a, h, w: a * w.m.sum(), "sum over the entries of a matrix"),
    "means of vectors": (lambda a, h, w: a * w.v.mean(), "entries of a vector weight"),
    "changes of the state": (lambda a, h, w: a + h.mul_(2), "in-place operation"),
    "constant tensors": (lambda a, h, w: a * torch.tensor(0.5), "neither an input nor a weight"),
    "states of another shape": (lambda a, h, w: a.mean(-1, keepdim=True), "another shape"),
    "states of another type": (lambda a, h, w: a > 0, "another shape or type"),
    "slices": (lambda a, h, w: a * h[:, :1], "uses slice"),
    "rounding division": (
        lambda a, h, w: torch.div(a, h, rounding_mode="trunc"),
        "div with rounding_mode",
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
