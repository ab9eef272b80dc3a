"""Forms as text, and forms that PyTorch's operations interpret."""

import json

import pytest
import torch
from torch.testing import assert_close

from rnn_core.cells import get_cell
from rnn_core.compiler.cpu import operators
from rnn_core.compiler.cpu.emit import emit
from rnn_core.compiler.form import text
from rnn_core.compiler.packing import PackedError, pack, unpack
from rnn_core.compiler.passes import optimised
from rnn_core.compiler.running import anywhere
from rnn_core.compiler.schedule import scheduled
from rnn_core.compiler.trace import trace


def test_form_is_the_same_after_a_journey(cell):
    form = optimised(trace(cell))
    packed = pack(form)
    assert text(unpack(packed)) == text(form)
    assert pack(unpack(packed)) == packed
    assert emit(scheduled(unpack(packed))) == emit(scheduled(form))


def changed(**parts):
    """A form's text with other parts."""
    content = json.loads(pack(optimised(trace(get_cell("rnn_tanh")))))
    return json.dumps(content | parts)


def renamed(name):
    """A form's text with another name of its state."""
    packed = pack(optimised(trace(get_cell("rnn_tanh"))))
    return packed.replace('"h"', json.dumps(name))


STRANGE = {
    "nothing": "",
    "no object": "[]",
    "half of it": lambda: changed()[:100],
    "deep": "[" * 100_000,
    "long": " " * (1 << 21),
    "a newer version": lambda: changed(version=99),
    "no identifier": lambda: renamed("h); system(0"),
    "a line of its own": lambda: renamed("h\n#include"),
    "a name that is none": lambda: changed(states=[7]),
    "a name twice": lambda: changed(gates=["h", "h"]),
    "a result too few": lambda: changed(new_states={}),
    "a result of another name": lambda: changed(new_states={"c": 0}),
    "an operand that comes later": lambda: changed(nodes=[["neg", [1]], ["state", [], "h"]]),
    "an operand before the first": lambda: changed(nodes=[["state", [], "h"], ["neg", [-1]]]),
    "an operand that is no number": lambda: changed(nodes=[["state", [], "h"], ["neg", [True]]]),
    "an unknown operation": lambda: changed(nodes=[["system", []]]),
    "too many operands": lambda: changed(nodes=[["state", [], "h"], ["neg", [0, 0]]]),
    "an unknown state": lambda: changed(nodes=[["state", [], "c"]]),
    "an unknown weight": lambda: changed(nodes=[["weight", [], "c"]]),
    "a number that is none": lambda: changed(nodes=[["constant", [], "system(0)"]]),
    "a matrix as a number": lambda: changed(nodes=[["weight", [], "u"], ["neg", [0]]]),
    "a product by no weight": lambda: changed(nodes=[["state", [], "h"], ["product", [0, 0]]]),
    "a weight of another kind": lambda: changed(weights={"u": "(B, H)"}),
    "a product another way": lambda: changed(
        nodes=[["state", [], "h"], ["weight", [], "u"], ["product", [0, 1], "upside down"]]
    ),
    "a result that is one number": lambda: changed(
        nodes=[["constant", [], 1.0]],
        new_states={"h": 0},
    ),
    "a reduction of a reduction": lambda: changed(
        nodes=[["state", [], "h"], ["row_sum", [0]], ["row_sum", [1]]]
    ),
}


@pytest.mark.parametrize("what", STRANGE)
def test_text_that_is_not_a_forms_is_refused(what):
    strange = STRANGE[what]
    with pytest.raises(PackedError):
        unpack(strange() if callable(strange) else strange)


@pytest.mark.one_in(12)
@pytest.mark.parametrize("reverse", [False, True])
def test_interpreted_forms_match_the_eager_loop(kernels, cell, reverse, monkeypatch):
    """Outputs and gradients, with sequences that end before others."""
    monkeypatch.setattr(anywhere, "has_kernel", lambda key, x: False)
    case = kernels.draw(
        cell, T=4, B=3, I=2, H=5, dtype=torch.float64, lengths=[4, 1, 3], reverse=reverse
    )
    key = pack(optimised(trace(case.cell, torch.float64)))

    def interpreted(case):
        x, weight, bias = case.tensors[:3]
        mask = None if case.present is None else case.present.squeeze(-1)
        options = (list(case.given), mask, case.reverse, True, key, True)
        found = operators.unroll(
            x, weight, bias, list(case.states), list(case.weights[2:]), *options
        )
        return found[: 2 * len(case.states)]

    with torch.no_grad():
        cotangents = [torch.randn_like(output) for output in kernels.run_eager(case)]
    theirs = kernels.gradients(kernels.run_eager, case, cotangents)
    ours = kernels.gradients(interpreted, case, cotangents)
    for mine, right in zip(ours, theirs, strict=True):
        assert_close(mine, right, rtol=1e-9, atol=1e-11)
