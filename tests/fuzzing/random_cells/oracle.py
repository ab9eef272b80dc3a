"""A random cell by its kernel and by the eager loop in float64, side by side."""

import copy
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from random_cells.generator import Call, Example
from rnn_core.compiler.running import search
from rnn_core.layers import execution_path as choice
from rnn_core.layers.recurrent import Recurrent

BOTH = (torch.float64, torch.float32)
TOLERANCES = {torch.float64: 1e-9, torch.float32: 5e-6}
SMALL = {torch.float64: 1e-2, torch.float32: 1.0}
"""Numbers this much smaller than the largest of all count as if they were not.

Inputs, weights and what flows back are all about 1, and sums of them may cancel.
"""


@dataclass(frozen=True)
class Outcome:
    """Result of an example.

    Attributes:
        reason: Why the cell ran in the eager loop; empty: it ran on its kernel.
        checked: Whether its gradient was compared with finite differences too.
    """

    reason: str
    checked: bool = False


class MismatchError(AssertionError):
    """A kernel and the eager loop disagree."""


def make_layer(example: Example) -> Recurrent:
    """The layer in float64, its weights drawn so that values stay tame."""
    layer = Recurrent(
        example.made.cell(),
        example.I,
        example.H,
        bidirectional=example.bidirectional,
        zoneout=example.zoneout,
    ).double()
    with torch.no_grad():
        for parameter in layer.parameters():
            rows = parameter.shape[-1] if parameter.ndim == 2 else 1
            parameter.copy_(0.6 * torch.randn(parameter.shape).double() / rows**0.5)
    return layer


def inputs_of(example: Example, call: Call) -> list[Tensor]:
    """The input in float64 and, where it is given, the initial state, one tensor for each."""
    directions = 2 if example.bidirectional else 1
    found = [torch.randn(call.T, call.B, example.I)]
    if call.with_state:
        shape = (directions, call.B, example.H)
        found += [0.5 * torch.randn(shape) for _ in example.made.new_states]
    return [tensor.double().requires_grad_() for tensor in found]


def outputs(layer: Recurrent, call: Call, inputs: list[Tensor], seed: int) -> list[Tensor]:
    """Outputs or all states at all steps, and the final states."""
    torch.manual_seed(seed)  # zoneout draws
    x, *states = inputs
    state: Any = None if not states else states[0] if len(states) == 1 else tuple(states)
    lengths = None if call.lengths is None else torch.tensor(call.lengths)
    if call.every_state:
        every, final = layer.every_state(x, state, lengths)
    else:
        output, final = layer(x, state, lengths)
        every = (output,)
    return [*every, *(final if isinstance(final, tuple) else (final,))]


def results(layer: Recurrent, call: Call, inputs: list[Tensor], seed: int) -> list[list[Tensor]]:
    """Outputs; gradients of inputs; gradients of weights."""
    found = outputs(layer, call, inputs, seed)
    weights = list(layer.parameters())
    torch.manual_seed(seed + 1)
    cotangents = [torch.randn(o.shape, dtype=torch.float64).to(o.dtype) for o in found]
    pairs = [(o, c) for o, c in zip(found, cotangents, strict=True) if o.requires_grad]
    leaves = [*inputs, *weights]
    gradients: Sequence[Tensor | None] = [None] * len(leaves)
    if pairs:
        wanted, given = zip(*pairs, strict=True)
        gradients = torch.autograd.grad(wanted, leaves, given, allow_unused=True)
    filled = [
        torch.zeros_like(leaf) if gradient is None else gradient
        for leaf, gradient in zip(leaves, gradients, strict=True)
    ]
    return [[o.detach() for o in found], filled[: len(inputs)], filled[len(inputs) :]]


def compare(
    ours: list[list[Tensor]], theirs: list[list[Tensor]], dtype: torch.dtype, what: str
) -> None:
    """Raise if numbers differ by more than rounding."""
    for group, mine, exact in zip(("outputs", "inputs", "weights"), ours, theirs, strict=True):
        floor = SMALL[dtype] * max(1.0, *(largest(t) for t in exact))
        for index, (a, b) in enumerate(zip(mine, exact, strict=True)):
            difference, scale = largest(a.double() - b), max(largest(b), floor)
            if not difference <= TOLERANCES[dtype] * scale:
                raise MismatchError(
                    f"{what}, {dtype}: {group} {index} differ by {difference:.3g} of {scale:.3g}"
                )


def largest(tensor: Tensor) -> float:
    """The largest absolute value; 0 if there is none."""
    return tensor.detach().abs().max().item() if tensor.numel() else 0.0


def reason_for(run: Callable[[], Any]) -> tuple[Any, str]:
    """Result of a function, and why it ran in the eager loop, if it did."""
    search.warned.clear()  # each reason is given once
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        found = run()
    told = [str(w.message) for w in seen if "runs in the eager loop" in str(w.message)]
    return found, told[0].partition("slower: ")[2] if told else ""


def check(
    example: Example, dtypes: Sequence[torch.dtype] = BOTH, gradcheck: bool = False
) -> Outcome:
    """Hold an example against the eager loop in float64.

    Args:
        example: The example.
        dtypes: Precisions of the kernel.
        gradcheck: Whether to compare the kernel's gradient with finite differences too.

    Raises:
        MismatchError: If they differ.
    """
    torch.manual_seed(example.seed)
    exact = make_layer(example)
    calls = [(call, inputs_of(example, call)) for call in example.calls]
    layers = {dtype: copy.deepcopy(exact).to(dtype) for dtype in dtypes}
    for number, (call, inputs) in enumerate(calls):
        with choice.eager_only():
            theirs = results(exact, call, inputs, example.seed)
        for dtype, layer in layers.items():
            mine = [t.detach().to(dtype).requires_grad_() for t in inputs]
            ours, reason = reason_for(lambda: results(layer, call, mine, example.seed))  # noqa: B023
            if reason:
                return Outcome(reason)
            compare(ours, theirs, dtype, f"call {number}")
    gradcheck = gradcheck and "detach" not in str(example.made)  # it is no derivative there
    if gradcheck:
        check_gradient(layers[torch.float64], *calls[0], example.seed)
    return Outcome("", gradcheck)


def check_gradient(layer: Recurrent, call: Call, inputs: list[Tensor], seed: int) -> None:
    """Compare the kernel's gradient with finite differences."""
    names, weights = zip(*layer.named_parameters(), strict=True)

    def run(*tensors: Tensor) -> tuple[Tensor, ...]:
        mine, others = tensors[: len(inputs)], tensors[len(inputs) :]
        parts = dict(zip(names, others, strict=True))
        module = Outputs(layer)
        found = torch.func.functional_call(
            module, {f"layer.{name}": part for name, part in parts.items()}, (call, mine, seed)
        )
        return tuple(o for o in found if o.requires_grad)

    torch.autograd.gradcheck(run, [*inputs, *weights], fast_mode=True)


class Outputs(torch.nn.Module):
    """A layer whose `forward` is `outputs`."""

    def __init__(self, layer: Recurrent) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, call: Call, inputs: tuple[Tensor, ...], seed: int) -> list[Tensor]:
        """See `outputs`."""
        return outputs(self.layer, call, list(inputs), seed)
